"""The Classifiers tab: the classifiers of the labels as points, with the graph convolution and without."""

from __future__ import annotations

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
    from app.maps.classifiers import ClassifierMap, Variant
    from app.service import RetrievalService

PLOT_HEIGHT = 500
POLL_SECONDS = 0.5
VARIANTS = 3  # mode plus, and mode paper with the graph convolution and without
TITLES = {
    "plus": "Mode plus: the model that answers",
    "with_gcn": "With the label graph",
    "without_gcn": "Without the label graph",
}
ALONE = {
    "plus": "This model is of mode plus: each classifier was learned for itself, and there is none of mode paper "
    "beside it to compare with.",
    "with_gcn": "This bundle has no model trained without the graph, so there is nothing to compare with.",
    "without_gcn": "This model was trained without the graph convolution: each classifier was learned for itself.",
}
QUIET = {"api_visibility": "private", "show_progress": "hidden", "concurrency_limit": None}


class ClassifiersTab:
    """The tab's components and what they do; made inside its gr.Tab."""

    def __init__(self, frame: Frame, tab: gr.Tab) -> None:
        self.frame, self.tab = frame, tab
        gr.HTML(render("maps/classifiers.html"), elem_classes=["map-panel"], apply_default_css=False)
        with gr.Row(elem_classes=["map-controls"]):
            self._lay_out_controls()
        self.note = gr.HTML("", elem_id="classifiers-note", elem_classes=["map-panel"], apply_default_css=False)
        self.legend = panel(elem_id="classifiers-legend")
        self.columns: list[gr.Column] = []
        self.plots: list[gr.HTML] = []
        self.lists: list[gr.HTML] = []  # the neighbours beside each plot
        self.pieces: list[gr.HTML] = []  # title, plot, silhouette and neighbours of each variant
        with gr.Row(elem_classes=["map-pair"]):
            for number in range(VARIANTS):
                with gr.Column(visible=number == 0, min_width=320) as column:
                    self._lay_out_variant(number)
                self.columns.append(column)
        self.turns = gr.State({})
        self.group = gr.State(None)  # the one that the legend tells apart
        self.controls = [self.method, self.dimensions, self.label, self.epoch, self.group]
        self.outputs = [self.epoch, self.note, self.legend, *self.pieces]

    def _lay_out_controls(self) -> None:
        self.method = gr.Radio(
            [("PCA", "pca"), ("t-SNE", "tsne"), ("UMAP", "umap")],
            value="pca",
            label="Drawn by",
            elem_id="classifiers-method",
            min_width=220,
            scale=2,
        )
        self.dimensions = gr.Radio(
            [("2D", 2), ("3D", 3)],
            value=2,
            label="Dimensions",
            elem_id="classifiers-dimensions",
            min_width=150,
            scale=1,
        )
        self.label = gr.Dropdown(
            [], value=None, label="Label", info=None, elem_id="classifiers-label", min_width=200, scale=2
        )
        self.epoch = gr.Slider(
            0,
            1,
            value=0,
            step=1,
            label="Training epoch (0 is the random start)",
            visible=False,
            elem_id="classifiers-epoch",
            min_width=240,
            scale=3,
        )

    def _lay_out_variant(self, number: int) -> None:
        title = gr.HTML("", elem_classes=["map-panel", "map-title"], apply_default_css=False)
        plot = clickable_plot(elem_id=f"classifiers-plot-{number}", height=PLOT_HEIGHT, awaited=True)
        silhouette = gr.HTML("", elem_id=f"classifiers-fact-{number}", elem_classes=["map-panel"])
        neighbours = panel(elem_id=f"classifiers-near-{number}")
        self.plots.append(plot)
        self.lists.append(neighbours)
        self.pieces += [title, plot, silhouette, neighbours]

    def wire(self) -> None:
        """Connect the events with the methods."""
        frame, inputs = self.frame, [self.frame.visitor, self.turns, *self.controls]
        frame.on_open(
            self.tab,
            self.open_tab,
            [self.label, self.group, *self.columns[1:], *self.outputs],
            inputs=[self.method, self.dimensions],
            key=lambda visitor: visitor.query,
        )
        gr.on([self.tab.select, frame.refresh(self.tab).click], self.settle, inputs, self.outputs, **QUIET)
        gr.on(
            [self.method.input, self.dimensions.input, self.label.input],
            self.redraw,
            inputs,
            self.outputs,
            trigger_mode="multiple",
            **QUIET,
        )
        # PCA alone has epochs, so nothing is waited for: the way through the queue would take longer than the answer.
        self.epoch.input(self.show_epoch, inputs, self.outputs, trigger_mode="always_last", queue=False, **QUIET)
        self.legend.select(
            self.choose_group, inputs, [self.group, *self.outputs], trigger_mode="multiple", queue=False, **QUIET
        )
        for plot, neighbours in zip(self.plots, self.lists, strict=True):
            gr.on(
                [plot.select, neighbours.select],
                self.choose_label,
                inputs,
                [self.label, *self.outputs],
                trigger_mode="multiple",
                **QUIET,
            )

    def open_tab(
        self, service: RetrievalService, visitor: Visitor, method: object, dimensions: object
    ) -> tuple[Any, ...]:
        """Draw the classifiers of the model that is open."""
        found = self._map_of(service, visitor)
        kept = found.kept
        drawn = self._draw(found, visitor, method, dimensions, None, kept)
        drawn[0] = gr.update(maximum=max(1, found.epochs - 1), value=kept, visible=found.epochs > 1 and method == "pca")
        choices = gr.update(choices=sorted(found.label_set.names), value=None)
        shown = [gr.update(visible=len(found.variants) > number) for number in range(1, VARIANTS)]
        return choices, None, *shown, *drawn

    def redraw(self, visitor: Visitor, turns: dict[str, int], *values: object) -> Iterator[list[Any]]:
        """Draw at once; what has to be computed first is drawn by PCA until it is there."""
        turn = turns["now"] = turns.get("now", 0) + 1
        found = self._find(visitor)
        yield self._draw(found, visitor, *values)
        yield from self._wait(found, visitor, turns, turn, *values)

    def show_epoch(self, visitor: Visitor, turns: dict[str, int], *values: object) -> list[Any]:
        """Draw at once what nothing has to be computed for."""
        turns["now"] = turns.get("now", 0) + 1
        found = self._find(visitor)
        try:
            with self.frame.program.answer_room.place():
                return self._draw(found, visitor, *values)
        except InputError as error:
            raise gr.Error(str(error), print_exception=False) from None

    def settle(self, visitor: Visitor, turns: dict[str, int], *values: object) -> Iterator[list[Any]]:
        """Draw what had to be computed first after the tab was opened, if anything."""
        found = self._find(visitor)
        yield [gr.skip()] * len(self.outputs)
        yield from self._wait(found, visitor, turns, turns.get("now", 0), *values)

    # gradio hands the event to an argument whose annotation says so.
    def choose_group(
        self,
        visitor: Visitor,
        turns: dict,
        method: Any,
        dimensions: Any,
        label: Any,
        epoch: Any,
        group: Any,
        event: gr.EventData,
    ) -> list[Any]:
        """Tell a group apart, or no longer."""
        chosen = sent(event).get("id")
        chosen = None if chosen == group else chosen
        return [chosen, *self.show_epoch(visitor, turns, method, dimensions, label, epoch, chosen)]

    def choose_label(
        self,
        visitor: Visitor,
        turns: dict,
        method: Any,
        dimensions: Any,
        label: Any,
        epoch: Any,
        group: Any,
        event: gr.EventData,
    ) -> Iterator[list[Any]]:
        """Choose the label whose point or whose name among the neighbours was clicked."""
        names = self._find(visitor).label_set.names
        chosen = _clicked_label(event, len(names))
        if chosen is None:
            yield [gr.skip()] * (1 + len(self.outputs))
            return
        for drawn in self.redraw(visitor, turns, method, dimensions, names[chosen], epoch, group):
            yield [names[chosen], *drawn]

    def _map_of(self, service: RetrievalService, visitor: Visitor) -> ClassifierMap:
        from app.maps.classifiers import classifier_map_of

        program = self.frame.program
        return classifier_map_of(service, program.cache_folder, program.layout_worker, keep=not visitor.has_own)

    def _find(self, visitor: Visitor) -> ClassifierMap:
        try:
            return self._map_of(self.frame.service(visitor), visitor)
        except InputError as error:
            raise gr.Error(str(error), print_exception=False) from None

    def _draw(
        self,
        found: ClassifierMap,
        visitor: Visitor,
        method: object,
        dimensions: object,
        label: object,
        epoch: object,
        group: object = None,
    ) -> list[Any]:
        """A value for each of the outputs."""
        from app.maps.panels import classifier_legend, classifier_panel, method_note, silhouette_line

        view = found.view(method, dimensions, label, epoch, group)
        if view.method != "pca" and not found.is_ready(view.method):
            view = found.view("pca", dimensions, label, group=group)
        values: list[Any] = [
            gr.update(visible=found.epochs > 1 and method == "pca"),
            method_note(view.method, placed=visitor.query is not None) + _alone(found),
            classifier_legend(found, view.group),
        ]
        for number in range(VARIANTS):
            if number >= len(found.variants):
                values += ["", None, "", ""]
                continue
            variant = found.variants[number]
            values += [
                render("maps/plot_title.html", title=_title(found, variant)),
                plot_value(found.figure(variant, view, visitor.query)),
                silhouette_line(found.silhouettes(variant, view)),
                classifier_panel(found, variant, view, visitor.query),
            ]
        return values

    def _wait(
        self, found: ClassifierMap, visitor: Visitor, turns: dict[str, int], turn: int, *values: object
    ) -> Iterator[list[Any]]:
        """Say how long the layout has been under way, then draw it."""
        from app.maps.panels import problem_note, waiting_note

        wanted, unchanged = found.view(*values[:2]).method, [gr.skip()] * (1 + len(self.pieces))
        if found.is_ready(wanted):
            return
        try:
            found.start(wanted)
            while (seconds := found.waiting(wanted, POLL_SECONDS)) is not None:
                if turns.get("now", 0) != turn:  # the visitor has since asked for something else
                    return
                yield [gr.skip(), waiting_note(wanted, seconds), *unchanged]
        except InputError as error:
            yield [gr.skip(), problem_note(str(error)), *unchanged]
            return
        yield self._draw(found, visitor, *values)


def _clicked_label(event: gr.EventData, count: int) -> int | None:
    """The label that a click on a plot or on a list was about."""
    data = sent(event)
    if data.get("action") == "label":
        chosen = data.get("id")
        return chosen if type(chosen) is int and 0 <= chosen < count else None
    ids = selected_ids(event, count) if data.get("action") == "click" else []
    return ids[0] if ids else None


def _title(found: ClassifierMap, variant: Variant) -> str:
    """What a variant is called; beside one of mode plus, the others are said to be of mode paper."""
    title = TITLES[variant.key]
    return title if found.variants[0].key != "plus" or variant.key == "plus" else f"Mode paper: {title.lower()}"


def _alone(found: ClassifierMap) -> str:
    """Why there is nothing to compare with, where there is one model only."""
    variants: list[Variant] = found.variants
    return render("maps/alone.html", sentence=ALONE[variants[0].key]) if len(variants) == 1 else ""
