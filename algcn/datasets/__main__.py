"""A benchmark's official files as an image folder: `python -m algcn.datasets mirflickr --root DIR --out FOLDER`.

`mirflickr-subset` reads photos joined to the usual matrices instead (see `algcn.datasets.mirflickr_subset`).
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
from collections.abc import Sequence

from algcn.datasets import mirflickr, mirflickr_subset, ms_coco, nus_wide
from algcn.datasets.prepare import Collection, prepare
from algcn.datasets.splits import SEED, USUAL, Split
from algcn.kit.errors import InputError, run_command


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m algcn.datasets", description=__doc__.split(":")[0] + ".")
    commands = parser.add_subparsers(dest="dataset", required=True)
    for dataset, usual in USUAL.items():
        listed = "; ".join(f"{name} ({what})" for name, what in usual.items())
        command = commands.add_parser(dataset, help=f"the usual splits: {', '.join(usual)}")
        command.add_argument("--root", required=True, help="the folder the official archives were unpacked in")
        command.add_argument("--out", required=True, help="the image folder to make")
        command.add_argument("--split", default=next(iter(usual)), help=f"N-query, N-query-M-train; usually {listed}")
        command.add_argument("--seed", type=int, default=SEED, help=f"of the draw (default: {SEED})")
        if dataset != "mirflickr-subset":
            command.add_argument("--copy", action="store_true", help="copy the images (default: symbolic links)")
        command.add_argument("--quiet", action="store_true", help="no progress bar")
        if dataset == "mirflickr":
            command.add_argument("--annotations", choices=mirflickr.KINDS, default=mirflickr.KINDS[0])
        elif dataset == "nus-wide":
            command.add_argument("--images", help="the folder with the photos (default: Flickr below the root)")
            command.add_argument("--concepts", type=int, default=nus_wide.CONCEPTS, help="so many, the most frequent")
        elif dataset == "ms-coco":
            command.add_argument("--year", choices=ms_coco.YEARS, help="default: 2014 where it is there")
            command.add_argument("--captions", type=int, default=ms_coco.CAPTIONS, help="of each photo, at most")
    return parser


def _open(arguments: argparse.Namespace, stack: contextlib.ExitStack) -> Collection:
    if arguments.dataset == "mirflickr":
        return mirflickr.MirFlickr(arguments.root, arguments.annotations)
    if arguments.dataset == "mirflickr-subset":
        unpacked = stack.enter_context(tempfile.TemporaryDirectory())
        arguments.copy = True  # the archive's photos are unpacked for this run alone
        return mirflickr_subset.MirFlickrSubset(arguments.root, unpacked)
    if arguments.dataset == "nus-wide":
        return nus_wide.NusWide(arguments.root, arguments.images, arguments.concepts)
    collection = ms_coco.MsCoco(arguments.root, arguments.year, arguments.captions)
    stack.callback(collection.close)
    return collection


def main(argv: Sequence[str] | None = None) -> None:
    """The command."""
    arguments = _parser().parse_args(argv)
    for name in ("concepts", "captions"):
        if getattr(arguments, name, 1) < 1:
            raise InputError(f"--{name} {getattr(arguments, name)} is too small; use 1 or more")
    if arguments.out.endswith(".safetensors"):
        raise InputError(
            f"--out {arguments.out!r} must be a folder: this makes an image folder, and python -m algcn.extract makes "
            "features of it"
        )
    split = Split(arguments.dataset, arguments.split, arguments.seed)
    with contextlib.ExitStack() as stack:
        collection = _open(arguments, stack)
        summary = prepare(collection, arguments.out, split, copy=arguments.copy, progress=not arguments.quiet)
    for line in summary.lines(collection, split):
        print(line)
    words = f", a vocabulary of {len(collection.vocabulary):,} words" if collection.vocabulary is not None else ""
    print(f"{arguments.out}: {len(collection.label_set)} labels{words}")


if __name__ == "__main__":
    sys.exit(run_command(main))
