"""Postcards, whose true co-occurrence is known: is a learned graph nearer to it than the counted one?

The scenes are drawn by rules of this project, so which labels truly come together is known from scenes that nobody
trains on. Training labels are damaged: a share of them dropped, or the rows that the prior is counted from shuffled in
part.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from algcn.datasets.features import Features
from algcn.evaluation.linear_probe import Standardiser
from algcn.method.config import preset
from algcn.method.label_graph import counted_graph, learn_graph
from algcn.study.cells import Key
from algcn.study.damage import missing
from algcn.study.settings import Study
from algcn.training.loop import train_algcn

DAMAGES = ("whole", "dropped", "corrupted")
GRAPHS = {
    "counted": "counted, directed",
    "learned": "learned, directed",
    "paper-prior": "the prior C of mode paper",
    "paper-learned": "A = ReLU(C + γ D) of mode paper",
}
TRUE_LIFT = 0.7  # log P(c | j) − log P(c): labels that come together twice as often as by chance have an edge
DROPPED = 0.6
SHARES = (0.5, 0.1)  # of the scenes: to train on, and to pick the epoch on; the others tell the truth


def keys(study: Study) -> Iterator[Key]:
    """Name the runs: every damage and seed."""
    for damage in DAMAGES:
        for seed in study.settings.seeds:
            yield Key(study.collection.name, "truth", {"damage": damage, "seed": seed})


def measure(study: Study, key: Key) -> dict[str, Any]:
    """Compare counted and learned edges with the true ones.

    Returns:
        "damage", "seed", and "auc": by graph of `GRAPHS` how likely a true edge weighs more than another pair.
    """
    damage, seed = key.of["damage"], key.of["seed"]
    features = parted(study.features, seed)
    unseen = features.select("test")
    true = counted_graph(unseen.labels[unseen.first_rows()[0]]) > TRUE_LIFT
    if damage == "dropped":
        features = missing(features, DROPPED, seed)
    training = features.select("train")
    first, _ = training.first_rows()
    images = training.rows([row for row in first if training.labels[row].any()])
    prior = corrupt(images.labels, seed) if damage == "corrupted" else images.labels
    rows = Standardiser.fit(images.image_features)(images.image_features).to(study.device)
    learned = learn_graph([rows], images.labels.to(study.device), seed, prior.to(study.device))
    config = preset(study.collection.preset).replace(seed=seed)
    config = config.replace(epochs=study.collection.epochs) if study.collection.epochs else config
    model = train_algcn(features, config, prior_labels=prior, device=study.device).model
    paper = {name: graph.detach().cpu().T for name, graph in model.label_graph().items()}  # from a row to its columns
    graphs = {
        "counted": learned.counted.cpu(),
        "learned": learned.edges.cpu(),
        "paper-prior": paper["prior"],
        "paper-learned": paper["adaptive"],
    }
    return {**key.of, "auc": {name: edge_auc(edges, true) for name, edges in graphs.items()}}


def parted(features: Features, seed: int) -> Features:
    """Part all images at random, whatever their split was: those to train on, to pick an epoch on, and the others."""
    first, owner = features.first_rows()
    place = torch.randperm(len(first), generator=torch.Generator().manual_seed(seed)) / len(first)
    bounds = torch.tensor([SHARES[0], sum(SHARES)])
    split = torch.bucketize(place, bounds, right=True)[owner]
    return dataclasses.replace(features, split=[("train", "validation", "test")[number] for number in split.tolist()])


def corrupt(labels: Tensor, seed: int) -> Tensor:
    """Shuffle half of the label columns among the items: they come together with others by chance alone."""
    generator = torch.Generator().manual_seed(seed)
    shuffled = labels.clone()
    for column in torch.randperm(labels.shape[1], generator=generator)[: labels.shape[1] // 2].tolist():
        shuffled[:, column] = labels[torch.randperm(len(labels), generator=generator), column]
    return shuffled


def edge_auc(edges: Tensor, true: Tensor) -> float:
    """How likely a true edge has a higher weight than another pair of labels; ties count half.

    Args:
        edges: L × L; the diagonal does not count.
        true: L × L, true where an edge is.
    """
    off = ~torch.eye(len(true), dtype=torch.bool)
    weights, wanted = edges[off], true[off]
    ranks = _mean_ranks(weights)
    positives = int(wanted.sum())
    return float((ranks[wanted].sum() - positives * (positives + 1) / 2) / (positives * (len(weights) - positives)))


def _mean_ranks(values: Tensor) -> Tensor:
    _, place, counts = values.unique(return_inverse=True, return_counts=True)
    last = counts.cumsum(dim=0).double()
    return (last - (counts - 1) / 2)[place]
