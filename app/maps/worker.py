"""Compute layouts by t-SNE and UMAP in another process, so that the page answers others meanwhile.

Notable: UMAP compiles itself for a quarter of a minute and holds Python's lock while it works; in a thread it would
stop the whole page. The process starts with the first layout that is asked for, keeps what it compiled, works at low
priority, one layout after the other, and ends with the program or after ten idle minutes.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

from algcn.kit.errors import InputError

if TYPE_CHECKING:
    from algcn.gallery.projection import Floats, Layout

IDLE_SECONDS = 600
NICENESS = 5


class LayoutWorker:
    """A process that lays points out, one layout after the other.

    Args:
        cache: Where compiled code is kept if the packages' own folder cannot be written to.
    """

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self._lock = threading.Lock()
        self._connection: Connection | None = None

    def start(self, points: Callable[[], Floats], method: str) -> Future[Layout]:
        """Start `algcn.gallery.projection.lay_out`; the future has its layout, or its error.

        Args:
            points: Gives the points, N × d; called in a thread, as a large gallery takes a while to read.
            method: "tsne" or "umap".
        """
        future: Future[Layout] = Future()
        threading.Thread(target=self._run, args=(future, points, method), name="layout", daemon=True).start()
        return future

    def _run(self, future: Future[Layout], points: Callable[[], Floats], method: str) -> None:
        try:
            with self._lock:
                future.set_result(self._lay_out(points(), method))
        except BaseException as error:  # whoever waits gets it, whatever it is
            future.set_exception(error)

    def _lay_out(self, points: Floats, method: str) -> Layout:
        for fresh in (self._connection is None, True):
            if fresh:
                self._connection = _spawn(self._cache)
            try:
                self._connection.send((points, method))
                layout, problem = self._connection.recv()
            except (EOFError, OSError):  # it ended: of idleness, which another start mends, or of this very layout
                self._connection = None
                if fresh:
                    break
                continue
            if problem is not None:
                raise InputError(problem)
            return layout
        raise InputError("The layout could not be computed: its process ended; PCA always works.")


def _spawn(cache: Path) -> Connection:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    context.Process(target=_work, args=(theirs, cache), name="layouts", daemon=True).start()
    theirs.close()
    return ours


def _work(connection: Connection, cache: Path) -> None:
    """Answer each request with a layout, until none comes any more; this is what the process runs."""
    from algcn.gallery.projection import lay_out

    # scikit-learn's threads wait for each other at every one of t-SNE's many steps, for ever on a machine that is busy.
    os.environ["OMP_NUM_THREADS"] = "1"
    with contextlib.suppress(OSError):
        os.nice(NICENESS)
    _keep_compiled_code(cache)
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    with contextlib.suppress(EOFError, OSError, KeyboardInterrupt):
        while connection.poll(IDLE_SECONDS):
            points, method = connection.recv()
            try:
                answer = lay_out(points, method), None
            except Exception as error:
                answer = None, f"The layout could not be computed ({type(error).__name__}: {error}); PCA always works."
            connection.send(answer)


def _end_with_parent() -> None:
    """End this process with the page's, however that ended: a layout of a large gallery takes minutes."""
    multiprocessing.parent_process().join()
    os._exit(0)


def _keep_compiled_code(cache: Path) -> None:
    """Have numba write into the cache folder where it cannot write beside the packages, not into the user's home."""
    from importlib.util import find_spec

    package = find_spec("pynndescent")
    if package is None or package.origin is None or not os.access(Path(package.origin).parent, os.W_OK):
        os.environ.setdefault("NUMBA_CACHE_DIR", str(cache / "numba"))
