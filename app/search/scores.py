"""How near everything of one kind is to a query: exact, against the whole gallery."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

    from algcn.index import VectorIndex

# Cosines in single precision are good to about seven digits; beyond, equal pictures would be ranked by noise.
DECIMALS = 6


@dataclasses.dataclass(frozen=True, eq=False)
class Scores:
    """N cosines with a query.

    Attributes:
        common: In the common space.
        encoder: Of the encoder's features alone.
        ranking: Both together, as the bundle ranks (see `algcn.ranking`); of a query that is nothing to the encoder,
            the common space alone.
    """

    common: NDArray[np.float32]
    encoder: NDArray[np.float32]
    ranking: NDArray[np.float32]

    @classmethod
    def of(
        cls, embedding: Tensor, features: Tensor, embeddings: VectorIndex, encoded: VectorIndex, encoder_weight: float
    ) -> Scores:
        """Of a query (1 × d, 1 × e) with N items, indexed in the common space and by the encoder, all L2-normalised."""
        common = np.round(embeddings.inner_products(embedding)[0], DECIMALS)
        encoder = np.round(encoded.inner_products(features)[0], DECIMALS)
        if not features.any():
            return cls(common, encoder, common)
        ranking = np.round((common + encoder_weight * encoder) / (1 + encoder_weight), DECIMALS)
        return cls(common, encoder, ranking.astype(np.float32))

    def by(self, space: str) -> NDArray[np.float32]:
        """The scores that are ranked by: "ranking", both together, or "encoder", its cosine alone."""
        return self.encoder if space == "encoder" else self.ranking


def percentiles(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    """For each of N scores the share of all that are strictly less, 0 to 100."""
    return 100.0 * np.searchsorted(np.sort(scores), scores, side="left") / max(1, len(scores))


def ranking(scores: NDArray[np.float32], allowed: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The allowed positions, the best first; equal scores by position."""
    order = np.argsort(-scores, kind="stable")
    return order[allowed[order]]
