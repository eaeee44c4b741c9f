"""Labels with few training examples: what a name and a graph are worth beside classifiers that were trained."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from algcn.datasets.features import Features
from algcn.evaluation.linear_probe import WEIGHT_DECAYS, Standardiser, fit_linear_probe
from algcn.evaluation.retrieval import group
from algcn.method.label_graph import STRENGTHS, edges_of_examples
from algcn.study.cells import Key
from algcn.study.measuring import picked_by_others, standardised
from algcn.study.methods import label_ap, trained
from algcn.study.settings import Study

METHODS = {
    "zero-shot": "the name alone",
    "plus": "mode plus",
    "plus-graph": "mode plus, graph",
    "probe": "linear probe",
    "prior": "linear probe from the name",
    "prior-graph": "linear probe from the name, graph",
}
PRIORS = (0.0, 0.5, 1.0, 2.0, 4.0)  # how much of the name's score the probe starts from


def keys(study: Study) -> Iterator[Key]:
    """Name the runs: every number of examples and seed."""
    for count in study.settings.rare_examples:
        for seed in study.settings.seeds:
            yield Key(study.collection.name, "rare", {"examples": count, "seed": seed})


def measure(study: Study, key: Key) -> dict[str, Any]:
    """Leave out most training examples of some labels, and find the test pictures of these labels.

    Strengths are picked on the validation split, for each label by the other rare ones.

    Returns:
        "examples", "seed", "chance" (by label, the share of test pictures that have it), and "ap" by method of
        `METHODS` and label.
    """
    names, seed = list(study.collection.rare), key.of["seed"]
    columns = torch.tensor([study.features.label_set.index(name) for name in names])
    features = with_few(study.features, columns.tolist(), key.of["examples"], seed)
    fitted = trained("plus", study.on(features), seed)
    training = features.select("train")
    first, _ = training.first_rows()
    rows, labels = training.image_features[first], training.labels[first]
    edges = torch.stack([edges_of_examples(labels[labels[:, column] > 0], labels) for column in columns.tolist()])
    edges[torch.arange(len(columns)), columns] = 0  # a label says nothing about itself
    standardise, words = Standardiser.fit(rows), study.language().names[columns].T
    zero_shot = {"train": standardised(rows @ words)}
    inputs, truth, moved = {}, {}, {}
    for split in ("validation", "test"):
        items = group(features.select(split))
        zero_shot[split] = standardised(items.images @ words)
        inputs[split], truth[split] = standardise(items.images), items.labels[:, columns]
        likely = fitted.logits.image[split].sigmoid()
        moved[split] = (likely - likely.mean(dim=0)) @ edges.T

    def with_graph(scores: dict[str, Tensor]) -> dict[str, Tensor]:
        tried = [{split: scores[split] + strength * moved[split] for split in scores} for strength in STRENGTHS]
        return _picked(tried, truth)

    probes: dict[float, list[dict[str, Tensor]]] = {}
    for prior in PRIORS:
        for decay in WEIGHT_DECAYS:
            weights = fit_linear_probe(
                standardise(rows).to(study.device),
                labels[:, columns].to(study.device),
                decay,
                prior * zero_shot["train"].to(study.device),
            ).cpu()
            scored = {split: inputs[split] @ weights[:-1] + weights[-1] + prior * zero_shot[split] for split in inputs}
            probes.setdefault(prior, []).append(scored)
    plus = {split: fitted.logits.image[split][:, columns] for split in inputs}
    from_names = _picked([scored for those in probes.values() for scored in those], truth)
    scores = {
        "zero-shot": zero_shot,
        "plus": plus,
        "plus-graph": with_graph(plus),
        "probe": _picked(probes[0.0], truth),
        "prior": from_names,
        "prior-graph": with_graph(from_names),
    }
    return {
        **key.of,
        "chance": dict(zip(names, truth["test"].float().mean(dim=0).tolist(), strict=True)),
        "ap": {
            method: dict(zip(names, label_ap(found["test"], truth["test"]).tolist(), strict=True))
            for method, found in scores.items()
        },
    }


def with_few(features: Features, columns: list[int], count: int, seed: int) -> Features:
    """Leave out training images until each of some labels has at most `count` examples; drawn at random."""
    first, owner = features.first_rows()
    generator = torch.Generator().manual_seed(seed)
    left, kept = dict.fromkeys(columns, count), torch.ones(len(first), dtype=torch.bool)
    labels = features.labels[first]
    for image in torch.randperm(len(first), generator=generator).tolist():
        there = [column for column in columns if labels[image, column]]
        if features.split[first[image]] != "train" or not there:
            continue
        kept[image] = all(left[column] for column in there)
        if kept[image]:
            left |= {column: left[column] - 1 for column in there}
    return features.rows(kept[owner].nonzero().flatten())


def _picked(tried: list[dict[str, Tensor]], truth: dict[str, Tensor]) -> dict[str, Tensor]:
    """Take, for each label, that of some scores by which the other labels have the highest AP on validation."""
    ap = torch.stack([label_ap(scores["validation"], truth["validation"]) for scores in tried])
    chosen = picked_by_others(ap)
    return {
        split: torch.stack([tried[at][split][:, column] for column, at in enumerate(chosen)], dim=1) for split in truth
    }
