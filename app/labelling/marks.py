"""What a visitor said of labels by hand: which pictures have them and which have not, step by step, to be taken back.

Notable: marks lie over the labels that came with the pictures and never change those, so pictures may be added while
somebody labels. Labels are the same whatever their case. Everything is bounded: new labels, steps, changes in a step.
"""

from __future__ import annotations

import dataclasses
import threading
from collections import deque
from collections.abc import Iterable, Mapping, Sequence, Sized
from typing import TYPE_CHECKING

from algcn.kit.errors import InputError
from algcn.method.labels import Label

if TYPE_CHECKING:
    from algcn.datasets.image_folder import Item
    from algcn.method.new_label import NewLabel

MAX_NEW = 100  # labels that the model does not know
MAX_STEPS = 100
MAX_REMEMBERED = 100_000  # changes in all steps together
MAX_NAME = 60
Pair = tuple[str, str]  # the file name of a picture, and a label
Said = Mapping[str, Mapping[str, bool]]  # by file name and by `key_of` a label: whether it is there


def key_of(label: str) -> str:
    """Return what two spellings of a label have in common."""
    return " ".join(label.split()).casefold()


def check_name(label: object) -> str:
    """Check the name of a label that somebody typed, and return it with single spaces.

    Raises:
        InputError: It is blank, too long, or holds what no label may.
    """
    if not isinstance(label, str) or not label.strip():
        raise InputError("Type the name of a label, a word or a few.")
    name = " ".join(label.split())
    if len(name) > MAX_NAME:
        raise InputError(f"A label's name may have {MAX_NAME} characters; {name[:20]!r}… has {len(name):,}.")
    return Label(name).name


@dataclasses.dataclass(frozen=True)
class _New:
    """A label that no model knows: its name, and what it was when it was taken home, if it came back from there."""

    name: str
    loaded: NewLabel | None = None


@dataclasses.dataclass(frozen=True)
class _Step:
    """What was before a step: marks that it changed, and all new labels."""

    before: dict[Pair, bool | None]
    new: dict[str, _New]


class Marks:
    """The marks of one visitor; safe to use from several threads.

    Attributes:
        version: How many changes there were.
    """

    def __init__(self) -> None:
        self.version = 0
        self._said: dict[str, dict[str, bool]] = {}
        self._spelled: dict[str, str] = {}
        self._new: dict[str, _New] = {}
        self._steps: deque[_Step] = deque(maxlen=MAX_STEPS)
        self._lock = threading.Lock()

    def said(self) -> Said:
        """A copy of all marks."""
        with self._lock:
            return {file: dict(marks) for file, marks in self._said.items()}

    @property
    def new(self) -> list[str]:
        """The labels that the visitor added because no model knows them."""
        with self._lock:
            return [label.name for label in self._new.values()]

    @property
    def loaded(self) -> dict[str, NewLabel]:
        """Those of them that were made before and loaded again, by their names."""
        with self._lock:
            return {label.name: label.loaded for label in self._new.values() if label.loaded is not None}

    @property
    def steps(self) -> int:
        """How many steps can be taken back."""
        return len(self._steps)

    def mark(self, pairs: Iterable[Pair], there: bool, new: Sequence[str] = ()) -> int:
        """Say of pictures that they have labels, or have them not; one step.

        Args:
            pairs: Pictures and labels.
            there: Whether the pictures have them.
            new: Those labels among them, or beside them, that no model knows.

        Returns:
            How many marks changed.

        Raises:
            InputError: There would be too many new labels.
        """
        with self._lock:
            added = {key_of(label): _New(label) for label in new if key_of(label) not in self._new}
            self._check_room(added)
            changed = {
                (file, label): there
                for file, label in pairs
                if self._said.get(file, {}).get(key_of(label)) is not there
            }
            if changed or added:
                self._remember(changed)
                self._new |= added
                self._spelled |= {key_of(label): label for _, label in changed}
                self._write(changed)
            return len(changed)

    def load(self, label: NewLabel) -> None:
        """Take a label in that was made before, in place of a new one of that name; one step.

        Raises:
            InputError: There would be too many new labels.
        """
        with self._lock:
            key = key_of(label.name)
            self._check_room({key} - self._new.keys())
            self._remember({})
            self._new[key] = _New(self._new[key].name if key in self._new else label.name, label)
            self._write({})

    def forget(self, label: str) -> int:
        """Take a new label away, from all pictures; one step. Returns how many marks were taken away."""
        key = key_of(label)
        with self._lock:
            changed: dict[Pair, bool | None] = {(file, key): None for file, said in self._said.items() if key in said}
            if changed or key in self._new:
                self._remember(changed)
                self._new.pop(key, None)
                self._write(changed)
            return len(changed)

    def undo(self) -> int:
        """Take the last step back; returns how many marks changed, 0 where there is no step."""
        with self._lock:
            if not self._steps:
                return 0
            step = self._steps.pop()
            self._new = dict(step.new)
            self._write(step.before)
            return len(step.before)

    def labels_of(self, item: Item, said: Mapping[str, bool]) -> list[str] | None:
        """Return the labels that a picture is known to have, its own and those given by hand; None for none.

        Args:
            item: The picture, with the labels that came with it.
            said: The marks of this picture, from `said`.
        """
        own = [label for label in item.labels or () if said.get(key_of(label), True)]
        there = {key_of(label) for label in own}
        own += [self._spelled[key] for key, is_there in said.items() if is_there and key not in there]
        return own or None

    def items(self, items: Sequence[Item]) -> list[Item]:
        """Return pictures with the labels that they are known to have."""
        said = self.said()
        return [dataclasses.replace(item, labels=self.labels_of(item, said.get(item.file_name, {}))) for item in items]

    def _check_room(self, added: Sized) -> None:
        if len(self._new) + len(added) > MAX_NEW:
            raise InputError(f"There may be {MAX_NEW} labels of your own; take one away first.")

    def _remember(self, changed: Mapping[Pair, object]) -> None:
        before = {(file, label): self._said.get(file, {}).get(key_of(label)) for file, label in changed}
        self._steps.append(_Step(before, dict(self._new)))
        while len(self._steps) > 1 and sum(len(step.before) for step in self._steps) > MAX_REMEMBERED:
            self._steps.popleft()

    def _write(self, changed: Mapping[Pair, bool | None]) -> None:
        for (file, label), there in changed.items():
            marks = self._said.setdefault(file, {})
            if there is None:
                marks.pop(key_of(label), None)
            else:
                marks[key_of(label)] = there
        self.version += 1
