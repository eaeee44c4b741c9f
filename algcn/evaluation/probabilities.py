"""From the cosine of an item with a label's classifier to the probability that the item has the label.

Platt scaling (Platt 1999): p = σ(a s + b) with a slope and an intercept for each label and modality, fitted on held-out
items. Monotone, so it changes no ranking by one label; what it gives is numbers that can be compared between labels,
multiplied and summed.

N is the number of items, L of labels.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from algcn.kit.errors import InputError
from algcn.kit.tensors import not_finite

STEPS = 60
# A slope is drawn towards one standard deviation of the scores with the force of so many items.
PRIOR_ITEMS = 0.1
_SMALLEST_SPREAD = 1e-6
DIGITS = 6


@dataclasses.dataclass(frozen=True, eq=False)
class PlattScale:
    """p = σ(slope · score + intercept), one of each for every label."""

    slope: Tensor  # L
    intercept: Tensor  # L

    def logits(self, scores: Tensor) -> Tensor:
        """Return the log-odds of every label, N × L, of scores N × L."""
        return scores * self.slope.to(scores) + self.intercept.to(scores)

    def __call__(self, scores: Tensor) -> Tensor:
        """Return the probability of every label, N × L, of scores N × L."""
        return self.logits(scores).sigmoid()


def fit_platt(scores: Tensor, labels: Tensor) -> PlattScale:
    """Fit slope and intercept of every label by penalised maximum likelihood (L-BFGS).

    Scores are standardised by label first; the prior on the slope is 1 there. A label that no item has gets a
    probability near zero and a slope above it, so the order of its scores stays.

    Args:
        scores: N × L, N above 0.
        labels: N × L of 0 and 1, or probabilities of them.

    Raises:
        InputError: Sizes that do not fit, or a score that is no number.
    """
    if scores.shape != labels.shape or scores.ndim != 2 or not len(scores):
        raise InputError(
            f"Scores {tuple(scores.shape)} and labels {tuple(labels.shape)} must both be N × L, N above 0."
        )
    scores, labels = scores.double(), labels.to(scores.device).double()
    wrong = not_finite(scores)
    if wrong is not None:
        raise InputError(f"The scores {wrong}, so no probability can be fitted to them.")
    count = len(scores)
    mean = scores.mean(dim=0)
    spread = scores.std(dim=0, correction=0)
    spread = torch.where(spread > _SMALLEST_SPREAD, spread, 1.0)  # equal scores say nothing: their slope stays small
    standard = (scores - mean) / spread
    growth = torch.zeros_like(mean, requires_grad=True)  # the slope is its exponential: no order is turned round
    intercept = torch.logit((labels.sum(dim=0) + 0.5) / (count + 1)).requires_grad_()
    optimizer = torch.optim.LBFGS([growth, intercept], max_iter=STEPS, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        slope = growth.exp()
        loss = F.binary_cross_entropy_with_logits(standard * slope + intercept, labels, reduction="sum")
        loss = (loss + PRIOR_ITEMS * (slope - 1).square().sum()) / count
        loss.backward()
        return loss

    optimizer.step(closure)
    slope, intercept = growth.detach().exp(), intercept.detach()
    return PlattScale((slope / spread).float().cpu(), (intercept - slope * mean / spread).float().cpu())


def scales_to_json(scales: Mapping[str, PlattScale] | None) -> dict[str, Any]:
    """Return the scales by modality as a config.json has them."""
    return {
        modality: {
            name: [round(value, DIGITS) for value in getattr(scale, name).tolist()] for name in ("slope", "intercept")
        }
        for modality, scale in (scales or {}).items()
    }


def scales_from_json(value: Any, num_labels: int) -> dict[str, PlattScale]:
    """Read what `scales_to_json` gave, whatever a config.json says; empty where there is nothing.

    Raises:
        InputError: It is not a slope and an intercept for each label, by "image" and "text".
    """
    try:
        scales = {
            modality: PlattScale(*(torch.tensor(part[name], dtype=torch.float32) for name in ("slope", "intercept")))
            for modality, part in (value or {}).items()
        }
        fits = all(
            tensor.shape == (num_labels,) and bool(tensor.isfinite().all())
            for scale in scales.values()
            for tensor in (scale.slope, scale.intercept)
        )
        if not fits or not set(scales) <= {"image", "text"}:
            raise ValueError
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError, RuntimeError):  # the last is torch's own
        raise InputError(
            f"The probabilities of labels must be {num_labels} slopes and intercepts for pictures and for texts; "
            "restore the file."
        ) from None
    return scales
