"""Fit a bundle's calibration and test it: `python -m algcn.reliability BUNDLE FEATURES [--gallery FOLDER --name NAME]`.

Scores are those of the page's ranking (`algcn.ranking`). A pair is relevant when the two share any label of the bundle,
annotated or mined. An item without a label is left out, and so is an item's own partner (the picture of a caption):
on the page no query has one. The curves are fitted on the validation split; what they promise is compared with what
happens on the test split and, if one is named, on a gallery: other pictures than those trained on, whose labels are
known. Curve and comparison go into the bundle.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from algcn.calibration import DIRECTIONS, Calibration, fit_curve, reliability
from algcn.datasets.features import Features
from algcn.errors import InputError, run_command
from algcn.evaluate import Embedded, embed_for_ranking, read_features
from algcn.measure import has_own_space
from algcn.model import ALGCN
from algcn.ranking import ranking_vectors

if TYPE_CHECKING:
    from algcn.gallery import Gallery
    from algcn.labels import LabelSet

# Queries are taken evenly over the items until there would be more pairs than this.
MAX_PAIRS = 8_000_000
FIRST = 10
DEFINITIONS = {
    "relevance": "a pair is relevant when the two share any label of the bundle; items without a label and an item's "
    "own partner are left out",
    "bins": "pairs in ten groups of equal count by rising probability: mean predicted probability, share of relevant "
    "pairs, count",
    "brier": "mean squared difference between probability and outcome (1 or 0); 0 is best",
    "brier_of_base_rate": "the Brier score of always saying the share of relevant pairs",
    "ece": "expected calibration error: |predicted - observed| of each group, weighted by its count",
    "first_10": "the same two numbers for the ten best results of each query only, which is what a reader sees",
}


@dataclass(frozen=True)
class Pairs:
    """Queries against results: scores Q × N, whether each pair is relevant, and whether it counts."""

    scores: Tensor
    relevant: Tensor
    counted: Tensor

    def flat(self) -> tuple[np.ndarray, np.ndarray]:
        """Scores and relevance of the pairs that count, P each."""
        return self.scores[self.counted].numpy(), self.relevant[self.counted].numpy()


def pairs_of(items: Embedded, direction: str) -> Pairs:
    """The pairs of one of `calibration.DIRECTIONS`, on the CPU.

    Raises:
        InputError: no item has a label.
    """
    images = (items.images, items.labels, torch.arange(len(items.images), device=items.owner.device))
    texts = (items.texts, items.text_labels, items.owner)
    asked, offered = (images if side == "image" else texts for side in direction.split("_to_"))
    (query, wanted, own), (result, given, owner) = (
        [values[labels.any(dim=1).bool()].cpu() for values in (vectors, labels, owners)]
        for vectors, labels, owners in (asked, offered)
    )
    if not len(query) or not len(result):
        raise InputError("no item has a label, so no pair is known to be relevant or not")
    step = max(1, -(-len(query) * len(result) // MAX_PAIRS))
    query, wanted, own = query[::step], wanted[::step], own[::step]
    return Pairs(
        scores=query @ result.T,
        relevant=wanted.float() @ given.float().T > 0,
        counted=own[:, None] != owner,
    )


def fit_calibration(
    model: ALGCN, features: Features, encoder_weight: float, device: torch.device | str = "cpu"
) -> Calibration | None:
    """Fit all directions on the validation split.

    Args:
        model: in evaluation mode.
        features: with a validation split.
        encoder_weight: of the ranking.
        device: where to compute.

    Returns:
        None where there is nothing to fit: the features come from no encoder with a space of its own, or too few
        validation items have labels.
    """
    validation = features.select("validation")
    if not (has_own_space(features) and validation.labels.any()):
        return None
    items = embed_for_ranking(validation, model, encoder_weight, device)
    try:
        curves = {direction: fit_curve(*pairs_of(items, direction).flat()) for direction in DIRECTIONS}
    except InputError:
        return None
    return Calibration(curves, encoder_weight)


def measure_reliability(calibration: Calibration, items: Embedded) -> dict[str, Any]:
    """How well a calibration keeps its word on `items` in the ranking's space, by direction (see `DEFINITIONS`)."""
    return {direction: _reliability(calibration, pairs_of(items, direction), direction) for direction in DIRECTIONS}


def _reliability(calibration: Calibration, pairs: Pairs, direction: str) -> dict[str, Any]:
    scores, relevant = pairs.flat()
    report = reliability(calibration.probability(direction, scores), relevant)
    best = pairs.scores.masked_fill(~pairs.counted, -torch.inf).topk(min(FIRST, pairs.scores.shape[1]), dim=1)
    seen = best.values.isfinite()
    report["first_10"] = {
        "predicted": float(calibration.probability(direction, best.values[seen].numpy()).mean()),
        "observed": float(pairs.relevant.gather(1, best.indices)[seen].double().mean()),
        "count": int(seen.sum()),
    }
    return report


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


def measure_calibration(
    calibration: Calibration,
    model: ALGCN,
    features: Features,
    gallery: Gallery | None = None,
    name: str = "gallery",
    device: torch.device | str = "cpu",
) -> dict[str, Any]:
    """The part "calibration" of a bundle's metrics.json.

    Args:
        calibration: of `fit_calibration` on the same model and features.
        model: in evaluation mode.
        features: what the model was trained on, for their test split.
        gallery: other pictures with labels, in the common space of the same model.
        name: what to call the gallery.
        device: where to compute.

    Returns:
        `fitted_on` (split and sizes), `sets` (the test split and, with one, the gallery: `name`, sizes and
        `directions` as `measure_reliability` gives them) and `definitions`.
    """
    validation, test = features.select("validation"), features.select("test")
    weight = calibration.encoder_weight
    sets = []
    if test.labels.any():
        sets.append(("test split", embed_for_ranking(test, model, weight, device)))
    if gallery is not None:
        sets.append((name, gallery_items(gallery, features.label_set, weight)))
    return {
        "fitted_on": {"split": "validation", "images": len(set(validation.file_names)), "texts": len(validation)},
        "labels": len(features.label_set),
        "sets": [
            {
                "name": title,
                "images": len(items.images),
                "texts": len(items.texts),
                "directions": measure_reliability(calibration, items),
            }
            for title, items in sets
        ],
        "definitions": DEFINITIONS,
    }


def main(argv: Sequence[str] | None = None) -> None:
    """The command."""
    from algcn.bundle import Bundle, update_bundle
    from algcn.gallery import build_gallery

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
    report = measure_calibration(calibration, bundle.model, features, gallery, arguments.name)
    update_bundle(arguments.bundle, calibration=calibration, metrics={**(bundle.metrics or {}), "calibration": report})
    print(summary(report))


def summary(report: dict[str, Any]) -> str:
    """A few lines for a terminal."""
    lines = []
    for part in report["sets"]:
        lines.append(f"{part['name']}: {part['images']} images, {part['texts']} texts")
        for direction, found in part["directions"].items():
            first = found["first_10"]
            lines.append(
                f"  {direction:<15} Brier {found['brier']:.4f} (base rate {found['brier_of_base_rate']:.4f})   "
                f"ECE {found['ece']:.4f}   first {FIRST}: said {first['predicted']:.3f}, was {first['observed']:.3f}"
            )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(run_command(main))
