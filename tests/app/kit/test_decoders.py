"""Pictures of strangers are decoded elsewhere: same pixels, same sentences, and a limit of memory and time."""

from __future__ import annotations

import contextlib
import errno
import io
import json
import multiprocessing
import os
import pickle
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from hostile.bmps import bmp_runs_of_one
from PIL import Image
from pillow_heif import from_pillow
from processes import is_at_work, only_on_linux

from algcn.features.encoder import Encoder, load_encoder
from algcn.kit.errors import InputError
from algcn.kit.images import open_image
from algcn.kit.resizing import Resizing
from app.kit.decoders import KEPT_PIXELS, Decoders

PROJECT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def decoders() -> Iterator[Decoders]:
    made = Decoders(processes=2)
    yield made
    made.close()


def picture(width: int, height: int, suffix: str = "PNG") -> bytes:
    noise = np.random.default_rng(3).integers(0, 256, (height // 8 + 1, width // 8 + 1, 3), np.uint8)
    stream = io.BytesIO()
    Image.fromarray(noise).resize((width, height)).save(stream, suffix)
    return stream.getvalue()


def processes() -> set[int]:
    return {child.pid for child in multiprocessing.active_children() if child.name == "decoder"}


@pytest.mark.parametrize("size", [(1, 1), (640, 480), (1999, 1500)])
def test_pixels_are_those_of_the_library(decoders: Decoders, tmp_path: Path, size: tuple[int, int]) -> None:
    data = picture(*size)
    (tmp_path / "a.png").write_bytes(data)
    expected = np.asarray(open_image(data))
    assert (np.asarray(decoders.open_image(data)) == expected).all()
    assert (np.asarray(decoders.open_image(tmp_path / "a.png")) == expected).all()


def test_a_large_picture_comes_back_smaller(decoders: Decoders) -> None:
    data = picture(4000, 3000, "JPEG")
    image = decoders.open_image(data)
    assert image.size == (2000, 1500) and image.width * image.height >= KEPT_PIXELS
    assert np.abs(np.asarray(image, int) - np.asarray(open_image(data).reduce(2), int)).max() == 0


@pytest.mark.parametrize("data", [b"", b"no picture", picture(64, 64)[:200], b"\xff\x0a" + bytes(80)])
def test_what_is_wrong_is_said_in_the_same_words(decoders: Decoders, tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.png").write_bytes(data)
    for source in (data, tmp_path / "a.png", tmp_path / "missing.png"):
        with pytest.raises(InputError) as expected:
            open_image(source)
        with pytest.raises(InputError) as found:
            decoders.open_image(source)
        assert str(found.value) == str(expected.value)


def change_resizing(source: Path, folder: Path, mode: str) -> Encoder:
    """A copy of an encoder that resizes in another way."""
    shutil.copytree(source, folder)
    path = folder / "open_clip_config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    config["preprocess_cfg"]["resize_mode"] = mode
    path.write_text(json.dumps(config), encoding="utf-8")
    return load_encoder(folder)


@pytest.mark.parametrize("mode", ["shortest", "squash", "longest"])
@pytest.mark.parametrize("size", [(1, 1), (90, 41), (2000, 3), (640, 480), (1501, 1998)])
def test_an_encoder_sees_the_same_in_a_picture_that_was_resized_there(
    decoders: Decoders, tiny_encoder_dir: Path, tmp_path: Path, mode: str, size: tuple[int, int]
) -> None:
    encoder = change_resizing(tiny_encoder_dir, tmp_path / "encoder", mode)
    assert (encoder.resizing is None) == (mode == "longest")  # which is open_clip's own, and is done here
    data = picture(*size)
    small = decoders.open_image(data, resizing=encoder.resizing)
    assert torch.equal(encoder.pixels(small), encoder.pixels(open_image(data)))
    if mode != "longest":
        assert small.width * small.height <= 16 * 64 * 64


def test_a_picture_for_an_encoder_of_large_pictures_comes_back_whole(decoders: Decoders) -> None:
    resizing = Resizing((4000, 4000), Image.Resampling.BICUBIC)
    assert decoders.open_image(picture(640, 480), resizing=resizing).size == (640, 480)


def started_by(decoders: Decoders) -> int:
    """The only process of decoders that have just been made."""
    before = processes()
    decoders.open_image(picture(8, 8))
    (started,) = processes() - before
    return started


def test_a_picture_that_takes_too_long_is_given_up_and_the_next_is_read() -> None:
    decoders = Decoders(processes=1, seconds=1.0)
    first = started_by(decoders)
    os.kill(first, signal.SIGSTOP)  # it does not answer, as one that works for minutes
    with pytest.raises(InputError, match=r"The file slow\.png takes longer than 1 seconds to decode"):
        decoders.open_image(picture(8, 8), name="slow.png")
    assert first not in processes()
    assert decoders.open_image(picture(8, 8)).size == (8, 8)
    decoders.close()


def test_a_process_that_was_killed_is_one_sentence_and_is_replaced() -> None:
    decoders = Decoders(processes=1)
    first = started_by(decoders)
    os.kill(first, signal.SIGSTOP)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(decoders.open_image, picture(8, 8), "a.png")
        os.kill(first, signal.SIGKILL)
        with pytest.raises(InputError, match=r"The file a\.png takes more memory or time to decode"):
            asked.result()
    assert decoders.open_image(picture(8, 8)).size == (8, 8)
    decoders.close()
    assert first not in processes()


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="only Linux limits the memory of a process")
def test_a_picture_that_takes_too_much_memory_is_one_sentence_and_the_next_is_read() -> None:
    decoders = Decoders(processes=1, memory=60_000_000)
    with pytest.raises(InputError, match="takes more memory"):
        decoders.open_image(picture(6000, 5000, "JPEG"), name="a.jpg")
    assert decoders.open_image(picture(8, 8)).size == (8, 8)
    decoders.close()


def test_one_slow_picture_does_not_stop_the_other_process() -> None:
    decoders = Decoders(processes=2, seconds=20.0)
    first = started_by(decoders)
    os.kill(first, signal.SIGSTOP)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(decoders.open_image, picture(16, 16))
        while decoders.free() > 1:  # until the process that is stopped is the one that was asked
            time.sleep(0.01)
        assert decoders.open_image(picture(8, 8)).size == (8, 8)
        assert not slow.done()
        os.kill(first, signal.SIGCONT)
        assert slow.result().size == (16, 16)
    decoders.close()


def test_a_process_that_does_not_even_take_a_picture_is_given_up() -> None:
    decoders = Decoders(processes=1, seconds=1.0)
    os.kill(started_by(decoders), signal.SIGSTOP)
    with pytest.raises(InputError, match="takes longer than 1 seconds"):
        decoders.open_image(bytes(8 << 20))  # more than waits on the way to it
    assert decoders.open_image(picture(8, 8)).size == (8, 8)
    decoders.close()


def test_a_system_without_room_for_a_process_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(self: object) -> None:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    decoders = Decoders(processes=1)
    with monkeypatch.context() as patch:
        patch.setattr(multiprocessing.get_context("spawn").Process, "start", start)
        decoders.warm()
        for _ in range(2):
            with pytest.raises(InputError, match=r"No picture can be read at this moment, .*; try again in a minute\."):
                decoders.open_image(picture(8, 8))
    assert decoders.free() == 1
    assert decoders.open_image(picture(8, 8)).size == (8, 8)
    decoders.close()


@pytest.mark.parametrize(
    "answers",
    [
        [b"no JSON"],
        [b"3"],
        [b"[[8, 8], null, true]", bytes(7)],
        [b'[["8", -8], null, true]', bytes(192)],
        [b"[[8, 8], null, true]", bytes(3 * 4 * KEPT_PIXELS + 9)],
        [pickle.dumps(([8, 8], None, True))],
    ],
)
def test_a_process_in_the_hands_of_a_picture_is_not_believed(answers: list[bytes]) -> None:
    decoders = Decoders(processes=1, seconds=5.0)
    first = started_by(decoders)
    ours, theirs = multiprocessing.Pipe()
    (process,) = decoders._free.queue
    process._connection.close()
    process._connection = ours
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(decoders.open_image, picture(8, 8), "a.png")
        theirs.recv()
        with contextlib.suppress(OSError):  # what is too much is not taken
            for answer in answers:
                theirs.send_bytes(answer)
        with pytest.raises(InputError, match=r"The file a\.png takes more memory or time to decode"):
            asked.result()
    assert first not in processes()
    assert decoders.open_image(picture(8, 8)).size == (8, 8)
    decoders.close()
    theirs.close()


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="only Linux says what a process has")
def test_a_process_that_keeps_much_is_replaced_after_its_picture() -> None:
    decoders = Decoders(processes=1, kept=10_000_000)
    first = started_by(decoders)
    stream = io.BytesIO()
    from_pillow(Image.new("RGB", (64, 64), "red")).save(stream)
    assert decoders.open_image(stream.getvalue()).size == (64, 64)  # its library is larger, and stays
    assert first not in processes()
    assert decoders.open_image(picture(8, 8)).size == (8, 8)
    decoders.close()


ORPHAN = """
import sys
from app.kit.decoders import Decoders

if __name__ == "__main__":
    decoders = Decoders(processes=1, seconds=1.0)
    decoders.open_image(sys.argv[1])
    print(*decoders.processes(), flush=True)
    decoders.open_image(sys.argv[2])
"""


@only_on_linux
def test_a_process_ends_itself_where_the_page_was_killed(tmp_path: Path) -> None:
    ordinary, slow = tmp_path / "a.png", tmp_path / "slow.bmp"
    ordinary.write_bytes(picture(8, 8))
    slow.write_bytes(bmp_runs_of_one())
    script = tmp_path / "page.py"
    script.write_text(ORPHAN, encoding="utf-8")
    page = subprocess.Popen(
        [sys.executable, str(script), str(ordinary), str(slow)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        text=True,
    )
    worker = int(page.stdout.readline())
    time.sleep(0.3)  # the picture is being decoded
    page.kill()
    page.communicate()
    deadline = time.monotonic() + 60
    while is_at_work(worker) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_at_work(worker)
