"""What one visitor asks, in its order: whatever is answered first, the answer to what was asked last is what stays.

Notable: questions of one visitor are answered side by side and none waits for another, so a slow picture holds nobody
up, not even whoever gave it. An answer that comes when something newer was asked is dropped.
"""

from __future__ import annotations

import contextlib
import secrets
import threading
from collections.abc import Iterator
from typing import Any

from algcn.kit.errors import InputError

AT_ONCE = 4  # of one visitor
TOO_MANY = f"{AT_ONCE} of your searches are still under way: wait until one is answered, then search again."


class Outdated(Exception):
    """Something newer was asked before this was answered.

    Attributes:
        failed: Whether the answer would have been the sentence of an error.
    """

    def __init__(self, *, failed: bool = False) -> None:
        super().__init__()
        self.failed = failed


class Turns:
    """The questions of one visitor."""

    def __init__(self) -> None:
        self._name = secrets.token_hex(4)
        self._lock = threading.Lock()
        self._under_way: dict[int, Any] = {}
        self._newest = 0

    @property
    def newest(self) -> int:
        """The number of what was asked last, from 1; 0 before the first."""
        return self._newest

    @property
    def under_way(self) -> Any:
        """The question asked last, while it is not answered; None where there is none."""
        with self._lock:
            return self._under_way.get(self._newest)

    @contextlib.contextmanager
    def take(self, question: Any) -> Iterator[str]:
        """Answer a question within a `with` block.

        Yields:
            "WHOSE.NUMBER", by which a page tells older answers from newer.

        Raises:
            InputError: Too many of this visitor's questions are under way.
            Outdated: Something newer was asked meanwhile; it takes the place of an InputError of the block, too.
        """
        with self._lock:
            if len(self._under_way) >= AT_ONCE:
                raise InputError(TOO_MANY)
            self._newest += 1
            turn = self._newest
            self._under_way[turn] = question
        failed = False
        try:
            yield f"{self._name}.{turn}"
        except InputError:
            failed = True
            if turn == self._newest:
                raise
        finally:
            with self._lock:
                del self._under_way[turn]
        if turn != self._newest:
            raise Outdated(failed=failed)

    def withdraw(self, newest: int | None = None) -> bool:
        """Drop the answers to all that is under way; with `newest`, only while nothing newer than that was asked.

        Returns:
            Whether they were dropped; `newest` counts this as one more.
        """
        with self._lock:
            if newest is not None and newest != self._newest:
                return False
            self._newest += 1
            return True
