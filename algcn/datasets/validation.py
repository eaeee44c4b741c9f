"""Take a validation split from train, by image, where the data name none."""

from __future__ import annotations

import dataclasses

import torch

from algcn.datasets.features import Features

VALIDATION_SHARE = 0.1


def carve_validation(features: Features, share: float = VALIDATION_SHARE, seed: int = 103) -> Features:
    """Move `share` of the labelled training images, with all their texts, to the validation split.

    Images are drawn at random; one that holds the last training example of a label stays.
    """
    first, owner = features.first_rows()
    images = [image for image, row in enumerate(first) if features.split[row] == "train" and features.labels[row].any()]
    labels = features.labels[first].long()
    support = labels[images].sum(dim=0)
    taken: set[int] = set()
    for position in torch.randperm(len(images), generator=torch.Generator().manual_seed(seed)).tolist():
        if len(taken) >= round(share * len(images)):
            break
        row = labels[images[position]]
        if (support[row > 0] > 1).all():
            support -= row
            taken.add(images[position])
    split = [
        "validation" if image in taken else name for image, name in zip(owner.tolist(), features.split, strict=True)
    ]
    return dataclasses.replace(features, split=split)
