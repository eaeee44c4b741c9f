"""Filter pictures by label: those with any, all or none of some labels."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from algcn.kit.errors import InputError
from app.search.postings import Postings, listed

MATCHES = ("any", "all", "none")
MAX_LABELS = 100


class LabelFilter:
    """A filter by the labels of N pictures, without regard to case.

    Args:
        labels: For each picture its labels.
    """

    def __init__(self, labels: Sequence[Sequence[str]]) -> None:
        self._count = len(labels)
        having = Postings(listed(labels), str.casefold)
        self._names = {
            folded: max(names, key=lambda name: len(having.rows[name])) for folded, names in having.spellings.items()
        }
        self._rows = {folded: having.of(folded) for folded in having.spellings}

    @cached_property
    def columns(self) -> dict[str, NDArray[np.int64]]:
        """Every label and the pictures that have it, ascending; the labels by name."""
        return {self._names[folded]: self._rows[folded] for folded in sorted(self._rows)}

    @cached_property
    def counts(self) -> dict[str, int]:
        """Every label and how many pictures have it, by name."""
        return {name: len(rows) for name, rows in self.columns.items()}

    def known(self, labels: Sequence[str]) -> tuple[str, ...]:
        """Return those of `labels` that some picture has."""
        return tuple(label for label in labels if label.casefold() in self._rows)

    def mask(self, labels: Sequence[str], match: str) -> NDArray[np.bool_]:
        """Return which of the N pictures have any, all or none of `labels`; without labels, every one.

        Raises:
            InputError: No picture has a label of this name; the message offers close ones.
        """
        for label in labels:
            if label.casefold() not in self._rows:
                raise InputError(self._unknown(label))
        wanted = [self._rows[folded] for folded in dict.fromkeys(label.casefold() for label in labels)]
        if check_match(match) == "all":
            wanted = [functools.reduce(functools.partial(np.intersect1d, assume_unique=True), wanted)] if wanted else []
        if not wanted:
            return np.ones(self._count, np.bool_)
        found = np.full(self._count, match == "none")
        for rows in wanted:
            found[rows] = match != "none"
        return found

    def _unknown(self, label: str) -> str:
        close = difflib.get_close_matches(label.casefold(), self._rows, n=3)
        hint = f" Did you mean {' or '.join(repr(self._names[name]) for name in close)}?" if close else ""
        return f"No picture here has the label {label!r:.80}.{hint}"


def check_match(match: object) -> str:
    """Check that `match` is one of MATCHES.

    Raises:
        InputError: The value is another.
    """
    if match not in MATCHES:
        raise InputError(f"The match must be one of {', '.join(MATCHES)}, not {match!r:.40}.")
    return match


def check_labels(labels: object) -> tuple[str, ...]:
    """Check that a client sent a list of label names and return it without repeats; None is an empty list.

    Raises:
        InputError: The value is not a list of names.
    """
    listed = labels if labels is not None else ()
    if not isinstance(listed, (list, tuple)) or not all(isinstance(name, str) and name.strip() for name in listed):
        raise InputError('The labels must be a list of label names, ["dog", "beach"] for instance.')
    if len(listed) > MAX_LABELS:
        raise InputError(f"At most {MAX_LABELS} labels can be asked for at once.")
    return tuple(dict.fromkeys(name.strip() for name in listed))
