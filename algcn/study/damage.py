"""Labels that are few, missing or wrong: the train and validation rows of a collection as people often have them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from algcn.datasets.features import Features
from algcn.method.label_graph import counted_graph, impute
from algcn.study.cells import Key
from algcn.study.comparison import fit
from algcn.study.measuring import measured, ranked
from algcn.study.methods import Fitted, probe_logits, trained
from algcn.study.settings import Study

METHODS = ("probe", "paper", "paper-without-gcn", "plus")
IMPUTED = ("plus, imputed without the graph", "plus, imputed with the graph")


def few(features: Features, share: float, seed: int) -> Features:
    """Keep a share of the labelled training images, and an example of every label; the others are left out."""
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.rand(len(features), generator=generator)
    first, owner = features.first_rows()
    drawn, labels, training = drawn[first], features.labels[first].bool(), _in_training(features, first)
    kept = (drawn < share) | ~training
    for column in (~(labels & (kept & training)[:, None]).any(dim=0)).nonzero().flatten().tolist():
        kept[torch.where(labels[:, column] & training, drawn, torch.inf).argmin()] = True
    return features.rows(kept[owner].nonzero().flatten())  # all texts of an image go with it


def missing(features: Features, share: float, seed: int) -> Features:
    """Drop a share of all labels of the train and the validation split, drawn for each image and label.

    A label keeps a training example: without any it would be no label.
    """
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


DAMAGES = {"few": few, "missing": missing, "flipped": flipped}


def keys(study: Study) -> Iterator[Key]:
    """Name the runs: every damage, share, method and seed."""
    settings = study.settings
    shares = {"few": settings.label_shares, "missing": settings.missing_shares, "flipped": settings.flipped_shares}
    for damage in DAMAGES:
        for share in shares[damage]:
            for seed in settings.seeds:
                for method in METHODS + (IMPUTED if damage == "missing" else ()):
                    yield Key(study.collection.name, damage, {"share": share, "method": method, "seed": seed})


def measure(study: Study, key: Key) -> dict[str, Any]:
    """Train a method on damaged labels and measure it on the test split, whose labels are whole.

    Returns:
        "damage", "share", "method", "seed", and what `measuring.measured` gives.
    """
    share, method, seed = (key.of[name] for name in ("share", "method", "seed"))
    damaged = study.on(DAMAGES[key.what](study.features, share, seed))
    fitted = _imputed(damaged, 1 - share, seed, with_graph=method == IMPUTED[1]) if method in IMPUTED else None
    fitted = fitted or fit(method, seed, damaged)
    found = measured(ranked(fitted, study.features, "test", study.columns["all"]), study.columns, study.device)
    return {"damage": key.what, **key.of, **found}


def _imputed(study: Study, kept: float, seed: int, *, with_graph: bool) -> Fitted:
    """Train on labels that were filled in, by probes of both sides that saw what is left of them."""
    training = study.features.select("train")
    graph = counted_graph(training.labels) if with_graph else None
    soft = impute(training.labels, probe_logits(training, study.device), kept, graph)
    soft[~(training.labels != 0).any(dim=1)] = 0  # an item that lost all its labels says nothing, as without imputing
    return trained("plus", study, seed, soft_labels=soft)


def _changed(features: Features, seed: int, change) -> Features:
    first, owner = features.first_rows()
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.rand(len(first), len(features.label_set), generator=generator)
    labels = features.labels.bool().clone()
    seen = torch.tensor([split != "test" for split in features.split])
    whole, training = labels[first], _in_training(features, first)
    changed = change(whole, drawn)
    for column in (~changed[training].any(dim=0)).nonzero().flatten().tolist():
        changed[torch.where(whole[:, column] & training, drawn[:, column], -1).argmax(), column] = True
    labels[seen] = changed[owner][seen]
    return replace(features, labels=labels.to(torch.uint8))


def _in_training(features: Features, first: list[int]) -> Tensor:
    """Mark the images of the train split."""
    return torch.tensor([features.split[row] == "train" for row in first])
