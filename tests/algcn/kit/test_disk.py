"""Full disks: told in one sentence, whoever found it out; nothing half written stays."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from disks import SmallDisk, files_no_larger_than

from algcn.kit import disk, files
from algcn.kit.disk import DiskFullError

SIZE = 1 << 20
WRITERS: dict[str, Callable[[Path], None]] = {
    "text": lambda path: files.write_text(path, "a" * SIZE),
    "bytes": lambda path: files.write_bytes(path, bytes(SIZE)),
    "tensors": lambda path: files.save_tensors(path, {"a": torch.zeros(SIZE // 4)}, {"format": "x"}),
    "arrays": lambda path: files.save_tensors(path, {"a": np.zeros(SIZE // 4, np.float32)}),
}


@pytest.fixture(params=WRITERS)
def write(request: pytest.FixtureRequest) -> Callable[[Path], None]:
    return WRITERS[request.param]


def test_a_full_disk_is_named_with_what_is_free_and_what_is_needed(
    write: Callable[[Path], None], small_disk: SmallDisk
) -> None:
    path = small_disk.root / "kept"
    files.write_text(path, "what was there")
    small_disk.fill(leave=8192)
    before = small_disk.files()
    with pytest.raises(DiskFullError) as caught:
        write(path)
    assert str(caught.value) == (
        f"The disk at {small_disk.root} is full (8.2 kB free), so {path}, which takes 1.0 MB, does not fit; "
        "make room on it, or name another place."
    )
    assert small_disk.files() == before
    small_disk.make_room()


def test_a_file_that_is_too_large_is_a_sentence(write: Callable[[Path], None], tmp_path: Path) -> None:
    path = tmp_path / "kept"
    files.write_text(path, "what was there")
    with files_no_larger_than(10_000), pytest.raises(DiskFullError, match=r"takes no file so large \(.* free\), so "):
        write(path)
    assert os.listdir(tmp_path) == ["kept"] and path.read_text(encoding="utf-8") == "what was there"
    write(path)
    assert path.stat().st_size >= SIZE


def test_of_a_folder_the_folder_is_named_and_nothing_of_it_stays(tmp_path: Path) -> None:
    with (
        files_no_larger_than(10_000),
        pytest.raises(DiskFullError, match=rf"so {tmp_path / 'new'} cannot be written; "),
        files.folder_aside(tmp_path / "new") as aside,
    ):
        files.write_text(aside / "small", "fits")
        files.write_bytes(aside / "large", bytes(SIZE))
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, "is full ("),
        (errno.EDQUOT, "Your share of the disk at "),
        (errno.EFBIG, "takes no file so large"),
    ],
)
def test_all_three_ways_to_have_no_room(number: int, said: str, tmp_path: Path) -> None:
    with pytest.raises(DiskFullError) as caught, disk.telling(tmp_path / "out"):
        raise OSError(number, os.strerror(number))
    assert said in str(caught.value) and f"so {tmp_path / 'out'} cannot be written" in str(caught.value)


def test_other_errors_are_left_as_they_are(tmp_path: Path) -> None:
    with pytest.raises(PermissionError), disk.telling(tmp_path):
        raise PermissionError(errno.EACCES, "no")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").touch()
    with pytest.raises(IsADirectoryError):
        files.save_tensors(tmp_path / "folder", {"a": torch.zeros(3)})
    assert os.listdir(tmp_path) == ["folder"]


def test_room_is_asked_for_where_a_disk_says_how_large_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    disk.check_room(tmp_path / "deep" / "file", 1)
    needed = shutil.disk_usage(tmp_path).total + 1
    with pytest.raises(DiskFullError, match=r"free\), so .*file, which takes .*, does not fit; make room on it"):
        disk.check_room(tmp_path / "file", needed)
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(0, 0, 0))
    disk.check_room(tmp_path / "file", needed)


def test_the_room_of_a_memory_map_is_there_before_it_is_written(small_disk: SmallDisk) -> None:
    path = small_disk.root / "map.npy"
    small_disk.fill(leave=SIZE // 2)
    with pytest.raises(DiskFullError, match=r"which takes 1\.0 MB"), files.replacing(path, SIZE) as aside:
        np.lib.format.open_memmap(aside, mode="w+", dtype=np.uint8, shape=(SIZE,))
        disk.reserve(aside, aside.stat().st_size)
    assert small_disk.files() == {}


def test_an_error_of_another_library_is_known_by_its_number() -> None:
    assert disk.is_full(RuntimeError("Data processing error: I/O error: No space left on device (os error 28)"))
    assert not disk.is_full(RuntimeError("Permission denied (os error 13)"))
    assert not disk.is_full(ValueError("28"))
