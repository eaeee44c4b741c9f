"""Rank a gallery for a query: filtered, cut off, folded, and each result with what explains it.

Notable: percentiles are of the whole gallery, whatever a filter leaves of it, and a cut-off changes no rank. A large
gallery is not ranked whole but as far as an index names what may be the best (`app.search.narrowing`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from algcn.bundles.predictor import SharedLabel
from algcn.gallery.kept import NAME_LENGTH, place_of
from app.kit.limits import MAX_LIMIT
from app.search.chances import Chances
from app.search.duplicates import fold
from app.search.filters import LabelFilter
from app.search.kinds import Kinds
from app.search.local_index import LocalIndex
from app.search.narrowing import EXACT, Narrowing
from app.search.own_labels import OwnLabels, known_labels
from app.search.postings import contains
from app.search.ranked import Ranked
from app.search.results import NOTHING, Found, Hit, Shares
from app.search.scores import Kind, Scores
from app.search.steering import left_out_from, left_out_labels, named_labels, of_labels
from app.search.written import Said, Sought, Term

if TYPE_CHECKING:
    from algcn.bundles.predictor import LabelPredictor
    from algcn.evaluation.calibration import Calibration
    from algcn.evaluation.ranking import Ranking
    from algcn.gallery.candidates import Candidates
    from algcn.gallery.store import Gallery
    from app.search.parse import ParsedQuery
    from app.search.query import Query
    from app.search.written import Weights, Written


SHOWN_DUPLICATES = 12
ROWS_AT_ONCE = 16_384


class _Reasons(NamedTuple):
    """What explains the place of a result; see `Hit`."""

    predicted: tuple[str, ...]
    picture_cosines: tuple[float, float]
    caption_cosines: tuple[float, float] | None
    shares: Shares
    shared_labels: tuple[SharedLabel, ...]
    says: tuple[Said, ...]


class Ranker:
    """Ranks the pictures and texts of a gallery for a query.

    Args:
        gallery: The pictures and texts.
        predictor: The model's labels, for pictures that the gallery gives none.
        rule: What it ranks by, where a query does not say otherwise.
        own: Labels that the visitor has beside the model's.
        written: What is written of the pictures and texts.
        candidates: An index of them; without one all are ranked, or of a large gallery what an index made here names.
    """

    def __init__(
        self,
        gallery: Gallery,
        predictor: LabelPredictor,
        rule: Ranking,
        own: OwnLabels,
        written: Written,
        candidates: Candidates | None = None,
    ) -> None:
        self._gallery = gallery
        self._predictor = predictor
        self._own = own
        self._rule_of_model, self._rule = rule, own.extended(rule)
        self._written = written
        self._names = [*predictor.names, *own.names]
        self._given_candidates = candidates

    @cached_property
    def candidates(self) -> Candidates | None:
        """The index; None where all are ranked."""
        gallery = self._gallery
        counts = {"image": len(gallery.items), "text": len(gallery.texts)}
        if self._given_candidates is not None or max(counts.values()) <= EXACT:
            return self._given_candidates
        kinds = self._known
        if self._own.labels:
            kinds = Kinds(gallery, self._predictor, self._rule_of_model, OwnLabels(), known=True)
        place = f"{place_of(gallery.root)}-{self._predictor.fingerprint[:NAME_LENGTH]}"
        key = gallery.key and f"{gallery.key} {self._predictor.version}"
        return LocalIndex(kinds, counts, self._rule_of_model, place, key, gallery.store_notices)

    @cached_property
    def _narrowing(self) -> Narrowing | None:
        gallery, num_labels = self._gallery, len(self._predictor.names)
        if self.candidates is None:
            return None
        return Narrowing(self.candidates, gallery.text_owner.numpy(), len(gallery.items), num_labels)

    def _kinds(self, *, known: bool) -> Kinds:
        return Kinds(self._gallery, self._predictor, self._rule, self._own, known=known)

    @cached_property
    def _known(self) -> Kinds:
        """The pictures and texts, with the labels that the gallery gives them known to be there."""
        return self._kinds(known=True)

    @cached_property
    def _unknown(self) -> Kinds:
        """The same where no label that is given counts."""
        return self._kinds(known=False) if any(known_labels(self._gallery.items)) else self._known

    @cached_property
    def labels(self) -> LabelFilter:
        """The labels of the gallery's pictures."""
        items = self._gallery.items
        unlabelled = [position for position, item in enumerate(items) if item.labels is None]
        parts = (unlabelled[start : start + ROWS_AT_ONCE] for start in range(0, len(unlabelled), ROWS_AT_ONCE))
        predicted = dict(zip(unlabelled, (labels for part in parts for labels in self._predicted(part)), strict=True))
        return LabelFilter([predicted.get(position, item.labels) for position, item in enumerate(items)])

    def item_labels(self, item: int) -> tuple[tuple[str, ...], bool]:
        """Return the labels of a picture, and whether the model predicted them."""
        labels = self._gallery.items[item].labels
        if labels is not None:
            return tuple(labels), False
        return self._predicted([item])[0], True

    def answer(self, parsed: ParsedQuery, space: str, calibration: Calibration | None) -> tuple[Found, Found]:
        """The pictures and the texts found.

        Args:
            parsed: The query; its own `space` is not looked at.
            space: What it is ranked by, "ranking" or "encoder".
            calibration: Gives chances; None where there are none for this ranking.
        """
        rule, query = self._rule_of(parsed.query), parsed.query
        asked = self._asked(parsed)
        written = {modality: self._written.weights(asked, modality) for modality in ("image", "text")}
        allowed = self.labels.mask(query.labels, query.match)
        owner = self._gallery.text_owner.numpy()
        of_texts = allowed[owner] if query.labels else np.ones(len(owner), np.bool_)
        masks = {"image": allowed.copy(), "text": of_texts} if query.labels else {"image": None, "text": None}
        kinds, typical = self._ranked_among(parsed, rule, space, masks, written)
        scores = {
            kind.modality: Scores(kind, parsed.seen, rule, written[kind.modality], typical.get(kind.modality))
            for kind in kinds
        }
        # A caption of the picture that was asked with is an answer, and shows what that picture is about.
        allowed[[*query.liked, *query.unlike]] = False
        chances = {} if calibration is None else self._chances(parsed, asked, kinds, calibration)
        usual = 0.0 if calibration is None else 100 * calibration.cutoff
        left_out = self._left_out(parsed, kinds)
        pictures = Ranked(kinds, scores, space, allowed, left_out[0], chances.get("image"), query, usual)
        texts = Ranked(kinds[::-1], scores, space, of_texts, left_out[1], chances.get("text"), query, usual)
        return self._found(parsed, asked, pictures), self._found(parsed, asked, texts)

    def _ranked_among(
        self,
        parsed: ParsedQuery,
        rule: Ranking,
        space: str,
        allowed: dict[str, NDArray[np.bool_] | None],
        written: dict[str, Weights | None],
    ) -> tuple[tuple[Kind, Kind], dict[str, Scores]]:
        """The pictures and texts that a query is ranked among: all, or of many those that may be the best.

        And where these are not all, the scores of what stands for all.
        """
        kinds = self._known if parsed.query.written else self._unknown
        if self._narrowing is None:
            return kinds.whole, {}
        typical = {kind.modality: Scores(kind, parsed.seen, rule, written[kind.modality]) for kind in kinds.samples}
        spaces = ("ranking", "encoder") if parsed.query.beside else (space,)
        return kinds.some(*self._narrowing.rows(parsed, rule, spaces, allowed, written, typical)), typical

    def _asked(self, parsed: ParsedQuery) -> Sought:
        """What of a query may be written of a picture."""
        if not parsed.query.written:
            return Sought()
        unwanted = [Term(name, is_label=True) for name in named_labels(parsed.unwanted)]
        wanted = [term for term in self._written.terms(parsed.query.text) if term not in unwanted]
        return Sought(wanted, unwanted, parsed.shares[0], of_labels(parsed.query.away))

    def _left_out(self, parsed: ParsedQuery, kinds: Sequence[Kind]) -> list[NDArray[np.bool_]]:
        """Say which of the pictures and of the texts show what the query leaves out; a text goes with its picture."""
        pictures, texts = (np.zeros(len(kind.owner), np.bool_) for kind in kinds)
        limit = left_out_from(parsed.query.away)
        names = [] if limit is None else left_out_labels(parsed.unwanted)
        for name in names:
            column = self._names.index(name)
            for kind, left_out in zip(kinds, (pictures, texts), strict=True):
                left_out |= kind.likely[:, column].numpy() >= limit
                if parsed.query.written:
                    left_out |= contains(self._written.of(Term(name, is_label=True), kind.modality), kind.rows)
        return [pictures, texts | pictures[kinds[0].places(kinds[1].owner)]]

    def chance(self, parsed: ParsedQuery, calibration: Calibration | None) -> str | None:
        """What the chances are of, in words; None where there are none."""
        return None if calibration is None else Chances(calibration, self._names).meaning(parsed.parts)

    def _rule_of(self, query: Query) -> Ranking:
        if query.labels_weight is None or not self._predictor.has_probabilities:
            return self._rule
        return self._rule.reweighted(labels=query.labels_weight)

    def _chances(
        self, parsed: ParsedQuery, asked: Sought, kinds: Sequence[Kind], calibration: Calibration
    ) -> dict[str, NDArray[np.floating]]:
        """Return for all pictures and texts their chances of being what was asked for, where there are any.

        Where all that the words say is written of it, that is no chance but 1.
        """
        chances, found = Chances(calibration, self._names), {}
        for kind in kinds:
            values = chances.of(parsed.parts, parsed.shares, kind.modality, kind.items, kind.likely, kinds[0].items)
            if values is not None:
                is_said = self._written.all_of(asked, kind.modality, kind.rows) & (len(parsed.parts) == 1)
                found[kind.modality] = np.where(is_said, 1.0, values)
        return found

    def _found(self, parsed: ParsedQuery, asked: Sought, ranked: Ranked) -> Found:
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
        return Found(
            hits=hits,
            total=ranked.total,
            at_least=ranked.at_least,
            allowed=ranked.allowed,
            cutoff_by=ranked.cutoff_by,
            best=ranked.best,
            more=more,
            cutoff=ranked.cutoff,
            left_out=ranked.left_out,
            in_part=ranked.scores[ranked.kind.modality].in_part,
        )

    def _hits(self, parsed: ParsedQuery, asked: Sought, ranked: Ranked, groups: list[list[int]]) -> dict[int, Hit]:
        """A hit for each position in some groups; those of one group have one rank."""
        ranks = {position: rank for rank, group in enumerate(groups, start=1) for position in group}
        if not ranks:
            return {}
        wanted = {label.name.casefold() for label in parsed.query_labels}
        return {
            position: self._hit(ranked, rank, position, wanted, why)
            for (position, rank), why in zip(ranks.items(), self._reasons(ranked, asked, list(ranks)), strict=True)
        }

    def _reasons(self, ranked: Ranked, asked: Sought, positions: list[int]) -> list[_Reasons]:
        """What explains the places of some results."""
        kind, scores, count = ranked.kind, ranked.scores, len(positions)
        items = kind.owner[positions].tolist()
        if kind.modality == "text":
            pictures, captions = ranked.other.places(kind.owner[positions]).tolist(), positions
        else:
            pictures, captions = positions, [self._best_caption(item, ranked) for item in items]
        there = [caption for caption in captions if caption is not None]
        of_captions = dict(zip(there, scores["text"].cosines(there), strict=True))
        shares, shared, says = [NOTHING] * count, [()] * count, [()] * count
        if ranked.space == "ranking":
            says = self._written.said(asked, kind.modality, kind.rows[positions])
            shares = scores[kind.modality].shares(positions)
            shared = self._predictor.shared(scores[kind.modality].of_labels(positions), self._own.names)
        return [
            _Reasons(*reasons)
            for reasons in zip(
                self._predicted(items),
                scores["image"].cosines(pictures),
                map(of_captions.get, captions),
                shares,
                shared,
                says,
                strict=True,
            )
        ]

    def _hit(
        self,
        ranked: Ranked,
        rank: int,
        position: int,
        wanted: set[str],
        why: _Reasons,
    ) -> Hit:
        kind, by_rule = ranked.kind, ranked.space == "ranking"
        item, row = int(kind.owner[position]), int(kind.rows[position])
        captions = tuple(self._gallery.items[item].texts)
        text = self._gallery.texts[row] if kind.modality == "text" else next(iter(captions), "")
        given = self._gallery.items[item].labels
        labels = why.predicted if given is None else tuple(given)
        return Hit(
            rank=rank,
            item=item,
            file=self._gallery.items[item].file_name,
            text=text,
            captions=captions,
            labels=labels,
            matched_labels=tuple(label for label in labels if label.casefold() in wanted),
            labels_are_predicted=given is None,
            score=float(ranked.values[position]),
            percentile=float(ranked.beats[position]),
            probability=None if ranked.chances is None else float(ranked.chances[position]),
            picture_cosines=why.picture_cosines,
            caption_cosines=why.caption_cosines,
            shares=why.shares,
            shared_labels=why.shared_labels,
            says=why.says,
            looks=tuple(name for name in why.predicted if name.casefold() in wanted) if by_rule else (),
            other_rank=None if ranked.other_ranks is None else int(ranked.other_ranks[position]),
        )

    def _best_caption(self, item: int, pictures: Ranked) -> int | None:
        """Return the place of the text of a picture that is nearest to the query."""
        first, last = np.searchsorted(pictures.other.owner, (item, item + 1))
        return None if first == last else int(first + pictures.scores["text"].ranking[first:last].argmax())

    def _predicted(self, items: Sequence[int]) -> list[tuple[str, ...]]:
        """The labels that some pictures are predicted to have."""
        embeddings, features = (
            rows[list(items)].float() for rows in (self._gallery.image_embeddings, self._gallery.image_features)
        )
        of_model = self._predictor.of_pictures(embeddings)
        if not self._own.labels:
            return of_model
        likely = self._predictor.probabilities(embeddings, "image")
        own = self._own.predicted(self._own.probabilities(features, likely, "image", ()))
        return [(*names, *more) for names, more in zip(of_model, own, strict=True)]
