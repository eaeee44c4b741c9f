"""Labels that one visitor made beside the model's, in the picture of its label graph: where they stand and why.

Notable: an edge is what a label of the model says about the new one. It is no part of the learned graph: it comes from
how near the names are, or where there are examples from what is seen in these (`algcn.method.label_graph`).

L is the number of the model's labels.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

from algcn.method.new_label import STRENGTH
from app.labels.layout import HEIGHT, WIDTH

if TYPE_CHECKING:
    from algcn.method.new_label import NewLabel
    from app.labels.graph import LabelGraph
    from app.service import RetrievalService

SHOWN = 24  # labels; more cannot be told apart
EDGES, PICTURES, NEAREST = 6, 9, 6
AGAINST = 2  # of the edges, where some speak against it
LEAST_EDGE = 0.02  # log-odds
APART = 46.0  # from dot to dot, in units of the drawing
_TURN, _TRIES = 2.399963, 600  # the golden angle


@dataclasses.dataclass(frozen=True)
class OwnLabel:
    """A label of the visitor's own in the picture of the graph.

    Attributes:
        name: What it is called.
        position: x and y in the drawing.
        edges: Labels of the model and the log-odds that each adds where it is certain, the strongest first.
        examples: How many pictures were said to have it.
        has_probabilities: Whether the edges act; otherwise they only place it.
        pictures: Positions of pictures of the gallery, the probability of each, and whether it was said to have it, the
            likeliest first.
        nearest: Labels with the nearest classifiers, and the cosine of each with the label's point.
    """

    name: str
    position: tuple[float, float]
    edges: list[tuple[int, float]]
    examples: int
    has_probabilities: bool
    pictures: list[tuple[int, float, bool]]
    nearest: list[tuple[int, float]]


def own_labels_of(service: RetrievalService, graph: LabelGraph) -> list[OwnLabel]:
    """Place the labels of the visitor's own in the graph of the model; the first SHOWN."""
    labels = service.own.labels[:SHOWN]
    if not labels:
        return []
    gallery, predictor = service.gallery, service.predictor
    likely = predictor.probabilities(gallery.image_embeddings, "image", service.known)
    given = [{name.casefold() for name in item.labels or ()} for item in gallery.items]
    with torch.inference_mode():
        classifiers = functional.normalize(service.bundle.model.classifiers().float().cpu(), dim=1)
    taken, found = [tuple(point) for point in graph.positions], []
    for label in labels:
        edges = edges_of(label)
        position = free_place(taken, [(taken[one], weight) for one, weight in edges if weight > 0])
        taken.append(position)
        chances = label.probabilities(gallery.image_features.float(), likely, "image")
        first = chances.argsort(descending=True, stable=True)[:PICTURES].tolist()
        cosines = classifiers @ label.vector
        nearest = cosines.argsort(descending=True, stable=True)[:NEAREST].tolist()
        found.append(
            OwnLabel(
                label.name,
                position,
                edges,
                label.examples,
                label.is_calibrated,
                [(item, float(chances[item]), label.name.casefold() in given[item]) for item in first],
                [(one, float(cosines[one])) for one in nearest],
            )
        )
    return found


def edges_of(label: NewLabel) -> list[tuple[int, float]]:
    """What the model's labels say about a new one: the strongest for it, then the strongest against it."""
    weights = label.slope * STRENGTH * label.edges
    order = [one for one in weights.argsort(descending=True, stable=True).tolist() if abs(weights[one]) >= LEAST_EDGE]
    against = [one for one in order if weights[one] < 0][-AGAINST:]
    speaking = [one for one in order if weights[one] > 0][: EDGES - len(against)]
    return [(one, float(weights[one])) for one in (*speaking, *against)]


def free_place(
    taken: Sequence[tuple[float, float]], near: Sequence[tuple[tuple[float, float], float]]
) -> tuple[float, float]:
    """Find a place amid some dots, APART from all that are there: the first free one on a spiral around their middle.

    Args:
        taken: Where dots are.
        near: Where those are that it belongs to, and how much; the middle of the drawing without any.
    """
    points, weights = np.array([point for point, _ in near]), np.array([weight for _, weight in near])
    middle = np.average(points, axis=0, weights=weights) if len(near) else np.array([WIDTH / 2, HEIGHT / 2])
    dots, best, widest = np.array(taken), middle, -1.0
    for step in range(_TRIES):
        place = middle + 9 * step**0.5 * np.array([np.cos(step * _TURN), np.sin(step * _TURN)])
        if not (APART / 2 <= place[0] <= WIDTH - APART / 2 and APART / 2 <= place[1] <= HEIGHT - APART / 2):
            continue
        distance = float(np.linalg.norm(dots - place, axis=1).min())
        if distance >= APART:
            best = place
            break
        if distance > widest:
            best, widest = place, distance
    return round(float(best[0]), 1), round(float(best[1]), 1)
