"""The Benchmark tab: the bundle's own numbers, its record, beside chance, a linear probe and the paper.

A bundle may come from anywhere: what its record lacks is left out, and so is what is not understood, with a sentence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import gradio as gr

from algcn.evaluation.paper import comparison
from algcn.evaluation.record import LabelCurves, Record, TestedSet
from algcn.evaluation.results import DIRECTIONS
from app.benchmark import figures, tables
from app.benchmark.study import study
from app.components.clickable_plot import clickable_plot, plot_value
from app.frame import Frame
from app.kit.scripts import mount
from app.kit.templates import render
from app.tabs.mistakes import MistakesPart
from app.visitors.visitor import Visitor

if TYPE_CHECKING:
    from algcn.bundles.bundle import Bundle
    from app.service import RetrievalService

WAYS = {title: name for name, title in DIRECTIONS.items()}
MAX_CHOICE = 60
SETS = 2  # of pairs on which the calibration is tested: the test split and a gallery


class BenchmarkTab:
    """The tab's components and what they do; made inside its gr.Tab."""

    def __init__(self, frame: Frame, tab: gr.Tab) -> None:
        self.frame, self.tab = frame, tab
        _html("benchmark-index", render("kit/index.html"), js_on_load=mount("page_index"))
        self.head = _html("benchmark-head")
        with gr.Column(visible=False, elem_classes="benchmark-part") as self.curves_part:
            _html("benchmark-curves", render("benchmark/curves.html"))
            self.relevance = gr.Radio(
                [], label="A result is right when it shares one of the", elem_id="benchmark-relevance"
            )
            with gr.Row():
                self.curves = [_plot(f"benchmark-curve-{name}", title) for title, name in WAYS.items()]
        with gr.Column(visible=False, elem_classes="benchmark-part") as self.labels_part:
            _html("benchmark-labels", render("benchmark/labels.html"))
            self.way = gr.Radio(list(WAYS), value=next(iter(WAYS)), label="Direction", elem_id="benchmark-direction")
            self.labels = clickable_plot(elem_id="benchmark-label-plot", height=560)
        self.mistakes = MistakesPart(frame)
        with gr.Column(visible=False, elem_classes="benchmark-part") as self.ranking_part:
            _html("benchmark-ranking", render("benchmark/ranking.html"))
            with gr.Row():
                with gr.Column(min_width=320):
                    self.tradeoff = clickable_plot(elem_id="benchmark-tradeoff", height=340)
                with gr.Column(min_width=320):
                    self.tradeoff_table = _html("benchmark-tradeoff-table")
        with gr.Column(visible=False, elem_classes="benchmark-part") as self.reliability_part:
            _html("benchmark-reliability", render("benchmark/promises.html"))
            with gr.Row():
                self.sets = [part for number in range(SETS) for part in _reliability_column(number)]
        self.study = _html("benchmark-study", js_on_load=mount("study"))
        self.foot = _html("benchmark-foot")

    def wire(self) -> None:
        """Connect the events with the methods."""
        self.mistakes.wire(self.labels)
        self.frame.on_open(
            self.tab,
            self.open_tab,
            [
                self.head,
                self.curves_part,
                self.relevance,
                *self.curves,
                self.labels_part,
                self.labels,
                self.mistakes.view,
                self.ranking_part,
                self.tradeoff,
                self.tradeoff_table,
                self.reliability_part,
                *self.sets,
                self.study,
                self.foot,
            ],
            inputs=[self.way],
        )
        for control in (self.relevance, self.way):
            control.input(
                self.redraw,
                [self.frame.visitor, self.relevance, self.way],
                [*self.curves, self.labels],
                api_visibility="private",
                show_progress="hidden",
            )

    def open_tab(self, service: RetrievalService, visitor: Visitor, direction: str) -> tuple[Any, ...]:
        """Show the numbers of the model that is open."""
        record, used = service.bundle.record, service.bundle.ranking.weights
        drawn = record.label_curves()
        chosen = next(iter(drawn), None)
        choices = [(name[:MAX_CHOICE], name) for name in drawn]
        weights = record.ranking.weights if record.ranking else ()
        plot = plot_value(figures.ranking_tradeoff(weights, used))
        tested = record.calibration.sets[:SETS] if record.calibration else ()
        shown = [value for number in range(SETS) for value in _column(tested, number)]
        first, second = _curves(drawn, chosen)
        bars = _bars(drawn, chosen, direction, service.bundle.label_set.names)
        return (
            _head(record, service.name),
            gr.update(visible=first is not None),
            gr.update(choices=choices, value=chosen, visible=len(choices) > 1),
            first,
            second,
            gr.update(visible=bars is not None),
            bars,
            self.mistakes.first(service),
            gr.update(visible=plot is not None),
            plot,
            tables.tradeoff(weights, used) if weights else "",
            gr.update(visible=bool(tested)),
            *shown,
            study(),
            tables.encoder(record.encoder) + _paper(service.bundle) + tables.DEFINITIONS,
        )

    def redraw(self, visitor: Visitor, name: str, direction: str) -> tuple[Any, ...]:
        """Draw the curves and the bars of another relevance or direction."""
        bundle = self.frame.service(visitor).bundle
        drawn = bundle.record.label_curves()
        return (*_curves(drawn, name), _bars(drawn, name, direction, bundle.label_set.names))


def _reliability_column(number: int) -> tuple[gr.Column, gr.HTML, gr.HTML]:
    """The column of a set of pairs, its table and its plot."""
    with gr.Column(visible=False, min_width=320) as column:
        table = _html(f"benchmark-reliability-table-{number}")
        plot = clickable_plot(elem_id=f"benchmark-reliability-{number}", height=400)
    return column, table, plot


def _html(elem_id: str, value: str = "", **options: Any) -> gr.HTML:
    classes = "benchmark-html"
    return gr.HTML(value, elem_id=elem_id, elem_classes=classes, apply_default_css=False, padding=False, **options)


def _plot(elem_id: str, title: str) -> gr.HTML:
    with gr.Column(min_width=300):
        _html(f"{elem_id}-title", render("benchmark/plot_title.html", title=title))
        return clickable_plot(elem_id=elem_id, height=380)


def _paper(bundle: Bundle) -> str:
    found = comparison(
        bundle.record,
        bundle.label_set.names,
        bundle.model.config,
        bundle.encodes,
        selected_on_test=bundle.selected_on_test,
    )
    return tables.paper(found.caveat)


def _head(record: Record, name: str) -> str:
    """What was measured on what, what is left out, and how good it is; or how such numbers are made."""
    parts = (tables.header(record, name), tables.problems(record.problems), tables.comparisons(record))
    return "".join(parts) or tables.EMPTY


def _curves(drawn: Mapping[str, LabelCurves], name: str | None) -> tuple[Any, ...]:
    """A figure for each direction, or Nones."""
    if name not in drawn:
        return (None,) * len(WAYS)
    return tuple(plot_value(figures.precision_recall(drawn[name].precision_recall, way)) for way in WAYS.values())


def _bars(drawn: Mapping[str, LabelCurves], name: str | None, direction: str, labels: Sequence[str] = ()) -> Any:
    """A figure of one direction, whose clicks bring the numbers of `labels`; None where there is nothing to draw."""
    if name not in drawn or direction not in WAYS:
        return None
    return plot_value(figures.label_bars(drawn[name].per_label, WAYS[direction], labels))


def _column(tested: Sequence[TestedSet], number: int) -> tuple[Any, str, Any]:
    """Visibility, table and figure of one set."""
    if number >= len(tested):
        return gr.update(visible=False), "", None
    part = tested[number]
    return gr.update(visible=True), tables.reliability(part), plot_value(figures.reliability(part))
