"""Train ALGCN while somebody watches: settings from a form, news from every epoch, a bundle in the end.

Notable: an epoch takes a second or two on a laptop, because the features are at hand and the common space is half as
wide as the paper's. The bundle is a whole one (thresholds, record, history), in a folder of the visitor; its encoder
is the one that is loaded already, linked and not copied.
"""

from __future__ import annotations

import dataclasses
import json
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from algcn.bundles.bundle import Bundle
from algcn.bundles.manifest import CONFIG_NAME, README_NAME
from algcn.bundles.saving import save_bundle
from algcn.bundles.split import TrainedSplit
from algcn.datasets.features import Features
from algcn.evaluation.record import Record
from algcn.evaluation.reliability import fit_calibration, measure_calibration
from algcn.evaluation.results import MEASURES, PRIMARY
from algcn.evaluation.retrieval import chance, embed, group, has_own_space, relevance_columns, retrieval_map
from algcn.kit.files import replacing
from algcn.method.config import TrainConfig
from algcn.method.labels import LabelSet
from algcn.method.model import ALGCN
from algcn.method.plus import PlusNet
from algcn.training.loop import EpochReport, TrainResult, measure, train_algcn
from algcn.training.modes import directed_graph
from app.training.data import TrainingData
from app.training.settings import Settings

if TYPE_CHECKING:
    from app.service import RetrievalService

MAX_SECONDS = 600.0
RELEVANCE = "annotated"


@dataclasses.dataclass(frozen=True)
class Epoch:
    """The news of an epoch.

    Attributes:
        report: The losses, validation mAP, seconds.
        change: L × L, the learned change γD, which begins with next to nothing; None without a graph that learns. Row
            i, column j is what label i sends to label j.
        elapsed: Seconds since the start.
    """

    report: EpochReport
    change: Tensor | None
    elapsed: float


@dataclasses.dataclass(frozen=True)
class Trained:
    """A trained model and how it came about.

    Attributes:
        result: What `algcn.training.loop.train` returned.
        record: The numbers as its bundle will have them.
        compared: The mAP on the held-out pictures of this model and of others, by name.
        settings: The settings of the run.
        seconds: How long the run took.
    """

    result: TrainResult
    record: Record
    compared: dict[str, dict[str, float]]
    settings: Settings
    seconds: float

    @property
    def stopped(self) -> bool:
        """Whether the run ended before all its epochs were done."""
        return len(self.result.log) < self.config.epochs

    @property
    def config(self) -> TrainConfig:
        """The settings that it was trained with, as the bundle keeps them."""
        return self.settings.train_config(self.result.features)

    @property
    def labels(self) -> LabelSet:
        """The labels that the model knows."""
        return self.result.features.label_set

    def summary(self) -> dict[str, Any]:
        """Return the result as the API gives it, ready for JSON."""
        return {
            "settings": {**dataclasses.asdict(self.settings), "epochs": self.config.epochs},
            "seconds": round(self.seconds, 2),
            "stopped": self.stopped,
            "best_epoch": self.result.best_epoch,
            "pictures": {split: sizes.images for split, sizes in self.record.items.items()},
            "labels": self.labels.names,
            "validation": self.record.validation.map.to_json(),
            "held_out": self.compared,
            "log": [dataclasses.asdict(entry) for entry in self.result.log],
        }


def chance_level(data: TrainingData) -> float:
    """Return the mAP of a random ranking of the validation pictures, the line to be above."""
    columns = relevance_columns(data.features.label_set, RELEVANCE)
    return chance(group(data.features.select("validation")).with_labels(columns))


def run_training(
    data: TrainingData,
    settings: Settings,
    before: ALGCN,
    report: Callable[[Epoch], None] = lambda _: None,
    stopping: Callable[[], bool] = lambda: False,
    measuring: Callable[[], None] = lambda: None,
) -> Trained:
    """Train a model, and measure what came out.

    Args:
        data: The training data.
        settings: The settings of the run.
        before: The model that is open, to compare with.
        report: A function that is told of every epoch.
        stopping: A function that is asked before every step; what was best before it said yes
            is kept. After MAX_SECONDS it ends likewise.
        measuring: A function that is told when the last epoch is over.

    Raises:
        InputError: The run was stopped before an epoch was over, or there is nothing to learn.
    """
    config, began = settings.train_config(data.features), time.perf_counter()

    def elapsed() -> float:
        return time.perf_counter() - began

    def note(epoch: EpochReport, model: ALGCN | PlusNet) -> None:
        change = model.label_graph()["learned_change"] if settings.learns_graph else None
        report(Epoch(epoch, change, elapsed()))

    result = train_algcn(
        data.features,
        config,
        model_config=settings.model_config(data.features),
        relevance=relevance_columns(data.features.label_set, RELEVANCE),
        on_epoch=note,
        should_stop=lambda: stopping() or elapsed() > MAX_SECONDS,
    )
    measuring()
    compared = _compare(data.features, {"this model": result.model, "the model before": before, "the encoder": None})
    return Trained(result, measure(result, config, RELEVANCE), compared, settings, elapsed())


def _compare(features: Features, models: dict[str, ALGCN | None]) -> dict[str, dict[str, float]]:
    """Measure mAP of some models and of a random ranking on the test split (or on validation, if there is no test)."""
    held_out = features.select("test")
    held_out = held_out if held_out.labels.any() else features.select("validation")
    columns = relevance_columns(features.label_set, RELEVANCE)
    found = {name: retrieval_map(embed(held_out, model).with_labels(columns)) for name, model in models.items()}
    by_chance = chance(group(held_out).with_labels(columns))
    return {**found, "a random ranking": dict.fromkeys(MEASURES, by_chance)}


def keep_bundle(trained: Trained, source: RetrievalService, folder: Path) -> Bundle:
    """Save the trained model as a bundle in a folder, calibrated, with the encoder that is loaded already.

    Args:
        trained: The trained model.
        source: The service whose gallery it was trained on.
        folder: The folder to make; it must not be there yet.
    """
    result, record = trained.result, trained.record
    fitted = (result.model, result.features, result.ranking, result.probabilities)
    encode = source.encoder.encode_texts if source.reads_words and has_own_space(result.features) else None
    calibration = fit_calibration(*fitted, encode=encode)
    if calibration is not None:
        tested = measure_calibration(calibration, *fitted, encode=encode)
        record = dataclasses.replace(record, calibration=tested)
    graph = None
    if trained.config.mode == "plus":
        graph = directed_graph(result.features, result.model, result.probabilities)
    save_bundle(
        folder,
        result.model,
        trained.labels,
        encoder=source.bundle.encoder_reference,
        link_encoder=True,
        training=trained.config,
        thresholds=result.thresholds,
        probabilities=result.probabilities,
        ranking=result.ranking,
        calibration=calibration,
        metrics=record.to_json(),
        history=result.history,
        directed_graph=graph,
        split=TrainedSplit.of(result.features.file_names, result.features.split),
        readme=_model_card(trained),
    )
    bundle = Bundle.load(folder)
    if bundle.encoder_fingerprint is not None:
        bundle.adopt_encoder(source.encoder)
    return bundle


def write_zip(bundle: Bundle, path: Path) -> Path:
    """Pack a bundle as one file to take home: safetensors, JSON and the model card; python app.py --bundle opens it."""
    listed = json.loads((bundle.path / CONFIG_NAME).read_text(encoding="utf-8"))["files"]
    # Not compressed: weights do not get smaller.
    with replacing(path) as aside, zipfile.ZipFile(aside, "w", strict_timestamps=False) as archive:
        for name in (CONFIG_NAME, *listed, README_NAME):
            if (bundle.path / name).is_file():
                archive.write(bundle.path / name, f"{path.stem}/{name}")
    return path


def strongest_changes(change: Tensor, count: int) -> list[tuple[int, int, float]]:
    """Return the `count` edges between two labels that changed most: from, to, by how much."""
    between = change.clone().fill_diagonal_(0.0)
    order = between.abs().flatten().argsort(descending=True)[:count].tolist()
    width = change.shape[1]
    return [(at // width, at % width, float(between.flatten()[at])) for at in order if between.flatten()[at] != 0]


def _model_card(trained: Trained) -> str:
    settings, items, epochs = trained.settings, trained.record.items, trained.config.epochs
    ours, by_chance = (trained.compared[name][PRIMARY] for name in ("this model", "a random ranking"))
    stopped = " (stopped early)" if trained.stopped else ""
    if settings.mode == "plus":
        how = "with free classifiers and a directed label graph"
    else:
        convolution, adaptive = ("on" if flag else "off" for flag in (settings.use_gcn, settings.learns_graph))
        graph = f"graph convolution {convolution}, adaptive graph {adaptive}"
        how = f"γ {settings.gamma:g}, t {settings.threshold:g}, {graph}"
    return (
        "# A model trained in ALGCN Explorer\n\n"
        f"ALGCN in {settings.mode} mode, {how}, seed {settings.seed}; {len(trained.labels)} labels, "
        f"{items['train'].images:,} pictures; epoch {trained.result.best_epoch} of {epochs}{stopped}.\n\n"
        f"mAP on pictures it was not trained on: {ours:.3f} (a random ranking: {by_chance:.3f}).\n\n"
        "Use it: `python app.py --bundle FOLDER`.\n"
    )
