"""Train a peer on each scale of the features, and keep the scale and the epoch that validation picks."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from algcn.datasets.features import Features
from algcn.evaluation.linear_probe import Standardiser
from algcn.evaluation.retrieval import Embedded, retrieval_map
from algcn.kit.errors import InputError
from algcn.method.labels import LabelSet
from algcn.study.measuring import on
from algcn.study.methods import held_out
from algcn.study.peers.checkout import running_on
from algcn.study.peers.peer import Given, Output, Peer, Recipe

PATIENCE = 50  # epochs without a better one on validation; of the recipes only DSCMR's has more


def _by_width(rows: Tensor) -> Tensor:
    return functional.normalize(rows, dim=1) * rows.shape[1] ** 0.5


# From the training rows to a function of rows. The last two make numbers of about 1, which encoders' unit vectors are
# far from and the authors' own features are not.
SCALES: Mapping[str, Callable[[Tensor], Callable[[Tensor], Tensor]]] = {
    "as they are": lambda training: lambda rows: rows,
    "standardised": Standardiser.fit,
    "unit length × √width": lambda training: _by_width,
}


class Trained(NamedTuple):
    """A peer trained on one scale of the features.

    Attributes:
        score: mAP on validation, by cosine, of the best epoch.
        epoch: The best one, from 1.
        epochs: How many there were.
        outputs: What the network of the best epoch gives for "validation" and "test".
    """

    score: float
    epoch: int
    epochs: int
    outputs: Mapping[str, Output]


def among(features: Features, columns: Tensor) -> Features:
    """Keep some of the labels: those that decide what is relevant are what peers learn."""
    kept = LabelSet([features.label_set[column] for column in columns.tolist()])
    return dataclasses.replace(features, labels=features.labels[:, columns], label_set=kept)


def on_each_scale(
    peer: Peer, code: SimpleNamespace, given: Given, features: Features, epochs: int, seed: int, device: str
) -> dict[str, Trained]:
    """Train a peer on every scale of the features.

    Args:
        peer: Its adapter.
        code: What was imported from its checkout.
        given: What its network is built for; its rows are the training rows that have a label, as they are.
        features: The held-out items, with the same labels.
        epochs: At least so many, where the authors' recipe has fewer.
        seed: The seed of the start, of the order of the rows and of everything drawn.
        device: Where to compute.

    Raises:
        InputError: On no scale did an epoch end with numbers.
    """
    items = held_out(features)
    found: dict[str, Trained] = {}
    for name, scale in SCALES.items():
        of_images, of_texts = scale(given.images), scale(given.texts)
        scaled = given._replace(images=of_images(given.images), texts=of_texts(given.texts))
        seen = {
            split: dataclasses.replace(part, images=of_images(part.images), texts=of_texts(part.texts))
            for split, part in items.items()
        }
        trained = train(peer, code, scaled, seen, epochs, seed, device)
        if trained is not None:
            found[name] = trained
    if not found:
        raise InputError(f"The losses of {peer.title} are no numbers on these features; leave this peer out.")
    return found


def train(
    peer: Peer,
    code: SimpleNamespace,
    given: Given,
    items: Mapping[str, Embedded],
    epochs: int,
    seed: int,
    device: str,
) -> Trained | None:
    """Train a peer as its authors do, the epoch picked on validation; None where no epoch ended with numbers.

    Args:
        peer: Its adapter.
        code: What was imported from its checkout.
        given: With the training rows.
        items: The held-out items with their features, by split.
        epochs: At least so many.
        seed: The seed of everything drawn.
        device: Where to compute.
    """
    recipe = peer.recipes[given.kind]
    items = {split: on(part, device) for split, part in items.items()}
    rows = tuple(part.to(device) for part in (given.images, given.texts, given.labels.float()))
    best: Trained | None = None
    with torch.random.fork_rng(), running_on(device):
        torch.manual_seed(seed)
        net = peer.build(code, given).to(device)
        optimizer = torch.optim.Adam(
            peer.parameters(net, recipe.learning_rate), lr=recipe.learning_rate, betas=(0.5, 0.999)
        )
        order = torch.Generator().manual_seed(seed)
        for epoch in range(1, max(recipe.epochs, epochs) + 1):
            _epoch(peer, code, net, optimizer, rows, recipe, order)
            output = _output(net, items["validation"])
            if not all(bool(part.isfinite().all()) for part in output):
                break
            found = dataclasses.replace(items["validation"], images=output.images, texts=output.texts)
            score = retrieval_map(found)["average"]
            if best is None or score > best.score:
                outputs = {"validation": output, "test": _output(net, items["test"])}
                cpu = {split: Output(*(part.cpu() for part in output)) for split, output in outputs.items()}
                best = Trained(score, epoch, epoch, cpu)
            best = best._replace(epochs=epoch)
            if epoch - best.epoch >= PATIENCE:
                break
    return best


def _epoch(
    peer: Peer,
    code: SimpleNamespace,
    net: nn.Module,
    optimizer: torch.optim.Optimizer,
    rows: tuple[Tensor, ...],
    recipe: Recipe,
    order: torch.Generator,
) -> None:
    net.train()
    count = len(rows[0])
    index = torch.randperm(count, generator=order) if recipe.shuffled else torch.arange(count)
    for batch in index.to(rows[0].device).split(recipe.batch_size):
        if len(batch) == 1:
            continue  # batch normalisation takes no single row
        images, texts, labels = (part[batch] for part in rows)
        optimizer.zero_grad()
        peer.loss(code, net(images, texts), labels, recipe.weights).backward()
        optimizer.step()


@torch.no_grad()
def _output(net: nn.Module, items: Embedded) -> Output:
    net.eval()
    return Output(*net(items.images, items.texts)[:4])
