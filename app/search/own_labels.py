"""Labels that one visitor made beside the model's, as searches see them: more columns of probabilities.

Notable: they count as the model's labels do (`algcn.evaluation.ranking`), with the rarity of a label of the ordinary
kind. They belong to a service of that visitor's own, so no other visitor's search knows them.

N is the number of items, L of the model's labels, M of these.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from algcn.method.labels import Label, LabelSet

if TYPE_CHECKING:
    from algcn.datasets.image_folder import Item
    from algcn.evaluation.ranking import Ranking
    from algcn.method.new_label import NewLabel

CLEAR = 0.5  # the probability above which a picture is said to show one


class OwnLabels:
    """A visitor's labels beside a model's.

    Args:
        labels: The M labels.
    """

    def __init__(self, labels: Sequence[NewLabel] = ()) -> None:
        self.labels = tuple(labels)
        self.names = [label.name for label in self.labels]

    def __len__(self) -> int:
        return len(self.labels)

    @cached_property
    def label_set(self) -> LabelSet:
        """The same as a set in which names are found."""
        return LabelSet([Label(name) for name in self.names])

    def find(self, text: str) -> list[str]:
        """The labels that words name."""
        return self.label_set.find(text) if self.labels else []

    def vectors(self, names: Sequence[str]) -> Tensor:
        """Where some of them are in the common space, K × d."""
        return torch.stack([self.labels[self.names.index(name)].vector for name in names])

    def probabilities(self, features: Tensor, likely: Tensor, modality: str, known: Sequence[Sequence[str]]) -> Tensor:
        """How likely each is, N × M; 1 where it is known to be there.

        Args:
            features: N × e of the encoder.
            likely: The probabilities of the model's labels, N × L.
            modality: "image" or "text".
            known: For each item, labels that it is known to have.
        """
        if not self.labels:
            return likely[:, :0]
        found = torch.stack([label.probabilities(features, likely, modality) for label in self.labels], dim=1)
        columns = {name.casefold(): column for column, name in enumerate(self.names)}
        for row, names in enumerate(known):
            found[row, [columns[name.casefold()] for name in names if name.casefold() in columns]] = 1.0
        return found

    def extended(self, ranking: Ranking) -> Ranking:
        """A rule of ranking by these labels, too."""
        if not self.labels:
            return ranking
        rarity = torch.cat([ranking.rarity, torch.ones(len(self.labels)).to(ranking.rarity)])
        return dataclasses.replace(ranking, rarity=rarity)

    def predicted(self, probabilities: Tensor) -> list[tuple[str, ...]]:
        """For each of N items those that it probably shows."""
        return [
            tuple(self.names[column] for column in (row >= CLEAR).nonzero()[:, 0].tolist()) for row in probabilities
        ]


def known_labels(items: Sequence[Item]) -> list[Sequence[str]]:
    """For each item the labels that it is known to have."""
    return [item.labels or () for item in items]
