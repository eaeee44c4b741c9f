"""Figures of a report as SVG: small, without scripts, the same in a page and in a file of their own.

Colours are classes of `figure.css`, so that a page by night draws them by night; every line also has its own dashes.
Whatever a bundle calls a thing is escaped.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import escape

from algcn.report.document import decimal, plain

STYLE = Path(__file__).with_name("figure.css").read_text(encoding="utf-8")
WIDTH, HEIGHT = 400, 268
LEFT, RIGHT, TOP, BOTTOM = 44, 10, 34, 40
TICKS = 5
BAR_HEIGHT, BAR_LEFT, MAX_NAME = 18, 112, 17
LEGEND_LETTER, LEGEND_CAPITAL, LEGEND_SWATCH = 6.7, 9.0, 38  # widths in units of the drawing


@dataclass(frozen=True)
class Line:
    """A line of a chart; `kind` is its class in the style sheet."""

    name: str
    kind: str
    x: Sequence[float]
    y: Sequence[float]


@dataclass(frozen=True)
class Frame:
    """A rectangle of the drawing and the values at its sides."""

    left: float
    top: float
    width: float
    height: float
    x: tuple[float, float]
    y: tuple[float, float]

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Where a point lies on the drawing."""
        across = (x - self.x[0]) / ((self.x[1] - self.x[0]) or 1)
        up = (y - self.y[0]) / ((self.y[1] - self.y[0]) or 1)
        return self.left + across * self.width, self.top + (1 - up) * self.height

    def path(self, line: Line) -> str:
        """A line, with its name for whoever points at it."""
        points = " ".join("{:.1f},{:.1f}".format(*self.at(x, y)) for x, y in zip(line.x, line.y, strict=True))
        return f'<polyline class="line {line.kind}" points="{points}"><title>{_text(line.name)}</title></polyline>'


def line_chart(
    title: str,
    lines: Sequence[Line],
    labels: tuple[str, str],
    x: tuple[float, float],
    y: tuple[float, float],
    mark: tuple[float, str] | None = None,
) -> str:
    """Draw lines over one pair of axes, with a legend above.

    Args:
        title: For who cannot see it.
        lines: At least one.
        labels: The names of the two axes.
        x: The ends of the axis.
        y: The ends of the axis.
        mark: A place on the first axis, and what is there.
    """
    frame = Frame(LEFT, TOP, WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM, x, y)
    whole = all(float(value).is_integer() for value in x) and x[1] - x[0] > 1
    parts = [*_grid(frame, _ticks(*y)), *_x_axis(frame, _ticks(*x, whole=whole), whole)]
    if mark is not None:
        across, bottom = frame.at(mark[0], y[0])
        # Curves run along the top and chance along the bottom: there is room between them.
        middle = frame.top + 0.6 * frame.height
        anchor = "end" if across > WIDTH / 2 else "start"
        shift = -5 if anchor == "end" else 5
        parts.append(f'<line class="axis" x1="{across:.1f}" x2="{across:.1f}" y1="{frame.top}" y2="{bottom:.1f}"/>')
        parts.append(_label(across + shift, middle, mark[1], anchor, quiet=True))
    parts += [frame.path(line) for line in lines]
    parts += _legend([(line.name, line.kind) for line in lines])
    parts.append(_label(frame.left + frame.width / 2, HEIGHT - 6, labels[0], "middle", quiet=True))
    middle = frame.top + frame.height / 2
    turned = f'transform="rotate(-90 11 {middle:.1f})"'
    parts.append(f'<text class="quiet" x="11" y="{middle:.1f}" text-anchor="middle" {turned}>{_text(labels[1])}</text>')
    return _svg(title, HEIGHT, parts)


def small_multiples(title: str, lines: Sequence[Line]) -> str:
    """Draw each line in a frame with its own scale, two in a row: what matters is the shape of each."""
    parts = []
    rows = math.ceil(len(lines) / 2)
    across, down = WIDTH / 2, 118
    for position, line in enumerate(lines):
        left, top = (position % 2) * across, (position // 2) * down
        ends = min(line.y), max(line.y)
        frame = Frame(left + LEFT, top + 26, across - LEFT - RIGHT - 4, down - 50, (line.x[0], line.x[-1]), ends)
        parts.append(_label(frame.left, top + 15, line.name))
        digits = next((few for few in (2, 3, 4) if round(ends[0], few) != round(ends[1], few)), 5)
        for value in dict.fromkeys(ends):
            height = frame.at(line.x[0], value)[1]
            parts.append(_rule(frame, height))
            parts.append(_label(frame.left - 5, height + 4, f"{value:.{digits}f}", "end", quiet=True))
        for value, anchor in dict.fromkeys(((line.x[0], "start"), (line.x[-1], "end"))):
            place = frame.at(value, ends[0])[0]
            parts.append(_label(place, frame.top + frame.height + 16, f"{value:g}", anchor, quiet=True))
        parts.append(frame.path(line))
    return _svg(title, rows * down + 4, parts)


def bars(title: str, names: Sequence[str], values: Sequence[float], marks: Mapping[str, tuple[str, list]]) -> str:
    """Draw a bar for each name from 0 to 1, and other methods as marks on it.

    Args:
        title: For who cannot see it.
        names: From above.
        values: The numbers of ALGCN.
        marks: By kind, what it is called and a value (or None) for each name.
    """
    height = TOP + BAR_HEIGHT * len(names) + 26
    frame = Frame(BAR_LEFT, TOP, WIDTH - BAR_LEFT - RIGHT, BAR_HEIGHT * len(names), (0, 1), (0, 1))
    parts = _x_axis(frame, _ticks(0, 1), False)
    for position, (name, value) in enumerate(zip(names, values, strict=True)):
        top = TOP + position * BAR_HEIGHT
        width = frame.width * min(max(value, 0), 1)
        shown = name if len(name) <= MAX_NAME else name[: MAX_NAME - 1].rstrip() + "…"
        parts.append(_label(frame.left - 7, top + 13, shown, "end"))
        parts.append(
            f'<rect class="bar" x="{frame.left}" y="{top + 3}" width="{width:.1f}" height="{BAR_HEIGHT - 6}" rx="2">'
            f"<title>{_text(f'{name}: {decimal(value, 3)}')}</title></rect>"
        )
        for kind, (called, others) in marks.items():
            if others[position] is not None:
                place = frame.at(min(max(others[position], 0), 1), 0)[0]
                parts.append(
                    f'<line class="mark {kind}" x1="{place:.1f}" x2="{place:.1f}" y1="{top + 3}" '
                    f'y2="{top + BAR_HEIGHT - 3}"><title>'
                    f"{_text(f'{name}, {called}: {decimal(others[position], 3)}')}</title></line>"
                )
    parts += _legend([("ALGCN", "bar"), *((called, f"mark {kind}") for kind, (called, _) in marks.items())])
    return _svg(title, height, parts)


def standalone(svg: str) -> str:
    """Make a figure a file by itself, with its style and a background."""
    head, body = svg.split(">", 1)
    return f'{head}><style>{STYLE}</style><rect class="ground" width="100%" height="100%"/>{body}\n'


def padded(values: Sequence[float], share: float = 0.08) -> tuple[float, float]:
    """Find a range around values, a little wider than they are; within 0 to 1 when they are."""
    low, high = min(values), max(values)
    spread = (high - low) or 0.1
    floor, ceiling = (0.0 if low >= 0 else -math.inf), (1.0 if high <= 1 else math.inf)
    return max(low - share * spread, floor), min(high + share * spread, ceiling)


def _svg(title: str, height: float, parts: Sequence[str]) -> str:
    return (
        f'<svg class="chart" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}" role="img" '
        f'aria-label="{_text(title)}">{"".join(parts)}</svg>'
    )


def _ticks(low: float, high: float, *, whole: bool = False) -> list[float]:
    """Round numbers between two ends, about `TICKS` of them."""
    step = 10 ** math.floor(math.log10((high - low) / TICKS)) if high > low else 1.0
    step *= next(factor for factor in (1, 2, 5, 10) if (high - low) / (step * factor) <= TICKS + 0.5)
    step = max(round(step), 1) if whole else step
    first = math.ceil(low / step - 1e-9)
    return [number * step for number in range(first, math.floor(high / step + 1e-9) + 1)]


def _grid(frame: Frame, ticks: Sequence[float]) -> list[str]:
    parts = []
    step = ticks[1] - ticks[0] if len(ticks) > 1 else 0.1
    digits = max(1, -math.floor(math.log10(step) + 1e-9))
    for tick in ticks:
        height = frame.at(frame.x[0], tick)[1]
        parts += [_rule(frame, height), _label(frame.left - 6, height + 4, f"{tick:.{digits}f}", "end", quiet=True)]
    return parts


def _x_axis(frame: Frame, ticks: Sequence[float], whole: bool) -> list[str]:
    bottom = frame.top + frame.height
    parts = []
    for tick in ticks:
        across = frame.at(tick, frame.y[0])[0]
        if not whole:
            parts.append(f'<line class="grid" x1="{across:.1f}" x2="{across:.1f}" y1="{frame.top}" y2="{bottom:.1f}"/>')
        parts.append(_label(across, bottom + 16, f"{tick:.10g}", "middle", quiet=True))
    return parts


def _rule(frame: Frame, height: float) -> str:
    right = frame.left + frame.width
    return f'<line class="grid" x1="{frame.left:g}" x2="{right:g}" y1="{height:.1f}" y2="{height:.1f}"/>'


def _legend(items: Sequence[tuple[str, str]]) -> list[str]:
    parts, left = [], 10.0
    for name, kind in items:
        if kind == "bar":
            parts.append(f'<rect class="bar" x="{left:.0f}" y="8" width="22" height="10" rx="2"/>')
        elif kind.startswith("mark"):
            parts.append(f'<line class="{kind}" x1="{left + 14:.0f}" x2="{left + 14:.0f}" y1="7" y2="19"/>')
        else:
            parts.append(f'<line class="line {kind}" x1="{left:.0f}" x2="{left + 22:.0f}" y1="13" y2="13"/>')
        parts.append(_label(left + 27, 17, name))
        capitals = sum(letter.isupper() for letter in name)
        left += LEGEND_SWATCH + LEGEND_CAPITAL * capitals + LEGEND_LETTER * (len(name) - capitals)
    return parts


def _label(x: float, y: float, text: str, anchor: str = "start", *, quiet: bool = False) -> str:
    shade = ' class="quiet"' if quiet else ""
    return f'<text{shade} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{_text(text)}</text>'


def _text(text: str) -> str:
    return str(escape(plain(text)))
