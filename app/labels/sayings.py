"""See what an edit of the directed graph G changes: how likely labels are, and how a gallery is ranked.

Notable: nothing is approximated but the query. An edited graph stands in for the bundle's own, and the label predictor
and the rule of ranking do with it what they do in a search. Of the visitor's last query only its point is kept, so it
is ranked by the bundle's own weights among all pictures, whatever was filtered, mixed or steered.

N is the number of pictures, L of labels.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from algcn.bundles.predictor import LabelPredictor
from algcn.evaluation.ranking import PARTS
from algcn.method.label_graph import SMOOTHING, known_probabilities
from app.labels.edits import Edit, edited
from app.labels.graph import LabelGraph
from app.search.scores import DECIMALS, ranking

if TYPE_CHECKING:
    from app.search.query import QueryPoint
    from app.service import RetrievalService

TOLD = 6  # labels
FIRST = 6  # pictures
SEEN = 100  # ranks that anybody looks at: what moves beyond them is not told
SAME = 5e-4  # two probabilities closer than this are written as one


@dataclasses.dataclass(frozen=True)
class Chance:
    """How likely a label is, before edits and with them."""

    label: int
    before: float
    after: float


@dataclasses.dataclass(frozen=True)
class Place:
    """The rank of a picture of the gallery, counted from 1, before edits and with them."""

    item: int
    before: int
    after: int


@dataclasses.dataclass(frozen=True)
class Order:
    """How edits change the order of a gallery for a query.

    Attributes:
        first: The first pictures with the edits, the best first.
        moved: Those whose rank changed by the greatest factor, among the first SEEN before or after.
        moved_count: How many of these changed their rank.
        of: How many there are.
        known: How many pictures of the gallery have labels that speak through the graph.
    """

    first: list[Place]
    moved: list[Place]
    moved_count: int
    of: int
    known: int


@dataclasses.dataclass(frozen=True)
class Sayings:
    """What edits of the directed graph change.

    Attributes:
        known: The label that is taken to be known: the one whose edge was edited last.
        alone: The labels of a picture of which nothing else is known.
        query: The labels of the visitor's query, were it known to have that label; None where there was no query, or
            the bundle has no probabilities of labels.
        order: The ranking of the gallery for it; None likewise.
    """

    known: int
    alone: list[Chance]
    query: list[Chance] | None
    order: Order | None


@torch.inference_mode()
def sayings_of(
    service: RetrievalService, graph: LabelGraph, edits: Sequence[Edit], query: QueryPoint | None = None
) -> Sayings:
    """Compute what `edits`, one at least, change of a model that has a directed graph."""
    known = edits[-1].source
    alone = chances_alone(graph, known, edits)
    if query is None or query.modality not in service.bundle.probabilities:
        return Sayings(known, alone, None, None)
    predictors = service.predictor, _edited_predictor(service, graph, edits)
    given = _only(known, len(graph))
    of_query = [predictor.probabilities(query.embedding, query.modality, given)[0] for predictor in predictors]
    return Sayings(known, alone, _chances(known, *of_query), _order(service, predictors, query))


@torch.inference_mode()
def chances_alone(graph: LabelGraph, known: int, edits: Sequence[Edit]) -> list[Chance]:
    """Compute how likely labels are where one is known and nothing is seen: π by itself, and what G says on top."""
    base = torch.logit(graph.directed.share.clamp(SMOOTHING, 1 - SMOOTHING))[None]
    given, edges = _only(known, len(graph)), graph.directed.edges
    return _chances(known, *(known_probabilities(base, given, table)[0] for table in (edges, edited(edges, edits))))


def _edited_predictor(service: RetrievalService, graph: LabelGraph, edits: Sequence[Edit]) -> LabelPredictor:
    change = graph.directed.change + edited(graph.directed.edges, edits) - graph.directed.edges
    return LabelPredictor(service.bundle.with_directed_graph(graph.directed._replace(change=change)))


def _only(label: int, count: int) -> Tensor:
    """One item of which one label is known, 1 × L."""
    return torch.eye(count)[label : label + 1]


def _chances(known: int, before: Tensor, after: Tensor) -> list[Chance]:
    """Tell those that changed most, then the likeliest; what is known is no guess, and left out."""
    pairs = zip(before.tolist(), after.tolist(), strict=True)
    rows = [Chance(label, *pair) for label, pair in enumerate(pairs) if label != known]
    changed = [row for row in rows if abs(row.after - row.before) >= SAME]
    others = [row for row in rows if abs(row.after - row.before) < SAME]
    changed.sort(key=lambda row: -abs(row.after - row.before))
    others.sort(key=lambda row: -row.after)
    return (changed + others)[:TOLD]


def _order(service: RetrievalService, predictors: Sequence[LabelPredictor], query: QueryPoint) -> Order:
    """Rank the pictures by each of two predictors, and tell what moves."""
    count = len(service.gallery.items)
    orders = [ranking(_scores(service, predictor, query), np.ones(count, bool)) for predictor in predictors]
    ranks = np.empty((2, count), np.int64)
    for row, order in zip(ranks, orders, strict=True):
        row[order] = np.arange(1, count + 1)
    before, after = ranks
    seen = np.flatnonzero(ranks.min(axis=0) <= SEEN)
    moved = seen[before[seen] != after[seen]]
    # From 4 to 1 is more than from 90 to 80.
    by_factor = moved[np.argsort(-np.abs(np.log(before[moved] / after[moved])), kind="stable")]
    known = int(service.known.any(dim=1).sum())

    def places(items: NDArray[np.int64]) -> list[Place]:
        return [Place(int(item), int(before[item]), int(after[item])) for item in items[:FIRST]]

    return Order(places(orders[1]), places(by_factor), len(moved), len(seen), known)


def _scores(service: RetrievalService, predictor: LabelPredictor, query: QueryPoint) -> NDArray[np.float32]:
    """Score all pictures for a query by the bundle's rule, N; the query has the labels that its words name."""
    gallery, rule, labels = service.gallery, service.bundle.ranking, service.bundle.label_set
    likely = predictor.probabilities(gallery.image_embeddings, "image", service.known)
    items = rule.parts(gallery.image_embeddings.float(), likely, gallery.image_features.float())
    named = labels.encode([labels.find(query.words) if query.modality == "text" else ()])
    wanted = predictor.probabilities(query.embedding, query.modality, named)
    asked = rule.parts(query.embedding, wanted, query.features)
    scores = sum(getattr(rule.factors, name) * getattr(items, name) @ getattr(asked, name)[0] for name in PARTS)
    return np.round(scores.numpy(), DECIMALS)
