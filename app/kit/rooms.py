"""Room for so many at once: a few work, some wait for a while, and whoever finds it full is told so at once.

Notable: this bounds what leaves the page's queue, which has bounds of its own.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from algcn.kit.errors import InputError


class Room:
    """Places for work of one kind.

    Args:
        places: How many work at once.
        waiting: How many more wait for a place.
        seconds: How long one waits at most.
        full: The sentence for whoever finds no place.
    """

    def __init__(self, places: int, waiting: int, seconds: float, full: str) -> None:
        self._places = threading.Semaphore(places)
        self._most, self._seconds, self._full = places + waiting, seconds, full
        self._inside = 0
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def place(self) -> Iterator[None]:
        """Have a place within a `with` block; a thread that has one must not ask for another.

        Raises:
            InputError: The room is full, or was for too long.
        """
        with self._lock:
            if self._inside >= self._most:
                raise InputError(self._full)
            self._inside += 1
        try:
            if not self._places.acquire(timeout=self._seconds):
                raise InputError(self._full)
            try:
                yield
            finally:
                self._places.release()
        finally:
            with self._lock:
                self._inside -= 1


def answer_room() -> Room:
    """For answers of milliseconds: more at once would only wait for the same cores."""
    return Room(4, 28, 10.0, "Too many people are searching at the moment: try again in a few seconds.")


def picture_room() -> Room:
    """For reading the pictures that people search with: a large one takes seconds."""
    return Room(2, 10, 60.0, "Too many pictures are being read at the moment: try again in a minute.")
