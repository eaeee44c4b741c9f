"""Numbers that a user, a config or a browser hands in, checked once and with one sentence.

`True` is no number here, although Python counts it as 1; nor are NaN, an infinity, or a whole number that no float can
hold.
"""

from __future__ import annotations

import math

from algcn.kit.errors import InputError

SHOWN = 40  # characters of a wrong value that an error repeats


def is_whole(value: object) -> bool:
    """Tell whether a value is an `int` and no `bool`."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: object) -> bool:
    """Tell whether a value is a finite `int` or `float` and no `bool`."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond the largest float
        return False


def shown(value: object) -> str:
    """Return a value as an error repeats it: its start, with … where it is cut."""
    if value is None:
        return "nothing"
    try:
        text = repr(value)
    except ValueError:  # Python writes no whole number of more than some thousand digits
        return "a number of thousands of digits"
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"


def kind(value: object) -> str:
    """Say what a value is where a text was meant, in words for those who do not write Python.

    Example:
        >>> kind({"a": 1}), kind(None)
        ('an object', 'nothing')
    """
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, (int, float)):
        return "a number"
    return "a list" if isinstance(value, (list, tuple)) else "an object"


def whole_number(value: object, name: str, low: int, high: int | None = None, *, strict: bool = False) -> int:
    """Check that a value is a whole number within bounds, and return it as an `int`.

    Args:
        value: Whatever came; 3.0 counts as 3, since JSON knows only one kind of number.
        name: What the value is called in the error.
        low: The smallest number that is allowed.
        high: The largest one; no upper bound by default.
        strict: Refuse 3.0.

    Raises:
        InputError: The value is no whole number within the bounds.

    Example:
        >>> whole_number(3.0, "limit", 1, 500)
        3
        >>> whole_number(0, "limit", 1, 500)
        Traceback (most recent call last):
        algcn.kit.errors.InputError: The limit must be a whole number from 1 to 500, not 0.
    """
    whole = is_whole(value) or (not strict and is_number(value) and value == int(value))
    if not whole or value < low or (high is not None and value > high):
        bounds = f"of at least {low}" if high is None else f"from {low} to {high}"
        raise InputError(f"The {name} must be a whole number {bounds}, not {shown(value)}.")
    return int(value)


def number(value: object, name: str, low: float, high: float | None = None, *, above: bool = False) -> float:
    """Check that a value is a finite number within bounds, and return it as a `float`.

    Args:
        value: Whatever came.
        name: What the value is called in the error.
        low: The smallest number that is allowed.
        high: The largest one; no upper bound by default.
        above: Refuse `low` itself.

    Raises:
        InputError: The value is no number within the bounds.

    Example:
        >>> number(0.4, "threshold", 0, 1)
        0.4
        >>> number(float("nan"), "threshold", 0, 1)
        Traceback (most recent call last):
        algcn.kit.errors.InputError: The threshold must be a number from 0 to 1, not nan.
    """
    if not is_number(value) or value < low or (above and value == low) or (high is not None and value > high):
        if above:
            bounds = f"above {low:g}" if high is None else f"above {low:g} and at most {high:g}"
        else:
            bounds = f"of at least {low:g}" if high is None else f"from {low:g} to {high:g}"
        raise InputError(f"The {name} must be a number {bounds}, not {shown(value)}.")
    return float(value)
