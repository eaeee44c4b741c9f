"""How long the page's training takes, how soon it stops, and how soon a folder of photos is searchable.

    python -m tests.benchmarks.train_and_collect [--photos FOLDER] [--repeat 3]

Both run on one core each, so on an idle machine the seconds of the processor are those of the clock; on a busy one they
are the fairer figure. Without --photos the bundled gallery's first hundred pictures are taken.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from algcn.kit.picture_kinds import SUFFIXES
from app.collection.folder import Collection, Dropped
from app.kit.jobs import Job, Jobs
from app.service import RetrievalService, load_service
from app.training.live import Epoch
from app.training.run import Phase, training_work
from app.training.settings import Settings
from app.visitors.derive import with_gallery, with_model

PROJECT = Path(__file__).resolve().parents[2]
PHOTOS = 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, default=PROJECT / "assets" / "gallery" / "images")
    parser.add_argument("--repeat", type=int, default=3)
    arguments = parser.parse_args()
    service = load_service(PROJECT / "weights" / "pocket", PROJECT / "assets" / "gallery")
    photos = sorted(path for path in arguments.photos.rglob("*") if path.suffix.lower() in SUFFIXES)[:PHOTOS]
    rows: dict[str, list[tuple[float, float]]] = {}
    latencies: list[float] = []

    for _ in range(arguments.repeat):
        with tempfile.TemporaryDirectory() as folder:

            def train(job: Job, folder: str = folder) -> None:
                _, bundle = training_work(service, Settings(), Path(folder))(job)
                with_model(service, bundle, "own")

            def collect(job: Job, folder: str = folder) -> None:
                collection = Collection(Path(folder))
                collection.add([Dropped(path, path.name) for path in photos], service.bundle)
                with_gallery(service, collection.gallery, "key")

            rows.setdefault(f"train {Settings().epochs} epochs, open", []).append(run(train))
            rows.setdefault(f"{len(photos)} photos searchable", []).append(run(collect))
        latencies.append(stop_latency(service))
    for name, values in rows.items():
        wall, processor = (statistics.median(column) for column in zip(*values, strict=True))
        print(f"{name:32} {wall:6.1f} s by the clock  {processor:6.1f} s of one core")
    print(f"{'stop, until training has ended':32} {statistics.median(latencies):6.2f} s by the clock")


def run(work: Callable[[Job], Any]) -> tuple[float, float]:
    """Seconds by the clock, and of the processor, of a job's work."""
    spent: list[float] = []

    def timed(job: Job) -> None:
        began = time.thread_time()
        work(job)
        spent.append(time.thread_time() - began)

    began = time.perf_counter()
    job = Jobs(1, "").start("benchmark", timed, str)
    for _ in job.watch(1.0):
        pass
    job.result()
    return time.perf_counter() - began, spent[0]


def stop_latency(service: RetrievalService) -> float:
    """From the press of Stop after the third epoch to the end of the training."""
    jobs, epochs, pressed = Jobs(1, ""), 0, 0.0
    job = jobs.start("benchmark", training_work(service, Settings(epochs=50), None), str)
    for news in job.watch(0.05):
        epochs += sum(isinstance(entry, Epoch) for entry in news)
        if epochs >= 3 and not pressed:
            jobs.stop("benchmark")
            pressed = time.perf_counter()
        if any(isinstance(entry, Phase) for entry in news):
            latency = time.perf_counter() - pressed
    job.result()
    return latency


if __name__ == "__main__":
    main()
