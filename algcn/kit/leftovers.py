"""What writers leave behind when they are killed: `.NAME.XXXXXXXXXXXX.part`, a file or folder beside what it becomes.

Notable: a writer holds a lock on its part for as long as it lives. So what nobody has locked is left over and may go;
where there are no locks, nothing is. Locks do not reach over every network disk, so the name of a part says in its
first four letters which machine made it: those of others go only when nobody has touched them for an hour.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import hashlib
import os
import re
import shutil
import socket
import stat
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # no such locks on Windows: nothing is known to be left over there
    fcntl = None

STALE_SECONDS = 3600.0
_PART = re.compile(r"\.(?P<name>.+)\.(?P<machine>\w{4})?\w{8}\.part", re.DOTALL)


def locked(path: Path) -> int | None:
    """Open a file or a folder and lock it; None where another holds it, or there are no locks.

    The lock ends when the descriptor is closed, and with the process.
    """
    if fcntl is None:
        return None
    try:
        return _lock(path)
    except OSError:
        return None


def _lock(path: Path) -> int:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


@contextlib.contextmanager
def new_part(path: Path, *, is_folder: bool = False) -> Iterator[Path]:
    """Make an empty part of `path` and hold its lock within a `with` block, so that nobody takes it for left over."""
    part, descriptor = _make_and_lock(path, is_folder)
    try:
        yield part
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _make_and_lock(path: Path, is_folder: bool) -> tuple[Path, int | None]:
    """Make a part and lock it; where another process swept it away between the two, once more."""
    names = {"dir": path.parent, "prefix": f".{path.name}.{this_machine()}", "suffix": ".part"}
    while True:
        if is_folder:
            part = Path(tempfile.mkdtemp(**names))
        else:
            handle, name = tempfile.mkstemp(**names)
            os.close(handle)
            part = Path(name)
        if fcntl is None:
            return part, None
        try:
            descriptor = _lock(part)
        except (BlockingIOError, FileNotFoundError):
            continue
        except OSError:  # there are no locks on this disk, and so nobody sweeps it
            return part, None
        if part.exists():
            return part, descriptor
        os.close(descriptor)


@functools.cache
def this_machine() -> str:
    """Four letters for this machine, until it is started again: all its processes see each other's locks."""
    try:
        name = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")
    except OSError:
        name = socket.gethostname()
    return base64.b32encode(hashlib.sha256(name.encode()).digest())[:4].decode().lower()


def is_part(name: str) -> bool:
    """Tell whether a file or a folder is called as parts are."""
    return _PART.fullmatch(name) is not None


def remove_if_left(path: Path, age: float | None = None) -> bool:
    """Delete a file or a folder that no living writer holds and that was not touched for `age` seconds.

    By default that is an hour, but no time at all for a part that this machine made. Returns whether it was deleted.
    What belongs to another user of the machine stays.
    """
    if age is None:
        match = _PART.fullmatch(path.name)
        age = 0.0 if match is not None and match["machine"] == this_machine() else STALE_SECONDS
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
