"""Exact search and its order."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from algcn.gallery.index import VectorIndex
from algcn.kit.errors import InputError


@pytest.mark.parametrize(("count", "k"), [(7, 3), (500, 10), (500, 200), (500, 500)])
def test_it_ranks_as_numpy_does(count: int, k: int) -> None:
    rng = np.random.default_rng(count + k)
    # Small integers: inner products are exact, and many are equal.
    vectors, queries = rng.integers(-1, 2, (count, 4)), rng.integers(-1, 2, (30, 4))
    scores, ids = VectorIndex(vectors).search(queries, k)
    products = queries @ vectors.T
    expected = np.argsort(-products, axis=1, kind="stable")[:, :k]
    np.testing.assert_array_equal(ids, expected)
    np.testing.assert_array_equal(scores, np.take_along_axis(products, expected, axis=1))


def test_equal_scores_come_in_the_order_of_positions() -> None:
    scores, ids = VectorIndex(np.ones((300, 2))).search([[1.0, 0.0]], 5)
    assert ids.tolist() == [[0, 1, 2, 3, 4]]
    assert scores.tolist() == [[1.0] * 5]


def test_more_wanted_than_there_are() -> None:
    scores, ids = VectorIndex(torch.eye(3)).search(torch.eye(3)[:1], 50)
    assert ids.tolist() == [[0, 1, 2]]
    assert scores.tolist() == [[1.0, 0.0, 0.0]]


def test_an_empty_index() -> None:
    index = VectorIndex(torch.empty(0, 8))
    scores, ids = index.search(torch.ones(2, 8), 5)
    assert (len(index), scores.shape, ids.shape) == (0, (2, 0), (2, 0))


def test_any_type_and_memory_layout() -> None:
    vectors = np.arange(24, dtype=np.float64).reshape(4, 6)
    expected = VectorIndex(vectors).search(vectors[:1], 4)[1].tolist()
    for other in (np.asfortranarray(vectors), vectors.astype(np.float16), torch.from_numpy(vectors).T.contiguous().T):
        assert VectorIndex(other).search(other[:1], 4)[1].tolist() == expected


def test_what_cannot_be_searched_is_said() -> None:
    index = VectorIndex(torch.eye(3))
    with pytest.raises(InputError, match="width 3, but the query has 4"):
        index.search(torch.ones(1, 4), 1)
    with pytest.raises(InputError, match="row for each"):
        index.search(torch.ones(3), 1)
    with pytest.raises(InputError, match="at least 1"):
        index.search(torch.ones(1, 3), 0)
    with pytest.raises(InputError, match="NaN"):
        index.search(torch.full((1, 3), float("nan")), 1)
    with pytest.raises(InputError, match="NaN"):
        VectorIndex(torch.full((1, 3), float("inf")))


def test_all_inner_products_come_in_the_order_of_the_vectors() -> None:
    vectors = np.random.default_rng(0).normal(size=(50, 7)).astype(np.float32)
    index = VectorIndex(vectors)
    assert index.inner_products(vectors[:3]) == pytest.approx(vectors[:3] @ vectors.T, abs=1e-5)
    assert VectorIndex(np.empty((0, 7))).inner_products(vectors[:2]).shape == (2, 0)
    with pytest.raises(InputError, match="width 7, but the query has 6"):
        index.inner_products(vectors[:1, :6])
