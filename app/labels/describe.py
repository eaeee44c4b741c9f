"""Describe the label graph for programs: what the Labels tab shows, as JSON with names and directions in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.kit.numbers import counted
from app.labels.details import average_precision
from app.labels.edits import check_edit, effect_of
from app.labels.graph import STAGES, Edge, LabelGraph, label_graph_of

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
        "edges": [_edge(graph, edge) for edge in edges],
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
        "receives_from": [{"label": graph.names[edge.source], "weight": round(edge.weight, 6)} for edge in incoming],
        "sends_to": [{"label": graph.names[edge.target], "weight": round(edge.weight, 6)} for edge in outgoing],
    }


def description_answer(service: RetrievalService) -> dict[str, Any]:
    """Describe the whole graph in a few sentences and numbers."""
    graph = label_graph_of(service)
    prior, adaptive = graph.edges("prior"), graph.edges("adaptive")
    changes = graph.edges("difference")
    stronger = [edge for edge in changes if edge.weight > 0][:SHOWN]
    weaker = [edge for edge in changes if edge.weight < 0][:SHOWN]
    known = {(edge.source, edge.target) for edge in prior}
    new = [edge for edge in adaptive if (edge.source, edge.target) not in known][:SHOWN]
    visible = [edge for edge in adaptive if edge.weight >= VISIBLE]
    groups = [group for group in dict.fromkeys(graph.groups) if group]
    sentences = [
        f"The model has {counted(len(graph), 'label')}"
        + (f" in {counted(len(groups), 'group')}: {', '.join(groups)}." if groups else "."),
        f"Its prior has {counted(len(prior), 'edge')} between different labels.",
    ]
    if not graph.has_gcn:
        sentences.append("It was trained without a label graph, so its classifiers do not depend on these edges.")
    elif not graph.learns:
        sentences.append("The graph was not learned: it is the prior.")
    else:
        sentences.append(f"After training, {counted(len(visible), 'edge')} are at least {VISIBLE:g}.")
        for said, edges in (("strengthened", stronger), ("weakened", weaker)):
            if edges:
                sentences.append(f"Most {said}: {'; '.join(_change(graph, edge) for edge in edges)}.")
        if new:
            told = "; ".join(f"{_arrow(graph, edge)} {edge.weight:.2f}" for edge in new)
            sentences.append(f"Strongest edges that the prior did not have: {told}.")
        sentences.extend(_hubs(graph, visible))
    return {
        "description": " ".join(sentences),
        "sentences": sentences,
        "labels": [
            {"label": name, "group": group, "gallery_support": support}
            for name, group, support in zip(graph.names, graph.groups, graph.support, strict=True)
        ],
        "stages": list(STAGES),
        "epochs": len(graph.epochs),
        "edges": {"prior": len(prior), "adaptive": len(adaptive), f"adaptive_from_{VISIBLE:g}": len(visible)},
        "strengthened": [_edge(graph, edge) for edge in stronger],
        "weakened": [_edge(graph, edge) for edge in weaker],
    }


def edit_answer(service: RetrievalService, source: str, target: str, weight: float) -> dict[str, Any]:
    """Return what one edit would change; nothing is kept.

    Raises:
        InputError: There are no such labels, they are one, or the weight is out of range.
    """
    graph = label_graph_of(service)
    index = service.bundle.label_set.index
    edit = check_edit(graph, index(source), index(target), weight)
    effect = effect_of(service, graph, (edit,))
    names = graph.names
    before = float(graph.adaptive()[edit.source, edit.target])
    return {
        "edit": f"{names[edit.source]} sends {edit.weight:g} to {names[edit.target]} instead of {before:.4f}",
        "source": names[edit.source],
        "target": names[edit.target],
        "weight_before": round(before, 6),
        "weight_after": edit.weight,
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


def _edge(graph: LabelGraph, edge: Edge) -> dict[str, Any]:
    return {
        "source": graph.names[edge.source],
        "target": graph.names[edge.target],
        "weight": round(edge.weight, 6),
        "words": f"{_arrow(graph, edge)} {edge.weight:.2f}",
    }


def _arrow(graph: LabelGraph, edge: Edge) -> str:
    return f"{graph.names[edge.source]} sends to {graph.names[edge.target]}"


def _change(graph: LabelGraph, edge: Edge) -> str:
    prior = float(graph.prior[edge.source, edge.target])
    now = float(graph.adaptive()[edge.source, edge.target])
    return f"{_arrow(graph, edge)} {edge.weight:+.2f} ({prior:.2f} to {now:.2f})"


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
