"""Where the page is for whoever asks, so that an answer can name addresses that they can open."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

_ROOT: ContextVar[str] = ContextVar("root", default="")


@contextlib.contextmanager
def asked_at(root: str) -> Iterator[None]:
    """Within a `with` block, and in threads that are given its context, `absolute` begins with `root`."""
    token = _ROOT.set(root.rstrip("/"))
    try:
        yield
    finally:
        _ROOT.reset(token)


def absolute(path: str) -> str:
    """Return the whole address of something of the page; relative to the page where nobody asks through it.

    Example:
        >>> with asked_at("https://here.example/"):
        ...     absolute("picture/gallery/large/3")
        'https://here.example/picture/gallery/large/3'
    """
    root = _ROOT.get()
    return f"{root}/{path}" if root else path
