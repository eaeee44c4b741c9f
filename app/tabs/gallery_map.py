"""The Gallery map tab: every picture and text of the gallery as a point of the common space."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import gradio as gr

from algcn.kit.errors import InputError
from app.components.clickable_plot import clickable_plot, plot_value, selected_ids
from app.components.panel import panel
from app.frame import Frame, sent
from app.kit.templates import render
from app.visitors.visitor import Visitor

if TYPE_CHECKING:
    from app.maps.gallery import GalleryMap, GalleryView
    from app.service import RetrievalService

PLOT_HEIGHT = 560
POLL_SECONDS = 0.5
COLOURING_WORDS = {
    "label group": "group",
    "one label": "label",
    "picture or caption": "modality",
    "folder": "folder",
}


@dataclasses.dataclass(frozen=True)
class Chosen:
    """What stands beside the map: one point with its nearest, or what a lasso caught."""

    focus: int | None = None
    lasso: tuple[int, ...] | None = None
    shown: int = 0


def build(frame: Frame, tab: gr.Tab) -> None:
    """Lay the tab out and wire it; called inside `tab`."""
    gr.HTML(render("maps/gallery.html"), elem_classes=["map-panel"], apply_default_css=False)
    with gr.Row(elem_classes=["map-controls"]):
        method = gr.Radio(
            [("UMAP", "umap"), ("PCA", "pca")],
            value=None,
            label="Drawn by",
            elem_id="map-method",
            min_width=170,
            scale=1,
        )
        dimensions = gr.Radio(
            [("2D", 2), ("3D", 3)], value=2, label="Dimensions", elem_id="map-dimensions", min_width=150, scale=1
        )
        colouring = gr.Dropdown(
            list(COLOURING_WORDS.items()),
            value="group",
            label="Coloured by",
            filterable=False,
            elem_id="map-colouring",
            min_width=170,
            scale=1,
        )
        label = gr.Dropdown([], value=None, label="Label", visible=False, elem_id="map-label", min_width=170, scale=1)
        kinds = gr.CheckboxGroup(
            [("Pictures", "pictures"), ("Captions", "captions")],
            value=["pictures", "captions"],
            label="Shown",
            elem_id="map-kinds",
            min_width=230,
            scale=2,
        )
    with gr.Row(elem_classes=["map-and-panel"]):
        with gr.Column(scale=8, min_width=320):
            plot = clickable_plot(elem_id="map-plot", height=PLOT_HEIGHT)
            note = gr.HTML("", elem_id="map-note", elem_classes=["map-panel"], apply_default_css=False)
        with gr.Column(scale=5, min_width=300):
            beside = panel(elem_id="map-chosen")
    turns = gr.State({})
    chosen = gr.State(Chosen())
    controls = [method, dimensions, colouring, label, kinds]
    quiet = {"api_visibility": "private", "show_progress": "hidden", "concurrency_limit": None}

    def find(visitor: Visitor) -> tuple[GalleryMap, str]:
        try:
            service = frame.service(visitor)
            return _map_of(frame, service, keep=not visitor.has_own), service.pictures
        except InputError as error:
            raise gr.Error(str(error), print_exception=False) from None

    def draw(found: GalleryMap, pictures: str, visitor: Visitor, chosen: Chosen, view: GalleryView) -> tuple[Any, str]:
        """The figure and its note."""
        from app.maps.panels import gallery_note

        if not found.is_ready(view.method):
            view = dataclasses.replace(view, method="pca")
        figure = found.figure(view, pictures, chosen.focus, visitor.query)
        return plot_value(figure), gallery_note(found, view, visitor.query)

    def opened(service: RetrievalService, visitor: Visitor, method: object, dimensions: object) -> tuple[Any, ...]:
        from app.maps.panels import nothing_chosen

        found = _map_of(frame, service, keep=not visitor.has_own)
        view = found.view(method, dimensions, None, None, None)
        choices = [(words, name) for words, name in COLOURING_WORDS.items() if name in found.colourings]
        labels = [name for name, _ in found.label_counts.most_common()]
        return (
            view.method,
            gr.update(choices=choices, value=view.colouring),
            gr.update(choices=labels, value=labels[0] if labels else None, visible=False),
            gr.update(visible=bool(found.gallery.texts)),
            Chosen(),
            nothing_chosen(service.bundle.model.config.common_dim),
            *draw(found, service.pictures, visitor, Chosen(), view),
        )

    def redraw(visitor: Visitor, turns: dict[str, int], chosen: Chosen, *values: object) -> Iterator[tuple[Any, ...]]:
        """Draw at once; while UMAP is being computed, by PCA."""
        turn = turns["now"] = turns.get("now", 0) + 1
        found, pictures = find(visitor)
        view = found.view(*values)
        yield gr.update(visible=view.colouring == "label"), *draw(found, pictures, visitor, chosen, view)
        yield from wait(visitor, turns, turn, chosen, view)

    def settle(visitor: Visitor, turns: dict[str, int], chosen: Chosen, *values: object) -> Iterator[tuple[Any, ...]]:
        """After the tab was opened: wait for UMAP, if it has to be computed."""
        found, _ = find(visitor)
        yield (gr.skip(),) * 3
        view = found.view(*values)
        yield from wait(visitor, turns, turns.get("now", 0), chosen, view)

    def wait(
        visitor: Visitor, turns: dict[str, int], turn: int, chosen: Chosen, view: GalleryView
    ) -> Iterator[tuple[Any, ...]]:
        from app.maps.panels import problem_note, waiting_note

        found, pictures = find(visitor)
        if found.is_ready(view.method):
            return
        try:
            found.start(view.method)
            while (seconds := found.waiting(view.method, POLL_SECONDS)) is not None:
                if turns.get("now", 0) != turn:  # the visitor has since asked for something else
                    return
                yield gr.skip(), gr.skip(), waiting_note(view.method, seconds)
        except InputError as error:
            yield gr.skip(), gr.skip(), problem_note(str(error))
            return
        yield gr.skip(), *draw(found, pictures, visitor, chosen, view)

    def select(
        visitor: Visitor,
        chosen: Chosen,
        method: object,
        dimensions: object,
        colouring: object,
        label: object,
        kinds: object,
        event: gr.EventData,
    ) -> tuple[Any, ...]:
        """A click on a point or a card, a lasso, or "more"."""
        from app.maps.panels import PAGE, focus_panel, nothing_chosen, selection_panel

        found, pictures = find(visitor)
        data = sent(event)
        action = data.get("action")
        ids = sorted(selected_ids(event, len(found)))  # pictures first
        if action == "focus" and type(data.get("id")) is int and 0 <= data["id"] < len(found):
            action, ids = "click", [data["id"]]
        view = found.view(method, dimensions, colouring, label, kinds)
        if action == "click" and ids:
            chosen = Chosen(focus=ids[0])
            return chosen, focus_panel(found, ids[0], pictures), *draw(found, pictures, visitor, chosen, view)
        if action == "lasso":
            # Plotly itself dims what lies outside: the figure stays as it is.
            chosen = Chosen(lasso=tuple(ids), shown=PAGE)
            return chosen, selection_panel(found, ids, PAGE, pictures), gr.skip(), gr.skip()
        if action == "more" and chosen.lasso is not None:
            chosen = dataclasses.replace(chosen, shown=chosen.shown + PAGE)
            return chosen, selection_panel(found, chosen.lasso, chosen.shown, pictures), gr.skip(), gr.skip()
        if action == "clear":
            empty = nothing_chosen(found.gallery.image_embeddings.shape[1])
            return Chosen(), empty, *draw(found, pictures, visitor, Chosen(), view)
        return (gr.skip(),) * 4

    frame.on_open(
        tab,
        opened,
        [method, colouring, label, kinds, chosen, beside, plot, note],
        inputs=[method, dimensions],
        key=lambda visitor: visitor.query,
    )
    gr.on(
        [tab.select, frame.refresh(tab).click],
        settle,
        [frame.visitor, turns, chosen, *controls],
        [label, plot, note],
        **quiet,
    )
    gr.on(
        [control.input for control in controls],
        redraw,
        [frame.visitor, turns, chosen, *controls],
        [label, plot, note],
        trigger_mode="multiple",
        **quiet,
    )
    gr.on(
        [plot.select, beside.select],
        select,
        [frame.visitor, chosen, *controls],
        [chosen, beside, plot, note],
        trigger_mode="multiple",
        **quiet,
    )


def _map_of(frame: Frame, service: RetrievalService, *, keep: bool = True) -> GalleryMap:
    from app.maps.gallery import gallery_map_of

    return gallery_map_of(service, frame.cache, keep=keep)
