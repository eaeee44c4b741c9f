"""Measure the claims of METHOD.md again: `python -m algcn.study --features coco=FILE mirflickr=FILE --out DIR`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from algcn.command_line import (
    CommandParser,
    add_device,
    add_quiet,
    at_least,
    check_folder,
    file,
    open_device,
    path,
    writing,
)
from algcn.kit.errors import InputError, run_command
from algcn.kit.files import sha256
from algcn.study import tables
from algcn.study.experiments import EXPERIMENTS
from algcn.study.peers.experiment import CHECKOUTS, check
from algcn.study.running import Task, Workplace, measure_all
from algcn.study.settings import Settings, Study


def build_parser() -> CommandParser:
    """The arguments of the command."""
    parser = CommandParser(
        "python -m algcn.study",
        "Measure every claim of METHOD.md again; a stopped study goes on when started again.",
        "--features coco=coco.safetensors mirflickr=mirflickr.safetensors --out study",
    )
    parser.add_argument(
        "--features", nargs="+", required=True, type=_named_file, metavar="NAME=FILE", help="feature files"
    )
    parser.add_argument(
        "--captions", nargs="+", type=_named_file, default=[], metavar="NAME=FILE", help="CSV of file_name and text"
    )
    parser.add_argument("--out", type=path, required=True, help="folder of the measurements and the tables")
    parser.add_argument("--only", nargs="+", choices=EXPERIMENTS, help="some experiments instead of all")
    parser.add_argument("--collections", nargs="+", choices=list(Settings.load().collections), help="some collections")
    parser.add_argument("--seeds", nargs="+", type=at_least(0), help="some seeds instead of the five")
    parser.add_argument(
        "--peers",
        nargs="+",
        default=[],
        type=_named_checkout,
        metavar="NAME=CHECKOUT",
        help=f"also measure other people's methods, from clones of their code ({', '.join(CHECKOUTS)}); that code is "
        "run with all your rights, so name only what you trust",
    )
    parser.add_argument("--jobs", type=at_least(1), default=1, help="how many processes measure side by side")
    add_device(parser)
    add_quiet(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """The command."""
    arguments = build_parser().parse_args(argv)
    check_folder(arguments.out)
    open_device(arguments.device)
    settings = _chosen(Settings.load(), arguments.collections, arguments.seeds)
    settings = replace(settings, peers=dict(arguments.peers))
    if "peers" in (arguments.only or ()) and not arguments.peers:
        raise InputError("No peer is named; add for instance --peers dscmr=CHECKOUT.")
    check(settings.peers)
    given, captions = dict(arguments.features), dict(arguments.captions)
    names = sorted({collection.features for collection in settings.collections.values()})
    unknown = sorted({*given, *captions} - set(names))
    if unknown:
        raise InputError(f"The study has no collection {unknown[0]!r}; its features are {', '.join(names)}.")
    with writing(arguments.out):
        prints = {name: sha256(place) for name, place in given.items()}
        known = {name: prints.get(collection.features, "") for name, collection in settings.collections.items()}
        report = (lambda line: None) if arguments.quiet else (lambda line: print(line, file=sys.stderr, flush=True))
        workplace = Workplace(settings, given, captions, known, arguments.out, arguments.device)
        cells, studies = workplace.open()
        tasks = [task for experiment in arguments.only or EXPERIMENTS for task in _tasks(experiment, studies)]
        measure_all(tasks, workplace, (cells, studies), arguments.jobs, report)
        tables.write(arguments.out, replace(settings, collections=Settings.load().collections))


def _tasks(experiment: str, studies: Mapping[str, Study]) -> Iterator[Task]:
    for study in studies.values():
        if experiment in study.collection.experiments:
            for key in EXPERIMENTS[experiment].keys(study):
                yield Task(experiment, key)


def _chosen(settings: Settings, names: Sequence[str] | None, seeds: Sequence[int] | None) -> Settings:
    kept = {name: value for name, value in settings.collections.items() if names is None or name in names}
    return replace(settings, collections=kept, seeds=tuple(seeds or settings.seeds))


def _named_file(value: str) -> tuple[str, Path]:
    name, _, place = value.partition("=")
    if not place:
        raise argparse.ArgumentTypeError(
            f"{value!r} names no file; write NAME=FILE, coco=coco.safetensors for instance"
        )
    return name, file(place)


def _named_checkout(value: str) -> tuple[str, Path]:
    name, _, place = value.partition("=")
    if name not in CHECKOUTS or not place:
        raise argparse.ArgumentTypeError(f"{value!r} names no checkout; write NAME=FOLDER, {' or '.join(CHECKOUTS)}")
    if not path(place).is_dir():
        raise argparse.ArgumentTypeError(f"{place!r} is no folder; name a clone of {CHECKOUTS[name]}")
    return name, path(place)


if __name__ == "__main__":
    sys.exit(run_command(main))
