"""The main table: every method on the same items, by cosine and by the rule of ranking."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from algcn.evaluation.ranking import BY_LABELS, Weights
from algcn.evaluation.retrieval import Embedded, embed, has_own_space
from algcn.study.cells import Key
from algcn.study.measuring import COSINE, best_strength, measured, ranked, unseen_items
from algcn.study.methods import Fitted, linear_probe, trained
from algcn.study.settings import Study

METHODS = {
    "zero-shot": "encoder alone",
    "probe": "linear probe",
    "paper": "ALGCN, mode paper",
    "paper-without-gcn": "mode paper without the GCN",
    "plus": "mode plus",
}
RANKINGS = {"cosine": "cosine", "rule": "rule", "rule-with-graph": "rule, graph on predicted labels"}


def keys(study: Study) -> Iterator[Key]:
    """Name the runs: every method and seed, or a method alone where nothing is drawn."""
    for method in METHODS:
        if method == "zero-shot" and not has_own_space(study.features):
            continue
        for seed in (None,) if method in ("zero-shot", "probe") else study.settings.seeds:
            yield Key(study.collection.name, "main", {"method": method, "seed": seed})


def measure(study: Study, key: Key) -> dict[str, Any]:
    """Measure a method on the whole test split and on the part of it that nobody had looked at.

    Returns:
        "method", "seed" (None where nothing is drawn), and by ranking of `RANKINGS` what `measuring.measured` gives for
        "test" and "unseen"; and "strength", that of the graph.
    """
    method, seed = key.of["method"], key.of["seed"]
    found: dict[str, Any] = {"method": method, "seed": seed}
    if method == "zero-shot":
        return {**found, "cosine": _of(embed(study.features.select("test"), None), study)}
    return {**found, **by_rankings(fit(method, seed, study), study)}


def by_rankings(fitted: Fitted, study: Study) -> dict[str, Any]:
    """Measure the test split by every ranking of `RANKINGS`, with the "strength" of the graph picked on validation."""
    strength = best_strength(fitted, study, study.settings.graph_strengths)

    def by(fitted: Fitted, weights: Weights) -> dict[str, Any]:
        return _of(ranked(fitted, study.features, "test", study.columns["all"], weights), study)

    return {
        "strength": strength,
        "cosine": by(fitted, COSINE),
        "rule": by(fitted, BY_LABELS),
        "rule-with-graph": by(fitted.with_graph(strength, study.features), BY_LABELS),
    }


def fit(method: str, seed: int | None, study: Study) -> Fitted:
    """Fit one of `METHODS` that knows labels."""
    if method == "probe":
        return linear_probe(study)
    mode = method.removesuffix("-without-gcn")
    return trained(mode, study, seed, use_gcn=mode == method)


def _of(items: Embedded, study: Study) -> dict[str, Any]:
    found = {"test": measured(items, study.columns, study.device)}
    if study.collection.in_sight:
        seen = unseen_items(items, study.collection, study.features)
        found["unseen"] = measured(seen, study.columns, study.device)
    return found
