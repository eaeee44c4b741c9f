"""Fit what a trained model ranks by on held-out items: label probabilities, spreads and rarity."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional

from algcn.datasets.features import Features
from algcn.evaluation.probabilities import PlattScale, fit_platt
from algcn.evaluation.ranking import BALANCED, Ranking, Weights, rarity
from algcn.evaluation.retrieval import embed, has_own_space, parts_of
from algcn.method.model import ALGCN


def fit_probabilities(
    model: ALGCN, features: Features, device: torch.device | str = "cpu", soft_labels: Tensor | None = None
) -> dict[str, PlattScale]:
    """Fit from cosines to probabilities on the validation split, "image" and "text"; empty where it has no label.

    Args:
        model: In evaluation mode.
        features: With a validation split.
        device: Where to compute.
        soft_labels: The labels of the validation split's rows where some were imputed, M × L of 0 to 1.
    """
    validation = features.select("validation")
    if not validation.labels.any():
        return {}
    items = embed(validation, model, device)
    if soft_labels is not None:
        first, _ = validation.first_rows()
        items = dataclasses.replace(items, labels=soft_labels[first].to(device))
    with torch.no_grad():
        classifiers = functional.normalize(model.classifiers(), dim=1)
    sides = {"image": (items.images, items.labels), "text": (items.texts, items.text_labels)}
    return {
        modality: fit_platt(functional.normalize(embeddings, dim=1) @ classifiers.T, labels)
        for modality, (embeddings, labels) in sides.items()
    }


def fit_ranking(
    model: ALGCN,
    features: Features,
    scales: Mapping[str, PlattScale],
    weights: Weights,
    device: torch.device | str = "cpu",
) -> Ranking:
    """Make the rule of ranking: rarity from the labels of the train split, spreads from the validation split.

    Args:
        model: In evaluation mode.
        features: With a train and a validation split.
        scales: What `fit_probabilities` returned.
        weights: How much each part counts.
        device: Where to compute.
    """
    training, validation = features.select("train"), features.select("validation")
    first, _ = training.first_rows()
    known = rarity(training.labels[first])
    unmeasured = Ranking(weights, Weights(1.0, 1.0, 1.0), known)
    if not len(validation):
        return unmeasured
    return Ranking.fit(*parts_of(validation, model, unmeasured, scales, device), known, weights)


def fitting_weights(features: Features, scales: Mapping[str, PlattScale]) -> Weights:
    """Let count in the ranking what there is: probabilities of labels, and an encoder that reads both sides."""
    encoder = BALANCED.encoder if has_own_space(features) else 0.0
    return BALANCED._replace(encoder=encoder, labels=BALANCED.labels if scales else 0.0)
