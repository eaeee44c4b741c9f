"""What is written of a gallery's pictures, held against the words of a query: labels that are given, and captions.

    score(x) = seen(x) + COUNTS · σ · w(x),   w(x) = Σ_t r_t [t is written of x] / Σ_t r_t

- seen is what the bundle's rule makes of x (`algcn.evaluation.ranking`), σ its standard deviation over the gallery.
- The terms t are the labels that the words name, and their other words but those of grammar. A label is written of
  what is given it, or has a caption that names it; a word, of what has it in a caption or in a given label.
- r_t = log(1 + N / n_t): the fewer of the N pictures or texts a term is written of, the more it says. What is written
  of nothing is no term, so of a gallery without labels and captions the score is what is seen, to the last bit.

Beside a picture, words count by their share of the query. Labels that it is steered away from are subtracted, together
as much as the steering counts (`app.search.steering`). The score as it is without any of this is a switch away.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property, lru_cache, reduce
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.kit.cache import Cache
from app.search.postings import Rows, postings
from app.search.reading import named_and_rest

if TYPE_CHECKING:
    from algcn.gallery.store import Gallery
    from algcn.method.labels import LabelSet

# On Postcards, over its 67 label names, the first ten are right in .963 by what is seen alone; with captions at weights
# of 0.25, 0.5, 1 and 2 in .966, .970, .973 and .984, and the first is right in all from 1 on.
COUNTS = 1.0
KEPT_TERMS = 256
KEPT_WORDS = 65_536
_STEADY = 1e-6
_NONE = np.empty(0, np.int32)
# Words that say nothing of what is on a picture, the last ones of somebody who asks for one.
GRAMMAR = frozenset(
    re.findall(
        r"\w+",
        """
        a an the some and or of in on at by to with from for as into onto is are was be been being this that these those
        it its he she they his her their there which who while has have s t
        photo photograph picture image show showing
        """,
    )
)


class Term(NamedTuple):
    """A term of a query: a label that its words name, or another word."""

    name: str
    is_label: bool


class Sought(NamedTuple):
    """What of a query may be written of a picture.

    Attributes:
        wanted: What its words ask for.
        unwanted: The labels that it is steered away from.
        share: How much of the query the words are, 0 to 1.
        away: How much all that is unwanted counts, beside 1 for all that is wanted.
    """

    wanted: Sequence[Term] = ()
    unwanted: Sequence[Term] = ()
    share: float = 1.0
    away: float = 0.0


class Said(NamedTuple):
    """A term that is written of a result, and where: in a "label" or in a "caption"."""

    name: str
    by: str


class Written:
    """What is written of N pictures and M texts; what is worked out for a term is remembered.

    Args:
        gallery: The pictures and texts.
        label_sets: Labels that words can name: the model's and the visitor's own.
    """

    def __init__(self, gallery: Gallery, label_sets: Sequence[LabelSet]) -> None:
        self._texts, self._owner, self._label_sets = gallery.texts, gallery.text_owner.numpy(), label_sets
        self._labels = [item.labels or () for item in gallery.items]
        self._found = Cache(KEPT_TERMS)

    @property
    def is_there(self) -> bool:
        """Whether anything is written of any picture."""
        return bool(self._texts) or any(self._labels)

    def terms(self, text: str) -> list[Term]:
        """Split words into labels and other words, those of grammar left out."""
        named, rest = named_and_rest(text, *self._label_sets)
        others = [word for word in words(rest) if word not in GRAMMAR]
        return list(dict.fromkeys([*(Term(name, True) for name in named), *(Term(word, False) for word in others)]))

    def of(self, term: Term, modality: str) -> NDArray[np.bool_]:
        """Say of which pictures (of which a label, or any of their texts says it) or texts a term is written."""
        return self._found.get((term, modality), lambda: self._of(term, modality))

    def shares(self, sought: Sought, modality: str) -> NDArray[np.float32] | None:
        """Return w of all pictures or texts; None where nothing that is sought is written of any."""
        wanted = [rows for term in sought.wanted if (rows := self.of(term, modality)).any()]
        unwanted = [rows for term in sought.unwanted if (rows := self.of(term, modality)).any()]
        if not wanted and not unwanted:
            return None
        found = np.zeros(len(self._texts) if modality == "text" else len(self._labels), np.float32)
        rarity = np.log1p([len(rows) / np.count_nonzero(rows) for rows in wanted])
        for rows, weight in zip(wanted, sought.share * rarity / rarity.sum(), strict=True):
            found += np.float32(weight) * rows
        for rows in unwanted:
            found -= np.float32(sought.away / len(unwanted)) * rows
        return found

    def all_of(self, sought: Sought, modality: str, among: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Say of which of some pictures or texts all that is wanted is written; of none where nothing is wanted."""
        found = np.full(len(among), bool(sought.wanted))
        for term in sought.wanted:
            found &= self.of(term, modality)[among]
        return found

    def said(self, sought: Sought, modality: str, position: int) -> tuple[Said, ...]:
        """Return what is sought and written of a picture or a text, and where."""
        item = self._owner[position] if modality == "text" else position
        return tuple(
            Said(term.name, "label" if self._rows(term)[0][item] else "caption")
            for term in sought.wanted
            if self.of(term, modality)[position]
        )

    def _of(self, term: Term, modality: str) -> NDArray[np.bool_]:
        given, said = self._rows(term)
        if modality == "text":
            return given[self._owner] | said
        found = given.copy()
        found[self._owner[said]] = True
        return found

    def _rows(self, term: Term) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Of what a term is written: by given labels, N, and by the words of texts, M."""
        return self._found.get(term, lambda: self._label(term.name) if term.is_label else self._word(term.name))

    def _word(self, word: str) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        return (
            _mask(len(self._labels), self._label_words.get(word, _NONE)),
            _mask(len(self._texts), self._text_words.get(word, _NONE)),
        )

    def _label(self, name: str) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        label_set = next(labels for labels in self._label_sets if labels.among([name]))
        label = label_set[label_set.index(name)]
        given = self._names.get(name.casefold(), _NONE)
        phrases = [found for phrase in (label.name, *label.synonyms) if (found := words(phrase))]
        having = [[self._text_words.get(word, _NONE) for word in phrase] for phrase in phrases]
        candidates = set().union(*(reduce(np.intersect1d, rows).tolist() for rows in having))
        naming = [text for text in candidates if name in label_set.find(self._texts[text])]
        return _mask(len(self._labels), given), _mask(len(self._texts), naming)

    @cached_property
    def _text_words(self) -> dict[str, Rows]:
        return postings(map(_tokens, self._texts), _singular)

    @cached_property
    def _label_words(self) -> dict[str, Rows]:
        return postings((_tokens(" ".join(labels)) for labels in self._labels), _singular)

    @cached_property
    def _names(self) -> dict[str, Rows]:
        return postings(self._labels, str.casefold)


def unit_of(seen: NDArray[np.float32]) -> float:
    """Return what w = 1 adds to N scores of what is seen: COUNTS · σ."""
    spread = float(seen.std())
    return COUNTS * (spread if spread > _STEADY else 1.0)


def words(text: str) -> list[str]:
    """Split a text into words, each in one form for one thing and several: "Dogs" is "dog"."""
    return [_singular(word) for word in _tokens(text)]


def _tokens(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


@lru_cache(maxsize=KEPT_WORDS)
def _singular(word: str) -> str:
    if len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    return word[:-2] if word.endswith(("sses", "xes", "ches", "shes")) else word[:-1]


def _mask(count: int, rows: Sequence[int] | Rows) -> NDArray[np.bool_]:
    mask = np.zeros(count, np.bool_)
    mask[np.asarray(rows, np.int64)] = True
    return mask
