"""The order of one visitor's questions: the newest answer stays, and nobody has too many under way."""

from __future__ import annotations

import contextlib

import pytest

from algcn.kit.errors import InputError
from app.kit.turns import AT_ONCE, Outdated, Turns


def test_an_older_answer_is_dropped_and_the_newest_stays() -> None:
    turns = Turns()
    with pytest.raises(Outdated) as older, turns.take("slow picture"):
        assert turns.under_way == "slow picture"
        with turns.take("words"):
            assert turns.under_way == "words"
        assert turns.under_way is None, "the newest is answered"
    assert not older.value.failed
    with turns.take("words again"):
        pass
    assert turns.newest == 3


def test_the_sentence_of_an_older_error_is_dropped_too() -> None:
    turns = Turns()
    with pytest.raises(InputError, match="no picture"), turns.take("broken"):
        raise InputError("This is no picture.")
    with pytest.raises(Outdated) as older, turns.take("broken"):
        with turns.take("words"):
            pass
        raise InputError("This is no picture.")
    assert older.value.failed
    assert turns.under_way is None


def test_what_is_withdrawn_is_not_answered() -> None:
    turns = Turns()
    with pytest.raises(Outdated), turns.take("picture"):
        assert turns.withdraw(turns.newest)
        assert not turns.withdraw(turns.newest - 1), "something newer was asked"
        assert turns.under_way is None


def test_a_visitor_has_only_so_many_under_way() -> None:
    turns = Turns()
    with contextlib.suppress(Outdated), contextlib.ExitStack() as stack:
        for number in range(AT_ONCE - 1):
            stack.enter_context(contextlib.suppress(Outdated))
            stack.enter_context(turns.take(number))
        with turns.take("last"):
            with pytest.raises(InputError, match="still under way"), turns.take("one too many"):
                pass
            assert turns.under_way == "last"
    with turns.take("later"):
        pass
