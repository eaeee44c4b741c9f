"""Plots of the Benchmark tab: parts of a bundle's record to figures as Plotly's JSON has them, plain dicts.

Notable: colours are readable by day and by night, and every line also differs in dash or symbol; whatever a bundle
calls a label is escaped, because Plotly reads markup in texts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from algcn.evaluation.ranking import Weights
from algcn.evaluation.record import TestedSet, TriedWeight
from algcn.evaluation.results import (
    ALL_DIRECTIONS,
    METHODS,
    QUESTIONS,
    AveragePrecisions,
    Both,
    MethodCurves,
)
from app.kit import words

NAMES = {**METHODS, "chance": "Random ranking"}
TEAL, ORANGE, BLUE, GREY, PINK = "#14958a", "#d9691e", "#4a90d9", "#8a8c95", "#c06fa5"
OLIVE, VIOLET = "#7d9a35", "#8d76d6"
STYLES = {
    "algcn": {"color": TEAL, "dash": "solid", "symbol": "circle"},
    "algcn_without_gcn": {"color": ORANGE, "dash": "dash", "symbol": "diamond-open"},
    "plus": {"color": PINK, "dash": "longdash", "symbol": "cross"},
    "linear_probe": {"color": BLUE, "dash": "dashdot", "symbol": "square-open"},
    "chance": {"color": GREY, "dash": "dot", "symbol": "line-ns-open"},
}
KIND_STYLES = {
    "image_to_text": {"color": TEAL, "dash": "solid", "symbol": "circle"},
    "text_to_image": {"color": ORANGE, "dash": "dash", "symbol": "diamond"},
    "image_to_image": {"color": BLUE, "dash": "dashdot", "symbol": "square"},
    "text_to_text": {"color": PINK, "dash": "dot", "symbol": "cross"},
    "names": {"color": VIOLET, "dash": "solid", "symbol": "triangle-up"},
    "two_names": {"color": VIOLET, "dash": "dot", "symbol": "triangle-down"},
}
NAMES_OF_LABELS = ("names", "two_names")
LEGEND = {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"}
MAX_LABELS = 40  # more names than this would overlap
MAX_NAME = 24
Figure = dict[str, Any]


def plain(text: object) -> str:
    """A name from a bundle: short, and no markup."""
    return words.plain(str(text), MAX_NAME)


def precision_recall(curves: MethodCurves, direction: str) -> Figure:
    """Precision over recall of every method, in "image_to_text" or "text_to_image"."""
    recall = _numbers(curves.recall)
    lines = {method: curves.methods[method] for method in METHODS if method in curves.methods}
    lines["chance"] = curves.chance
    data = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": NAMES[method],
            "x": recall,
            "y": _numbers(both.of(direction)),
            "line": {"color": STYLES[method]["color"], "dash": STYLES[method]["dash"], "width": 2.5},
            "hovertemplate": "recall %{x:.2f}: precision %{y:.3f}",
        }
        for method, both in lines.items()
    ]
    figure = basic_figure(data, "recall", "precision", hovermode="x unified")
    figure["layout"]["yaxis"] |= {"range": [0, 1.02], "dtick": 0.2}
    return figure


def label_bars(per_label: Mapping[str, Both[AveragePrecisions]], direction: str, labels: Sequence[str] = ()) -> Figure:
    """AP of every label, the best on top: ALGCN as bars, the other methods as marks on them.

    Of more than MAX_LABELS labels the best and the worst are shown.

    Args:
        per_label: By method, ALGCN among them.
        direction: "image_to_text" or "text_to_image".
        labels: The model's, so that a click on a bar brings the number of its label; without, it brings none.
    """
    values = {name: float(value) for name, value in per_label["algcn"].of(direction).items() if value is not None}
    names = sorted(values, key=lambda name: (values[name], name))
    if len(names) > MAX_LABELS:
        names = names[: MAX_LABELS // 2] + names[-MAX_LABELS // 2 :]
    rows = list(range(len(names)))
    numbers = {name: number for number, name in enumerate(labels)}
    ids = [numbers.get(name) for name in names]
    data: list[dict[str, Any]] = [
        {
            "type": "bar",
            "orientation": "h",
            "name": NAMES["algcn"],
            "x": [values[name] for name in names],
            "y": rows,
            "customdata": ids,
            "marker": {"color": TEAL, "opacity": 0.55},
            "hovertemplate": "%{x:.3f}",
        }
    ]
    for method in ("algcn_without_gcn", "plus", "linear_probe"):
        if method in per_label:
            data.append(
                {
                    "type": "scatter",
                    "mode": "markers",
                    "name": NAMES[method],
                    "x": [per_label[method].of(direction).get(name) for name in names],
                    "y": rows,
                    "customdata": ids,
                    "marker": {**_marker(STYLES[method], 9), "line": {"width": 2}},
                    "hovertemplate": "%{x:.3f}",
                }
            )
    figure = basic_figure(data, "average precision", "", hovermode="y unified")
    figure["layout"]["xaxis"] |= {"range": [0, 1.02]}
    figure["layout"]["yaxis"] = {
        "tickvals": rows,
        "ticktext": [plain(name) for name in names],
        "range": [-0.6, len(names) - 0.4],
        "showgrid": False,
        "fixedrange": True,
        "automargin": True,
    }
    figure["layout"]["bargap"] = 0.3
    return figure


def ranking_tradeoff(weights: Sequence[TriedWeight], used: Weights) -> Figure | None:
    """What labels and encoder give to the ranking and cost: mAP over recall, a point for each choice of weights.

    Args:
        weights: What was tried.
        used: The weights that this bundle ranks with.

    Returns:
        None where recall at 10 was measured for no weight.
    """
    known = [tried for tried in weights if "10" in tried.recall.text_to_image]
    if not known:
        return None
    weights = sorted(known, key=lambda tried: tried.recall.text_to_image["10"])
    is_used = [tried.is_of(used) for tried in weights]
    names = [tried.name for tried in weights]
    trace = {
        "type": "scatter",
        "mode": "markers+text",
        "name": "",
        "x": [float(tried.recall.text_to_image["10"]) for tried in weights],
        "y": [float(tried.map.primary) for tried in weights],
        # The table beside it names them all; here the names of neighbours would overlap.
        "text": [
            words.bold(f"{name}, used") if on else name if place in (0, len(names) - 1) else ""
            for place, (name, on) in enumerate(zip(names, is_used, strict=True))
        ],
        "hovertext": names,
        "textposition": ["bottom left"] * (len(weights) - 1) + ["middle left"],
        "marker": {"color": [TEAL if on else GREY for on in is_used], "size": [15 if on else 9 for on in is_used]},
        "hovertemplate": "%{hovertext}: recall %{x:.3f}, mAP %{y:.4f}",
        "cliponaxis": False,
    }
    figure = basic_figure([trace], "R@10, text → image", "mAP, average", legend=False)
    figure["layout"]["xaxis"] |= {"range": _padded(trace["x"], 0.22, 0.08)}
    figure["layout"]["yaxis"] |= {"range": _padded(trace["y"], 0.12, 0.08)}
    return figure


def reliability(part: TestedSet) -> Figure:
    """How often pairs were relevant over how likely they were said to be; on the diagonal, probabilities are right.

    Whole captions and pictures by direction, and names of labels; of what matches nothing a table says more.
    """
    diagonal = {
        "type": "scatter",
        "mode": "lines",
        "x": [0, 1],
        "y": [0, 1],
        "line": {"color": GREY, "width": 1, "dash": "dot"},
        "hoverinfo": "skip",
        "showlegend": False,
    }
    kinds = {name: (title, part.directions.get(name)) for name, title in ALL_DIRECTIONS.items()}
    for name in NAMES_OF_LABELS:
        asked = (part.questions or {}).get(name)
        kinds[name] = (QUESTIONS[name], asked and asked.reliability)
    data = [diagonal]
    for kind, (title, found) in kinds.items():
        if found is not None:
            bins, style = found.bins, KIND_STYLES[kind]
            data.append(
                {
                    "type": "scatter",
                    "mode": "lines+markers",
                    "name": title,
                    "x": _numbers(part.predicted for part in bins),
                    "y": _numbers(part.observed for part in bins),
                    "line": {"color": style["color"], "dash": style["dash"], "width": 2},
                    "marker": _marker(style, 8),
                    "text": [f"{part.count:,} pairs" for part in bins],
                    "hovertemplate": "said %{x:.2f}, was %{y:.2f} (%{text})",
                }
            )
    figure = basic_figure(data, "chance promised", "share that was what was asked for")
    for axis in ("xaxis", "yaxis"):
        figure["layout"][axis] |= {"range": [-0.02, 1.02], "dtick": 0.2}
    return figure


def basic_figure(
    data: list[dict[str, Any]], x: str, y: str, *, hovermode: str = "closest", legend: bool = True
) -> Figure:
    """Put traces into a figure as those of this tab are: nothing to drag or zoom, the legend above."""
    axis = {"zeroline": False, "fixedrange": True}
    title = {"standoff": 8, "font": {"size": 13}}
    layout = {
        "xaxis": {"title": {"text": x, **title}, **axis},
        "yaxis": {"title": {"text": y, **title}, "automargin": True, **axis},
        "margin": {"l": 56, "r": 12, "t": 12, "b": 48},
        "hovermode": hovermode,
        "dragmode": False,
        "legend": LEGEND,
        "showlegend": legend,
    }
    return {"data": data, "layout": layout}


def _marker(style: Mapping[str, str], size: int) -> dict[str, Any]:
    return {"color": style["color"], "symbol": style["symbol"], "size": size}


def _numbers(values: Any) -> list[float]:
    return [float(value) for value in values]


def _padded(values: Sequence[float], below: float, above: float) -> list[float]:
    """A range around values, wider by shares of their spread."""
    low, high = min(values), max(values)
    spread = (high - low) or 1.0
    return [low - below * spread, high + above * spread]
