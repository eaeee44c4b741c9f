"""The words that an encoder was taught, so that others can be said to be unknown, and misspelt ones be corrected.

Notable: an encoder gives a vector for any letters, and nothing in the vector says that they were never met. So a list
of words goes with it: `words.txt` in its folder, a word a line, the most often taught first (`algcn.pretrain.words`
makes it). An encoder without a list is asked nothing and says nothing.
"""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path

from algcn.features.emoji import is_symbol
from algcn.kit.errors import InputError

WORDS_FILE = "words.txt"
# Of the words that are offered instead of a misspelt one: those somebody is likely to have meant.
OFTEN = 8_000
SHORTEST, SHORTEST_CLOSE = 3, 5  # letters of a word that is corrected: by one slip, by likeness
LIKENESS = 0.8
_APOSTROPHES = "'’"
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
# They hold a sentence together and say nothing that could be seen, in or out of a list.
FUNCTION_WORDS = frozenset(
    """
    a an the this that these those some any no not and or but of in on at to from by with without for into onto over
    under near next up down out off as is are was were be been being am do does did has have had it its he she they his
    her their my your our i you we them him me us who which what where when while there here than then so very too also
    just only all both each every other another one two three
    """.split()  # noqa: SIM905
)
# What English adds to a word, and what stood there before.
_ENDINGS = (
    ("'s", ""), ("’s", ""), ("ies", "y"), ("ves", "f"), ("es", ""), ("s", ""), ("ied", "y"), ("ed", ""), ("ed", "e"),
    ("ing", ""), ("ing", "e"), ("er", ""), ("er", "e"), ("est", ""), ("est", "e"), ("ly", ""), ("y", ""),
)  # fmt: skip


def words_of(text: str) -> list[str]:
    """Split a text into its words as they are looked up: casefolded letters of any script; digits are none."""
    kept = (
        character if unicodedata.category(character)[0] in "LM" or character in _APOSTROPHES else " "
        for character in unicodedata.normalize("NFC", text).casefold()
    )
    pieces = (piece.strip(_APOSTROPHES) for piece in "".join(kept).split())
    return [piece for piece in pieces if any(character.isalpha() for character in piece)]


class Vocabulary:
    """The words that an encoder was taught.

    Args:
        words: The most often taught first.

    Example:
        >>> vocabulary = Vocabulary(["dog", "beach", "run"])
        >>> vocabulary.unknown("Two dogs running on a playa")
        ['playa']
        >>> vocabulary.correction("beech")
        'beach'
    """

    def __init__(self, words: Sequence[str]) -> None:
        self._places = {word: place for place, word in enumerate(words)}

    @classmethod
    def load(cls, folder: str | Path) -> Vocabulary | None:
        """Read the list of an encoder's folder; None where there is none.

        Raises:
            InputError: The file is no text.
        """
        path = Path(folder) / WORDS_FILE
        if not path.is_file():
            return None
        try:
            return cls(path.read_text(encoding="utf-8").split())
        except (OSError, ValueError) as error:
            raise InputError(f"The list of words {path} cannot be read ({error}); restore or remove it.") from None

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, word: str) -> bool:
        return word in FUNCTION_WORDS or any(base in self._places for base in _bases(word))

    def unknown(self, text: str, but: Iterable[str] = ()) -> list[str]:
        """Name the words of a text that were never taught, and symbols that have no name, as they were written.

        Args:
            text: What was written, emoji spelt out (`emoji.spell_emoji`).
            but: Words that are known for another reason.
        """
        named = {word for phrase in but for word in words_of(phrase)}
        words = [word for word in words_of(text) if word not in named and word not in self]
        return list(dict.fromkeys([*words, *filter(is_symbol, text)]))

    def meant(self, text: str) -> list[str]:
        """Return the words of a text that say something, known or not: all but those that hold a sentence together."""
        return [word for word in words_of(text) if word not in FUNCTION_WORDS]

    def correction(self, word: str, names: Iterable[str] = (), *, often: bool = True) -> str | None:
        """Say which word a misspelt one was probably meant to be: a name's, else one that was often taught.

        Args:
            word: An unknown word.
            names: Words or phrases that are more likely to be meant than others, those of labels for instance.
            often: Whether other words that were often taught can be meant, too.
        """
        if len(word) < SHORTEST or not set(word) <= set(_LETTERS):
            return None
        preferred = list(dict.fromkeys(part for name in names for part in words_of(name) if len(part) >= SHORTEST))
        slips = _slips(word)
        near = [name for name in preferred if name in slips]
        if not near and len(word) >= SHORTEST_CLOSE:
            near = difflib.get_close_matches(word, preferred, n=1, cutoff=LIKENESS)
        if not near and often and len(word) >= SHORTEST_CLOSE:
            taught = (slip for slip in slips if self._places.get(slip, OFTEN) < OFTEN)
            near = sorted(taught, key=self._places.__getitem__)
        return near[0] if near else None


def _bases(word: str) -> list[str]:
    """A word, and those it may be a form of: "running" may be of "runn", "runne" and "run"."""
    found = [word]
    for ending, before in _ENDINGS:
        stem = word.removesuffix(ending)
        if stem != word and len(stem) + len(before) >= SHORTEST:
            found.append(stem + before)
            if not before and stem[-1] == stem[-2]:
                found.append(stem[:-1])
    return found


def _slips(word: str) -> set[str]:
    """All that one slip makes of a word: a letter left out, doubled, wrong, or two of them turned round."""
    parts = [(word[:at], word[at:]) for at in range(len(word) + 1)]
    left_out = {before + after[1:] for before, after in parts if after}
    turned = {before + after[1] + after[0] + after[2:] for before, after in parts if len(after) > 1}
    wrong = {before + letter + after[1:] for before, after in parts if after for letter in _LETTERS}
    more = {before + letter + after for before, after in parts for letter in _LETTERS}
    return (left_out | turned | wrong | more) - {word}
