"""Which rows have which words: as a loop over all of them would say."""

from __future__ import annotations

import random

import numpy as np
import pytest

from app.search import postings as module
from app.search.postings import Postings, contains, intersection, listed, split, union, words_of


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
    found = Postings(listed(tokens), form)
    assert {one: found.of(one).tolist() for one in found.spellings} == expected
    assert found.of("nothing").tolist() == []


@pytest.mark.parametrize("tokens", [[], [[], []]], ids=["no rows", "no tokens"])
def test_of_nothing_there_is_nothing(tokens: list[list[str]]) -> None:
    found = Postings(listed(tokens), str)
    assert found.rows == {} and found.of("dog").tolist() == []


def test_texts_have_the_words_that_each_is_split_into(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AT_ONCE", 3)
    texts = [
        "A dog.\nA CAT",
        "",
        "\n",
        "dog\r\ndog\u2028İstanbul",
        "Straße, STRASSE",
        "o'clock snow_man 2",
        "\x0b\x1c dog",
    ]
    found, listing = Postings(words_of(texts), str), Postings(listed(map(split, texts)), str)
    assert {one: rows.tolist() for one, rows in found.rows.items()} == {
        one: rows.tolist() for one, rows in listing.rows.items()
    }
    assert found.of("dog").tolist() == [0, 3, 6] and found.of("strasse").tolist() == [4]


def test_rows_are_joined_and_looked_for_as_sets_are() -> None:
    draw = np.random.default_rng(3)
    for _ in range(50):
        some = [np.unique(draw.integers(0, 20, draw.integers(0, 12))).astype(np.int32) for _ in range(3)]
        assert union(some).tolist() == sorted(set().union(*(rows.tolist() for rows in some)))
        assert contains(some[0], some[1]).tolist() == [row in some[0].tolist() for row in some[1].tolist()]
        both = set.intersection(*(set(rows.tolist()) for rows in some))
        assert intersection(some).tolist() == sorted(both)
    assert union([]).tolist() == intersection([]).tolist() == []
