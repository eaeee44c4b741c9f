"""Fold near-duplicates in a ranking: recompressed, cropped or redrawn copies go behind the best of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

# Cosine of the encoder's features. Of ten million pairs of different photos (COCO) four reach it with the pocket
# encoder; of copies that were saved again at JPEG quality 40, or lost 5 % on every side, nine in ten do.
NEAR_DUPLICATE = 0.94
_BLOCK, _CHUNK = 64, 4096


def fold(
    ranking: Sequence[int] | NDArray[np.int64],
    features: NDArray[np.float32],
    count: int,
    threshold: float = NEAR_DUPLICATE,
) -> list[list[int]]:
    """Return the first `count` groups of a ranking: a picture, then its near-duplicates in their order.

    Every picture belongs to the best-ranked one that leads a group and is near enough, so the groups of a smaller
    `count` come first in those of a larger one and only gain members.

    Args:
        ranking: Positions in `features`, the best first.
        features: N × e, L2-normalised.
        count: How many groups at most.
        threshold: Cosine from which two pictures are near-duplicates.
    """
    ranking = np.asarray(ranking, np.int64)
    leaders: list[int] = []
    for start in range(0, len(ranking), _BLOCK):
        block = ranking[start : start + _BLOCK]
        vectors = features[block]
        covered = np.zeros(len(block), np.bool_)
        if leaders:
            covered = (vectors @ features[leaders].T >= threshold).any(axis=1)
        near = vectors @ vectors.T >= threshold
        for position in range(len(block)):
            if len(leaders) == count:
                break
            if not covered[position]:
                leaders.append(int(block[position]))
                covered |= near[position]
        if len(leaders) == count:
            break
    groups = [[leader] for leader in leaders]
    if not leaders:
        return groups
    lead = set(leaders)
    for start in range(0, len(ranking), _CHUNK):
        chunk = ranking[start : start + _CHUNK]
        near = features[chunk] @ features[leaders].T >= threshold
        first = near.argmax(axis=1)
        for position in np.flatnonzero(near.any(axis=1)).tolist():
            if int(chunk[position]) not in lead:
                groups[int(first[position])].append(int(chunk[position]))
    return groups
