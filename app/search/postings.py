"""Which pictures or texts have which words or names: an inverted index, in columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int32]
AT_ONCE = 65_536  # rows
FEW, SEARCHED = 1024, 16  # so few, or this part of all, are quicker looked for one by one
NONE = np.empty(0, np.int32)


class Postings:
    """The rows that have a token, ascending and each once.

    Args:
        tokens: For each of N rows its tokens.
        form: What of a token is compared; it is asked once for each that differs.

    Attributes:
        rows: For each token, as it is, the rows that have it.
        spellings: For each form the tokens that have it.
    """

    def __init__(self, tokens: Iterable[Sequence[str]], form: Callable[[str], str]) -> None:
        self.rows = _rows(tokens)
        self.spellings: dict[str, list[str]] = {}
        for token in self.rows:
            self.spellings.setdefault(form(token), []).append(token)

    def of(self, form: str) -> Rows:
        """Return the rows that have any token of a form."""
        return union([self.rows[token] for token in self.spellings.get(form, ())])

    def of_all(self, tokens: Sequence[str]) -> Rows:
        """Return the rows that have every one of some tokens, as they are."""
        found = [self.rows.get(token, NONE) for token in tokens]
        rows = min(found, key=len, default=NONE)
        for others in found:
            rows = rows[contains(others, rows)]
        return rows


def union(some: Sequence[Rows]) -> Rows:
    """Return the rows that are in any of some."""
    if len(some) == 1:
        return some[0]
    rows = np.sort(np.concatenate([NONE, *some]), kind="stable")  # which merges what ascends
    return rows[_differ(rows)]


def contains(rows: Rows, others: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Say which of some others are among rows, which ascend."""
    if not len(rows) or not len(others):
        return np.zeros(len(others), np.bool_)
    if len(others) < FEW + len(rows) // SEARCHED:
        others = others.astype(rows.dtype)  # or all rows would become what the others are
        return rows[np.minimum(np.searchsorted(rows, others), len(rows) - 1)] == others
    is_here = np.zeros(1 + max(rows[-1], others.max()), np.bool_)
    is_here[rows] = True
    return is_here[others]


def _differ(values: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Say which of some values differ from the one before."""
    new = np.ones(len(values), np.bool_)
    new[1:] = values[1:] != values[:-1]
    return new


def _rows(tokens: Iterable[Sequence[str]]) -> dict[str, Rows]:
    numbers: dict[str, int] = {}
    ids, rows, first, some = [NONE], [NONE], 0, []

    def take() -> None:
        flat = list(chain.from_iterable(some))
        for token in dict.fromkeys(flat):
            numbers.setdefault(token, len(numbers))
        ids.append(np.fromiter(map(numbers.__getitem__, flat), np.int32, len(flat)))
        rows.append(np.repeat(np.arange(first, first + len(some), dtype=np.int32), list(map(len, some))))

    for row in tokens:
        some.append(row)
        if len(some) == AT_ONCE:
            take()
            first, some = first + len(some), []
    take()
    if not numbers:
        return {}
    found, at = np.concatenate(ids), np.concatenate(rows)
    order = np.argsort(found, kind="stable")
    found, at = found[order], at[order]
    new = _differ(found) | _differ(at)
    found, at = found[new], at[new]
    return dict(zip(numbers, np.split(at, np.searchsorted(found, np.arange(1, len(numbers)))), strict=True))
