"""Disks that are full: asked before long work begins, and told in one sentence when writing fails.

Notable: libraries say it each in their own way. Python raises an `OSError` with one of three numbers, safetensors an
error of its own with the number in its text. Whatever is written through `algcn.kit.files` ends in the same sentence,
which names the disk and how much is free on it, once what was half written is gone again.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from algcn.kit.errors import NO_ROOM, InputError

MAKE_ROOM = "make room on it, or name another place"
REASONS = {
    errno.ENOSPC: "The disk at {disk} is full ({free} free)",
    getattr(errno, "EDQUOT", errno.ENOSPC): "Your share of the disk at {disk} is used up ({free} free)",
    errno.EFBIG: "The disk at {disk} or the limit on this program (ulimit -f) takes no file so large ({free} free)",
}
UNITS = ("bytes", "kB", "MB", "GB", "TB")
_NUMBER = re.compile(r"\(os error (\d+)\)")


class DiskFullError(InputError):
    """Something could not be written for want of room; what was there before is whole.

    Args:
        reason: What is wrong with the disk, as the beginning of a sentence.
        consequence: What of what was to be written comes of it.
        remedy: What would work.
    """

    def __init__(self, reason: str, consequence: str, remedy: str = MAKE_ROOM) -> None:
        super().__init__(f"{reason}, so {consequence}; {remedy}.")
        self.reason, self.consequence = reason, consequence

    def advising(self, remedy: str) -> DiskFullError:
        """Return the same error with another end of its sentence, for instance that what was done is kept."""
        return DiskFullError(self.reason, self.consequence, remedy)


def error_number(error: BaseException) -> int | None:
    """Return the system's number for what went wrong, which safetensors and others written in Rust put into words."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    found = _NUMBER.search(str(error))
    return int(found[1]) if found else None


def is_full(error: BaseException) -> bool:
    """Tell whether an error, or what it was raised from, says that there is no room to write."""
    if isinstance(error, DiskFullError) or error_number(error) in NO_ROOM:
        return True
    return error.__cause__ is not None and is_full(error.__cause__)


@contextlib.contextmanager
def telling(path: str | Path, needed: int | None = None) -> Iterator[None]:
    """Say in a sentence where writing `path` within the block fails for want of room.

    Args:
        path: What the user knows of; of blocks within each other the outermost is named.
        needed: How many bytes it takes, where that is known.

    Raises:
        DiskFullError: The block raised an `OSError` that says so, or this error about a part of `path`.
    """
    try:
        yield
    except (OSError, DiskFullError) as error:
        if not is_full(error):
            raise
        number = error_number(error.__cause__ if isinstance(error, DiskFullError) and error.__cause__ else error)
        raise _full(Path(path), number or errno.ENOSPC, needed) from (error.__cause__ or error)


def check_room(path: str | Path, needed: int | None = None) -> None:
    """Refuse what will not fit, before the work for it.

    A disk that does not say how large it is (some that lie on a network) is not asked.

    Args:
        path: What will be written.
        needed: How many bytes at the most lie on the disk at the same time that are not there now; without, any.

    Raises:
        DiskFullError: Fewer are free.
    """
    with contextlib.suppress(OSError):
        usage = shutil.disk_usage(_existing(Path(path)))
        if usage.total and usage.free < (needed or 1):
            raise _full(Path(path), errno.ENOSPC, needed)


def size_of(path: Path) -> int:
    """Return the bytes of a file, or of all files in a folder; 0 where there is none."""
    if not path.is_dir():
        return path.stat().st_size if path.is_file() else 0
    return sum(size_of(entry) for entry in path.iterdir())


def reserve(path: Path, size: int) -> None:
    """Have the disk keep room for a file, so that writing through a memory map, which would end the process, is safe.

    Raises:
        OSError: There is no room.
    """
    if not hasattr(os, "posix_fallocate"):  # macOS and Windows: the map is written as well as it goes
        return
    with path.open("r+b") as stream:
        os.posix_fallocate(stream.fileno(), 0, size)


def shown_size(count: int) -> str:
    """Return a number of bytes for people.

    Example:
        >>> shown_size(999), shown_size(1_234_000)
        ('999 bytes', '1.2 MB')
    """
    size, unit = float(count), 0
    while size >= 999.95 and unit + 1 < len(UNITS):
        size, unit = size / 1000, unit + 1
    return f"{size:.0f} {UNITS[unit]}" if unit == 0 else f"{size:.1f} {UNITS[unit]}"


def _full(path: Path, number: int, needed: int | None) -> DiskFullError:
    there = _existing(path).resolve()
    mount = next(place for place in (there, *there.parents) if os.path.ismount(place))
    reason = REASONS.get(number, REASONS[errno.ENOSPC]).format(
        disk=mount, free=shown_size(shutil.disk_usage(there).free)
    )
    what = f"{path} cannot be written" if needed is None else f"{path}, which takes {shown_size(needed)}, does not fit"
    return DiskFullError(reason, what)


def _existing(path: Path) -> Path:
    return next(place for place in (path.absolute(), *path.absolute().parents) if place.exists())
