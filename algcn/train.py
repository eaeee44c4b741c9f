"""Train ALGCN on features: `python -m algcn.train FEATURES_OR_MAT_FOLDER --mode paper|plus|both --out DIR`.

Notable:

- Mode paper trains as the paper does; mode plus to rank by label probabilities (`algcn.method.plus`), with batch and
  epochs from the number of training rows and a directed label graph in the bundle. `both` trains the two and writes
  one bundle: it opens with the model of mode plus, the one of mode paper beside it.

- The features live on the device as three tensors; an epoch is a seeded permutation of row numbers, no data loader.
- Before the first epoch it says which labels there are on how many pictures, and at the end which rows were used.
- The prior C comes from the training split alone, or from the label rows that `--prior-labels` names. Items without
  labels are left out of training: the classification loss has nothing to say about them.
- The epoch is picked on the validation split by mAP@all, average of both directions; the test split is measured once,
  at the end. `--select test` picks on the test split as the authors did, and says so in everything it writes.
- A checkpoint is written after an epoch; `--resume` ends with the numbers of a run that was never stopped.
- The loop itself is `algcn.training.loop`. `torchrun --nproc-per-node N -m algcn.train …` shares every batch, and what
  is ranked to pick the epoch, among N processes; the batch of the settings is that of all together, and so the result
  is the same. The first of them measures it in the end, alone.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import torch

from algcn.bundles.encoder import ChosenEncoder, choose_encoder
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
from algcn.evaluation.retrieval import RELEVANCE, has_own_space, relevance_columns, summary
from algcn.kit.disk import MAKE_ROOM, DiskFullError, check_room, size_of
from algcn.kit.errors import InputError, run_command
from algcn.kit.progress import ProgressBar
from algcn.method.config import PRECISIONS, PRESETS, SELECTIONS, ModelConfig, TrainConfig
from algcn.method.model import ALGCN
from algcn.method.plus import BATCH, PLUS_RATE, PLUS_WIDTH
from algcn.training.ablations import ablate
from algcn.training.given import label_counts, label_warnings, learnable, rows_used
from algcn.training.incomplete import CompletedLabels, complete_labels
from algcn.training.label_embeddings import LEARNED, read_label_embeddings
from algcn.training.loop import (
    TEST_WARNING,
    EpochReport,
    TrainResult,
    default_sizes,
    measure,
    train_algcn,
    with_validation,
)
from algcn.training.modes import CHOICES, Run, directed_graph, plus_run
from algcn.training.presets import paper_config
from algcn.training.prior_labels import read_prior_labels
from algcn.training.processes import Processes, joined
from algcn.training.table import models_table
from algcn.training.verdict import last_epoch_warning

CHECKPOINT_SECONDS = 5.0  # between two checkpoints of the command: writing one takes longer than a short epoch
AUTO = "auto"
# Options that say nothing in mode "plus", by their names in the arguments.
OF_MODE_PAPER = (
    "preset",
    "gamma",
    "threshold",
    "compare_gcn",
    "capture",
    "prior_labels",
    "no_gcn",
    "no_adaptive",
    "no_invariance",
    "no_self_supervision",
    "gcn_layers",
    "label_embeddings",
)


def build_parser() -> CommandParser:
    """The arguments of the command."""
    parser = CommandParser(
        "python -m algcn.train",
        "Train ALGCN on features and write a bundle.",
        "features.safetensors --mode both --compare-gcn --out weights/mine",
    )
    add_data(parser)
    add_out(parser, "folder of the bundle to write")
    parser.add_argument(
        "--mode", default="paper", choices=CHOICES, help="which rules to train by; both: a bundle with two models"
    )
    parser.add_argument(
        "--preset", help=f"settings of mode paper to start from: {', '.join(PRESETS)} (default: what suits the data)"
    )
    add_device(parser)
    parser.add_argument(
        "--epochs", type=int, help="passes over the train split (default: the preset's, or enough for the data)"
    )
    parser.add_argument(
        "--batch-size", type=int, help=f"items in a step (default: the preset's or, in mode plus, {BATCH})"
    )
    parser.add_argument(
        "--learning-rate",
        type=number,
        help=f"of Adam (default: {TrainConfig.learning_rate:g} or, in mode plus, {PLUS_RATE:g})",
    )
    add_seed(parser, None, f"of the start, the order and the noise (default: {TrainConfig.seed})")
    parser.add_argument(
        "--gamma", type=number, help=f"weight of the learned change of the graph (default: {ModelConfig.gamma:g})"
    )
    parser.add_argument(
        "--threshold",
        type=number,
        help=f"P(j | i) from which the prior has an edge (default: {TrainConfig.threshold:g})",
    )
    parser.add_argument(
        "--common-dim",
        type=int,
        help=f"width of the common space (default: {ModelConfig.common_dim} or, in mode plus, {PLUS_WIDTH})",
    )
    parser.add_argument(
        "--incomplete-labels",
        type=_share,
        metavar="SHARE",
        help="of mode plus: this share of the true labels was given, the others are imputed; auto: estimate it",
    )
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


def _share(text: str) -> float | str:
    """Read the share of the true labels that were given, or "auto"."""
    return AUTO if text == AUTO else number(text)


class _Trained(NamedTuple):
    """A run of the command and its result."""

    run: Run
    result: TrainResult


class _Outcome(NamedTuple):
    """What the command trained, by the names of the runs, and all that keeping it needs."""

    trained: dict[str, _Trained]
    encoder: ChosenEncoder
    completed: CompletedLabels | None
    checkpoints: list[Path]


def main(argv: Sequence[str] | None = None) -> None:
    """The command."""
    parser = build_parser()
    arguments = parser.parse_args(argv)
    _check_mode(arguments, parser)
    check_folder(arguments.out)
    with joined(arguments.device) as (processes, name), redirect_stdout(sys.stdout if processes.is_first else None):
        device = open_device(name)
        outcome = _train_all(arguments, processes, device)
    if processes.is_first:
        _keep(arguments, outcome, device)


def _check_mode(arguments: argparse.Namespace, parser: CommandParser) -> None:
    """Refuse options that say nothing in the mode that is asked for.

    Raises:
        InputError: One is given.
    """
    if arguments.mode == "plus":
        for name in OF_MODE_PAPER:
            if getattr(arguments, name) != parser.get_default(name):
                flag = name.replace("_", "-")
                raise InputError(f"The option --{flag} is for mode paper; leave it out, or use --mode paper or both.")
    if arguments.mode == "paper" and arguments.incomplete_labels is not None:
        raise InputError("The option --incomplete-labels is for mode plus; leave it out, or use --mode plus or both.")
    if arguments.compare_gcn and arguments.no_gcn:
        raise InputError("--compare-gcn trains a model with the graph and one without; leave --no-gcn out.")


def _runs(arguments: argparse.Namespace, features: Features, encoder: ChosenEncoder) -> list[Run]:
    """Return what is to be trained, in this order; the last but for the model without the GCN is the bundle's own."""
    names = ("epochs", "batch_size", "learning_rate", "seed", "select", "precision")
    given = {name: getattr(arguments, name) for name in names if getattr(arguments, name) is not None}
    sizes = {} if arguments.common_dim is None else {"common_dim": arguments.common_dim}
    runs = []
    if arguments.mode != "plus":
        threshold = {} if arguments.threshold is None else {"threshold": arguments.threshold}
        gamma = {} if arguments.gamma is None else {"gamma": arguments.gamma}
        label_embeddings = read_label_embeddings(arguments.label_embeddings, features.label_set, encoder.reference)
        config, model_config = ablate(
            paper_config(features, arguments.preset, **given, **threshold),
            default_sizes(features, "paper").replace(**sizes, **gamma),
            use_gcn=not arguments.no_gcn,
            adaptive=not arguments.no_adaptive,
            invariance=not arguments.no_invariance,
            self_supervision=not arguments.no_self_supervision,
            gcn_layers=arguments.gcn_layers,
            label_embeddings=label_embeddings,
        )
        prior_labels = read_prior_labels(arguments.prior_labels, features.label_set)
        runs.append(Run("paper", config, model_config, label_embeddings, prior_labels, arguments.capture))
        if arguments.compare_gcn:
            runs.append(runs[0].without_gcn())
    if arguments.mode != "paper":
        runs.append(plus_run(features, given, sizes))
    return runs


def _train_all(arguments: argparse.Namespace, processes: Processes, device: torch.device) -> _Outcome:
    features = read_features_only(arguments.data)
    shown = processes.is_first and not arguments.quiet
    out = arguments.out
    encoder = choose_encoder(features, out, encoder=arguments.encoder, encoder_of=arguments.encoder_of)
    found = labels_line(label_counts(features))
    warnings = label_warnings(features)
    if arguments.prior_labels is None:  # rows of the user's own may speak for labels without a training picture
        features, left_out = learnable(features)
        warnings += [left_out] if left_out else []
    seed = TrainConfig.seed if arguments.seed is None else arguments.seed
    if arguments.mode != "paper":
        features = with_validation(features, seed, arguments.select or TrainConfig.select)
    runs = _runs(arguments, features, encoder)
    if encoder.note and shown:
        print(encoder.note, file=sys.stderr)
    if runs[0].config.select == "test":
        print(f"WARNING: {TEST_WARNING}")

    print(found, flush=True)
    for warning in warnings if processes.is_first else ():
        print(warning, file=sys.stderr)

    checkpoints = {run.name: _checkpoint(out, "" if run is _own(runs) else f"{run.name}.") for run in runs}
    if processes.is_first:
        _check_room(out, runs, encoder, list(checkpoints.values()))

    completed = None
    if arguments.incomplete_labels is not None:
        share = None if arguments.incomplete_labels == AUTO else arguments.incomplete_labels
        completed = complete_labels(features, share, device)
        print(completed.line(), flush=True)

    def train(run: Run) -> TrainResult:
        def show(report: EpochReport, _: ALGCN) -> None:
            if bar.done == 0:
                bar.start_at(report.epoch - 1)
            bar.say(report.line(run.config))
            bar.update()

        imputed = {}
        if run.is_plus and completed is not None:
            imputed = {"soft_labels": completed.training, "soft_validation": completed.validation}
        with (
            _kept(checkpoints.values()),
            ProgressBar("train", total=run.config.epochs, unit="epoch", shown=shown) as bar,
        ):
            return train_algcn(
                features,
                run.config,
                model_config=run.model_config,
                label_embeddings=run.label_embeddings,
                prior_labels=run.prior_labels,
                relevance=relevance_columns(features.label_set, arguments.relevance_labels),
                device=device,
                checkpoint=checkpoints[run.name],
                checkpoint_seconds=CHECKPOINT_SECONDS,
                resume=arguments.resume,
                capture=run.capture,
                processes=processes,
                on_epoch=show,
                **imputed,
            )

    trained = {}
    for run in runs:
        if run.name == "without_gcn":
            if shown:
                print("the same without the GCN")
        else:
            print(f"mode {run.name}: {run.config.epochs} epochs, batches of {run.config.batch_size}", flush=True)
        trained[run.name] = _Trained(run, train(run))
    return _Outcome(trained, encoder, completed, list(checkpoints.values()))


def _own(runs: Sequence[Run]) -> Run:
    """Return the run whose model the bundle opens with: that of mode "plus" where there is one."""
    return runs[-1] if runs[-1].is_plus else runs[0]


def _check_room(out: Path, runs: Sequence[Run], encoder: ChosenEncoder, checkpoints: Sequence[Path]) -> None:
    """Refuse to train what will not fit: a checkpoint for each model, and another or the bundle beside them.

    Raises:
        DiskFullError: It will not.
    """
    sizes = [run.checkpoint_bytes for run in runs]
    bundle = encoder.copied_bytes + sum(run.bundle_bytes for run in runs)
    there = sum(map(size_of, checkpoints))
    check_room(out, max(0, sum(sizes) + max(*sizes, bundle) - there))


def _checkpoint(out: Path, name: str) -> Path:
    return out.with_name(f"{out.name}.{name}checkpoint.safetensors")


@contextmanager
def _kept(checkpoints: Iterable[Path]) -> Iterator[None]:
    """Say on a full disk how to go on from a checkpoint, where there is one."""
    try:
        yield
    except DiskFullError as error:
        resume = "make room on it and train again with --resume, which goes on from the last checkpoint"
        is_there = any(checkpoint.is_file() for checkpoint in checkpoints)
        raise error.advising(resume if is_there else MAKE_ROOM) from error.__cause__


def _keep(arguments: argparse.Namespace, outcome: _Outcome, device: torch.device) -> None:
    """Measure what was trained, and write the bundle."""
    from algcn.bundles.saving import save_bundle
    from algcn.bundles.split import TrainedSplit

    trained, encoder = outcome.trained, outcome.encoder
    paper = trained.get("paper")
    run, result = own = trained.get("plus") or trained["paper"]
    beside = paper if paper is not own else None
    without_gcn = trained["without_gcn"].result.model if "without_gcn" in trained else None
    model, features = result.model, result.features
    if arguments.half:
        model.half().float()  # measured as it is kept
    record = measure(result, run.config, arguments.relevance_labels, device)
    if beside is not None:
        beside.result.model.half().float()  # these are always kept in half precision
        measured = measure(beside.result, beside.run.config, arguments.relevance_labels, device)
        record = replace(record, other_modes={"paper": measured.mode_results()})
    if without_gcn is not None:
        without_gcn.half().float()
        columns = relevance_columns(features.label_set, arguments.relevance_labels)
        record = replace(record, without_gcn=measure_splits(without_gcn, features, columns, device))
    fitted = (model, features, result.ranking, result.probabilities)
    encode = encoder.encode_texts() if has_own_space(features) else None
    calibration = fit_calibration(*fitted, device, encode)
    if calibration is not None:
        tested = measure_calibration(calibration, *fitted, device=device, encode=encode)
        record = replace(record, calibration=tested)
    if paper is not None:
        record = replace(record, label_embeddings=Path(arguments.label_embeddings).name)
        if paper.run.prior_labels is not None:
            rows = PriorLabels(Path(arguments.prior_labels).name, len(paper.run.prior_labels))
            record = replace(record, prior_labels=rows)
    if outcome.completed is not None:
        record = replace(record, imputed_labels=outcome.completed.for_record())
    record = replace(record, encoder=encoder.results())
    with _kept(outcome.checkpoints), writing(arguments.out):
        save_bundle(
            arguments.out,
            model,
            features.label_set,
            **encoder.for_bundle(),
            half=arguments.half,
            training=run.config,
            thresholds=result.thresholds,
            probabilities=result.probabilities,
            ranking=result.ranking,
            calibration=calibration,
            metrics=record.to_json(),
            history=(paper or own).result.history,
            without_gcn=without_gcn,
            paper=beside and beside.result.model,
            paper_training=beside and beside.run.config,
            directed_graph=directed_graph(features, model, result.probabilities) if run.is_plus else None,
            split=TrainedSplit.of(features.file_names, features.split),
        )
    for checkpoint in outcome.checkpoints:
        checkpoint.unlink(missing_ok=True)
    print(f"{arguments.out}: epoch {result.best_epoch}, picked on {run.config.select}")
    if beside is not None:
        print(f"beside it mode paper: epoch {beside.result.best_epoch}, picked on {beside.run.config.select}")
    if len(trained) > 1:
        print(models_table(record))
    else:
        for split in HELD_OUT:
            for space, of in (("common", record), ("labels", record.ranked_by_labels if run.is_plus else None)):
                if of is not None and (measured := of.of(split)) is not None:
                    print(summary(measured, split, space))
    tell(rows_used(features))
    for item, outcome_of in trained.values():
        warning = last_epoch_warning(outcome_of.best_epoch, item.config.epochs, item.config.select)
        if warning:
            print(f"{item.title}: {warning}", file=sys.stderr)
    if run.config.select == "test":
        print(f"WARNING: {TEST_WARNING}")


if __name__ == "__main__":
    sys.exit(run_command(main))
