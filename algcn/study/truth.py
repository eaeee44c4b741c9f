"""Postcards, whose true co-occurrence is known: is the learned graph nearer to it than the counted one?

The scenes are drawn by rules of this project, so which labels truly come together is known from thousands of scenes
that nobody trains on. Training labels are damaged: 60 % of them dropped, or the rows that the prior is counted from
shuffled in part.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from algcn.datasets.features import Features
from algcn.evaluation.linear_probe import Standardiser
from algcn.method.label_graph import counted_graph, learn_graph
from algcn.study.cells import Cells
from algcn.study.damage import missing
from algcn.study.settings import Collection, Settings

TRUE_LIFT = 0.7  # log P(c | j) − log P(c): labels that come together twice as often as by chance have an edge
DROPPED = 0.6


def cells_of(collection: Collection, settings: Settings, features: Features, cells: Cells) -> Iterator[dict[str, Any]]:
    """Compare counted and learned edges with the true ones, with whole and with damaged labels.

    Yields:
        "seed", and by damage ("whole", "dropped", "corrupted") the edge AUC of the "counted" and the "learned" graph.
    """
    for seed in settings.seeds:

        def run(seed: int = seed) -> dict[str, Any]:
            true = counted_graph(features.labels) > TRUE_LIFT
            whole = features.select("train")
            dropped = missing(features, DROPPED, seed).select("train")
            return {
                "seed": seed,
                "whole": _aucs(whole, true, seed),
                "dropped": _aucs(dropped, true, seed),
                "corrupted": _aucs(whole, true, seed, corrupted=True),
            }

        yield cells.get(collection.name, "truth", run, seed=seed)


def edge_auc(edges: Tensor, true: Tensor) -> float:
    """How likely a true edge has a higher weight than another pair of labels; ties count half."""
    off = ~torch.eye(len(true), dtype=torch.bool)
    weights, wanted = edges[off], true[off]
    ranks = _mean_ranks(weights)
    positives = int(wanted.sum())
    return float((ranks[wanted].sum() - positives * (positives + 1) / 2) / (positives * (len(weights) - positives)))


def _aucs(training: Features, true: Tensor, seed: int, *, corrupted: bool = False) -> dict[str, float]:
    labelled = (training.labels != 0).any(dim=1)
    rows, labels = training.image_features[labelled], training.labels[labelled]
    start = corrupt(labels, seed) if corrupted else labels
    learned = learn_graph([Standardiser.fit(rows)(rows)], labels, seed, counted_from=start)
    return {"counted": edge_auc(learned.counted, true), "learned": edge_auc(learned.edges, true)}


def corrupt(labels: Tensor, seed: int) -> Tensor:
    """Shuffle half of the label columns among the items: they come together with others by chance alone."""
    generator = torch.Generator().manual_seed(seed)
    shuffled = labels.clone()
    for column in torch.randperm(labels.shape[1], generator=generator)[: labels.shape[1] // 2].tolist():
        shuffled[:, column] = labels[torch.randperm(len(labels), generator=generator), column]
    return shuffled


def _mean_ranks(values: Tensor) -> Tensor:
    _, place, counts = values.unique(return_inverse=True, return_counts=True)
    last = counts.cumsum(dim=0).double()
    return (last - (counts - 1) / 2)[place]
