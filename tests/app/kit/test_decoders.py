"""Pictures of strangers are decoded elsewhere: same pixels, same sentences, and a limit of memory and time."""

from __future__ import annotations

import io
import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from algcn.kit.errors import InputError
from algcn.kit.images import open_image
from app.kit.decoders import KEPT_PIXELS, Decoders


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
