"""What each ingredient of mode "plus" and of the rule of ranking is for: leave it out, or take another value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from algcn.datasets.features import Features
from algcn.evaluation.ranking import BY_LABELS, Weights
from algcn.method.plus import DEFAULTS, PlusSettings
from algcn.study.cells import Cells
from algcn.study.measuring import COSINE, KERNEL, measure, ranked
from algcn.study.methods import trained
from algcn.study.settings import Collection, Settings

NETS: Mapping[str, PlusSettings] = {
    "all": DEFAULTS,
    "without dropout": DEFAULTS._replace(dropout=0.0),
    "without the likelihood": DEFAULTS._replace(likelihood=0.0),
    "without the paper's classification loss": DEFAULTS._replace(classification=0.0),
    "without the contrastive loss": DEFAULTS._replace(contrast=0.0),
}
WEIGHTS: Mapping[str, Weights] = {
    "cosine alone": COSINE,
    "labels 1": BY_LABELS._replace(labels=1.0),
    "labels 2": BY_LABELS._replace(labels=2.0),
    "labels 4": BY_LABELS,
    "labels 8": BY_LABELS._replace(labels=8.0),
    "labels alone": KERNEL,
}
RARITIES = {"all labels alike": 0.0, "twice the power": 2.0}  # what w_c is raised to


def cells_of(collection: Collection, settings: Settings, features: Features, cells: Cells) -> Iterator[dict[str, Any]]:
    """Measure mode "plus" on validation, with an ingredient left out and with other rules.

    Yields:
        "seed", "net", and by rule what `measuring.measure` gives on the validation split.
    """
    columns = collection.columns(features)
    for seed in settings.seeds:
        for net, losses in NETS.items():

            def run(seed: int = seed, net: str = net, losses: PlusSettings = losses) -> dict[str, Any]:
                fitted = trained("plus", features, collection, seed, plus=losses)
                found: dict[str, Any] = {"seed": seed, "net": net}
                for name, weights in WEIGHTS.items() if net == "all" else (("labels 4", BY_LABELS),):
                    found[name] = measure(ranked(fitted, features, "validation", columns["all"], weights), columns)
                if net == "all":
                    for name, power in RARITIES.items():
                        other = replace(fitted, rarity=fitted.rarity**power)
                        found[name] = measure(ranked(other, features, "validation", columns["all"]), columns)
                return found

            yield cells.get(collection.name, "ablation", run, net=net, seed=seed)
