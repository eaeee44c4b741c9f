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
from app.kit.templates import render
from app.visitors.visitor import Visitor

if TYPE_CHECKING:
    from algcn.bundles.bundle import Bundle
    from app.service import RetrievalService

WAYS = {figures.DIRECTIONS[name]: name for name in ("image_to_text", "text_to_image")}
CURVES = "precision_recall"
MAX_CHOICE = 60
NOT_UNDERSTOOD = "The bundle describes its data in an unknown way, so no row of the paper is to be compared with it."
SETS = 2  # of pairs on which the calibration is tested: the test split and a gallery


def build(frame: Frame, tab: gr.Tab) -> None:
    """Lay the tab out and wire it; called inside `tab`."""
    head = _html("benchmark-head")
    with gr.Column(visible=False, elem_classes="benchmark-part") as curves_part:
        _html("benchmark-curves", render("benchmark/curves.html"))
        relevance = gr.Radio([], label="Relevant: an item that shares one of", elem_id="benchmark-relevance")
        with gr.Row():
            curves = [_plot(f"benchmark-curve-{name}", title) for title, name in WAYS.items()]
    with gr.Column(visible=False, elem_classes="benchmark-part") as labels_part:
        _html("benchmark-labels", render("benchmark/labels.html"))
        way = gr.Radio(list(WAYS), value=next(iter(WAYS)), label="Direction", elem_id="benchmark-direction")
        labels = clickable_plot(elem_id="benchmark-label-plot", height=560)
    with gr.Column(visible=False, elem_classes="benchmark-part") as ranking_part:
        _html("benchmark-ranking", render("benchmark/ranking.html"))
        with gr.Row():
            with gr.Column(min_width=320):
                tradeoff = clickable_plot(elem_id="benchmark-tradeoff", height=340)
            with gr.Column(min_width=320):
                tradeoff_table = _html("benchmark-tradeoff-table")
    with gr.Column(visible=False, elem_classes="benchmark-part") as reliability_part:
        _html("benchmark-reliability", render("benchmark/promises.html"))
        with gr.Row():
            sets = []
            for number in range(SETS):
                with gr.Column(visible=False, min_width=320) as column:
                    sets += [
                        column,
                        _html(f"benchmark-reliability-table-{number}"),
                        clickable_plot(elem_id=f"benchmark-reliability-{number}", height=400),
                    ]
    foot = _html("benchmark-foot")

    def show(service: RetrievalService, visitor: Visitor, direction: str) -> tuple[Any, ...]:
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

    frame.on_open(
        tab,
        show,
        [
            head,
            curves_part,
            relevance,
            *curves,
            labels_part,
            labels,
            ranking_part,
            tradeoff,
            tradeoff_table,
            reliability_part,
            *sets,
            foot,
        ],
        inputs=[way],
    )

    def chosen_again(visitor: Visitor, name: str, direction: str) -> tuple[Any, ...]:
        metrics = frame.service(visitor).bundle.metrics or {}
        blocks = _part(lambda: figures.blocks(metrics)) or {}
        return (*_curves(blocks, name), _bars(blocks, name, direction))

    for control in (relevance, way):
        control.input(
            chosen_again,
            [frame.visitor, relevance, way],
            [*curves, labels],
            api_visibility="private",
            show_progress="hidden",
        )


def _html(elem_id: str, value: str = "") -> gr.HTML:
    return gr.HTML(value, elem_id=elem_id, elem_classes="benchmark-html", apply_default_css=False, padding=False)


def _plot(elem_id: str, title: str) -> gr.HTML:
    with gr.Column(min_width=300):
        _html(f"{elem_id}-title", render("benchmark/plot_title.html", title=title))
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
