"""Write files and folders aside and rename them into place: an interrupted write never damages what was there.

A disk that is full is told in a sentence (see `disk`).

And tell whether a file is still the one it was: by its state, which costs nothing, or by its bytes.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from algcn.kit import disk, leftovers

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from algcn.kit.tensor_files import Streamed

CHUNK_BYTES = 1 << 20


@contextlib.contextmanager
def replacing(path: str | Path, needed: int | None = None) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it is renamed to `path`, on an error removed.

    What killed writers of `path` left beside it goes too (see `leftovers`).

    Args:
        path: The file.
        needed: How many bytes it takes, where that is known: it is told if they do not fit.

    Raises:
        DiskFullError: There is no room for it.
    """
    path = Path(path)
    with disk.telling(path, needed), _file_beside(path) as aside:
        yield aside
        umask = os.umask(0)
        os.umask(umask)
        aside.chmod(0o666 & ~umask)
        os.replace(aside, path)


@contextlib.contextmanager
def _file_beside(path: Path) -> Iterator[Path]:
    path.parent.mkdir(parents=True, exist_ok=True)
    leftovers.remove_parts_of(path)
    with leftovers.new_part(path) as aside:
        try:
            yield aside
        finally:
            aside.unlink(missing_ok=True)


@contextlib.contextmanager
def folder_aside(path: str | Path) -> Iterator[Path]:
    """Yield an empty folder beside `path`, to be filled and renamed to `path`; what is not renamed is removed.

    What killed writers of `path` left beside it goes too.

    Raises:
        DiskFullError: There is no room for it.
    """
    path = Path(path)
    with disk.telling(path), _folder_beside(path) as aside:
        yield aside


@contextlib.contextmanager
def _folder_beside(path: Path) -> Iterator[Path]:
    path.parent.mkdir(parents=True, exist_ok=True)
    leftovers.remove_parts_of(path)
    with leftovers.new_part(path, is_folder=True) as aside:
        try:
            umask = os.umask(0)
            os.umask(umask)
            aside.chmod(0o777 & ~umask)
            yield aside
        finally:
            shutil.rmtree(aside, ignore_errors=True)


def write_text(path: str | Path, text: str) -> None:
    """Write `text` to `path` as UTF-8, atomically."""
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: str | Path, content: bytes) -> None:
    """Write `content` to `path`, atomically."""
    with replacing(path, len(content)) as aside:
        aside.write_bytes(content)


def save_tensors(
    path: str | Path,
    tensors: Mapping[str, Tensor | Streamed] | Mapping[str, np.ndarray],
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write tensors, arrays of numpy, or what is `Streamed`, to a safetensors file, atomically.

    The same ones give the same bytes.

    Raises:
        DiskFullError: There is no room for it.
        OSError: It cannot be written for another reason.
    """
    import torch

    from algcn.kit.tensor_files import Streamed, write_tensors

    held = {
        name: values if isinstance(values, Streamed) else torch.as_tensor(values) for name, values in tensors.items()
    }
    with replacing(path, sum(tensor.nbytes for tensor in held.values())) as aside:
        write_tensors(held, aside, metadata)


def file_state(path: str | Path) -> list[int]:
    """Tell one state of a file from another without reading it: size, mtime_ns, ctime_ns and inode.

    Size and mtime alone are not enough: copying tools and archives keep the mtime, and an edited picture may have the
    size it had. On POSIX a file that was renamed over another has another inode, and one that was written in place, or
    whose mtime was set back, has another ctime, which no program can set. On Windows the ctime is the time of creation,
    which a copy to the same name keeps, and the inode the file's number on its volume: there a replaced file has
    another number, and one that was written in place with its size and mtime kept is taken for the same.

    A file that was moved to another volume or unpacked anew counts as changed although its bytes may be the same.

    Raises:
        OSError: There is no such file, or its folder cannot be read.
    """
    state = os.stat(path)
    return [state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino]


def sha256(path: str | Path) -> str:
    """Return the SHA-256 of a file's bytes in hexadecimal."""
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        while chunk := stream.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
