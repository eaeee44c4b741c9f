"""The linear probe: a logistic regression for every label, ranking by the cosine of label probabilities."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from algcn.datasets.features import Features
from algcn.evaluation.results import PRIMARY
from algcn.evaluation.retrieval import (
    Embedded,
    group,
    retrieval_map,
)

WEIGHT_DECAYS = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)
PROBE_STEPS = 60
FITS = 2 * len(WEIGHT_DECAYS)  # one for each modality and strength


def fit_linear_probe(features: Tensor, labels: Tensor, weight_decay: float, start: Tensor | float = 0.0) -> Tensor:
    """Weights of one logistic regression per label, fitted together by L-BFGS.

    Minimises the mean binary cross-entropy plus weight_decay / 2 · ‖W‖² (not the biases), summed over the labels.
    With `start` it fits what a score leaves open: the log-odds are x W + b + start.

    Args:
        features: N × d, standardised (`Standardiser`).
        labels: N × L of 0 and 1.
        weight_decay: Above 0.
        start: N × L log-odds that are known before.

    Returns:
        (d + 1) × L; the last row holds the biases.
    """
    labels = labels.float()
    inputs = torch.cat([features, torch.ones_like(features[:, :1])], dim=1)
    weights = torch.zeros(inputs.shape[1], labels.shape[1], device=features.device, requires_grad=True)
    optimizer = torch.optim.LBFGS([weights], max_iter=PROBE_STEPS, history_size=10, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = F.binary_cross_entropy_with_logits(inputs @ weights + start, labels) * labels.shape[1]
        loss = loss + weight_decay / 2 * weights[:-1].square().sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    return weights.detach()


@dataclass(frozen=True)
class Standardiser:
    """Centres features and divides all by one number: columns keep their relative size (rare words stay small)."""

    mean: Tensor
    scale: Tensor

    @classmethod
    def fit(cls, features: Tensor) -> Standardiser:
        """From N × d training features."""
        mean = features.mean(dim=0)
        return cls(mean, (features - mean).square().mean().sqrt().clamp(min=torch.finfo(features.dtype).tiny))

    def __call__(self, features: Tensor) -> Tensor:
        return (features - self.mean) / self.scale


def linear_probe(
    features: Features,
    relevance: Tensor,
    device: torch.device | str = "cpu",
    *,
    on_fit: Callable[[], None] | None = None,
) -> tuple[Embedded, dict[str, float]]:
    """Embed the test split as label probabilities.

    Args:
        features: with train, validation and test splits.
        relevance: the labels (column numbers) by which the strength is picked.
        device: where to compute.
        on_fit: called after each of `FITS` fits.

    Returns:
        The test items and the regularisation that was picked, by modality.

    The strengths for the two modalities are picked together: that pair whose average mAP on validation is highest.
    """
    training = features.select("train")
    training = training.rows(training.labels.any(dim=1).nonzero().flatten())
    held_out = {split: group(features.select(split), device) for split in ("validation", "test")}
    probabilities: dict[str, dict[float, dict[str, Tensor]]] = {}
    for modality in ("images", "texts"):
        rows = (training.image_features if modality == "images" else training.text_features).to(device)
        standardise = Standardiser.fit(rows)
        fitted = {}
        for strength in WEIGHT_DECAYS:
            fitted[strength] = fit_linear_probe(standardise(rows), training.labels.to(device), strength)
            if on_fit is not None:
                on_fit()
        probabilities[modality] = {
            strength: {
                split: torch.sigmoid(standardise(getattr(items, modality)) @ weights[:-1] + weights[-1])
                for split, items in held_out.items()
            }
            for strength, weights in fitted.items()
        }

    def at(split: str, images: float, texts: float) -> Embedded:
        items = held_out[split]
        return Embedded(
            probabilities["images"][images][split], probabilities["texts"][texts][split], items.owner, items.labels
        )

    pairs = [(images, texts) for images in WEIGHT_DECAYS for texts in WEIGHT_DECAYS]
    scores = [retrieval_map(at("validation", *pair).with_labels(relevance.to(device)))[PRIMARY] for pair in pairs]
    images, texts = pairs[max(range(len(pairs)), key=scores.__getitem__)]
    return at("test", images, texts), {"image": images, "text": texts}
