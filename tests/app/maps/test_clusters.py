"""Clusters of a map: generated ones are found, and named by what sets them apart."""

from __future__ import annotations

import numpy as np
import pytest

from app.maps.clusters import FEWEST, find_clusters, named_clusters, setting_apart

CENTRES = np.array([[0, 0], [6, 0], [0, 6], [6, 6], [3, 12]], float)
SIZES = (120, 90, 70, 50, 30)


def heaps(seed: int, scale: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Points on five heaps in a random order, and the heap of each."""
    generator = np.random.default_rng(seed)
    heap = generator.permutation(np.repeat(np.arange(5), SIZES))
    return scale * (CENTRES[heap] + 0.4 * generator.standard_normal((len(heap), 2))), heap


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("scale", [1.0, 1e-4, 1e5])
def test_heaps_are_clusters_the_largest_first_whatever_their_scale(seed: int, scale: float) -> None:
    positions, heap = heaps(seed, scale)
    found = find_clusters(positions)
    inside = found >= 0
    assert inside.mean() > 0.98, "next to no point is left out"
    assert (found[inside] == heap[inside]).all()


def test_few_points_are_no_cluster_and_none_are_no_error() -> None:
    assert find_clusters(np.zeros((0, 2))).tolist() == []
    assert find_clusters(np.zeros((FEWEST - 1, 2))).tolist() == [-1] * (FEWEST - 1)
    assert find_clusters(np.ones((FEWEST, 2))).tolist() == [0] * FEWEST
    assert named_clusters(np.zeros((0, 2)), {}) == []


@pytest.mark.parametrize("seed", range(4))
def test_clusters_are_named_by_what_sets_them_apart(seed: int) -> None:
    """All have a person; two heaps are of water, one of them with boats, nine in ten of the other with swimmers."""
    positions, heap = heaps(seed)
    of_heap = [("street",), ("water", "boat"), ("water",), ("dog",), ()]
    swims = np.zeros(len(heap), bool)
    swims[np.flatnonzero(heap == 2)[:63]] = True
    columns = {"person": np.arange(len(heap)), "swimmer": np.flatnonzero(swims)}
    for label in ("street", "water", "boat", "dog"):
        columns[label] = np.flatnonzero([label in of_heap[h] for h in heap])
    names = [cluster.names for cluster in named_clusters(positions, columns)]
    assert names == [("street",), ("boat",), ("swimmer", "water"), ("dog",), ()]


def test_a_label_of_a_few_points_names_no_cluster_and_a_common_one_only_where_it_is_commoner() -> None:
    every = {"rare": 3, "common": 500, "here": 40}
    assert setting_apart({"rare": 3, "common": 40, "here": 40}, 40, every, 1000) == ("here",)
    assert setting_apart({"rare": 0}, 40, every, 1000) == ()
    assert setting_apart({"a": 4, "b": 4}, 4, {"a": 4, "b": 4}, 100) == ("a", "b"), "equals by the alphabet"
