"""Train ALGCN on features, epoch by epoch, and measure the result."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import threading
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from algcn.bundles.predictor import cosine_scores
from algcn.datasets.features import Features
from algcn.datasets.validation import carve_validation
from algcn.evaluation.fitting import fit_probabilities, fit_ranking, fitting_weights
from algcn.evaluation.measure import measure_model
from algcn.evaluation.probabilities import PlattScale
from algcn.evaluation.ranking import Ranking
from algcn.evaluation.record import Epoch, Record, Selection
from algcn.evaluation.results import PRIMARY, MeanAveragePrecision
from algcn.evaluation.retrieval import embed, embed_items, group, retrieval_map
from algcn.evaluation.thresholds import fit_thresholds
from algcn.kit.errors import InputError
from algcn.kit.memory import keep_large_buffers
from algcn.method.config import ModelConfig, TrainConfig
from algcn.method.graph import label_prior
from algcn.method.model import ALGCN
from algcn.method.plus import DEFAULTS, PLUS_WIDTH, PlusNet, PlusSettings
from algcn.training.checkpoint import Progress, load_checkpoint, save_checkpoint
from algcn.training.label_embeddings import fingerprint
from algcn.training.processes import Processes
from algcn.training.recipes import Rows, new_optimizer, new_schedule
from algcn.training.steps import Steps

ALONE = Processes()
NOT_SHARED = (
    "some processes see the checkpoint and some do not; --out must be a folder that all machines share, "
    "or train without --resume"
)
_SEEDING = threading.Lock()
TEST_WARNING = (
    "the epoch is picked ON THE TEST SET (--select test), as the authors did: "
    "its test numbers are optimistic and no estimate for new data"
)


@dataclasses.dataclass(frozen=True)
class EpochReport:
    """What an epoch gave: mean losses (parts and total), mAP on the split that selects, seconds."""

    epoch: int
    losses: dict[str, float]
    map: dict[str, float] | None
    seconds: float

    def for_record(self) -> Epoch:
        """The epoch as a bundle's record has it."""
        return Epoch(self.epoch, self.losses, self.map and MeanAveragePrecision(**self.map), self.seconds)

    def line(self, config: TrainConfig) -> str:
        """Return the report as a line for a terminal."""
        parts = "  ".join(f"{name.replace('_', '-')} {value:.4f}" for name, value in self.losses.items())
        scores = ""
        if self.map is not None:
            split = "TEST" if config.select == "test" else "validation"
            scores = f"  {split} mAP i→t {self.map['image_to_text']:.4f}  t→i {self.map['text_to_image']:.4f}"
        return f"epoch {self.epoch:>{len(str(config.epochs))}}/{config.epochs}  {parts}{scores}  {self.seconds:.1f} s"


@dataclasses.dataclass(frozen=True)
class TrainResult:
    """A trained model and how it came about.

    Attributes:
        model: With the weights of `best_epoch`, in evaluation mode.
        features: The features that it was trained on, with the validation split that was used.
        history: `learned_change` (epochs + 1) × L × L, that is γD, and `classifiers` (epochs + 1) × L × d float16;
            entry 0 is the state before training. Empty in mode "plus", whose graph is not learned epoch by epoch.
        thresholds: `image` and `text`, L each: a score at or above predicts the label.
        probabilities: `image` and `text`: from the cosines of labels to their probabilities.
        ranking: What a search ranks by.
        log: One `EpochReport` for each epoch.
        best_epoch: Counted from 1.
    """

    model: ALGCN
    features: Features
    history: dict[str, Tensor]
    thresholds: dict[str, Tensor]
    probabilities: dict[str, PlattScale]
    ranking: Ranking
    log: list[EpochReport]
    best_epoch: int


def train_algcn(
    features: Features,
    config: TrainConfig,
    *,
    model_config: ModelConfig | None = None,
    relevance: Tensor | None = None,
    label_embeddings: Tensor | None = None,
    prior_labels: Tensor | None = None,
    device: torch.device | str = "cpu",
    checkpoint: str | Path | None = None,
    checkpoint_seconds: float = 0.0,
    resume: bool = False,
    plus: PlusSettings = DEFAULTS,
    soft_labels: Tensor | None = None,
    soft_validation: Tensor | None = None,
    capture: bool = False,
    processes: Processes = ALONE,
    on_epoch: Callable[[EpochReport, ALGCN], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> TrainResult:
    """Train a model on the train split.

    Args:
        features: With a train split; where validation is missing it is carved from train (not with select "test",
            which trains on all of it, as the authors do).
        config: The training settings; `config.seed` decides start, order, noise and what is carved. Those of mode
            "plus" come from `algcn.method.plus.plus_config`.
        model_config: Sizes and switches; the mode's for the features' widths by default.
        relevance: The labels (column numbers) by which the epoch is picked; all by default.
        label_embeddings: H_0, L × label_dim; drawn at random without. `model_config` says whether it is learned.
        prior_labels: rows × L of 0 and 1 that the prior C is counted from; the train split by default.
        device: The device to train on.
        checkpoint: A file to write after an epoch; the caller removes it when the result is safe.
        checkpoint_seconds: Write it when so much time has passed since the last one, and after the last epoch.
        resume: Go on from `checkpoint` where it exists.
        plus: How much each part of the loss of mode "plus" counts.
        soft_labels: The labels of the train split's rows where some were imputed, N × L of 0 to 1, in mode "plus"; rows
            without any are left out.
        soft_validation: Those of the validation split's rows, M × L, which the probabilities are then fitted to.
        capture: Record the step as a CUDA graph (see `algcn.training.steps`); the result is the same to float
            tolerance.
        processes: The processes that train together (see `algcn.training.processes`); all call this with the same
            arguments, each with its own device. `config.batch_size` is that of all together.
        on_epoch: Called after every epoch with its report and the model as it is; may raise to give the run up.
        should_stop: Asked before every step; once it says yes, the epoch at hand is dropped and the best one so far is
            the result, its log shorter than `config.epochs`.

    Raises:
        InputError: Nothing to train on, a label without a training example (named), sizes that do not fit, a
            checkpoint of another run, a loss that is no longer a number, a stop before the first epoch was over, or a
            precision or capture that the device does not have.

    Example:
        >>> from algcn.method.labels import LabelSet
        >>> features = Features(
        ...     image_features=torch.rand(12, 8),
        ...     text_features=torch.rand(12, 6),
        ...     labels=torch.eye(2, dtype=torch.uint8).repeat(6, 1),
        ...     split=["train"] * 8 + ["validation"] * 4,
        ...     label_set=LabelSet(["dog", "beach"]),
        ...     file_names=[f"{number}.jpg" for number in range(12)],
        ... )
        >>> sizes = ModelConfig(image_dim=8, text_dim=6, num_labels=2, common_dim=4, label_dim=5)
        >>> result = train_algcn(features, TrainConfig(epochs=2, batch_size=4), model_config=sizes)
        >>> len(result.log), result.history["classifiers"].shape
        (2, torch.Size([3, 2, 4]))
    """
    is_plus = config.mode == "plus"
    model_config = model_config or default_sizes(features, config.mode)
    features.check_widths(model_config.image_dim, model_config.text_dim, "the model's configuration")
    features = with_validation(features, config.seed, config.select)
    training, labels = _trainable(features, soft_labels)
    selection = _selection(features, config)
    relevance = torch.arange(len(features.label_set)) if relevance is None else relevance

    device = torch.device(device)
    if device.type == "cpu":
        keep_large_buffers()
    if is_plus:
        model = _new_net(training, labels, config, model_config, plus, device)
    else:
        model = _new_model(training, config, model_config, device, label_embeddings, prior_labels)
    optimizer = new_optimizer(model, config)
    steps_in_epoch = math.ceil(len(training) / config.batch_size)
    generators = {
        "order": torch.Generator().manual_seed(config.seed),
        "noise": torch.Generator().manual_seed(config.seed + 1),
    }
    progress, run = Progress(), ""
    if checkpoint is not None:
        run = _fingerprint(features, config, model_config, relevance, device) + fingerprint(label_embeddings)
        run += f" {plus} {fingerprint(soft_labels)}" if is_plus else ""
        run += "" if prior_labels is None else f" prior {fingerprint(prior_labels)}"
        if processes.agree(resume and Path(checkpoint).is_file(), NOT_SHARED):
            progress = load_checkpoint(checkpoint, run, model, optimizer, generators)
    if not progress.epoch and not is_plus:
        _remember(progress, model)
    schedule = new_schedule(model, optimizer, config, steps_in_epoch, progress.epoch)

    rows = Rows(*(part.to(device) for part in (training.image_features, training.text_features, labels)))
    steps = Steps(
        model, optimizer, rows, config, generators["noise"], schedule=schedule, processes=processes, capture=capture
    )
    watched = None if selection is None else group(selection, device)
    saved = -math.inf
    while progress.epoch < config.epochs:
        started = time.perf_counter()
        losses = steps.epoch(torch.randperm(len(training), generator=generators["order"]), should_stop)
        if losses is None:
            break
        progress.epoch += 1
        if not all(map(math.isfinite, losses.values())):
            raise InputError(f"The loss is no longer a number in epoch {progress.epoch}; use a lower learning rate.")
        scores = None
        if watched is not None:
            embedded = embed_items(watched, model, processes.shared)
            scores = retrieval_map(embedded.with_labels(relevance.to(device)), processes.shared)
        report = EpochReport(progress.epoch, losses, scores, time.perf_counter() - started)
        _note(progress, model, report, config)
        now, is_last = time.perf_counter(), progress.epoch == config.epochs
        if checkpoint is not None and processes.is_first and (is_last or now - saved >= checkpoint_seconds):
            save_checkpoint(checkpoint, run, progress, model, optimizer, generators)
            saved = time.perf_counter()
        if on_epoch is not None:
            on_epoch(report, model)

    if not progress.best_state:
        raise InputError(
            "Training was stopped before its first epoch was over, so there is nothing to keep; train for longer."
        )
    model.load_state_dict(progress.best_state)
    model = model.folded() if is_plus else model.eval()
    scales = fit_probabilities(model, features, device, soft_validation)
    return TrainResult(
        model=model,
        features=features,
        history=progress.history(),
        thresholds=_fit_thresholds(model, features, device),
        probabilities=scales,
        ranking=fit_ranking(model, features, scales, fitting_weights(features, scales), device),
        log=[EpochReport(**entry) for entry in progress.log],
        best_epoch=progress.best_epoch,
    )


def with_validation(features: Features, seed: int, select: str) -> Features:
    """Carve a validation split from train where there is none (not with select "test", which trains on all of it)."""
    if select == "test" or "validation" in features.split:
        return features
    return carve_validation(features, seed=seed)


def default_sizes(features: Features, mode: str) -> ModelConfig:
    """Return a mode's sizes for features: as wide as the paper's, or half as wide in mode "plus", without a GCN."""
    sizes = ModelConfig(features.image_dim, features.text_dim, len(features.label_set))
    return sizes.replace(common_dim=PLUS_WIDTH, use_gcn=False) if mode == "plus" else sizes


def _trainable(features: Features, soft_labels: Tensor | None) -> tuple[Features, Tensor]:
    """Return the rows that are trained on and their labels."""
    training = features.select("train")
    labels = training.labels if soft_labels is None else soft_labels
    if len(labels) != len(training):
        raise InputError(f"There are {len(labels)} rows of labels for {len(training)} training rows; give as many.")
    kept = (labels != 0).any(dim=1)
    if not kept.any():
        raise InputError("No item of the train split has a label; give labelled items with the split 'train'.")
    return training.rows(kept.nonzero().flatten()), labels[kept]


def _selection(features: Features, config: TrainConfig) -> Features | None:
    """Return the split that picks the epoch (or, with "last", is only watched)."""
    split = "test" if config.select == "test" else "validation"
    chosen = features.select(split)
    if chosen.labels.any():
        return chosen
    if config.select == "last":
        return None
    raise InputError(f"The {split} split has no labelled item to pick the epoch on; add some or use --select last.")


def _new_model(
    training: Features,
    config: TrainConfig,
    model_config: ModelConfig,
    device: torch.device,
    label_embeddings: Tensor | None,
    prior_labels: Tensor | None,
) -> ALGCN:
    # Counted by image: one with five texts is one example of its labels.
    first, _ = training.first_rows()
    prior = label_prior(
        training.labels[first] if prior_labels is None else prior_labels,
        threshold=config.threshold,
        diagonal=config.prior_diagonal,
        names=training.label_set.names,
    )
    # The start is drawn from torch's one stream of random numbers: two runs must not seed it at once.
    with _SEEDING, torch.random.fork_rng():
        torch.manual_seed(config.seed)
        return ALGCN(model_config, prior, label_embeddings).to(device)


def _new_net(
    training: Features,
    labels: Tensor,
    config: TrainConfig,
    model_config: ModelConfig,
    plus: PlusSettings,
    device: torch.device,
) -> PlusNet:
    with _SEEDING, torch.random.fork_rng():
        torch.manual_seed(config.seed)
        return PlusNet(model_config, training.image_features, training.text_features, labels, plus).to(device)


def _note(progress: Progress, model: ALGCN | PlusNet, report: EpochReport, config: TrainConfig) -> None:
    """Add an epoch to the history and keep its weights if it is the best so far (the first of equals)."""
    if isinstance(model, ALGCN):
        _remember(progress, model)
    progress.log.append(dataclasses.asdict(report))
    if config.select == "last" or report.map[PRIMARY] > progress.best_score:
        progress.best_score = report.map[PRIMARY] if report.map else 0.0
        progress.best_epoch = report.epoch
        progress.best_state = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}


@torch.no_grad()
def _remember(progress: Progress, model: ALGCN) -> None:
    progress.learned_change.append(model.label_graph()["learned_change"].cpu())
    progress.classifiers.append(model.classifiers().to("cpu", torch.float16))


def _fingerprint(
    features: Features, config: TrainConfig, model_config: ModelConfig, relevance: Tensor, device: torch.device
) -> str:
    """Name a run: only one with the same data, settings and kind of device can be resumed."""
    settings = [config.to_dict(), model_config.to_dict(), relevance.tolist(), device.type, features.label_set.names]
    digest = hashlib.sha256(json.dumps([*settings, features.split, features.file_names]).encode())
    for tensor in (features.image_features, features.text_features, features.labels):
        digest.update(tensor.cpu().contiguous().numpy().data)
    return digest.hexdigest()


@torch.no_grad()
def _fit_thresholds(model: ALGCN, features: Features, device: torch.device) -> dict[str, Tensor]:
    """Fit thresholds of largest F1 on the validation split, or on train for a label that no validation item has."""
    thresholds = {modality: torch.full((len(features.label_set),), torch.nan) for modality in ("image", "text")}
    for split in ("validation", "train"):
        if not any(values.isnan().any() for values in thresholds.values()):
            break
        items = features.select(split)
        if not len(items):
            continue
        embedded = embed(items, model, device)
        for modality, embeddings, labels in (
            ("image", embedded.images, embedded.labels),
            ("text", embedded.texts, embedded.text_labels),
        ):
            fitted = fit_thresholds(cosine_scores(embeddings, model.classifiers()), labels).float().cpu()
            thresholds[modality] = torch.where(thresholds[modality].isnan(), fitted, thresholds[modality])
    return thresholds


def measure(result: TrainResult, config: TrainConfig, which: str, device: torch.device | str = "cpu") -> Record:
    """Measure a training run for its bundle's record: the model, and how it came about.

    Args:
        result: What `train_algcn` returned.
        config: The settings that it was trained with.
        which: The labels that decide relevance, "annotated" or "all"; the test split is also measured by all.
        device: Where to compute.
    """
    warning = TEST_WARNING if config.select == "test" else None
    return dataclasses.replace(
        measure_model(
            result.model, result.features, which, device, ranking=result.ranking, scales=result.probabilities
        ),
        split_name=result.features.split_name or None,
        left_out_of_training=int((result.features.select("train").labels == 0).all(dim=1).sum()),
        selection=Selection(config.select, f"{PRIMARY} mAP@all", result.best_epoch, warning),
        log=tuple(entry.for_record() for entry in result.log),
    )
