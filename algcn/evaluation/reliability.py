"""Fit a calibration on validation pairs, and measure how far its probabilities agree with what happens.

Scores are those of the page's ranking (`algcn.evaluation.ranking`). A pair is relevant when the two share any label of
the bundle, annotated or mined. An item without a label is left out, and so is an item's own partner (the picture of a
caption): on the page no query has one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from algcn.datasets.features import Features
from algcn.evaluation.calibration import DIRECTIONS, Calibration, fit_curve, reliability
from algcn.evaluation.probabilities import PlattScale
from algcn.evaluation.ranking import Ranking
from algcn.evaluation.record import CalibrationTest, FittedOn, TestedSet
from algcn.evaluation.results import Bin, Reliability
from algcn.evaluation.retrieval import Embedded, embed_for_ranking, has_own_space
from algcn.kit.errors import InputError
from algcn.method.model import ALGCN

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
    """Pair queries with results in one of `calibration.DIRECTIONS`, on the CPU.

    Raises:
        InputError: No item has a label.
    """
    images = (items.images, items.labels, torch.arange(len(items.images), device=items.owner.device))
    texts = (items.texts, items.text_labels, items.owner)
    asked, offered = (images if side == "image" else texts for side in direction.split("_to_"))
    (query, wanted, own), (result, given, owner) = (
        [values[labels.any(dim=1).bool()].cpu() for values in (vectors, labels, owners)]
        for vectors, labels, owners in (asked, offered)
    )
    if not len(query) or not len(result):
        raise InputError("No item has a label, so no pair is known to be relevant or not; give labelled items.")
    step = max(1, -(-len(query) * len(result) // MAX_PAIRS))
    query, wanted, own = query[::step], wanted[::step], own[::step]
    return Pairs(
        scores=query @ result.T,
        relevant=wanted.float() @ given.float().T > 0,
        counted=own[:, None] != owner,
    )


def fit_calibration(
    model: ALGCN,
    features: Features,
    ranking: Ranking,
    scales: Mapping[str, PlattScale],
    device: torch.device | str = "cpu",
) -> Calibration | None:
    """Fit a calibration of all directions on the validation split.

    Args:
        model: In evaluation mode.
        features: With a validation split.
        ranking: What a search ranks by.
        scales: From cosines of labels to probabilities.
        device: Where to compute.

    Returns:
        None where there is nothing to fit: the features come from no encoder with a space of its own, or too few
        validation items have labels.
    """
    validation = features.select("validation")
    if not (has_own_space(features) and validation.labels.any()):
        return None
    items = embed_for_ranking(validation, model, ranking, scales, device)
    try:
        curves = {direction: fit_curve(*pairs_of(items, direction).flat()) for direction in DIRECTIONS}
    except InputError:
        return None
    return Calibration(curves, ranking.weights)


def measure_reliability(calibration: Calibration, items: Embedded) -> dict[str, Reliability]:
    """Measure how far a calibration agrees with what happens on items in the ranking's space, by direction."""
    return {direction: _reliability(calibration, pairs_of(items, direction), direction) for direction in DIRECTIONS}


def _reliability(calibration: Calibration, pairs: Pairs, direction: str) -> Reliability:
    scores, relevant = pairs.flat()
    whole = reliability(calibration.probability(direction, scores), relevant)
    best = pairs.scores.masked_fill(~pairs.counted, -torch.inf).topk(min(FIRST, pairs.scores.shape[1]), dim=1)
    seen = best.values.isfinite()
    first = Bin(
        predicted=float(calibration.probability(direction, best.values[seen].numpy()).mean()),
        observed=float(pairs.relevant.gather(1, best.indices)[seen].double().mean()),
        count=int(seen.sum()),
    )
    return replace(whole, first_10=first)


def measure_calibration(
    calibration: Calibration,
    model: ALGCN,
    features: Features,
    ranking: Ranking,
    scales: Mapping[str, PlattScale],
    others: Mapping[str, Embedded] | None = None,
    device: torch.device | str = "cpu",
) -> CalibrationTest:
    """Test a calibration on the test split and on other items.

    Args:
        calibration: What `fit_calibration` returned on the same model and features.
        model: In evaluation mode.
        features: What the model was trained on, for their test split.
        ranking: What a search ranks by.
        scales: From cosines of labels to probabilities.
        others: Other pictures with labels in the ranking's space, by what to call them.
        device: Where to compute.

    Returns:
        The part of a bundle's record; its sets are the test split, where two of its pictures have labels, then
        `others`.
    """
    validation, test = features.select("validation"), features.select("test")
    sets = []
    labelled = {name for name, has in zip(test.file_names, test.labels.any(dim=1).tolist(), strict=True) if has}
    if len(labelled) > 1:  # one picture has no other to be compared with
        sets.append(("test split", embed_for_ranking(test, model, ranking, scales, device)))
    sets.extend((others or {}).items())
    return CalibrationTest(
        fitted_on=FittedOn("validation", images=len(set(validation.file_names)), texts=len(validation)),
        labels=len(features.label_set),
        sets=tuple(
            TestedSet(title, len(items.images), len(items.texts), measure_reliability(calibration, items))
            for title, items in sets
        ),
        definitions=DEFINITIONS,
    )


def summary(test: CalibrationTest) -> str:
    """Say a test in a few lines for a terminal."""
    lines = []
    for part in test.sets:
        lines.append(f"{part.name}: {part.images} images, {part.texts} texts")
        for direction, found in part.directions.items():
            first = found.first_10
            lines.append(
                f"  {direction:<15} Brier {found.brier:.4f} (base rate {found.brier_of_base_rate:.4f})   "
                f"ECE {found.ece:.4f}   first {FIRST}: said {first.predicted:.3f}, was {first.observed:.3f}"
            )
    return "\n".join(lines)
