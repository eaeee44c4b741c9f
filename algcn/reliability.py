"""Fit a bundle's calibration and test it: `python -m algcn.reliability BUNDLE FEATURES [--gallery FOLDER --name NAME]`.

The curves are fitted on the validation split; what they promise is compared with what happens on the test split and, if
one is named, on a gallery: other pictures than those trained on, whose labels are known. Curve and comparison go into
the bundle. What counts as a pair is said in `algcn.evaluation.reliability`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from algcn.command_line import (
    CommandParser,
    add_data,
    add_device,
    add_json,
    add_quiet,
    answering,
    open_device,
    path,
    read_features,
    tell,
)
from algcn.datasets.features import Features
from algcn.datasets.image_folder import read_image_folder
from algcn.datasets.left_out import count_labels
from algcn.evaluation.ranking import ranking_vectors
from algcn.evaluation.reliability import fit_calibration, measure_calibration, summary
from algcn.evaluation.retrieval import Embedded
from algcn.kit.account import Account
from algcn.kit.errors import InputError, run_command
from algcn.kit.progress import ProgressBar

if TYPE_CHECKING:
    from algcn.bundles.bundle import Bundle
    from algcn.gallery.store import Gallery
    from algcn.method.labels import LabelSet


def account_of(features: Features, gallery: Gallery | None, label_set: LabelSet) -> Account:
    """What the curves are fitted and tested on: rows of the held-out splits, and of a gallery what has labels."""
    account = Account()
    labelled = features.labels.any(dim=1).tolist()
    for row, (name, split) in enumerate(zip(features.file_names, features.split, strict=True)):
        if split == "train":
            remedy = "the held-out splits alone say how far scores can be trusted"
            account.add("rows of the training split", f"row {row}, {name}", remedy, unit="feature rows")
        elif not labelled[row]:
            account.add("rows without a label", f"row {row}, {name}", "give it labels", unit="feature rows")
        else:
            account.use("feature rows")
    if gallery is None:
        return account
    account.merge(gallery.account)
    owners = gallery.text_owner.tolist()
    for position, (item, known) in enumerate(zip(gallery.items, known_labels(gallery, label_set), strict=True)):
        if known:
            continue
        account.used.subtract(pictures=1, captions=owners.count(position), labels=len(item.labels or ()))
        kind, remedy = "pictures without a label that the bundle knows", "give them one of its labels"
        account.add(kind, item.file_name, remedy, unit="pictures")
        if captions := owners.count(position):
            account.add("captions of pictures left out", f"that of {item.file_name}", "", captions, "captions")
        count_labels(account, item)
    return account


def known_labels(gallery: Gallery, label_set: LabelSet) -> list[list[str]]:
    """The labels of each picture of a gallery that the bundle knows."""
    known = {name.casefold() for name in label_set.names}
    return [[name for name in item.labels or () if name.casefold() in known] for item in gallery.items]


def gallery_items(gallery: Gallery, label_set: LabelSet, encoder_weight: float) -> Embedded:
    """A gallery in the ranking's space, with those of its labels that the bundle knows."""
    return Embedded(
        images=ranking_vectors(gallery.image_embeddings, gallery.image_features, encoder_weight),
        texts=ranking_vectors(gallery.text_embeddings, gallery.text_features, encoder_weight),
        owner=gallery.text_owner,
        labels=label_set.encode(known_labels(gallery, label_set)),
    )


def build_parser() -> CommandParser:
    """The arguments of the command."""
    parser = CommandParser(
        "python -m algcn.reliability",
        "Fit what a bundle's scores promise, and measure how far that can be trusted; both go into the bundle.",
        "weights/mine features.safetensors --gallery PHOTOS --name photos",
    )
    parser.add_argument("bundle", type=path, help="folder of the bundle; it is changed")
    add_data(parser, "the feature file (.safetensors) that the bundle was trained on")
    parser.add_argument("--gallery", type=path, help="an image folder with labels, to test the curves on as well")
    parser.add_argument("--name", default="gallery", help="what to call that gallery")
    add_device(parser)
    add_json(parser)
    add_quiet(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """The command."""
    arguments = build_parser().parse_args(argv)
    device = open_device(arguments.device)
    with answering(arguments.json) as answer:
        from algcn.bundles.bundle import Bundle, update_bundle

        if arguments.gallery is not None:
            read_image_folder(arguments.gallery)  # a name that is wrong is refused before the curves are fitted
        bundle = Bundle.load(arguments.bundle)
        model = bundle.model.to(device)
        features = read_features(arguments.data)
        if features is None or features.label_set.names != bundle.label_set.names:
            raise InputError(
                f"{str(arguments.data)!r} is not the feature file of this bundle: its labels are others; "
                "give the file that the bundle was trained on."
            )
        calibration = fit_calibration(model, features, bundle.encoder_weight, device)
        if calibration is None:
            raise InputError(
                f"{str(arguments.data)!r} has no labelled validation items of an encoder to calibrate on; "
                "give a feature file that python -m algcn.extract made with an encoder."
            )
        others, gallery = {}, None
        if arguments.gallery:
            gallery = _build(arguments.gallery, bundle, shown=not arguments.quiet)
            others[arguments.name] = gallery_items(gallery, bundle.label_set, bundle.encoder_weight)
        report = measure_calibration(calibration, model, features, others, device)
        update_bundle(
            arguments.bundle,
            calibration=calibration,
            metrics={**(bundle.metrics or {}), "calibration": report.to_json()},
        )
        account = account_of(features, gallery, bundle.label_set)
        print(summary(report))
        tell(account)
        answer({**report.to_json(), "account": account.to_json()})


def _build(folder: Path, bundle: Bundle, *, shown: bool) -> Gallery:
    from algcn.gallery.store import build_gallery

    with ProgressBar("encode", unit="item", shown=shown) as bar:
        return build_gallery(folder, bundle, bar.reach)


if __name__ == "__main__":
    sys.exit(run_command(main))
