"""Keep a visitor's pictures as an image folder below a folder of the visitor, embedded with the model at hand.

Notable: everything about a collection is below one folder (pictures, metadata.csv, features, previews), so deleting
the folder deletes the collection. Pictures can be added; what is known already is not encoded again.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import shutil
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import count
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from algcn.bundles.predictor import LabelPredictor
from algcn.datasets.image_folder import METADATA, SEPARATOR, Item
from algcn.gallery.store import Gallery, build_gallery
from algcn.kit.errors import InputError
from algcn.kit.files import write_text
from app.collection.intake import Found, Intake, LeftOut, printable

if TYPE_CHECKING:
    from algcn.bundles.bundle import Bundle

PICTURES, STAGING = "pictures", "staging"
COLUMNS = ("file_name", "text", "labels", "split")
PREDICTED = "predicted_labels"
MAX_NAME = 80
Progress = Callable[[int, int], None]


@dataclasses.dataclass(frozen=True)
class Dropped:
    """A file as it was uploaded, and what the visitor calls it."""

    path: Path
    name: str


class Collection:
    """The pictures that one visitor brought.

    Args:
        folder: An empty folder of the visitor.

    Attributes:
        gallery: The gallery that is searched; None before the first picture.
        encoder: The fingerprint of the encoder that read the pictures.
        left_out: The files that were dropped last and are not in it, and why.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.gallery: Gallery | None = None
        self.encoder: str | None = None
        self.left_out: list[LeftOut] = []
        self._digests: dict[str, str] = {}  # hash of each picture, and its name
        self._items: dict[str, Item] = {}

    @property
    def root(self) -> Path:
        """The image folder."""
        return self.folder / PICTURES

    @property
    def size(self) -> int:
        """The bytes of the pictures."""
        return sum((self.root / name).stat().st_size for name in self._items)

    def __len__(self) -> int:
        return len(self._items)

    def add(self, dropped: Sequence[Dropped], bundle: Bundle, progress: Progress | None = None) -> int:
        """Add pictures and embed them; on an error nothing is added.

        Args:
            dropped: Pictures, a metadata.csv, zip archives.
            bundle: The model; its encoder reads them.
            progress: Called with how many pictures and texts are encoded and how many have to be; may raise to stop.

        Returns:
            How many pictures were added.

        Raises:
            InputError: An archive or a metadata.csv cannot be read, or no picture is left.
        """
        staging = self.folder / STAGING
        shutil.rmtree(staging, ignore_errors=True)
        before = dict(self._items), dict(self._digests), self.gallery
        try:
            intake = Intake(staging, self._digests, self.size)
            for file in dropped:
                intake.take(file.path, file.name)
            for found in intake.found():
                self._admit(found)
            left_out = intake.left_out
            if not self._items:
                raise InputError(f"No picture can be taken from what was dropped. {_reasons(left_out)}".rstrip())
            self.gallery = self._embed(bundle, left_out, progress)
            self.encoder = bundle.encoder_fingerprint
        except BaseException:
            for name in self._items.keys() - before[0].keys():
                (self.root / name).unlink(missing_ok=True)
            self._items, self._digests, self.gallery = before
            if self._items:
                self._write_metadata()
            raise
        finally:
            shutil.rmtree(staging, ignore_errors=True)
        self.left_out = left_out
        return len(self._items) - len(before[0])

    def write_zip(self, path: Path, bundle: Bundle) -> Path:
        """Write the collection as an image folder in a zip; labels that the model predicted stand in their own column.

        Args:
            path: The file to write.
            bundle: The model whose predictions are added for pictures without labels.
        """
        predicted = LabelPredictor(bundle).of_pictures(self.gallery.image_embeddings)
        guessed = {item.file_name: labels for item, labels in zip(self.gallery.items, predicted, strict=True)}
        metadata = _csv(
            (*COLUMNS, PREDICTED),
            ((*row, "" if row[2] else SEPARATOR.join(guessed[row[0]])) for row in _rows(self.gallery.items)),
        )
        with zipfile.ZipFile(path, "w", strict_timestamps=False) as archive:  # not compressed: pictures are already
            archive.writestr(f"{path.stem}/{METADATA}", metadata)
            for item in self.gallery.items:
                archive.write(self.root / item.file_name, f"{path.stem}/{item.file_name}")
        return path

    def _admit(self, found: Found) -> None:
        """Move a picture to where it stays, under a name that is free."""
        name = self._free_name(PurePosixPath(found.item.file_name))
        target = self.root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        found.path.rename(target)
        self._items[name] = dataclasses.replace(found.item, file_name=name)
        self._digests[found.digest] = name

    def _free_name(self, wanted: PurePosixPath) -> str:
        """Return the name, shortened where it is long; a number is added where another picture has it."""
        *folders, stem = (printable(part, MAX_NAME).strip() or "_" for part in (*wanted.parts[:-1], wanted.stem))
        taken = {name.casefold() for name in self._items}
        endings = (wanted.suffix.lower() if n == 1 else f"-{n}{wanted.suffix.lower()}" for n in count(1))
        names = (PurePosixPath(*folders, stem + ending).as_posix() for ending in endings)
        return next(name for name in names if name.casefold() not in taken)

    def _embed(self, bundle: Bundle, left_out: list[LeftOut], progress: Progress | None) -> Gallery:
        self._write_metadata()
        # The features are kept in the folder: the program's own cache is not for what a visitor brought.
        gallery = build_gallery(self.root, bundle, progress, in_place=True)
        for name, sentence in gallery.unreadable.items():
            left_out.append(LeftOut(name, sentence.removeprefix(f"The file {name} ").rstrip(".")))
            del self._items[name]
            self._digests = {digest: known for digest, known in self._digests.items() if known != name}
            (self.root / name).unlink(missing_ok=True)
        if gallery.unreadable:
            self._write_metadata()
        # A field without labels says that nobody gave any, not that the picture shows nothing.
        items = [dataclasses.replace(item, labels=item.labels or None) for item in gallery.items]
        return dataclasses.replace(gallery, items=items)

    def _write_metadata(self) -> None:
        write_text(self.root / METADATA, _csv(COLUMNS, _rows(self._items.values())))


def _rows(items: Iterable[Item]) -> Iterator[tuple[str, ...]]:
    """Yield the rows of a metadata.csv, one for each text of a picture, or one without a text."""
    for item in items:
        for text in item.texts or [""]:
            yield item.file_name, text, SEPARATOR.join(item.labels or ()), item.split or ""


def _csv(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def _reasons(left_out: Sequence[LeftOut], shown: int = 3) -> str:
    told = "; ".join(f"{entry.name}: {entry.reason}" for entry in left_out[:shown])
    return f"{told}." if told else ""
