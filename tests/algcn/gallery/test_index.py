"""Exact search."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from algcn.gallery.index import exact_scores
from algcn.kit.errors import InputError


def test_they_are_inner_products_in_the_order_of_the_vectors() -> None:
    vectors = torch.randn(50, 7, generator=torch.Generator().manual_seed(0))
    for query in vectors[:3]:
        assert exact_scores(vectors, query) == pytest.approx((vectors @ query).numpy(), abs=1e-5)
    assert exact_scores(vectors[:, ::2], vectors[0, ::2]) == pytest.approx(
        (vectors[:, ::2] @ vectors[0, ::2]).numpy(), abs=1e-5
    )
    assert exact_scores(vectors[:0], vectors[0]).shape == (0,)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("where", ["vectors", "query"])
def test_what_is_no_number_is_said(value: float, where: str) -> None:
    vectors, query = torch.eye(3), torch.ones(3)
    (vectors if where == "vectors" else query[None])[0, 1] = value
    with pytest.raises(InputError, match="damaged; restore it"):
        exact_scores(vectors, query)
