"""How many pictures a second the bundle's encoder takes, with glibc's memory settings of `load_encoder` and without.

    python -m tests.benchmarks.encode_images [--bundle B] [--pictures 48] [--rounds 3]

Two processes take turns on the same generated pictures, so that whatever else the machine does disturbs both. Each
encodes in a thread of its own, as the page does. Beside the speed, the pages of memory that the kernel had to hand out
for each picture: a number that a busy machine does not blur.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
BATCHES = (1, 4, 8)
SETTINGS = ("without", "with")


def work(settings: str, bundle: Path, count: int) -> None:
    """Encode once for every line on stdin, a batch size; answer with pictures a second and page faults a picture."""
    import numpy as np
    import torch
    from PIL import Image

    from algcn import encoders
    from algcn.bundle import Bundle

    if settings == "without":
        encoders.MALLOC_SETTINGS = ()
    encoder = Bundle.load(bundle).encoder()
    rng = np.random.default_rng(0)
    pictures = [Image.fromarray(rng.integers(0, 256, (48, 64, 3), np.uint8)).resize((640, 480)) for _ in range(count)]

    def measure(batch: int) -> tuple[float, float]:
        start, faults = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        encoder.encode_images(pictures, batch_size=batch)
        faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - faults
        return count / (time.perf_counter() - start), faults / count

    with ThreadPoolExecutor(1) as pool:
        for batch in BATCHES:
            pool.submit(measure, batch).result()
        print(torch.get_num_threads(), flush=True)
        for line in sys.stdin:
            print(*pool.submit(measure, int(line)).result(), flush=True)


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", type=Path, default=PROJECT / "weights" / "pocket")
    parser.add_argument("--pictures", type=int, default=48)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--work", choices=SETTINGS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        work(arguments.work, arguments.bundle, arguments.pictures)
        return
    command = [sys.executable, "-m", "tests.benchmarks.encode_images"]
    command += ["--bundle", str(arguments.bundle.resolve()), "--pictures", str(arguments.pictures)]
    workers = {
        name: subprocess.Popen(
            [*command, "--work", name], cwd=PROJECT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for name in SETTINGS
    }
    threads = {name: int(worker.stdout.readline()) for name, worker in workers.items()}
    found: dict[tuple[str, int], list[list[float]]] = {(name, batch): [] for batch in BATCHES for name in workers}
    for _ in range(arguments.rounds):
        for name, batch in found:
            workers[name].stdin.write(f"{batch}\n")
            workers[name].stdin.flush()
            found[name, batch].append([float(number) for number in workers[name].stdout.readline().split()])
    for worker in workers.values():
        worker.communicate()
    print(f"{arguments.pictures} pictures, median of {arguments.rounds} rounds, {threads['with']} threads")
    print(f"{'batch':>5}{'without':>26}{'with':>26}{'ratio':>8}")
    for batch in BATCHES:
        cells, speeds = [], []
        for name in SETTINGS:
            speed, faults = (statistics.median(values) for values in zip(*found[name, batch], strict=True))
            cells.append(f"{speed:.1f} img/s, {faults:,.0f} pages")
            speeds.append(speed)
        print(f"{batch:>5}{cells[0]:>26}{cells[1]:>26}{speeds[1] / speeds[0]:>8.1f}")


if __name__ == "__main__":
    main()
