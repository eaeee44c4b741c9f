"""Parts of writers that were killed go, those of living ones and files of the user stay."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from algcn.kit import leftovers
from algcn.kit.files import folder_aside, replacing, write_text

PROJECT = Path(__file__).resolve().parents[3]
# Writes half a file and half a folder, says so, and waits to be ended.
WRITER = """
import sys, time
from algcn.kit.files import folder_aside, replacing
with replacing(sys.argv[1] + "/numbers.json") as file, folder_aside(sys.argv[1] + "/prepared") as folder:
    file.write_text("half")
    (folder / "images").mkdir()
    (folder / "images" / "a.png").write_bytes(b"half")
    print("written", flush=True)
    time.sleep(600)
"""
LONG_AGO = (1_000_000_000, 1_000_000_000)


@pytest.fixture(autouse=True)
def _looked_at_anew() -> None:
    """Each test is as a process of its own: no folder has been gone through."""
    leftovers._parts_in.cache_clear()


@pytest.fixture
def writer(tmp_path: Path) -> subprocess.Popen:
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)], cwd=PROJECT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "written\n"
    for part in parts(tmp_path):
        os.utime(part, LONG_AGO)
    yield process
    process.kill()
    process.wait()


def parts(folder: Path) -> list[Path]:
    return sorted(folder.glob(".*.part"))


def write_again(folder: Path) -> None:
    write_text(folder / "numbers.json", "whole")
    with folder_aside(folder / "prepared") as aside:
        aside.rename(folder / "prepared")


def test_what_a_killed_writer_left_goes_when_the_same_is_written_again(
    tmp_path: Path, writer: subprocess.Popen
) -> None:
    writer.kill()
    writer.wait()
    write_text(tmp_path / "other.json", "whole")
    assert len(parts(tmp_path)) == 2, "another file's writer has no business with them"
    write_again(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["numbers.json", "other.json", "prepared"]


def test_what_a_living_writer_holds_stays_however_old(tmp_path: Path, writer: subprocess.Popen) -> None:
    assert not any([leftovers.remove_if_left(part, age=0) for part in parts(tmp_path)])
    write_again(tmp_path)
    assert len(parts(tmp_path)) == 2
    assert writer.poll() is None


def test_what_this_machine_left_goes_at_once(tmp_path: Path, writer: subprocess.Popen) -> None:
    writer.kill()
    writer.wait()
    for part in parts(tmp_path):
        os.utime(part)
    write_again(tmp_path)
    assert parts(tmp_path) == []


@pytest.mark.parametrize("name", [".numbers.json.otheabcdefgh.part", ".numbers.json.abcdefgh.part"])
def test_what_another_machine_left_goes_after_an_hour(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("half")
    for minutes, stays in ((50, True), (70, False)):
        os.utime(tmp_path / name, (time.time() - 60 * minutes,) * 2)
        leftovers._parts_in.cache_clear()
        write_again(tmp_path)
        assert (tmp_path / name).exists() == stays


@pytest.mark.parametrize("is_folder", [False, True], ids=["file", "folder"])
@pytest.mark.parametrize("is_locked", [False, True], ids=["before the lock", "with the lock"])
def test_a_part_that_is_swept_before_it_is_locked_is_made_again(
    is_folder: bool, is_locked: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, swept = leftovers._lock, []

    def interrupted(path: Path) -> int:
        descriptor = lock(path)
        if swept:
            return descriptor
        swept.append(path)
        path.rmdir() if is_folder else path.unlink()
        if is_locked:
            return descriptor
        os.close(descriptor)
        return lock(path)

    monkeypatch.setattr(leftovers, "_lock", interrupted)
    with leftovers.new_part(tmp_path / "x", is_folder=is_folder) as part:
        assert part.exists() and part not in swept
        assert not leftovers.remove_if_left(part)
    assert leftovers.remove_if_left(part)


@pytest.mark.parametrize("name", ["numbers.json.part", ".numbers.json.part", ".numbers.json.abc.part", "film.mkv.part"])
def test_parts_of_other_programs_stay(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    os.utime(tmp_path / name, LONG_AGO)
    write_again(tmp_path)
    assert (tmp_path / name).read_text() == "mine"


def test_a_link_that_is_called_like_a_part_is_no_part(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a.txt").write_text("mine")
    (tmp_path / ".numbers.json.12345678.part").symlink_to(tmp_path / "mine")
    assert not leftovers.remove_if_left(tmp_path / ".numbers.json.12345678.part", age=0)
    write_again(tmp_path)
    assert (tmp_path / "mine" / "a.txt").is_file()


def test_links_in_a_folder_that_goes_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_bytes(b"mine")
    aside = tmp_path / ".prepared.12345678.part"
    aside.mkdir()
    (aside / "photo.png").symlink_to(tmp_path / "photo.png")
    os.utime(aside, LONG_AGO)
    write_again(tmp_path)
    assert not aside.exists() and (tmp_path / "photo.png").is_file()


def test_an_error_leaves_neither_a_part_nor_a_lock(tmp_path: Path) -> None:
    for aside in (replacing, folder_aside):
        with pytest.raises(RuntimeError), aside(tmp_path / "x"):
            raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_gone_through_once_however_many_files_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = []
    scandir = os.scandir
    monkeypatch.setattr(leftovers.os, "scandir", lambda folder: looked.append(folder) or scandir(folder))
    for number in range(100):
        write_text(tmp_path / f"{number}.txt", "whole")
    assert looked == [tmp_path]
