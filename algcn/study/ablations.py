"""What each ingredient of mode "plus" and of the rule of ranking is for: leave it out, or take another value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from algcn.evaluation.ranking import BY_LABELS, Weights
from algcn.method.plus import DEFAULTS, PlusSettings
from algcn.study.cells import Key
from algcn.study.measuring import COSINE, KERNEL, measured, ranked
from algcn.study.methods import Fitted, trained
from algcn.study.settings import Study

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


def keys(study: Study) -> Iterator[Key]:
    """Name the runs: every net and seed."""
    for seed in study.settings.seeds:
        for net in NETS:
            yield Key(study.collection.name, "ablation", {"net": net, "seed": seed})


def measure(study: Study, key: Key) -> dict[str, Any]:
    """Measure mode "plus" on validation, with an ingredient left out and with other rules.

    Returns:
        "seed", "net", and by rule what `measuring.measured` gives on the validation split.
    """
    seed, net, columns = key.of["seed"], key.of["net"], study.columns
    fitted = trained("plus", study, seed, plus=NETS[net])

    def by(fitted: Fitted, weights: Weights = BY_LABELS) -> dict[str, Any]:
        return measured(ranked(fitted, study.features, "validation", columns["all"], weights), columns, study.device)

    found: dict[str, Any] = {"seed": seed, "net": net}
    for name, weights in WEIGHTS.items() if net == "all" else (("labels 4", BY_LABELS),):
        found[name] = by(fitted, weights)
    if net == "all":
        for name, power in RARITIES.items():
            found[name] = by(replace(fitted, rarity=fitted.rarity**power))
    return found
