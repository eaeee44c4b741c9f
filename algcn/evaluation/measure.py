"""Measure a model for its record: how well it retrieves, and what the encoder adds to its ranking.

The same numbers for every model and every user of them: `algcn.train` writes them, the page's Benchmark shows them.
"""

from __future__ import annotations

from pathlib import PurePath

import torch
from torch import Tensor

from algcn.datasets.features import SPLITS, Features
from algcn.evaluation.record import (
    HELD_OUT,
    FeatureSource,
    FeatureSources,
    HeldOut,
    RankingTradeoff,
    Record,
    SplitSizes,
    TriedWeight,
)
from algcn.evaluation.results import MeanAveragePrecision, SplitResult
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

# Of the encoder in the ranking; beside them the encoder alone.
TRIED_WEIGHTS = (0.0, 0.25, 0.5, 1.0, 2.0)


def measure_model(model: ALGCN, features: Features, which: str, device: torch.device | str = "cpu") -> Record:
    """Measure a model: the splits' sizes, what the features are, retrieval on validation and test, the ranking.

    Args:
        model: In evaluation mode.
        features: What it was trained on, with the validation split that was used.
        which: The labels that decide relevance, "annotated" or "all"; the test split is also measured by all.
        device: Where to compute.
    """
    label_set = features.label_set
    columns = relevance_columns(label_set, which)
    held_out = measure_splits(model, features, columns, device)
    test, validation = features.select("test"), features.select("validation")
    by_all_labels, ranking = None, None
    if len(test) and len(columns) < len(label_set):
        everything = torch.arange(len(label_set))
        by_all_labels = _result(embed(test, model, device), label_set, everything)
    if len(validation) and has_own_space(features):
        ranking = RankingTradeoff("validation", ranking_tradeoff(model, validation, columns, device))
    return Record(
        items=split_sizes(features),
        features=feature_sources(features),
        relevance=tuple(label_set[column].name for column in columns.tolist()),
        validation=held_out.validation,
        test=held_out.test,
        definitions=DEFINITIONS,
        test_by_all_labels=by_all_labels,
        ranking=ranking,
    )


def measure_splits(model: ALGCN, features: Features, columns: Tensor, device: torch.device | str = "cpu") -> HeldOut:
    """Measure retrieval on the splits that were held out and have items, relevance by some of the labels."""
    parts = {split: features.select(split) for split in HELD_OUT}
    return HeldOut(
        **{
            split: _result(embed(part, model, device), features.label_set, columns)
            for split, part in parts.items()
            if len(part)
        }
    )


def split_sizes(features: Features) -> dict[str, SplitSizes]:
    """Count the images and texts of each split."""
    parts = {split: features.select(split) for split in SPLITS}
    return {split: SplitSizes(images=len(set(part.file_names)), texts=len(part)) for split, part in parts.items()}


def feature_sources(features: Features) -> FeatureSources:
    """Say what the features of each modality are, and how wide; "encoder" is the bundle's own; else "unknown"."""
    found = {}
    for modality, width in (("image", features.image_dim), ("text", features.text_dim)):
        source = features.encoder.get(modality) or ("encoder" if features.encoder.get("reference") else "unknown")
        # A folder is named without the way to it: a bundle travels, and where somebody keeps things is theirs.
        source = source if source.startswith(HUB_PREFIX) else PurePath(source).name
        found[modality] = FeatureSource(source, width)
    return FeatureSources(**found)


def has_own_space(features: Features) -> bool:
    """Tell whether image and text features lie in one space, so that an encoder's own cosine means something."""
    return features.of_one_encoder and features.image_dim == features.text_dim


def ranking_tradeoff(
    model: ALGCN, features: Features, columns: Tensor, device: torch.device | str = "cpu"
) -> tuple[TriedWeight, ...]:
    """Measure retrieval by the ranking for several weights of the encoder, and by the encoder alone.

    Args:
        model: In evaluation mode.
        features: Items of one split, of an encoder (`has_own_space`).
        columns: The labels that decide relevance.
        device: Where to compute.
    """
    found = []
    for weight in (*TRIED_WEIGHTS, None):
        items = embed(features, None, device) if weight is None else embed_for_ranking(features, model, weight, device)
        scores = retrieval_map(items.with_labels(columns.to(items.labels.device)))
        found.append(TriedWeight(weight, MeanAveragePrecision(**scores), recall_of_partners(items)))
    return tuple(found)


def _result(embedded: Embedded, label_set: LabelSet, columns: Tensor) -> SplitResult:
    names = [label_set[column].name for column in columns.tolist()]
    return evaluate_embedded(embedded.with_labels(columns.to(embedded.labels.device)), names)
