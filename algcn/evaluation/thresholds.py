"""Score thresholds above which a label is predicted.

ALGCN's scores are cosines that cap near 1/√k for an item with k labels, so no single cut-off fits all labels: each
gets the one that makes its F1 largest on held-out items.
"""

from __future__ import annotations

import torch
from torch import Tensor

from algcn.kit.errors import InputError


def fit_thresholds(scores: Tensor, labels: Tensor) -> Tensor:
    """Fit for each label the threshold of largest F1; `score >= threshold` predicts the label.

    The threshold lies midway between two neighbouring scores. Of several with the same F1 the highest is taken.

    Args:
        scores: N × L.
        labels: N × L of 0 and 1.

    Returns:
        L thresholds, float64; NaN for a label that no item has.
    """
    if scores.shape != labels.shape or scores.ndim != 2 or not len(scores):
        raise InputError(
            f"Scores {tuple(scores.shape)} and labels {tuple(labels.shape)} must both be N × L, N above 0."
        )
    scores, labels = scores.double(), labels.double()
    ranked, order = scores.sort(dim=0, descending=True, stable=True)
    found = labels.gather(0, order).cumsum(dim=0)
    predicted = torch.arange(1, len(scores) + 1, device=scores.device)[:, None]
    f1 = 2 * found / (predicted + labels.sum(dim=0))
    below = torch.cat([ranked[1:], ranked[-1:]])
    tied = ranked == below  # no threshold separates equal scores
    tied[-1] = False
    best = f1.masked_fill(tied, -1).argmax(dim=0, keepdim=True)
    thresholds = (ranked.gather(0, best) + below.gather(0, best)).squeeze(0) / 2
    return torch.where(labels.any(dim=0), thresholds, torch.nan)
