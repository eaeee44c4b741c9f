"""The Classifiers tab: the classifiers of the labels as points, with the graph convolution and without."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
TITLES = {"with_gcn": "With the graph convolution", "without_gcn": "Without it, each classifier for itself"}
ALONE = {
    "with_gcn": "This bundle has no model trained without the graph, so there is nothing to compare with.",
    "without_gcn": "This model was trained without the graph convolution: each classifier was learned for itself.",
}


def build(frame: Frame, tab: gr.Tab) -> None:
    """Lay the tab out and wire it; called inside `tab`."""
    gr.HTML(render("maps/classifiers.html"), elem_classes=["map-panel"], apply_default_css=False)
    with gr.Row(elem_classes=["map-controls"]):
        method = gr.Radio(
            [("PCA", "pca"), ("t-SNE", "tsne"), ("UMAP", "umap")],
            value="pca",
            label="Drawn by",
            elem_id="classifiers-method",
            min_width=220,
            scale=2,
        )
        dimensions = gr.Radio(
            [("2D", 2), ("3D", 3)],
            value=2,
            label="Dimensions",
            elem_id="classifiers-dimensions",
            min_width=150,
            scale=1,
        )
        label = gr.Dropdown(
            [], value=None, label="Label", info=None, elem_id="classifiers-label", min_width=200, scale=2
        )
        epoch = gr.Slider(
            0,
            1,
            value=0,
            step=1,
            label="Epoch (0 is the random start)",
            visible=False,
            elem_id="classifiers-epoch",
            min_width=240,
            scale=3,
        )
    note = gr.HTML("", elem_id="classifiers-note", elem_classes=["map-panel"], apply_default_css=False)
    columns, parts = [], []
    with gr.Row(elem_classes=["map-pair"]):
        for number in range(2):
            with gr.Column(visible=number == 0, min_width=320) as column:
                title = gr.HTML("", elem_classes=["map-panel", "map-title"], apply_default_css=False)
                plot = clickable_plot(elem_id=f"classifiers-plot-{number}", height=PLOT_HEIGHT)
                silhouette = gr.HTML("", elem_id=f"classifiers-fact-{number}", elem_classes=["map-panel"])
                near = panel(elem_id=f"classifiers-near-{number}")
            columns.append(column)
            parts.append((title, plot, silhouette, near))
    pieces = [piece for part in parts for piece in part]
    turns = gr.State({})
    controls = [method, dimensions, label, epoch]
    shown = [epoch, note, *pieces]
    quiet = {"api_visibility": "private", "show_progress": "hidden", "concurrency_limit": None}

    def find(visitor: Visitor) -> ClassifierMap:
        return _map_of(frame, frame.service(visitor), keep=not visitor.has_own)

    def draw(
        found: ClassifierMap, visitor: Visitor, method: object, dimensions: object, label: object, epoch: object
    ) -> list[Any]:
        """A value for each of `shown`."""
        from app.maps.panels import classifier_panel, method_note, silhouette_line

        view = found.view(method, dimensions, label, epoch)
        if view.method != "pca" and not found.is_ready(view.method):
            view = found.view("pca", dimensions, label)
        values: list[Any] = [
            gr.update(visible=found.epochs > 1 and method == "pca"),
            method_note(view.method, placed=visitor.query is not None) + _alone(found),
        ]
        for number in range(2):
            if number >= len(found.variants):
                values += ["", None, "", ""]
                continue
            variant = found.variants[number]
            values += [
                render("maps/plot_title.html", title=TITLES[variant.key]),
                plot_value(found.figure(variant, view, visitor.query)),
                silhouette_line(found.silhouettes(variant, view)),
                classifier_panel(found, variant, view, visitor.query),
            ]
        return values

    def opened(service: RetrievalService, visitor: Visitor, method: object, dimensions: object) -> tuple[Any, ...]:
        found = _map_of(frame, service, keep=not visitor.has_own)
        kept = found.variants[0].kept or 0
        drawn = draw(found, visitor, method, dimensions, None, kept)
        drawn[0] = gr.update(maximum=max(1, found.epochs - 1), value=kept, visible=found.epochs > 1 and method == "pca")
        choices = gr.update(choices=sorted(found.label_set.names), value=None)
        return choices, gr.update(visible=len(found.variants) > 1), *drawn

    def redraw(visitor: Visitor, turns: dict[str, int], *values: object) -> Iterator[list[Any]]:
        """Draw at once; what has to be computed first is drawn by PCA until it is there."""
        turn = turns["now"] = turns.get("now", 0) + 1
        found = _answer(lambda: find(visitor))
        yield draw(found, visitor, *values)
        yield from wait(found, visitor, turns, turn, *values)

    def settle(visitor: Visitor, turns: dict[str, int], *values: object) -> Iterator[list[Any]]:
        """After the tab was opened: draw what has to be computed first, if anything."""
        found = _answer(lambda: find(visitor))
        yield [gr.skip()] * len(shown)
        yield from wait(found, visitor, turns, turns.get("now", 0), *values)

    def wait(
        found: ClassifierMap, visitor: Visitor, turns: dict[str, int], turn: int, *values: object
    ) -> Iterator[list[Any]]:
        from app.maps.panels import problem_note, waiting_note

        wanted = found.view(*values[:2]).method
        if found.is_ready(wanted):
            return
        try:
            found.start(wanted)
            while (seconds := found.waiting(wanted, POLL_SECONDS)) is not None:
                if turns.get("now", 0) != turn:  # the visitor has since asked for something else
                    return
                yield [gr.skip(), waiting_note(wanted, seconds), *[gr.skip()] * len(pieces)]
        except InputError as error:
            yield [gr.skip(), problem_note(str(error)), *[gr.skip()] * len(pieces)]
            return
        yield draw(found, visitor, *values)

    def pick(visitor: Visitor, turns: dict[str, int], *values: Any) -> Iterator[list[Any]]:
        """A click on a point or on a neighbour: the same as choosing the label."""
        *values, event = values
        found = _answer(lambda: find(visitor))
        chosen = _picked(event, len(found.label_set))
        if chosen is None:
            yield [gr.skip()] * (1 + len(shown))
            return
        name = found.label_set.names[chosen]
        method, dimensions, _, epoch = values
        for drawn in redraw(visitor, turns, method, dimensions, name, epoch):
            yield [name, *drawn]

    # gradio hands the event to an argument whose annotation says so.
    def clicked(
        visitor: Visitor, turns: dict, method: Any, dimensions: Any, label: Any, epoch: Any, event: gr.EventData
    ) -> Iterator[list[Any]]:
        yield from pick(visitor, turns, method, dimensions, label, epoch, event)

    frame.on_open(
        tab,
        opened,
        [label, columns[1], *shown],
        inputs=[method, dimensions],
        key=lambda visitor: visitor.query,
    )
    gr.on([tab.select, frame.refresh(tab).click], settle, [frame.visitor, turns, *controls], shown, **quiet)
    gr.on(
        [method.input, dimensions.input, label.input],
        redraw,
        [frame.visitor, turns, *controls],
        shown,
        trigger_mode="multiple",
        **quiet,
    )
    epoch.input(redraw, [frame.visitor, turns, *controls], shown, trigger_mode="always_last", **quiet)
    for _, plot, _, near in parts:
        gr.on(
            [plot.select, near.select],
            clicked,
            [frame.visitor, turns, *controls],
            [label, *shown],
            trigger_mode="multiple",
            **quiet,
        )


def _map_of(frame: Frame, service: RetrievalService, *, keep: bool = True) -> ClassifierMap:
    from app.maps.classifiers import classifier_map_of

    return classifier_map_of(service, frame.cache, keep=keep)


def _answer(find: Callable[[], ClassifierMap]) -> ClassifierMap:
    try:
        return find()
    except InputError as error:
        raise gr.Error(str(error), print_exception=False) from None


def _picked(event: gr.EventData, count: int) -> int | None:
    """The label that a click on a plot or on a list was about."""
    data = sent(event)
    if data.get("action") == "label":
        chosen = data.get("id")
        return chosen if type(chosen) is int and 0 <= chosen < count else None
    ids = selected_ids(event, count) if data.get("action") == "click" else []
    return ids[0] if ids else None


def _alone(found: ClassifierMap) -> str:
    variants: list[Variant] = found.variants
    return render("maps/alone.html", sentence=ALONE[variants[0].key]) if len(variants) == 1 else ""
