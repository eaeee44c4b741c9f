"""Measure retrieval: mAP with its chance level, recall, precision-recall, of items embedded in one space."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional

from algcn.datasets.features import Features
from algcn.evaluation.metrics import AveragePrecision, average_precision, chance_level, precision_recall, recall_at_k
from algcn.evaluation.probabilities import PlattScale
from algcn.evaluation.ranking import Parts, Ranking, equally_long
from algcn.evaluation.results import AveragePrecisions, Both, Curves, MeasuredMap, Recall, SplitResult
from algcn.evaluation.sharing import Shared, alone
from algcn.kit.errors import InputError
from algcn.method.labels import LabelSet
from algcn.method.model import ALGCN

RANKED_BY = {
    "common": "the common space",
    "labels": "the labels that two items probably share",
    "encoder": "the encoder alone",
    "ranking": "labels, common space and encoder, as the page does",
}
SPACES = tuple(RANKED_BY)
RELEVANCE = ("annotated", "all")
RECALL_AT = (1, 5, 10)
CURVE_POINTS = 21
RANDOM_WIDTH = 128  # of vectors whose order is as good as random
DEFINITIONS = {
    "map": "mean average precision over the whole ranking by cosine; relevant = at least one label in common; "
    "queries without a label are left out; equal cosines: the mean over all their orders (McSherry and Najork 2008)",
    "chance": "expected mAP of a random ranking, exact, average of both directions",
    "precision_recall": "interpolated precision (the highest at this recall or any above) at 21 levels of recall, mean "
    "over queries; equal cosines: precision and recall expected at each rank; chance: one random ranking of the same "
    "items",
    "recall": "share of queries that find one of their own partners among the first k; equal cosines: the share of "
    "their orders in which one is found",
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

    def by_inner_product(self) -> Embedded:
        """The same items made equally long, so that what ranks by cosine ranks by their inner products."""
        images, texts = equally_long(self.images, self.texts)
        return replace(self, images=images, texts=texts)


def relevance_columns(label_set: LabelSet, which: str) -> Tensor:
    """Number the labels that decide what is relevant: `all`, or those `annotated` by people (all, where none is)."""
    annotated = [column for column, label in enumerate(label_set) if label.source == "annotated"]
    return torch.tensor(annotated if which == "annotated" and annotated else range(len(label_set)))


def group(features: Features, device: torch.device | str = "cpu") -> Embedded:
    """Take unique images and all texts with their features as they are, of whatever two widths."""
    first, owner = features.first_rows()
    return Embedded(
        images=features.image_features[first].to(device),
        texts=features.text_features.to(device),
        owner=owner.to(device),
        labels=features.labels[first].to(device),
    )


@torch.no_grad()
def embed(features: Features, model: ALGCN | None, device: torch.device | str = "cpu") -> Embedded:
    """Embed features in a model's common space, or leave them as they are where the model is None.

    Raises:
        InputError: The features do not fit the model or, without one, are not equally wide.
    """
    items = group(features, device)
    if model is None:
        if features.image_dim != features.text_dim:
            raise InputError(
                f"Image features ({features.image_dim} wide) and text features ({features.text_dim} wide) share no "
                "space of their own; use --space common."
            )
        return items
    features.check_widths(model.config.image_dim, model.config.text_dim)
    return embed_items(items, model)


@torch.no_grad()
def embed_items(items: Embedded, model: ALGCN, shared: Shared = alone) -> Embedded:
    """Embed items with their features as they are (`group`) in a model's common space."""
    return replace(
        items,
        images=shared(lambda rows: model.embed_image(items.images[rows]), len(items.images)),
        texts=shared(lambda rows: model.embed_text(items.texts[rows]), len(items.texts)),
    )


@torch.no_grad()
def parts_of(
    features: Features,
    model: ALGCN,
    ranking: Ranking,
    scales: Mapping[str, PlattScale],
    device: torch.device | str = "cpu",
) -> tuple[Parts, Parts]:
    """Describe images and texts as a rule of ranking sees them.

    Args:
        features: The items.
        model: In evaluation mode.
        ranking: The rule; where it gives the encoder no weight, the features need share no space.
        scales: "image" and "text", from the cosines of labels to their probabilities; without one, a side shares no
            label with anything.
        device: Where to compute.

    Raises:
        InputError: The features do not fit the model, or share no space of their own and the encoder has a weight.
    """
    common = embed(features, model, device)
    own = embed(features, None, device) if ranking.weights.encoder or has_own_space(features) else None
    classifiers = functional.normalize(model.classifiers(), dim=1)

    def side(embeddings: Tensor, scale: PlattScale | None, encoded: Tensor | None) -> Parts:
        embeddings = functional.normalize(embeddings, dim=1)
        scores = embeddings @ classifiers.T
        probabilities = torch.zeros_like(scores) if scale is None else scale(scores)
        return ranking.parts(embeddings, probabilities, scores[:, :0] if encoded is None else encoded)

    return (
        side(common.images, scales.get("image"), own and own.images),
        side(common.texts, scales.get("text"), own and own.texts),
    )


def embed_for_ranking(
    features: Features,
    model: ALGCN,
    ranking: Ranking,
    scales: Mapping[str, PlattScale],
    device: torch.device | str = "cpu",
) -> Embedded:
    """Embed features as a rule ranks them: the inner product of two is their score (arguments as of `parts_of`)."""
    images, texts = parts_of(features, model, ranking, scales, device)
    return replace(group(features, device), images=ranking.symmetric(images), texts=ranking.symmetric(texts))


def has_own_space(features: Features) -> bool:
    """Tell whether image and text features lie in one space, so that an encoder's own cosine means something."""
    return features.of_one_encoder and features.image_dim == features.text_dim


def retrieval_map(embedded: Embedded, shared: Shared = alone) -> dict[str, float]:
    """Measure mAP@all: `image_to_text`, `text_to_image` and their `average`."""
    return _map(*_average_precisions(embedded, shared))


def evaluate_embedded(embedded: Embedded, label_names: Sequence[str] | None = None) -> SplitResult:
    """Measure everything there is to say about retrieval.

    Returns:
        Without an image that has a label, sizes and recall alone; `per_label` with `label_names` only.
    """
    result = SplitResult(len(embedded.images), len(embedded.texts), recall=recall_of_partners(embedded))
    if not embedded.labels.any():
        return result
    from_images, from_texts = _average_precisions(embedded)
    per_label = None
    if label_names is not None:
        per_label = Both(
            _by_name(label_names, from_images.per_label(embedded.labels)),
            _by_name(label_names, from_texts.per_label(embedded.text_labels)),
        )
    return replace(
        result,
        map=MeasuredMap(**_map(from_images, from_texts), chance=chance(embedded)),
        precision_recall=_curves(embedded),
        queries_left_out=Both(from_images.skipped, from_texts.skipped),
        per_label=per_label,
    )


def evaluate_retrieval(
    features: Features, model: ALGCN | None = None, which: str = "annotated", device: torch.device | str = "cpu"
) -> SplitResult:
    """Measure how well a model retrieves, in its common space.

    Args:
        features: The items of one split (`Features.select`).
        model: The model, in evaluation mode; without one, the features are measured as they are.
        which: The labels that decide relevance, "annotated" or "all".
        device: The device to compute on.

    Raises:
        InputError: The features do not fit the model or, without one, each other.

    Example:
        >>> from algcn.method.labels import LabelSet
        >>> one_hot = torch.eye(3)
        >>> features = Features(
        ...     image_features=one_hot, text_features=one_hot, labels=one_hot.to(torch.uint8), split=["test"] * 3,
        ...     label_set=LabelSet(["dog", "cat", "car"]), file_names=["1.jpg", "2.jpg", "3.jpg"],
        ... )
        >>> evaluate_retrieval(features).map.average  # each picture finds its own text first
        1.0
    """
    columns = relevance_columns(features.label_set, which)
    embedded = embed(features, model, device).with_labels(columns.to(device))
    return evaluate_embedded(embedded, [features.label_set[column].name for column in columns.tolist()])


def recall_of_partners(embedded: Embedded) -> Both[Recall]:
    """Measure the share of queries that find one of their own partners, by direction and depth ("1", "5", "10")."""
    images, texts, owner = embedded.images, embedded.texts, embedded.owner
    own = torch.arange(len(images), device=owner.device)
    return Both(
        _text_keys(recall_at_k(images, texts, own, owner, RECALL_AT)),
        _text_keys(recall_at_k(texts, images, owner, own, RECALL_AT)),
    )


def chance(embedded: Embedded) -> float:
    """Compute the expected mAP of a random ranking, the average of both directions."""
    labels, text_labels = embedded.labels, embedded.text_labels
    return (chance_level(labels, text_labels) + chance_level(text_labels, labels)) / 2


def _curves(embedded: Embedded) -> Curves:
    """Precision at levels of recall by direction, and that of a random ranking."""
    generator = torch.Generator().manual_seed(0)
    drawn = {
        name: torch.randn(len(getattr(embedded, name)), RANDOM_WIDTH, generator=generator).to(embedded.owner.device)
        for name in ("images", "texts")
    }
    recall, by_chance = _precision_recall(replace(embedded, **drawn))
    _, precision = _precision_recall(embedded)
    return Curves(recall, precision.image_to_text, precision.text_to_image, by_chance)


def _precision_recall(embedded: Embedded) -> tuple[tuple[float, ...], Both[tuple[float, ...]]]:
    """Levels of recall, and precision at each."""
    labels, text_labels = embedded.labels, embedded.text_labels
    recall, from_images = precision_recall(embedded.images, embedded.texts, labels, text_labels, CURVE_POINTS)
    _, from_texts = precision_recall(embedded.texts, embedded.images, text_labels, labels, CURVE_POINTS)
    return _rounded(recall), Both(_rounded(from_images), _rounded(from_texts))


def _rounded(curve: Tensor) -> tuple[float, ...]:
    return tuple(round(value, 5) for value in curve.tolist())


def _average_precisions(embedded: Embedded, shared: Shared = alone) -> tuple[AveragePrecision, AveragePrecision]:
    """Image to text, text to image."""
    labels, text_labels = embedded.labels, embedded.text_labels
    return (
        average_precision(embedded.images, embedded.texts, labels, text_labels, shared=shared),
        average_precision(embedded.texts, embedded.images, text_labels, labels, shared=shared),
    )


def _map(from_images: AveragePrecision, from_texts: AveragePrecision) -> dict[str, float]:
    both = {"image_to_text": from_images.mean, "text_to_image": from_texts.mean}
    return {**both, "average": (both["image_to_text"] + both["text_to_image"]) / 2}


def _by_name(names: Sequence[str], values: Tensor) -> AveragePrecisions:
    """AP by label; NaN, a label that no query has, is None: JSON has no NaN."""
    return {name: None if math.isnan(value) else value for name, value in zip(names, values.tolist(), strict=True)}


def _text_keys(recall: dict[int, float]) -> dict[str, float]:
    return {str(k): value for k, value in recall.items()}


def summary(result: SplitResult, split: str, space: str, split_name: str | None = None) -> str:
    """Say a result in a few lines for a terminal.

    Args:
        result: What `evaluate_embedded` returned.
        split: What was measured.
        space: One of SPACES.
        split_name: The name of the data's split.
    """
    named = f" of {split_name}" if split_name else ""
    lines = [f"{result.images} images, {result.texts} texts, split {split}{named}, ranked by {RANKED_BY[space]}"]
    if result.map is not None:
        scores = result.map
        lines.append(
            f"mAP     image→text {scores.image_to_text:.3f}   text→image {scores.text_to_image:.3f}   "
            f"average {scores.average:.3f}   (random ranking {scores.chance:.3f})"
        )
    else:
        lines.append("mAP     not measured: no item has a label")
    for title, key in (("image→text", "image_to_text"), ("text→image", "text_to_image")):
        shares = "   ".join(f"R@{k} {value:.3f}" for k, value in result.recall.of(key).items())
        lines.append(f"recall  {title} {shares}")
    return "\n".join(lines)
