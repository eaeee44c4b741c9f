"""From labelled pictures to a model of one's own: `python -m algcn.quickstart PHOTOS --out weights/mine`.

The commands one after another, each picture encoded once: what is in the folder, features, a training in mode plus
(batch and epochs from the number of pictures), the first numbers beside chance, the encoder alone and a linear probe,
the gallery, a report. Every label counts: those of one's own pictures were all given by people.

The features are those that a gallery keeps, by the content of each picture: a run that was stopped goes on, a picture
that was added is the only one to be encoded, and the new model's gallery needs no encoding. Beside the bundle stand its
features (OUT.features.safetensors, for the single commands) and its report (OUT.html).
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from algcn import train
from algcn.bundles.bundle import Bundle
from algcn.command_line import (
    CommandParser,
    add_bundle,
    add_device,
    add_json,
    add_out,
    add_quiet,
    answering,
    check_folder,
    labels_line,
    open_bundle,
    open_device,
    path,
    tell,
    writing,
)
from algcn.datasets.features import Features
from algcn.datasets.image_folder import ImageFolder, read_image_folder
from algcn.datasets.splits import split_name
from algcn.features.extraction import label_set_of, split_of
from algcn.gallery.store import Gallery, build_gallery
from algcn.kit.errors import InputError, run_command
from algcn.kit.files import sha256
from algcn.kit.progress import ProgressBar
from algcn.method.config import TrainConfig
from algcn.report import __main__ as report
from algcn.training.first_numbers import first_numbers
from algcn.training.given import learnable
from algcn.training.loop import with_validation
from algcn.training.verdict import probe_warning

RELEVANCE_BY = "all"  # labels


def features_of(gallery: Gallery, folder: ImageFolder, bundle: Bundle) -> Features:
    """Return a gallery's features as those of image-text pairs, with labels and splits.

    Raises:
        InputError: No picture has both a text and a label.
    """
    items, owner = gallery.items, gallery.text_owner
    if not any(items[position].labels for position in owner.tolist()):
        raise InputError(
            f"No picture of {str(folder.root)!r} has a text and a label, and a model is trained on both; give it a "
            "metadata.csv with the columns file_name, text and labels."
        )
    label_set = label_set_of(folder, bundle.label_set)
    of_text = [items[position] for position in owner.tolist()]
    return Features(
        image_features=gallery.image_features[owner],
        text_features=gallery.text_features,
        labels=label_set.encode(item.labels or [] for item in of_text),
        split=[item.split or split_of(item.file_name) for item in of_text],
        label_set=label_set,
        file_names=[item.file_name for item in of_text],
        encoder={"reference": str(bundle.encoder_reference), "fingerprint": bundle.encoder_fingerprint},
        split_name=split_name(folder.root),
    )


def build_parser() -> CommandParser:
    """The arguments of the command."""
    parser = CommandParser(
        "python -m algcn.quickstart",
        "Train a model on a folder of labelled pictures, measure it, and say how to look at it.",
        "PHOTOS --out weights/mine",
    )
    parser.add_argument("folder", type=path, help="images and a metadata.csv (file_name,text,labels,split)")
    add_out(parser, "folder of the bundle to write")
    add_bundle(parser, default="weights/pocket", help="take the encoder of this bundle")
    add_device(parser)
    add_json(parser)
    add_quiet(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """The command."""
    arguments = build_parser().parse_args(argv)
    folder, out, shown = arguments.folder, arguments.out, not arguments.quiet
    check_folder(out)
    device = open_device(arguments.device)
    with answering(arguments.json) as answer:
        listing = read_image_folder(folder)
        source = open_bundle(arguments.bundle)
        if source.encodes != {"image", "text"}:
            raise InputError(f"The bundle {arguments.bundle} has no encoder of pictures and texts; use weights/pocket.")
        source.model.to(device)
        print(labels_line(listing.label_counts), flush=True)
        with ProgressBar("encode", shown=shown) as bar:
            gallery = build_gallery(folder, source, bar.reach, must_keep=True)
        tell(gallery.account)
        data = out.with_name(f"{out.name}.features.safetensors")
        features = features_of(gallery, listing, source)
        mute = len(gallery) - len(set(features.file_names))
        if mute:
            print(f"{mute:,} pictures without a text can be searched and are no part of the training.")
        before = sha256(data) if data.is_file() else None
        with writing(data):
            features.save(data)
        train.main(_training(arguments, data, goes_on=before == sha256(data)))

        bundle = Bundle.load(out, device)
        used = with_validation(learnable(features)[0], TrainConfig.seed, TrainConfig.select)
        numbers = first_numbers(bundle, used, RELEVANCE_BY)
        if numbers is None:
            print("No labelled picture is in the test split, so there is nothing to compare; label more pictures.")
        else:
            print(f"mAP on the test split, average of both directions:\n{numbers.table()}")
            warning = probe_warning(numbers.model, numbers.linear_probe, "plus")
            if warning:
                print(warning, file=sys.stderr)
        build_gallery(folder, bundle)  # all is encoded: to know that it opens
        written = out.with_name(f"{out.name}.html")
        report.main([str(out), "--out", str(written)])
        command = shlex.join(["python", "app.py", "--bundle", str(out), "--gallery", str(folder)])
        print(f"Look at it:\n  {command}")
        answer(
            {
                "bundle": str(out),
                "features": str(data),
                "report": str(written),
                "test_map": numbers and numbers._asdict(),
                "account": gallery.account.to_json(),
                "next": command,
            }
        )


def _training(arguments: argparse.Namespace, data: Path, *, goes_on: bool) -> list[str]:
    """Return the arguments of the training; one that was stopped goes on where the features are the same."""
    given = [str(data), "--mode", "plus", "--out", str(arguments.out), "--relevance-labels", RELEVANCE_BY]
    switches = {"--quiet": arguments.quiet, "--resume": goes_on}
    return [*given, "--device", arguments.device, *(name for name, is_on in switches.items() if is_on)]


if __name__ == "__main__":
    sys.exit(run_command(main))
