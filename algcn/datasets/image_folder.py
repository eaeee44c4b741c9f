"""Read image folders in the Hugging Face ImageFolder convention: images beside a `metadata.csv`.

`metadata.csv` has the columns `file_name` and `text`, and may have `labels` (`|` between labels) and `split`. Texts and
labels may be empty. Several rows may name one file: they are several texts of one image, and its labels are those of
all its rows. Other columns are left alone. Without a `metadata.csv` every image in the folder is an item without texts.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath

from algcn.datasets.features import SPLITS
from algcn.kit.errors import InputError
from algcn.kit.picture_kinds import SUFFIXES
from algcn.method.labels import LabelSet

METADATA = "metadata.csv"
REQUIRED = ("file_name", "text")
SEPARATOR = "|"


@dataclass(frozen=True)
class Item:
    """An image: its path inside the folder, its texts, its labels and its split (None where they are not said)."""

    file_name: str
    texts: list[str] = field(default_factory=list)
    labels: list[str] | None = None
    split: str | None = None


@dataclass(frozen=True)
class ImageFolder:
    """The items of a folder, in the order in which they are first named."""

    root: Path
    items: list[Item]

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[Item]:
        return iter(self.items)

    def path(self, item: Item) -> Path:
        """Return the path of an item's image."""
        return self.root / item.file_name

    @property
    def label_names(self) -> list[str]:
        """Return every label that some item has, sorted by name."""
        return sorted({label for item in self.items for label in item.labels or []})


def read_image_folder(path: str | Path, label_set: LabelSet | None = None) -> ImageFolder:
    """Read an image folder; no image is opened, but each one must be there.

    Args:
        path: The folder.
        label_set: The labels that are allowed; all by default.

    Raises:
        InputError: No such folder, nothing in it, a column or a file that is missing, a path that leaves the folder,
            an unknown label or split, a `metadata.csv` that is not UTF-8 or not CSV. The row is named as a
            spreadsheet shows it (the header is row 1).
    """
    root = Path(path)
    if not root.is_dir():
        raise InputError(f"There is no folder {str(path)!r}; give a folder of images with a {METADATA}.")
    metadata = root / METADATA
    items = _read_metadata(metadata, label_set) if metadata.is_file() else _list_images(root)
    return ImageFolder(root, items)


def named_files(path: str | Path) -> list[str] | None:
    """Return the images that a folder's `metadata.csv` names, whether they are there or not; None if it has no table.

    Raises:
        InputError: The table is at fault, as in `read_image_folder`.
    """
    metadata = Path(path) / METADATA
    if not metadata.is_file():
        return None
    return [item.file_name for item in _read_metadata(metadata, label_set=None, present=False)]


def is_listed(file: PurePath) -> bool:
    """Tell whether a file's name makes it an item of a folder without a `metadata.csv`."""
    return file.suffix.lower() in SUFFIXES and not file.name.startswith(".")


def _list_images(root: Path) -> list[Item]:
    names = sorted(file.relative_to(root).as_posix() for file in root.rglob("*") if is_listed(file) and file.is_file())
    if not names:
        raise InputError(f"The folder {str(root)!r} holds no images; put {', '.join(sorted(SUFFIXES))} files into it.")
    return [Item(name) for name in names]


def _read_metadata(metadata: Path, label_set: LabelSet | None, *, present: bool = True) -> list[Item]:
    try:
        # utf-8-sig: spreadsheets write a byte order mark, which would otherwise become part of the first column's name
        text = metadata.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"The file {str(metadata)!r} is not UTF-8 (byte {error.start}); save it as CSV in UTF-8."
        ) from error
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    items: dict[str, Item] = {}
    row = 1
    try:
        for column in REQUIRED:
            if column not in (reader.fieldnames or []):
                found = ", ".join(reader.fieldnames or []) or "none"
                raise InputError(
                    f"The file {METADATA} has no column {column!r} (its columns: {found}); "
                    "its first line must name file_name, text and, if there are any, labels."
                )
        for row, record in enumerate(reader, start=2):
            item = _read_row(record, metadata, row, label_set, present=present)
            items[item.file_name] = _merge(items.get(item.file_name), item, row)
    except csv.Error as error:
        raise InputError(
            f"The file {METADATA} is not CSV after row {row} ({error}); quote texts with commas or quotes."
        ) from error
    if not items:
        raise InputError(f"The file {METADATA} names no images; give it a row for each image.")
    return list(items.values())


def _read_row(record: dict, metadata: Path, row: int, label_set: LabelSet | None, *, present: bool) -> Item:
    if None in record or None in record.values():
        raise InputError(
            f"Row {row} of {METADATA} has more or fewer fields than the first line; quote texts with commas."
        )
    name = _safe_name(record["file_name"].strip(), row)
    if present and not (metadata.parent / name).is_file():
        raise InputError(
            f"Row {row} of {METADATA} names {name!r}, which is not in the folder; add the file or drop the row."
        )
    labels = None
    if "labels" in record:
        labels = list(dict.fromkeys(filter(None, (label.strip() for label in record["labels"].split(SEPARATOR)))))
        if label_set is not None:
            _check_labels(labels, label_set, row)
    text = record["text"].strip()
    return Item(name, [text] if text else [], labels, _split(record.get("split", ""), row))


def _safe_name(name: str, row: int) -> str:
    if not name:
        raise InputError(f"Row {row} of {METADATA} has no file_name; give the image's path inside the folder.")
    # A path with a Windows drive or root is absolute too when the folder is read there.
    inside = not PurePosixPath(name).is_absolute() and not PureWindowsPath(name).anchor
    if not inside or ".." in PurePosixPath(name).parts or ".." in PureWindowsPath(name).parts or "\0" in name:
        raise InputError(
            f"Row {row} of {METADATA} names {name!r}, outside the folder; use a path inside it, without '..'."
        )
    return PurePosixPath(name).as_posix()


def _check_labels(labels: list[str], label_set: LabelSet, row: int) -> None:
    for label in labels:
        try:
            label_set.index(label)
        except InputError as error:
            raise InputError(f"Row {row} of {METADATA} has a label that is not allowed. {error}") from error


def _split(value: str, row: int) -> str | None:
    value = value.strip()
    if value and value not in SPLITS:
        raise InputError(f"Row {row} of {METADATA} has the split {value!r}; use {', '.join(SPLITS)} or leave it empty.")
    return value or None


def _merge(known: Item | None, item: Item, row: int) -> Item:
    if known is None:
        return item
    if item.split != known.split:
        raise InputError(
            f"Row {row} of {METADATA} puts {item.file_name!r} into split {item.split!r} and an earlier row into "
            f"{known.split!r}; all texts of an image must be in one split."
        )
    labels = None if item.labels is None else list(dict.fromkeys([*(known.labels or []), *item.labels]))
    return Item(item.file_name, known.texts + item.texts, labels, known.split)
