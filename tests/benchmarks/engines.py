"""What encoding on Ray costs on one machine, and that it gives the file of the plain engine, byte for byte.

    python -m tests.benchmarks.engines [--pictures 1024] [--bundle weights/pocket]

Extracts generated pictures one way after the other: plainly, then with one and with two actors of a Ray on this
machine. Each computes with as many threads as the environment says (OMP_NUM_THREADS=1 lets two actors have a core
each). Starting Ray is timed for itself, starting the actors is part of their seconds.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from algcn.bundles.bundle import Bundle
from algcn.cluster.ray_engine import ray_engine
from algcn.datasets.image_folder import read_image_folder
from algcn.features.extraction import Work, extract_file, label_set_of
from algcn.features.sources import Sources
from algcn.kit.engine import Engine, in_this_process
from algcn.kit.files import sha256

SIZE = (160, 120)
SHARD = 128  # so that every actor has some
ACTORS = (1, 2)


def write_pictures(folder: Path, count: int) -> None:
    """Write pictures of coloured noise, each with a caption, the first of them cut off."""
    folder.mkdir()
    rows = ["file_name,text,labels"]
    for number in range(count):
        pixels = np.random.default_rng(number).integers(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize(SIZE, Image.Resampling.BICUBIC).save(folder / f"{number:05d}.jpg")
        rows.append(f"{number:05d}.jpg,picture {number},{'odd' if number % 2 else 'even'}")
    (folder / "metadata.csv").write_text("\n".join(rows), encoding="utf-8")
    (folder / "00000.jpg").write_bytes((folder / "00000.jpg").read_bytes()[:100])


def extract(photos: Path, bundle: Bundle, out: Path, engine: Engine) -> float:
    """Extract the features of a folder; how many pictures a second."""
    folder = read_image_folder(photos)
    work = Work(
        folder, Sources.of(bundle.encoder()), label_set_of(folder), shard_size=SHARD, progress=False, engine=engine
    )
    began = time.perf_counter()
    extract_file(work, out)
    return len(folder) / (time.perf_counter() - began)


def main(argv: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.engines")
    parser.add_argument("--pictures", type=int, default=1024)
    parser.add_argument("--bundle", type=Path, default=Path("weights/pocket"))
    arguments = parser.parse_args(argv)
    import ray

    bundle = Bundle.load(arguments.bundle)
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        write_pictures(root / "photos", arguments.pictures)
        print(f"{arguments.pictures:,} pictures, {torch.get_num_threads()} threads, load {os.getloadavg()[0]:.1f}")
        plain = extract(root / "photos", bundle, root / "plain", in_this_process)
        print(f"plain      {plain:6.1f} pictures/s", flush=True)
        began = time.perf_counter()
        ray.init("local", include_dashboard=False, log_to_driver=False, logging_level="CRITICAL")
        print(f"Ray starts in {time.perf_counter() - began:.1f} s", flush=True)
        same = True
        for actors in ACTORS:
            with ray_engine(actors=actors) as engine:
                rate = extract(root / "photos", bundle, root / f"ray-{actors}", engine)
            equal = sha256(root / "plain") == sha256(root / f"ray-{actors}")
            same &= equal
            told = f"{rate:6.1f} pictures/s, {rate / plain:.2f} of plain, load {os.getloadavg()[0]:.1f}"
            print(f"{actors} on Ray   {told}, {'the same bytes' if equal else 'OTHER BYTES'}", flush=True)
        ray.shutdown()
    sys.exit(not same)


if __name__ == "__main__":
    main()
