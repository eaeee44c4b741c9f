"""A cache makes each value once, also for many threads at once, and forgets what failed and what is oldest."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from algcn.kit.errors import InputError
from app.kit.cache import Cache


def test_a_value_is_made_once_for_all_who_ask_at_once() -> None:
    cache, made, together = Cache(), [], threading.Barrier(8)

    def make() -> object:
        made.append(1)
        threading.Event().wait(0.05)
        return object()

    def ask(_: int) -> object:
        together.wait()
        return cache.get("key", make)

    with ThreadPoolExecutor(8) as threads:
        values = list(threads.map(ask, range(8)))
    assert made == [1]
    assert len({id(value) for value in values}) == 1


def test_one_value_may_be_made_of_another() -> None:
    cache = Cache()
    assert cache.get("outer", lambda: cache.get("inner", lambda: 2) + 1) == 3


def test_an_error_is_raised_and_tried_again() -> None:
    cache = Cache()

    def fail() -> None:
        raise InputError("No picture can be read.")

    with pytest.raises(InputError, match="No picture"):
        cache.get("key", fail)
    assert cache.get("key", lambda: 1) == 1


def test_none_is_a_value_too() -> None:
    cache = Cache()
    assert cache.get("key", lambda: None) is None
    assert cache.get("key", lambda: 1) is None


def test_of_a_sized_cache_the_values_used_last_stay() -> None:
    cache, made = Cache(2), []

    def make(value: int) -> int:
        made.append(value)
        return value

    for key in (1, 2, 1, 3, 1, 2):
        assert cache.get(key, lambda key=key: make(key)) == key
    assert made == [1, 2, 3, 2], "1 was used again before 3 came, so 2 had to go"
