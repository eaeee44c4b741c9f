"""Splits with a name: which items of a benchmark are queried and which are learned from.

The literature draws test items at random and does not publish them, so a split here is a rule, a seed and a manifest.
Items are drawn by the SHA-256 of seed and file name: the same items on every machine, in every version, whatever the
order they come in. Names are `official` (the collection's own train and test), `N-query` (N test items, all others
train) and `N-query-M-train` (the rest is in neither: the hashing literature calls it the database). After `N-query` may
stand `V-validation`: so many items to pick by; without them training carves its own from train.
"""

from __future__ import annotations

import hashlib
import heapq
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from algcn.datasets.folders.listing import MANIFEST
from algcn.datasets.folders.names import composed
from algcn.kit.errors import InputError

FORMAT = "algcn-split-1"
SEED = 103
OFFICIAL = "official"
RULE = (
    "test: the items with the smallest SHA-256 of '<seed> <file name>'; validation, if the rule has it, and train: "
    "those that follow, or all others. "
    "Published lists of items do not exist, so results on other draws of this size differ a little"
)
# The usual ones of each collection, the default first.
USUAL = {
    "mirflickr": {
        "2000-query": "2,000 test, all others train (18,015 of the benchmark's 20,015)",
        "2000-query-5000-train": "of the hashing literature: 2,000 test, 5,000 train",
        "2000-query-10000-train": "of DCMH and its followers: 2,000 test, 10,000 train",
    },
    "mirflickr-subset": {
        "500-query-290-validation": "500 test, 290 validation, all others train",
    },
    "nus-wide": {
        "2100-query": "2,100 test, all others train",
        "2100-query-10500-train": "of the hashing literature: 2,100 test, 10,500 train",
        OFFICIAL: "the collection's own: TrainImagelist.txt and TestImagelist.txt",
    },
    "ms-coco": {
        OFFICIAL: "the collection's own: train photos train, validation photos test",
        "5000-query": "5,000 test, all others train",
        "5000-query-10000-train": "of the hashing literature: 5,000 test, 10,000 train",
    },
}
_NAME = re.compile(r"(?P<test>[1-9]\d*)-query(?:-(?P<validation>[1-9]\d*)-validation)?(?:-(?P<train>[1-9]\d*)-train)?")


@dataclass(frozen=True)
class Split:
    """A rule for splitting a benchmark, known by its name; `draw` applies it.

    Raises:
        InputError: The name is none of a split.
    """

    dataset: str
    rule: str
    seed: int = SEED

    def __post_init__(self) -> None:
        if self.rule != OFFICIAL and not _NAME.fullmatch(self.rule):
            usual = ", ".join(USUAL.get(self.dataset, {}))
            raise InputError(f"There is no split {self.rule!r}; use N-query or N-query-M-train, usually: {usual}.")
        if self.rule == OFFICIAL and OFFICIAL not in USUAL.get(self.dataset, {OFFICIAL: ""}):
            raise InputError(
                f"The collection {self.dataset} has no official split; the usual ones are "
                f"{', '.join(USUAL[self.dataset])}."
            )

    @property
    def name(self) -> str:
        """The name of the split in results: dataset, rule and, where items are drawn, the seed."""
        return f"{self.dataset} {self.rule}" + ("" if self.rule == OFFICIAL else f" seed {self.seed}")

    @property
    def sizes(self) -> tuple[int, int, int | None]:
        """How many test, validation and train items are drawn; None stands for all others."""
        match = _NAME.fullmatch(self.rule)
        return int(match["test"]), int(match["validation"] or 0), int(match["train"]) if match["train"] else None

    def draw(self, items: Iterable[tuple[str, str | None]]) -> Assignment:
        """Draw the split in one pass over (file name, official split) of all items; only drawn names stay in memory.

        Raises:
            InputError: There are not as many items as the split takes.
        """
        if self.rule == OFFICIAL:
            for _ in items:
                pass
            return Assignment(None, frozenset(), None)
        test, validation, train = self.sizes
        count = 0

        def keys() -> Iterable[tuple[bytes, str]]:
            nonlocal count
            for name, _ in items:
                count += 1
                yield hashlib.sha256(f"{self.seed} {composed(name)}".encode()).digest(), name

        drawn = [name for _, name in heapq.nsmallest(test + validation + (train or 0), keys())]
        if count < test + validation + (train or 1):
            held_out = f"{test:,} test" + (f", {validation:,} validation" if validation else "")
            raise InputError(
                f"The split {self.rule} takes {held_out} and {train or 'some'} train items, but {count:,} are kept; "
                "use a smaller one, for instance --split "
                f"{max(1, count // 10)}-query."
            )
        held_out = test + validation
        rest = frozenset(drawn[held_out:]) if train else None
        return Assignment(frozenset(drawn[:test]), frozenset(drawn[test:held_out]), rest)


@dataclass(frozen=True)
class Assignment:
    """The items that were drawn; None for test means the official split decides, None for train means all others."""

    test: frozenset[str] | None
    validation: frozenset[str]
    train: frozenset[str] | None

    def of(self, name: str, official: str | None) -> str | None:
        """Return the split of an item, None for an item that is in none."""
        if self.test is None:
            return official
        if name in self.test:
            return "test"
        if name in self.validation:
            return "validation"
        return "train" if self.train is None or name in self.train else None


def split_name(folder: str | Path) -> str:
    """Read the name of the split from an image folder's manifest; empty where it has none.

    Raises:
        InputError: The manifest is damaged.
    """
    path = Path(folder) / MANIFEST
    if not path.is_file():
        return ""
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        if manifest["format"] == FORMAT and isinstance(manifest["name"], str):
            return manifest["name"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        pass
    raise InputError(
        f"The file {str(path)!r} is no manifest of a split; prepare the folder again with python -m algcn.datasets."
    )
