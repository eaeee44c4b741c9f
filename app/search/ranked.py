"""Pictures or texts in the order of a query, and what of them is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from app.search.scores import Kind, Scores, ranking

if TYPE_CHECKING:
    from app.search.query import Query


class Ranked:
    """Pictures or texts in the order of a query.

    Args:
        kinds: What is ranked, and the other kind that was found with it.
        scores: The scores of both, by modality.
        space: What it is ranked by, "ranking" or "encoder".
        allowed: Which of the gallery's pictures or texts may be found.
        left_out: Which of those that are ranked show what the query leaves out.
        chances: The chance of each that is ranked; None where there are none.
        query: The query.
        usual: The cut-off by chance where the query names none, in percent.

    Attributes:
        passing: The positions of those that may be shown, the best first.
        total: How many pass, of all that are known.
        at_least: Whether more may pass than are known.
        allowed: How many of the gallery's may be found.
        left_out: How many of those that are ranked were left out.
        beats: The share of the gallery that scores less, in percent.
        best: The best chance, or share, in percent; None where nothing may be found.
        other_ranks: The ranks in the other ranking, where the two are compared.
    """

    def __init__(
        self,
        kinds: tuple[Kind, Kind],
        scores: dict[str, Scores],
        space: str,
        allowed: NDArray[np.bool_],
        left_out: NDArray[np.bool_],
        chances: NDArray[np.floating] | None,
        query: Query,
        usual: float,
    ) -> None:
        self.kind, self.other = kinds
        self.scores, self.space, self.chances = scores, space, chances
        here = allowed[self.kind.rows]
        self.left_out = int((here & left_out).sum())
        self.allowed = int(np.count_nonzero(allowed)) - self.left_out
        here &= ~left_out
        self.values = scores[self.kind.modality].by(space)
        self.beats = scores[self.kind.modality].beats(space)
        self.cutoff_by = "percentile" if chances is None else "probability"
        certainty = self.beats if chances is None else 100.0 * chances
        self.best = float(certainty[here].max()) if here.any() else None
        self.cutoff = query.cutoff
        if self.cutoff is None:
            self.cutoff = 0.0 if chances is None else usual
        self.passing = ranking(self.values, here & (certainty >= self.cutoff))
        # Where what is known passes to the last one, so may others; all do where nothing is cut off.
        self.at_least = len(self.passing) == here.sum() < self.allowed and self.cutoff > 0
        self.total = self.allowed if not self.cutoff else len(self.passing)
        self.other_ranks: NDArray[np.int64] | None = None
        if query.beside:
            order = ranking(scores[self.kind.modality].by("encoder" if space == "ranking" else "ranking"), here)
            self.other_ranks = np.zeros(len(here), np.int64)
            self.other_ranks[order] = np.arange(1, len(order) + 1)
