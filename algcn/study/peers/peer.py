"""What an adapter says of a peer: where its code is, how its authors train it, how its network is built."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

from torch import Tensor, nn

MIRFLICKR, COCO = "mirflickr", "coco"  # the two kinds of recipes; MIRFlickr's is that of a small collection


class Output(NamedTuple):
    """What every peer's network gives first: N images and M texts in the common space, and scores of L labels."""

    images: Tensor  # N × d
    texts: Tensor  # M × d
    image_scores: Tensor  # N × L
    text_scores: Tensor  # M × L


@dataclass(frozen=True)
class Recipe:
    """How the authors train on a data set.

    Attributes:
        batch_size: Rows in a step.
        epochs: Passes over the training rows.
        learning_rate: Adam's.
        weights: What the losses are multiplied by, and whatever else the losses take.
        shuffled: Whether each epoch has an order of its own.
    """

    batch_size: int
    epochs: int
    learning_rate: float
    weights: Mapping[str, float]
    shuffled: bool = True


class Given(NamedTuple):
    """What a network is built for."""

    checkout: Path
    kind: str  # MIRFLICKR or COCO
    names: Sequence[str]  # of the L labels
    images: Tensor  # N × image_dim, the training rows
    texts: Tensor  # N × text_dim
    labels: Tensor  # N × L of 0 and 1


@dataclass(frozen=True)
class Peer:
    """An adapter.

    Attributes:
        title: What it is called in tables.
        checkout: What its checkout is called on the command line.
        source: Where the checkout comes from.
        code: The names that are imported from it, by module.
        recipes: By kind of data.
        build: The network, of the imported names.
        loss: The loss of a batch, of the imported names, all that the network gives, labels and weights.
        parameters: What is trained, and how fast, of a network and the learning rate.
        done: What was adapted, a sentence or two.
    """

    title: str
    checkout: str
    source: str
    code: Mapping[str, Sequence[str]]
    recipes: Mapping[str, Recipe]
    build: Callable[[SimpleNamespace, Given], nn.Module]
    loss: Callable[[SimpleNamespace, Sequence[Tensor], Tensor, Mapping[str, float]], Tensor]
    done: str
    parameters: Callable[[Any, float], Iterable[Any]] = lambda net, rate: net.parameters()
