"""Jobs that train a model on a gallery, and the news that they report."""

from __future__ import annotations

import dataclasses
import enum
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.kit.jobs import Job, Jobs
from app.training.settings import Settings

if TYPE_CHECKING:
    from torch import Tensor

    from algcn.bundles.bundle import Bundle
    from algcn.method.labels import LabelSet
    from algcn.training.loop import EpochReport
    from app.service import RetrievalService
    from app.training.live import Epoch, Trained

AT_ONCE = 2
FOLDER_NAME = "your-model"


def training_jobs() -> Jobs:
    """The training runs of one program: a few at once, one for each visitor."""
    return Jobs(AT_ONCE, "A training of yours is running already: stop it, or wait until it is done.")


@dataclasses.dataclass(frozen=True)
class Waiting:
    """The news that others are before this run."""

    before: int

    def __str__(self) -> str:
        if self.before == 1:
            return f"{AT_ONCE} models are being trained at the moment; yours is next."
        return f"{AT_ONCE} models are being trained at the moment; {self.before - 1} more are before yours."


class Phase(enum.Enum):
    """The news that a step after the last epoch begins."""

    MEASURING = "Measuring what came out…"


class Progress:
    """The news that training begins, and from then on all that is known of the run.

    Attributes:
        epochs: How many there are to be.
        log: The epochs that are over.
        change: L × L, what the graph has learned, as in `app.training.live.Epoch`; None before the first epoch.
        chance: MAP of a random ranking.
    """

    def __init__(self, epochs: int, labels: LabelSet, chance: float) -> None:
        self.epochs, self.labels, self.chance = epochs, labels, chance
        self.log: list[EpochReport] = []
        self.change: Tensor | None = None
        self._began = time.perf_counter()

    def note(self, epoch: Epoch) -> None:
        """Add an epoch that is over."""
        self.log.append(epoch.report)
        self.change = epoch.change

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self._began

    @property
    def best_epoch(self) -> int:
        """The first epoch with the highest mAP; 0 before the first."""
        return max(self.log, key=lambda entry: entry.map["average"]).epoch if self.log else 0

    def strongest(self, count: int) -> list[tuple[str, str, float]]:
        """Return the edges that changed most: from, to, by how much."""
        if self.change is None:
            return []
        from app.training.live import strongest_changes

        names = self.labels
        return [(names[i].name, names[j].name, value) for i, j, value in strongest_changes(self.change, count)]


def training_work(
    service: RetrievalService, settings: Settings, folder: Path | None
) -> Callable[[Job], tuple[Trained, Bundle | None]]:
    """Make the work of a job that trains on a service's gallery.

    Its news are `Waiting`, a `Progress`, then `app.training.live.Epoch` after `Epoch`, then a `Phase`.

    Args:
        service: The service whose gallery is trained on, and whose model the result is compared with.
        settings: The settings of the run.
        folder: An empty one for the bundle; None makes none.
    """

    def work(job: Job) -> tuple[Trained, Any]:
        from app.training.data import names, training_data
        from app.training.live import chance_level, keep_bundle, run_training

        bundle = service.bundle
        data = training_data(
            service.gallery, bundle.label_set, bundle.encoder_fingerprint, settings.seed, names(service)
        )
        epochs = settings.train_config(data.features).epochs
        job.report(Progress(epochs, data.features.label_set, chance_level(data)))
        trained = run_training(
            data, settings, bundle.model, job.report, job.stopping, lambda: job.report(Phase.MEASURING)
        )
        return trained, keep_bundle(trained, service, folder / FOLDER_NAME) if folder is not None else None

    return work
