"""Make the measurements that are not there yet, in this process or in several side by side."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

import torch

from algcn.datasets.features import Features
from algcn.kit.errors import InputError
from algcn.kit.parallel import cores
from algcn.study.cells import Cells, Key
from algcn.study.experiments import EXPERIMENTS
from algcn.study.language import language_of
from algcn.study.settings import Settings, Study


class Task(NamedTuple):
    """A measurement to make: the experiment that makes it, and its name."""

    experiment: str
    key: Key


@dataclass(frozen=True)
class Workplace:
    """What every process of a study needs.

    Attributes:
        settings: What is measured.
        features: The feature file of each name.
        captions: The table of captions of some of these names.
        data: The fingerprint of each collection's features.
        folder: The study's: measurements are kept in `cells`, what is known of labels by language in `language`.
        device: Where to compute.
    """

    settings: Settings
    features: Mapping[str, Path]
    captions: Mapping[str, Path]
    data: Mapping[str, str]
    folder: Path
    device: str

    def open(self) -> tuple[Cells, dict[str, Study]]:
        """Open the folder, and read the features: what each collection is studied on."""
        features = {name: Features.load(place) for name, place in self.features.items()}
        words, studies = Cells(self.folder / "language", self.data), {}
        for name, collection in self.settings.collections.items():
            if collection.features in features:
                items, captions = features[collection.features], self.captions.get(collection.features)
                language = cache(partial(language_of, name, items, words, captions))
                studies[name] = Study(collection, self.settings, items, language, self.device)
        return Cells(self.folder / "cells", self.data), studies


def measure(task: Task, cells: Cells, studies: Mapping[str, Study]) -> float:
    """Make a measurement unless it is there, and return the seconds that it took."""
    started = time.perf_counter()
    study = studies[task.key.collection]
    cells.get(task.key, lambda: EXPERIMENTS[task.experiment].measure(study, task.key))
    return time.perf_counter() - started


def measure_all(
    tasks: Iterable[Task],
    workplace: Workplace,
    opened: tuple[Cells, Mapping[str, Study]],
    jobs: int,
    report: Callable[[str], None],
) -> None:
    """Make all measurements that are not there.

    Args:
        tasks: What there is to measure.
        workplace: What other processes start from.
        opened: What `workplace.open` gave in this process.
        jobs: How many processes; with one, this process measures.
        report: Told of each measurement when it is made.

    Raises:
        InputError: A process was ended from outside.
    """
    cells, studies = opened
    waiting = [task for task in tasks if cells.read(task.key) is None]

    def tell(number: int, task: Task, seconds: float) -> None:
        report(f"{number:,} of {len(waiting):,}  {task.key}  ({seconds:.0f} s)")

    if jobs == 1:
        for number, task in enumerate(waiting, start=1):
            tell(number, task, measure(task, cells, studies))
        return
    pool = ProcessPoolExecutor(
        jobs, multiprocessing.get_context("spawn"), initializer=_start, initargs=(workplace, max(1, cores() // jobs))
    )
    try:
        under_way = {pool.submit(_measure_there, task): task for task in waiting}
        for number, future in enumerate(as_completed(under_way), start=1):
            tell(number, under_way[future], future.result())
    except BrokenProcessPool as error:
        raise InputError(
            "A process of the study was ended from outside, for want of memory perhaps; start the study again, it goes "
            "on where it was, with fewer --jobs."
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


_OPENED: tuple[Cells, Mapping[str, Study]]  # of a process of the pool


def _start(workplace: Workplace, threads: int) -> None:
    global _OPENED
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # whoever stops the study reads one sentence, not one of each process
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(threads)
    _OPENED = workplace.open()


def _end_with_parent() -> None:
    """A parent that was killed takes no result and can end no process: each ends itself."""
    multiprocessing.parent_process().join()
    os._exit(1)


def _measure_there(task: Task) -> float:
    return measure(task, *_OPENED)
