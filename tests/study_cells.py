"""Measurements of a study as its experiments write them, drawn at random: what tables and figures are made of."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from algcn.study import ablations, comparison, damage, rankings, suggestions
from algcn.study.settings import Collection, Settings

ITEMS, UNSEEN = 40, 15
EXPERIMENTS = ("main", "ablations", "damage", "known", "new", "rare", "truth", "peers")
SEEDS = (103, 104, 105, 106, 107)
LABELS = ("boat", "dog", "sea")

Cells = dict[tuple[str, str], list[dict[str, Any]]]


def settings(seeds: tuple[int, ...] = SEEDS) -> Settings:
    """Two collections, one with photos that nobody had looked at, and every experiment."""
    collections = {
        "sea": Collection("sea", "Sea, 18 labels", "pocket", "all", "person", in_sight=25, experiments=EXPERIMENTS),
        "sea-2": Collection("sea-2", "Sea, 2 labels", "pocket", "all", "boat", experiments=EXPERIMENTS),
    }
    return dataclasses.replace(Settings.load(), seeds=seeds, collections=collections)


def every_cell(study: Settings) -> Cells:
    """All that a study of these settings measures."""
    cells: Cells = {}
    for number, collection in enumerate(study.collections.values()):
        for what, of, value in _of(collection, study, np.random.default_rng(number)):
            cells.setdefault((collection.name, what), []).append({**of, **value})
    return cells


def write_cells(folder: Path, study: Settings) -> None:
    """Write all of them as the study names its files."""
    folder.mkdir(parents=True)
    for number, collection in enumerate(study.collections.values()):
        for what, of, value in _of(collection, study, np.random.default_rng(number)):
            named = "-".join(f"{key}={part}" for key, part in of.items())
            path = folder / f"{collection.name}-{what}-{named}-{number:08x}.json"
            path.write_text(json.dumps({**of, **value}), encoding="utf-8")


def _of(
    collection: Collection, study: Settings, rng: np.random.Generator
) -> Iterator[tuple[str, dict[str, Any], Mapping[str, Any]]]:
    splits = {"test": ITEMS, "unseen": UNSEEN} if collection.in_sight else {"test": ITEMS}

    def rankings_of() -> dict[str, Any]:
        return {
            ranking: {split: _ranking(rng, count) for split, count in splits.items()} for ranking in comparison.RANKINGS
        }

    for method in comparison.METHODS:
        for seed in (None,) if method in rankings.WITHOUT_SEED else study.seeds:
            found = rankings_of()
            yield (
                "main",
                {"method": method, "seed": seed},
                found if method != "zero-shot" else {"cosine": found["cosine"]},
            )
    for seed in study.seeds:
        for net in ablations.NETS:
            rules = [*ablations.WEIGHTS, *ablations.RARITIES] if net == "all" else [rankings.RULE]
            yield "ablation", {"net": net, "seed": seed}, {rule: _ranking(rng, ITEMS) for rule in rules}
        shares = {"few": study.label_shares, "missing": study.missing_shares, "flipped": study.flipped_shares}
        for what in rankings.DAMAGES:
            for share in shares[what]:
                for method in damage.METHODS + (damage.IMPUTED if what == "missing" else ()):
                    of = {"share": share, "method": method, "seed": seed}
                    yield what, of, {"damage": what, **_ranking(rng, ITEMS)}
        yield (
            "known",
            {"seed": seed},
            {
                str(count): {
                    graph: {"ap": rng.uniform(0.5, 0.6), "hit": rng.uniform(0.7, 0.8), "chance_of_hit": 0.1}
                    for graph in suggestions.GRAPH_NAMES
                }
                for count in study.known_labels
            },
        )
        for label in LABELS:
            scored = {way: {"ap": rng.uniform(0.5, 0.7), "strength": 0.5} for way in suggestions.NEW_LABEL}
            yield "new", {"label": label, "seed": seed, "captions": True}, {"chance": 0.1, "zero-shot": 0.5, **scored}
        for examples in study.rare_examples:
            ap = {name: {label: rng.uniform(0.3, 0.6) for label in LABELS} for name in suggestions.rare_labels.METHODS}
            yield "rare", {"examples": examples, "seed": seed}, {"chance": dict.fromkeys(LABELS, 0.05), "ap": ap}
        for kind in suggestions.TRUTH_DAMAGES:
            auc = {graph: rng.uniform(0.7, 0.9) for graph in suggestions.true_graphs.GRAPHS}
            yield "truth", {"damage": kind, "seed": seed}, {"auc": auc}
        for method in rankings.PEERS:
            told = {"scale": "as they are", "done": "Nothing was changed."}
            yield "peers", {"method": method, "seed": seed}, {**rankings_of(), **told}


def _ranking(rng: np.random.Generator, count: int) -> dict[str, Any]:
    """What `measuring.measure` gives; the first item has no relevant one by the narrower relevance."""
    per_image = {name: rng.uniform(0.3, 0.9, count).round(5).tolist() for name in ("all", "rest")}
    per_image["rest"][0] = None
    return {
        "map": {name: float(np.mean([value for value in values if value])) for name, values in per_image.items()},
        "chance": {"all": 0.3, "rest": 0.1},
        "per_image": per_image,
        "recall_at_10": rng.uniform(0.1, 0.4),
    }
