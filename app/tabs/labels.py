"""The Labels tab: what the adaptive matrix learned, label by label and edge by edge, and what if it were different."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import gradio as gr

from algcn.kit.errors import InputError
from app.components.clickable_plot import plot_value
from app.components.label_graph import edits_value, error_value, graph_value, label_graph_view, label_value
from app.frame import Frame, sent
from app.visitors.visitor import Visitor

if TYPE_CHECKING:
    from app.labels.edits import Edit
    from app.service import RetrievalService


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
