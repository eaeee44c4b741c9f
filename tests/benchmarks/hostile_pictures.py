"""What pictures cost that are built to keep a decoder busy, and what the processes that decode cost ordinary ones.

    python -m tests.benchmarks.hostile_pictures [--only TEXT] [--rounds 40]

Each family of tests/hostile/pictures.py is decoded in a new process that has read an ordinary picture before: seconds
until there is an answer, the most memory of that process, and what this process took meanwhile. Then an ordinary photo
of four sizes, from the file to what the encoder takes, here and over the process in turn, so that whatever else the
machine does disturbs both: handed over whole, and resized for the encoder where it is decoded.
"""

from __future__ import annotations

import argparse
import io
import re
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

PROJECT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(PROJECT), str(PROJECT / "tests")]

from hostile.pictures import FAMILIES  # noqa: E402

from algcn.features.encoder import load_encoder  # noqa: E402
from algcn.kit.errors import InputError  # noqa: E402
from algcn.kit.images import open_image  # noqa: E402
from app.kit.decoders import Decoders  # noqa: E402

PHOTOS = ((640, 480), (2048, 1536), (3264, 2448), (4000, 3000))
TICK = 0.01  # seconds between two looks at a process's memory
MB = 1e6


def memory(process: int | str, name: str) -> int:
    """Return a number of bytes that Linux has for a process."""
    try:
        status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    except OSError:
        return 0
    found = re.search(rf"{name}:\s+(\d+) kB", status)
    return int(found[1]) * 1024 if found else 0


@contextmanager
def watched(process: int) -> Iterator[list[int]]:
    """Give the most memory of a process, which may end meanwhile."""
    most, is_over = [0], threading.Event()

    def look() -> None:
        while not is_over.wait(TICK):
            most[0] = max(most[0], memory(process, "VmHWM"))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield most
    finally:
        is_over.set()
        thread.join()
        most[0] = max(most[0], memory(process, "VmHWM"))


def photo(width: int, height: int) -> bytes:
    """Return a JPEG with as much in it as a camera's."""
    noise = np.random.default_rng(0).integers(0, 256, (height // 8, width // 8, 3), np.uint8)
    stream = io.BytesIO()
    Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC).save(stream, "JPEG", quality=90)
    return stream.getvalue()


def measure_family(name: str, path: Path) -> str:
    """Decode one hostile picture; returns its row."""
    decoders = Decoders(processes=1)
    decoders.open_image(photo(640, 480))
    path.write_bytes(FAMILIES[name].make())
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    before = memory("self", "VmRSS")
    with watched(decoders.processes()[0]) as most:
        start = time.perf_counter()
        try:
            width, height = decoders.open_image(path, name="bomb").size
            answer = f"{width} × {height}"
        except InputError as error:
            answer = str(error).removeprefix("The file bomb ")
        seconds = time.perf_counter() - start
    grown = max(0, memory("self", "VmHWM") - before)
    decoders.close()
    size = path.stat().st_size
    return f"{name:40}{size / MB:8.2f}{seconds:8.2f}{most[0] / MB:8.0f}{grown / MB:8.1f}  {answer[:70]}"


def seconds_of(read: Callable[[Path], object], path: Path) -> float:
    """Return how long one picture takes."""
    start = time.perf_counter()
    read(path)
    return time.perf_counter() - start


def measure_photos(folder: Path, rounds: int) -> None:
    """Print what an ordinary photo costs here and over a process, read for the pocket encoder."""
    decoders, encoder = Decoders(processes=1), load_encoder(PROJECT / "weights" / "pocket" / "encoder")
    ways = {
        "here": lambda path: encoder.pixels(open_image(path)),
        "whole": lambda path: encoder.pixels(decoders.open_image(path)),
        "resized": lambda path: encoder.pixels(decoders.open_image(path, resizing=encoder.resizing)),
    }
    print(f"\n{'a photo, ms: median and least':40}" + "".join(f"{name:>16}" for name in ways) + f"{'more':>16}")
    for width, height in PHOTOS:
        path = folder / "photo.jpg"
        path.write_bytes(photo(width, height))
        found: dict[str, list[float]] = {name: [] for name in ways}
        for number in range(rounds + 1):
            for name, read in ways.items():
                taken = seconds_of(read, path)
                if number:  # the first one loads what it needs
                    found[name].append(1000 * taken)
        medians = {name: statistics.median(values) for name, values in found.items()}
        cells = "".join(f"{medians[name]:9.1f} {min(found[name]):6.1f}" for name in ways)
        least = min(found["resized"]) - min(found["here"])
        print(f"{f'{width} × {height}':40}{cells}{medians['resized'] - medians['here']:9.1f} {least:6.1f}", flush=True)
    decoders.close()


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="families with this text in their names")
    parser.add_argument("--rounds", type=int, default=40, help="of the ordinary photos (default: 40)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(f"{'family':40}{'MB':>8}{'s':>8}{'MB its':>8}{'MB our':>8}  answer")
        for name in FAMILIES:
            if arguments.only in name:
                print(measure_family(name, Path(folder) / "bomb"), flush=True)
        measure_photos(Path(folder), arguments.rounds)


if __name__ == "__main__":
    main()
