"""Which rows have which words: as a loop over all of them would say."""

from __future__ import annotations

import random

import pytest

from app.search import postings as module
from app.search.postings import postings


@pytest.mark.parametrize("at_once", [1, 7, 1000])
@pytest.mark.parametrize("form", [str, str.casefold, lambda token: token[0]], ids=["itself", "any case", "first"])
def test_they_are_what_a_loop_finds(at_once: int, form, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AT_ONCE", at_once)
    draw = random.Random(3)
    tokens = [draw.choices(("dog", "Dog", "cat", "a", "zoo", "Straße"), k=draw.randrange(5)) for _ in range(60)]
    expected: dict[str, list[int]] = {}
    for row, those in enumerate(tokens):
        for one in dict.fromkeys(map(form, those)):
            expected.setdefault(one, []).append(row)
    assert {one: rows.tolist() for one, rows in postings(tokens, form).items()} == expected


@pytest.mark.parametrize("tokens", [[], [[], []]], ids=["no rows", "no tokens"])
def test_of_nothing_there_is_nothing(tokens: list[list[str]]) -> None:
    assert postings(tokens, str) == {}
