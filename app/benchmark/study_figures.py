"""Figures of the study as Plotly's JSON has them: bars that start at chance, lines over a share, standard errors."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from itertools import cycle
from typing import Any

from algcn.study import document
from algcn.study.document import BARS, Series
from app.benchmark.figures import BLUE, GREY, NAMES, OLIVE, ORANGE, PINK, STYLES, TEAL, VIOLET, Figure, basic_figure
from app.kit.words import plain

PALETTE = (TEAL, ORANGE, BLUE, PINK, OLIVE, VIOLET)
DASHES = ("solid", "dash", "dashdot", "longdash", "longdashdot", "dot")
SYMBOLS = ("circle", "diamond-open", "square-open", "cross", "triangle-up", "x")
WRAPPED = 17  # letters of a name beside bars
BAR_PIXELS, BAR_MARGINS, LINES_PIXELS = 19, 130, 380
FEW = 3  # places that need bars of more height


def height(made: document.Figure) -> int:
    """How many pixels high a figure is."""
    if made.kind != BARS:
        return LINES_PIXELS
    rows = len(made.x) * (len(made.series) + 1)
    return BAR_MARGINS + max(rows * BAR_PIXELS, len(made.x) * BAR_PIXELS * FEW)


def figure(made: document.Figure) -> Figure:
    """Draw one figure."""
    return _bars(made) if made.kind == BARS else _lines(made)


def _bars(made: document.Figure) -> Figure:
    """Lying bars, the first on top; they start where chance is, or at nothing where a difference is drawn."""
    base = made.chance[0] if made.chance else 0.0
    rows = list(range(len(made.x)))
    data: list[dict[str, Any]] = [
        {
            "type": "bar",
            "orientation": "h",
            "name": plain(series.name),
            "base": base,
            "x": [None if value is None else value - base for value in series.y],
            "y": rows,
            "error_x": _error(series) | {"color": GREY},
            "marker": {"color": colour, "opacity": 0.75},
            "customdata": [None if value is None else f"{value:.4f}" for value in series.y],
            "hovertemplate": "%{customdata}",
        }
        for series, colour in zip(made.series, cycle(PALETTE), strict=False)
    ]
    if made.chance:
        data.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": NAMES["chance"],
                "x": [base, base],
                "y": [-0.5, len(rows) - 0.5],
                "line": {"color": GREY, "dash": STYLES["chance"]["dash"], "width": 2},
                "hovertemplate": "%{x:.4f}",
            }
        )
    drawn = basic_figure(data, plain(made.y_title), "")
    drawn["layout"]["yaxis"] = {
        "tickvals": rows,
        "ticktext": [_wrapped(name) for name in made.x],
        "range": [len(rows) - 0.45, -0.55],
        "showgrid": False,
        "zeroline": False,
        "fixedrange": True,
        "automargin": True,
    }
    drawn["layout"]["xaxis"] |= {"nticks": 6, "zeroline": not made.chance}
    if made.chance:
        values = [value for series in made.series for value in series.y if value is not None]
        spread = max([*values, base]) - base
        drawn["layout"]["xaxis"] |= {"range": [base - 0.04 * spread, base + 1.06 * spread]} if spread else {}
    drawn["layout"] |= {"bargap": 0.22, "barmode": "group"}
    return drawn


def _lines(made: document.Figure) -> Figure:
    places = list(made.x)
    styles = zip(PALETTE, DASHES, SYMBOLS, strict=True)
    data: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": plain(series.name),
            "x": places,
            "y": list(series.y),
            "error_y": _error(series),
            "line": {"color": colour, "dash": dash, "width": 2.5},
            "marker": {"color": colour, "symbol": symbol, "size": 9},
            "hovertemplate": "%{y:.4f}",
        }
        for series, (colour, dash, symbol) in zip(made.series, cycle(styles), strict=False)
    ]
    if made.chance:
        style = STYLES["chance"]
        data.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": NAMES["chance"],
                "x": places,
                "y": list(made.chance),
                "line": {"color": style["color"], "dash": style["dash"], "width": 2},
                "hovertemplate": "%{y:.4f}",
            }
        )
    drawn = basic_figure(data, plain(made.x_title), plain(made.y_title), hovermode="x unified")
    drawn["layout"]["xaxis"] |= {"type": "category", "automargin": True}
    return drawn


def _error(series: Series) -> dict[str, Any]:
    return {
        "type": "data",
        "array": [0 if error is None else error for error in series.error],
        "visible": any(error is not None for error in series.error),
        "thickness": 1.5,
        "width": 3,
    }


def _wrapped(name: str) -> str:
    lines: Sequence[str] = textwrap.wrap(name, WRAPPED, break_long_words=False)
    return "<br>".join(plain(line) for line in lines)
