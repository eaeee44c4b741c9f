"""Try another label graph: edit an edge and see what changes.

Notable: of a model of mode "paper" an edge of A is edited, and the graph convolution makes its classifiers anew
(`effect_of`). Of a model of mode "plus" it is one of the directed graph G: see `app.labels.sayings`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from algcn.bundles.predictor import LabelPredictor
from algcn.kit import checks
from algcn.kit.errors import InputError
from app.labels.graph import LabelGraph, check_label

if TYPE_CHECKING:
    from app.search.query import QueryPoint
    from app.service import RetrievalService

# A little beyond the strongest edges that training makes.
WEIGHTS = {"adaptive": (0.0, 2.0), "directed": (-4.0, 4.0)}
MAX_EDITS = 50
NEIGHBOURS = 3
MOVED, PREDICTED = 8, 8
UNMOVED = 0.9995  # a classifier this close to what it was has not moved


@dataclasses.dataclass(frozen=True)
class Edit:
    """An edit of the graph: label number `source` shall send `weight` to (or say it about) label number `target`."""

    source: int
    target: int
    weight: float


@dataclasses.dataclass(frozen=True)
class Moved:
    """A classifier that an edit moved: its cosine with what it was."""

    label: int
    cosine: float


@dataclasses.dataclass(frozen=True)
class Neighbourhood:
    """A label whose nearest classifiers changed, the nearest first."""

    label: int
    before: tuple[int, ...]
    after: tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class Prediction:
    """A label of a query before and after: its cosine, and whether it is predicted (None: no thresholds are known)."""

    label: int
    before: float
    after: float
    was_predicted: bool | None
    is_predicted: bool | None


@dataclasses.dataclass(frozen=True)
class Effect:
    """The changes that edits make, against the model as it was trained.

    Attributes:
        moved: Classifiers that moved, the farthest first.
        moved_count: How many classifiers moved; `moved` has the first few.
        neighbourhoods: Labels whose three nearest classifiers changed, the farthest moved first.
        predictions: The labels of the visitor's query; None where there was no query.
    """

    moved: list[Moved]
    moved_count: int
    neighbourhoods: list[Neighbourhood]
    predictions: list[Prediction] | None


def check_edit(graph: LabelGraph, source: object, target: object, weight: object) -> Edit:
    """Check an edit of `graph` that a browser or a program sent, and return it.

    Raises:
        InputError: There are no such labels, both are the same, the weight is out of range, or the model has no graph.
    """
    if graph.edited_stage is None:
        raise InputError(
            "This model was trained without a label graph, so there is no edge to edit; use one with a graph."
        )
    source, target = check_label(source, len(graph)), check_label(target, len(graph))
    if source == target:
        raise InputError("An edge joins two labels: choose another one for its end.")
    return Edit(source, target, checks.number(weight, "weight", *WEIGHTS[graph.edited_stage]))


def add_edit(edits: Sequence[Edit], edit: Edit) -> tuple[Edit, ...]:
    """Return `edits` and one more; of two edits of the same edge in a row the later stays.

    Raises:
        InputError: There are too many edits.
    """
    kept = tuple(edits)
    if kept and (kept[-1].source, kept[-1].target) == (edit.source, edit.target):
        kept = kept[:-1]
    if len(kept) >= MAX_EDITS:
        raise InputError(f"There are {MAX_EDITS} edits already; undo some, or start over.")
    return (*kept, edit)


def edited(weights: Tensor, edits: Iterable[Edit]) -> Tensor:
    """Return a copy of A or G, L × L, with the edits made one after the other."""
    weights = weights.clone()
    for edit in edits:
        weights[edit.source, edit.target] = edit.weight
    return weights


@torch.inference_mode()
def edited_classifiers(service: RetrievalService, graph: LabelGraph, edits: Sequence[Edit]) -> Tensor:
    """Return the classifiers, L × d, that the model's GCN makes of the edited graph; without edits, the model's.

    Edits of the directed graph leave them as they are.
    """
    if edits and graph.edited_stage == "adaptive":
        return service.bundle.model.classifiers(edited(graph.adaptive(), edits))
    return service.cache.get("classifiers", service.bundle.model.classifiers)


@torch.inference_mode()
def effect_of(
    service: RetrievalService, graph: LabelGraph, edits: Sequence[Edit], query: QueryPoint | None = None
) -> Effect:
    """Compute what `edits` change for every label, and for the labels of `query`."""
    before = edited_classifiers(service, graph, ())
    after = edited_classifiers(service, graph, edits)
    cosine = functional.cosine_similarity(before.double(), after.double(), dim=1)
    # A classifier that was or became nothing has no direction to keep; two that are the same have not moved.
    cosine = torch.where((before == after).all(dim=1), torch.ones_like(cosine), cosine)
    order = cosine.argsort(stable=True).tolist()
    moved = [Moved(label, float(cosine[label])) for label in order if cosine[label] < UNMOVED]
    nearest_before, nearest_after = _nearest(before), _nearest(after)
    changed = [
        Neighbourhood(label, nearest_before[label], nearest_after[label])
        for label in order
        if set(nearest_before[label]) != set(nearest_after[label])
    ]
    predictions = None if query is None else _predictions(service, query, before, after)
    return Effect(moved[:MOVED], len(moved), changed, predictions)


def _nearest(classifiers: Tensor) -> list[tuple[int, ...]]:
    """Return for each label its three nearest classifiers by cosine."""
    unit = functional.normalize(classifiers, dim=1)
    cosine = (unit @ unit.T).fill_diagonal_(-2)
    count = min(NEIGHBOURS, len(classifiers) - 1)
    return [tuple(row[:count]) for row in cosine.argsort(dim=1, descending=True, stable=True).tolist()]


def _predictions(service: RetrievalService, query: QueryPoint, before: Tensor, after: Tensor) -> list[Prediction]:
    """Labels predicted before or after, the clearest first, then those of the others whose cosine changed most."""
    states = []
    for classifiers in (before, after):
        predictor = LabelPredictor(service.bundle, classifiers)
        scores = predictor.scores(query.embedding)[0]
        predicted = predictor.predicted(scores, query.modality)
        states.append((scores.tolist(), [None] * len(scores) if predicted is None else predicted.tolist()))
    (old, was), (new, now) = states
    rows = [Prediction(label, *row) for label, row in enumerate(zip(old, new, was, now, strict=True))]
    told = [row for row in rows if row.was_predicted or row.is_predicted]
    others = [row for row in rows if not (row.was_predicted or row.is_predicted)]
    told.sort(key=lambda row: -max(row.before, row.after))
    others.sort(key=lambda row: -abs(row.after - row.before))
    return (told + others)[:PREDICTED]
