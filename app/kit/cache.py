"""A cache in memory that belongs to one object and goes with it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any


class Cache:
    """Values by key, each made once, however many threads ask for it at the same time.

    Args:
        size: How many values are kept, those that were asked for last; None keeps all.
    """

    def __init__(self, size: int | None = None) -> None:
        self._size = size
        self._values: OrderedDict[Hashable, Future[Any]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """Return the value of `key`; the first who asks makes it, whoever asks meanwhile waits for it.

        What `make` raises is raised to all who wait, and is not kept: the next who asks tries again.
        """
        with self._lock:
            value = self._values.get(key)
            is_first = value is None
            if is_first:
                value = self._values[key] = Future()
                while self._size is not None and len(self._values) > self._size:
                    self._values.popitem(last=False)
            else:
                self._values.move_to_end(key)
        if is_first:
            self._make(key, value, make)
        return value.result()

    def _make(self, key: Hashable, value: Future[Any], make: Callable[[], Any]) -> None:
        try:
            value.set_result(make())
        except BaseException as error:  # the waiting threads get it, whatever it is
            with self._lock:
                if self._values.get(key) is value:
                    del self._values[key]
            value.set_exception(error)
