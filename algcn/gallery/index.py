"""Exact vector search behind a small interface; faiss is imported when the first index is made."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from algcn.kit.errors import InputError


class VectorIndex:
    """An index of N vectors, ranked by inner product: by cosine, when vectors and queries are L2-normalised.

    Equal scores are ranked by position, the lowest first; faiss alone returns them in no stated order.

    Args:
        vectors: N × d (an array or a tensor), N may be 0.

    Raises:
        InputError: The vectors are no matrix, or a value is NaN or infinite.
    """

    def __init__(self, vectors: ArrayLike) -> None:
        import faiss

        vectors = _as_rows(vectors, "vectors")
        self.width = vectors.shape[1]
        self._index = faiss.IndexFlatIP(self.width)
        self._index.add(vectors)

    def __len__(self) -> int:
        return self._index.ntotal

    def inner_products(self, queries: ArrayLike) -> NDArray[np.float32]:
        """Return the inner products of Q queries (Q × d) with every vector, Q × N in the order of the vectors.

        Raises:
            InputError: The queries have another width or hold a NaN.
        """
        import faiss

        queries = self._queries(queries)
        if len(self) == 0:
            return np.empty((len(queries), 0), np.float32)
        vectors = faiss.rev_swig_ptr(self._index.get_xb(), len(self) * self.width).reshape(-1, self.width)
        return faiss.pairwise_distances(queries, vectors, faiss.METRIC_INNER_PRODUCT)

    def search(self, queries: ArrayLike, k: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Find the best k vectors for each of Q queries (Q × d), fewer where the index holds fewer.

        Returns:
            Scores and positions, both Q × min(k, N), the best first.

        Raises:
            InputError: The queries have another width or hold a NaN, or k is not positive.
        """
        queries = self._queries(queries)
        if k < 1:
            raise InputError(f"The number k must be at least 1, not {k}.")
        k = min(int(k), len(self))
        if k == 0:
            return np.empty((len(queries), 0), np.float32), np.empty((len(queries), 0), np.int64)
        # Which of several equal scores make the cut is decided here, so one more than k must be seen, and more than
        # that while the last one seen still equals the last one wanted.
        fetched = min(len(self), k + 1)
        scores, ids = self._index.search(queries, fetched)
        while fetched < len(self) and (scores[:, k - 1] == scores[:, -1]).any():
            fetched = min(len(self), 2 * fetched)
            scores, ids = self._index.search(queries, fetched)
        order = np.lexsort((ids, -scores), axis=1)[:, :k]
        return np.take_along_axis(scores, order, axis=1), np.take_along_axis(ids, order, axis=1)

    def _queries(self, queries: ArrayLike) -> NDArray[np.float32]:
        queries = _as_rows(queries, "queries")
        if queries.shape[1] != self.width:
            raise InputError(
                f"The index holds vectors of width {self.width}, but the query has {queries.shape[1]}; give one of "
                "that width."
            )
        return queries


def _as_rows(vectors: ArrayLike, what: str) -> NDArray[np.float32]:
    """Return contiguous float32 rows, as faiss reads them."""
    rows = np.ascontiguousarray(vectors, dtype=np.float32)
    if rows.ndim != 2 or rows.shape[1] == 0:
        raise InputError(f"The {what} must be a matrix with a row for each, not an array of shape {rows.shape}.")
    if not np.isfinite(rows).all():
        raise InputError(f"The {what} hold a NaN or an infinity; give finite numbers.")
    return rows
