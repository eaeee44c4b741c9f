"""Measure retrieval: mAP with its chance level, recall, precision-recall, of items embedded in one space."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from algcn.datasets.features import Features
from algcn.evaluation.metrics import AveragePrecision, average_precision, chance_level, precision_recall, recall_at_k
from algcn.evaluation.ranking import ranking_vectors
from algcn.kit.errors import InputError
from algcn.method.labels import LabelSet
from algcn.method.model import ALGCN

SPACES = ("common", "encoder", "ranking")
RELEVANCE = ("annotated", "all")
RECALL_AT = (1, 5, 10)
CURVE_POINTS = 21
RANDOM_WIDTH = 128  # of vectors whose order is as good as random
DEFINITIONS = {
    "map": "mean average precision over the whole ranking by cosine; relevant = at least one label in common; "
    "queries without a label are left out",
    "chance": "expected mAP of a random ranking, exact, average of both directions",
    "precision_recall": "interpolated precision (the highest at this recall or any above) at 21 levels of recall, mean "
    "over queries; chance: one random ranking of the same items",
    "recall": "share of queries that find one of their own partners among the first k",
}


@dataclass(frozen=True)
class Embedded:
    """M images and their N texts in one space, on one device."""

    images: Tensor  # M × d
    texts: Tensor  # N × d
    owner: Tensor  # N, the image of each text
    labels: Tensor  # M × L

    @property
    def text_labels(self) -> Tensor:
        """The labels of each text are those of its image, N × L."""
        return self.labels[self.owner]

    def with_labels(self, columns: Tensor) -> Embedded:
        """The same items, relevance by some of the labels only (indices or a mask)."""
        return replace(self, labels=self.labels[:, columns])


def relevance_columns(label_set: LabelSet, which: str) -> Tensor:
    """The labels that decide what is relevant: `all`, or those `annotated` by people (all, where none is)."""
    annotated = [column for column, label in enumerate(label_set) if label.source == "annotated"]
    return torch.tensor(annotated if which == "annotated" and annotated else range(len(label_set)))


def group(features: Features, device: torch.device | str = "cpu") -> Embedded:
    """Unique images and all texts with their features as they are, of whatever two widths."""
    first, owner = features.first_rows()
    return Embedded(
        images=features.image_features[first].to(device),
        texts=features.text_features.to(device),
        owner=owner.to(device),
        labels=features.labels[first].to(device),
    )


@torch.no_grad()
def embed(features: Features, model: ALGCN | None, device: torch.device | str = "cpu") -> Embedded:
    """Features in a model's common space, or as they are where the model is None (then both must be equally wide).

    Raises:
        InputError: the features do not fit the model or, without one, each other.
    """
    items = group(features, device)
    if model is None:
        if features.image_dim != features.text_dim:
            raise InputError(
                f"image features ({features.image_dim} wide) and text features ({features.text_dim} wide) share no "
                "space of their own; use --space common"
            )
        return items
    features.check_widths(model.config.image_dim, model.config.text_dim)
    return embed_items(items, model)


@torch.no_grad()
def embed_items(items: Embedded, model: ALGCN) -> Embedded:
    """Items with their features as they are (`group`), in a model's common space."""
    return replace(items, images=model.embed_image(items.images), texts=model.embed_text(items.texts))


def embed_for_ranking(
    features: Features, model: ALGCN, encoder_weight: float, device: torch.device | str = "cpu"
) -> Embedded:
    """Features as the page ranks them: by the common space and the encoder together (see `algcn.evaluation.ranking`).

    Raises:
        InputError: the features do not fit the model, or share no space of their own, or the weight is none.
    """
    common, encoder = embed(features, model, device), embed(features, None, device)
    images, texts = (
        ranking_vectors(functional.normalize(embeddings, dim=1), functional.normalize(own, dim=1), encoder_weight)
        for embeddings, own in ((common.images, encoder.images), (common.texts, encoder.texts))
    )
    return replace(common, images=images, texts=texts)


def retrieval_map(embedded: Embedded) -> dict[str, float]:
    """mAP@all: `image_to_text`, `text_to_image` and their `average`."""
    return _map(*_average_precisions(embedded))


def evaluate_embedded(embedded: Embedded, label_names: Sequence[str] | None = None) -> dict[str, Any]:
    """Everything the command reports about retrieval.

    Returns:
        `images` and `texts` (how many), `recall`, and where some image has a label also `map` (with `chance`),
        `precision_recall` (levels of `recall`, precision by direction, and `chance`) and, with `label_names`,
        `per_label` (mean AP of the queries that have the label, by direction).
    """
    report: dict[str, Any] = {"images": len(embedded.images), "texts": len(embedded.texts)}
    if embedded.labels.any():
        from_images, from_texts = _average_precisions(embedded)
        report["map"] = {**_map(from_images, from_texts), "chance": chance(embedded)}
        report["precision_recall"] = _curves(embedded)
        report["queries_left_out"] = {"image_to_text": from_images.skipped, "text_to_image": from_texts.skipped}
        if label_names is not None:
            report["per_label"] = {
                "image_to_text": _by_name(label_names, from_images.per_label(embedded.labels)),
                "text_to_image": _by_name(label_names, from_texts.per_label(embedded.text_labels)),
            }
    report["recall"] = recall_of_partners(embedded)
    return report


def evaluate_retrieval(
    features: Features, model: ALGCN | None = None, which: str = "annotated", device: torch.device | str = "cpu"
) -> dict[str, Any]:
    """Measure how well a model retrieves, in its common space; what comes back is that of `evaluate_embedded`.

    Args:
        features: items of one split (`Features.select`).
        model: in evaluation mode; without one, the features are measured as they are.
        which: the labels that decide relevance, "annotated" or "all".
        device: where to compute.

    Raises:
        InputError: the features do not fit the model or, without one, each other.

    Example:
        >>> features = Features(
        ...     image_features=torch.rand(6, 8),
        ...     text_features=torch.rand(6, 8),
        ...     labels=torch.eye(2, dtype=torch.uint8).repeat(3, 1),
        ...     split=["test"] * 6,
        ...     label_set=LabelSet(["dog", "beach"]),
        ...     file_names=[f"{number}.jpg" for number in range(6)],
        ... )
        >>> sorted(evaluate_retrieval(features)["map"])
        ['average', 'chance', 'image_to_text', 'text_to_image']
    """
    columns = relevance_columns(features.label_set, which)
    embedded = embed(features, model, device).with_labels(columns.to(device))
    return evaluate_embedded(embedded, [features.label_set[column].name for column in columns.tolist()])


def recall_of_partners(embedded: Embedded) -> dict[str, dict[str, float]]:
    """By direction and depth ("1", "5", "10"), the share of queries that find one of their own partners."""
    images, texts, owner = embedded.images, embedded.texts, embedded.owner
    own = torch.arange(len(images), device=owner.device)
    return {
        "image_to_text": _text_keys(recall_at_k(images, texts, own, owner, RECALL_AT)),
        "text_to_image": _text_keys(recall_at_k(texts, images, owner, own, RECALL_AT)),
    }


def chance(embedded: Embedded) -> float:
    """Expected mAP of a random ranking, average of both directions."""
    labels, text_labels = embedded.labels, embedded.text_labels
    return (chance_level(labels, text_labels) + chance_level(text_labels, labels)) / 2


def _curves(embedded: Embedded) -> dict[str, Any]:
    """Precision at levels of recall by direction, and that of a random ranking."""
    generator = torch.Generator().manual_seed(0)
    drawn = {
        name: torch.randn(len(getattr(embedded, name)), RANDOM_WIDTH, generator=generator).to(embedded.owner.device)
        for name in ("images", "texts")
    }
    recall, chance_curves = _precision_recall(replace(embedded, **drawn))
    return {"recall": recall, **_precision_recall(embedded)[1], "chance": chance_curves}


def _precision_recall(embedded: Embedded) -> tuple[list[float], dict[str, list[float]]]:
    labels, text_labels = embedded.labels, embedded.text_labels
    curves = {
        "image_to_text": precision_recall(embedded.images, embedded.texts, labels, text_labels, CURVE_POINTS),
        "text_to_image": precision_recall(embedded.texts, embedded.images, text_labels, labels, CURVE_POINTS),
    }
    recall, _ = curves["image_to_text"]
    rounded = {name: [round(value, 5) for value in precision.tolist()] for name, (_, precision) in curves.items()}
    return [round(level, 5) for level in recall.tolist()], rounded


def _average_precisions(embedded: Embedded) -> tuple[AveragePrecision, AveragePrecision]:
    """Image to text, text to image."""
    labels, text_labels = embedded.labels, embedded.text_labels
    return (
        average_precision(embedded.images, embedded.texts, labels, text_labels),
        average_precision(embedded.texts, embedded.images, text_labels, labels),
    )


def _map(from_images: AveragePrecision, from_texts: AveragePrecision) -> dict[str, float]:
    both = {"image_to_text": from_images.mean, "text_to_image": from_texts.mean}
    return {**both, "average": (both["image_to_text"] + both["text_to_image"]) / 2}


def _by_name(names: Sequence[str], values: Tensor) -> dict[str, float | None]:
    """NaN, a label that no query has, is null: JSON has no NaN."""
    return {name: None if math.isnan(value) else value for name, value in zip(names, values.tolist(), strict=True)}


def _text_keys(recall: dict[int, float]) -> dict[str, float]:
    return {str(k): value for k, value in recall.items()}


def summary(report: dict[str, Any]) -> str:
    """A few lines for a terminal."""
    named = f" of {report['split_name']}" if report.get("split_name") else ""
    lines = [
        f"{report['images']} images, {report['texts']} texts, split {report['split']}{named}, {report['space']} space"
    ]
    if "map" in report:
        scores = report["map"]
        lines.append(
            f"mAP     image→text {scores['image_to_text']:.3f}   text→image {scores['text_to_image']:.3f}   "
            f"average {scores['average']:.3f}   (random ranking {scores['chance']:.3f})"
        )
    else:
        lines.append("mAP     not measured: no item has a label")
    for title, key in (("image→text", "image_to_text"), ("text→image", "text_to_image")):
        shares = "   ".join(f"R@{k} {value:.3f}" for k, value in report["recall"][key].items())
        lines.append(f"recall  {title} {shares}")
    return "\n".join(lines)
