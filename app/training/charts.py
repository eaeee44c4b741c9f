"""Draw a training run as figures, plain dicts for `clickable_plot`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from algcn.evaluation.results import DIRECTIONS as NAMES
from app.kit.theme import GROUP_COLOURS

if TYPE_CHECKING:
    from torch import Tensor

    from algcn.training.loop import EpochReport

LOSSES = (
    ("total", "total", "#6b7280", "solid"),
    ("classification", "classification", GROUP_COLOURS[0], "dash"),
    ("invariance", "invariance", GROUP_COLOURS[1], "dot"),
    ("self_supervision", "self-supervision", GROUP_COLOURS[3], "dashdot"),
    ("likelihood", "likelihood", GROUP_COLOURS[1], "dot"),
    ("contrast", "contrast", GROUP_COLOURS[3], "dashdot"),
)
DIRECTIONS = (
    ("image_to_text", NAMES["image_to_text"], GROUP_COLOURS[0], "solid"),
    ("text_to_image", NAMES["text_to_image"], GROUP_COLOURS[1], "dash"),
)
# Nothing is transparent, so that it is the page by day and by night; both ends are seen on either.
CHANGES = ((0.0, "#b5651d"), (0.5, "rgba(128, 128, 128, 0)"), (1.0, "#14917f"))
LEGEND = {"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom", "font": {"size": 12}}
MARGIN = {"l": 44, "r": 10, "t": 8, "b": 38}
DIGITS = 3
MAX_TICKS = 24


def map_figure(log: Sequence[EpochReport], epochs: int, chance: float) -> dict[str, Any]:
    """Draw validation mAP of both directions by epoch, over the line of a random ranking."""
    passed = [entry.epoch for entry in log]
    traces = [
        _line(passed, [entry.map[key] for entry in log], name, colour, dash, "%{y:.3f}")
        for key, name, colour, dash in DIRECTIONS
    ]
    traces.append(
        {
            "type": "scatter",
            "mode": "lines",
            "name": "a random ranking",
            "x": [1, max(2, epochs)],
            "y": [round(chance, DIGITS)] * 2,
            "line": {"color": "#8b8d96", "width": 1.5, "dash": "dot"},
            "hovertemplate": "%{y:.3f}",
        }
    )
    seen = [value for entry in log for value in (entry.map["image_to_text"], entry.map["text_to_image"])] + [chance]
    low, high = max(0.0, min(seen) - 0.05), min(1.0, max(seen) + 0.05)
    return _figure(traces, epochs, {"range": [low, high], "tickformat": ".2f"})


def loss_figure(log: Sequence[EpochReport], epochs: int) -> dict[str, Any]:
    """Draw each part of the mode's loss by epoch, as a share of what it was in the first; hovering gives the values."""
    passed = [entry.epoch for entry in log]
    traces = []
    for key, name, colour, dash in LOSSES:
        if log and key not in log[0].losses:
            continue
        values = [entry.losses[key] for entry in log]
        first = values[0] if values and values[0] else 1.0
        trace = _line(passed, [value / first for value in values], name, colour, dash, "%{text}")
        traces.append({**trace, "text": [f"{value:.4f}" for value in values]})
    return _figure(traces, epochs, {"tickformat": ".0%"})


def change_figure(change: Tensor, names: Sequence[str], short: Sequence[str]) -> dict[str, Any]:
    """Draw the learned change of the label graph as a heat map, a label's own weight left out.

    Args:
        change: L × L, row i to column j.
        names: L, ready to be shown (see `clickable_plot.plain`).
        short: The same, short enough to stand at an axis.
    """
    between = change.clone().fill_diagonal_(0.0)
    reach = max(float(between.abs().max()), 1e-6)
    trace = {
        "type": "heatmap",
        "x": list(names),
        "y": list(names),
        "z": [[round(value, DIGITS) + 0.0 for value in row] for row in between.tolist()],
        "colorscale": [list(step) for step in CHANGES],
        "zmin": -reach,
        "zmax": reach,
        "hovertemplate": "%{y} → %{x}<br>%{z:+.3f}<extra></extra>",
        "colorbar": {"thickness": 8, "len": 0.9, "tickformat": "+.2f", "nticks": 5, "outlinewidth": 0},
    }
    every = slice(None, None, max(1, -(-len(names) // MAX_TICKS)))
    ticks = {"type": "category", "tickvals": list(names[every]), "ticktext": list(short[every])}
    axis = {**ticks, "tickfont": {"size": 10}, "showgrid": False, "zeroline": False}
    layout = {
        "xaxis": {**axis, "tickangle": -60},
        "yaxis": {**axis, "autorange": "reversed"},
        "margin": {"l": 84, "r": 0, "t": 8, "b": 78},
    }
    return {"data": [trace], "layout": layout}


def _line(x: Sequence[int], y: Sequence[float], name: str, colour: str, dash: str, hover: str) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": name,
        "x": list(x),
        "y": [round(value, 4) for value in y],
        "line": {"color": colour, "width": 2.5, "dash": dash},
        "marker": {"size": 6},
        "hovertemplate": hover,
    }


def _figure(traces: list[dict[str, Any]], epochs: int, yaxis: dict[str, Any]) -> dict[str, Any]:
    spread = max(2, epochs)
    layout = {
        "xaxis": {
            "title": {"text": "epoch", "standoff": 6, "font": {"size": 12}},
            "range": [0.5, spread + 0.5],
            "tickformat": "d",
        },
        "yaxis": {**yaxis, "zeroline": False},
        "hovermode": "x unified",
        "legend": LEGEND,
        "margin": MARGIN,
    }
    return {"data": traces, "layout": layout}
