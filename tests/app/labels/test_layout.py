"""Where labels stand: always the same place, names apart, related ones near each other."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from app.labels.layout import DOT, HEIGHT, LINE, WIDTH, layout, seriation


def blocks(count: int = 24, parts: int = 4, seed: int = 0) -> np.ndarray:
    """A graph of `parts` clusters, one after the other, with a little of everything else."""
    random = np.random.default_rng(seed)
    part = np.arange(count) * parts // count
    weights = np.where(part[:, None] == part[None], random.uniform(0.4, 1, (count, count)), 0)
    weights[random.uniform(size=weights.shape) < 0.02] = 0.1
    np.fill_diagonal(weights, 1)
    return weights


def names_of(count: int) -> list[str]:
    return [f"label {number}" for number in range(count)]


def test_the_same_graph_is_always_drawn_the_same() -> None:
    weights, names = blocks(), names_of(24)
    assert np.array_equal(layout(weights, [""] * 24, names), layout(weights.copy(), [""] * 24, list(names)))


@pytest.mark.parametrize("count", [1, 2, 3, 24, 67])
def test_names_do_not_overlap_and_stay_inside(count: int) -> None:
    points = layout(blocks(count), [""] * count, names_of(count))
    assert points.shape == (count, 2)
    assert (points >= 0).all()
    assert (points <= [WIDTH, HEIGHT]).all()
    apart = np.abs(points[:, None] - points[None])
    np.fill_diagonal(apart[..., 0], WIDTH)
    # Room for a dot and seven letters at least.
    assert ((apart[..., 0] > DOT + 7 * 7) | (apart[..., 1] > LINE)).all()


def test_connected_labels_are_nearer_than_others() -> None:
    points = layout(blocks(), [""] * 24, names_of(24))
    distance = np.linalg.norm(points[:, None] - points[None], axis=2)
    part = np.arange(24) // 6
    same = (part[:, None] == part[None]) & ~np.eye(24, dtype=bool)
    assert distance[same].mean() < 0.6 * distance[part[:, None] != part[None]].mean()


def test_a_group_comes_together_where_no_edge_says_so() -> None:
    groups = ["home", "sport"] * 12
    points = layout(np.eye(24), groups, names_of(24))
    distance = np.linalg.norm(points[:, None] - points[None], axis=2)
    same = np.equal.outer(groups, groups) & ~np.eye(24, dtype=bool)
    assert distance[same].mean() < 0.8 * distance[~same & ~np.eye(24, dtype=bool)].mean()


@pytest.mark.parametrize("weights", [np.zeros((9, 9)), np.eye(9), np.ones((9, 9))])
def test_graphs_without_structure_are_drawn_too(weights: np.ndarray) -> None:
    points = layout(weights, [""] * 9, names_of(9))
    assert np.isfinite(points).all()
    assert len(np.unique(points, axis=0)) == 9


def test_seriation_puts_clusters_side_by_side() -> None:
    shuffled = np.random.default_rng(1).permutation(24)
    order = seriation(blocks()[np.ix_(shuffled, shuffled)])
    assert sorted(order) == list(range(24))
    parts = (shuffled[order] // 6).tolist()
    assert sum(one != other for one, other in pairwise(parts)) == 3


@pytest.mark.parametrize("count", [1, 2, 3])
def test_seriation_of_few(count: int) -> None:
    assert sorted(seriation(np.eye(count))) == list(range(count))
