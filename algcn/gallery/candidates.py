"""What a search asks of an index: which pictures or texts may be the best, to be ranked exactly afterwards."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray


@dataclasses.dataclass(frozen=True, eq=False)
class Allowed:
    """What of a gallery may be found.

    Attributes:
        mask: Which of the N pictures or texts may; N of true and false.
        labels: The labels that it comes from, for an index that filters by itself, without regard to case.
        match: "any", "all" or "none": how many of the labels a picture must have.
    """

    mask: NDArray[np.bool_]
    labels: tuple[str, ...] = ()
    match: str = "any"


class Near(NamedTuple):
    """Pictures or texts that may be the best.

    Attributes:
        rows: Their positions, in any order.
        scores: Their inner products with the query, as nearly as the index knows them.
    """

    rows: NDArray[np.int64]
    scores: NDArray[np.float32]


class Candidates(Protocol):
    """An index that names the pictures or texts which may be the best for a query."""

    def nearest(
        self, modality: str, space: str, query: NDArray[np.float32], count: int, allowed: Allowed | None
    ) -> Near:
        """Return `count` pictures or texts, or more, with the largest inner products; fewer where it finds no more.

        Args:
            modality: "image" or "text": what is looked for.
            space: "ranking", by the bundle's rule, or "encoder", by the encoder's features alone.
            query: The vector of that space: as `evaluation.ranking.Ranking.weighted` joins it, d + 3L + e numbers, or
                the encoder's e.
            count: How many are wanted.
            allowed: What may be found; all where it is None. What may not can come, too: the caller leaves it out.
        """

    def describe(self) -> str:
        """Say in a few words what kind of index it is, and how much of the exact ranking it finds."""
