"""The server's disk, to a visitor: a sentence where it is full, which names no folder of the server."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from algcn.kit.disk import is_full
from algcn.kit.errors import InputError
from app.kit.limits import DISK_FULL, MIN_FREE_BYTES


@contextlib.contextmanager
def telling_visitors() -> Iterator[None]:
    """Tell a visitor of a full disk.

    Raises:
        InputError: The block raised an error that says so.
    """
    try:
        yield
    except Exception as error:  # each library has its own
        if not is_full(error):
            raise
        raise InputError(DISK_FULL) from error


def check_free(free: int) -> None:
    """Refuse to begin what will be written, where so many bytes are free.

    Raises:
        InputError: They are fewer than what must stay free.
    """
    if free < MIN_FREE_BYTES:
        raise InputError(DISK_FULL)
