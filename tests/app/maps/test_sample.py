"""What a map draws of many points."""

from __future__ import annotations

import json

import numpy as np
import pytest

from app.maps.sample import CELLS, drawn_of, shade_trace


def colours_of(*sizes: int) -> np.ndarray:
    """Points of so many colours, in a random order."""
    return np.random.default_rng(7).permutation(np.repeat(np.arange(len(sizes)), sizes))


@pytest.mark.parametrize("sizes", [(900, 100), (5000, 3000, 2000), (10, 10, 10, 9970), (1, 99_999), (3000,)])
@pytest.mark.parametrize("most", [100, 1000])
def test_every_colour_has_its_share_and_a_rare_one_is_seen(sizes: tuple[int, ...], most: int) -> None:
    colours = colours_of(*sizes)
    drawn = drawn_of(colours, most)
    assert (np.diff(drawn) > 0).all(), "each once, ascending"
    counts = np.bincount(colours[drawn], minlength=len(sizes))
    for count, size in zip(counts, sizes, strict=True):
        share, least = size * min(1, most / sum(sizes)), min(size, most // 100)
        assert count >= least
        assert count == pytest.approx(max(share, least), abs=0.5)
    assert len(drawn) <= most + len(sizes) * (most // 100 + 1)


def test_few_are_all_drawn_and_none_are_no_error() -> None:
    assert drawn_of(colours_of(3, 4), 7).tolist() == list(range(7))
    assert drawn_of(np.zeros(0, np.int64), 7).tolist() == []


def test_the_same_points_are_drawn_again_and_mostly_in_other_colours_too() -> None:
    colours = colours_of(6000, 4000)
    drawn = drawn_of(colours, 1000)
    assert drawn_of(colours, 1000).tolist() == drawn.tolist()
    assert len(np.intersect1d(drawn, drawn_of(np.zeros(10_000, np.int64), 1000))) > 900


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e4])
def test_the_shade_is_dark_where_points_are_and_clear_where_none_are(scale: float) -> None:
    rng = np.random.default_rng(1)
    heap, stray = rng.normal((0.8, 0.2), 0.01, (5000, 2)), np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.2]])
    trace = shade_trace(scale * np.concatenate([heap, stray]))
    json.dumps(trace, allow_nan=False)
    shade = np.array(trace["z"])
    assert shade.shape == (CELLS, CELLS)
    row, column = np.unravel_index(shade.argmax(), shade.shape)
    darkest = trace["x0"] + trace["dx"] * column, trace["y0"] + trace["dy"] * row
    assert darkest == pytest.approx((0.8 * scale, 0.2 * scale), abs=0.03 * scale)
    assert shade[CELLS // 2, CELLS // 2] == 0
    assert trace["colorscale"][0][1].endswith(",0)") or trace["colorscale"][0][1].endswith(" 0)")


def test_points_at_one_place_are_shaded() -> None:
    assert np.array(shade_trace(np.ones((5, 2)))["z"]).max() == 1
