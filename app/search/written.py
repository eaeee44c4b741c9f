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

import dataclasses
import re
from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.kit.cache import Cache
from app.search.postings import NONE, Postings, Rows, contains, intersection, listed, split, union, words_of
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


@dataclasses.dataclass(frozen=True, eq=False)
class Weights:
    """w of all pictures or texts, kept as the terms that it is the sum of.

    Attributes:
        terms: For each term those of which it is written, and what it counts; less than 0 where it is unwanted.
    """

    terms: Sequence[tuple[Rows, np.float32]]

    def of(self, among: NDArray[np.integer]) -> NDArray[np.float32]:
        """Return w of some pictures or texts."""
        found = np.zeros(len(among), np.float32)
        for rows, weight in self.terms:
            np.add(found, weight, out=found, where=contains(rows, among))
        return found

    def most(self, few: int, mask: NDArray[np.bool_] | None = None) -> Rows:
        """Return those of which most is written, and of the next most, as long as they are few.

        Notable: the terms that count most are looked at first, until those without them cannot be among so few.

        Args:
            few: How many at most.
            mask: Which may be among them; all where it is None.
        """
        wanted = sorted((term for term in self.terms if term[1] > 0), key=lambda term: -term[1])
        rest, pool, best = sum(float(weight) for _, weight in wanted), [], NONE
        for rows, weight in wanted:
            rest -= float(weight)
            rows = rows if mask is None else rows[mask[rows]]
            pool.append((rows, self.of(rows)))
            best = union([some[values > rest + _STEADY] for some, values in pool])
            if len(best) > few:
                break
        values = self.of(best)
        limit = 0.0 if len(best) <= few else np.partition(values, -few - 1)[-few - 1]
        return best[values > limit]


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

    def of(self, term: Term, modality: str) -> Rows:
        """Return the pictures (of which a label, or any of their texts says it) or texts of which a term is written."""
        return self._found.get((term, modality), lambda: self._of(term, modality))

    def weights(self, sought: Sought, modality: str) -> Weights | None:
        """Return w of all pictures or texts; None where nothing that is sought is written of any."""
        wanted = [rows for term in sought.wanted if len(rows := self.of(term, modality))]
        unwanted = [rows for term in sought.unwanted if len(rows := self.of(term, modality))]
        if not wanted and not unwanted:
            return None
        count = len(self._texts) if modality == "text" else len(self._labels)
        rarity = np.log1p([count / len(rows) for rows in wanted])
        counts = [*(sought.share * rarity / rarity.sum()), *(-sought.away / len(unwanted) for _ in unwanted)]
        return Weights([(rows, np.float32(weight)) for rows, weight in zip((*wanted, *unwanted), counts, strict=True)])

    def all_of(self, sought: Sought, modality: str, among: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Say of which of some pictures or texts all that is wanted is written; of none where nothing is wanted."""
        found = np.full(len(among), bool(sought.wanted))
        for term in sought.wanted:
            found &= contains(self.of(term, modality), among)
        return found

    def said(self, sought: Sought, modality: str, positions: NDArray[np.int64]) -> list[tuple[Said, ...]]:
        """Return what is sought and written of each of some pictures or texts, and where."""
        items = self._owner[positions] if modality == "text" else positions
        found = [
            (term.name, contains(self.of(term, modality), positions), contains(self._rows(term)[0], items))
            for term in sought.wanted
        ]
        return [
            tuple(Said(name, "label" if given[number] else "caption") for name, said, given in found if said[number])
            for number in range(len(positions))
        ]

    def _of(self, term: Term, modality: str) -> Rows:
        given, said = self._rows(term)
        if modality == "image":
            return union([given, np.unique(self._owner[said]).astype(np.int32)])
        is_given = np.zeros(len(self._labels), np.bool_)
        is_given[given] = True
        return union([np.flatnonzero(is_given[self._owner]).astype(np.int32), said])

    def _rows(self, term: Term) -> tuple[Rows, Rows]:
        """Of what a term is written: the pictures by given labels, and the texts by their words."""
        return self._found.get(term, lambda: self._label(term.name) if term.is_label else self._word(term.name))

    def _word(self, word: str) -> tuple[Rows, Rows]:
        given = self._names.rows
        return union([given[name] for name in self._label_words.get(word, ())]), self._text_words.of(word)

    def _label(self, name: str) -> tuple[Rows, Rows]:
        label_set = next(labels for labels in self._label_sets if labels.among([name]))
        return self._names.of(name.casefold()), self._naming(label_set, name)

    def _naming(self, label_set: LabelSet, name: str) -> Rows:
        """The texts that name a label (`LabelSet.find`). Only those are read in which a longer phrase may hide it."""
        position = label_set.index(name)
        named, unclear = [], []
        for phrase in (phrase for phrase, labels in label_set.phrases.items() if position in labels):
            if re.fullmatch(r"\w+", phrase):
                rows = self._text_words.rows.get(phrase, NONE)
                longer = [other for other in label_set.phrases if other != phrase and phrase in split(other)]
                hidden = contains(union([self._having(other) for other in longer]), rows)
            else:
                rows = self._having(phrase)
                hidden = np.ones(len(rows), np.bool_)
            named.append(rows[~hidden])
            unclear.append(rows[hidden])
        clear = union(named)
        rest = union(unclear)
        read = [text for text in rest[~contains(clear, rest)].tolist() if name in label_set.find(self._texts[text])]
        return union([clear, np.array(read, np.int32)])

    def _having(self, phrase: str) -> Rows:
        """The texts that have all words of a phrase, which may be joined there by underscores."""
        rows = self._text_words.rows
        return intersection(
            [
                union([rows[token] for token in (word, *self._joined.get(word, ())) if token in rows])
                for word in split(phrase)
            ]
        )

    @cached_property
    def _joined(self) -> dict[str, list[str]]:
        """For each word those of the texts' that join it with others by underscores."""
        found: dict[str, list[str]] = {}
        for token in self._text_words.rows:
            if "_" in token:
                for word in dict.fromkeys(filter(None, token.split("_"))):
                    found.setdefault(word, []).append(token)
        return found

    @cached_property
    def _text_words(self) -> Postings:
        return Postings(words_of(self._texts), _singular)

    @cached_property
    def _names(self) -> Postings:
        return Postings(listed(self._labels), str.casefold)

    @cached_property
    def _label_words(self) -> dict[str, list[str]]:
        """The names of given labels that have a word."""
        found: dict[str, list[str]] = {}
        for name in self._names.rows:
            for word in dict.fromkeys(words(name)):
                found.setdefault(word, []).append(name)
        return found


def unit_of(seen: NDArray[np.float32]) -> float:
    """Return what w = 1 adds to N scores of what is seen: COUNTS · σ."""
    spread = float(seen.std())
    return COUNTS * (spread if spread > _STEADY else 1.0)


def words(text: str) -> list[str]:
    """Split a text into words, each in one form for one thing and several: "Dogs" is "dog"."""
    return [_singular(word) for word in split(text)]


@lru_cache(maxsize=KEPT_WORDS)
def _singular(word: str) -> str:
    if len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    return word[:-2] if word.endswith(("sses", "xes", "ches", "shes")) else word[:-1]
