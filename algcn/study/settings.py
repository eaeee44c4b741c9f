"""What the study measures: one committed file, `settings.json`, and the feature files that the caller names."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from algcn.datasets.features import Features
from algcn.evaluation.retrieval import relevance_columns
from algcn.kit.errors import InputError
from algcn.study.language import Language

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
        experiments: Those that are made with it.
        rare: The labels that are made rare.
    """

    name: str
    title: str
    preset: str
    relevance: str
    without: str
    features: str = ""
    epochs: int | None = None
    in_sight: int = 0
    experiments: Sequence[str] = ()
    rare: Sequence[str] = ()

    def relevant(self, features: Features) -> Tensor:
        """Number the labels that decide what is relevant."""
        return relevance_columns(features.label_set, self.relevance)

    def columns(self, features: Features) -> dict[str, Tensor]:
        """Number the labels that decide what is relevant: "all" of them, and the "rest" without the commonest."""
        relevant = self.relevant(features)
        return {"all": relevant, "rest": relevant[relevant != features.label_set.index(self.without)]}


@dataclasses.dataclass(frozen=True)
class Settings:
    """The whole of settings.json, and what the caller adds.

    Attributes:
        peers: The folders of other people's code, by the name of the checkout; not in the file.
    """

    seeds: tuple[int, ...]
    collections: Mapping[str, Collection]
    graph_strengths: tuple[float, ...]
    label_shares: tuple[float, ...]
    missing_shares: tuple[float, ...]
    flipped_shares: tuple[float, ...]
    known_labels: tuple[int, ...]
    rare_examples: tuple[int, ...]
    peers: Mapping[str, Path] = dataclasses.field(default_factory=dict)

    @classmethod
    def load(cls, path: Path = SETTINGS) -> Settings:
        """Read the committed file."""
        value = json.loads(path.read_text(encoding="utf-8"))
        collections = {
            name: Collection(name=name, **{"features": name, **entry})
            for name, entry in value.pop("collections").items()
        }
        return cls(collections=collections, **{name: tuple(numbers) for name, numbers in value.items()})


@dataclasses.dataclass(frozen=True)
class Study:
    """What an experiment works on.

    Attributes:
        collection: Its settings.
        settings: Those of the whole study.
        features: All items of the collection, with their splits.
        language: Reads what is known of labels by language.
        device: Where to compute.
    """

    collection: Collection
    settings: Settings
    features: Features
    language: Callable[[], Language]
    device: str = "cpu"

    @property
    def columns(self) -> dict[str, Tensor]:
        """The labels that decide what is relevant (`Collection.columns`)."""
        return self.collection.columns(self.features)

    @property
    def relevant(self) -> Tensor:
        """The numbers of the labels that decide what is relevant."""
        return self.collection.relevant(self.features)

    def on(self, features: Features) -> Study:
        """The same with other features, damaged ones for instance."""
        return dataclasses.replace(self, features=features)


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
