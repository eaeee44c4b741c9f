"""Labels with groups and synonyms: names to multi-hot rows and back, and the labels that a text mentions."""

from __future__ import annotations

import dataclasses
import difflib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from algcn.kit import checks
from algcn.kit.errors import InputError

SOURCES = ("annotated", "mined")
_WORD_GAP = re.compile(r"[\s_\-]+")
_FORBIDDEN = re.compile(r"[|\x00-\x1f\x7f]")


@dataclasses.dataclass(frozen=True)
class Label:
    """A label: its name, the group it is coloured by, who gave it, and the words that mean it in a text."""

    name: str
    group: str = ""
    source: str = "annotated"  # or "mined": found in captions by whole words
    synonyms: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip():
            raise InputError(f"A label's name must be a word or a phrase, not {self.name!r}.")
        if self.name != self.name.strip() or _FORBIDDEN.search(self.name):
            raise InputError(
                f"The label name {self.name!r} must not begin or end with a space or contain '|' or a line break."
            )
        if not isinstance(self.group, str):
            raise InputError(f"The group of label {self.name!r} must be a text, not {self.group!r}.")
        if self.source not in SOURCES:
            raise InputError(f"The source of label {self.name!r} must be one of {', '.join(SOURCES)}.")
        listed = isinstance(self.synonyms, (list, tuple))
        if not listed or not all(isinstance(text, str) and _phrase(text) for text in self.synonyms):
            raise InputError(f"The synonyms of label {self.name!r} must be a list of words or phrases.")
        object.__setattr__(self, "synonyms", tuple(self.synonyms))


def _phrase(text: str) -> str:
    """Return `text` as it is compared: casefolded, one space between words."""
    return _WORD_GAP.sub(" ", text.casefold()).strip()


class LabelSet(Sequence[Label]):
    """An ordered set of labels; position `i` is column `i` of every label matrix and row `i` of the classifiers.

    Names are unique and looked up without regard to case.

    Example:
        >>> labels = LabelSet(["dog", Label("beach", synonyms=("seaside",))])
        >>> labels.encode([["dog"], ["beach", "dog"]]).tolist()
        [[1, 0], [1, 1]]
        >>> labels.find("A dog at the seaside")
        ['dog', 'beach']
    """

    def __init__(self, labels: Iterable[Label | str]) -> None:
        self._labels = tuple(Label(label) if isinstance(label, str) else label for label in labels)
        self._positions: dict[str, int] = {}
        for position, label in enumerate(self._labels):
            if label.name.casefold() in self._positions:
                raise InputError(f"The label {label.name!r} is there twice; every name may appear once.")
            self._positions[label.name.casefold()] = position

    def __len__(self) -> int:
        return len(self._labels)

    def __getitem__(self, position: int | slice) -> Label | tuple[Label, ...]:
        return self._labels[position]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LabelSet) and self._labels == other._labels

    def __hash__(self) -> int:
        return hash(self._labels)

    def __repr__(self) -> str:
        return f"LabelSet({', '.join(self.names)})"

    @property
    def names(self) -> list[str]:
        """The names of the labels in order."""
        return [label.name for label in self._labels]

    @property
    def groups(self) -> list[str]:
        """The group of each label, in the order of the labels."""
        return [label.group for label in self._labels]

    def index(self, name: str) -> int:  # type: ignore[override]
        """Return the position of the label called `name`, whatever its case.

        Raises:
            InputError: No label has this name; the message offers the closest ones.
        """
        if not isinstance(name, str):
            raise InputError(f"A label is named by a text, not by {checks.kind(name)}.")
        position = self._positions.get(name.strip().casefold())
        if position is None:
            close = difflib.get_close_matches(name.strip().casefold(), self._positions, n=3)
            if close:
                hint = "Did you mean " + " or ".join(repr(self._labels[self._positions[c]].name) for c in close) + "?"
            else:
                hint = f"The labels are {', '.join(self.names)}." if self.names else "This set of labels is empty."
            raise InputError(f"There is no label {name!r}. {hint}")
        return position

    def encode(self, rows: Iterable[Iterable[str]]) -> Tensor:
        """Turn lists of names into a multi-hot matrix, N × L, uint8.

        Raises:
            InputError: A name is unknown, or a row is one text instead of a list of names.
        """
        columns: list[int] = []
        counts: list[int] = []
        positions: dict[str, int] = {}
        for number, row in enumerate(rows):
            if isinstance(row, str):
                raise InputError(f"Row {number} of the labels is the text {row!r}; it must be a list of label names.")
            start = len(columns)
            for name in row:
                position = positions.get(name) if isinstance(name, str) else None
                if position is None:
                    position = positions[name] = self.index(name)
                columns.append(position)
            counts.append(len(columns) - start)
        encoded = torch.zeros(len(counts), len(self), dtype=torch.uint8)
        encoded[torch.arange(len(counts)).repeat_interleave(torch.tensor(counts, dtype=torch.long)), columns] = 1
        return encoded

    def among(self, names: Iterable[str]) -> list[str]:
        """Return those of some names that are labels of this set, whatever their case."""
        return [name for name in names if name.strip().casefold() in self._positions]

    def decode(self, labels: Tensor) -> list[list[str]]:
        """Turn a multi-hot matrix, N × L, into lists of names in the order of the labels; any non-zero entry counts."""
        if labels.ndim != 2 or labels.shape[1] != len(self):
            raise InputError(
                f"A label matrix of {len(self)} columns is needed, not one of shape {tuple(labels.shape)}."
            )
        rows: list[list[str]] = [[] for _ in range(labels.shape[0])]
        for row, column in labels.nonzero().tolist():
            rows[row].append(self._labels[column].name)
        return rows

    @cached_property
    def phrases(self) -> dict[str, list[int]]:
        """Every name and synonym, as compared, with the labels it stands for ("surfer" is a person and surfing)."""
        found: dict[str, list[int]] = {}
        for position, label in enumerate(self._labels):
            for phrase in dict.fromkeys(_phrase(text) for text in (label.name, *label.synonyms)):
                found.setdefault(phrase, []).append(position)
        return found

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        """A pattern of whole synonyms, the longest first: "stop sign" is found before "sign" could be."""
        longest_first = sorted(self.phrases, key=lambda phrase: (-len(phrase), phrase))
        options = "|".join(r"[\s_\-]+".join(map(re.escape, phrase.split(" "))) for phrase in longest_first)
        return re.compile(rf"(?<!\w)(?:{options})(?!\w)")

    def find(self, text: str) -> list[str]:
        """Find the labels that `text` mentions and return their names, in the order of the labels.

        Whole words, whatever their case; a longer synonym hides the shorter ones inside it ("hot dog" is no dog when
        "hot dog" is itself a synonym). Words of a phrase may be joined by spaces, hyphens or underscores.
        """
        if not self._labels:
            return []
        matches = self._pattern.findall(text.casefold())
        positions = {position for match in matches for position in self.phrases[_phrase(match)]}
        return [self._labels[position].name for position in sorted(positions)]

    def subset(self, names: Iterable[str]) -> LabelSet:
        """Return a set of the labels called `names`, in that order."""
        return LabelSet(self._labels[self.index(name)] for name in names)

    def to_json(self) -> list[dict[str, Any]]:
        """Return a list of objects, ready for `json.dumps`; `from_json` reads it."""
        return [{**dataclasses.asdict(label), "synonyms": list(label.synonyms)} for label in self._labels]

    @classmethod
    def from_json(cls, entries: Sequence[str | Mapping[str, Any]]) -> LabelSet:
        """Read a JSON list whose entries are names or objects with `name`, `group`, `source`, `synonyms`.

        Raises:
            InputError: Not such a list, an unknown key, an empty name or a name that is there twice.
        """
        if isinstance(entries, (str, bytes)) or not isinstance(entries, Sequence):
            raise InputError("The labels must be a list of names or of objects with a name.")
        known = [field.name for field in dataclasses.fields(Label)]
        labels = []
        for number, entry in enumerate(entries):
            if isinstance(entry, str):
                entry = {"name": entry}
            if not isinstance(entry, Mapping) or "name" not in entry:
                raise InputError(f"Label {number} must be a name or an object with a name, not {entry!r}.")
            unknown = [key for key in entry if key not in known]
            if unknown:
                raise InputError(f"Label {entry['name']!r} has the unknown key {unknown[0]!r}; use {', '.join(known)}.")
            labels.append(Label(**entry))
        return cls(labels)

    @classmethod
    def load(cls, path: str | Path) -> LabelSet:
        """Read a JSON file in the format of `from_json`.

        Raises:
            InputError: The file is missing, is not JSON, or is not a list of labels.
        """
        try:
            entries = json.loads(Path(path).read_text(encoding="utf-8"))
        except OSError as error:
            raise InputError(f"The label file {path} cannot be read ({error.strerror}); name a JSON file.") from error
        except (ValueError, RecursionError) as error:  # the second where lists are nested too deep
            raise InputError(f"The label file {path} is not JSON ({error}); give a JSON list of labels.") from error
        return cls.from_json(entries)
