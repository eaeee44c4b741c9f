"""The label graph as a view: what the browser is sent, and the scripts that draw it.

Notable: the whole graph, every epoch of it, goes to the browser once; afterwards a value holds only an answer
(`label_value`, `edits_value`). Names and texts travel as they are: the scripts put them on the page as text.
"""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np

from algcn.kit import checks
from app.components.clickable_plot import clickable_plot
from app.kit.theme import DIVERGING, DIVERGING_DARK, SEQUENTIAL, SEQUENTIAL_DARK, group_colours

if TYPE_CHECKING:
    from app.labels.details import LabelDetails
    from app.labels.edits import Edit, Effect
    from app.labels.graph import LabelGraph
    from app.labels.own import OwnLabel
    from app.labels.sayings import Chance, Place, Sayings

ASSETS = Path(__file__).resolve().parents[2] / "assets" / "page"
MAX_LABELS = 500
# Epochs are thinned beyond this many weights in all, 4 MB on the way.
MAX_WEIGHTS = 1_500_000
# A stage starts with as many edges as can be told apart, for each label.
EDGES_SHOWN = 2.3
THRESHOLDS = (0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0)
NO_STAGE = (
    "This model has no label graph, and no picture of this gallery has labels to count; choose a model with a graph, "
    "or open a labelled gallery."
)


def label_graph_view() -> gr.HTML:
    """The place where the graph appears.

    `select` fires with `{"action": "open"}` when the graph has to be sent (again), `{"action": "label", "label"}`,
    `{"action": "edit", "source", "target", "weight"}`, `{"action": "undo"}` and `{"action": "reset"}`.
    """
    return clickable_plot(
        elem_id="label-graph",
        around=(ASSETS / "label_view.html").read_text(encoding="utf-8"),
        script="label_view",
    )


def graph_value(
    graph: LabelGraph, pictures_prefix: str, own: Sequence[OwnLabel] = (), own_count: int = 0
) -> dict[str, Any]:
    """The whole graph.

    Args:
        graph: The graph.
        pictures_prefix: Where a browser finds the gallery's pictures.
        own: Labels that the visitor made beside the model's.
        own_count: How many there are in all.
    """
    from app.labels.edits import WEIGHTS
    from app.labels.layout import HEIGHT, WIDTH

    if len(graph) > MAX_LABELS:
        sentence = f"This model has {len(graph):,} labels; the picture of a graph shows up to {MAX_LABELS}."
        return {"kind": "none", "sentence": sentence}
    if not graph.stages:
        return {"kind": "none", "sentence": NO_STAGE}
    chosen = _epochs(len(graph.epochs), graph.model_epoch, len(graph))
    changes = graph.learned_change[chosen].numpy()
    return {
        "kind": "graph",
        "names": list(graph.names),
        "groups": list(graph.groups),
        "colours": group_colours(graph.groups),
        "supports": graph.support,
        "pictures": graph.pictures,
        "counts": _packed(graph.counts.numpy(), 32),
        "prior": _packed(graph.prior.numpy()),
        "change": _packed(changes),
        "epochs": [graph.epochs[position] for position in chosen],
        "model_epoch": chosen.index(graph.model_epoch),
        "prior_threshold": graph.prior_threshold,
        "has_gcn": graph.has_gcn,
        "learns": graph.learns,
        "is_beside": graph.is_beside,
        "stages": list(graph.stages),
        "directed": _directed(graph),
        "edited": graph.edited_stage,
        "weights": WEIGHTS.get(graph.edited_stage),
        "positions": graph.positions,
        "order": graph.order,
        "drawing": [WIDTH, HEIGHT],
        "thresholds": {stage: first_threshold(graph, stage) for stage in graph.stages},
        "scales": {
            "light": {"sequential": SEQUENTIAL, "diverging": DIVERGING},
            "dark": {"sequential": SEQUENTIAL_DARK, "diverging": DIVERGING_DARK},
        },
        "pictures_prefix": pictures_prefix,
        "own": [_own(label) for label in own],
        "own_count": own_count,
    }


def _own(label: OwnLabel) -> dict[str, Any]:
    return {
        **dataclasses.asdict(label),
        "edges": [[one, round(weight, 4)] for one, weight in label.edges],
        "pictures": [[item, round(chance, 4), given] for item, chance, given in label.pictures],
        "nearest": [[one, round(cosine, 4)] for one, cosine in label.nearest],
    }


def _directed(graph: LabelGraph) -> dict[str, Any] | None:
    """What one label says about another: the counted share of it, and what learning added."""
    if graph.directed is None:
        return None
    change = graph.directed.change
    return {"counted": _packed((graph.directed.edges - change).numpy()), "change": _packed(change.numpy())}


def label_value(
    details: LabelDetails, edited: bool, serial: object, known: Sequence[Chance] | None = None
) -> dict[str, Any]:
    """The answer about one label; `serial` is the browser's, so that no two answers are equal.

    Args:
        details: What is known of the label.
        edited: Whether they are those of an edited graph.
        serial: The number of the question.
        known: How likely other labels are where this one is known, where an edited graph says so.
    """
    return {
        "kind": "label",
        "label": details.label,
        "edited": edited,
        "pictures": [[found.item, round(found.cosine, 4), found.has_label] for found in details.pictures],
        "texts": [[found.text, found.item, round(found.cosine, 4)] for found in details.texts],
        "reads_words": details.reads_words,
        "nearest": [[label, round(cosine, 4)] for label, cosine in details.nearest],
        "average_precision": details.average_precision and dataclasses.asdict(details.average_precision),
        "known": known and _chances(known),
        "serial": _number(serial),
    }


def edits_value(edits: Sequence[Edit], effect: Effect | None, query: str | None, serial: object) -> dict[str, Any]:
    """The answer to an edit: all edits now, what they change, and the words of the query whose labels are told."""
    return {
        "kind": "edits",
        "edits": [[edit.source, edit.target, edit.weight] for edit in edits],
        "effect": effect
        and {
            "moved": [[moved.label, round(moved.cosine, 4)] for moved in effect.moved],
            "moved_count": effect.moved_count,
            "neighbourhoods": [[changed.label, changed.before, changed.after] for changed in effect.neighbourhoods],
            "predictions": effect.predictions
            and [
                [row.label, round(row.before, 4), round(row.after, 4), row.was_predicted, row.is_predicted]
                for row in effect.predictions
            ],
            "query": query,
        },
        "serial": _number(serial),
    }


def sayings_value(edits: Sequence[Edit], sayings: Sayings, query: str | None, serial: object) -> dict[str, Any]:
    """The answer to an edit of the directed graph: all edits now, and what they change."""
    order = sayings.order
    return {
        "kind": "edits",
        "edits": [[edit.source, edit.target, edit.weight] for edit in edits],
        "effect": {
            "known": sayings.known,
            "alone": _chances(sayings.alone),
            "of_query": sayings.query and _chances(sayings.query),
            "order": order
            and {
                "first": _places(order.first),
                "moved": _places(order.moved),
                "moved_count": order.moved_count,
                "of": order.of,
                "known": order.known,
            },
            "query": query,
        },
        "serial": _number(serial),
    }


def _chances(chances: Sequence[Chance]) -> list[list[float]]:
    return [[chance.label, round(chance.before, 4), round(chance.after, 4)] for chance in chances]


def _places(places: Sequence[Place]) -> list[list[int]]:
    return [[place.item, place.before, place.after] for place in places]


def error_value(sentence: str, serial: object) -> dict[str, Any]:
    """An answer that is a sentence about what was wrong."""
    return {"kind": "error", "sentence": sentence, "serial": _number(serial)}


def first_threshold(graph: LabelGraph, stage: str) -> float:
    """A threshold at which a stage of the model shows about two edges for each label; lower where it has few at all.

    Of the directed graph, whose edges below 0 are many, those above 0 are counted: the page begins with them.
    """
    edges = [edge for edge in graph.edges(stage) if stage != "directed" or edge.weight > 0]
    sizes = sorted((abs(edge.weight) for edge in edges), reverse=True)
    room = max(12, int(EDGES_SHOWN * len(graph)))
    if not sizes or sizes[0] < 2 * THRESHOLDS[0]:
        return sizes[min(room, len(sizes)) - 1] if sizes else THRESHOLDS[0]
    fitting = [value for value in THRESHOLDS if sum(size >= value for size in sizes) <= room]
    return min([value for value in fitting if value <= sizes[0]] or [THRESHOLDS[-1]])


def _epochs(count: int, model: int, labels: int) -> list[int]:
    """Which epochs to send: all where that is little, else as many as fit, evenly, with the first and the model's."""
    most = max(2, MAX_WEIGHTS // labels**2)
    if count <= most:
        return list(range(count))
    return sorted({*(round(step * (count - 1) / (most - 1)) for step in range(most)), model})


def _packed(values: np.ndarray, bits: int = 16) -> dict[str, Any]:
    """Numbers for a browser: little-endian whole numbers in base64 and what to multiply them by."""
    if bits == 32:
        return {"data": _text(values.astype("<i4")), "scale": 1, "bits": 32}
    scale = float(np.abs(values).max()) / 32767 or 1.0
    return {"data": _text(np.round(values / scale).astype("<i2")), "scale": scale, "bits": 16}


def _text(values: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode("ascii")


def _number(serial: object) -> int:
    return serial if checks.is_whole(serial) else 0
