"""Train ALGCN on features: `python -m algcn.train FEATURES_OR_MAT_FOLDER --preset mirflickr --mode paper --out DIR`.

Notable:

- The features live on the device as three tensors; an epoch is a seeded permutation of row numbers, no data loader.
- The prior C comes from the training split alone, or from the label rows that `--prior-labels` names. Items without
  labels are left out of training: the classification loss has nothing to say about them.
- The epoch is picked on the validation split by mAP@all, average of both directions; the test split is measured once,
  at the end. `--select test` picks on the test split as the authors did, and says so in everything it writes.
- After every epoch a checkpoint is written; `--resume` ends with the numbers of a run that was never stopped.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import math
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from algcn import chosen_encoder
from algcn.ablations import ablate, add_arguments
from algcn.checkpoint import Progress, load_checkpoint, save_checkpoint
from algcn.config import MODES, PRESETS, SELECTIONS, ModelConfig, TrainConfig, preset
from algcn.datasets.features import Features
from algcn.errors import InputError, run_command
from algcn.evaluate import RELEVANCE, embed, read_features, relevance_columns, retrieval_map, summary
from algcn.extract import open_device
from algcn.graph import label_prior
from algcn.label_embeddings import fingerprint, read_label_embeddings
from algcn.losses import algcn_loss
from algcn.model import ALGCN, label_scores
from algcn.prior_labels import add_argument as add_prior_labels
from algcn.prior_labels import read_prior_labels
from algcn.reliability import fit_calibration, measure_calibration
from algcn.report import measure_model, measure_splits
from algcn.thresholds import fit_thresholds

VALIDATION_SHARE = 0.1
LOSS_PARTS = ("classification", "invariance", "self_supervision", "total")
_SEEDING = threading.Lock()
TEST_WARNING = (
    "the epoch is picked ON THE TEST SET (--select test), as the authors did: "
    "its test numbers are optimistic and no estimate for new data"
)


@dataclasses.dataclass(frozen=True)
class EpochReport:
    """What one epoch gave: mean losses (parts and total), mAP on the split that selects, seconds."""

    epoch: int
    losses: dict[str, float]
    map: dict[str, float] | None
    seconds: float

    def line(self, config: TrainConfig) -> str:
        """One line for a terminal."""
        parts = "  ".join(f"{name.replace('_', '-')} {self.losses[name]:.4f}" for name in LOSS_PARTS)
        scores = ""
        if self.map is not None:
            split = "TEST" if config.select == "test" else "validation"
            scores = f"  {split} mAP i→t {self.map['image_to_text']:.4f}  t→i {self.map['text_to_image']:.4f}"
        return f"epoch {self.epoch:>{len(str(config.epochs))}}/{config.epochs}  {parts}{scores}  {self.seconds:.1f} s"


@dataclasses.dataclass(frozen=True)
class TrainResult:
    """A trained model and how it came about.

    Attributes:
        model: with the weights of `best_epoch`, in evaluation mode.
        features: what it was trained on, with the validation split that was used.
        history: `learned_change` (epochs + 1) × L × L, that is γD, and `classifiers` (epochs + 1) × L × d float16;
            entry 0 is the state before training.
        thresholds: `image` and `text`, L each: a score at or above predicts the label.
        log: one `EpochReport` for each epoch.
        best_epoch: counted from 1.
    """

    model: ALGCN
    features: Features
    history: dict[str, Tensor]
    thresholds: dict[str, Tensor]
    log: list[EpochReport]
    best_epoch: int


def carve_validation(features: Features, share: float = VALIDATION_SHARE, seed: int = 103) -> Features:
    """Move `share` of the labelled training images, with all their texts, to the validation split.

    Images are drawn at random; one that holds the last training example of a label stays.
    """
    first, owner = features.first_rows()
    images = [image for image, row in enumerate(first) if features.split[row] == "train" and features.labels[row].any()]
    labels = features.labels[first].long()
    support = labels[images].sum(dim=0)
    taken: set[int] = set()
    for position in torch.randperm(len(images), generator=torch.Generator().manual_seed(seed)).tolist():
        if len(taken) >= round(share * len(images)):
            break
        row = labels[images[position]]
        if (support[row > 0] > 1).all():
            support -= row
            taken.add(images[position])
    split = [
        "validation" if image in taken else name for image, name in zip(owner.tolist(), features.split, strict=True)
    ]
    return dataclasses.replace(features, split=split)


def train(
    features: Features,
    config: TrainConfig,
    *,
    model_config: ModelConfig | None = None,
    relevance: Tensor | None = None,
    label_embeddings: Tensor | None = None,
    prior_labels: Tensor | None = None,
    device: torch.device | str = "cpu",
    checkpoint: str | Path | None = None,
    resume: bool = False,
    on_epoch: Callable[[EpochReport, ALGCN], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> TrainResult:
    """Train a model on the train split.

    Args:
        features: with a train split; where validation is missing it is carved from train (not with select "test",
            which trains on all of it, as the authors do).
        config: how to train; `config.seed` decides start, order, noise and what is carved.
        model_config: sizes and switches; the paper's for the features' widths without.
        relevance: the labels (column numbers) by which the epoch is picked; all without.
        label_embeddings: H_0, L × label_dim; drawn at random without. `model_config` says whether it is learned.
        prior_labels: rows × L of 0 and 1 that the prior C is counted from; the train split without.
        device: where to train.
        checkpoint: a file to write after every epoch; the caller removes it when the result is safe.
        resume: go on from `checkpoint` where it exists.
        on_epoch: called after every epoch with its report and the model as it is; may raise to give the run up.
        should_stop: asked before every step; once it says yes, the epoch at hand is dropped and the best one so far is
            the result, its log shorter than `config.epochs`.

    Raises:
        InputError: nothing to train on, a label without a training example (named), sizes that do not fit, a
            checkpoint of another run, a loss that is no longer a number, or a stop before the first epoch was over.
    """
    model_config = model_config or ModelConfig(features.image_dim, features.text_dim, len(features.label_set))
    features.check_widths(model_config.image_dim, model_config.text_dim, "the model's configuration")
    if config.select != "test" and "validation" not in features.split:
        features = carve_validation(features, seed=config.seed)
    training = _trainable(features)
    selection = _selection(features, config)
    relevance = torch.arange(len(features.label_set)) if relevance is None else relevance

    device = torch.device(device)
    model, prior = _new_model(training, config, model_config, device, label_embeddings, prior_labels)
    optimizer = torch.optim.Adam(
        model.parameter_groups(config.learning_rate, config.adaptive_lr_factor), betas=config.betas
    )
    generators = {
        "order": torch.Generator().manual_seed(config.seed),
        "noise": torch.Generator(device).manual_seed(config.seed + 1),
    }
    run = _fingerprint(features, config, model_config, relevance, device) + fingerprint(label_embeddings)
    run += "" if prior_labels is None else f" prior {fingerprint(prior_labels)}"
    if resume and checkpoint is not None and Path(checkpoint).is_file():
        progress = load_checkpoint(checkpoint, run, model, optimizer, generators)
    else:
        progress = Progress()
        _remember(progress, model)

    rows = [tensor.to(device) for tensor in (training.image_features, training.text_features, training.labels)]
    while progress.epoch < config.epochs:
        started = time.perf_counter()
        losses = _train_epoch(model, prior, optimizer, rows, config, generators, should_stop)
        if losses is None:
            break
        progress.epoch += 1
        if not all(map(math.isfinite, losses.values())):
            raise InputError(f"the loss is no longer a number in epoch {progress.epoch}; use a lower learning rate")
        scores = None
        if selection is not None:
            scores = retrieval_map(embed(selection, model, device).with_labels(relevance.to(device)))
        report = EpochReport(progress.epoch, losses, scores, time.perf_counter() - started)
        _note(progress, model, report, config)
        if checkpoint is not None:
            save_checkpoint(checkpoint, run, progress, model, optimizer, generators)
        if on_epoch is not None:
            on_epoch(report, model)

    if not progress.best_state:
        raise InputError("training was stopped before its first epoch was over; there is nothing to keep yet")
    model.load_state_dict(progress.best_state)
    model.eval()
    return TrainResult(
        model=model,
        features=features,
        history=progress.history(),
        thresholds=_fit_thresholds(model, features, device),
        log=[EpochReport(**entry) for entry in progress.log],
        best_epoch=progress.best_epoch,
    )


def _trainable(features: Features) -> Features:
    training = features.select("train")
    training = training.rows(training.labels.any(dim=1).nonzero().flatten())
    if not len(training):
        raise InputError("no item of the train split has a label; give labelled items with the split 'train'")
    return training


def _selection(features: Features, config: TrainConfig) -> Features | None:
    """The split that picks the epoch (or, with "last", is only watched)."""
    split = "test" if config.select == "test" else "validation"
    chosen = features.select(split)
    if chosen.labels.any():
        return chosen
    if config.select == "last":
        return None
    raise InputError(f"the {split} split has no labelled item to pick the epoch on; add some or use --select last")


def _new_model(
    training: Features,
    config: TrainConfig,
    model_config: ModelConfig,
    device: torch.device,
    label_embeddings: Tensor | None,
    prior_labels: Tensor | None,
) -> tuple[ALGCN, Tensor]:
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
        model = ALGCN(model_config, prior, label_embeddings).to(device)
    return model, model.prior


def _train_epoch(
    model: ALGCN,
    prior: Tensor,
    optimizer: torch.optim.Optimizer,
    rows: Sequence[Tensor],
    config: TrainConfig,
    generators: dict[str, torch.Generator],
    should_stop: Callable[[], bool] | None,
) -> dict[str, float] | None:
    """One pass over the training rows; the mean of every loss part, weighted by batch size. None if it was stopped."""
    model.train()
    image_features, text_features, labels = rows
    sums = torch.zeros(len(LOSS_PARTS), device=labels.device)
    for batch in torch.randperm(len(labels), generator=generators["order"]).split(config.batch_size):
        if should_stop is not None and should_stop():
            return None
        batch = batch.to(labels.device)
        output = model(image_features[batch], text_features[batch])
        losses = algcn_loss(output, labels[batch], prior, config, generators["noise"], layers=model.config.gcn_layers)
        optimizer.zero_grad(set_to_none=True)
        losses.total.backward()
        optimizer.step()
        sums += torch.stack([getattr(losses, name).detach() for name in LOSS_PARTS]) * len(batch)
    model.eval()
    return dict(zip(LOSS_PARTS, (sums / len(labels)).tolist(), strict=True))


def _note(progress: Progress, model: ALGCN, report: EpochReport, config: TrainConfig) -> None:
    """Add an epoch to the history and keep its weights where it is the best so far (the first of equals)."""
    _remember(progress, model)
    progress.log.append(dataclasses.asdict(report))
    if config.select == "last" or report.map["average"] > progress.best_score:
        progress.best_score = report.map["average"] if report.map else 0.0
        progress.best_epoch = report.epoch
        progress.best_state = {name: tensor.detach().cpu().clone() for name, tensor in model.state_dict().items()}


@torch.no_grad()
def _remember(progress: Progress, model: ALGCN) -> None:
    progress.learned_change.append(model.label_graph()["learned_change"].cpu())
    progress.classifiers.append(model.classifiers().to("cpu", torch.float16))


def _fingerprint(
    features: Features, config: TrainConfig, model_config: ModelConfig, relevance: Tensor, device: torch.device
) -> str:
    """Names a run: only one with the same data, settings and kind of device can be resumed."""
    settings = [config.to_dict(), model_config.to_dict(), relevance.tolist(), device.type, features.label_set.names]
    digest = hashlib.sha256(json.dumps([*settings, features.split, features.file_names]).encode())
    for tensor in (features.image_features, features.text_features, features.labels):
        digest.update(tensor.cpu().contiguous().numpy().data)
    return digest.hexdigest()


@torch.no_grad()
def _fit_thresholds(model: ALGCN, features: Features, device: torch.device) -> dict[str, Tensor]:
    """Thresholds of largest F1 on the validation split; on train for a label that no validation item has."""
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
            fitted = fit_thresholds(label_scores(embeddings, model.classifiers()), labels).float().cpu()
            thresholds[modality] = torch.where(thresholds[modality].isnan(), fitted, thresholds[modality])
    return thresholds


def measure(result: TrainResult, config: TrainConfig, which: str, device: torch.device | str = "cpu") -> dict[str, Any]:
    """What a bundle's metrics.json says about a training run: `report.measure_model`, and how the model came about.

    Args:
        result: of `train`.
        config: what it was trained with.
        which: the labels that decide relevance, "annotated" or "all"; the test split is also measured by all.
        device: where to compute.
    """
    selection = {"split": config.select, "measure": "average mAP@all", "best_epoch": result.best_epoch}
    if config.select == "test":
        selection["warning"] = TEST_WARNING
    split_name = result.features.split_name
    return {
        **({"split_name": split_name} if split_name else {}),
        **measure_model(result.model, result.features, which, device),
        "left_out_of_training": int((result.features.select("train").labels == 0).all(dim=1).sum()),
        "selection": selection,
        "log": [dataclasses.asdict(entry) for entry in result.log],
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m algcn.train", description="Train ALGCN on features.")
    parser.add_argument("data", help="feature file (.safetensors) or folder of the authors' .mat files")
    parser.add_argument("--out", required=True, help="folder of the bundle to write")
    parser.add_argument("--preset", default="mirflickr", help=f"one of {', '.join(PRESETS)} (default: mirflickr)")
    parser.add_argument("--mode", default="paper", choices=MODES)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--batch-size", type=int)
    parser.add_argument("--learning-rate", type=float)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--gamma", type=float, help="weight of the learned change of the graph (default: 0.5)")
    parser.add_argument("--threshold", type=float, help="P(j | i) from which the prior has an edge (default: 0.4)")
    parser.add_argument("--common-dim", type=int, help="width of the common space (default: 1024)")
    parser.add_argument(
        "--compare-gcn", action="store_true", help="train a second model without the graph and keep it in the bundle"
    )
    chosen_encoder.add_arguments(parser)
    parser.add_argument("--select", choices=SELECTIONS, help="what picks the epoch (default: validation)")
    parser.add_argument(
        "--relevance-labels",
        choices=RELEVANCE,
        default="annotated",
        help="labels by which the epoch is picked and the result measured (default: those annotated by people)",
    )
    parser.add_argument("--half", action="store_true", help="keep the weights in half precision, half the size")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint that a stopped run left")
    add_prior_labels(parser)
    add_arguments(parser)
    return parser


def configure(arguments: argparse.Namespace, features: Features) -> tuple[TrainConfig, ModelConfig]:
    """The preset with what the command line changes."""
    names = ("mode", "epochs", "batch_size", "learning_rate", "seed", "threshold", "select")
    given = {name: getattr(arguments, name) for name in names if getattr(arguments, name) is not None}
    sizes = {name: getattr(arguments, name) for name in ("gamma", "common_dim") if getattr(arguments, name) is not None}
    model_config = ModelConfig(features.image_dim, features.text_dim, len(features.label_set), **sizes)
    return preset(arguments.preset).replace(**given), model_config


def main(argv: Sequence[str] | None = None) -> None:
    """The command."""
    from algcn.bundle import save_bundle

    arguments = _parser().parse_args(argv)
    device = open_device(arguments.device)
    out = Path(arguments.out)
    if out.is_file():
        raise InputError(f"{str(out)!r} is a file; name a folder for the bundle")
    if arguments.compare_gcn and arguments.no_gcn:
        raise InputError("--compare-gcn trains a model with the graph and one without; leave --no-gcn out")
    features = read_features(arguments.data)
    if features is None:
        raise InputError(
            f"{arguments.data!r} holds no .mat files; for an image folder extract features first: "
            f"python -m algcn.extract {arguments.data} --bundle B --out features.safetensors"
        )
    config, model_config = configure(arguments, features)
    encoder = chosen_encoder.choose_encoder(features, arguments)
    label_embeddings = read_label_embeddings(arguments.label_embeddings, features.label_set, encoder.reference)
    prior_labels = read_prior_labels(arguments.prior_labels, features.label_set)
    config, model_config = ablate(arguments, config, model_config, label_embeddings)
    if config.select == "test":
        print(f"WARNING: {TEST_WARNING}")

    columns = relevance_columns(features.label_set, arguments.relevance_labels)
    checkpoints: list[Path] = []

    def run(model_config: ModelConfig, name: str, label_embeddings: Tensor | None) -> TrainResult:
        checkpoints.append(out.with_name(f"{out.name}.{name}checkpoint.safetensors"))
        return train(
            features,
            config,
            model_config=model_config,
            label_embeddings=label_embeddings,
            prior_labels=prior_labels,
            relevance=columns,
            device=device,
            checkpoint=checkpoints[-1],
            resume=arguments.resume,
            on_epoch=lambda report, _: print(report.line(config), flush=True),
        )

    result = run(model_config, "", label_embeddings)
    if arguments.half:
        result.model.half().float()  # measured as it is kept
    metrics = measure(result, config, arguments.relevance_labels, device)
    metrics["label_embeddings"] = Path(arguments.label_embeddings).name
    if prior_labels is not None:
        metrics["prior_labels"] = {"file": Path(arguments.prior_labels).name, "rows": len(prior_labels)}
    without_gcn = None
    if arguments.compare_gcn:
        print("the same without the GCN")
        # Measured as it is kept, in half precision.
        without_gcn = run(model_config.replace(use_gcn=False), "without_gcn.", None).model.half().float()
        metrics["without_gcn"] = measure_splits(without_gcn, result.features, columns, device)
    calibration = fit_calibration(result.model, result.features, encoder.weight, device)
    if calibration is not None:
        metrics["calibration"] = measure_calibration(calibration, result.model, result.features, device=device)
    save_bundle(
        out,
        result.model,
        features.label_set,
        **encoder.for_bundle(),
        half=arguments.half,
        training=config,
        thresholds=result.thresholds,
        calibration=calibration,
        metrics=metrics | encoder.metrics(),
        history=result.history,
        without_gcn=without_gcn,
    )
    for checkpoint in checkpoints:
        checkpoint.unlink(missing_ok=True)
    print(f"{out}: epoch {result.best_epoch}, picked on {config.select}")
    for split in ("validation", "test"):
        if split in metrics:
            print(summary({**metrics[split], "split": split, "space": "common"}))
    if config.select == "test":
        print(f"WARNING: {TEST_WARNING}")


if __name__ == "__main__":
    sys.exit(run_command(main))
