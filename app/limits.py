"""How many results an answer has."""

from __future__ import annotations

from algcn.errors import InputError

DEFAULT_LIMIT = 24
MAX_LIMIT = 500


def check_limit(limit: object) -> int:
    """How many results of each kind are wanted, whatever a client sent.

    Raises:
        InputError: It is not a whole number from 1 to 500.
    """
    whole = isinstance(limit, (int, float)) and not isinstance(limit, bool) and limit == limit // 1
    if not whole or not 1 <= limit <= MAX_LIMIT:
        raise InputError(f"limit must be a whole number from 1 to {MAX_LIMIT}, not {limit!r:.40}.")
    return int(limit)
