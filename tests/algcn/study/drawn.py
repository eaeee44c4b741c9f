"""Items that are drawn: what their features show of their labels is known, and which labels come together."""

from __future__ import annotations

import torch
from torch.nn import functional

from algcn.datasets.features import Features
from algcn.method.labels import LabelSet
from algcn.study.language import Language

LABELS = LabelSet(["person", "sea", "boat", "harbor", "dog"])


def drawn(count: int = 240, seed: int = 0, unseen_label: int | None = None) -> Features:
    """Items whose features say something of their labels, but for one; boats are by the sea, harbors have boats."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.rand(count, len(LABELS), generator=generator) < 0.3
    labels[:, 2] |= labels[:, 3]
    labels[:, 1] |= labels[:, 2] & (torch.rand(count, generator=generator) < 0.8)
    labels[~labels.any(dim=1), 0] = True
    shown = labels.float()
    if unseen_label is not None:
        shown[:, unseen_label] = 0
    sides = [
        shown @ torch.randn(len(LABELS), 12, generator=generator) + torch.randn(count, 12, generator=generator) * 0.7
        for _ in range(2)
    ]
    split = ["train"] * (count // 2) + ["validation"] * (count // 4) + ["test"] * (count // 4)
    return Features(*sides, labels.to(torch.uint8), split, LABELS, [f"{number}.jpg" for number in range(count)])


def language(features: Features) -> Language:
    """Names as an encoder has them that knows what pictures of a label look like; captions that name what is there."""
    labels, images = features.labels.float(), features.image_features - features.image_features.mean(dim=0)
    return Language(functional.normalize(labels.T @ images, dim=1), features.labels.bool())
