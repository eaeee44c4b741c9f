"""What nobody needs goes by its age, never while somebody holds it; a killed program leaves nothing for the next."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from serving import serve

from algcn.kit import leftovers
from algcn.kit.files import replacing
from app.visitors.files import VisitorFiles
from app.visitors.sweep import Sweeper, remove_left_parts, remove_old_files

HOUR = 3600
PROJECT = Path(__file__).resolve().parents[3]


def file(path: Path, age: float = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"mine")
    for touched in (path, path.parent):
        os.utime(touched, (time.time() - age,) * 2)
    return path


def test_uploads_go_after_an_hour_whole_or_broken_off(tmp_path: Path) -> None:
    whole, broken_off = file(tmp_path / "abc" / "a.png", 2 * HOUR), file(tmp_path / "tmpabc", 2 * HOUR)
    fresh = file(tmp_path / "def" / "b.png", HOUR / 2)
    os.utime(whole.parent, (0, 0))
    remove_old_files(tmp_path, HOUR)
    assert not whole.exists() and not broken_off.exists() and fresh.is_file()
    os.utime(tmp_path / "abc", (0, 0))  # it was changed just now: a file went
    remove_old_files(tmp_path, HOUR)
    assert [path.name for path in tmp_path.iterdir()] == ["def"]


def test_a_link_among_the_uploads_is_not_followed(tmp_path: Path) -> None:
    mine = file(tmp_path / "mine" / "a.png", 2 * HOUR)
    (tmp_path / "uploads").mkdir()
    (tmp_path / "uploads" / "link").symlink_to(mine.parent)
    remove_old_files(tmp_path / "uploads", HOUR)
    assert mine.is_file()


def test_parts_in_the_cache_go_and_all_else_stays(tmp_path: Path) -> None:
    left = [
        file(tmp_path / "previews" / ".a.webp.12345678.part", 2 * HOUR),
        file(tmp_path / "galleries" / "x" / ".layout.safetensors.abcd_123.part", 2 * HOUR),
        file(tmp_path / ".folder.12345678.part" / "half.png", 2 * HOUR).parent,
    ]
    stay = [
        file(tmp_path / "previews" / "a.webp", 2 * HOUR),
        file(tmp_path / "previews" / ".b.webp.12345678.part"),
        file(tmp_path / "previews" / "film.part", 2 * HOUR),
        file(tmp_path / "visitors" / "x" / "y" / ".z.png.12345678.part", 2 * HOUR),
    ]
    with replacing(tmp_path / "previews" / "living.webp") as living:
        os.utime(living, (0, 0))
        remove_left_parts(tmp_path)
        assert living.exists()
    assert not [path for path in left if path.exists()]
    assert [path for path in stay if not path.exists()] == []


def test_it_sweeps_at_its_start_and_again_and_again(tmp_path: Path) -> None:
    other = VisitorFiles(tmp_path / "cache")
    living = file(other.new_folder() / "a.png")
    swept: list[float] = []
    sweeper = Sweeper(
        tmp_path / "cache", tmp_path / "uploads", lambda: swept.append(time.monotonic()), every=0.05, age=HOUR
    )
    first = file(tmp_path / "uploads" / "a.png", 2 * HOUR)
    sweeper.start()
    try:
        for left in (first, tmp_path / "uploads" / "b.png"):
            if left != first:
                file(left, 2 * HOUR)
            deadline = time.monotonic() + 10
            while left.exists() and time.monotonic() < deadline:
                time.sleep(0.01)
            assert not left.exists()
    finally:
        sweeper.stop()
    assert len(swept) >= 2
    assert living.is_file()
    other.remove()


FREED = """
import sys
from pathlib import Path
from algcn.kit.memory import keep_large_buffers
from app.visitors.sweep import Sweeper

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

keep_large_buffers()
before = resident()
buffers = [bytearray(b"x" * (1 << 20)) for _ in range(300)]
del buffers[:-1]  # what stays is the last, so that what is free lies below it
kept = resident() - before
Sweeper(Path(sys.argv[1]), Path(sys.argv[1], "uploads")).sweep()
print(kept, resident() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries are left alone")
def test_memory_that_was_freed_goes_back_to_the_system(tmp_path: Path) -> None:
    asked = [sys.executable, "-c", FREED, str(tmp_path)]
    own = {name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "GLIBC_"))}
    done = subprocess.run(asked, cwd=PROJECT, env=own, capture_output=True, text=True, check=True)
    kept, after = map(int, done.stdout.split())
    assert kept > 250 << 20, "the C library keeps it"
    assert after < 50 << 20


def test_folders_of_dead_processes_go_and_stray_files_with_age(tmp_path: Path) -> None:
    dead = file(tmp_path / "uploads" / "0123abcd" / "a.png")
    old_upload = file(tmp_path / "uploads" / "tmpxyz", 2 * HOUR)
    stray_lock = file(tmp_path / "uploads" / "gone.lock", 2 * HOUR)
    fresh_lock = file(tmp_path / "uploads" / "coming.lock")
    VisitorFiles(tmp_path, "uploads")
    assert not dead.parent.exists() and not old_upload.exists() and not stray_lock.exists()
    assert fresh_lock.exists()


def upload(url: str) -> Path:
    body = b'--xx\r\nContent-Disposition: form-data; name="files"; filename="holiday.png"\r\n\r\nmine\r\n--xx--\r\n'
    request = urllib.request.Request(
        f"{url}/gradio_api/upload", body, {"Content-Type": "multipart/form-data; boundary=xx"}
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        return Path(json.load(response)[0])


def test_a_killed_program_leaves_nothing_of_its_visitors_after_the_next_start(
    tmp_path: Path, tiny_bundle_dir: Path, tiny_gallery_dir: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    arguments = ("--bundle", tiny_bundle_dir, "--gallery", tiny_gallery_dir)
    with serve(home, arguments) as server:
        uploaded = upload(server.url)
        with serve(home, arguments) as beside:
            others = upload(beside.url)
            assert uploaded.is_file() and others.is_file(), "a start leaves a running program's files alone"
        assert not others.exists(), "a program that is told to stop takes its own along"
        server.process.kill()
        server.process.wait()
    assert uploaded.is_file()
    part = file(home / "cache" / "previews" / ".x.webp.12345678.part", 2 * HOUR)
    with serve(home, arguments) as server:
        assert not uploaded.exists()
        assert not [path for path in home.rglob("*") if path.name == "holiday.png"]
        deadline = time.monotonic() + 10
        while part.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not part.exists()
        assert upload(server.url).is_file()
    assert [path for path in home.rglob("*") if path.is_file() and "galleries" not in path.parts] == []


@pytest.mark.parametrize("name", [".a.webp.12345678.part", ".metadata.csv.abcdefgh.part"])
def test_names_of_parts_are_known(name: str) -> None:
    assert leftovers.is_part(name)
