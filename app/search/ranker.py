"""Rank a gallery for a query: filtered, cut off, folded, and each result with what explains it.

Notable: percentiles are of the whole gallery, whatever a filter leaves of it, and a cut-off changes no rank.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from algcn.bundles.predictor import SharedLabel
from algcn.evaluation.ranking import Parts, Ranking, joined, label_shares
from algcn.gallery.index import VectorIndex
from app.kit.limits import MAX_LIMIT
from app.search.chances import Chances
from app.search.duplicates import fold
from app.search.filters import LabelFilter
from app.search.own_labels import OwnLabels, known_labels
from app.search.results import NOTHING, Found, Hit, Shares
from app.search.steering import left_out_from, left_out_labels, named_labels, of_labels
from app.search.written import Sought, Term, unit_of

if TYPE_CHECKING:
    from algcn.bundles.predictor import LabelPredictor
    from algcn.evaluation.calibration import Calibration
    from algcn.gallery.store import Gallery
    from app.search.parse import ParsedQuery
    from app.search.query import Query
    from app.search.written import Written


SHOWN_DUPLICATES = 12


@dataclasses.dataclass(frozen=True, eq=False)
class _Kind:
    """Pictures or texts as the ranking sees them, and the picture that each of the N belongs to."""

    modality: str
    items: Parts
    owner: NDArray[np.int64]
    likely: Tensor  # N × (L + M), the probabilities of the model's labels and of the visitor's own

    @cached_property
    def index(self) -> VectorIndex:
        return VectorIndex(joined(self.items))

    @cached_property
    def encoder_index(self) -> VectorIndex:
        return VectorIndex(self.items.encoder)


class Ranker:
    """Ranks the pictures and texts of a gallery for a query.

    Args:
        gallery: The pictures and texts.
        predictor: The model's labels, for pictures that the gallery gives none.
        rule: What it ranks by, where a query does not say otherwise.
        own: Labels that the visitor has beside the model's.
        written: What is written of the pictures and texts.
    """

    def __init__(
        self, gallery: Gallery, predictor: LabelPredictor, rule: Ranking, own: OwnLabels, written: Written
    ) -> None:
        self._gallery = gallery
        self._predictor = predictor
        self._own = own
        self._rule = own.extended(rule)
        self._written = written
        self._names = [*predictor.names, *own.names]
        self._pictures, self._texts = self._kinds(known=True)

    def _kinds(self, *, known: bool) -> tuple[_Kind, _Kind]:
        """The pictures and the texts, with the labels that the gallery gives them known to be there or not."""
        gallery, count = self._gallery, len(self._gallery.items)
        given = known_labels(gallery.items) if known else [()] * count
        of_model = self._predictor.known(gallery.items) * known

        def kind(modality: str, embeddings: Tensor, features: Tensor, owner: Tensor) -> _Kind:
            likely = self._predictor.probabilities(embeddings, modality, of_model[owner])
            own = self._own.probabilities(features, likely, modality, [given[item] for item in owner.tolist()])
            likely = torch.cat([likely, own], dim=1)
            return _Kind(modality, self._rule.parts(embeddings, likely, features), owner.numpy(), likely)

        return (
            kind("image", gallery.image_embeddings, gallery.image_features, torch.arange(count)),
            kind("text", gallery.text_embeddings, gallery.text_features, gallery.text_owner),
        )

    @cached_property
    def _unknown(self) -> tuple[_Kind, _Kind]:
        """The same where no label that is given counts."""
        return self._kinds(known=False) if any(known_labels(self._gallery.items)) else (self._pictures, self._texts)

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
        rule = self._rule_of(parsed.query)
        kinds = (self._pictures, self._texts) if parsed.query.written else self._unknown
        asked = self._asked(parsed)
        scores = {
            kind.modality: Scores(kind, parsed.seen, rule, self._written.shares(asked, kind.modality)) for kind in kinds
        }
        allowed = self.labels.mask(parsed.query.labels, parsed.query.match)
        # A caption of the picture that was asked with is an answer, and shows what that picture is about.
        of_texts = allowed[kinds[1].owner]
        allowed[[*parsed.query.liked, *parsed.query.unlike]] = False
        chances = {} if calibration is None else self._chances(parsed, asked, kinds, calibration)
        usual = 0.0 if calibration is None else 100 * calibration.cutoff
        left_out = self._left_out(parsed, kinds)
        pictures = _Ranked(kinds[0], scores, space, allowed, left_out[0], chances.get("image"), parsed.query, usual)
        texts = _Ranked(kinds[1], scores, space, of_texts, left_out[1], chances.get("text"), parsed.query, usual)
        return self._found(parsed, asked, pictures), self._found(parsed, asked, texts)

    def _asked(self, parsed: ParsedQuery) -> Sought:
        """What of a query may be written of a picture."""
        if not parsed.query.written:
            return Sought()
        unwanted = [Term(name, is_label=True) for name in named_labels(parsed.unwanted)]
        wanted = [term for term in self._written.terms(parsed.query.text) if term not in unwanted]
        return Sought(wanted, unwanted, parsed.shares[0], of_labels(parsed.query.away))

    def _left_out(self, parsed: ParsedQuery, kinds: Sequence[_Kind]) -> list[NDArray[np.bool_]]:
        """Say which of the pictures and of the texts show what the query leaves out; a text goes with its picture."""
        pictures, texts = (np.zeros(len(kind.owner), np.bool_) for kind in kinds)
        limit = left_out_from(parsed.query.away)
        names = [] if limit is None else left_out_labels(parsed.unwanted)
        for name in names:
            column = self._names.index(name)
            for kind, left_out in zip(kinds, (pictures, texts), strict=True):
                left_out |= kind.likely[:, column].numpy() >= limit
                if parsed.query.written:
                    left_out |= self._written.of(Term(name, is_label=True), kind.modality)
        return [pictures, texts | pictures[kinds[1].owner]]

    def chance(self, parsed: ParsedQuery, calibration: Calibration | None) -> str | None:
        """What the chances are of, in words; None where there are none."""
        return None if calibration is None else Chances(calibration, self._names).meaning(parsed.parts)

    def _rule_of(self, query: Query) -> Ranking:
        if query.labels_weight is None or not self._predictor.has_probabilities:
            return self._rule
        return self._rule.reweighted(labels=query.labels_weight)

    def _chances(
        self, parsed: ParsedQuery, asked: Sought, kinds: Sequence[_Kind], calibration: Calibration
    ) -> dict[str, NDArray[np.floating]]:
        """Return for all pictures and texts their chances of being what was asked for, where there are any.

        Where all that the words say is written of it, that is no chance but 1.
        """
        chances, found = Chances(calibration, self._names), {}
        for kind in kinds:
            values = chances.of(parsed.parts, parsed.shares, kind.modality, kind.items, kind.likely, kinds[0].items)
            if values is not None:
                is_said = self._written.all_of(asked, kind.modality) & (len(parsed.parts) == 1)
                found[kind.modality] = np.where(is_said, 1.0, values)
        return found

    def _found(self, parsed: ParsedQuery, asked: Sought, ranked: _Ranked) -> Found:
        query, passing = parsed.query, ranked.passing
        wanted = query.limit + 1  # one more says whether there are more
        # Ranks of two rankings are compared, so nothing is folded there.
        if query.fold and not query.beside and ranked.kind.modality == "image":
            groups = fold(passing, ranked.kind.items.encoder.numpy(), wanted)
        else:
            groups = [[position] for position in passing[:wanted].tolist()]
        described = [group[: 1 + SHOWN_DUPLICATES] for group in groups[: query.limit]]
        hit_of = self._hits(parsed, asked, ranked, described)
        hits = [
            dataclasses.replace(
                hit_of[leader],
                near_duplicates=tuple(hit_of[member] for member in members),
                folded=len(group) - 1,
            )
            for (leader, *members), group in zip(described, groups, strict=False)
        ]
        more = len(groups) > query.limit and query.limit < MAX_LIMIT
        allowed = int(ranked.allowed.sum())
        return Found(hits, len(passing), allowed, ranked.cutoff_by, ranked.best, more, ranked.cutoff, ranked.left_out)

    def _hits(self, parsed: ParsedQuery, asked: Sought, ranked: _Ranked, groups: list[list[int]]) -> dict[int, Hit]:
        """A hit for each position in some groups; those of one group have one rank."""
        ranks = {position: rank for rank, group in enumerate(groups, start=1) for position in group}
        if not ranks:
            return {}
        scores = ranked.scores[ranked.kind.modality]
        shared: list[tuple[SharedLabel, ...]] = [()] * len(ranks)
        if ranked.space == "ranking":
            shared = self._predictor.shared(scores.of_labels(list(ranks)), self._own.names)
        wanted = {label.name.casefold() for label in parsed.query_labels}
        return {
            position: self._hit(ranked, rank, position, wanted, labels, asked)
            for (position, rank), labels in zip(ranks.items(), shared, strict=True)
        }

    def _hit(
        self,
        ranked: _Ranked,
        rank: int,
        position: int,
        wanted: set[str],
        shared: tuple[SharedLabel, ...],
        asked: Sought,
    ) -> Hit:
        kind, of_texts, by_rule = ranked.kind, ranked.scores["text"], ranked.space == "ranking"
        item = int(kind.owner[position])
        captions = tuple(self._gallery.items[item].texts)
        if kind.modality == "text":
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
            picture_cosines=ranked.scores["image"].cosines(item),
            caption_cosines=None if caption is None else of_texts.cosines(caption),
            shares=ranked.scores[kind.modality].shares(position) if by_rule else NOTHING,
            shared_labels=shared,
            says=self._written.said(asked, kind.modality, position) if by_rule else (),
            looks=tuple(name for name in self._predicted_labels[item] if name.casefold() in wanted) if by_rule else (),
            other_rank=None if ranked.other_ranks is None else int(ranked.other_ranks[position]),
        )

    def _best_caption(self, item: int, scores: Scores) -> int | None:
        """Return the text of a picture that is nearest to the query."""
        first, last = np.searchsorted(self._texts.owner, (item, item + 1))
        return None if first == last else int(first + scores.ranking[first:last].argmax())

    @cached_property
    def _predicted_labels(self) -> list[tuple[str, ...]]:
        likely = self._predictor.probabilities(self._gallery.image_embeddings, "image")
        own = self._own.predicted(self._own.probabilities(self._gallery.image_features, likely, "image", ()))
        of_model = self._predictor.of_pictures(self._gallery.image_embeddings)
        return [(*names, *more) for names, more in zip(of_model, own, strict=True)]


class _Ranked:
    """Pictures or texts in the order of a query; `usual` is the cut-off by chance where the query names none."""

    def __init__(
        self,
        kind: _Kind,
        scores: dict[str, Scores],
        space: str,
        allowed: NDArray[np.bool_],
        left_out: NDArray[np.bool_],
        chances: NDArray[np.floating] | None,
        query: Query,
        usual: float,
    ) -> None:
        self.kind, self.scores, self.space, self.chances = kind, scores, space, chances
        self.left_out, allowed = int((allowed & left_out).sum()), allowed & ~left_out
        self.allowed = allowed
        self.values = scores[kind.modality].by(space)
        self.beats = percentiles(self.values)
        self.cutoff_by = "percentile" if chances is None else "probability"
        certainty = self.beats if chances is None else 100.0 * chances
        self.best = float(certainty[allowed].max()) if allowed.any() else None
        self.cutoff = query.cutoff
        if self.cutoff is None:
            self.cutoff = 0.0 if chances is None else usual
        self.passing = ranking(self.values, allowed & (certainty >= self.cutoff))
        self.other_ranks: NDArray[np.int64] | None = None
        if query.beside:
            order = ranking(scores[kind.modality].by("encoder" if space == "ranking" else "ranking"), allowed)
            self.other_ranks = np.zeros(len(allowed), np.int64)
            self.other_ranks[order] = np.arange(1, len(order) + 1)


# Single precision is good to about seven digits; beyond, equal pictures would be ranked by noise. So many decimals are
# right for cosines; a score by the rule is in standard deviations and may be larger than 1.
DECIMALS = 6


class Scores:
    """How N items score for a query, by each ranking, and what each part gives.

    Args:
        kind: The items.
        query: One query, as the ranking sees it.
        rule: What ranks.
        written: N, how much of the query is written of each (`Written.shares`); None where nothing is of any.
    """

    def __init__(self, kind: _Kind, query: Parts, rule: Ranking, written: NDArray[np.float32] | None = None) -> None:
        # Names of labels are nothing to the encoder: it neither adds to a score nor makes it smaller.
        if not query.encoder.any() and any(rule.weights._replace(encoder=0.0)):
            rule = rule.reweighted(encoder=0.0)
        self._kind, self._query, self._rule, self._written = kind, query, rule, written

    @cached_property
    def ranking(self) -> NDArray[np.float32]:
        """N scores by the rule, for what is seen."""
        return _rounded(self._kind.index.inner_products(self._rule.weighted(self._query))[0])

    @cached_property
    def with_written(self) -> NDArray[np.float32]:
        """N scores by the rule and by what is written."""
        return self.ranking if self._written is None else _rounded(self.ranking + self._unit * self._written)

    @cached_property
    def _unit(self) -> np.float32:
        return unit_of(self.ranking)

    @cached_property
    def encoder(self) -> NDArray[np.float32]:
        """N cosines of the encoder's features alone."""
        return _rounded(self._kind.encoder_index.inner_products(self._query.encoder)[0])

    def by(self, space: str) -> NDArray[np.float32]:
        """Return the scores that are ranked by: "ranking", all that counts, or "encoder", its cosine alone."""
        return self.encoder if space == "encoder" else self.with_written

    def cosines(self, position: int) -> tuple[float, float]:
        """Return the cosines of one item with the query in the common space and of the encoder."""
        common, encoder = (
            round(float(getattr(self._kind.items, name)[position] @ getattr(self._query, name)[0]), DECIMALS)
            for name in ("common", "encoder")
        )
        return common, encoder

    def shares(self, position: int) -> Shares:
        """Return what each part gives of one item's score; they sum to it."""
        return Shares(
            *(
                factor * float(getattr(self._kind.items, name)[position] @ getattr(self._query, name)[0])
                for name, factor in self._rule.factors._asdict().items()
            ),
            0.0 if self._written is None else float(self._unit * self._written[position]),
        )

    def of_labels(self, positions: list[int]) -> Tensor:
        """Return what each label gives of the scores of K items by the rule, K × L."""
        return self._rule.factors.labels * label_shares(self._kind.items.labels[positions], self._query.labels)


def _rounded(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Leave of scores the digits that single precision is good for: as many decimals as the largest has room for."""
    largest = round(float(np.abs(scores).max(initial=0.0)), DECIMALS)  # a cosine of 1.0000001 is one of 1
    return np.round(scores, DECIMALS - math.ceil(math.log10(max(1.0, largest))))


def percentiles(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return for each of N scores the share of all that are strictly less, 0 to 100."""
    return 100.0 * np.searchsorted(np.sort(scores), scores, side="left") / max(1, len(scores))


def ranking(scores: NDArray[np.float32], allowed: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the allowed positions, the best first; equal scores by position."""
    order = np.argsort(-scores, kind="stable")
    return order[allowed[order]]
