"""What writers leave behind when they are killed: `.NAME.XXXXXXXX.part`, a file or a folder beside the one it becomes.

Notable: a writer holds a lock on its part for as long as it lives. So what nobody has locked, and nobody has touched
for an hour (locks do not reach over every network disk), is left over and may go; where there are no locks, nothing is.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import shutil
import stat
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # no such locks on Windows: nothing is known to be left over there
    fcntl = None

STALE_SECONDS = 3600.0
_PART = re.compile(r"\.(?P<name>.+)\.\w{8}\.part", re.DOTALL)


def locked(path: Path) -> int | None:
    """Open a file or a folder and lock it; None where another holds it, or there are no locks.

    The lock ends when the descriptor is closed, and with the process.
    """
    if fcntl is None:
        return None
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


@contextlib.contextmanager
def held(part: Path) -> Iterator[None]:
    """Hold the lock of a part within a `with` block, so that nobody takes it for left over."""
    descriptor = locked(part)
    try:
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


def is_part(name: str) -> bool:
    """Tell whether a file or a folder is called as parts are."""
    return _PART.fullmatch(name) is not None


def remove_if_left(path: Path, age: float = STALE_SECONDS) -> bool:
    """Delete a file or a folder that no living writer holds and that was not touched for `age` seconds.

    Returns whether it was deleted. What belongs to another user of the machine stays.
    """
    try:
        state = path.lstat()
    except OSError:
        return False
    is_own = not hasattr(os, "geteuid") or state.st_uid == os.geteuid()
    is_folder = stat.S_ISDIR(state.st_mode)
    if not is_own or not (is_folder or stat.S_ISREG(state.st_mode)) or time.time() - state.st_mtime < age:
        return False
    descriptor = locked(path)
    if descriptor is None:
        return False
    try:
        if is_folder:
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    except OSError:  # a disk that can only be read
        return False
    finally:
        os.close(descriptor)
    return not path.exists()


def remove_parts_of(path: Path) -> None:
    """Delete what killed writers of this very file or folder left beside it."""
    for name in _parts_in(path.parent).pop(path.name, ()):
        remove_if_left(path.parent / name)


@functools.lru_cache(maxsize=256)
def _parts_in(folder: Path) -> dict[str, list[str]]:
    """The parts in a folder by what they would have become.

    A folder is gone through once in a process and not for each of its files: it may hold a hundred thousand.
    """
    found = defaultdict(list)
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if match := _PART.fullmatch(entry.name):
                found[match["name"]].append(entry.name)
    return dict(found)
