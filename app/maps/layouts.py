"""Layouts of a map: read from a file, computed by the worker, kept in memory and in the cache folder."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING

from algcn.gallery.layout import cached_layout, read_layout, write_layout
from algcn.gallery.projection import Floats, Layout
from algcn.kit.disk import DiskFullError
from algcn.kit.errors import InputError

if TYPE_CHECKING:
    from app.maps.worker import LayoutWorker


class Layouts:
    """Layouts by t-SNE and UMAP, each under its key.

    Args:
        cache: The cache folder.
        worker: Computes them.
        keep: Whether they are kept there; those of a visitor's own pictures or model are not.
        shipped: A further file that may hold one of them.
    """

    def __init__(self, cache: Path, worker: LayoutWorker, *, keep: bool = True, shipped: Path | None = None) -> None:
        self._cache, self._worker, self._keep, self._shipped = cache, worker, keep, shipped
        self._lock = threading.Lock()
        self._ready: dict[str, Layout] = {}
        self._missing: set[str] = set()
        self._running: dict[str, tuple[Future[Layout], float]] = {}

    def find(self, key: str, count: int) -> Layout | None:
        """Find the layout of `count` points under a key; None where it has to be computed."""
        with self._lock:
            if key not in self._ready and key not in self._missing:
                self._read(key, count)
            self._collect(key)
            return self._ready.get(key)

    def start(self, key: str, points: Callable[[], Floats], method: str) -> None:
        """Start computing a layout, unless it is there or under way."""
        with self._lock:
            if key not in self._ready and key not in self._running:
                future = self._worker.start(points, method)
                self._running[key] = future, time.monotonic()

    def waiting(self, key: str, patience: float = 0.0) -> float | None:
        """Return for how many seconds a layout has been under way, after up to `patience` more; None if it is not.

        Raises:
            InputError: The layout could not be computed; the next call tries again.
        """
        with self._lock:
            running = self._running.get(key)
        if running is None:
            return None
        future, since = running
        try:
            future.exception(patience)
        except TimeoutError:
            return time.monotonic() - since
        error = future.exception()
        with self._lock:
            self._collect(key)
            if error is not None:
                self._running.pop(key, None)
        if isinstance(error, InputError):
            raise error
        if error is not None:
            raise InputError("The layout could not be computed; PCA always works.") from error
        return None

    def _read(self, key: str, count: int) -> None:
        places = [self._shipped] if self._shipped is not None else []
        places += [cached_layout(self._cache, key)] if self._keep else []
        for place in places:
            layout = read_layout(place, key, count)
            if layout is not None:
                self._ready[key] = layout
                return
        self._missing.add(key)

    def _collect(self, key: str) -> None:
        """Keep what has been computed; `waiting` tells what failed."""
        future, _ = self._running.get(key, (None, 0.0))
        if future is None or not future.done() or future.exception() is not None:
            return
        del self._running[key]
        self._ready[key] = future.result()
        if self._keep:
            try:
                write_layout(cached_layout(self._cache, key), key, future.result())
            except (OSError, DiskFullError):
                return  # computed again after the next start
