"""A query: what a visitor asks for, and the point of the common space that it becomes."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from algcn.kit import checks
from algcn.kit.errors import InputError
from app.kit.limits import DEFAULT_LIMIT, check_flag, check_limit
from app.search.filters import check_labels, check_match

if TYPE_CHECKING:
    from PIL import Image
    from torch import Tensor

SPACES = ("ranking", "encoder")
MAX_LABELS_WEIGHT = 4.0
MAX_PICTURES_ASKED = 50  # of the gallery, in one query: their names have room in an address
DEFAULT_AWAY = 0.5


@dataclasses.dataclass(frozen=True, eq=False)
class QueryPoint:
    """The point that a visitor's last query became.

    Attributes:
        words: The query in words for the visitor: their text, or "your picture". Not markup.
        modality: "image" or "text": which of the two projections made the embedding; of a mixture, the weightier one.
        embedding: 1 × d in the common space, L2-normalised (zero if ALGCN sees nothing in it).
        features: 1 × e of the encoder, L2-normalised.
    """

    words: str
    modality: str
    embedding: Tensor
    features: Tensor


@dataclasses.dataclass(frozen=True)
class Query:
    """A query: words, a picture, or both, and what narrows the answer.

    Attributes:
        text: Words; blank for none.
        picture: A picture from outside, decoded, as a path, or as the bytes of a file.
        item: A picture of the gallery instead; it is left out of the answer.
        also: Further pictures of the gallery: with `item`, their mean is asked.
        unlike: Pictures of the gallery to steer away from; none of those named here is in the answer.
        weight: The picture's share where both words and a picture are given, 0 to 1.
        without: Words to steer away from; commas separate terms.
        away: How strongly, 0 to 1 (`app.search.steering`): 0 not at all; from a half on, pictures that probably show a
            label named there are left out, at 1 those that do so more likely than not.
        labels: Only pictures with these labels, and captions of such pictures.
        match: Which of the labels they must have: "any", "all" or "none".
        space: "ranking": by the bundle's rule (`algcn.evaluation.ranking`); "encoder": by the encoder alone.
        labels_weight: How much shared labels count in that rule; the bundle's own weight by default. 0 finds the very
            picture, 4 the same subjects.
        written: Whether what is written of a picture, given labels and captions, counts beside what is seen
            (`app.search.written`).
        beside: Whether the other ranking is wanted too, for comparison.
        cutoff: 0 to 100. Only results with at least this chance, in percent, of being what was asked for; where the
            bundle has no calibration, only results that beat at least this share of the gallery. None is the bundle's
            own: below it, nothing matches.
        fold: Whether near-duplicates of a picture are put behind the best of them.
        limit: How many pictures and how many captions, 1 to 500.

    Raises:
        InputError: A value is not of its kind; whether items and labels exist is known to a service.
    """

    text: str = ""
    picture: Image.Image | Path | str | bytes | None = None
    item: int | None = None
    also: tuple[int, ...] = ()
    unlike: tuple[int, ...] = ()
    weight: float = 0.5
    without: str = ""
    away: float = DEFAULT_AWAY
    labels: tuple[str, ...] = ()
    match: str = "any"
    space: str = "ranking"
    labels_weight: float | None = None
    written: bool = True
    beside: bool = False
    cutoff: float | None = 0.0
    fold: bool = False
    limit: int = DEFAULT_LIMIT

    def __post_init__(self) -> None:
        _check_text("text", self.text)
        _check_text("without", self.without)
        checks.number(self.weight, "weight", 0, 1)
        check_flag(self.written, "written")
        checks.number(self.away, "away", 0, 1)
        if self.cutoff is not None:
            checks.number(self.cutoff, "cutoff", 0, 100)
        if self.labels_weight is not None:
            checks.number(self.labels_weight, "labels_weight", 0, MAX_LABELS_WEIGHT)
        object.__setattr__(self, "labels", check_labels(self.labels))
        check_match(self.match)
        if self.space not in SPACES:
            raise InputError(f"The space must be one of {', '.join(SPACES)}, not {self.space!r:.40}.")
        object.__setattr__(self, "limit", check_limit(self.limit))
        if len(self.also) + len(self.unlike) >= MAX_PICTURES_ASKED:
            raise InputError(f"A search takes at most {MAX_PICTURES_ASKED} pictures of the gallery: select fewer.")

    @property
    def has_picture(self) -> bool:
        """Whether a picture is part of the query, uploaded or of the gallery."""
        return self.picture is not None or self.item is not None

    @property
    def liked(self) -> tuple[int, ...]:
        """The pictures of the gallery that are asked with."""
        return () if self.item is None else (self.item, *self.also)

    @property
    def is_mixed(self) -> bool:
        """Whether the query mixes words and a picture."""
        return self.has_picture and bool(self.text.strip())


def _check_text(name: str, value: object) -> None:
    if not isinstance(value, str):
        raise InputError(f"The {name} must be a text, not {checks.kind(value)}.")
