"""The Benchmark tab: the bundle's own numbers, from its metrics.json, beside chance, a linear probe and the paper.

A bundle may come from anywhere: what its metrics.json lacks, or says in a way that is not understood, is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import gradio as gr

from algcn.evaluation.paper import comparison
from app.benchmark import figures, tables
from app.components.clickable_plot import clickable_plot, plot_value
from app.frame import Frame
from app.visitors.visitor import Visitor

if TYPE_CHECKING:
    from algcn.bundles.bundle import Bundle
    from app.service import RetrievalService

WAYS = {figures.DIRECTIONS[name]: name for name in ("image_to_text", "text_to_image")}
CURVES = "precision_recall"
MAX_CHOICE = 60
NOT_UNDERSTOOD = "The bundle describes its data in an unknown way, so no row of the paper is to be compared with it."
SETS = 2  # of pairs on which the calibration is tested: the test split and a gallery
CURVES_INTRO = """
<section class="numbers"><h2>How long it stays right</h2>
<p class="lead">Going down the ranking, recall grows and precision falls. A better method stays up longer; a random
ranking is flat. First seed of each method.</p></section>
"""
LABELS_INTRO = """
<section class="numbers"><h2>Label by label</h2>
<p class="lead">Average precision of the queries that have a label, best first. The mean hides these differences.</p>
</section>
"""
RANKING_INTRO = """
<section class="numbers"><h2>What the search ranks by</h2>
<p class="lead">The common space knows labels and forgets much else, so a search counts the encoder's own cosine too.
More of it finds the one right photo more often (to the right) and mixes labels more (down). Validation photos.</p>
</section>
"""
RELIABILITY_INTRO = """
<section class="numbers"><h2>Can the probabilities be trusted?</h2>
<p class="lead">A result's probability of sharing a label with the query is learned from ranking scores of validation
photos. On the dotted line, promises are kept; below it, too much was promised. The first ten results of a query, those
one looks at, are counted apart: as the best of many they can disappoint.</p></section>
"""


class BenchmarkTab:
    """The tab's components and what they do; made inside its gr.Tab."""

    def __init__(self, frame: Frame, tab: gr.Tab) -> None:
        self.frame, self.tab = frame, tab
        self.head = _html("benchmark-head")
        with gr.Column(visible=False, elem_classes="benchmark-part") as self.curves_part:
            _html("benchmark-curves", CURVES_INTRO)
            self.relevance = gr.Radio([], label="Relevant: an item that shares one of", elem_id="benchmark-relevance")
            with gr.Row():
                self.curves = [_plot(f"benchmark-curve-{name}", title) for title, name in WAYS.items()]
        with gr.Column(visible=False, elem_classes="benchmark-part") as self.labels_part:
            _html("benchmark-labels", LABELS_INTRO)
            self.way = gr.Radio(list(WAYS), value=next(iter(WAYS)), label="Direction", elem_id="benchmark-direction")
            self.labels = clickable_plot(elem_id="benchmark-label-plot", height=560)
        with gr.Column(visible=False, elem_classes="benchmark-part") as self.ranking_part:
            _html("benchmark-ranking", RANKING_INTRO)
            with gr.Row():
                with gr.Column(min_width=320):
                    self.tradeoff = clickable_plot(elem_id="benchmark-tradeoff", height=340)
                with gr.Column(min_width=320):
                    self.tradeoff_table = _html("benchmark-tradeoff-table")
        with gr.Column(visible=False, elem_classes="benchmark-part") as self.reliability_part:
            _html("benchmark-reliability", RELIABILITY_INTRO)
            with gr.Row():
                self.sets = [part for number in range(SETS) for part in _reliability_column(number)]
        self.foot = _html("benchmark-foot")

    def wire(self) -> None:
        """Connect the events with the methods."""
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
                self.ranking_part,
                self.tradeoff,
                self.tradeoff_table,
                self.reliability_part,
                *self.sets,
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
        metrics = service.bundle.metrics or {}
        used = service.bundle.encoder_weight
        blocks = _part(lambda: figures.blocks(metrics)) or {}
        chosen = next(iter(blocks), None)
        choices = [(name[:MAX_CHOICE], name) for name in blocks]
        weights = _part(lambda: metrics["ranking"]["weights"])
        plot = _plotted(lambda: figures.ranking_tradeoff(weights, used))
        tested = _part(lambda: [_set(part) for part in metrics["calibration"]["sets"][:SETS]]) or []
        shown = [value for number in range(SETS) for value in _column(tested, number)]
        first, second = _curves(blocks, chosen)
        bars = _bars(blocks, chosen, direction)
        return (
            _head(metrics, service.name),
            gr.update(visible=first is not None),
            gr.update(choices=choices, value=chosen, visible=len(choices) > 1),
            first,
            second,
            gr.update(visible=bars is not None),
            bars,
            gr.update(visible=plot is not None),
            plot,
            _part(lambda: tables.tradeoff(weights, used)) or "",
            gr.update(visible=bool(tested)),
            *shown,
            (_part(lambda: tables.encoder(metrics["encoder"])) or "") + _paper(service.bundle) + tables.DEFINITIONS,
        )

    def redraw(self, visitor: Visitor, name: str, direction: str) -> tuple[Any, ...]:
        """Draw the curves and the bars of another relevance or direction."""
        metrics = self.frame.service(visitor).bundle.metrics or {}
        blocks = _part(lambda: figures.blocks(metrics)) or {}
        return (*_curves(blocks, name), _bars(blocks, name, direction))


def _reliability_column(number: int) -> tuple[gr.Column, gr.HTML, gr.HTML]:
    """The column of a set of pairs, its table and its plot."""
    with gr.Column(visible=False, min_width=320) as column:
        table = _html(f"benchmark-reliability-table-{number}")
        plot = clickable_plot(elem_id=f"benchmark-reliability-{number}", height=400)
    return column, table, plot


def _html(elem_id: str, value: str = "") -> gr.HTML:
    return gr.HTML(value, elem_id=elem_id, elem_classes="benchmark-html", apply_default_css=False, padding=False)


def _plot(elem_id: str, title: str) -> gr.HTML:
    with gr.Column(min_width=300):
        _html(f"{elem_id}-title", f'<h3 class="plot-title">{title}</h3>')
        return clickable_plot(elem_id=elem_id, height=380)


def _paper(bundle: Bundle) -> str:
    return tables.paper(_part(lambda: comparison(bundle).caveat) or NOT_UNDERSTOOD)


def _part(make: Callable[[], Any]) -> Any:
    """What `make` gives, or None where the metrics lack it or have something else in its place."""
    try:
        return make()
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        return None


def _plotted(make: Callable[[], Any]) -> str | None:
    return plot_value(_part(make))


def _head(metrics: Mapping[str, Any], name: str) -> str:
    parts = [_part(lambda: tables.header(metrics, name)), _part(lambda: tables.comparisons(metrics))]
    return "".join(filter(None, parts)) or tables.EMPTY


def _curves(blocks: Mapping[str, Any], name: str | None) -> tuple[Any, ...]:
    """A figure for each direction, or Nones."""
    return tuple(
        _plotted(lambda w=w: figures.precision_recall(blocks[name]["precision_recall"], w)) for w in WAYS.values()
    )


def _bars(blocks: Mapping[str, Any], name: str | None, direction: str) -> Any:
    return _plotted(lambda: figures.label_bars(blocks[name]["per_label"], WAYS[direction]))


def _set(part: Mapping[str, Any]) -> tuple[str, Any]:
    return tables.reliability(part), plot_value(figures.reliability(part["directions"]))


def _column(tested: list[tuple[str, Any]], number: int) -> tuple[Any, str, Any]:
    """Visibility, table and figure of one set."""
    table, figure = tested[number] if number < len(tested) else ("", None)
    return gr.update(visible=figure is not None), table, figure
