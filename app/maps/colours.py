"""Which colour each picture has on the map of a gallery: by its labels or by its folder.

Notable: everything here goes by columns, the pictures of a label or a folder, so that a hundred thousand pictures are
coloured as fast as a screen is drawn.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.kit.theme import GROUP_COLOURS, group_colours
from app.maps.traces import ACCENT, FAINT

if TYPE_CHECKING:
    from algcn.method.labels import LabelSet

# Several labels have one colour on the map: that of the rarest. Without labels there is none.
OTHER, NONE = "other labels", "no label"
TOP_FOLDER, OTHER_FOLDERS = "top folder", "other folders"
IT, NOT_IT = "has the label", "has it not"
Rows = NDArray[np.int64]


class Colouring(NamedTuple):
    """Which colour each of N pictures has: its number among the names of the colours, in the legend's order."""

    codes: NDArray[np.int64]
    colours: dict[str, str]

    @property
    def names(self) -> list[str]:
        """The names of the colours that some picture has."""
        return [name for number, name in enumerate(self.colours) if (self.codes == number).any()]


def by_folder(names: Sequence[str]) -> Colouring:
    """Colour pictures, given by their file names, by folder; beyond ten, the smaller folders are one."""
    parents = [name.rpartition("/")[0] for name in names]
    folder_of = {parent: str(PurePosixPath(parent)) for parent in dict.fromkeys(parents)}
    sizes = Counter(folder_of[parent] for parent in parents)
    most = {folder for folder, _ in sizes.most_common(len(GROUP_COLOURS) - 1)}
    shown = {folder: (TOP_FOLDER if folder == "." else folder) if folder in most else OTHER_FOLDERS for folder in sizes}
    colours = group_colours(sorted(set(shown.values())))
    codes = {name: code for code, name in enumerate(colours)}
    code_of = {parent: codes[shown[folder]] for parent, folder in folder_of.items()}
    return Colouring(np.array([code_of[parent] for parent in parents], np.int64), colours)


def by_label(pictures: Rows | None, count: int) -> Colouring:
    """Tell those of `count` pictures that have a label from the others; none has one that is not there."""
    codes = np.zeros(count, np.int64)
    if pictures is not None:
        codes[pictures] = 1
    return Colouring(codes, {NOT_IT: FAINT, IT: ACCENT})


def by_group(columns: Mapping[str, Rows], label_set: LabelSet, count: int) -> Colouring:
    """Colour pictures by the group of their rarest label, of those that the model knows if there are any.

    Args:
        columns: The pictures that have each label, the commonest first.
        label_set: The model's labels, with their groups.
        count: How many pictures there are.
    """
    named = group_colours(group or OTHER for group in label_set.groups)
    colours = {**named, OTHER: named.get(OTHER, FAINT), NONE: FAINT}
    codes = {name: code for code, name in enumerate(colours)}
    group_of = {label.name.casefold(): label.group or OTHER for label in label_set}
    found = np.full(count, codes[NONE], np.int64)
    unknown = [label for label in columns if label.casefold() not in group_of]
    known = [label for label in columns if label.casefold() in group_of]
    for label in (*unknown, *known):  # the last that a picture has is its rarest
        found[columns[label]] = codes[group_of.get(label.casefold(), OTHER)]
    return Colouring(found, colours)
