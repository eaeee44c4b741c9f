"""Several pictures of the gallery as one part of a query."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from algcn.gallery.rows import inner_products
from app.search.reading import Part

NEAREST = 24
# Beside the labels of the pictures, which do most. On Postcards, 60 names of labels, each with three of the first 24
# results marked that show another label too (python -m tests.benchmarks.marked): of the first 24, that label falls from
# 36 % to 10 %, the one that was asked for from 98 % to 94 %.
PICTURES_AWAY = 0.25


def mean_part(parts: Sequence[Part]) -> Part:
    """Make one part of a query from several pictures; a single one stays as it is.

    Of embeddings and features the mean direction counts, of labels the mean probability: what all of them show.
    """
    if len(parts) == 1:
        return parts[0]
    embedding, features, probabilities = (
        torch.cat([getattr(part, name) for part in parts]).mean(dim=0, keepdim=True)
        for name in ("embedding", "features", "probabilities")
    )
    return Part("image", functional.normalize(features, dim=1), functional.normalize(embedding, dim=1), probabilities)


def nearest(embedding: Tensor, gallery: Tensor, without: Sequence[int]) -> list[int]:
    """Find the pictures of a gallery that are nearest to a query in the common space, 1 × d, but for some."""
    cosines = inner_products(gallery, embedding[0])
    cosines[list(without)] = -torch.inf
    count = min(NEAREST, len(gallery) - len(set(without)))
    return cosines.topk(count).indices.tolist()


def set_apart(unwanted: Part, typical: Part) -> Part:
    """Leave of pictures that are not wanted what sets them apart from what else was found: the rest is wanted.

    Who asks for dogs and marks three dogs on a beach wants no beach.
    """
    embedding, features = (
        functional.normalize(getattr(unwanted, name) - getattr(typical, name), dim=1)
        for name in ("embedding", "features")
    )
    probabilities = (unwanted.probabilities - typical.probabilities).clamp(min=0)
    return Part("image", features, embedding, probabilities)
