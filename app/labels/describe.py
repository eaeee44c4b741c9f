"""Describe the label graph for programs: what the Labels tab shows, as JSON with names and directions in words."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from algcn.kit.errors import InputError
from app.kit.numbers import counted
from app.labels.details import average_precision
from app.labels.edits import check_edit, effect_of
from app.labels.graph import Edge, LabelGraph, label_graph_of
from app.labels.sayings import chances_alone

if TYPE_CHECKING:
    from app.service import RetrievalService

SHOWN = 5  # examples in a description
VISIBLE = 0.1  # the threshold that a description counts edges at


def graph_answer(service: RetrievalService, stage: str, epoch: int, threshold: float) -> dict[str, Any]:
    """Return the edges of a stage.

    Raises:
        InputError: There is no such stage or epoch, or the threshold is no number from 0.
    """
    graph = label_graph_of(service)
    edges = graph.edges(stage, epoch, threshold)
    position = graph.check_epoch(epoch)
    return {
        "stage": stage,
        "epoch": graph.epochs[position],
        "epochs": len(graph.epochs),
        "threshold": float(threshold),
        "labels": list(graph.names),
        "edges": [_edge(graph, edge, stage) for edge in edges],
        "summary": f"{counted(len(edges), 'edge')} of at least {threshold:g}.",
    }


def neighbours_answer(service: RetrievalService, label: str, stage: str, limit: int) -> dict[str, Any]:
    """Return a label's neighbours.

    Raises:
        InputError: There is no such label or stage, or the limit is not from 1 to 500.
    """
    graph = label_graph_of(service)
    number = service.bundle.label_set.index(label)
    incoming, outgoing = graph.neighbours(number, stage, limit)
    measured = average_precision(service.bundle.record, graph.names[number])
    return {
        "label": graph.names[number],
        "group": graph.groups[number],
        "stage": stage,
        "gallery_support": graph.support[number],
        "average_precision": None
        if measured is None
        else {"image_to_text": measured.image_to_text, "text_to_image": measured.text_to_image},
        "receives_from": [{"label": graph.names[edge.source], **_weight(graph, edge, stage)} for edge in incoming],
        "sends_to": [{"label": graph.names[edge.target], **_weight(graph, edge, stage)} for edge in outgoing],
    }


def description_answer(service: RetrievalService) -> dict[str, Any]:
    """Describe the whole graph in a few sentences and numbers."""
    graph = label_graph_of(service)
    prior = graph.edges("prior") if "prior" in graph.stages else []
    adaptive, changes = (graph.edges(stage) if graph.has_gcn else [] for stage in ("adaptive", "difference"))
    stronger = [edge for edge in changes if edge.weight > 0][:SHOWN]
    weaker = [edge for edge in changes if edge.weight < 0][:SHOWN]
    visible = [edge for edge in adaptive if edge.weight >= VISIBLE]
    said = graph.edges("directed") if graph.directed is not None else []
    groups = [group for group in dict.fromkeys(graph.groups) if group]
    sentences = [
        f"The model has {counted(len(graph), 'label')}"
        + (f" in {counted(len(groups), 'group')}: {', '.join(groups)}." if groups else "."),
        *_paper_sentences(graph, prior, adaptive, (stronger, weaker)),
        *_directed_sentences(graph, said),
    ]
    counts = {"prior": len(prior), "adaptive": len(adaptive), f"adaptive_from_{VISIBLE:g}": len(visible)}
    return {
        "description": " ".join(sentences),
        "sentences": sentences,
        "labels": [
            {"label": name, "group": group, "gallery_support": support}
            for name, group, support in zip(graph.names, graph.groups, graph.support, strict=True)
        ],
        "stages": list(graph.stages),
        "epochs": len(graph.epochs),
        "edges": {**counts, "directed": len(said)},
        "strengthened": [_edge(graph, edge, "difference") for edge in stronger],
        "weakened": [_edge(graph, edge, "difference") for edge in weaker],
        "said": [_edge(graph, edge, "directed") for edge in said[:SHOWN]],
    }


def _paper_sentences(
    graph: LabelGraph, prior: list[Edge], adaptive: list[Edge], changes: tuple[list[Edge], list[Edge]]
) -> list[str]:
    """The graph that makes classifiers, in sentences."""
    sentences = []
    if graph.is_beside:
        sentences.append(
            "The model that answers is of mode plus, whose classifiers no graph makes; the prior and the adaptive "
            "graph are of the model of mode paper beside it."
        )
    if "prior" in graph.stages:
        sentences.append(f"Its prior has {counted(len(prior), 'edge')} between different labels.")
    if not graph.has_gcn:
        if graph.directed is None:
            sentences.append("It was trained without a label graph, so its classifiers do not depend on any edge.")
        return sentences
    if not graph.learns:
        return [*sentences, "The graph was not learned: it is the prior."]
    known = {(edge.source, edge.target) for edge in prior}
    new = [edge for edge in adaptive if (edge.source, edge.target) not in known][:SHOWN]
    visible = [edge for edge in adaptive if edge.weight >= VISIBLE]
    sentences.append(f"After training, {counted(len(visible), 'edge')} are at least {VISIBLE:g}.")
    for said, edges in zip(("strengthened", "weakened"), changes, strict=True):
        if edges:
            sentences.append(f"Most {said}: {'; '.join(_change(graph, edge) for edge in edges)}.")
    if new:
        told = "; ".join(f"{_arrow(graph, edge)} {edge.weight:.2f}" for edge in new)
        sentences.append(f"Strongest edges that the prior did not have: {told}.")
    return [*sentences, *_hubs(graph, visible)]


def _directed_sentences(graph: LabelGraph, said: list[Edge]) -> list[str]:
    """The graph of what one label says about another, in sentences."""
    if graph.directed is None:
        return []
    if not said:
        return ["Known labels add nothing to what the model says of others: the stage 'directed' has no edges."]
    likelier = [edge for edge in said if edge.weight > 0][:SHOWN]
    unlikelier = [edge for edge in said if edge.weight < 0][:SHOWN]
    sentences = [
        "Where a label is known, the stage 'directed' says what that adds to the log-odds of the others; +1 makes the "
        "odds 2.7 times as high."
    ]
    for comparative, edges in (("likelier", likelier), ("less likely", unlikelier)):
        if edges:
            told = "; ".join(_saying(graph, edge) for edge in edges)
            sentences.append(f"What makes others {comparative}: {told}.")
    return sentences


def edit_answer(service: RetrievalService, source: str, target: str, weight: float, stage: str = "") -> dict[str, Any]:
    """Return what one edit would change; nothing is kept.

    Raises:
        InputError: There are no such labels, they are one, the weight is out of range, or the model that answers does
            not depend on the edges of the stage.
    """
    graph = label_graph_of(service)
    index = service.bundle.label_set.index
    if stage and graph.edited_stage is not None and stage != graph.edited_stage:
        graph.check_stage(stage)
        raise InputError(
            f"The model that answers does not depend on the edges of the stage {stage!r}; edit those of "
            f"{graph.edited_stage!r}."
        )
    edit = check_edit(graph, index(source), index(target), weight)
    names = graph.names
    before = float(graph.weights(graph.edited_stage)[edit.source, edit.target])
    told = {
        "stage": graph.edited_stage,
        "source": names[edit.source],
        "target": names[edit.target],
        "weight_before": round(before, 6),
        "weight_after": edit.weight,
    }
    if graph.edited_stage == "directed":
        chances = chances_alone(graph, edit.source, (edit,))
        return {
            "edit": f"{names[edit.source]} says {edit.weight:+g} about {names[edit.target]} instead of {before:+z.4f}",
            **told,
            "where_the_source_is_known": [
                {"label": names[row.label], "before": round(row.before, 6), "after": round(row.after, 6)}
                for row in chances
            ],
        }
    effect = effect_of(service, graph, (edit,))
    return {
        "edit": f"{names[edit.source]} sends {edit.weight:g} to {names[edit.target]} instead of {before:.4f}",
        **told,
        "labels_moved": effect.moved_count,
        "moved_most": [{"label": names[moved.label], "cosine": round(moved.cosine, 6)} for moved in effect.moved],
        "nearest_changed": [
            {
                "label": names[changed.label],
                "before": [names[label] for label in changed.before],
                "after": [names[label] for label in changed.after],
            }
            for changed in effect.neighbourhoods
        ],
    }


def _edge(graph: LabelGraph, edge: Edge, stage: str) -> dict[str, Any]:
    is_directed = stage == "directed"
    return {
        "source": graph.names[edge.source],
        "target": graph.names[edge.target],
        **_weight(graph, edge, stage),
        "words": _saying(graph, edge) if is_directed else f"{_arrow(graph, edge)} {edge.weight:.2f}",
    }


def _weight(graph: LabelGraph, edge: Edge, stage: str) -> dict[str, float]:
    """The weight of an edge; of the directed graph also its parts, which sum to it."""
    weight = {"weight": round(edge.weight, 6)}
    if stage == "directed":
        change = float(graph.directed.change[edge.source, edge.target])
        weight |= {"counted": round(edge.weight - change, 6), "learned": round(change, 6)}
    return weight


def _saying(graph: LabelGraph, edge: Edge) -> str:
    odds = math.exp(edge.weight)
    return f"{graph.names[edge.source]} says {edge.weight:+z.2f} about {graph.names[edge.target]} (odds × {odds:.2g})"


def _arrow(graph: LabelGraph, edge: Edge) -> str:
    return f"{graph.names[edge.source]} sends to {graph.names[edge.target]}"


def _change(graph: LabelGraph, edge: Edge) -> str:
    prior = float(graph.prior[edge.source, edge.target])
    now = float(graph.adaptive()[edge.source, edge.target])
    return f"{_arrow(graph, edge)} {edge.weight:+z.2f} ({prior:.2f} to {now:.2f})"


def _hubs(graph: LabelGraph, edges: list[Edge]) -> list[str]:
    """Find who sends to the most labels, and who receives from the most."""
    if not edges:
        return []
    sent, received = [0] * len(graph), [0] * len(graph)
    for edge in edges:
        sent[edge.source] += 1
        received[edge.target] += 1
    sender, receiver = sent.index(max(sent)), received.index(max(received))
    return [
        f"{graph.names[sender]} sends to the most labels ({max(sent)}); "
        f"{graph.names[receiver]} receives from the most ({max(received)})."
    ]
