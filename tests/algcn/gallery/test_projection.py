"""Pictures of points, and what is true of the points."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.metrics import silhouette_score

from algcn.gallery.projection import (
    METHODS,
    fit_axes,
    fit_to_unit,
    lay_out,
    neighbours,
    normalised,
    place,
    project,
    silhouette,
)
from algcn.kit.errors import InputError


def clouds(count: int = 20, groups: int = 3, width: int = 40, seed: int = 0) -> tuple[NDArray, list[str]]:
    """`count` points around each of a few directions, and which of them."""
    generator = np.random.default_rng(seed)
    centres = generator.standard_normal((groups, width)) * 3
    points = np.concatenate([centre + generator.standard_normal((count, width)) for centre in centres])
    return points.astype(np.float32), [f"group {number // count}" for number in range(groups * count)]


def test_the_default_needs_no_heavy_import() -> None:
    program = (
        "import sys, numpy as np; from algcn.gallery import projection as p; x = np.random.rand(9, 5);"
        "p.project(x); p.silhouette(x, list('aaabbbccc')); p.neighbours(x, x, 3); p.place(x, x, x);"
        "assert not {'sklearn', 'umap', 'torch', 'numba', 'scipy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize("shape", [(40, 7), (7, 40), (700, 400)])
def test_pca_is_scikit_learns_on_normalised_rows(shape: tuple[int, int]) -> None:
    generator = np.random.default_rng(1)
    points = generator.standard_normal(shape) * (1 + np.arange(shape[1])) ** -0.7
    mine, oracle = fit_axes(points, 3), PCA(3, svd_solver="full").fit(normalised(points))
    theirs = oracle.transform(normalised(points))
    assert np.abs(np.abs(mine.project(points)) - np.abs(theirs)).max() < 1e-3
    assert mine.explained == pytest.approx(oracle.explained_variance_ratio_, abs=1e-4)
    assert np.allclose(mine.components @ mine.components.T, np.eye(3), atol=1e-4)
    largest = np.take_along_axis(mine.components, np.abs(mine.components).argmax(1)[:, None], 1)
    assert (largest > 0).all(), "a picture is never mirrored by chance"


def test_a_query_is_projected_as_a_point_would_be() -> None:
    points, _ = clouds()
    axes = fit_axes(points, 2)
    assert np.allclose(axes.project(7 * points[3:5]), project(points)[3:5], atol=1e-6), "length does not count"


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dimensions", [2, 3])
def test_each_method_keeps_clouds_apart_and_repeats_itself(method: str, dimensions: int) -> None:
    points, groups = clouds(10)
    first, again = (project(points, method, dimensions, seed=3) for _ in range(2))
    assert first.shape == (30, dimensions)
    assert np.array_equal(first, again)
    assert silhouette(first, groups, "euclidean") > 0.4


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5, 7])
def test_few_points_are_drawn_whatever_the_method(method: str, count: int) -> None:
    points = np.random.default_rng(count).standard_normal((count, 6))
    for dimensions in (2, 3):
        positions = project(points, method, dimensions)
        assert positions.shape == (count, dimensions)
        assert np.isfinite(positions).all()


@pytest.mark.parametrize("method", METHODS)
def test_points_that_are_all_alike_or_nothing(method: str) -> None:
    for points in (np.ones((9, 4)), np.zeros((9, 4)), np.eye(4)[[0, 0, 0, 0, 1, 1, 1, 1, 1]]):
        assert np.isfinite(project(points, method, 3)).all()
    some = np.concatenate([np.zeros((5, 6)), np.eye(6), np.eye(6)])
    assert np.isfinite(project(some, method, 2)).all()
    assert np.abs(project(np.ones((9, 4)))).max() < 1e-6


def test_no_axis_is_made_of_rounding_error() -> None:
    plane = np.stack([np.cos(np.linspace(0, 1, 9)), np.sin(np.linspace(0, 1, 9)), np.zeros(9)], axis=1)
    assert fit_axes(np.ones((5, 3)), 3).explained == (0, 0, 0)
    assert np.abs(project(plane, dimensions=3)[:, 2]).max() < 1e-6
    assert project(np.eye(2), dimensions=3).shape == (2, 3)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("lda", 2), "method must be one of pca, tsne, umap"),
        ((None, 2), "method must be one of"),
        (("pca", 4), "dimensions must be 2 or 3"),
        (("pca", True), "dimensions must be 2 or 3"),
    ],
)
def test_what_it_does_not_know_is_one_sentence(arguments: tuple, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        project(np.eye(3), *arguments)


def test_points_that_are_none_are_one_sentence() -> None:
    for points in (np.ones(3), np.ones((2, 0)), [[1, np.nan]], [[np.inf, 1]]):
        with pytest.raises(InputError, match="oints"):
            project(points)


def test_fit_to_unit_keeps_the_shape() -> None:
    positions = np.array([[10, 1], [14, 2], [12, 1]])
    assert fit_to_unit(positions).tolist() == [[-1, -0.25], [1, 0.25], [0, -0.25]]
    assert fit_to_unit(np.ones((3, 2))).tolist() == [[0, 0]] * 3
    assert fit_to_unit(np.empty((0, 2))).shape == (0, 2)


def test_large_collections_are_laid_out_by_a_sample() -> None:
    points, groups = clouds(80, width=100)
    for most in (60, 1000):
        layouts = lay_out(points, "tsne" if most == 60 else "pca", most=most)
        assert {name: positions.shape for name, positions in layouts.items()} == {2: (240, 2), 3: (240, 3)}
        for positions in layouts.values():
            assert np.abs(positions).max() == pytest.approx(1)
            assert silhouette(positions, groups, "euclidean") > 0.5


def test_neighbours_are_those_of_all_dimensions() -> None:
    points = np.array([[1, 0, 0], [1, 0.1, 0], [0, 0, 5], [1, 0.2, 0]])
    cosines, ids = neighbours(points, points[:1] * 9, 3)
    assert ids.tolist() == [[0, 1, 3]]
    assert cosines[0] == pytest.approx([1, 1 / np.sqrt(1.01), 1 / np.sqrt(1.04)], abs=1e-6)
    assert neighbours(points, points[:2], 99)[1].shape == (2, 4)
    assert neighbours(np.ones((4, 2)), np.ones((1, 2)), 3)[1].tolist() == [[0, 1, 2]], "equal ones in their order"
    assert neighbours(np.empty((0, 3)), points[:1], 3)[1].shape == (1, 0)


def test_a_query_is_placed_among_its_neighbours() -> None:
    points, _ = clouds(30)
    positions = project(points, "umap")
    placed = place(points[:5], points, positions)
    for number in range(5):
        own_cloud = np.linalg.norm(placed[number] - positions[:30].mean(axis=0))
        others = np.linalg.norm(placed[number] - positions[30:60].mean(axis=0))
        assert own_cloud < others
    assert np.allclose(place(points[:1], points[:1], positions[:1]), positions[:1])
    assert np.isfinite(place(np.zeros((1, 40)), points, positions)).all()
    with pytest.raises(InputError, match="no point"):
        place(points[:1], points[:0], positions[:0])


@pytest.mark.parametrize("seed", range(3))
def test_the_silhouette_is_scikit_learns(seed: int) -> None:
    points, groups = clouds(9, seed=seed)
    groups = [*groups[:-1], "alone"]
    assert silhouette(points, groups) == pytest.approx(silhouette_score(points, groups, metric="cosine"), abs=1e-5)
    picture = project(points)
    expected = silhouette_score(picture, groups)
    assert silhouette(picture, groups, "euclidean") == pytest.approx(expected, abs=1e-5)


def test_a_silhouette_without_meaning_is_none() -> None:
    assert silhouette(np.eye(4), ["a"] * 4) is None
    assert silhouette(np.eye(4), ["a", "b", "c", "d"]) is None
    assert silhouette(np.empty((0, 3)), []) is None
    assert silhouette(np.zeros((4, 3)), ["a", "a", "b", "b"]) is not None
