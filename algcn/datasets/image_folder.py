"""Read image folders in the Hugging Face ImageFolder convention: pictures with a table, or in folders named by class.

The table is a `metadata.csv`, `.jsonl` or `.parquet` with the column `file_name` and any of `text`, `labels` (or
`label`) and `split`; it may lie in any folder, and names files from there. Texts and labels may be empty. Several rows
may name one file: they are several texts of one picture, and its labels are those of all its rows. Without a table each
picture is an item without texts, and where all lie equally deep in several folders, the folder is the label. Folders
called train, validation or test name the split where no column does.

What is not used, is counted: `ImageFolder.account`.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from algcn.datasets.features import SPLITS
from algcn.datasets.folders.listing import TABLES, Listing, count_links, is_table, list_folder
from algcn.datasets.folders.names import AmbiguousName, Names, composed, leads_outside
from algcn.datasets.folders.rows import RowReader, check_label, split_called
from algcn.datasets.folders.spellings import SEPARATOR, agree
from algcn.datasets.folders.tables import read_table
from algcn.kit.account import Account
from algcn.kit.errors import InputError
from algcn.kit.picture_kinds import READ
from algcn.method.labels import LabelSet

METADATA = TABLES[0]  # the table that the project itself writes
__all__ = ["METADATA", "SEPARATOR", "ImageFolder", "Item", "named_files", "read_image_folder"]
# A folder of a split may be numbered, as val2017 is.
_NUMBERED = re.compile(r"[-._ ]?\d*$")


@dataclass(frozen=True)
class Item:
    """A picture: its path inside the folder, its texts, its labels and its split (None where they are not said)."""

    file_name: str
    texts: list[str] = field(default_factory=list)
    labels: list[str] | None = None
    split: str | None = None


@dataclass(frozen=True)
class ImageFolder:
    """The items of a folder, in the order in which they are first named.

    Attributes:
        root: The folder.
        items: The pictures that are used.
        account: What was used of the folder and what was not.
        unnamed: The pictures that no table names; they are no items, and counted in the account, unless the folder was
            read whole.
    """

    root: Path
    items: list[Item]
    account: Account = field(default_factory=Account, compare=False)
    unnamed: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[Item]:
        return iter(self.items)

    def path(self, item: Item) -> Path:
        """Return the path of an item's image."""
        return self.root / item.file_name

    @property
    def label_counts(self) -> dict[str, int]:
        """Return every label that some item has with how many have it, the most frequent first."""
        counts = Counter(label for item in self.items for label in item.labels or ())
        return dict(sorted(counts.items(), key=lambda entry: (-entry[1], entry[0])))

    @property
    def label_names(self) -> list[str]:
        """Return every label that some item has, sorted by name."""
        return sorted(self.label_counts)


def read_image_folder(
    path: str | Path,
    label_set: LabelSet | None = None,
    *,
    whole: bool = False,
    meant: Mapping[str, Sequence[str]] | None = None,
) -> ImageFolder:
    """Read an image folder; no picture is opened.

    A row whose picture is missing costs that row; it is counted, as are pictures that no row names and files that are
    no pictures. Labels that differ in letter case only are one.

    Args:
        path: The folder.
        label_set: The labels that are allowed; all by default.
        whole: Pictures that no row names are items too, and a folder may have no item at all.
        meant: Files that a path in a table means whatever the folder holds, as `folders.names.Names` takes them.

    Raises:
        InputError: No such folder, no picture in it, a table that cannot be read or is two, a path that leaves the
            folder, an unknown label or split. A row is named by its number in the file (of a CSV as a spreadsheet
            shows it).
    """
    root = Path(path)
    if not root.is_dir():
        raise InputError(f"There is no folder {str(path)!r}; give a folder of images with a {METADATA}.")
    account = Account()
    for unit in ("pictures", "captions", "labels"):
        account.use(unit, 0)  # the summary names them first, in this order
    listing = list_folder(root, account)
    if listing.tables:
        # Every picture of a whole folder is listed; else a row may name one that is hidden or behind a link.
        names = Names(listing.pictures, lambda name: not whole and os.path.isfile(root / name), meant)
        items = _read_tables(root, listing.tables, names, account, label_set)
    else:
        items = _without_table(root, listing, account, label_set)
    if not items and not whole:
        raise InputError(_nothing_in(root, listing, account))
    named = {item.file_name for item in items}
    unnamed = [name for name in listing.pictures if name not in named]
    if whole:
        items += [Item(name) for name in unnamed]
    items = _agree_on_labels(_split_by_folder(items, account), label_set, account)
    count_links(listing.links, named, account)
    for name in unnamed if not whole else ():
        account.add("pictures that no row names", name, f"add a row for each to {listing.tables[0]}", unit="pictures")
    account.use("pictures", len(items))
    account.use("captions", sum(len(item.texts) for item in items))
    account.use("labels", sum(len(item.labels or ()) for item in items))
    return ImageFolder(root, items, account, unnamed)


def named_files(path: str | Path, present: Collection[str] | None = None) -> list[str] | None:
    """Return the pictures that a folder's tables name; None if it has no table.

    Args:
        path: The folder; the pictures need not be there.
        present: The paths of the files that there are, if they are not in the folder yet.

    Raises:
        InputError: A table is at fault, as in `read_image_folder`.
    """
    root = Path(path)
    there = _all_files(root) if present is None else present
    tables = sorted(name for name in there if is_table(name))
    if not tables:
        return None
    names = Names(there, there.__contains__ if present is not None else lambda name: os.path.isfile(root / name))
    return [item.file_name for item in _read_tables(root, tables, names, Account())]


def _all_files(root: Path) -> list[str]:
    found = []
    for place, _, files in os.walk(root):
        inside = "" if Path(place) == root else f"{Path(place).relative_to(root).as_posix()}/"
        found += [inside + file for file in files]
    return found


def _without_table(root: Path, listing: Listing, account: Account, label_set: LabelSet | None) -> list[Item]:
    items = [Item(name) for name in listing.pictures]
    below = bool(_folder_splits(items))
    paths = [PurePosixPath(name).parts[below:-1] for name in listing.pictures]
    classes = {path[-1] for path in paths if path}
    if len(classes) < 2:
        return items
    if len({len(path) for path in paths}) > 1:
        account.note(
            "Pictures lie at different depths, so the names of their folders are not taken for labels; "
            "put each into a folder named by its label, or add a metadata.csv."
        )
        return items
    for label in sorted(classes) if label_set is not None else ():
        check_label(composed(label), label_set, f"The folder {str(root)!r}")
    account.note(f"The labels are the names of the folders, since there is no {METADATA}.")
    return [replace(item, labels=[composed(path[-1])]) for item, path in zip(items, paths, strict=True)]


def _nothing_in(root: Path, listing: Listing, account: Account) -> str:
    """Say why a folder has no item."""
    why = " ".join(account.sentences())
    if listing.tables:
        why = why or "It has no rows; give it one for each picture."
        return f"The file {listing.tables[0]} names no images that are in the folder. {why}"
    return f"The folder {str(root)!r} holds no images; put {', '.join(READ)} files into it. {why}".rstrip()


def _read_tables(
    root: Path, tables: list[str], names: Names, account: Account, label_set: LabelSet | None = None
) -> list[Item]:
    """Read all tables; the rows of one picture become one item."""
    places: dict[str, str] = {}
    items: dict[str, Item] = {}
    for name in tables:
        table = read_table(root, name)
        if table.folder in places:
            raise InputError(f"The folder has two tables in one place, {places[table.folder]} and {name}; leave one.")
        places[table.folder] = name
        reader = RowReader(table, account, label_set)
        for number, row in table.rows:
            said = reader.file_name(row, number)
            if not said:
                account.add("rows without a file_name", f"row {number} of {name}", "write the picture's path there",
                            unit="rows")  # fmt: skip
                continue
            if leads_outside(said):
                raise InputError(
                    f"Row {number} of {name} names {said!r}, outside the folder; use a path inside it, without '..'."
                )
            try:
                found = names.find(table.folder + said)
            except AmbiguousName as error:
                account.add("rows whose file_name fits several files", f"row {number} of {name} ({error})",
                            "give each file a name of its own, and write all of it", unit="rows")  # fmt: skip
                continue
            if found is None:
                account.add("rows whose picture is not there", f"row {number} of {name}, {said!r}",
                            "add the file, or drop the row", unit="rows")  # fmt: skip
                continue
            item = Item(found, reader.texts(row, number), reader.labels(row, number), reader.split(row, number))
            items[found] = _merged(items[found], item, f"Row {number} of {name}") if found in items else item
            account.use("rows")
    return [
        item if item.labels is None else replace(item, labels=list(dict.fromkeys(item.labels)))
        for item in items.values()
    ]


def _merged(known: Item, item: Item, where: str) -> Item:
    """Add what a further row says about a picture; the lists grow in place, since rows may be many."""
    if item.split != known.split:
        raise InputError(
            f"{where} puts {item.file_name!r} into split {item.split!r} and an earlier row into "
            f"{known.split!r}; all texts of an image must be in one split."
        )
    known.texts.extend(item.texts)
    if known.labels is None:
        return replace(known, labels=item.labels)
    known.labels.extend(item.labels or ())
    return known


def _folder_splits(items: Iterable[Item]) -> dict[str, str]:
    """Return the split of each folder, where every picture lies in one that is called like a split."""
    tops = {PurePosixPath(item.file_name).parts[0] if "/" in item.file_name else "" for item in items}
    splits = {top: split_called(_NUMBERED.sub("", top)) for top in tops}
    return splits if splits and all(splits.values()) else {}


def _split_by_folder(items: list[Item], account: Account) -> list[Item]:
    if any(item.split for item in items):
        return items
    splits = _folder_splits(items)
    if not splits:
        return items
    split = [replace(item, split=splits[PurePosixPath(item.file_name).parts[0]]) for item in items]
    counts = Counter(item.split for item in split)
    listed = ", ".join(f"{name} {counts[name]:,}" for name in SPLITS if counts[name])
    account.note(f"The folders name the splits: {listed}.")
    return split


def _agree_on_labels(items: list[Item], label_set: LabelSet | None, account: Account) -> list[Item]:
    """Give labels that differ in letter case only one spelling."""
    counts = Counter(label for item in items for label in item.labels or ())
    changed = agree(counts, label_set.names if label_set is not None else ())
    if not changed:
        return items
    listed = ", ".join(f"{old!r} as {new!r}" for old, new in list(changed.items())[:3])
    more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
    account.note(f"Labels that differ in letter case only are one: {listed}{more}.")
    return [
        item
        if item.labels is None or changed.keys().isdisjoint(item.labels)
        else replace(item, labels=list(dict.fromkeys(changed.get(label, label) for label in item.labels)))
        for item in items
    ]
