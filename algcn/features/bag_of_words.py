"""Bags of words, the text features of the paper: which words of a vocabulary a text holds.

Tags are words with spaces between; the words of a sentence lose their punctuation. A column is 1 where the word occurs,
however often, as in the benchmarks' own matrices.
"""

from __future__ import annotations

import hashlib
import json
import string
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from algcn.kit.errors import InputError

MIN_TEXTS = 20
MAX_WORDS = 10_000
PUNCTUATION = string.punctuation + "“”‘’…«»–—"


def words(text: str) -> list[str]:
    """Split a text into its words: lower case, without punctuation at their ends."""
    return [word for token in text.lower().split() if (word := token.strip(PUNCTUATION))]


def count_vocabulary(texts: Iterable[str], min_texts: int = MIN_TEXTS, max_words: int = MAX_WORDS) -> list[str]:
    """Count the words that occur in at least `min_texts` of the texts, the most frequent first, at most `max_words`.

    Raises:
        InputError: There is no such word.
    """
    counts = Counter(word for text in texts for word in dict.fromkeys(words(text)))
    frequent = sorted((-count, word) for word, count in counts.items() if count >= min_texts)
    if not frequent:
        raise InputError(
            f"No word occurs in {min_texts} of the texts (the most frequent one in {max(counts.values(), default=0)}); "
            "use a smaller --min-texts."
        )
    return [word for _, word in frequent[:max_words]]


def read_vocabulary(path: str | Path) -> list[str]:
    """Read a vocabulary with one word a line, in the order of the columns.

    Raises:
        InputError: The file cannot be read, is empty, or names a word twice.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"The vocabulary {str(path)!r} cannot be read as UTF-8 text ({error}); give one word a line."
        ) from error
    found = [line.strip() for line in lines if line.strip()]
    twice = [word for word, count in Counter(word.lower() for word in found).items() if count > 1]
    if twice or not found:
        reason = f"names {twice[0]!r} twice" if twice else "is empty"
        raise InputError(f"The vocabulary {str(path)!r} {reason}; give one word a line, each once.")
    return found


class BagOfWords:
    """A source of text features that turns texts into N × |vocabulary| of 0 and 1.

    Args:
        vocabulary: The word of each column.

    Attributes:
        name: The name of the features.
        width: The number of columns.
        fingerprint: Names the function computed.
    """

    name = "bag of words"

    def __init__(self, vocabulary: Sequence[str]) -> None:
        self.vocabulary = list(vocabulary)
        self.width = len(self.vocabulary)
        self.columns = {word.lower(): column for column, word in enumerate(self.vocabulary)}
        self.fingerprint = hashlib.sha256(json.dumps(["bag of words", self.vocabulary]).encode()).hexdigest()[:16]

    def columns_of(self, text: str) -> set[int]:
        """Return the columns of a text's words; a word of the vocabulary is found with its punctuation too ("c++")."""
        found = (self.columns.get(token, self.columns.get(token.strip(PUNCTUATION))) for token in text.lower().split())
        return {column for column in found if column is not None}

    def takes(self, text: str) -> bool:
        """Tell whether the text has a word of the vocabulary; without one its features would be all zero."""
        return bool(self.columns_of(text))

    def encode(self, texts: Sequence[str]) -> Tensor:
        """Encode N texts as N × width, float32."""
        features = torch.zeros(len(texts), self.width)
        for row, text in enumerate(texts):
            features[row, list(self.columns_of(text))] = 1
        return features

    def on(self, device: str) -> BagOfWords:
        """Return itself: words are looked up, not computed."""
        return self
