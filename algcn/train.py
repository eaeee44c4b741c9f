"""Train ALGCN on features: `python -m algcn.train FEATURES_OR_MAT_FOLDER --preset mirflickr --mode paper --out DIR`.

Notable:

- The features live on the device as three tensors; an epoch is a seeded permutation of row numbers, no data loader.
- Before the first epoch it says which labels there are on how many pictures, and at the end which rows were used.
- The prior C comes from the training split alone, or from the label rows that `--prior-labels` names. Items without
  labels are left out of training: the classification loss has nothing to say about them.
- The epoch is picked on the validation split by mAP@all, average of both directions; the test split is measured once,
  at the end. `--select test` picks on the test split as the authors did, and says so in everything it writes.
- A checkpoint is written after an epoch; `--resume` ends with the numbers of a run that was never stopped.
- The loop itself is `algcn.training.loop`. `torchrun --nproc-per-node N -m algcn.train …` shares every batch among N
  processes; the batch of the settings is that of all together, and so the result is the same.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from algcn.bundles.encoder import ChosenEncoder, choose_encoder
from algcn.bundles.weights import model_bytes
from algcn.command_line import (
    CommandParser,
    add_data,
    add_device,
    add_out,
    add_prior_labels,
    add_quiet,
    add_seed,
    check_folder,
    labels_line,
    number,
    open_device,
    read_features_only,
    reference,
    tell,
    writing,
)
from algcn.datasets.features import Features
from algcn.evaluation.measure import measure_splits
from algcn.evaluation.record import HELD_OUT, PriorLabels
from algcn.evaluation.reliability import fit_calibration, measure_calibration
from algcn.evaluation.retrieval import RELEVANCE, relevance_columns, summary
from algcn.kit.disk import MAKE_ROOM, DiskFullError, check_room, size_of
from algcn.kit.errors import InputError, run_command
from algcn.kit.progress import ProgressBar
from algcn.method.config import MODES, PRECISIONS, PRESETS, SELECTIONS, ModelConfig, TrainConfig, preset
from algcn.method.model import ALGCN
from algcn.training.ablations import ablate
from algcn.training.checkpoint import checkpoint_bytes, history_bytes
from algcn.training.given import label_counts, label_warnings, rows_used
from algcn.training.label_embeddings import LEARNED, read_label_embeddings
from algcn.training.loop import TEST_WARNING, EpochReport, TrainResult, measure, train_algcn
from algcn.training.prior_labels import read_prior_labels
from algcn.training.processes import Processes, joined

CHECKPOINT_SECONDS = 5.0  # between two checkpoints of the command: writing one takes longer than a short epoch


def build_parser() -> CommandParser:
    """The arguments of the command."""
    parser = CommandParser(
        "python -m algcn.train",
        "Train ALGCN on features and write a bundle.",
        "features.safetensors --preset pocket --compare-gcn --out weights/mine",
    )
    add_data(parser)
    add_out(parser, "folder of the bundle to write")
    parser.add_argument("--preset", default="mirflickr", help=f"settings to start from: {', '.join(PRESETS)}")
    parser.add_argument("--mode", default="paper", choices=MODES, help="which rules to train by")
    add_device(parser)
    parser.add_argument("--epochs", type=int, help="passes over the train split (default: the preset's)")
    parser.add_argument("--batch-size", type=int, help="items in a step (default: the preset's)")
    parser.add_argument("--learning-rate", type=number, help=f"of Adam (default: {TrainConfig.learning_rate:g})")
    add_seed(parser, None, f"of the start, the order and the noise (default: {TrainConfig.seed})")
    parser.add_argument(
        "--gamma", type=number, help=f"weight of the learned change of the graph (default: {ModelConfig.gamma:g})"
    )
    parser.add_argument(
        "--threshold",
        type=number,
        help=f"P(j | i) from which the prior has an edge (default: {TrainConfig.threshold:g})",
    )
    parser.add_argument("--common-dim", type=int, help=f"width of the common space (default: {ModelConfig.common_dim})")
    parser.add_argument(
        "--compare-gcn", action="store_true", help="train a second model without the graph and keep it in the bundle"
    )
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--encoder", type=reference, help="encoder to put into the bundle (default: the one the features name)"
    )
    source.add_argument(
        "--encoder-of", metavar="NAME", help="use the encoder of the bundle NAME beside the new one, without a copy"
    )
    parser.add_argument("--select", choices=SELECTIONS, help=f"what picks the epoch (default: {TrainConfig.select})")
    parser.add_argument(
        "--relevance-labels",
        choices=RELEVANCE,
        default="annotated",
        help="labels by which the epoch is picked and the result measured: those annotated by people, or all",
    )
    parser.add_argument("--half", action="store_true", help="keep the weights in half precision, half the size")
    parser.add_argument(
        "--precision", choices=PRECISIONS, help=f"of matrix products (default: {TrainConfig.precision})"
    )
    parser.add_argument("--capture", action="store_true", help="record the step as a CUDA graph and replay it")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint that a stopped run left")
    add_prior_labels(parser)
    _add_ablations(parser)
    add_quiet(parser)
    return parser


def _add_ablations(parser: CommandParser) -> None:
    group = parser.add_argument_group("ablations")
    group.add_argument("--no-gcn", action="store_true", help="free classifiers instead of the label graph")
    group.add_argument("--no-adaptive", action="store_true", help="the graph stays the prior, no change is learned")
    group.add_argument("--no-invariance", action="store_true", help="without the modality invariance loss")
    group.add_argument("--no-self-supervision", action="store_true", help="without the self-supervision loss")
    group.add_argument(
        "--gcn-layers",
        type=int,
        metavar="N",
        help=f"depth of the graph convolution (default: {ModelConfig.gcn_layers})",
    )
    group.add_argument(
        "--label-embeddings",
        type=reference,
        default=LEARNED,
        metavar="SOURCE",
        help="learned; encoder (the text encoder's vectors of the label names); a .mat file with the variable inp, a "
        "text file of word vectors (GloVe), or an encoder's folder: all of these are frozen",
    )


def configure(arguments: argparse.Namespace, features: Features) -> tuple[TrainConfig, ModelConfig]:
    """The preset with what the command line changes."""
    names = ("mode", "epochs", "batch_size", "learning_rate", "seed", "threshold", "select", "precision")
    given = {name: getattr(arguments, name) for name in names if getattr(arguments, name) is not None}
    sizes = {name: getattr(arguments, name) for name in ("gamma", "common_dim") if getattr(arguments, name) is not None}
    model_config = ModelConfig(features.image_dim, features.text_dim, len(features.label_set), **sizes)
    return preset(arguments.preset).replace(**given), model_config


class _Outcome(NamedTuple):
    """What the command trained, and all that keeping it needs."""

    result: TrainResult
    without_gcn: ALGCN | None
    config: TrainConfig
    encoder: ChosenEncoder
    prior_rows: int | None
    checkpoints: list[Path]


def main(argv: Sequence[str] | None = None) -> None:
    """The command."""
    arguments = build_parser().parse_args(argv)
    check_folder(arguments.out)
    with joined(arguments.device) as (processes, name), redirect_stdout(sys.stdout if processes.is_first else None):
        device = open_device(name)
        outcome = _train_all(arguments, processes, device)
    if processes.is_first:
        _keep(arguments, outcome, device)


def _train_all(arguments: argparse.Namespace, processes: Processes, device: torch.device) -> _Outcome:
    if arguments.compare_gcn and arguments.no_gcn:
        raise InputError("--compare-gcn trains a model with the graph and one without; leave --no-gcn out.")
    features = read_features_only(arguments.data)
    config, model_config = configure(arguments, features)
    shown = processes.is_first and not arguments.quiet
    out = arguments.out
    encoder = choose_encoder(features, out, encoder=arguments.encoder, encoder_of=arguments.encoder_of)
    label_embeddings = read_label_embeddings(arguments.label_embeddings, features.label_set, encoder.reference)
    prior_labels = read_prior_labels(arguments.prior_labels, features.label_set)
    config, model_config = ablate(
        config,
        model_config,
        use_gcn=not arguments.no_gcn,
        adaptive=not arguments.no_adaptive,
        invariance=not arguments.no_invariance,
        self_supervision=not arguments.no_self_supervision,
        gcn_layers=arguments.gcn_layers,
        label_embeddings=label_embeddings,
    )
    if encoder.note and shown:
        print(encoder.note, file=sys.stderr)
    if config.select == "test":
        print(f"WARNING: {TEST_WARNING}")

    print(labels_line(label_counts(features)), flush=True)
    for warning in label_warnings(features) if processes.is_first else ():
        print(warning, file=sys.stderr)

    if processes.is_first:
        _check_room(arguments, config, model_config, encoder)

    checkpoints: list[Path] = []

    def run(model_config: ModelConfig, name: str, label_embeddings: Tensor | None) -> TrainResult:
        def show(report: EpochReport, _: ALGCN) -> None:
            if bar.done == 0:
                bar.start_at(report.epoch - 1)
            bar.say(report.line(config))
            bar.update()

        checkpoints.append(_checkpoint(out, name))
        with (
            _kept(checkpoints),
            ProgressBar("train", total=config.epochs, unit="epoch", shown=shown) as bar,
        ):
            return train_algcn(
                features,
                config,
                model_config=model_config,
                label_embeddings=label_embeddings,
                prior_labels=prior_labels,
                relevance=relevance_columns(features.label_set, arguments.relevance_labels),
                device=device,
                checkpoint=checkpoints[-1],
                checkpoint_seconds=CHECKPOINT_SECONDS,
                resume=arguments.resume,
                capture=arguments.capture,
                processes=processes,
                on_epoch=show,
            )

    result = run(model_config, "", label_embeddings)
    without_gcn = None
    if arguments.compare_gcn:
        if shown:
            print("the same without the GCN")
        without_gcn = run(model_config.replace(use_gcn=False), "without_gcn.", None).model
    prior_rows = None if prior_labels is None else len(prior_labels)
    return _Outcome(result, without_gcn, config, encoder, prior_rows, checkpoints)


def _check_room(
    arguments: argparse.Namespace, config: TrainConfig, model_config: ModelConfig, encoder: ChosenEncoder
) -> None:
    """Refuse to train what will not fit: a checkpoint, and another or the bundle beside it.

    Raises:
        DiskFullError: It will not.
    """
    weights, trained = model_bytes(model_config), 1 + arguments.compare_gcn
    checkpoint = checkpoint_bytes(model_config, config.epochs)
    bundle = trained * weights + history_bytes(model_config, config.epochs) + encoder.copied_bytes
    there = size_of(_checkpoint(arguments.out, ""))
    check_room(arguments.out, max(0, trained * checkpoint + max(checkpoint, bundle) - there))


def _checkpoint(out: Path, name: str) -> Path:
    return out.with_name(f"{out.name}.{name}checkpoint.safetensors")


@contextmanager
def _kept(checkpoints: Sequence[Path]) -> Iterator[None]:
    """Say on a full disk how to go on from a checkpoint, where there is one."""
    try:
        yield
    except DiskFullError as error:
        resume = "make room on it and train again with --resume, which goes on from the last checkpoint"
        is_there = any(checkpoint.is_file() for checkpoint in checkpoints)
        raise error.advising(resume if is_there else MAKE_ROOM) from error.__cause__


def _keep(arguments: argparse.Namespace, outcome: _Outcome, device: torch.device) -> None:
    """Measure what was trained, and write the bundle."""
    from algcn.bundles.bundle import save_bundle

    result, without_gcn, config, encoder = outcome.result, outcome.without_gcn, outcome.config, outcome.encoder
    model, features = result.model, result.features
    if arguments.half:
        model.half().float()  # measured as it is kept
    record = measure(result, config, arguments.relevance_labels, device)
    if without_gcn is not None:
        without_gcn.half().float()  # this one is always kept in half precision
        columns = relevance_columns(features.label_set, arguments.relevance_labels)
        record = replace(record, without_gcn=measure_splits(without_gcn, features, columns, device))
    calibration = fit_calibration(model, features, encoder.weight, device)
    if calibration is not None:
        record = replace(record, calibration=measure_calibration(calibration, model, features, device=device))
    if outcome.prior_rows is not None:
        record = replace(record, prior_labels=PriorLabels(Path(arguments.prior_labels).name, outcome.prior_rows))
    record = replace(record, label_embeddings=Path(arguments.label_embeddings).name, encoder=encoder.results())
    with _kept(outcome.checkpoints), writing(arguments.out):
        save_bundle(
            arguments.out,
            model,
            features.label_set,
            **encoder.for_bundle(),
            half=arguments.half,
            training=config,
            thresholds=result.thresholds,
            calibration=calibration,
            metrics=record.to_json(),
            history=result.history,
            without_gcn=without_gcn,
        )
    for checkpoint in outcome.checkpoints:
        checkpoint.unlink(missing_ok=True)
    print(f"{arguments.out}: epoch {result.best_epoch}, picked on {config.select}")
    for split in HELD_OUT:
        if (measured := record.of(split)) is not None:
            print(summary(measured, split, "common"))
    tell(rows_used(features))
    if config.select == "test":
        print(f"WARNING: {TEST_WARNING}")


if __name__ == "__main__":
    sys.exit(run_command(main))
