"""What the directed label graph is worth where some labels of an item are known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from algcn.datasets.features import Features
from algcn.evaluation.linear_probe import Standardiser
from algcn.evaluation.retrieval import group
from algcn.method.label_graph import learn_graph, scaled_to, with_known
from algcn.study.cells import Cells
from algcn.study.methods import Fitted, label_ap, trained
from algcn.study.settings import Collection, Settings

GRAPHS = ("none", "counted", "learned")


def cells_of(collection: Collection, settings: Settings, features: Features, cells: Cells) -> Iterator[dict[str, Any]]:
    """Reveal k labels of each test image that has more, and score its other labels by picture and graph.

    Yields:
        "seed", "known" (k), and by graph of `GRAPHS`: "ap", the mean AP of labels over the images where each is not
        known, and "hit", the share of images whose best suggestion is right; and the chance of each.
    """
    for seed in settings.seeds:
        yield cells.get(collection.name, "known", _measuring(collection, settings, features, seed), seed=seed)


def _measuring(collection: Collection, settings: Settings, features: Features, seed: int):
    def run() -> dict[str, Any]:
        columns = collection.columns(features)["all"]
        fitted = trained("plus", features, collection, seed)
        graphs = graphs_of(features, fitted, seed)
        logits, truth = fitted.logits.image["test"], group(features.select("test")).labels.float()
        found: dict[str, Any] = {"seed": seed}
        for count in settings.known_labels:
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

    return run


def graphs_of(features: Features, fitted: Fitted, seed: int) -> dict[str, Tensor | None]:
    """Count and learn the directed graph on the train images, scaled on validation to what the model sees itself."""
    training = features.select("train")
    first, _ = training.first_rows()
    images = training.rows(first)
    labelled = (images.labels != 0).any(dim=1)
    rows, labels = images.image_features[labelled], images.labels[labelled]
    learned = learn_graph([Standardiser.fit(rows)(rows)], labels, seed)
    counted = learned._replace(change=torch.zeros_like(learned.change))
    held_out = group(features.select("validation")).labels
    logits = fitted.logits.image["validation"]
    scaled = {"counted": counted, "learned": learned}
    return {"none": None, **{name: scaled_to(graph, logits, held_out, seed).edges for name, graph in scaled.items()}}


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
