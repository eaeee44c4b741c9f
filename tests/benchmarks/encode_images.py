"""How many pictures a second the bundle's encoder takes, with glibc's memory settings of `load_encoder` and without.

    python -m tests.benchmarks.encode_images [--bundle B] [--batch 4] [--pictures 48] [--rounds 5]

Two processes take turns on the same generated pictures, so that whatever else the machine does disturbs both. Each
encodes in a thread of its own, as the page does. Beside the speed, the pages of memory that the kernel had to hand out
for each picture: a number that a busy machine does not blur. glibc raises its own limits when large buffers are freed,
so a batch size is measured in processes that have never seen another.
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
SETTINGS = ("without", "with")


def work(settings: str, bundle: Path, count: int, batch: int) -> None:
    """Encode once for every line on stdin; answer with pictures a second and page faults a picture."""
    import numpy as np
    import torch
    from PIL import Image

    from algcn.bundles.bundle import Bundle
    from algcn.kit import memory

    if settings == "without":
        memory.MALLOC_SETTINGS = ()
    encoder = Bundle.load(bundle).encoder()
    rng = np.random.default_rng(0)
    pictures = [Image.fromarray(rng.integers(0, 256, (48, 64, 3), np.uint8)).resize((640, 480)) for _ in range(count)]

    def measure() -> tuple[float, float]:
        start, faults = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        encoder.encode_images(pictures, batch_size=batch)
        faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - faults
        return count / (time.perf_counter() - start), faults / count

    with ThreadPoolExecutor(1) as pool:
        pool.submit(measure).result()
        print(torch.get_num_threads(), flush=True)
        for _ in sys.stdin:
            print(*pool.submit(measure).result(), flush=True)


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", type=Path, default=PROJECT / "weights" / "pocket")
    parser.add_argument("--batch", type=int, default=4, help="pictures at once (default: 4)")
    parser.add_argument("--pictures", type=int, default=48)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--work", choices=SETTINGS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        work(arguments.work, arguments.bundle, arguments.pictures, arguments.batch)
        return
    command = [sys.executable, "-m", "tests.benchmarks.encode_images"]
    command += ["--bundle", str(arguments.bundle.resolve()), "--pictures", str(arguments.pictures)]
    command += ["--batch", str(arguments.batch)]
    workers = {
        name: subprocess.Popen(
            [*command, "--work", name], cwd=PROJECT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for name in SETTINGS
    }
    threads = {name: int(worker.stdout.readline()) for name, worker in workers.items()}
    found: dict[str, list[list[float]]] = {name: [] for name in workers}
    for _ in range(arguments.rounds):
        for name, worker in workers.items():
            worker.stdin.write("\n")
            worker.stdin.flush()
            found[name].append([float(number) for number in worker.stdout.readline().split()])
    for worker in workers.values():
        worker.communicate()
    print(
        f"{arguments.pictures} pictures in batches of {arguments.batch}, median of {arguments.rounds} rounds, "
        f"{threads['with']} threads"
    )
    speeds = {}
    for name, values in found.items():
        speeds[name], faults = (statistics.median(column) for column in zip(*values, strict=True))
        print(f"{name:>8}{speeds[name]:>8.1f} pictures/s{faults:>10,.0f} pages a picture")
    print(f"{'ratio':>8}{speeds['with'] / speeds['without']:>8.1f}")


if __name__ == "__main__":
    main()
