"""Delete what nobody needs any more from the folders that belong to the program: at its start and every few minutes.

Uploads go within an hour, whole or broken off; so do parts of killed writers in the cache folder, and what processes
that are no more left for their visitors. A process deletes uploads in its own folder only.

Memory is swept too. What trainings and visitors have freed, the C library keeps for the next ones, between what is
still used: after a crowd that was most of what the program had (tests/benchmarks/load.py). Large buffers that come and
go with every query are taken anew after that, once.
"""

from __future__ import annotations

import contextlib
import os
import stat
import threading
import time
from collections.abc import Callable
from pathlib import Path

from algcn.kit import leftovers
from algcn.kit.memory import release_free_memory
from app.visitors.files import UPLOADS, VISITORS, remove_left

SWEEP_SECONDS = 600.0
UPLOAD_SECONDS = 3600.0 - SWEEP_SECONDS  # found within the hour, though it is looked every ten minutes only


class Sweeper:
    """Sweeps in a thread of its own until it is stopped.

    Args:
        cache: The cache folder.
        uploads: The folder of this process's uploads.
        swept: Called after each time, to have lists of files follow.
        every: Seconds from one time to the next.
        age: Seconds after which an upload goes.
    """

    def __init__(
        self,
        cache: Path,
        uploads: Path,
        swept: Callable[[], None] = lambda: None,
        *,
        every: float = SWEEP_SECONDS,
        age: float = UPLOAD_SECONDS,
    ) -> None:
        self._cache, self._uploads = cache, uploads
        self._swept, self._every, self._age = swept, every, age
        self._stop = threading.Event()

    def start(self) -> None:
        """Sweep now and from now on."""
        threading.Thread(target=self._run, name="sweeping", daemon=True).start()

    def stop(self) -> None:
        """Sweep no more."""
        self._stop.set()

    def sweep(self) -> None:
        """Sweep once, and give memory that nobody uses back to the system."""
        remove_old_files(self._uploads, self._age)
        for name in (UPLOADS, VISITORS):
            if self._cache / name != self._uploads:
                remove_left(self._cache / name)
        remove_left_parts(self._cache)
        self._swept()
        release_free_memory()

    def _run(self) -> None:
        self.sweep()
        while not self._stop.wait(self._every):
            self.sweep()


def remove_old_files(folder: Path, age: float) -> None:
    """Delete the files in a folder that were not touched for `age` seconds, and folders that are empty for as long."""
    oldest = time.time() - age
    for place, folders, names in os.walk(folder, topdown=False):
        for name in (*names, *folders):
            path = os.path.join(place, name)
            with contextlib.suppress(OSError):  # another was quicker, or the folder is not empty
                state = os.lstat(path)
                if state.st_mtime > oldest:
                    continue
                if stat.S_ISDIR(state.st_mode):
                    os.rmdir(path)
                else:
                    os.unlink(path)


def remove_left_parts(cache: Path) -> None:
    """Delete the parts of killed writers everywhere in the cache folder but in visitors' folders."""
    for place, folders, names in os.walk(cache):
        if Path(place) == cache:
            folders[:] = [name for name in folders if name not in (UPLOADS, VISITORS)]
        parts = [name for name in (*folders, *names) if leftovers.is_part(name)]
        for name in parts:
            leftovers.remove_if_left(Path(place, name))
        folders[:] = [name for name in folders if name not in parts]
