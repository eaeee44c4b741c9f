"""Ranking: the inner product of ranking vectors is the weighted mean of both cosines."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional

from algcn.evaluation.ranking import ENCODER_WEIGHT, ranking_vectors
from algcn.kit.errors import InputError


def unit(count: int, width: int, seed: int) -> torch.Tensor:
    return functional.normalize(torch.randn(count, width, generator=torch.Generator().manual_seed(seed)), dim=1)


@pytest.mark.parametrize("weight", [0.0, 0.5, 1.0, 7.0])
def test_the_inner_product_is_the_weighted_mean_of_both_cosines(weight: float) -> None:
    embeddings, features = (unit(5, 8, 1), unit(7, 8, 2)), (unit(5, 3, 3), unit(7, 3, 4))
    query, gallery = (
        ranking_vectors(common, encoder, weight) for common, encoder in zip(embeddings, features, strict=True)
    )
    expected = (embeddings[0] @ embeddings[1].T + weight * (features[0] @ features[1].T)) / (1 + weight)
    torch.testing.assert_close(query @ gallery.T, expected)
    torch.testing.assert_close(query.norm(dim=1), torch.ones(5))


def test_a_query_that_the_common_space_does_not_know_is_ranked_by_the_encoder() -> None:
    features, gallery_features = unit(1, 4, 1), unit(9, 4, 2)
    query = ranking_vectors(torch.zeros(1, 6), features)
    gallery = ranking_vectors(unit(9, 6, 3), gallery_features)
    order = (query @ gallery.T).argsort(descending=True)
    assert order.tolist() == (features @ gallery_features.T).argsort(descending=True).tolist()
    assert ENCODER_WEIGHT == 0.5


@pytest.mark.parametrize("weight", [-0.1, math.nan, math.inf, "0.5", True, None])
def test_a_weight_that_is_none_is_one_sentence(weight: object) -> None:
    with pytest.raises(InputError, match="weight in the ranking must be a number of at least 0"):
        ranking_vectors(unit(2, 3, 0), unit(2, 3, 1), weight)


def test_rows_that_do_not_fit_are_one_sentence() -> None:
    with pytest.raises(InputError, match="2 embeddings and 3 features"):
        ranking_vectors(unit(2, 3, 0), unit(3, 3, 1))
