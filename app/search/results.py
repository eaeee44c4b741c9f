"""The results of a search as plain values."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, NamedTuple

from algcn.bundles.predictor import LabelScore, SharedLabel
from algcn.evaluation.ranking import DIGITS

if TYPE_CHECKING:
    from app.search.query import Query, QueryPoint
    from app.search.written import Said


class Shares(NamedTuple):
    """What the parts of a ranking give of a score: those of the bundle's rule, and what is written of a picture."""

    common: float = 0.0
    labels: float = 0.0
    encoder: float = 0.0
    written: float = 0.0

    def to_json(self) -> dict[str, float]:
        """Return them as the API gives them."""
        return {name: round(value, DIGITS) for name, value in self._asdict().items()}


NOTHING = Shares()


@dataclasses.dataclass(frozen=True)
class Hit:
    """A result: a picture of the gallery, or a text of it together with the picture it belongs to.

    Attributes:
        rank: 1 is the best.
        item: Position of the picture in the gallery.
        file: The picture's file name inside the gallery's folder.
        text: The text found, or the first text of the picture found; "" where it has none.
        captions: Every text of the picture.
        labels: The picture's labels: those of the gallery, or what the model predicts where the gallery says nothing.
        matched_labels: The labels among them that the query has too.
        labels_are_predicted: Whether the labels come from the model.
        score: The number that it is ranked by: the rule's (`algcn.evaluation.ranking`), or the encoder's cosine alone.
        percentile: Share of the gallery's pictures (or texts) that score less, 0 to 100.
        probability: Chance of being what was asked for (`SearchResult.chance`), 0 to 1; None where there is none.
        picture_cosines: The picture's cosines with the query, in the common space and of the encoder.
        caption_cosines: The same two cosines of the text found, or of the picture's best; None without texts.
        shares: What the parts of the ranking give of the score; they sum to it. All 0 where the encoder alone ranks.
        shared_labels: What single labels give of it, the strongest first.
        says: What the words ask for and is written of it, by a given label or a caption; of a text, by its own words.
        looks: The labels of the query that the model sees in the picture.
        other_rank: The result's rank in the other ranking, where both were asked for.
        near_duplicates: The first near-duplicates that are folded behind it.
        folded: How many near-duplicates are folded behind it.
    """

    rank: int
    item: int
    file: str
    text: str
    captions: tuple[str, ...]
    labels: tuple[str, ...]
    matched_labels: tuple[str, ...]
    labels_are_predicted: bool
    score: float
    percentile: float
    probability: float | None = None
    picture_cosines: tuple[float, float] = (0.0, 0.0)
    caption_cosines: tuple[float, float] | None = None
    shares: Shares = NOTHING
    shared_labels: tuple[SharedLabel, ...] = ()
    says: tuple[Said, ...] = ()
    looks: tuple[str, ...] = ()
    other_rank: int | None = None
    near_duplicates: tuple[Hit, ...] = ()
    folded: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return the result as the API gives it."""
        return {
            "rank": self.rank,
            "file": self.file,
            "text": self.text,
            "labels": list(self.labels),
            "matched_labels": list(self.matched_labels),
            "score": round(self.score, 6),
            "shares": self.shares.to_json() if any(self.shares) else None,
            "says": [{"term": said.name, "by": said.by} for said in self.says],
            "looks": list(self.looks),
            "percentile": round(self.percentile, 4),
            "probability": None if self.probability is None else round(self.probability, 4),
        }


@dataclasses.dataclass(frozen=True)
class Found:
    """The results of one kind in one ranking, cut to the limit.

    Attributes:
        hits: The best, in order.
        total: How many pass the label filter and the cut-off, near-duplicates included.
        at_least: Whether more may, as a large gallery is not ranked to its end.
        allowed: How many pass the label filter alone.
        cutoff_by: The value that the cut-off compares: "probability" or "percentile".
        cutoff: The cut-off, in percent.
        best: The best such value, in percent, before anything is cut; None where nothing is allowed.
        more: Whether a larger limit would show more.
        left_out: How many were left out since they show what the query is steered away from.
        in_part: Whether a large gallery was ranked in part: then `left_out` is of that part.
    """

    hits: list[Hit]
    total: int
    allowed: int
    cutoff_by: str
    best: float | None
    more: bool
    cutoff: float = 0.0
    left_out: int = 0
    at_least: bool = False
    in_part: bool = False


@dataclasses.dataclass(frozen=True)
class SearchResult:
    """Everything that a query found.

    Attributes:
        query: The query.
        point: The point that the query became.
        pictures: The pictures found.
        captions: The texts found.
        beside: Pictures and texts in the encoder's own ranking, where that was asked for.
        query_labels: The labels that words name or the model predicts.
        notice: Sentences for the reader, or None.
        remark: How far the chances can be trusted for this query, where that is worth a word.
        seconds: The seconds that the answer took.
        chance: What the results' probabilities are of, to stand behind "chance"; None where there are none.
        suggestion: What the words were perhaps meant to be, or None.
    """

    query: Query
    point: QueryPoint
    pictures: Found
    captions: Found
    beside: tuple[Found, Found] | None
    query_labels: list[LabelScore]
    notice: str | None
    remark: str | None
    seconds: float
    chance: str | None = None
    suggestion: str | None = None

    @property
    def images(self) -> list[Hit]:
        """The pictures found."""
        return self.pictures.hits

    @property
    def texts(self) -> list[Hit]:
        """The texts found."""
        return self.captions.hits

    def to_dict(self) -> dict[str, Any]:
        """Return the answer as the API gives it, ready for JSON."""
        return {
            "query_labels": [{"label": label.name, "score": round(label.score, 6)} for label in self.query_labels],
            "images": [hit.to_dict() for hit in self.images],
            "texts": [hit.to_dict() for hit in self.texts],
            "probability_of": self.chance,
            "did_you_mean": self.suggestion,
            "notice": self.notice,
        }
