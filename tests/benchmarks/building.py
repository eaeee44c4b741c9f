"""What building a large gallery costs, and that one that was killed ends as one that was not.

    python -m tests.benchmarks.building [--pictures 100000] [--kills 3]

Generated pictures of 16 × 16 pixels and an encoder of a few layers, so that reading, keeping and going on are what is
measured, not encoding. Prints for a tenth of the pictures and for all of them the seconds, the megabytes that were
written and the most memory; then kills builds with SIGKILL at random moments, lets the last come to its end, and
compares what is kept with what the build nobody disturbed kept, byte for byte.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from algcn.kit.files import sha256
from tests.conftest import write_tiny_bundle, write_tiny_encoder

PROJECT = Path(__file__).resolve().parents[2]
SIDE = 16
IN_FOLDER = 1000
SEED = 0
BLOCK = 512  # bytes, in which the system counts what is written


def write_pictures(folder: Path, count: int) -> None:
    """Write pictures of noise, each another, a thousand to a folder."""
    for number in range(count):
        path = folder / f"{number // IN_FOLDER:04d}" / f"{number:07d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(number).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path)


def start(photos: Path, bundle: Path, cache: Path) -> subprocess.Popen[bytes]:
    """Start a build in a process of its own."""
    command = [sys.executable, "-m", "algcn.gallery", "build", str(photos), "--bundle", str(bundle), "--quiet"]
    environment = {**os.environ, "ALGCN_CACHE": str(cache)}
    return subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=subprocess.DEVNULL)


def build(photos: Path, bundle: Path, cache: Path) -> float:
    """Build, print what it took, and return the seconds."""
    began = time.perf_counter()
    process = start(photos, bundle, cache)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit("The build failed; see above.")
    seconds, count = time.perf_counter() - began, sum(1 for _ in photos.rglob("*.png"))
    print(
        f"{count:>9,} pictures {seconds:7.0f} s {usage.ru_oublock * BLOCK / 1e6:7.0f} MB written "
        f"{usage.ru_maxrss / 2**20:5.2f} GiB at the most",
        flush=True,
    )
    return seconds


def build_killed(photos: Path, bundle: Path, cache: Path, kills: int, seconds: float) -> None:
    """Kill some builds, each at a moment of an equal part of the whole time, and let one come to its end."""
    draw = random.Random(SEED)
    for kill in range(kills):
        process = start(photos, bundle, cache)
        try:
            process.wait((kill + draw.random()) / kills * seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
    if start(photos, bundle, cache).wait():
        raise SystemExit("The build failed; see above.")


def kept_in(cache: Path) -> dict[Path, str]:
    """Return a hash of every file that is kept: the store, and the rows of a large gallery."""
    return {path.relative_to(cache): sha256(path) for path in cache.rglob("*") if path.is_file()}


def main(argv: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.building")
    parser.add_argument("--pictures", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=3)
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        bundle = write_tiny_bundle(root / "tiny", write_tiny_encoder(root / "encoder"))
        for count in (arguments.pictures // 10, arguments.pictures):
            photos = root / f"{count}"
            write_pictures(photos, count)
            seconds = build(photos, bundle, root / f"cache-{count}")
        build_killed(photos, bundle, root / "killed", arguments.kills, seconds)
        same = kept_in(root / f"cache-{count}") == kept_in(root / "killed")
        print(f"killed {arguments.kills} times: {'the same bytes' if same else 'OTHER BYTES'}")
        sys.exit(not same)


if __name__ == "__main__":
    main()
