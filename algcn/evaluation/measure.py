"""Measure a model for its record: how well it retrieves, and what the encoder adds to its ranking.

The same numbers for every model and every user of them: `algcn.train` writes them, the page's Benchmark shows them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePath

import torch
from torch import Tensor

from algcn.datasets.features import SPLITS, Features
from algcn.evaluation.probabilities import PlattScale
from algcn.evaluation.ranking import BALANCED, BY_LABELS, Ranking, Weights, rarity_among
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
    has_own_space,
    parts_of,
    recall_of_partners,
    relevance_columns,
    retrieval_map,
)
from algcn.features.encoder_files import HUB_PREFIX
from algcn.method.labels import LabelSet
from algcn.method.model import ALGCN

# Beside these, the encoder alone.
TRIED_WEIGHTS = (
    Weights(1, 0, 0),
    BY_LABELS,
    Weights(1, 0, BALANCED.encoder),
    *(BALANCED._replace(labels=weight) for weight in (0.25, 0.5, 1.0, 2.0, 4.0)),
)


def measure_model(
    model: ALGCN,
    features: Features,
    which: str,
    device: torch.device | str = "cpu",
    *,
    ranking: Ranking,
    scales: Mapping[str, PlattScale],
) -> Record:
    """Measure a model: the splits' sizes, what the features are, retrieval on validation and test, the ranking.

    Args:
        model: In evaluation mode.
        features: What it was trained on, with the validation split that was used.
        which: The labels that decide relevance, "annotated" or "all"; the test split is also measured by all.
        device: Where to compute.
        ranking: What a search ranks by (`algcn.evaluation.fitting`).
        scales: From cosines of labels to probabilities; without any, ranking by labels is not measured.
    """
    label_set = features.label_set
    columns = relevance_columns(label_set, which)
    held_out = measure_splits(model, features, columns, device)
    test, by_all_labels = features.select("test"), None
    if len(test) and len(columns) < len(label_set):
        everything = torch.arange(len(label_set))
        by_all_labels = _result(embed(test, model, device), label_set, everything)
    tradeoff, by_labels = measure_ranking(model, features, which, ranking, scales, device)
    return Record(
        items=split_sizes(features),
        features=feature_sources(features),
        relevance=tuple(label_set[column].name for column in columns.tolist()),
        validation=held_out.validation,
        test=held_out.test,
        definitions=DEFINITIONS,
        test_by_all_labels=by_all_labels,
        ranked_by_labels=by_labels,
        ranking=tradeoff,
    )


def measure_ranking(
    model: ALGCN,
    features: Features,
    which: str,
    ranking: Ranking,
    scales: Mapping[str, PlattScale],
    device: torch.device | str = "cpu",
) -> tuple[RankingTradeoff | None, HeldOut | None]:
    """Measure the rule of ranking: what its weights trade on validation, and the held-out splits ranked by labels.

    Args:
        model: In evaluation mode.
        features: What it was trained on.
        which: The labels that decide relevance, "annotated" or "all".
        ranking: What a search ranks by.
        scales: From cosines of labels to probabilities.
        device: Where to compute.

    Returns:
        None for the trade-off where the features share no space of their own, and for the splits without scales.
    """
    columns = relevance_columns(features.label_set, which)
    validation, tradeoff = features.select("validation"), None
    if len(validation) and has_own_space(features):
        tried = ranking_tradeoff(model, validation, ranking, scales, columns, device)
        tradeoff = RankingTradeoff("validation", tried)
    if not scales:
        return tradeoff, None
    measured = {}
    for split in HELD_OUT:
        part = features.select(split)
        if len(part):
            embedded = embed_by_labels(part, model, ranking, scales, columns, device)
            measured[split] = _result(embedded, features.label_set, columns)
    return tradeoff, HeldOut(**measured)


def embed_by_labels(
    features: Features,
    model: ALGCN,
    ranking: Ranking,
    scales: Mapping[str, PlattScale],
    columns: Tensor,
    device: torch.device | str = "cpu",
) -> Embedded:
    """Embed items so that cosine ranks by the labels that two of them probably share, and by the common space.

    Args:
        features: The items. Their labels are not looked at; their spread of scores is.
        model: In evaluation mode.
        ranking: The model's rule, for how rare its labels are.
        scales: From cosines of labels to probabilities.
        columns: The model's labels that count.
        device: Where to compute.
    """
    rule = replace(ranking, weights=BY_LABELS, rarity=rarity_among(ranking.rarity, columns))
    own = Ranking.fit(*parts_of(features, model, rule, scales, device), rule.rarity, BY_LABELS)
    return embed_for_ranking(features, model, own, scales, device).by_inner_product()


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


def ranking_tradeoff(
    model: ALGCN,
    features: Features,
    ranking: Ranking,
    scales: Mapping[str, PlattScale],
    columns: Tensor,
    device: torch.device | str = "cpu",
) -> tuple[TriedWeight, ...]:
    """Measure retrieval by the ranking for several weights of labels and encoder, and by the encoder alone.

    Args:
        model: In evaluation mode.
        features: Items of one split, of an encoder (`has_own_space`).
        ranking: The rule, with whatever weights; all labels count in it, as on the page.
        scales: From cosines of labels to probabilities; without any, weights of labels are not tried.
        columns: The labels that decide relevance.
        device: Where to compute.
    """
    found = []
    for weights in (*TRIED_WEIGHTS, None):
        if weights is None:
            items = embed(features, None, device)
        elif weights.labels and not scales:
            continue
        else:
            rule = replace(ranking, weights=weights)
            items = embed_for_ranking(features, model, rule, scales, device).by_inner_product()
        scores = retrieval_map(items.with_labels(columns.to(items.labels.device)))
        of_labels, of_encoder = (None, None) if weights is None else (weights.labels, weights.encoder)
        found.append(TriedWeight(of_encoder, MeanAveragePrecision(**scores), recall_of_partners(items), of_labels))
    return tuple(found)


def _result(embedded: Embedded, label_set: LabelSet, columns: Tensor) -> SplitResult:
    names = [label_set[column].name for column in columns.tolist()]
    return evaluate_embedded(embedded.with_labels(columns.to(embedded.labels.device)), names)
