"""Measure a fitted method on a held-out split: mAP by relevance, recall of the own partner, AP of every query."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from algcn.datasets.features import Features
from algcn.evaluation.metrics import average_precision
from algcn.evaluation.ranking import BY_LABELS, Ranking, Weights
from algcn.evaluation.retrieval import Embedded, chance, group, recall_of_partners, retrieval_map
from algcn.study.methods import Fitted
from algcn.study.settings import Collection, Study, unseen

COSINE = Weights(common=1.0)
KERNEL = Weights(common=0.0, labels=1.0)
DIGITS = 5


def ranked(fitted: Fitted, features: Features, split: str, columns: Tensor, weights: Weights = BY_LABELS) -> Embedded:
    """Embed a split so that cosine ranks as the rule does, spreads measured on the split itself (no label is used)."""
    items = group(features.select(split))
    if not weights.labels:
        return replace(items, images=fitted.embeddings.image[split], texts=fitted.embeddings.text[split])
    images, texts = fitted.parts(split, columns)
    rule = Ranking.fit(images, texts, fitted.rarity, weights)
    return replace(items, images=rule.symmetric(images), texts=rule.symmetric(texts)).by_inner_product()


def measured(items: Embedded, columns: dict[str, Tensor], device: str = "cpu") -> dict[str, Any]:
    """Measure mAP for each definition of relevance ("all", "rest"), R@10 of both directions, and AP by query.

    Args:
        items: A split as a method embeds it.
        columns: The labels of each definition.
        device: Where to compute.

    Returns:
        "map" and "chance" by definition, "recall_at_10", and "per_image": for each definition the mean of an image's
        AP and its texts' AP, for paired tests; None where neither has a relevant item.
    """
    items = on(items, device)
    found: dict[str, Any] = {"map": {}, "chance": {}, "per_image": {}}
    for name, chosen in columns.items():
        part = items.with_labels(chosen)
        found["map"][name] = retrieval_map(part)["average"]
        found["chance"][name] = chance(part)
        found["per_image"][name] = _per_image(part)
    recall = recall_of_partners(items)
    found["recall_at_10"] = (recall.image_to_text["10"] + recall.text_to_image["10"]) / 2
    return found


def on(items: Embedded, device: str) -> Embedded:
    """Move items to a device."""
    return Embedded(*(part.to(device) for part in (items.images, items.texts, items.owner, items.labels)))


def restricted(items: Embedded, kept: Tensor) -> Embedded:
    """Take some of the images (a mask) and their texts."""
    texts = kept[items.owner]
    position = kept.long().cumsum(dim=0) - 1
    return Embedded(items.images[kept], items.texts[texts], position[items.owner[texts]], items.labels[kept])


def unseen_items(items: Embedded, collection: Collection, features: Features) -> Embedded:
    """Take the test items that nobody had looked at when defaults were chosen."""
    return restricted(items, unseen(collection, features.select("test")))


def best_strength(fitted: Fitted, study: Study, strengths: tuple[float, ...]) -> float:
    """Pick the strength of the graph among predicted labels whose ranking has the highest mAP on validation."""
    scores, columns = [], study.columns["all"]
    for strength in strengths:
        items = ranked(fitted.with_graph(strength, study.features), study.features, "validation", columns)
        scores.append(retrieval_map(on(items, study.device).with_labels(columns))["average"])
    return strengths[max(range(len(strengths)), key=scores.__getitem__)]


def standardised(scores: Tensor) -> Tensor:
    """Centre the scores of each label over items and divide by their spread, N × L."""
    return (scores - scores.mean(dim=0)) / scores.std(dim=0, correction=0).clamp(min=1e-6)


def picked_by_others(ap: Tensor) -> list[int]:
    """Pick for each of L labels that of S settings by which the other labels have the highest mean AP, S × L."""
    others = 1 - torch.eye(ap.shape[1], dtype=ap.dtype)
    return (ap.nan_to_num() @ others).argmax(dim=0).tolist()


def _per_image(items: Embedded) -> list[float | None]:
    from_images = average_precision(items.images, items.texts, items.labels, items.text_labels).per_query
    from_texts = average_precision(items.texts, items.images, items.text_labels, items.labels).per_query
    known = ~from_texts.isnan()
    sums = torch.zeros(len(items.images), dtype=torch.float64, device=items.images.device)
    counts = torch.zeros_like(sums)
    sums.index_add_(0, items.owner[known], from_texts[known])
    counts.index_add_(0, items.owner[known], torch.ones_like(from_texts[known]))
    both = (from_images + sums / counts) / 2
    return [None if value != value else round(value, DIGITS) for value in both.tolist()]
