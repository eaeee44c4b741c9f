"""Folders for visitors' files: with secret names, in a folder that is deleted when the process ends.

Notable: a process holds a lock for as long as it lives. So at a start and every few minutes, what another one left
behind (it was killed, the power failed) can be told from what a process on the same cache folder still needs.
"""

from __future__ import annotations

import atexit
import os
import secrets
import shutil
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import BinaryIO

try:
    import fcntl
except ImportError:  # no such locks on Windows: nothing is known to be stale there
    fcntl = None

from algcn.kit import leftovers

VISITORS, UPLOADS = "visitors", "uploads"
LOCK_SUFFIX = ".lock"


class VisitorFiles:
    """The folders that one process makes for its visitors: CACHE/visitors/PROCESS/VISITOR.

    Args:
        cache: The program's cache folder; what earlier processes left in it is removed.
        name: What the folder in it is called.
    """

    def __init__(self, cache: Path, name: str = VISITORS) -> None:
        self._base = cache / name
        self._root: Path | None = None
        self._lock: BinaryIO | None = None
        self._starting = threading.Lock()
        remove_left(self._base)
        # Now and not with the first folder: only the main thread may say what a signal does.
        atexit.register(self.remove)
        _at_termination(self.remove)

    def new_folder(self) -> Path:
        """Make an empty folder whose name nobody can guess."""
        with self._starting:
            if self._root is None:
                self._start()
        folder = self._root / secrets.token_hex(16)
        folder.mkdir(parents=True)
        return folder

    def free_bytes(self) -> int:
        """How many bytes are free on the disk of the folders."""
        existing = next(path for path in (self._base, *self._base.parents) if path.exists())
        return shutil.disk_usage(existing).free

    def remove(self) -> None:
        """Delete every folder of this process."""
        root, self._root = self._root, None  # no lock is taken: a signal's handler must not wait for anybody
        lock, self._lock = self._lock, None
        if root is not None:
            shutil.rmtree(root, ignore_errors=True)
            lock.close()
            root.with_suffix(LOCK_SUFFIX).unlink(missing_ok=True)

    def _start(self) -> None:
        root = self._base / secrets.token_hex(8)
        self._base.mkdir(parents=True, exist_ok=True)
        # The lock is there before the folder: another process that is just sweeping sees none or a locked one.
        self._lock = _open_locked(root.with_suffix(LOCK_SUFFIX))
        root.mkdir(mode=0o700)
        self._root = root


def remove_left(base: Path) -> None:
    """Delete the folders of processes that are no more from CACHE/visitors or the like."""
    if fcntl is None or not base.is_dir():
        return
    for path in base.iterdir():
        if path.is_dir() and not path.is_symlink():
            lock = _locked(path.with_suffix(LOCK_SUFFIX))
            if lock is not None:
                shutil.rmtree(path, ignore_errors=True)
                lock.close()
                path.with_suffix(LOCK_SUFFIX).unlink(missing_ok=True)
        elif path.suffix != LOCK_SUFFIX or not path.with_suffix("").is_dir():
            leftovers.remove_if_left(path)


def _locked(path: Path) -> BinaryIO | None:
    """Open a file and lock it; None where another process holds it or it cannot be written."""
    try:
        return _open_locked(path)
    except OSError:
        return None


def _open_locked(path: Path) -> BinaryIO:
    stream = path.open("ab")
    if fcntl is not None:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            stream.close()
            raise
    return stream


def _at_termination(clean: Callable[[], None]) -> None:
    """Run `clean` when the process is told to end by SIGTERM, which would otherwise skip every exit handler."""
    before = signal.getsignal(signal.SIGTERM)
    if threading.current_thread() is not threading.main_thread() or before is None:
        return

    def terminate(number: int, frame: FrameType | None) -> None:
        clean()
        signal.signal(number, before)
        if callable(before):
            before(number, frame)
        else:
            os.kill(os.getpid(), number)

    signal.signal(signal.SIGTERM, terminate)
