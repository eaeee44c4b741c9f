"""The Labels tab: what the adaptive matrix learned, label by label and edge by edge, and what if it were different."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import gradio as gr

from algcn.errors import InputError
from app.components.clickable_plot import plot_value
from app.components.label_graph import edits_value, error_value, graph_value, label_graph_view, label_value
from app.tabs.frame import Frame, sent
from app.visitor import Visitor

if TYPE_CHECKING:
    from app.labels.edits import Edit
    from app.service import RetrievalService

NEIGHBOURS = 10  # that a program is told of a label unless it asks for more


def build(frame: Frame, tab: gr.Tab) -> None:
    """Lay the tab out and wire it; called inside `tab`."""
    view = label_graph_view()
    # The visitor's edits, and a reference to the service whose graph the browser has.
    edits = gr.State(())
    shown = gr.State(None)

    def open_tab(
        service: RetrievalService, visitor: Visitor, before: tuple[Edit, ...], sent_of: Callable[[], object] | None
    ) -> tuple[Any, Any, Any]:
        """The graph the first time and for another model; later, if there are edits, what they do to a new query."""
        if sent_of is None or sent_of() is not service:
            return _graph(service), (), weakref.ref(service)
        if before:
            return _effect(service, visitor, before, None), before, sent_of
        return gr.skip(), before, sent_of

    # gradio evaluates these annotations: they name only what is imported when the page is built.
    def select(visitor: Visitor, edits: tuple[Any, ...], event: gr.EventData) -> tuple[Any, tuple[Any, ...]]:
        asked = sent(event)
        try:
            return _answer(frame.service(visitor), visitor, edits, asked)
        except InputError as error:
            return plot_value(error_value(str(error), asked.get("serial"))), edits

    frame.on_open(tab, open_tab, [view, edits, shown], inputs=[edits, shown], key=lambda visitor: id(visitor.query))
    # Each answer names what it is about, so none has to wait for another or to be dropped.
    view.select(
        select,
        [frame.visitor, edits],
        [view, edits],
        api_visibility="private",
        show_progress="hidden",
        trigger_mode="multiple",
        # Milliseconds of work: the way through the queue would take longer than the answer.
        queue=False,
    )


def _graph(service: RetrievalService) -> str | None:
    from app.labels.graph import label_graph_of

    return plot_value(graph_value(label_graph_of(service), service.pictures))


def _answer(
    service: RetrievalService, visitor: Visitor, edits: tuple[Edit, ...], asked: dict[str, Any]
) -> tuple[str | Any, tuple[Edit, ...]]:
    """What the browser asked for, and the edits from now on.

    Raises:
        InputError: It asked for what there is not.
    """
    from app.labels.details import label_details
    from app.labels.edits import add_edit, check_edit, edited_classifiers
    from app.labels.graph import check_label, label_graph_of

    graph, action, serial = label_graph_of(service), asked.get("action"), asked.get("serial")
    if action == "open":
        return _graph(service), ()
    if action == "label":
        label = check_label(asked.get("label"), len(graph))
        details = label_details(service, label, edited_classifiers(service, graph, edits))
        return plot_value(label_value(details, bool(edits), serial)), edits
    if action == "edit":
        edit = check_edit(graph, asked.get("source"), asked.get("target"), asked.get("weight"))
        edits = add_edit(edits, edit)
    elif action == "undo":
        edits = edits[:-1]
    elif action == "reset":
        edits = ()
    else:
        return gr.skip(), edits
    return _effect(service, visitor, edits, serial), edits


def _effect(service: RetrievalService, visitor: Visitor, edits: tuple[Edit, ...], serial: object) -> str | None:
    from app.labels.edits import effect_of
    from app.labels.graph import label_graph_of

    query = visitor.query
    effect = effect_of(service, label_graph_of(service), edits, query) if edits else None
    return plot_value(edits_value(edits, effect, query.words if query else None, serial))


def api(frame: Frame) -> list[Callable[..., Any]]:
    """What programs can ask about the label graph of the program's own model."""

    def answered(ask: Callable[[RetrievalService], dict[str, Any]]) -> dict[str, Any]:
        try:
            return ask(frame.asked())
        except InputError as error:
            raise gr.Error(str(error), print_exception=False) from None

    def label_graph(stage: str = "adaptive", epoch: int = -1, threshold: float = 0.1) -> dict[str, Any]:
        """List the edges of the label graph: how much each label sends to each other label.

        Args:
            stage: "cooccurrence" (share of the target's gallery pictures that also show the source), "prior" (C, what
                training started from), "learned_change" (γD), "adaptive" (A, what the model uses), "normalised" (Â), or
                "difference" (A - C).
            epoch: After which epoch of training, 0 is before the first; -1 is the model as it answers.
            threshold: Leave out edges whose weight is smaller in magnitude.

        Returns:
            {"stage", "epoch", "epochs" (how many there are), "threshold", "labels": all names, "edges": [{source,
            target, weight, words}] with the strongest first, "summary": a sentence}. An edge from source to target
            means that the source sends to the target: the classifier of the target is made from the source too.
        """
        from app.labels.answers import graph_answer

        return answered(lambda service: graph_answer(service, stage, epoch, threshold))

    def label_neighbours(label: str, stage: str = "adaptive", limit: int = NEIGHBOURS) -> dict[str, Any]:
        """Tell which labels a label receives from and sends to in the label graph, and how well it is found.

        Args:
            label: The name of a label, "skiing" for instance.
            stage: "cooccurrence", "prior", "learned_change", "adaptive", "normalised", "difference"; see /label_graph.
            limit: How many neighbours of each direction to return, 1 to 500.

        Returns:
            {"label", "group", "stage", "gallery_support": pictures of the gallery with it, "average_precision":
            {image_to_text, text_to_image} or null, "receives_from": [{label, weight}], "sends_to": [{label, weight}]},
            the strongest first.
        """
        from app.labels.answers import neighbours_answer

        return answered(lambda service: neighbours_answer(service, label, stage, limit))

    def describe_graph() -> dict[str, Any]:
        """Describe the label graph in a few sentences: its size, what training strengthened and weakened, its hubs.

        Returns:
            {"description": all sentences in one text, "sentences", "labels": [{label, group, gallery_support}],
            "stages": names for /label_graph, "epochs": how many there are, "edges": counts by stage, "strengthened" and
            "weakened": [{source, target, weight (adaptive minus prior), words}]}.
        """
        from app.labels.answers import description_answer

        return answered(description_answer)

    def edit_edge(source: str, target: str, weight: float) -> dict[str, Any]:
        """Ask what would change if one label sent another weight to another label; nothing is kept.

        The graph convolution makes all classifiers anew from the edited adaptive matrix.

        Args:
            source: The name of the label that sends.
            target: The name of the label that receives.
            weight: The new weight, 0 to 2; trained edges are mostly below 1.

        Returns:
            {"edit": a sentence, "source", "target", "weight_before", "weight_after", "labels_moved": how many
            classifiers moved, "moved_most": [{label, cosine with what it was}], "nearest_changed": [{label, before,
            after}] for labels whose three nearest classifiers are others now}.
        """
        from app.labels.answers import edit_answer

        return answered(lambda service: edit_answer(service, source, target, weight))

    return [label_graph, label_neighbours, describe_graph, edit_edge]
