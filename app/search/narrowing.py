"""Which pictures and texts of a large gallery a query is ranked among: what an index names, and what goes with it.

- The nearest of all that may be found, by the bundle's rule, by the encoder, or by both where they are compared: KEPT
  times as many as are wanted, as the index knows their scores only nearly.
- What is written of a picture adds at most a unit to its score, the spread of all scores (`app.search.written`). So the
  best are taken, with that, of WITHIN more: of a million normally distributed scores no more than 1,900 are within a
  unit of the best 50. And all of which most is written, where those are few.
- The pictures nearest to words by the encoder, by which is told whether there is anything like that.
- Each picture of a text and each text of a picture that is found by this.

Where a filter leaves few, they are ranked whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from algcn.evaluation.ranking import TERMS
from algcn.gallery.candidates import Allowed, Candidates

if TYPE_CHECKING:
    from torch import Tensor

    from algcn.evaluation.ranking import Ranking
    from app.search.parse import ParsedQuery
    from app.search.query import Query
    from app.search.reading import Part
    from app.search.scores import Scores
    from app.search.written import Weights

EXACT = 50_000  # pictures or texts up to which all are scored
FEW = 512  # that are ranked whole
MARGIN = 200  # found beyond what is asked for: near-duplicates are folded, and the index is not exact
WITHIN = 2000  # more, where something is written
KEPT = 2
NEAREST = 8
Rows = NDArray[np.int64]


class Narrowing:
    """Names what a query is ranked among.

    Args:
        candidates: The index.
        owner: The picture of each of the M texts, ascending.
        count: N, the pictures.
        num_labels: L of the model: those of a visitor's own are unknown to the index.
    """

    def __init__(self, candidates: Candidates, owner: Rows, count: int, num_labels: int) -> None:
        self._candidates, self._owner, self._count, self._num_labels = candidates, owner, count, num_labels

    def rows(
        self,
        parsed: ParsedQuery,
        rule: Ranking,
        spaces: Sequence[str],
        allowed: dict[str, NDArray[np.bool_] | None],
        written: dict[str, Weights | None],
        typical: dict[str, Scores],
    ) -> tuple[Rows, Rows]:
        """Return pictures and texts, by their numbers, ascending.

        Args:
            parsed: The query.
            rule: What ranks.
            spaces: "ranking", "encoder", or both.
            allowed: Which of the N pictures, "image", and of the M texts, "text", may be found; all where it is None.
            written: How much of the query is written of each; None where nothing is of any.
            typical: The scores of what stands for all pictures and for all texts.
        """
        query = parsed.query
        seen = parsed.seen._replace(labels=self._of_model(parsed.seen.labels))
        vectors = {"ranking": rule.weighted(seen).numpy()[0], "encoder": seen.encoder.numpy()[0]}

        def found(modality: str) -> Rows:
            mask, weights = allowed[modality], written[modality] if "ranking" in spaces else None
            rows = [] if weights is None else [weights.most(FEW, mask)]
            for space in spaces:
                if vectors[space].any():
                    added = None if weights is None or space == "encoder" else (typical[modality].unit, weights)
                    rows.append(self._nearest(modality, space, vectors[space], mask, query, added))
            if modality == "image":
                rows.extend(self._like(part) for part in parsed.parts if part.modality == "text")
            return np.unique(np.concatenate([np.empty(0, np.int64), *rows]))

        pictures, texts = found("image"), found("text")
        asked = np.array([*query.liked, *query.unlike], np.int64)
        pictures = np.unique(np.concatenate([pictures, self._owner[texts], asked]))
        first, last = np.searchsorted(self._owner, pictures), np.searchsorted(self._owner, pictures + 1)
        # All from each `first` to its `last`: how far into its own range a place is, and where that begins.
        counts = last - first
        of_pictures = np.arange(counts.sum()) + np.repeat(first - np.cumsum(counts) + counts, counts)
        return pictures, np.unique(np.concatenate([texts, of_pictures]))

    def _like(self, part: Part) -> Rows:
        """The pictures that are most like words, by the encoder."""
        features = part.features.numpy()[0]
        if not features.any():
            return np.empty(0, np.int64)
        rows, scores = self._candidates.nearest("image", "encoder", features, NEAREST, None)
        return rows[np.argsort(-scores)[:NEAREST]]

    def _nearest(
        self,
        modality: str,
        space: str,
        vector: NDArray[np.float32],
        mask: NDArray[np.bool_] | None,
        query: Query,
        added: tuple[float, Weights] | None,
    ) -> Rows:
        if mask is not None and np.count_nonzero(mask) <= FEW:
            return np.flatnonzero(mask)
        wanted = KEPT * (query.limit + MARGIN)
        allowed = None if mask is None else Allowed(mask, query.labels, query.match)
        within = 0 if added is None else WITHIN
        rows, scores = self._candidates.nearest(modality, space, vector, wanted + within, allowed)
        if mask is not None:
            rows, scores = rows[mask[rows]], scores[mask[rows]]
        if added is not None:
            unit, weights = added
            scores = scores + unit * weights.of(rows)
        return rows[np.argsort(-scores)[:wanted]]

    def _of_model(self, labels: Tensor) -> Tensor:
        """Leave of the labels' part of a query, 1 × 3 (L + M), what the index knows: that of the model's."""
        return labels.unflatten(1, (TERMS, -1))[:, :, : self._num_labels].flatten(1)
