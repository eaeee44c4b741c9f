"""The Labels tab: what the label graphs learned, label by label and edge by edge, and what if they were different."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import gradio as gr

from algcn.kit.errors import InputError
from app.components.clickable_plot import plot_value
from app.components.label_graph import (
    edits_value,
    error_value,
    graph_value,
    label_graph_view,
    label_value,
    sayings_value,
)
from app.frame import Frame, sent
from app.visitors.visitor import Visitor

if TYPE_CHECKING:
    from app.labels.edits import Edit
    from app.service import RetrievalService


class LabelsTab:
    """The tab's components and what they do; made inside its gr.Tab."""

    def __init__(self, frame: Frame, tab: gr.Tab) -> None:
        self.frame, self.tab = frame, tab
        self.graph = label_graph_view()
        self.edits = gr.State(())
        self.shown = gr.State(None)  # a reference to the service whose graph the browser has

    def wire(self) -> None:
        """Connect the events with the methods."""
        self.frame.on_open(
            self.tab,
            self.open_tab,
            [self.graph, self.edits, self.shown],
            inputs=[self.edits, self.shown],
            key=lambda visitor: id(visitor.query),
        )
        # Each answer names what it is about, so none has to wait for another or to be dropped.
        self.graph.select(
            self.select,
            [self.frame.visitor, self.edits],
            [self.graph, self.edits],
            api_visibility="private",
            show_progress="hidden",
            trigger_mode="multiple",
            # Milliseconds of work: the way through the queue would take longer than the answer.
            queue=False,
        )

    def open_tab(
        self, service: RetrievalService, visitor: Visitor, edits: tuple[Edit, ...], shown: Callable[[], object] | None
    ) -> tuple[Any, Any, Any]:
        """Show the graph the first time and for another model; later, what the edits do to a new query."""
        if shown is None or shown() is not service:
            return _graph(service), (), weakref.ref(service)
        if edits:
            return _effect(service, visitor, edits, None), edits, shown
        return gr.skip(), edits, shown

    # gradio evaluates these annotations: they name only what is imported when the page is built.
    def select(self, visitor: Visitor, edits: tuple[Any, ...], event: gr.EventData) -> tuple[Any, tuple[Any, ...]]:
        """Answer what the browser asks for in its own words; what is wrong with them is shown in the tab."""
        message = sent(event)
        try:
            service = self.frame.service(visitor)
            with self.frame.program.answer_room.place():
                return _answer(service, visitor, edits, message)
        except InputError as error:
            return plot_value(error_value(str(error), message.get("serial"))), edits


def _graph(service: RetrievalService) -> str | None:
    from app.labels.graph import label_graph_of
    from app.labels.own import own_labels_of

    graph = label_graph_of(service)
    return plot_value(graph_value(graph, service.pictures, own_labels_of(service, graph), len(service.own)))


def _answer(
    service: RetrievalService, visitor: Visitor, edits: tuple[Edit, ...], message: dict[str, Any]
) -> tuple[str | Any, tuple[Edit, ...]]:
    """What the browser's message asks for, and the edits from now on.

    Raises:
        InputError: It asks for something that does not exist.
    """
    from app.labels.details import label_details
    from app.labels.edits import add_edit, check_edit, edited_classifiers
    from app.labels.graph import check_label, label_graph_of
    from app.labels.sayings import chances_alone

    graph, action, serial = label_graph_of(service), message.get("action"), message.get("serial")
    if action == "open":
        return _graph(service), ()
    if action == "label":
        label = check_label(message.get("label"), len(graph))
        details = label_details(service, label, edited_classifiers(service, graph, edits))
        if not edits or graph.edited_stage != "directed":
            return plot_value(label_value(details, bool(edits), serial)), edits
        # Other words of labels about one another leave the classifiers, and so what they find, as they are.
        return plot_value(label_value(details, False, serial, chances_alone(graph, label, edits))), edits
    if action == "edit":
        edit = check_edit(graph, message.get("source"), message.get("target"), message.get("weight"))
        edits = add_edit(edits, edit)
    elif action == "undo":
        edits = edits[:-1]
    elif action == "reset":
        edits = ()
    else:
        return gr.skip(), edits
    return _effect(service, visitor, edits, serial), edits


def _effect(service: RetrievalService, visitor: Visitor, edits: tuple[Edit, ...], serial: object) -> str | None:
    """What edits change, for the page."""
    from app.labels.edits import effect_of
    from app.labels.graph import label_graph_of
    from app.labels.sayings import sayings_of

    graph, query = label_graph_of(service), visitor.query
    words = query.words if query else None
    if edits and graph.edited_stage == "directed":
        return plot_value(sayings_value(edits, sayings_of(service, graph, edits, query), words, serial))
    effect = effect_of(service, graph, edits, query) if edits else None
    return plot_value(edits_value(edits, effect, words, serial))
