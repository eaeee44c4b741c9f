"""Fit a bundle's calibration and test it: `python -m algcn.reliability BUNDLE FEATURES [--gallery FOLDER --name NAME]`.

The curves are fitted on the validation split; what they promise is compared with what happens on the test split and, if
one is named, on a gallery: other pictures than those trained on, whose labels are known. Curve and comparison go into
the bundle. What counts as a pair is said in `algcn.evaluation.reliability`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from algcn.command_line import read_features
from algcn.evaluation.ranking import ranking_vectors
from algcn.evaluation.reliability import fit_calibration, measure_calibration, summary
from algcn.evaluation.retrieval import Embedded
from algcn.kit.errors import InputError, run_command

if TYPE_CHECKING:
    from algcn.gallery.store import Gallery
    from algcn.method.labels import LabelSet


def gallery_items(gallery: Gallery, label_set: LabelSet, encoder_weight: float) -> Embedded:
    """A gallery in the ranking's space, with those of its labels that the bundle knows."""
    known = {name.casefold() for name in label_set.names}
    labels = [[name for name in item.labels or () if name.casefold() in known] for item in gallery.items]
    return Embedded(
        images=ranking_vectors(gallery.image_embeddings, gallery.image_features, encoder_weight),
        texts=ranking_vectors(gallery.text_embeddings, gallery.text_features, encoder_weight),
        owner=gallery.text_owner,
        labels=label_set.encode(labels),
    )


def main(argv: Sequence[str] | None = None) -> None:
    """The command."""
    from algcn.bundles.bundle import Bundle, update_bundle
    from algcn.gallery.store import build_gallery

    parser = argparse.ArgumentParser(prog="python -m algcn.reliability", description="Calibrate a bundle's scores.")
    parser.add_argument("bundle", type=Path, help="folder of the bundle; it is changed")
    parser.add_argument("data", help="the feature file (.safetensors) that the bundle was trained on")
    parser.add_argument("--gallery", type=Path, help="an image folder with labels, to test the curves on as well")
    parser.add_argument("--name", default="gallery", help="what to call that gallery (default: gallery)")
    arguments = parser.parse_args(argv)

    bundle = Bundle.load(arguments.bundle)
    features = read_features(arguments.data)
    if features is None or features.label_set.names != bundle.label_set.names:
        raise InputError(f"{arguments.data!r} is not the feature file of this bundle: its labels are others")
    calibration = fit_calibration(bundle.model, features, bundle.encoder_weight)
    if calibration is None:
        raise InputError(f"{arguments.data!r} has no labelled validation items of an encoder to calibrate on")
    gallery = build_gallery(arguments.gallery, bundle) if arguments.gallery else None
    others = {arguments.name: gallery_items(gallery, bundle.label_set, bundle.encoder_weight)} if gallery else {}
    report = measure_calibration(calibration, bundle.model, features, others)
    metrics = {**(bundle.metrics or {}), "calibration": report.to_json()}
    update_bundle(arguments.bundle, calibration=calibration, metrics=metrics)
    print(summary(report))


if __name__ == "__main__":
    sys.exit(run_command(main))
