"""Look at one label up close: its pictures, its nearest classifiers, and how well it does."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from algcn.evaluation.results import DIRECTIONS
from algcn.gallery.rows import inner_products

if TYPE_CHECKING:
    from algcn.evaluation.record import Record
    from app.service import RetrievalService

PICTURES, TEXTS, NEAREST = 9, 5, 6


@dataclasses.dataclass(frozen=True)
class TopPicture:
    """A picture near a classifier; `has_label` is None where the gallery does not say."""

    item: int
    cosine: float
    has_label: bool | None


@dataclasses.dataclass(frozen=True)
class TopText:
    """A text near a classifier and the picture it belongs to."""

    text: str
    item: int
    cosine: float


@dataclasses.dataclass(frozen=True)
class AveragePrecision:
    """The mean AP of the queries that have a label, by direction, and the part of the record that says so."""

    report: str
    image_to_text: float
    text_to_image: float


@dataclasses.dataclass(frozen=True)
class LabelDetails:
    """What is known of a label.

    Attributes:
        pictures: The pictures nearest to the classifier in the whole gallery, exact, the nearest first.
        texts: The texts nearest to it, likewise.
        nearest: The labels with the nearest classifiers and the cosine of their classifiers, the nearest first.
        average_precision: How well its queries do; None where the bundle's record does not say.
        reads_words: Whether the model reads texts.
    """

    label: int
    pictures: list[TopPicture]
    texts: list[TopText]
    nearest: list[tuple[int, float]]
    average_precision: AveragePrecision | None
    reads_words: bool = True


@torch.inference_mode()
def label_details(service: RetrievalService, label: int, classifiers: Tensor) -> LabelDetails:
    """Look at label number `label` with `classifiers`, L × d: the model's, or those of an edited graph."""
    gallery, names = service.gallery, service.bundle.label_set.names
    unit = functional.normalize(classifiers.float().cpu(), dim=1)
    direction = unit[label]
    name = names[label].casefold()
    # Where no picture has it, the gallery is labelled by other names, and says nothing about this one.
    is_known = name in given_labels(service)

    def has_label(item: int) -> bool | None:
        labels = gallery.items[item].labels
        return None if labels is None or not is_known else name in {given.casefold() for given in labels}

    pictures = [
        TopPicture(item, cosine, has_label(item))
        for item, cosine in _top(inner_products(gallery.image_embeddings, direction), PICTURES)
    ]
    texts = [
        TopText(gallery.texts[text], int(gallery.text_owner[text]), cosine)
        for text, cosine in _top(inner_products(gallery.text_embeddings, direction), TEXTS)
    ]
    others = unit @ direction
    others[label] = -2
    nearest = _top(others, min(NEAREST, len(names) - 1))
    known = average_precision(service.bundle.record, names[label])
    return LabelDetails(label, pictures, texts, nearest, known, service.reads_words)


def given_labels(service: RetrievalService) -> frozenset[str]:
    """Return all labels that the gallery gives to a picture, their case aside; the service keeps them."""
    items = service.gallery.items
    return service.cache.get(
        "given_labels", lambda: frozenset(name.casefold() for item in items for name in item.labels or ())
    )


def average_precision(record: Record, name: str) -> AveragePrecision | None:
    """Read what a bundle's record says of a label, the most telling part first; None where no part knows it."""
    parts = {"test": record.test, "test_by_all_labels": record.test_by_all_labels, "validation": record.validation}
    for report, result in parts.items():
        if result is None or result.per_label is None:
            continue
        values = [result.per_label.of(direction).get(name) for direction in DIRECTIONS]
        if None not in values:
            return AveragePrecision(report, *map(float, values))
    return None


def _top(scores: Tensor, count: int) -> list[tuple[int, float]]:
    """Return positions and scores of the `count` highest; of equals the first."""
    least = scores.topk(min(count, len(scores))).values.min() if len(scores) else 0.0
    best = (scores >= least).nonzero().flatten()  # sorting all of a large gallery would take longer than the product
    order = best[scores[best].argsort(descending=True, stable=True)][:count].tolist()
    return [(position, float(scores[position])) for position in order]
