"""Visitors' folders: secret, and gone with the process, however it ended."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app.visitors.files import VisitorFiles

PROJECT = Path(__file__).resolve().parents[3]
# Makes a folder with a picture, says where, and waits to be ended.
SCRIPT = """
import sys, time
from pathlib import Path
from app.visitors.files import VisitorFiles
folder = VisitorFiles(Path(sys.argv[1])).new_folder()
(folder / "picture.png").write_bytes(b"mine")
print(folder, flush=True)
if sys.argv[2] == "wait":
    time.sleep(600)
"""


def start(cache: Path, how: str) -> tuple[subprocess.Popen, Path]:
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(cache), how], cwd=PROJECT, stdout=subprocess.PIPE, text=True
    )
    return process, Path(process.stdout.readline().strip())


@pytest.fixture
def files(tmp_path: Path) -> VisitorFiles:
    files = VisitorFiles(tmp_path)
    yield files
    files.remove()


def test_folders_are_secret_and_nothing_is_written_before_the_first(tmp_path: Path, files: VisitorFiles) -> None:
    assert list(tmp_path.iterdir()) == []
    assert files.free_bytes() > 0
    one, other = files.new_folder(), files.new_folder()
    assert one != other
    assert re.fullmatch("[0-9a-f]{32}", one.name)
    assert one.is_relative_to(tmp_path)
    assert one.parent.stat().st_mode & 0o077 == 0  # other users of the machine have no business there


def test_all_is_gone_when_it_is_removed_and_a_later_visitor_starts_anew(tmp_path: Path, files: VisitorFiles) -> None:
    (files.new_folder() / "picture.png").write_bytes(b"mine")
    files.remove()
    assert list((tmp_path / "visitors").iterdir()) == []
    assert files.new_folder().is_dir()


def test_two_of_a_folder_in_a_process_leave_each_other_alone(files: VisitorFiles, tmp_path: Path) -> None:
    one = files.new_folder()
    second = VisitorFiles(tmp_path)
    other = second.new_folder()
    assert one.is_dir()
    second.remove()
    assert one.is_dir()
    assert not other.exists()


def test_what_a_running_process_needs_stays(tmp_path: Path) -> None:
    process, folder = start(tmp_path, "wait")
    try:
        VisitorFiles(tmp_path)
        assert (folder / "picture.png").is_file()
    finally:
        process.kill()
        process.wait()


def test_what_a_killed_process_left_is_removed_at_the_next_start(tmp_path: Path) -> None:
    process, folder = start(tmp_path, "wait")
    process.kill()
    process.wait()
    assert folder.is_dir()
    VisitorFiles(tmp_path)
    assert list((tmp_path / "visitors").iterdir()) == []


@pytest.mark.parametrize("how", ["end", "wait"])
def test_a_process_that_ends_or_is_told_to_end_leaves_nothing(tmp_path: Path, how: str) -> None:
    process, folder = start(tmp_path, how)
    if how == "wait":
        process.terminate()
    assert process.wait(30) == (0 if how == "end" else -signal.SIGTERM)
    assert not folder.exists()
    assert list((tmp_path / "visitors").iterdir()) == []
