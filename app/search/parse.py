"""Read a query: its parts become vectors, and together they make one point."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from algcn.bundles.predictor import LabelScore
from algcn.evaluation.ranking import Parts, Ranking, label_vectors
from algcn.kit.errors import InputError
from app.search.own_labels import OwnLabels
from app.search.query import Query, QueryPoint
from app.search.reading import Part, Reader, terms
from app.search.several import PICTURES_AWAY, mean_part, nearest, set_apart
from app.search.steering import AWAY, LABELS_AWAY, names_labels, of_labels, of_parts, without_unwanted

if TYPE_CHECKING:
    from algcn.bundles.predictor import LabelPredictor
    from algcn.gallery.store import Gallery


@dataclasses.dataclass(frozen=True, eq=False)
class ParsedQuery:
    """A query that was read.

    Attributes:
        query: The query as it was asked.
        parts: Words, a picture, or both.
        shares: How much each part counts; the shares sum to 1.
        unwanted: The parts that it is steered away from.
        point: The point that all parts make together.
        seen: The same as the ranking sees it.
        label_scores: L cosines of the point with the classifiers.
        query_labels: The labels that the words name or the model predicts.
    """

    query: Query
    parts: list[Part]
    shares: list[float]
    unwanted: list[Part]
    point: QueryPoint
    seen: Parts
    label_scores: Tensor
    query_labels: list[LabelScore]

    @property
    def is_steered(self) -> bool:
        """Whether the point differs from that of a single part."""
        return len(self.parts) > 1 or bool(self.unwanted) or bool(self.query.unlike)


def parse_query(
    query: Query, reader: Reader, gallery: Gallery, predictor: LabelPredictor, ranking: Ranking, own: OwnLabels
) -> ParsedQuery:
    """Read a query; whether its item exists has been checked.

    Raises:
        InputError: Nothing is asked for, or a picture cannot be read.
    """
    parts, words = [], []
    if query.text.strip() or not query.has_picture:
        if (query.without.strip() or query.unlike) and not query.text.strip():
            raise InputError("Say what to look for, too: what to steer away from is not enough.")
        parts.append(reader.text(query.text))
        words.append(query.text.strip())
    if query.item is not None:
        parts.append(_of_gallery(query.liked, reader, gallery, predictor, written=query.written))
        words.append("pictures of the gallery" if query.also else "a picture of the gallery")
    elif query.picture is not None:
        parts.append(reader.picture(query.picture))
        words.append("your picture")
    shares = [1 - query.weight, query.weight] if len(parts) == 2 else [1.0]
    unwanted = [reader.text(term) for term in terms(query.without)] if query.away else []
    away = of_parts(unwanted, query.away)
    point = QueryPoint(
        words=" and ".join(words),
        modality=parts[shares.index(max(shares))].modality,
        embedding=_combine("embedding", parts, shares, unwanted, away, gallery.typical_embeddings),
        features=_combine("features", parts, shares, unwanted, away, gallery.typical_features),
    )
    labelled = [part for part in unwanted if names_labels(part)]
    mixed = _mixed_labels(parts, shares, labelled, of_labels(query.away), own.extended(ranking))
    if query.unlike:
        near = nearest(point.embedding, gallery.image_embeddings, (*query.liked, *query.unlike))
        unlike = _of_gallery(query.unlike, reader, gallery, predictor, written=query.written)
        if near:
            unlike = set_apart(unlike, _of_gallery(near, reader, gallery, predictor, written=query.written))
        point, mixed = _steered(point, mixed, unlike, gallery, own.extended(ranking))
    seen = Parts(point.embedding, mixed, functional.normalize(point.features, dim=1))
    scores = predictor.scores(point.embedding)[0]
    mentioned = [name for part in parts for name in part.mentioned]
    labels = predictor.of_query(scores, point.modality, mentioned)
    if not point.features.any():  # labels alone: whatever else is near their classifiers, they are what is asked for
        labels = [label for label in labels if label.mentioned]
    of_own = list(dict.fromkeys(name for part in parts for name in part.own))
    if of_own:
        cosines = (own.vectors(of_own) @ point.embedding[0]).tolist()
        labels = [LabelScore(name, cosine, True) for name, cosine in zip(of_own, cosines, strict=True)] + labels
    labels = without_unwanted(labels, unwanted, predictor)
    return ParsedQuery(query, parts, shares, unwanted, point, seen, scores, labels)


def _of_gallery(
    items: Sequence[int], reader: Reader, gallery: Gallery, predictor: LabelPredictor, *, written: bool
) -> Part:
    """Make one part of pictures of the gallery: of several, their mean; with `written` their given labels count."""
    features, embeddings, parts = gallery.image_features, gallery.image_embeddings, []
    for item in items:
        chosen = slice(item, item + 1)
        known = predictor.known(gallery.items[chosen]) * written
        labels = (gallery.items[item].labels or ()) if written else ()
        parts.append(reader.item(features[chosen].float(), embeddings[chosen].float(), known, labels))
    return mean_part(parts)


def _steered(
    point: QueryPoint, mixed: Tensor, unlike: Part, gallery: Gallery, ranking: Ranking
) -> tuple[QueryPoint, Tensor]:
    """Steer a query away from what sets pictures apart."""

    def away(name: str, pictures: Tensor) -> Tensor:
        wanted, unwanted = getattr(point, name), getattr(unlike, name)
        moved = wanted / _spread(wanted, pictures) - PICTURES_AWAY * unwanted / _spread(unwanted, pictures)
        return functional.normalize(moved, dim=1)

    steered = dataclasses.replace(
        point,
        embedding=away("embedding", gallery.typical_embeddings),
        features=away("features", gallery.typical_features),
    )
    return steered, mixed - LABELS_AWAY * label_vectors(unlike.probabilities, ranking.rarity)


def _mixed_labels(
    parts: Sequence[Part], shares: Sequence[float], unwanted: Sequence[Part], away: float, ranking: Ranking
) -> Tensor:
    """Mix what the parts probably show, as the ranking has it, 1 × 3L; what is unwanted counts against it."""
    mixed = sum(
        share * label_vectors(part.probabilities, ranking.rarity) for part, share in zip(parts, shares, strict=True)
    )
    for part in unwanted:
        mixed = mixed - away * LABELS_AWAY / len(unwanted) * label_vectors(part.probabilities, ranking.rarity)
    return mixed


def _combine(
    vector: str,
    parts: Sequence[Part],
    shares: Sequence[float],
    unwanted: Sequence[Part],
    away: Sequence[float],
    gallery: Tensor,
) -> Tensor:
    wanted, others = ([getattr(part, vector) for part in those] for those in (parts, unwanted))
    with torch.no_grad():
        return combine(wanted, shares, others, gallery, away)


_STEADY = 1e-6


def combine(
    parts: Sequence[Tensor],
    weights: Sequence[float],
    unwanted: Sequence[Tensor],
    gallery: Tensor,
    away: Sequence[float] | None = None,
) -> Tensor:
    """Combine the vectors of a query's parts into one, 1 × d, L2-normalised; a single part stays as it is.

    Args:
        parts: Each 1 × d and L2-normalised, or zero where nothing is known.
        weights: A share for each part, at least 0.
        unwanted: 1 × d each.
        gallery: N × d, the pictures among which the query is to find some.
        away: How much each of the unwanted counts; by default together AWAY.
    """
    if len(parts) == 1 and not unwanted:
        return functional.normalize(parts[0], dim=1)
    aways = [AWAY / max(1, len(unwanted))] * len(unwanted) if away is None else away
    mixed = torch.zeros_like(parts[0])
    for part, weight in zip(parts, weights, strict=True):
        mixed += weight * part / _spread(part, gallery)
    for part, weight in zip(unwanted, aways, strict=True):
        mixed -= weight * part / _spread(part, gallery)
    return functional.normalize(mixed, dim=1)


def _spread(part: Tensor, gallery: Tensor) -> float:
    """Measure how much the cosines with the gallery's pictures vary; 1 where they do not at all."""
    spread = (gallery @ part[0]).std(correction=0).item() if len(gallery) else 0.0
    return spread if spread > _STEADY else 1.0
