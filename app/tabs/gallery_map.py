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
    from app.search.query import QueryPoint
    from app.service import RetrievalService

PLOT_HEIGHT = 560
POLL_SECONDS = 0.5
MARKED = 24  # pictures that a search on the map marks
COLOURING_WORDS = {
    "label group": "group",
    "one label": "label",
    "picture or caption": "modality",
    "folder": "folder",
}
QUIET = {"api_visibility": "private", "show_progress": "hidden", "concurrency_limit": None}


@dataclasses.dataclass(frozen=True)
class Chosen:
    """What stands beside the map: one point with its nearest, what a lasso caught, or what was found on the map."""

    focus: int | None = None
    lasso: tuple[int, ...] | None = None
    shown: int = 0
    query: QueryPoint | None = None
    marked: tuple[int, ...] = ()


class GalleryMapTab:
    """The tab's components and what they do; made inside its gr.Tab."""

    def __init__(self, frame: Frame, tab: gr.Tab) -> None:
        self.frame, self.tab = frame, tab
        gr.HTML(render("maps/gallery.html"), elem_classes=["map-panel"], apply_default_css=False)
        with gr.Row(elem_classes=["map-controls"]):
            self._lay_out_controls()
        with gr.Row(elem_classes=["map-and-panel"]):
            with gr.Column(scale=8, min_width=320):
                self.plot = clickable_plot(elem_id="map-plot", height=PLOT_HEIGHT, awaited=True)
                self.note = gr.HTML("", elem_id="map-note", elem_classes=["map-panel"], apply_default_css=False)
            with gr.Column(scale=5, min_width=300):
                self.beside = panel(elem_id="map-chosen")
        self.turns = gr.State({})
        self.chosen = gr.State(Chosen())
        self.controls = [self.method, self.dimensions, self.colouring, self.label, self.kinds]

    def _lay_out_controls(self) -> None:
        self.method = gr.Radio(
            [("UMAP", "umap"), ("PCA", "pca")],
            value=None,
            label="Drawn by",
            elem_id="map-method",
            min_width=170,
            scale=1,
        )
        self.dimensions = gr.Radio(
            [("2D", 2), ("3D", 3)], value=2, label="Dimensions", elem_id="map-dimensions", min_width=150, scale=1
        )
        self.colouring = gr.Dropdown(
            list(COLOURING_WORDS.items()),
            value="group",
            label="Coloured by",
            filterable=False,
            elem_id="map-colouring",
            min_width=170,
            scale=1,
        )
        self.label = gr.Dropdown(
            [], value=None, label="Label", visible=False, elem_id="map-label", min_width=170, scale=1
        )
        self.kinds = gr.CheckboxGroup(
            [("Pictures", "pictures"), ("Captions", "captions")],
            value=["pictures", "captions"],
            label="Shown",
            elem_id="map-kinds",
            min_width=230,
            scale=1,
        )
        self.words = gr.Textbox(
            label="Find on the map",
            placeholder="Words, then Enter",
            max_lines=1,
            elem_id="map-find",
            min_width=180,
            scale=1,
        )

    def wire(self) -> None:
        """Connect the events with the methods."""
        frame, figure = self.frame, [self.label, self.plot, self.note]
        frame.on_open(
            self.tab,
            self.open_tab,
            [
                self.method,
                self.colouring,
                self.label,
                self.kinds,
                self.words,
                self.chosen,
                self.beside,
                self.plot,
                self.note,
            ],
            inputs=[self.method, self.dimensions],
            key=lambda visitor: visitor.query,
        )
        inputs = [frame.visitor, self.turns, self.chosen, *self.controls]
        gr.on([self.tab.select, frame.refresh(self.tab).click], self.settle, inputs, figure, **QUIET)
        inputs_changed = [control.input for control in self.controls]
        # All points of a large gallery are gone through where it is drawn in a way in which it was not yet.
        drawing = {**QUIET, "show_progress": "minimal", "show_progress_on": self.plot}
        gr.on(inputs_changed, self.redraw, inputs, figure, trigger_mode="multiple", **drawing)
        self.words.submit(
            self.find,
            [frame.visitor, self.words, *self.controls],
            [self.chosen, self.beside, self.plot, self.note],
            trigger_mode="always_last",
            **drawing,
        )
        gr.on(
            [self.plot.select, self.beside.select],
            self.select,
            [frame.visitor, self.chosen, *self.controls],
            [self.chosen, self.beside, self.plot, self.note],
            trigger_mode="multiple",
            **drawing,
        )

    def open_tab(
        self, service: RetrievalService, visitor: Visitor, method: object, dimensions: object
    ) -> tuple[Any, ...]:
        """Draw the gallery that is open, with nothing chosen."""
        from app.maps.panels import nothing_chosen

        found = self._map_of(service, visitor)
        view = found.view(method, dimensions, None, None, None)
        choices = [(words, name) for words, name in COLOURING_WORDS.items() if name in found.colourings]
        labels = list(found.label_columns)
        return (
            view.method,
            gr.update(choices=choices, value=view.colouring),
            gr.update(choices=labels, value=labels[0] if labels else None, visible=False),
            gr.update(visible=bool(found.gallery.texts)),
            "",
            Chosen(),
            nothing_chosen(service.bundle.model.config.common_dim),
            *_draw(found, service.pictures, visitor, Chosen(), view),
        )

    def redraw(
        self, visitor: Visitor, turns: dict[str, int], chosen: Chosen, *values: object
    ) -> Iterator[tuple[Any, ...]]:
        """Draw at once; while UMAP is being computed, by PCA."""
        turn = turns["now"] = turns.get("now", 0) + 1
        found, pictures = self._find(visitor)
        view = found.view(*values)
        yield gr.update(visible=view.colouring == "label"), *_draw(found, pictures, visitor, chosen, view)
        yield from self._wait(visitor, turns, turn, chosen, view)

    def settle(
        self, visitor: Visitor, turns: dict[str, int], chosen: Chosen, *values: object
    ) -> Iterator[tuple[Any, ...]]:
        """Wait for UMAP after the tab was opened, if it has to be computed."""
        found, _ = self._find(visitor)
        yield (gr.skip(),) * 3
        yield from self._wait(visitor, turns, turns.get("now", 0), chosen, found.view(*values))

    def find(self, visitor: Visitor, words: str, *values: object) -> tuple[Any, ...]:
        """Mark the pictures that words find, and list them; without words nothing is chosen."""
        from app.maps.panels import found_panel, nothing_chosen, problem_note

        found, pictures = self._find(visitor)
        view = found.view(*values)
        if not words.strip():
            empty = nothing_chosen(found.gallery.image_embeddings.shape[1])
            return Chosen(), empty, *_draw(found, pictures, visitor, Chosen(), view)
        try:
            with self.frame.program.answer_room.place():
                result = self.frame.service(visitor).search_by_text(words, MARKED)
        except InputError as error:
            return gr.skip(), problem_note(str(error)), gr.skip(), gr.skip()
        chosen = Chosen(query=result.point, marked=tuple(hit.item for hit in result.images))
        panel = found_panel(found, words.strip(), result, pictures)
        return chosen, panel, *_draw(found, pictures, visitor, chosen, view)

    def select(
        self,
        visitor: Visitor,
        chosen: Chosen,
        method: object,
        dimensions: object,
        colouring: object,
        label: object,
        kinds: object,
        event: gr.EventData,
    ) -> tuple[Any, ...]:
        """Do what a click on a point or a card means, or a lasso, or "more"."""
        from app.maps.panels import PAGE, focus_panel, nothing_chosen, selection_panel

        found, pictures = self._find(visitor)
        data = sent(event)
        action = data.get("action")
        ids = sorted(selected_ids(event, len(found)))  # pictures first
        if action == "focus" and type(data.get("id")) is int and 0 <= data["id"] < len(found):
            action, ids = "click", [data["id"]]
        view = found.view(method, dimensions, colouring, label, kinds)
        if action == "click" and ids:
            chosen = Chosen(focus=ids[0])
            return chosen, focus_panel(found, ids[0], pictures), *_draw(found, pictures, visitor, chosen, view)
        if action == "lasso":
            # Plotly itself dims what lies outside: the figure stays as it is.
            chosen = Chosen(lasso=tuple(ids), shown=PAGE)
            return chosen, selection_panel(found, ids, PAGE, pictures), gr.skip(), gr.skip()
        if action == "more" and chosen.lasso is not None:
            chosen = dataclasses.replace(chosen, shown=chosen.shown + PAGE)
            return chosen, selection_panel(found, chosen.lasso, chosen.shown, pictures), gr.skip(), gr.skip()
        if action == "clear":
            empty = nothing_chosen(found.gallery.image_embeddings.shape[1])
            return Chosen(), empty, *_draw(found, pictures, visitor, Chosen(), view)
        return (gr.skip(),) * 4

    def _map_of(self, service: RetrievalService, visitor: Visitor) -> GalleryMap:
        from app.maps.gallery import gallery_map_of

        program = self.frame.program
        return gallery_map_of(service, program.cache_folder, program.layout_worker, keep=not visitor.has_own)

    def _find(self, visitor: Visitor) -> tuple[GalleryMap, str]:
        """The map of what the visitor searches, and where its pictures are."""
        try:
            service = self.frame.service(visitor)
            return self._map_of(service, visitor), service.pictures
        except InputError as error:
            raise gr.Error(str(error), print_exception=False) from None

    def _wait(
        self, visitor: Visitor, turns: dict[str, int], turn: int, chosen: Chosen, view: GalleryView
    ) -> Iterator[tuple[Any, ...]]:
        """Say how long the layout has been under way, then draw it."""
        from app.maps.panels import problem_note, waiting_note

        found, pictures = self._find(visitor)
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
        yield gr.skip(), *_draw(found, pictures, visitor, chosen, view)


def _draw(found: GalleryMap, pictures: str, visitor: Visitor, chosen: Chosen, view: GalleryView) -> tuple[Any, str]:
    """The figure and its note."""
    from app.maps.panels import gallery_note

    if not found.is_ready(view.method):
        view = dataclasses.replace(view, method="pca")
    query = chosen.query or visitor.query
    marked = chosen.marked if "pictures" in view.shown else ()
    figure = found.figure(view, pictures, chosen.focus, query, marked)
    return plot_value(figure), gallery_note(found, view, query)
