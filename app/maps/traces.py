"""Turn arrays into plotly figures, as the plain dicts that `clickable_plot` takes.

Notable: whatever somebody wrote passes `plain`; coordinates are rounded to what a screen shows, so that a figure of
thousands of points is a small answer; many points in the plane are drawn by WebGL, fewer as SVG, which looks better.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.kit.words import bold, plain

DIGITS = 4
MANY_POINTS = 4000
ACCENT, FAINT = "#0d9488", "#9a9ca3"
EYE = (1.25, 1.25, 0.8)  # from where points in space are first seen, towards their middle
QUERY_NAME = "<b>your query</b>"
MARGIN = 0.06  # of the points' extent, left free around them


def points_trace(
    positions: ArrayLike,
    ids: Sequence[int],
    *,
    name: str,
    colour: str | Sequence[str],
    symbol: str = "circle",
    size: float = 8,
    opacity: float = 1.0,
    hover: Sequence[str] | None = None,
    names: Sequence[str] | None = None,
    sides: Sequence[str] | None = None,
    pictures: bool = False,
    legend: bool = False,
    group: str | None = None,
    many: bool = False,
    faint: bool = False,
) -> dict[str, Any]:
    """Draw N points that answer clicks.

    Args:
        positions: The positions, N × 2 or N × 3.
        ids: N whole numbers that a click brings.
        name: The name of all points in the legend.
        colour: A colour for all points, or N of them.
        symbol: Plotly's name of the symbol; in three dimensions there are few.
        size: The size of a point in pixels.
        opacity: The opacity, 0 to 1.
        hover: N texts for the pointer; without them the pointer shows nothing but a picture.
        names: N texts beside the points, "" for none; `plain` is for the caller, who may add markup.
        sides: N text positions.
        pictures: Whether the ids are pictures' numbers, to be shown under the pointer.
        legend: Whether the legend shows the trace.
        group: Traces of a group leave and come together when its entry in the legend is clicked.
        many: Whether WebGL draws the points.
        faint: Whether others are looked at.
    """
    flat = np.shape(positions)[1] == 2
    trace = {
        "type": ("scattergl" if many else "scatter") if flat else "scatter3d",
        "mode": "markers" if names is None else "markers+text",
        **_coordinates(positions),
        "customdata": [int(number) for number in ids],
        "name": plain(name, 40),
        "showlegend": legend,
        "marker": {
            "color": colour if isinstance(colour, str) else list(colour),
            "size": size if flat else size * 0.62,
            "symbol": symbol,
            "opacity": opacity,
            "line": {"width": 0},
        },
        "hoverinfo": "none" if hover is None else "text",
        "meta": {"pictures": pictures},
    }
    if faint:
        trace["opacity"] = 0.15
    if group is not None:
        trace["legendgroup"] = group
    if hover is not None:
        trace["hovertext"] = [plain(text) for text in hover]
    if names is not None:
        trace["text"] = list(names)
        trace["textposition"] = list(sides) if sides is not None else "middle right"
        trace["textfont"] = {"size": 12}
    return trace


def lines_trace(start: ArrayLike, ends: ArrayLike, *, colour: str = ACCENT, dashed: bool = False) -> dict[str, Any]:
    """Draw lines from one position (K) to each of N others (N × K)."""
    ends = np.asarray(ends, float)
    start = np.broadcast_to(np.asarray(start, float), ends.shape)
    rows = np.stack([start, ends, np.full_like(ends, np.nan)], axis=1).reshape(-1, ends.shape[1])
    return {
        "type": "scatter" if ends.shape[1] == 2 else "scatter3d",
        "mode": "lines",
        **_coordinates(rows),
        "line": {"color": colour, "width": 1.5 if ends.shape[1] == 2 else 4, "dash": "dot" if dashed else "solid"},
        "hoverinfo": "skip",
        "showlegend": False,
    }


def rings_trace(positions: ArrayLike, *, size: float, colour: str = ACCENT) -> dict[str, Any]:
    """Draw a ring around each of N positions; clicks and the pointer go through to the points."""
    flat = np.shape(positions)[1] == 2
    return {
        "type": "scatter" if flat else "scatter3d",
        "mode": "markers",
        **_coordinates(positions),
        "marker": {
            "color": colour,
            "size": size if flat else size * 0.7,
            "symbol": "circle-open",
            "line": {"width": 2, "color": colour},
        },
        "hoverinfo": "skip",
        "showlegend": False,
    }


def star_trace(position: ArrayLike, words: str) -> dict[str, Any]:
    """Draw the visitor's query at one position (K); the pointer shows the words."""
    position = np.asarray(position, float)[None]
    flat = position.shape[1] == 2
    return {
        "type": "scatter" if flat else "scatter3d",
        "mode": "markers+text",
        **_coordinates(position),
        "marker": {
            "color": ACCENT,
            "symbol": "star" if flat else "diamond",
            "size": 20 if flat else 9,
            "line": {"width": 1.5, "color": "#ffffff"},
        },
        "text": [QUERY_NAME],
        "textposition": "top center",
        "hovertext": [f"Your query: {plain(words)}"],
        "hoverinfo": "text",
        "name": QUERY_NAME,
        "showlegend": False,
    }


def own_trace(positions: ArrayLike, names: Sequence[str], sides: Sequence[str]) -> dict[str, Any]:
    """Draw the labels that the visitor made, at N positions, always with their names, and on which side these stand."""
    flat = np.shape(positions)[1] == 2
    return {
        "type": "scatter" if flat else "scatter3d",
        "mode": "markers+text",
        **_coordinates(positions),
        "marker": {
            "color": ACCENT,
            "size": 14 if flat else 8,
            "symbol": "circle-open-dot" if flat else "circle-open",
            "line": {"width": 2, "color": ACCENT},
        },
        "text": [bold(name, 32) for name in names],
        "textposition": list(sides),
        "hovertext": [f"{plain(name)} · a label of your own" for name in names],
        "hoverinfo": "text",
        "name": "yours",
        "showlegend": False,
    }


def figure(
    traces: Sequence[Mapping[str, Any]],
    dimensions: int,
    *,
    keep: str,
    ranges: Sequence[tuple[float, float]] | None = None,
    annotations: Sequence[Mapping[str, Any]] = (),
    **meta: Any,
) -> dict[str, Any]:
    """Make a figure of points whose axes mean nothing: no ticks, one scale for all directions.

    Args:
        traces: The traces that are drawn, the last on top.
        dimensions: 2 or 3.
        keep: A key; zoom and camera stay between figures with the same one.
        ranges: The range of each axis; that of the points by default.
        annotations: Names that stand at a place of their own, as `name_over` and `name_beside` make them.
        meta: What `clickable_plot` is told besides, such as `pictures` and `lasso`.
    """
    axis = {"showticklabels": False, "ticks": "", "title": {"text": ""}, "zeroline": False, "showline": False}
    axis["showgrid"] = dimensions == 3
    ranged = [{**axis, **({"range": list(map(float, span))} if ranges else {})} for span in ranges or [()] * dimensions]
    layout: dict[str, Any] = {
        "margin": {"l": 4, "r": 4, "t": 4, "b": 4},
        "meta": {"keep": keep, "zoom": True, **meta},
        "legend": {"orientation": "h", "y": -0.02, "yanchor": "top", "itemsizing": "constant"},
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": FAINT, "activecolor": ACCENT},
    }
    place = layout if dimensions == 2 else layout.setdefault("scene", {})
    if annotations:
        place["annotations"] = list(annotations)
    if dimensions == 2:
        layout["xaxis"] = {**ranged[0], "constrain": "range"}
        layout["yaxis"] = {**ranged[1], "constrain": "range", "scaleanchor": "x"}
    else:
        scene = {"showbackground": False, "showspikes": False}
        place |= {name: {**given, **scene} for name, given in zip(("xaxis", "yaxis", "zaxis"), ranged, strict=True)}
        place |= {"aspectmode": "data", "camera": {"eye": dict(zip("xyz", EYE, strict=True))}}
    return {"data": list(traces), "layout": layout}


def name_over(position: ArrayLike, text: str) -> dict[str, Any]:
    """Write a name, which may hold markup, just above one position (2) of the plane."""
    return {**_at(position), "text": text, "showarrow": False, "yanchor": "bottom", "font": {"size": 13}}


def name_beside(position: ArrayLike, text: str, offset: tuple[float, float]) -> dict[str, Any]:
    """Write a name, which may hold markup, so many pixels right of and below one position (K), a thin line to it."""
    return {
        **_at(position),
        "text": text,
        "ax": round(offset[0], 1),
        "ay": round(offset[1], 1),
        "showarrow": True,
        "arrowhead": 0,
        "arrowwidth": 1,
        "arrowcolor": FAINT,
        "standoff": 5,
        "borderpad": 0,
        "font": {"size": 12},
    }


def extent(*positions: ArrayLike) -> list[tuple[float, float]]:
    """Return from where to where all positions (each N × K) reach in every direction, with a margin; K pairs."""
    rows = np.concatenate([np.asarray(part, float) for part in positions])
    if not len(rows):
        return [(-1.0, 1.0)] * rows.shape[1]
    low, high = rows.min(axis=0), rows.max(axis=0)
    free = MARGIN * max(float((high - low).max()), 1e-6)
    return [(float(a - free), float(b + free)) for a, b in zip(low, high, strict=True)]


def first_sight(positions: ArrayLike) -> NDArray[np.float64]:
    """Project positions in space (N × 3) as they are first seen, N × 2: from EYE, perspective left aside."""
    forward = -np.array(EYE) / np.linalg.norm(EYE)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    return np.asarray(positions, float) @ np.stack([right, np.cross(right, forward)], axis=1)


def _at(position: ArrayLike) -> dict[str, float]:
    """Return one position as an annotation has it."""
    return {axis: column[0] for axis, column in _coordinates(np.asarray(position, float)[None]).items()}


def _coordinates(positions: ArrayLike) -> dict[str, list[float | None]]:
    """Return the columns as x, y and z; NaN, where a line is lifted, as null."""
    columns = np.asarray(positions, float).round(DIGITS).T
    return {
        axis: [None if value != value else value for value in column.tolist()]
        for axis, column in zip("xyz", columns, strict=False)
    }
