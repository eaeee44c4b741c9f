"""Measure mode plus on few pictures beside a linear probe: `python -m tests.benchmarks.small_data FEATURES --out OUT`.

For each size and seed a random subset of the training images of a feature file, split anew by names as a folder would
be, is trained on in mode plus without a flag. It is measured, ranked by probable labels, on the subset's validation
split (by which settings may be chosen), on its own test split (few items) and on the feature file's test split (many).
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from algcn.command_line import CommandParser, add_data, add_out, at_least, read_features_only
from algcn.datasets.features import Features
from algcn.evaluation.linear_probe import linear_probe
from algcn.evaluation.measure import embed_by_labels
from algcn.evaluation.results import PRIMARY
from algcn.evaluation.retrieval import relevance_columns, retrieval_map
from algcn.features.extraction import split_of
from algcn.kit.errors import run_command
from algcn.training.given import learnable
from algcn.training.loop import train_algcn
from algcn.training.modes import plus_run

SIZES, SEEDS = (300, 600, 3000), (1, 2, 3)
MEASURED = ("validation", "own test", "whole test")


def subset(features: Features, size: int, seed: int) -> Features:
    """Draw images of the train split and split them by their names; the first text of each."""
    first, _ = features.first_rows()
    training = [row for row in first if features.split[row] == "train"]
    order = torch.randperm(len(training), generator=torch.Generator().manual_seed(seed))[:size]
    drawn = features.rows([training[position] for position in order.tolist()])
    return replace(drawn, split=[split_of(f"{seed}/{name}") for name in drawn.file_names])


def measure(features: Features, size: int, seed: int) -> dict[str, dict[str, float]]:
    """Train on a subset and return the average mAP on what is measured, by method."""
    own, _ = learnable(subset(features, size, seed))
    kept = [features.label_set.names.index(name) for name in own.label_set.names]
    whole = replace(features.select("test"), labels=features.select("test").labels[:, kept], label_set=own.label_set)
    run = plus_run(own, {"seed": seed}, {})
    columns = relevance_columns(own.label_set, "annotated")
    result = train_algcn(own, run.config, model_config=run.model_config, relevance=columns)
    found: dict[str, dict[str, float]] = {"plus": {}, "linear_probe": {}}
    for name, items in zip(MEASURED, (own.select("validation"), own.select("test"), whole), strict=True):
        embedded = embed_by_labels(items, result.model, result.ranking, result.probabilities, columns)
        found["plus"][name] = retrieval_map(embedded.with_labels(columns))[PRIMARY]
        asked = replace(items, split=["test"] * len(items), file_names=[f"{name}/{file}" for file in items.file_names])
        probe, _ = linear_probe(joined(own, asked), columns)
        found["linear_probe"][name] = retrieval_map(probe.with_labels(columns))[PRIMARY]
    return {**found, "epochs": {"best": result.best_epoch, "all": run.config.epochs}}


def joined(own: Features, asked: Features) -> Features:
    """The training and validation splits of a subset, with other items as the test split."""
    kept = own.rows([row for row, split in enumerate(own.split) if split != "test"])
    return replace(
        kept,
        image_features=torch.cat([kept.image_features, asked.image_features]),
        text_features=torch.cat([kept.text_features, asked.text_features]),
        labels=torch.cat([kept.labels, asked.labels]),
        split=[*kept.split, *asked.split],
        file_names=[*kept.file_names, *asked.file_names],
    )


def main(argv: Sequence[str] | None = None) -> None:
    """The command."""
    parser = CommandParser(
        "python -m tests.benchmarks.small_data", "Measure mode plus on few pictures.", "features.safetensors --out OUT"
    )
    add_data(parser)
    add_out(parser, "a JSON file of the figures")
    parser.add_argument("--sizes", type=at_least(30), nargs="+", default=list(SIZES), help="images drawn")
    parser.add_argument("--seeds", type=at_least(0), nargs="+", default=list(SEEDS), help="a draw and training each")
    arguments = parser.parse_args(argv)
    features, answer = read_features_only(arguments.data), {}
    for size in arguments.sizes:
        runs = []
        for seed in arguments.seeds:
            started = time.perf_counter()
            runs.append(measure(features, size, seed))
            print(f"{size} seed {seed}: {json.dumps(runs[-1])} {time.perf_counter() - started:.1f} s", flush=True)
        for name in MEASURED:
            plus, probe = (statistics.mean(run[method][name] for run in runs) for method in ("plus", "linear_probe"))
            print(f"{size} {name}: plus {plus:.4f}, probe {probe:.4f}, difference {plus - probe:+.4f}", flush=True)
        answer[size] = runs
        Path(arguments.out).write_text(json.dumps(answer, indent=2), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(run_command(main))
