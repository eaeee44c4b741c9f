"""Labels that are few, missing or wrong: the train and validation rows of a collection as people often have them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from algcn.datasets.features import Features
from algcn.method.label_graph import counted_graph, impute
from algcn.study.cells import Cells
from algcn.study.measuring import measure, ranked
from algcn.study.methods import Fitted, linear_probe, probe_logits, trained
from algcn.study.settings import Collection, Settings

METHODS = ("probe", "paper", "paper-without-gcn", "plus")
IMPUTED = ("plus, imputed without the graph", "plus, imputed with the graph")


def few(features: Features, share: float, seed: int) -> Features:
    """Keep a share of the labelled training images; the others are left out."""
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.rand(len(features), generator=generator)
    first, owner = features.first_rows()
    of_image = drawn[torch.tensor(first)][owner]  # all texts of an image go with it
    kept = [row for row, split in enumerate(features.split) if split != "train" or of_image[row] < share]
    return features.rows(kept)


def missing(features: Features, share: float, seed: int) -> Features:
    """Drop a share of all labels of the train and the validation split, drawn for each image and label."""
    return _changed(features, seed, lambda labels, drawn: labels & (drawn >= share))


def flipped(features: Features, share: float, seed: int) -> Features:
    """Replace a share of all labels of the train and the validation split by others, drawn at random."""

    def flip(labels: Tensor, drawn: Tensor) -> Tensor:
        lost = labels & (drawn < share)
        generator = torch.Generator().manual_seed(seed + 1)
        wrong = torch.zeros_like(labels)
        for row, count in enumerate(lost.sum(dim=1).tolist()):
            wrong[row, torch.randperm(labels.shape[1], generator=generator)[:count]] = True
        return (labels & ~lost) | wrong

    return _changed(features, seed, flip)


def cells_of(collection: Collection, settings: Settings, features: Features, cells: Cells) -> Iterator[dict[str, Any]]:
    """Train every method on damaged labels and measure it on the test split, whose labels are whole.

    Yields:
        "damage", "share", "method", "seed", and what `measuring.measure` gives.
    """
    damages = (
        ("few", few, settings.label_shares),
        ("missing", missing, settings.missing_shares),
        ("flipped", flipped, settings.flipped_shares),
    )
    for damage, make, shares in damages:
        for share in shares:
            for seed in settings.seeds:
                for method in METHODS + (IMPUTED if damage == "missing" else ()):

                    def run(
                        damage=damage, make=make, share: float = share, seed: int = seed, method: str = method
                    ) -> dict[str, Any]:
                        fitted = _fit(method, collection, make(features, share, seed), 1 - share, seed)
                        columns = collection.columns(features)
                        found = measure(ranked(fitted, features, "test", columns["all"]), columns)
                        return {"damage": damage, "share": share, "method": method, "seed": seed, **found}

                    yield cells.get(collection.name, damage, run, share=share, method=method, seed=seed)


def _fit(method: str, collection: Collection, features: Features, kept: float, seed: int) -> Fitted:
    if method == "probe":
        return linear_probe(features, collection.columns(features)["all"])
    if method in IMPUTED:
        return _imputed(collection, features, kept, seed, with_graph=method == IMPUTED[1])
    mode = method.removesuffix("-without-gcn")
    return trained(mode, features, collection, seed, use_gcn=mode == method)


def _imputed(collection: Collection, features: Features, kept: float, seed: int, *, with_graph: bool) -> Fitted:
    """Train on labels that were filled in, by probes of both sides that saw what is left of them."""
    training = features.select("train")
    graph = counted_graph(training.labels) if with_graph else None
    soft = impute(training.labels, probe_logits(training), kept, graph)
    soft[~(training.labels != 0).any(dim=1)] = 0  # an item that lost all its labels says nothing, as without imputing
    return trained("plus", features, collection, seed, soft_labels=soft)


def _changed(features: Features, seed: int, change) -> Features:
    first, owner = features.first_rows()
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.rand(len(first), len(features.label_set), generator=generator)
    labels = features.labels.bool().clone()
    seen = torch.tensor([split != "test" for split in features.split])
    changed = change(labels[torch.tensor(first)], drawn)[owner]
    labels[seen] = changed[seen]
    return replace(features, labels=labels.to(torch.uint8))
