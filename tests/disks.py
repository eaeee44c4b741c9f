"""Disks that really are full: a small one of memory, where mounting is allowed, and a limit on files, everywhere."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

try:
    import resource
except ImportError:  # Windows has no such limits
    resource = None


@dataclasses.dataclass(frozen=True)
class SmallDisk:
    """A mounted disk of a megabyte."""

    root: Path

    @property
    def free(self) -> int:
        return shutil.disk_usage(self.root).free

    def fill(self, leave: int = 0) -> None:
        """Leave so many bytes."""
        filler = self.root / "filler"
        filler.unlink(missing_ok=True)
        with filler.open("wb", buffering=0) as stream:
            try:
                while (more := self.free - leave) > 0:
                    stream.write(bytes(min(more, 1 << 16)))
            except OSError as error:
                assert error.errno == errno.ENOSPC

    def make_room(self) -> None:
        """Take the filling away."""
        (self.root / "filler").unlink()

    def files(self) -> dict[str, bytes]:
        """What is on it besides the filling."""
        found = {path.relative_to(self.root).as_posix(): path for path in self.root.rglob("*") if path.is_file()}
        return {name: path.read_bytes() for name, path in found.items() if name != "filler"}


@contextlib.contextmanager
def small_disk(root: Path, size: str = "1m") -> Iterator[SmallDisk]:
    """Mount a disk of memory; the test is skipped where that is not allowed."""
    root.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(root)]
    try:
        done = subprocess.run(mounting, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("there is no mount here, so no disk that is really full")
    if done.returncode:
        pytest.skip(f"no disk can be mounted here, so none is really full: {done.stderr.strip()}")
    try:
        yield SmallDisk(root)
    finally:
        subprocess.run(["umount", "-l", str(root)], check=True)


@contextlib.contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    """Have the system refuse to write files larger than so many bytes (Python ignores the signal that goes with it)."""
    if resource is None:
        pytest.skip("this system has no limit on the size of files")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
