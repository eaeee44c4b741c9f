"""What the directed label graph is worth where some labels of an item are known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from algcn.datasets.features import Features
from algcn.evaluation.linear_probe import Standardiser
from algcn.evaluation.retrieval import group
from algcn.method.label_graph import DirectedGraph, learn_graph, scaled_to, with_known
from algcn.study.cells import Key
from algcn.study.methods import Fitted, label_ap, trained
from algcn.study.settings import Study

GRAPHS = ("none", "counted", "learned")


def keys(study: Study) -> Iterator[Key]:
    """Name the runs: every seed."""
    for seed in study.settings.seeds:
        yield Key(study.collection.name, "known", {"seed": seed})


def measure(study: Study, key: Key) -> dict[str, Any]:
    """Reveal k labels of each test image that has more, and score its other labels by picture and graph.

    Returns:
        "seed", and by "1", "2", … (k) and graph of `GRAPHS` what `suggested` gives.
    """
    seed, columns = key.of["seed"], study.columns["all"]
    fitted = trained("plus", study, seed)
    graphs = graphs_of(study, fitted, seed)
    logits, truth = fitted.logits.image["test"], group(study.features.select("test")).labels.float()
    found: dict[str, Any] = {"seed": seed}
    for count in study.settings.known_labels:
        asked = truth.sum(dim=1) > count
        revealed = reveal(truth[asked], count, seed)
        found[str(count)] = {
            name: suggested(
                with_known(logits[asked], revealed, graph) if graph is not None else logits[asked],
                revealed,
                truth[asked],
                columns,
            )
            for name, graph in graphs.items()
        }
    return found


def graphs_of(study: Study, fitted: Fitted, seed: int) -> dict[str, Tensor | None]:
    """Count and learn the directed graph on the train images, scaled on validation to what the model sees itself."""
    learned = learned_graph(study.features, seed, study.device)
    counted = learned._replace(change=torch.zeros_like(learned.change))
    held_out = group(study.features.select("validation")).labels
    logits = fitted.logits.image["validation"]
    scaled = {"counted": counted, "learned": learned}
    return {"none": None, **{name: scaled_to(graph, logits, held_out, seed).edges for name, graph in scaled.items()}}


def learned_graph(features: Features, seed: int, device: str) -> DirectedGraph:
    """Learn the directed graph on the train images that have a label, by what their features do not say."""
    training = features.select("train")
    first, _ = training.first_rows()
    images = training.rows(first)
    labelled = (images.labels != 0).any(dim=1)
    rows, labels = images.image_features[labelled], images.labels[labelled]
    learned = learn_graph([Standardiser.fit(rows)(rows).to(device)], labels.to(device), seed)
    return DirectedGraph(*(part.cpu() for part in learned))


def reveal(labels: Tensor, count: int, seed: int) -> Tensor:
    """Choose `count` of each item's labels at random, N × L of 0 and 1."""
    generator = torch.Generator().manual_seed(seed)
    order = (torch.rand(labels.shape, generator=generator) * labels).argsort(dim=1, descending=True)[:, :count]
    return torch.zeros_like(labels).scatter_(1, order, 1.0) * labels


def suggested(logits: Tensor, known: Tensor, truth: Tensor, columns: Tensor) -> dict[str, float]:
    """Measure suggestions: AP of each label over the items where it is not known, and how often the best is right."""
    aps = []
    for column in columns.tolist():
        open_ = known[:, column] == 0
        aps.append(float(label_ap(logits[open_, column : column + 1], truth[open_, column : column + 1])))
    missing = ((truth - known)[:, columns] > 0).any(dim=1)
    scores = logits[missing][:, columns].masked_fill(known[missing][:, columns] > 0, -torch.inf)
    right = (truth - known)[missing][:, columns]
    hit = right.gather(1, scores.argmax(dim=1, keepdim=True)).mean()
    open_share = (known[missing][:, columns] == 0).float().sum(dim=1)
    return {
        "ap": float(torch.tensor(aps).nanmean()),
        "hit": float(hit),
        "chance_of_hit": float((right.sum(dim=1) / open_share).mean()),
    }
