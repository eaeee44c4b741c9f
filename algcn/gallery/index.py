"""Exact scores of vectors; faiss is imported with the first."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from algcn.kit.errors import InputError


def exact_scores(vectors: Tensor, query: Tensor) -> NDArray[np.float32]:
    """Return the inner products of N vectors with a query: cosines, where both are L2-normalised.

    Args:
        vectors: N × d, float32; N may be 0.
        query: d.

    Raises:
        InputError: One of them is no number, as a damaged model's would be.
    """
    import faiss

    scores = faiss.pairwise_distances(query[None].numpy(), vectors.numpy(), faiss.METRIC_INNER_PRODUCT)[0]
    if not np.isfinite(scores).all():
        raise InputError(
            "A vector holds a NaN or an infinity: the model, or what was made with it, is damaged; restore it."
        )
    return scores
