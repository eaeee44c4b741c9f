"""Choose where names stand beside the points of a picture, so that none covers another or a point.

Notable: sizes are those of a small screen. On a larger one, and after zooming in, there is only more room.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

# Sizes in pixels: of a letter on average, of a line, of a marker.
LETTER, LINE, MARKER = 6.4, 14.0, 5.0
BOLD = 1.1  # names that must be there are written so
SMALL = (350.0, 350.0)  # what a picture has on a phone
SIDES = (
    "middle right",
    "middle left",
    "top center",
    "bottom center",
    "top right",
    "bottom right",
    "top left",
    "bottom left",
)
RINGS = (20.0, 30.0, 42.0, 56.0, 72.0, 90.0, 112.0, 140.0)  # from a point to a name that is led away from it
TURNS = 16

Box = tuple[float, float, float, float]  # left, top, right, bottom
Offset = tuple[float, float]  # to the right, downwards


def place_names(
    positions: ArrayLike,
    names: Sequence[str],
    order: Sequence[int],
    ranges: Sequence[tuple[float, float]],
    size: tuple[float, float] = SMALL,
    star: ArrayLike | None = None,
    must: Container[int] = (),
) -> list[str | Offset | None]:
    """Choose on which side of its point each name fits without touching names or points; None where it fits nowhere.

    A name that must stand somewhere is led away from its point where no side is free: then its place is the middle of
    the name, in pixels from the point.

    Args:
        positions: The positions, N × 2.
        names: The N names.
        order: The points to be named, the most important first.
        ranges: The ranges that the picture shows in x and in y.
        size: The picture's width and height in pixels; on a larger one there is only more room.
        star: The position of the query (2), if it is drawn and named.
        must: The points whose names must be there; they should come first in the order.
    """
    points = _pixels(np.asarray(positions, float), ranges, size)
    taken: list[Box] = []
    if star is not None:
        x, y = _pixels(np.asarray(star, float)[None], ranges, size)[0]
        taken.append((x - 36, y - 28, x + 36, y + 10))
    places: list[str | Offset | None] = [None] * len(names)
    for number in order:
        x, y = points[number]
        width = LETTER * len(names[number]) * (BOLD if number in must else 1)
        others = np.delete(points, number, axis=0)
        for side in SIDES:
            box = _box(x, y, width, side)
            if box[0] < 0 or box[1] < 0 or box[2] > size[0] or box[3] > size[1]:
                continue
            if any(_overlap(box, other) for other in taken) or _hits(box, others):
                continue
            taken.append(box)
            places[number] = side
            break
        else:
            if number in must:
                offset, box = _led_away(points[number], width, others, taken, size)
                taken.append(box)
                places[number] = offset
    return places


def _led_away(
    point: NDArray[np.float64],
    width: float,
    others: NDArray[np.float64],
    taken: Sequence[Box],
    size: tuple[float, float],
) -> tuple[Offset, Box]:
    """Return the nearest place away from a point where a name covers nothing; else one where it covers points only."""
    inside = [
        (offset, box)
        for offset, box in _around(point, width)
        if box[0] >= 0 and box[1] >= 0 and box[2] <= size[0] and box[3] <= size[1]
    ]
    apart = [place for place in inside if not any(_overlap(place[1], other) for other in taken)]
    free = (place for place in apart if not _hits(place[1], others))
    return next(free, None) or next(iter([*apart, *inside, *_around(point, width)]))


def _around(point: NDArray[np.float64], width: float) -> Iterator[tuple[Offset, Box]]:
    """Yield places for the middle of a name around a point, the nearest first, with the boxes of the name."""
    for ring in RINGS:
        for turn in range(TURNS):
            angle = 2 * np.pi * turn / TURNS
            # Names are wide: they go farther to the side than up or down.
            dx, dy = float((ring + width / 2) * np.cos(angle)), float(ring * np.sin(angle))
            x, y = float(point[0]) + dx, float(point[1]) + dy
            yield (dx, dy), (x - width / 2, y - LINE / 2, x + width / 2, y + LINE / 2)


def _pixels(
    points: NDArray[np.float64], ranges: Sequence[tuple[float, float]], size: tuple[float, float]
) -> NDArray[np.float64]:
    """Return where points are on the screen, y downwards; one scale for both axes, as `traces.figure` draws them."""
    (left, right), (bottom, top) = ranges
    scale = min(size[0] / (right - left), size[1] / (top - bottom))
    centre = np.array([(left + right) / 2, (bottom + top) / 2])
    return (points - centre) * [scale, -scale] + np.array(size) / 2


def _box(x: float, y: float, width: float, side: str) -> Box:
    """Return left, top, right and bottom of a name beside a point."""
    vertical, horizontal = side.split()
    left = {"right": x + MARKER + 1, "left": x - MARKER - 1 - width, "center": x - width / 2}[horizontal]
    above = {"top": y - MARKER - LINE, "middle": y - LINE / 2, "bottom": y + MARKER}[vertical]
    return left, above, left + width, above + LINE


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _hits(box: Box, points: NDArray[np.float64]) -> bool:
    """Tell whether a marker lies under a name."""
    half = MARKER - 1
    inside = (points > np.array(box[:2]) - half) & (points < np.array(box[2:]) + half)
    return bool(inside.all(axis=1).any())
