"""Which pictures or texts have which words or names: an inverted index, in columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int32]
AT_ONCE = 65_536  # rows


def postings(tokens: Iterable[Sequence[str]], form: Callable[[str], str]) -> dict[str, Rows]:
    """Return for each form of a token the rows that have it, ascending, each once.

    Args:
        tokens: For each of N rows its tokens.
        form: What of a token is compared; it is asked once for each that differs.
    """
    numbers: dict[str, int] = {}
    ids, rows, first, some = [np.empty(0, np.int32)], [np.empty(0, np.int32)], 0, []

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
    forms: dict[str, int] = {}
    form_of = np.array([forms.setdefault(form(token), len(forms)) for token in numbers], np.int32)
    if not forms:
        return {}
    found, at = form_of[np.concatenate(ids)], np.concatenate(rows)
    order = np.argsort(found, kind="stable")
    found, at = found[order], at[order]
    new = np.ones(len(at), np.bool_)
    new[1:] = (found[1:] != found[:-1]) | (at[1:] != at[:-1])
    found, at = found[new], at[new]
    return dict(zip(forms, np.split(at, np.searchsorted(found, np.arange(1, len(forms)))), strict=True))
