"""How far the answer is that is being worked on, told to whoever asked for it and wants to know."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar

Tell = Callable[[float, float, str], None]
_TELL: ContextVar[Tell | None] = ContextVar("tell_progress", default=None)


@contextlib.contextmanager
def told_to(tell: Tell) -> Iterator[None]:
    """Within a `with` block, and in threads that are given its context, `tell_progress` calls `tell`."""
    token = _TELL.set(tell)
    try:
        yield
    finally:
        _TELL.reset(token)


def tell_progress(done: float, total: float, words: str) -> None:
    """Say how much of how much is done, where somebody wants to know; `words` says the same as a sentence."""
    tell = _TELL.get()
    if tell is not None:
        tell(done, total, words)
