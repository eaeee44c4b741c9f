"""Keep a visitor's pictures as an image folder below a folder of the visitor, embedded with the model at hand.

Notable: everything about a collection is below one folder (pictures, metadata.csv, features, previews), so deleting
the folder deletes the collection. Pictures can be added; what is known already is not encoded again.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from algcn.datasets.folders.listing import is_listed
from algcn.datasets.folders.names import folded
from algcn.datasets.image_folder import METADATA, Item
from algcn.gallery.files import STORE_NAME
from algcn.gallery.kept import parts_of
from algcn.gallery.store import Gallery, build_gallery
from algcn.kit.account import Account
from algcn.kit.disk import DiskFullError
from algcn.kit.errors import InputError
from algcn.kit.files import write_text
from app.collection.intake import Intake, printable
from app.collection.left_out import LeftOut, leave, unreadable
from app.collection.packing import metadata_csv
from app.collection.rows import Found, join_items
from app.kit.decoders import open_image

if TYPE_CHECKING:
    from algcn.bundles.bundle import Bundle

PICTURES, STAGING = "pictures", "staging"
MAX_NAME = 80
SHOWN = 3  # sentences of an error
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
        account: What of the last drop was added, and what was not.
        left_out: The files of the last drop that are not in it, and why.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.gallery: Gallery | None = None
        self.encoder: str | None = None
        self.account = Account()
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

    def add(
        self,
        dropped: Sequence[Dropped],
        bundle: Bundle,
        progress: Progress | None = None,
        look: Callable[[], None] = lambda: None,
    ) -> int:
        """Add pictures and embed them; on an error nothing is added.

        Args:
            dropped: Pictures, tables, zip archives.
            bundle: The model; its encoder reads them.
            progress: Called with how many pictures and texts are encoded and how many have to be; may raise to stop.
            look: Called often before that; may raise to stop.

        Returns:
            How many pictures were added.

        Raises:
            InputError: An archive or a table cannot be read, or no picture is left.
        """
        staging = self.folder / STAGING
        shutil.rmtree(staging, ignore_errors=True)
        before = dict(self._items), dict(self._digests), self.gallery
        try:
            intake = Intake(staging, self._digests, self.size, look)
            for file in dropped:
                intake.take(file.path, file.name)
            account, left_out = intake.account, intake.left_out
            admitted = {self._admit(found, account): found for found in intake.found()}
            look()
            if not self._items:
                raise InputError(_nothing_taken(account))
            self.gallery = self._embed(bundle, account, left_out, progress)
            self.encoder = bundle.encoder_fingerprint
        except BaseException:
            for name in self._items.keys() - before[0].keys():
                (self.root / name).unlink(missing_ok=True)
            shutil.rmtree(parts_of(self.root / STORE_NAME), ignore_errors=True)
            self._items, self._digests, self.gallery = before
            if self._items:
                with contextlib.suppress(OSError, DiskFullError):  # else it is written with the next drop
                    self._write_metadata()
            raise
        finally:
            shutil.rmtree(staging, ignore_errors=True)
        without_row = [name for name, found in admitted.items() if found.lacks_row and name in self._items]
        if without_row:
            account.note(_without_row(without_row))
        self.account, self.left_out = account, left_out
        given_before = _counts(before[0])
        for unit, number in _counts(self._items).items():
            account.used[unit] = number - given_before[unit]
        return account.used["pictures"]

    def _admit(self, found: Found, account: Account) -> str:
        """Move a picture to where it stays, or add to what is said about one; returns its name, which is free."""
        if found.path is None:
            name = self._digests[found.digest]
            self._items[name] = join_items(name, (self._items[name], found.item), account)
            return name
        name = self._free_name(PurePosixPath(found.item.file_name))
        target = self.root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        found.path.rename(target)
        self._items[name] = dataclasses.replace(found.item, file_name=name)
        self._digests[found.digest] = name
        return name

    def _free_name(self, wanted: PurePosixPath) -> str:
        """Return the name, shortened where it is long; a number is added where another picture has it."""
        suffix = wanted.suffix.lower() if is_listed(wanted.name) else ""  # else the dot is one of the name
        stem = wanted.name.removesuffix(wanted.suffix) if suffix else wanted.name
        *folders, stem = (printable(part, MAX_NAME).strip() or "_" for part in (*wanted.parts[:-1], stem))
        taken = set(map(folded, self._items))
        endings = (suffix if n == 1 else f"-{n}{suffix}" for n in count(1))
        names = (PurePosixPath(*folders, stem + ending).as_posix() for ending in endings)
        return next(name for name in names if folded(name) not in taken)

    def _embed(self, bundle: Bundle, account: Account, left_out: list[LeftOut], progress: Progress | None) -> Gallery:
        self._write_metadata()
        # The features are kept in the folder: the program's own cache is not for what a visitor brought.
        read = functools.partial(open_image, resizing=bundle.encoder(bundle.model.prior.device).resizing)
        gallery = build_gallery(self.root, bundle, progress, in_place=True, open_picture=read)
        for name, sentence in gallery.unreadable.items():
            leave(name, unreadable(sentence.removeprefix(f"The file {name} ")), left_out, account)
            item = self._items.pop(name)
            for unit, number in (("captions", len(item.texts)), ("labels", len(item.labels or ()))):
                if number:
                    account.add(f"{unit} of pictures that cannot be opened", f"of {name}", count=number, unit=unit)
            self._digests = {digest: known for digest, known in self._digests.items() if known != name}
            (self.root / name).unlink(missing_ok=True)
        if gallery.unreadable:
            self._write_metadata()
        # A field without labels says that nobody gave any, not that the picture shows nothing.
        items = [dataclasses.replace(item, labels=item.labels or None) for item in gallery.items]
        return dataclasses.replace(gallery, items=items)

    def _write_metadata(self) -> None:
        write_text(self.root / METADATA, metadata_csv(self._items.values()))


def _counts(items: Mapping[str, Item]) -> Counter[str]:
    return Counter(
        pictures=len(items),
        captions=sum(len(item.texts) for item in items.values()),
        labels=sum(len(item.labels or ()) for item in items.values()),
    )


def _nothing_taken(account: Account) -> str:
    return " ".join(["No picture can be taken from what was dropped.", *account.sentences()[:SHOWN]])


def _without_row(names: Sequence[str]) -> str:
    have = "1 picture has" if len(names) == 1 else f"{len(names):,} pictures have"
    return f"{have} no row in a table, for instance {names[0]}, and so no caption."
