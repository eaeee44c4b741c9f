"""Whether somebody still listens for the answer that is being worked on."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar

_LISTENS: ContextVar[Callable[[], bool] | None] = ContextVar("listens", default=None)


@contextlib.contextmanager
def listened_to(listens: Callable[[], bool]) -> Iterator[None]:
    """Within a `with` block, and in threads that are given its context, `is_heard` asks `listens`."""
    token = _LISTENS.set(listens)
    try:
        yield
    finally:
        _LISTENS.reset(token)


def is_heard() -> bool:
    """Whether somebody listens, as far as is known."""
    listens = _LISTENS.get()
    return listens is None or listens()
