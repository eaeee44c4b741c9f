"""Fit what a bundle's scores mean and test it: `python -m algcn.reliability BUNDLE FEATURES [--gallery FOLDER]`.

Label probabilities, the rule of ranking, the directed label graph and the curves are fitted on the train and validation
splits, the model stays as it is; so a bundle that was made before there were any gets them. What the curves promise is
compared with what happens on the test split and, if one is named, on a gallery: other pictures than those trained on,
whose labels are known. All of it goes into the bundle. What counts as a pair is said in
`algcn.evaluation.reliability`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from algcn.bundles.predictor import LabelPredictor
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
from algcn.evaluation.evidence import describe
from algcn.evaluation.fitting import fit_probabilities, fit_ranking, fitting_weights
from algcn.evaluation.measure import measure_ranking
from algcn.evaluation.record import HELD_OUT, Record
from algcn.evaluation.reliability import Labelled, fit_calibration, measure_calibration, summary
from algcn.evaluation.retrieval import RELEVANCE, has_own_space
from algcn.kit.account import Account
from algcn.kit.errors import InputError, run_command
from algcn.kit.progress import ProgressBar
from algcn.training.modes import directed_graph

if TYPE_CHECKING:
    import torch

    from algcn.bundles.bundle import Bundle
    from algcn.gallery.store import Gallery
    from algcn.method.labels import LabelSet
    from algcn.method.model import ALGCN


NOT_CALIBRATED = "not calibrated: the features share no space of an encoder, or too few validation items have labels"


def account_of(features: Features, gallery: Gallery | None, label_set: LabelSet) -> Account:
    """What is fitted and tested on: rows that have labels, and of a gallery what has."""
    account = Account()
    labelled = features.labels.any(dim=1).tolist()
    for row, name in enumerate(features.file_names):
        if not labelled[row]:
            account.add("rows without a label", f"row {row}, {name}", "give it labels", unit="feature rows")
        else:
            account.use("feature rows")
    if gallery is None:
        return account
    account.merge(gallery.account)
    owners = gallery.text_owner.tolist()
    for position, item in enumerate(gallery.items):
        if label_set.among(item.labels or ()):
            continue
        account.used.subtract(pictures=1, captions=owners.count(position), labels=len(item.labels or ()))
        kind, remedy = "pictures without a label that the bundle knows", "give them one of its labels"
        account.add(kind, item.file_name, remedy, unit="pictures")
        if captions := owners.count(position):
            account.add("captions of pictures left out", f"that of {item.file_name}", "", captions, "captions")
        count_labels(account, item)
    return account


def gallery_items(gallery: Gallery, bundle: Bundle) -> Labelled:
    """A gallery as evidence sees it, with those of its labels that the bundle knows, to be compared with."""
    predictor = LabelPredictor(bundle)
    images, texts = (
        describe(embeddings, predictor.probabilities(embeddings, modality), features)
        for modality, embeddings, features in (
            ("image", gallery.image_embeddings.float(), gallery.image_features.float()),
            ("text", gallery.text_embeddings.float(), gallery.text_features.float()),
        )
    )
    return Labelled(images, texts, gallery.text_owner, predictor.known(gallery.items))


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
    parser.add_argument(
        "--chances-only",
        action="store_true",
        help="leave label probabilities, ranking and graph as they are; FEATURES may lack some of the training rows",
    )
    parser.add_argument(
        "--relevance-labels", choices=RELEVANCE, default="annotated", help="labels by which ranking is measured"
    )
    add_device(parser)
    add_json(parser)
    add_quiet(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """The command."""
    arguments = build_parser().parse_args(argv)
    device = open_device(arguments.device)
    with answering(arguments.json) as answer:
        from algcn.bundles.bundle import Bundle
        from algcn.bundles.saving import update_bundle

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
        record, changed = Record.read(bundle.metrics or {}), {}
        if not arguments.chances_only:
            bundle, record, changed = _refit(bundle, model, features, record, arguments.relevance_labels, device)
        scales, ranking = bundle.probabilities, bundle.ranking
        encode = bundle.encoder().encode_texts if "text" in bundle.encodes and has_own_space(features) else None
        calibration = fit_calibration(model, features, ranking, scales, device, encode)
        bundle = replace(bundle, calibration=calibration)
        others, gallery = {}, None
        if arguments.gallery:
            gallery = _build(arguments.gallery, bundle, shown=not arguments.quiet)
            others[arguments.name] = gallery_items(gallery, bundle)
        account = account_of(features, gallery, bundle.label_set)
        report: dict[str, Any] = {}
        if calibration is not None:
            tested = measure_calibration(calibration, model, features, ranking, scales, others, device, encode)
            report = tested.to_json()
            record = replace(record, calibration=tested)
        if not arguments.chances_only:
            changed["directed_graph"] = directed_graph(features, model.cpu(), scales)
        update_bundle(arguments.bundle, calibration=calibration, metrics=record.to_json(), **changed)
        for split in HELD_OUT:
            by_labels = record.ranked_by_labels
            if by_labels is not None and (found := by_labels.of(split)) is not None and found.map is not None:
                average, by_chance = found.map.primary, found.map.chance
                print(f"{split}, ranked by labels: mAP {average:.4f} (random ranking {by_chance:.4f})")
        print(summary(tested) if report else NOT_CALIBRATED)
        tell(account)
        answer({**report, "account": account.to_json()})


def _refit(
    bundle: Bundle, model: ALGCN, features: Features, record: Record, relevance: str, device: torch.device
) -> tuple[Bundle, Record, dict[str, Any]]:
    """Fit label probabilities and the rule of ranking anew, and measure the ranking.

    Returns:
        The bundle and its record with them, and what of its files changes.
    """
    scales = fit_probabilities(model, features, device)
    if not scales:
        raise InputError(
            "The features have no labelled validation items to fit on; give the feature file that the bundle was "
            "trained on, with its validation split."
        )
    ranking = fit_ranking(model, features, scales, fitting_weights(features, scales), device)
    tradeoff, by_labels = measure_ranking(model, features, relevance, ranking, scales, device)
    record = replace(record, ranking=tradeoff, ranked_by_labels=by_labels)
    return replace(bundle, probabilities=scales, ranking=ranking), record, {"probabilities": scales, "ranking": ranking}


def _build(folder: Path, bundle: Bundle, *, shown: bool) -> Gallery:
    from algcn.gallery.store import build_gallery

    with ProgressBar("encode", unit="item", shown=shown) as bar:
        return build_gallery(folder, bundle, bar.reach)


if __name__ == "__main__":
    sys.exit(run_command(main))
