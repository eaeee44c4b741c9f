"""Rank a gallery for a query: filtered, cut off, folded, and each result with what explains it.

Notable: percentiles are of the whole gallery, whatever a filter leaves of it, and a cut-off changes no rank.
"""

from __future__ import annotations

import dataclasses
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from algcn.bundles.predictor import SharedLabel
from algcn.gallery.index import VectorIndex
from app.kit.limits import MAX_LIMIT
from app.search.duplicates import fold
from app.search.filters import LabelFilter
from app.search.results import Found, Hit

if TYPE_CHECKING:
    from torch import Tensor

    from algcn.bundles.predictor import LabelPredictor
    from algcn.evaluation.calibration import Calibration
    from algcn.gallery.index import VectorIndex
    from algcn.gallery.store import Gallery
    from app.search.parse import ParsedQuery
    from app.search.query import Query, QueryPoint
    from app.search.reading import Part


SHOWN_DUPLICATES = 12


@dataclasses.dataclass(frozen=True, eq=False)
class _Kind:
    """Pictures or texts: N × d and N × e, and the picture that each of the N belongs to."""

    modality: str
    embeddings: Tensor
    features: Tensor
    owner: NDArray[np.int64]

    @cached_property
    def embedding_index(self) -> VectorIndex:
        return VectorIndex(self.embeddings)

    @cached_property
    def feature_index(self) -> VectorIndex:
        return VectorIndex(self.features)


class Ranker:
    """Ranks the pictures and texts of a gallery for a query.

    Args:
        gallery: The pictures and texts.
        predictor: The model's labels, for pictures that the gallery gives none.
        encoder_weight: How much the encoder's own cosine counts.
    """

    def __init__(self, gallery: Gallery, predictor: LabelPredictor, encoder_weight: float) -> None:
        self._gallery = gallery
        self._predictor = predictor
        self._weight = encoder_weight
        everything = np.arange(len(gallery.items))
        self._pictures = _Kind("image", gallery.image_embeddings, gallery.image_features, everything)
        self._texts = _Kind("text", gallery.text_embeddings, gallery.text_features, gallery.text_owner.numpy())

    @cached_property
    def labels(self) -> LabelFilter:
        """The labels of the gallery's pictures."""
        return LabelFilter([self.item_labels(item)[0] for item in range(len(self._gallery.items))])

    def item_labels(self, item: int) -> tuple[tuple[str, ...], bool]:
        """Return the labels of a picture, and whether the model predicted them."""
        labels = self._gallery.items[item].labels
        if labels is not None:
            return tuple(labels), False
        return self._predicted_labels[item], True

    def answer(self, parsed: ParsedQuery, space: str, calibration: Calibration | None) -> tuple[Found, Found]:
        """The pictures and the texts found.

        Args:
            parsed: The query; its own `space` is not looked at.
            space: What it is ranked by, "ranking" or "encoder".
            calibration: Gives chances; None where there are none for this ranking.
        """
        scores = {kind.modality: self._scores(parsed.point, kind) for kind in (self._pictures, self._texts)}
        allowed = self.labels.mask(parsed.query.labels, parsed.query.match)
        # A caption of the picture that was asked with is an answer, and shows what that picture is about.
        of_texts = allowed[self._texts.owner]
        if parsed.query.item is not None:
            allowed[parsed.query.item] = False
        chances = {} if calibration is None else self._chances(parsed, scores, calibration)
        pictures = _Ranked(self._pictures, scores, space, allowed, chances.get("image"), parsed.query)
        texts = _Ranked(self._texts, scores, space, of_texts, chances.get("text"), parsed.query)
        return self._found(parsed, pictures), self._found(parsed, texts)

    def _scores(self, point: QueryPoint | Part, kind: _Kind) -> Scores:
        return Scores.of(point.embedding, point.features, kind.embedding_index, kind.feature_index, self._weight)

    def _chances(
        self, parsed: ParsedQuery, scores: dict[str, Scores], calibration: Calibration
    ) -> dict[str, NDArray[np.floating]]:
        """Return for all pictures and texts their chances of sharing a label with the query.

        A calibration holds for the score of one part that nothing steers. So each part gives chances of its own, and
        those of words and a picture are averaged by their shares; words to steer away from change the order alone.
        """
        chances = {}
        for kind in (self._pictures, self._texts):
            directions = [f"{part.modality}_to_{kind.modality}" for part in parsed.parts]
            if not calibration.curves.keys() >= set(directions):
                continue
            chances[kind.modality] = np.zeros(len(kind.owner))
            for part, share, direction in zip(parsed.parts, parsed.shares, directions, strict=True):
                scored = self._scores(part, kind) if parsed.is_steered else scores[kind.modality]
                chances[kind.modality] += share * calibration.probability(direction, scored.ranking)
        return chances

    def _found(self, parsed: ParsedQuery, ranked: _Ranked) -> Found:
        query, passing = parsed.query, ranked.passing
        wanted = query.limit + 1  # one more says whether there are more
        # Ranks of two rankings are compared, so nothing is folded there.
        if query.fold and not query.beside and ranked.kind is self._pictures:
            groups = fold(passing, ranked.kind.features.numpy(), wanted)
        else:
            groups = [[position] for position in passing[:wanted].tolist()]
        described = [group[: 1 + SHOWN_DUPLICATES] for group in groups[: query.limit]]
        hit_of = self._hits(parsed, ranked, described)
        hits = [
            dataclasses.replace(
                hit_of[leader],
                near_duplicates=tuple(hit_of[member] for member in members),
                folded=len(group) - 1,
            )
            for (leader, *members), group in zip(described, groups, strict=False)
        ]
        more = len(groups) > query.limit and query.limit < MAX_LIMIT
        return Found(hits, len(passing), int(ranked.allowed.sum()), ranked.cutoff_by, ranked.best, more)

    def _hits(self, parsed: ParsedQuery, ranked: _Ranked, groups: list[list[int]]) -> dict[int, Hit]:
        """A hit for each position in some groups; those of one group have one rank."""
        ranks = {position: rank for rank, group in enumerate(groups, start=1) for position in group}
        if not ranks:
            return {}
        scores = self._predictor.scores(ranked.kind.embeddings[list(ranks)])
        shared = self._predictor.shared(parsed.label_scores, scores)
        wanted = {label.name.casefold() for label in parsed.query_labels}
        return {
            position: self._hit(ranked, rank, position, wanted, labels)
            for (position, rank), labels in zip(ranks.items(), shared, strict=True)
        }

    def _hit(self, ranked: _Ranked, rank: int, position: int, wanted: set[str], shared: tuple[SharedLabel, ...]) -> Hit:
        kind, of_texts = ranked.kind, ranked.scores["text"]
        item = int(kind.owner[position])
        captions = tuple(self._gallery.items[item].texts)
        if kind is self._texts:
            caption, text = position, self._gallery.texts[position]
        else:
            caption, text = self._best_caption(item, of_texts), next(iter(captions), "")
        labels, predicted = self.item_labels(item)
        return Hit(
            rank=rank,
            item=item,
            file=self._gallery.items[item].file_name,
            text=text,
            captions=captions,
            labels=labels,
            matched_labels=tuple(label for label in labels if label.casefold() in wanted),
            labels_are_predicted=predicted,
            score=float(ranked.values[position]),
            percentile=float(ranked.beats[position]),
            probability=None if ranked.chances is None else float(ranked.chances[position]),
            picture_cosines=_cosines(ranked.scores["image"], item),
            caption_cosines=None if caption is None else _cosines(of_texts, caption),
            shared_labels=shared,
            other_rank=None if ranked.other_ranks is None else int(ranked.other_ranks[position]),
        )

    def _best_caption(self, item: int, scores: Scores) -> int | None:
        """Return the text of a picture that is nearest to the query."""
        first, last = np.searchsorted(self._texts.owner, (item, item + 1))
        return None if first == last else int(first + scores.ranking[first:last].argmax())

    @cached_property
    def _predicted_labels(self) -> list[tuple[str, ...]]:
        return self._predictor.of_pictures(self._gallery.image_embeddings)


class _Ranked:
    """Pictures or texts in the order of a query."""

    def __init__(
        self,
        kind: _Kind,
        scores: dict[str, Scores],
        space: str,
        allowed: NDArray[np.bool_],
        chances: NDArray[np.floating] | None,
        query: Query,
    ) -> None:
        self.kind, self.scores, self.allowed, self.chances = kind, scores, allowed, chances
        self.values = scores[kind.modality].by(space)
        self.beats = percentiles(self.values)
        self.cutoff_by = "percentile" if chances is None else "probability"
        certainty = self.beats if chances is None else 100.0 * chances
        self.best = float(certainty[allowed].max()) if allowed.any() else None
        self.passing = ranking(self.values, allowed & (certainty >= query.cutoff))
        self.other_ranks: NDArray[np.int64] | None = None
        if query.beside:
            order = ranking(scores[kind.modality].by("encoder" if space == "ranking" else "ranking"), allowed)
            self.other_ranks = np.zeros(len(allowed), np.int64)
            self.other_ranks[order] = np.arange(1, len(order) + 1)


def _cosines(scores: Scores, position: int) -> tuple[float, float]:
    return float(scores.common[position]), float(scores.encoder[position])


# Cosines in single precision are good to about seven digits; beyond, equal pictures would be ranked by noise.
DECIMALS = 6


@dataclasses.dataclass(frozen=True, eq=False)
class Scores:
    """The cosines of N items with a query, in each space.

    Attributes:
        common: The cosines in the common space.
        encoder: The cosines of the encoder's features alone.
        ranking: Both together, as the bundle ranks (see `algcn.evaluation.ranking`); the common space alone for a
            query that is nothing to the encoder.
    """

    common: NDArray[np.float32]
    encoder: NDArray[np.float32]
    ranking: NDArray[np.float32]

    @classmethod
    def of(
        cls, embedding: Tensor, features: Tensor, embeddings: VectorIndex, encoded: VectorIndex, encoder_weight: float
    ) -> Scores:
        """Score N items, indexed in both spaces, for a query (1 × d in the common one, 1 × e of the encoder)."""
        common = np.round(embeddings.inner_products(embedding)[0], DECIMALS)
        encoder = np.round(encoded.inner_products(features)[0], DECIMALS)
        if not features.any():
            return cls(common, encoder, common)
        ranking = np.round((common + encoder_weight * encoder) / (1 + encoder_weight), DECIMALS)
        return cls(common, encoder, ranking.astype(np.float32))

    def by(self, space: str) -> NDArray[np.float32]:
        """Return the scores that are ranked by: "ranking", both together, or "encoder", its cosine alone."""
        return self.encoder if space == "encoder" else self.ranking


def percentiles(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return for each of N scores the share of all that are strictly less, 0 to 100."""
    return 100.0 * np.searchsorted(np.sort(scores), scores, side="left") / max(1, len(scores))


def ranking(scores: NDArray[np.float32], allowed: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the allowed positions, the best first; equal scores by position."""
    order = np.argsort(-scores, kind="stable")
    return order[allowed[order]]
