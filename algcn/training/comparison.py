"""Compare ALGCN with chance, a linear probe and itself without the graph, on the same items and by the same measure.

The measure is mAP@all; what there is to choose is chosen on the validation split, what is measured is measured on test:

- chance: what a random ranking is expected to reach, exactly;
- linear_probe: for each modality a logistic regression for every label; the vector of label probabilities is the
  embedding. Strength of regularisation by validation. It has no randomness, so no spread over seeds;
- algcn: the model of the paper;
- algcn_without_gcn: the same with free classifiers in place of those the graph convolution makes.

Where one label is on most items, a ranking that knows nothing scores high: every result is given for several
definitions of relevance, one of them without that label.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from algcn.datasets.features import SPLITS, Features
from algcn.datasets.validation import carve_validation
from algcn.evaluation.linear_probe import FITS as PROBE_FITS
from algcn.evaluation.linear_probe import linear_probe
from algcn.evaluation.measure import split_sizes
from algcn.evaluation.record import MethodComparison, PickedStrength
from algcn.evaluation.results import MEASURES, PRIMARY, MethodCurves, MethodResult, RelevanceBlock, SplitResult, Spread
from algcn.evaluation.retrieval import DEFINITIONS as EVALUATE_DEFINITIONS
from algcn.evaluation.retrieval import (
    Embedded,
    chance,
    embed,
    evaluate_embedded,
    relevance_columns,
    retrieval_map,
)
from algcn.kit.errors import InputError
from algcn.kit.progress import ProgressBar
from algcn.method.config import ModelConfig, TrainConfig
from algcn.method.labels import LabelSet
from algcn.training.loop import train_algcn
from algcn.training.verdict import last_epoch_warning

DEFINITIONS = {
    "measure": "mean average precision over the whole ranking (mAP@all) by cosine on the test split; an image queries "
    "all texts, a text all images, its own partner included; queries without a label are left out; equal "
    "cosines: the mean over all their orders (McSherry and Najork 2008)",
    "chance": "expected mAP of a random ranking, exact",
    "linear_probe": "a logistic regression per label and modality; ranking by the cosine of label probabilities; "
    "regularisation picked on validation",
    "algcn": "mode paper, epoch picked on validation; mean and sample standard deviation over the seeds",
    "algcn_without_gcn": "the same with free classifiers instead of the graph convolution",
    "precision_recall": EVALUATE_DEFINITIONS["precision_recall"],
    "per_label": "mean AP of the queries that have the label",
    "relevance": "relevant = at least one label in common, of the labels of that block",
}


@dataclass(frozen=True)
class Relevance:
    """A definition of what is relevant: sharing one of these labels."""

    name: str
    columns: Tensor


def relevances(label_set: LabelSet, which: str, without: str | None) -> list[Relevance]:
    """The labels chosen (`annotated` by people, or `all`) and, where `without` is one of them, the same without it.

    Raises:
        InputError: nothing would be left.
    """
    columns = relevance_columns(label_set, which)
    found = [Relevance(f"{which} labels", columns)]
    names = [label_set[column].name for column in columns.tolist()]
    if without in names:
        if len(names) == 1:
            raise InputError(f"{without!r} is the only label, so nothing is left without it; name another --without.")
        rest = columns[[name != without for name in names]]
        found.append(Relevance(f"{which} labels without {without!r}", rest))
    return found


def compare(
    features: Features,
    config: TrainConfig,
    seeds: Sequence[int],
    *,
    which: str = "annotated",
    without: str | None = "person",
    device: torch.device | str = "cpu",
    sizes: dict[str, Any] | None = None,
    prior_labels: Tensor | None = None,
    progress: bool = False,
) -> MethodComparison:
    """Measure all methods.

    Args:
        features: with train and test splits; where validation is missing it is carved from train, the same for all.
        config: how ALGCN is trained; its seed is replaced by each of `seeds`, its epoch is picked on validation.
        seeds: at least one.
        which: "annotated" or "all": the labels that decide relevance. ALGCN and the probe learn all labels either way.
        without: the label that a second definition of relevance leaves out, where it exists.
        device: where to compute.
        sizes: changes to the paper's `ModelConfig`.
        prior_labels: what ALGCN's prior is counted from (see `train_algcn`).
        progress: show progress bars on stderr, and print a line for each method as it is done.

    Returns:
        The part of a bundle's record.
    """
    if not seeds:
        raise InputError("No seed was given; name at least one, three or more for a spread.")
    if "validation" not in features.split:
        features = carve_validation(features, seed=seeds[0])
    for split in SPLITS:
        if not features.select(split).labels.any():
            raise InputError(f"The {split} split has no labelled item; a comparison needs train, validation and test.")
    config = config.replace(select="validation")
    found = relevances(features.label_set, which, without)
    picking = found[0].columns

    def measure(embedded: Embedded) -> dict[str, dict[str, float]]:
        return {item.name: retrieval_map(embedded.with_labels(item.columns.to(device))) for item in found}

    def detail(embedded: Embedded) -> dict[str, SplitResult]:
        """By relevance: what `evaluate_embedded` says, its curves and labels among it."""
        return {
            item.name: evaluate_embedded(
                embedded.with_labels(item.columns.to(device)), [features.label_set[c].name for c in item.columns]
            )
            for item in found
        }

    started = time.perf_counter()
    with ProgressBar("linear_probe", total=PROBE_FITS, unit="fit", shown=progress) as bar:
        test, picked = linear_probe(features, picking, device, on_fit=bar.update)
        results = {"linear_probe": [measure(test)]}
        details = {"linear_probe": detail(test)}
        bar.say(_line("linear_probe", results, started))
    runs = [(method, seed) for method in ("algcn", "algcn_without_gcn") for seed in seeds]
    with ProgressBar("algcn", total=len(runs) * config.epochs, unit="epoch", shown=progress) as bar:
        for method, seed in runs:
            bar.describe(f"{method} seed {seed}")
            started = time.perf_counter()
            model_config = ModelConfig(
                features.image_dim,
                features.text_dim,
                len(features.label_set),
                use_gcn=method == "algcn",
                **(sizes or {}),
            )
            result = train_algcn(
                features,
                config.replace(seed=seed),
                model_config=model_config,
                relevance=picking,
                prior_labels=prior_labels,
                device=device,
                on_epoch=lambda *_: bar.update(),
            )
            embedded = embed(features.select("test"), result.model, device)
            results.setdefault(method, []).append(measure(embedded))
            if seed == seeds[0]:
                details[method] = detail(embedded)
            bar.say(_line(f"{method} seed {seed}", results, started))
            warning = last_epoch_warning(result.best_epoch, config.epochs, config.select)
            if warning:
                print(f"{method} seed {seed}: {warning}", file=sys.stderr)

    def block(item: Relevance) -> RelevanceBlock:
        measured = {method: of[item.name] for method, of in details.items()}
        curves = {method: result.precision_recall for method, result in measured.items()}
        return RelevanceBlock(
            labels=tuple(features.label_set[column].name for column in item.columns.tolist()),
            chance=chance(test.with_labels(item.columns.to(device))),
            methods={method: _spread([run[item.name] for run in runs]) for method, runs in results.items()},
            # The random ranking's curve is the same for all.
            precision_recall=MethodCurves(
                recall=curves["algcn"].recall,
                chance=curves["algcn"].chance,
                methods={method: curve.precision for method, curve in curves.items()},
            ),
            per_label={method: result.per_label for method, result in measured.items()},
        )

    return MethodComparison(
        relevance={item.name: block(item) for item in found},
        seeds=tuple(seeds),
        items=split_sizes(features),
        labels_learned=len(features.label_set),
        prior_labels=None if prior_labels is None else len(prior_labels),
        training=config.to_dict() | {"seed": list(seeds)},
        linear_probe=PickedStrength(picked),
        definitions=DEFINITIONS,
    )


def _spread(runs: list[dict[str, float]]) -> MethodResult:
    return MethodResult(**{measure: Spread.over([run[measure] for run in runs]) for measure in MEASURES})


def _line(method: str, results: dict[str, list[dict[str, dict[str, float]]]], started: float) -> str:
    last = list(results.values())[-1][-1]
    scores = "   ".join(f"{name} {scores[PRIMARY]:.4f}" for name, scores in last.items())
    return f"{method}: average mAP, {scores}   {time.perf_counter() - started:.1f} s"


def table(comparison: MethodComparison) -> str:
    """Say the comparison for a terminal."""
    lines = []
    for name, block in comparison.relevance.items():
        lines.append(f"{name} ({len(block.labels)}): mAP image→text, text→image, average")
        lines.append(f"  {'chance':<18} {block.chance:.4f} (average)")
        for method, result in block.methods.items():
            spreads = [result.of(measure) for measure in MEASURES]
            cells = "   ".join(
                f"{spread.mean:.4f}" + ("" if spread.std is None else f" ± {spread.std:.4f}") for spread in spreads
            )
            lines.append(f"  {method:<18} {cells}")
    return "\n".join(lines)
