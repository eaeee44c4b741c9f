"""A benchmark's official files as an image folder: `python -m algcn.datasets mirflickr --root DIR --out FOLDER`.

`mirflickr-subset` reads photos joined to the usual matrices instead (see `algcn.datasets.mirflickr_subset`).
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
from collections.abc import Sequence

from algcn.command_line import (
    CommandParser,
    add_json,
    add_out,
    add_quiet,
    add_seed,
    answering,
    at_least,
    check_folder,
    path,
)
from algcn.datasets import mirflickr, mirflickr_subset, ms_coco, nus_wide
from algcn.datasets.prepare import Collection, prepare
from algcn.datasets.splits import SEED, USUAL, Split
from algcn.kit.account import Account
from algcn.kit.errors import InputError, run_command


def build_parser() -> CommandParser:
    """The arguments of the command."""
    parser = CommandParser(
        "python -m algcn.datasets",
        "Make an image folder with a named split from a benchmark's official files.",
        "mirflickr --root MIRFLICKR --out PHOTOS",
    )
    commands = parser.add_subparsers(dest="dataset", required=True)
    for dataset, usual in USUAL.items():
        listed = "; ".join(f"{name} ({what})" for name, what in usual.items())
        rule = next(iter(usual))
        command = parser.add_command(
            commands, dataset, f"The usual splits: {', '.join(usual)}.", f"--root DIR --out PHOTOS --split {rule}"
        )
        command.add_argument(
            "--root", type=path, required=True, help="the folder the official archives were unpacked in"
        )
        add_out(command, "the image folder to make")
        command.add_argument("--split", default=rule, help=f"N-query, N-query-M-train; usually {listed}")
        add_seed(command, SEED, "of the draw")
        if dataset != "mirflickr-subset":
            command.add_argument("--copy", action="store_true", help="copy the images (default: symbolic links)")
        if dataset == "mirflickr":
            command.add_argument(
                "--annotations", choices=mirflickr.KINDS, default=mirflickr.KINDS[0], help="which labels count"
            )
        elif dataset == "nus-wide":
            command.add_argument(
                "--images", type=path, help="the folder with the photos (default: Flickr below the root)"
            )
            command.add_argument(
                "--concepts", type=at_least(1), default=nus_wide.CONCEPTS, help="so many, the most frequent"
            )
        elif dataset == "ms-coco":
            command.add_argument("--year", choices=ms_coco.YEARS, help="default: 2014 where it is there")
            command.add_argument(
                "--captions", type=at_least(1), default=ms_coco.CAPTIONS, help="of each photo, at most"
            )
        add_json(command)
        add_quiet(command)
    return parser


def _open(arguments: argparse.Namespace, stack: contextlib.ExitStack) -> Collection:
    if arguments.dataset == "mirflickr":
        return mirflickr.MirFlickr(arguments.root, arguments.annotations)
    if arguments.dataset == "mirflickr-subset":
        unpacked = stack.enter_context(tempfile.TemporaryDirectory())
        arguments.copy = True  # the archive's photos are unpacked for this run alone
        return mirflickr_subset.MirFlickrSubset(arguments.root, unpacked, progress=not arguments.quiet)
    if arguments.dataset == "nus-wide":
        return nus_wide.NusWide(arguments.root, arguments.images, arguments.concepts)
    collection = ms_coco.MsCoco(arguments.root, arguments.year, arguments.captions)
    stack.callback(collection.close)
    return collection


def main(argv: Sequence[str] | None = None) -> None:
    """The command."""
    arguments = build_parser().parse_args(argv)
    out = arguments.out
    if out.suffix == ".safetensors":
        raise InputError(
            f"--out {str(out)!r} must be a folder: this makes an image folder, and python -m algcn.extract makes "
            "features of it."
        )
    check_folder(out)
    split = Split(arguments.dataset, arguments.split, arguments.seed)
    with answering(arguments.json) as answer, contextlib.ExitStack() as stack:
        collection = _open(arguments, stack)
        summary = prepare(collection, out, split, copy=arguments.copy, progress=not arguments.quiet)
        for line in summary.lines(collection, split):
            print(line)
        words = f", a vocabulary of {len(collection.vocabulary):,} words" if collection.vocabulary is not None else ""
        print(f"{out}: {len(collection.label_set)} labels{words}")
        account = Account()
        account.use("items", summary.kept)
        account.merge(summary.left_out)
        account.merge(collection.account)
        for line in account.lines():
            print(line)
        answer(
            {
                "out": str(out),
                "split": split.name,
                "kept": summary.kept,
                "compared": collection.against_benchmark(summary.kept, summary.left_out.counts),
                "left_out": dict(sorted(summary.left_out.counts.items())),
                "account": account.to_json(),
                "splits": {name or "in neither": count for name, count in summary.splits.items()},
                "labels": len(collection.label_set),
                "words": None if collection.vocabulary is None else len(collection.vocabulary),
            }
        )


if __name__ == "__main__":
    sys.exit(run_command(main))
