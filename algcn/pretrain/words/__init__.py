"""The words that an encoder was taught, counted in its training texts and written beside it.

Notable: a word is kept if enough texts have it. Which number is enough was measured on the pocket encoder, by how often
a noun finds its own gloss of WordNet among the first ten of 1,000: .24 of those that no text has, .24 of one text, .32
of two, .41 of three, .35 to .44 of more. Two letters are taken for a word only if they are met often: most such words
are of other languages.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from algcn.features.vocabulary import WORDS_FILE, words_of
from algcn.kit.errors import InputError
from algcn.kit.files import write_text

ENOUGH = 2  # texts
SHORT, ENOUGH_OF_SHORT = 2, 30


def taught_words(texts: Iterable[str]) -> list[str]:
    """Return the words that enough of some texts have, those of most texts first."""
    counts = Counter(word for text in dict.fromkeys(texts) for word in set(words_of(text)))
    kept = {
        word: count
        for word, count in counts.items()
        if len(word) >= SHORT and count >= (ENOUGH_OF_SHORT if len(word) == SHORT else ENOUGH)
    }
    return sorted(kept, key=lambda word: (-kept[word], word))


def write_words(folder: Path, texts: Iterable[str]) -> int:
    """Write the list beside an encoder; returns how many words it has."""
    words = taught_words(texts)
    write_text(folder / WORDS_FILE, "\n".join(words) + "\n")
    return len(words)


def captions_of(path: Path) -> Iterator[str]:
    """Read the captions of a table with a column `text`, or of a file with one in a line.

    Raises:
        InputError: The file is no text, or the table has no such column.
    """
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            if path.suffix != ".csv":
                yield from (line.strip() for line in lines if line.strip())
                return
            table = csv.DictReader(lines)
            if "text" not in (table.fieldnames or ()):
                raise InputError(f"The table {path} has no column called text; name one of captions.")
            yield from (row["text"] for row in table if row["text"])
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"The captions in {path} cannot be read ({error}); give a text file or a CSV.") from None
