"""An interactive plot whose clicks and lassos reach Python: Plotly's own JavaScript, from the installed package.

Notable: what the browser sends back is anything at all, so `selected_ids` lets only whole numbers in range through.
Texts in a figure are shown by Plotly, which takes some markup in them: pass what people wrote through `plain`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import gradio as gr

from algcn.kit import checks
from app.kit.scripts import mount
from app.kit.templates import render

MAX_SELECTED = 10_000
PLACE = "<!-- plot -->"


def clickable_plot(
    *,
    elem_id: str,
    height: int = 480,
    awaited: bool = False,
    around: str = PLACE,
    script: str = "plots",
    **options: Any,
) -> gr.HTML:
    """A place for a figure.

    Its value is `plot_value` of a figure as Plotly's JSON has it, `{"data": [...], "layout": {...}}`, plain lists and
    numbers; None shows nothing. Colours of axes, grid, paper and fonts follow the page and need not be set. Give traces
    `customdata` (one whole number for each point) to make them answer:

    - a click fires `select` with `{"action": "click", "ids": [id]}`;
    - a lasso or box fires `select` with `{"action": "lasso", "ids": [...]}`, and `{"action": "clear", "ids": []}` when
      it is taken back;
    - `layout.meta = {"pictures": PREFIX}` shows the picture PREFIX/card/ID while the pointer is on a point; points of
      traces with `meta = {"pictures": false}` do without.

    Until the first figure is drawn, the place says that it will be; with `awaited` from the start, for a value that
    comes when a tab is opened.

    `layout.meta.lasso = true` offers the lasso. `layout.meta.keep = NAME` keeps zoom and camera between figures of the
    same name. Plots resize with their place and redraw when the visitor switches between light and dark.

    A view with controls of its own, in the browser, gives markup `around` the plot (PLACE stands for it) and the name
    of its `script`, which makes a `Plot` (plots.js) with `compose(value)`, the figure of a value that is none itself,
    and `respond(event)`, which gets the events above instead of Python.
    """
    plot = render("components/plot.html", height=int(height), awaited=awaited)
    return gr.HTML(
        None,
        html_template=around.replace(PLACE, plot),
        js_on_load=mount(script),
        elem_id=elem_id,
        elem_classes=["clickable-plot"],
        apply_default_css=False,
        **options,
    )


def plot_value(figure: Mapping[str, Any] | None) -> str | None:
    """A figure as the value of a `clickable_plot`.

    It travels as one text: the page copies every part of a value that is an object several times for each event,
    whatever the event is about, and with figures of some thousand points that took longer than drawing them.
    """
    return None if figure is None else json.dumps(figure, allow_nan=False, separators=(",", ":"))


def selected_ids(event: gr.EventData, count: int) -> list[int]:
    """The ids that a `select` brought, those from 0 to `count` - 1, each once; whatever else was sent is dropped."""
    data = event._data if isinstance(event._data, dict) else {}
    ids = data.get("ids")
    if not isinstance(ids, list):
        return []
    whole = (value for value in ids[:MAX_SELECTED] if checks.is_whole(value))
    return list(dict.fromkeys(value for value in whole if 0 <= value < count))
