"""Numbers from outside: what counts as one, the bounds, and the sentence."""

from __future__ import annotations

import math

import pytest

from algcn.kit import checks
from algcn.kit.errors import InputError

HUGE = 10**400  # a whole number that no float holds
LARGE = (pytest.param(HUGE, id="huge"), pytest.param(10**5000, id="endless"))  # Python does not even write the second


@pytest.mark.parametrize("value", [True, None, "3", [3], math.nan, math.inf, -math.inf, 2.5, 0, 11, *LARGE])
def test_what_is_no_whole_number_within_the_bounds_is_refused(value: object) -> None:
    with pytest.raises(InputError, match=r"^The limit must be a whole number from 1 to 10, not .{1,40}\.$"):
        checks.whole_number(value, "limit", 1, 10)


@pytest.mark.parametrize("value", [False, None, "0.4", [0.4], math.nan, math.inf, -0.1, 1.1, *LARGE])
def test_what_is_no_number_within_the_bounds_is_refused(value: object) -> None:
    with pytest.raises(InputError, match=r"^The threshold must be a number from 0 to 1, not .{1,40}\.$"):
        checks.number(value, "threshold", 0, 1)


def test_a_long_value_is_cut_with_an_ellipsis_and_none_is_nothing() -> None:
    assert checks.shown("x" * 38) == "'" + "x" * 38 + "'"
    assert checks.shown("x" * 39) == "'" + "x" * 38 + "…"
    assert checks.shown(None) == "nothing"
    kinds = {None: "nothing", True: "true or false", 3: "a number", 0.5: "a number", (): "a list"}
    assert {value: checks.kind(value) for value in kinds} == kinds


def test_numbers_come_back_as_what_was_asked_for() -> None:
    assert checks.whole_number(3.0, "k", 1) == 3 and isinstance(checks.whole_number(3.0, "k", 1), int)
    assert isinstance(checks.number(1, "weight", 0), float)
    assert checks.whole_number(HUGE, "seed", 0) == HUGE
    assert checks.number(0, "weight", 0) == 0


def test_the_bounds_are_said_as_they_are() -> None:
    with pytest.raises(InputError, match=r"whole number of at least 1, not 3\.0\.$"):
        checks.whole_number(3.0, "setting epochs", 1, strict=True)
    with pytest.raises(InputError, match=r"number above 0, not 0\.$"):
        checks.number(0, "rate", 0, above=True)
    with pytest.raises(InputError, match=r"number above 0 and at most 1, not 2\.$"):
        checks.number(2, "rate", 0, 1, above=True)
    with pytest.raises(InputError, match=r"number of at least 0, not nan\.$"):
        checks.number(math.nan, "rate", 0)
    with pytest.raises(InputError):
        checks.number(HUGE, "rate", 0)
