"""What the study measures: one committed file, `settings.json`, and the feature files that the caller names."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from algcn.datasets.features import Features
from algcn.evaluation.retrieval import relevance_columns
from algcn.kit.errors import InputError

SETTINGS = Path(__file__).with_name("settings.json")


@dataclasses.dataclass(frozen=True)
class Collection:
    """A data set with what counts as relevant in it.

    Attributes:
        name: What it is called on the command line and in file names.
        title: What it is called in tables.
        preset: The paper's settings for it.
        relevance: The labels that decide what is relevant, "annotated" or "all".
        without: The commonest label, which the second measure leaves out.
        features: The name of the feature file, where several collections share one; its own by default.
        epochs: How long mode "paper" trains, where the preset's epochs are too few.
        in_sight: How many of the first test items were looked at while defaults were chosen.
    """

    name: str
    title: str
    preset: str
    relevance: str
    without: str
    features: str = ""
    epochs: int | None = None
    in_sight: int = 0

    def columns(self, features: Features) -> dict[str, Tensor]:
        """Number the labels that decide what is relevant: "all" of them, and the "rest" without the commonest."""
        relevant = relevance_columns(features.label_set, self.relevance)
        return {"all": relevant, "rest": relevant[relevant != features.label_set.index(self.without)]}


@dataclasses.dataclass(frozen=True)
class Settings:
    """The whole of settings.json."""

    seeds: tuple[int, ...]
    collections: Mapping[str, Collection]
    graph_strengths: tuple[float, ...]
    label_shares: tuple[float, ...]
    missing_shares: tuple[float, ...]
    flipped_shares: tuple[float, ...]
    known_labels: tuple[int, ...]

    @classmethod
    def load(cls, path: Path = SETTINGS) -> Settings:
        """Read the committed file."""
        value = json.loads(path.read_text(encoding="utf-8"))
        collections = {
            name: Collection(name=name, **{"features": name, **entry})
            for name, entry in value.pop("collections").items()
        }
        return cls(collections=collections, **{name: tuple(numbers) for name, numbers in value.items()})


def unseen(collection: Collection, features: Features) -> Tensor:
    """Mark the items of the test split that nobody had looked at when defaults were chosen."""
    first, _ = features.first_rows()
    marked = torch.ones(len(first), dtype=torch.bool)
    if collection.in_sight >= len(first):
        raise InputError(
            f"The {collection.name} test split has {len(first)} items, and {collection.in_sight} were in sight when "
            "defaults were chosen; give the whole collection."
        )
    marked[: collection.in_sight] = False
    return marked
