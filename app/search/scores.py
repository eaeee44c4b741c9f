"""How pictures or texts of a gallery score for a query: by the bundle's rule, by what is written, by the encoder.

Notable: of a large gallery only those are scored that an index named (`app.search.narrowing`). What a score is compared
with, the share of the gallery that is farther and how much scores vary, then comes from a fixed sample.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from algcn.evaluation.ranking import Parts, Ranking, label_shares
from algcn.gallery.index import exact_scores
from app.search.results import Shares
from app.search.written import Weights, unit_of

# Single precision is good to about seven digits; beyond, equal pictures would be ranked by noise. So many decimals are
# right for cosines; a score by the rule is in standard deviations and may be larger than 1.
DECIMALS = 6


@dataclasses.dataclass(frozen=True, eq=False)
class Kind:
    """K pictures or texts of a gallery as a ranking sees them: all of them, or some of many.

    Attributes:
        modality: "image" or "text".
        items: Their parts, K.
        owner: For each the picture that it belongs to, by its number in the gallery, ascending.
        likely: K × (L + M), the probabilities of the model's labels and of the visitor's own.
        rows: Which of the gallery's pictures or texts they are, ascending.
    """

    modality: str
    items: Parts
    owner: NDArray[np.int64]
    likely: Tensor
    rows: NDArray[np.int64]

    def places(self, rows: NDArray[np.int64] | int) -> NDArray[np.int64]:
        """Where some of the gallery's rows, which must be here, are among these."""
        return np.searchsorted(self.rows, rows)


class Scores:
    """How K items score for a query, by each ranking, and what each part gives.

    Args:
        kind: The items.
        query: One query, as the ranking sees it.
        rule: What ranks.
        written: How much of the query is written of each of the gallery's; None where nothing is of any.
        typical: The scores of what stands for the whole gallery, where these items are not all of it.

    Attributes:
        in_part: Whether they are not all of it.
    """

    def __init__(
        self,
        kind: Kind,
        query: Parts,
        rule: Ranking,
        written: Weights | None = None,
        typical: Scores | None = None,
    ) -> None:
        # Names of labels are nothing to the encoder: it neither adds to a score nor makes it smaller.
        if not query.encoder.any() and any(rule.weights._replace(encoder=0.0)):
            rule = rule.reweighted(encoder=0.0)
        self._kind, self._query, self._rule, self._gallery_written = kind, query, rule, written
        self._typical, self.in_part = typical or self, typical is not None

    @cached_property
    def ranking(self) -> NDArray[np.float32]:
        """K scores by the rule, for what is seen."""
        parts = zip(self._rule.factors, self._query, self._kind.items, strict=True)
        return _rounded(sum(exact_scores(rows, factor * part[0]) for factor, part, rows in parts))

    @cached_property
    def with_written(self) -> NDArray[np.float32]:
        """K scores by the rule and by what is written."""
        return self.ranking if self._written is None else _rounded(self.ranking + self.unit * self._written)

    @cached_property
    def encoder(self) -> NDArray[np.float32]:
        """K cosines of the encoder's features alone."""
        return _rounded(exact_scores(self._kind.items.encoder, self._query.encoder[0]))

    def by(self, space: str) -> NDArray[np.float32]:
        """Return the scores that are ranked by: "ranking", all that counts, or "encoder", its cosine alone."""
        return self.encoder if space == "encoder" else self.with_written

    def beats(self, space: str) -> NDArray[np.float64]:
        """Return for each of K scores the share of the gallery that scores less, 0 to 100."""
        return percentiles(self.by(space), self._typical.by(space))

    def cosines(self, positions: Sequence[int]) -> list[tuple[float, float]]:
        """Return the cosines of some items with the query in the common space and of the encoder."""
        common, encoder = (
            [round(value, DECIMALS) for value in self._products(name, positions)] for name in ("common", "encoder")
        )
        return list(zip(common, encoder, strict=True))

    def shares(self, positions: Sequence[int]) -> list[Shares]:
        """Return what each part gives of the scores of some items; they sum to it."""
        parts = (
            [factor * value for value in self._products(name, positions)]
            for name, factor in self._rule.factors._asdict().items()
        )
        written = [0.0] * len(positions)
        if self._written is not None:
            written = [float(self.unit * value) for value in self._written[list(positions)]]
        return [Shares(*values) for values in zip(*parts, written, strict=True)]

    def _products(self, part: str, positions: Sequence[int]) -> list[float]:
        # Not @, whose last digits differ with the number of rows: whichever others are asked for, an item has its own.
        return (getattr(self._kind.items, part)[list(positions)] * getattr(self._query, part)).sum(dim=1).tolist()

    def of_labels(self, positions: list[int]) -> Tensor:
        """Return what each label gives of the scores of some items by the rule, one row of L for each."""
        return self._rule.factors.labels * label_shares(self._kind.items.labels[positions], self._query.labels)

    @cached_property
    def _written(self) -> NDArray[np.float32] | None:
        return None if self._gallery_written is None else self._gallery_written.of(self._kind.rows)

    @cached_property
    def unit(self) -> float:
        """What is added to the score of what all that is asked for is written of."""
        return unit_of(self._typical.ranking)


def _rounded(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Leave of scores the digits that single precision is good for: as many decimals as the largest has room for."""
    largest = round(float(np.abs(scores).max(initial=0.0)), DECIMALS)  # a cosine of 1.0000001 is one of 1
    return np.round(scores, DECIMALS - math.ceil(math.log10(max(1.0, largest))))


def percentiles(scores: NDArray[np.float32], among: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return for each of K scores the share of some others that are strictly less, 0 to 100."""
    return 100.0 * np.searchsorted(np.sort(among), scores, side="left") / max(1, len(among))


def ranking(scores: NDArray[np.float32], allowed: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the allowed positions, the best first; equal scores by position."""
    order = np.argsort(-scores, kind="stable")
    return order[allowed[order]]
