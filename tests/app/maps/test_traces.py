"""Arrays to figures."""

from __future__ import annotations

import json

import numpy as np
import pytest

from app.kit.words import plain
from app.maps.traces import (
    EYE,
    extent,
    figure,
    first_sight,
    lines_trace,
    points_trace,
    rings_trace,
    star_trace,
)

HOSTILE = "<b onclick=x>&amp; 'dog'</b>"


def test_what_somebody_wrote_is_no_markup() -> None:
    assert "<" not in plain(HOSTILE)
    assert plain("x" * 100, 10) == "x" * 9 + "…"
    trace = points_trace(np.zeros((1, 2)), [0], name=HOSTILE, colour="#000000", hover=[HOSTILE])
    star = star_trace(np.zeros(2), HOSTILE)
    for text in (trace["name"], trace["hovertext"][0], star["hovertext"][0]):
        assert "<b" not in text
        assert "&lt;b" in text


@pytest.mark.parametrize("dimensions", [2, 3])
def test_a_figure_is_plain_json_of_rounded_numbers(dimensions: int) -> None:
    positions = np.random.default_rng(0).random((7, dimensions)).astype(np.float32)
    traces = [
        points_trace(positions, range(7), name="a", colour=["#000000"] * 7, names=["n"] * 7, pictures=True),
        lines_trace(positions[0], positions[1:4]),
        rings_trace(positions[:2], size=12),
        star_trace(positions[0], "dog"),
    ]
    made = figure(traces, dimensions, keep="x", ranges=extent(positions), lasso=True)
    assert json.loads(json.dumps(made, allow_nan=False)) == made
    assert made["layout"]["meta"] == {"keep": "x", "zoom": True, "lasso": True}
    assert ("scene" in made["layout"]) == (dimensions == 3)
    assert max(len(str(value)) for value in made["data"][0]["x"]) <= 6
    assert made["data"][0]["customdata"] == list(range(7))
    for trace in made["data"][1:]:
        assert "customdata" not in trace, "only points answer clicks"
    assert made["data"][1]["x"][2::3] == [None] * 3, "a line is lifted between two ends"


def test_many_points_are_drawn_by_webgl() -> None:
    kinds = [points_trace(np.zeros((2, 2)), [0, 1], name="", colour="", many=many)["type"] for many in (False, True)]
    assert kinds == ["scatter", "scattergl"]


def test_extent_has_a_margin_and_is_never_empty() -> None:
    assert extent([[0, 0], [10, 5]]) == [pytest.approx((-0.6, 10.6)), pytest.approx((-0.6, 5.6))]
    for points in (np.ones((3, 2)), np.empty((0, 2))):
        for low, high in extent(points):
            assert low < high


def test_points_in_space_are_seen_from_the_eye() -> None:
    assert np.allclose(first_sight([EYE]), 0), "the eye looks at the middle"
    (x, y), (up_x, up_y) = first_sight([[-1, 1, 0], [0, 0, 1]])
    assert (x, y) == (pytest.approx(2**0.5), pytest.approx(0))
    assert (up_x, up_y > 0.5) == (pytest.approx(0), True)
