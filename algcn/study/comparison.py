"""The main table: every method on the same items, by cosine and by the rule of ranking."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from algcn.datasets.features import Features
from algcn.evaluation.ranking import BY_LABELS, Weights
from algcn.evaluation.retrieval import Embedded, embed, has_own_space
from algcn.study.cells import Cells
from algcn.study.measuring import COSINE, best_strength, measure, ranked, unseen_items
from algcn.study.methods import Fitted, linear_probe, trained
from algcn.study.settings import Collection, Settings

METHODS = {
    "zero-shot": "encoder alone",
    "probe": "linear probe",
    "paper": "ALGCN, mode paper",
    "paper-without-gcn": "mode paper without the GCN",
    "plus": "mode plus",
}
RANKINGS = {"cosine": "cosine", "rule": "rule", "rule-with-graph": "rule, graph on predicted labels"}


def cells_of(collection: Collection, settings: Settings, features: Features, cells: Cells) -> Iterator[dict[str, Any]]:
    """Measure every method and seed, on the whole test split and on the part of it that nobody had looked at.

    Yields:
        "method", "seed" (None where nothing is drawn), and by ranking of `RANKINGS` what `measuring.measure` gives for
        "test" and "unseen".
    """
    for method in METHODS:
        if method == "zero-shot" and not has_own_space(features):
            continue
        for seed in (None,) if method in ("zero-shot", "probe") else settings.seeds:
            yield cells.get(
                collection.name,
                "main",
                _measuring(method, seed, collection, settings, features),
                method=method,
                seed=seed,
            )


def _measuring(
    method: str, seed: int | None, collection: Collection, settings: Settings, features: Features
) -> Callable[[], dict[str, Any]]:
    columns = collection.columns(features)

    def of(items: Embedded) -> dict[str, Any]:
        found = {"test": measure(items, columns)}
        if collection.in_sight:
            found["unseen"] = measure(unseen_items(items, collection, features), columns)
        return found

    def by(fitted: Fitted, weights: Weights) -> dict[str, Any]:
        return of(ranked(fitted, features, "test", columns["all"], weights))

    def run() -> dict[str, Any]:
        found: dict[str, Any] = {"method": method, "seed": seed}
        if method == "zero-shot":
            return {**found, "cosine": of(embed(features.select("test"), None))}
        fitted = fit(method, seed, collection, features)
        strength = best_strength(fitted, features, columns["all"], settings.graph_strengths)
        return {
            **found,
            "strength": strength,
            "cosine": by(fitted, COSINE),
            "rule": by(fitted, BY_LABELS),
            "rule-with-graph": by(fitted.with_graph(strength, features), BY_LABELS),
        }

    return run


def fit(method: str, seed: int | None, collection: Collection, features: Features) -> Fitted:
    """Fit one of `METHODS` that knows labels."""
    if method == "probe":
        return linear_probe(features, collection.columns(features)["all"])
    mode = method.removesuffix("-without-gcn")
    return trained(mode, features, collection, seed, use_gcn=mode == method)
