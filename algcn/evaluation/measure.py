"""What a bundle's metrics.json says about a model: how well it retrieves, and what the encoder adds to its ranking.

The same numbers for every model and every user of them: `algcn.train` writes them, the page's Benchmark shows them.
"""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

import torch
from torch import Tensor

from algcn.datasets.features import SPLITS, Features
from algcn.evaluation.retrieval import (
    DEFINITIONS,
    Embedded,
    embed,
    embed_for_ranking,
    evaluate_embedded,
    recall_of_partners,
    relevance_columns,
    retrieval_map,
)
from algcn.features.encoder_files import HUB_PREFIX
from algcn.method.labels import LabelSet
from algcn.method.model import ALGCN

HELD_OUT = ("validation", "test")
# Of the encoder in the ranking; beside them the encoder alone.
TRIED_WEIGHTS = (0.0, 0.25, 0.5, 1.0, 2.0)


def measure_model(model: ALGCN, features: Features, which: str, device: torch.device | str = "cpu") -> dict[str, Any]:
    """Sizes of the splits, what the features are, retrieval on validation and test, and the ranking's trade-off.

    Args:
        model: in evaluation mode.
        features: what it was trained on, with the validation split that was used.
        which: the labels that decide relevance, "annotated" or "all"; the test split is also measured by all.
        device: where to compute.
    """
    label_set = features.label_set
    columns = relevance_columns(label_set, which)
    metrics: dict[str, Any] = {
        "items": split_sizes(features),
        "features": feature_sources(features),
        "relevance": [label_set[column].name for column in columns.tolist()],
        **measure_splits(model, features, columns, device),
        "definitions": DEFINITIONS,
    }
    test = features.select("test")
    if len(test) and len(columns) < len(label_set):
        everything = torch.arange(len(label_set))
        metrics["test_by_all_labels"] = _report(embed(test, model, device), label_set, everything)
    validation = features.select("validation")
    if len(validation) and has_own_space(features):
        metrics["ranking"] = {"split": "validation", "weights": ranking_tradeoff(model, validation, columns, device)}
    return metrics


def measure_splits(
    model: ALGCN, features: Features, columns: Tensor, device: torch.device | str = "cpu"
) -> dict[str, Any]:
    """What `evaluate_embedded` says about the splits that were held out, relevance by some of the labels."""
    parts = {split: features.select(split) for split in HELD_OUT}
    return {
        split: _report(embed(part, model, device), features.label_set, columns)
        for split, part in parts.items()
        if len(part)
    }


def split_sizes(features: Features) -> dict[str, dict[str, int]]:
    """How many images and texts each split has."""
    parts = {split: features.select(split) for split in SPLITS}
    return {split: {"images": len(set(part.file_names)), "texts": len(part)} for split, part in parts.items()}


def feature_sources(features: Features) -> dict[str, dict[str, Any]]:
    """What the features of each modality are, and how wide; "encoder" is the bundle's own, "unknown" as it came."""
    found = {}
    for modality, width in (("image", features.image_dim), ("text", features.text_dim)):
        source = features.encoder.get(modality) or ("encoder" if features.encoder.get("reference") else "unknown")
        # A folder is named without the way to it: a bundle travels, and where somebody keeps things is theirs.
        source = source if source.startswith(HUB_PREFIX) else PurePath(source).name
        found[modality] = {"source": source, "width": width}
    return found


def has_own_space(features: Features) -> bool:
    """Whether image and text features lie in one space, so that an encoder's own cosine means something."""
    return features.of_one_encoder and features.image_dim == features.text_dim


def ranking_tradeoff(
    model: ALGCN, features: Features, columns: Tensor, device: torch.device | str = "cpu"
) -> list[dict[str, Any]]:
    """Retrieval by the ranking for several weights of the encoder.

    Args:
        model: in evaluation mode.
        features: items of one split, of an encoder (`has_own_space`).
        columns: the labels that decide relevance.
        device: where to compute.

    Returns:
        For each weight `encoder_weight` (None: the encoder alone), `map` and `recall`.
    """
    found = []
    for weight in (*TRIED_WEIGHTS, None):
        items = embed(features, None, device) if weight is None else embed_for_ranking(features, model, weight, device)
        scores = retrieval_map(items.with_labels(columns.to(items.labels.device)))
        found.append({"encoder_weight": weight, "map": scores, "recall": recall_of_partners(items)})
    return found


def _report(embedded: Embedded, label_set: LabelSet, columns: Tensor) -> dict[str, Any]:
    names = [label_set[column].name for column in columns.tolist()]
    return evaluate_embedded(embedded.with_labels(columns.to(embedded.labels.device)), names)
