"""Unpack what a visitor dropped, pictures and zip archives, into an image folder: checked and counted.

Notable: names inside an archive are whatever somebody wrote, sizes too; a path is made of a name only after it was
found to stay inside the folder, and reading stops at the limits of `app.kit.limits` whatever an archive claims. What is
left out is reported with its reason; only an archive that cannot be read at all is an error.
"""

from __future__ import annotations

import csv
import dataclasses
import errno
import hashlib
import stat
import struct
import zipfile
import zlib
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import BinaryIO

from algcn.datasets.image_folder import METADATA, Item, read_image_folder
from algcn.kit.errors import InputError
from algcn.kit.picture_kinds import SUFFIXES
from app.kit.limits import (
    MAX_COLLECTION_BYTES,
    MAX_METADATA_BYTES,
    MAX_PICTURE_BYTES,
    MAX_PICTURES,
    MAX_ZIP_INDEX_BYTES,
)

CHUNK_BYTES = 1 << 20
PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # the others may ask for gigabytes to be unpacked
ENCRYPTED = 0x1
NOISE = ("__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini")  # what systems put beside pictures by themselves
UNKNOWN_PICTURES = frozenset({".heic", ".heif", ".avif", ".raw", ".cr2", ".nef", ".dng", ".svg", ".psd"})
# The end of an archive, as every zip has it: signature, disks, entries, size of the list of entries.
END_OF_ZIP, END_BYTES, COMMENT_BYTES = b"PK\x05\x06", 22, 65_535
END_OF_ZIP64 = b"PK\x06\x07"


@dataclasses.dataclass(frozen=True)
class LeftOut:
    """A file that was dropped and is not in the collection, and why; the reason ends a sentence."""

    name: str
    reason: str


@dataclasses.dataclass(frozen=True)
class Found:
    """A picture that was taken: where it is now, its name, the hash of its bytes, and what is said about it."""

    path: Path
    item: Item
    digest: str


class Intake:
    """Takes dropped files into an empty folder.

    Args:
        folder: The folder for what is taken.
        known: Hash of each picture that the collection has already, and its name.
        size: Bytes that the collection has already.

    Attributes:
        left_out: The files that were not taken.
    """

    def __init__(self, folder: Path, known: dict[str, str], size: int) -> None:
        self.left_out: list[LeftOut] = []
        self._folder = folder
        self._known = dict(known)
        self._size = size
        self._read = 0  # all that was read, taken or not: a visitor's work is bounded too
        self._digests: dict[Path, str] = {}
        self._refused: set[Path] = set()
        self._archives: list[str] = []

    def take(self, path: Path, name: str) -> None:
        """Take a picture, a metadata.csv, or all that an archive holds.

        Args:
            path: The uploaded file.
            name: What the visitor calls it.

        Raises:
            InputError: The archive cannot be read, or is encrypted.
        """
        name = PureWindowsPath(name).name or "a file"
        if name.lower().endswith(".zip"):
            self._archives.append(f"archive-{len(self._archives) + 1}")
            self._take_archive(path, name, PurePosixPath(self._archives[-1]))
            return
        with path.open("rb") as stream:
            self._place(stream, PurePosixPath(name), name, path.stat().st_size)

    def found(self) -> list[Found]:
        """Return the pictures that were taken, with what the metadata files say about them.

        Raises:
            InputError: A metadata.csv is at fault; the sentence says where.
        """
        items: dict[Path, Item] = {}
        listings = sorted(self._folder.rglob(METADATA), key=lambda file: -len(file.parts))
        for metadata in listings:  # the one nearest to a picture counts
            if self._drop_rows(metadata):
                listing = read_image_folder(metadata.parent)
                items = {listing.path(item): item for item in listing} | items
        roots = [metadata.parent for metadata in listings] + [self._folder / name for name in self._archives]
        return [
            Found(path, items.get(path) or Item(_name_below(path, roots, self._folder)), digest)
            for path, digest in self._digests.items()
        ]

    def _take_archive(self, path: Path, name: str, inside: PurePosixPath) -> None:
        if _index_bytes(path) > MAX_ZIP_INDEX_BYTES:
            raise InputError(f"The file {name} lists too many files; pack only the pictures, at most {MAX_PICTURES}.")
        try:
            with zipfile.ZipFile(path) as archive:
                entries = archive.infolist()
                if any(entry.flag_bits & ENCRYPTED for entry in entries):
                    raise InputError(f"The file {name} is encrypted; pack it again without a password.")
                for entry in entries:
                    self._take_entry(archive, entry, name, inside)
        except InputError:
            raise
        except (zipfile.BadZipFile, OSError, ValueError, RuntimeError, EOFError, zlib.error, struct.error):
            raise InputError(f"The file {name} is not a zip archive that can be read; pack it again.") from None

    def _take_entry(self, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str, inside: PurePosixPath) -> None:
        shown = f"{entry.filename} in {name}"
        parts = PurePosixPath(entry.filename.replace("\\", "/")).parts
        if not parts or entry.is_dir() or any(part in NOISE or part.startswith("._") for part in parts):
            return
        if not _stays_inside(entry.filename):
            self._leave(shown, "its path leads out of the archive")
        elif stat.S_ISLNK(entry.external_attr >> 16):
            self._leave(shown, "it is a link, not a file")
        elif entry.compress_type not in PACKINGS:
            self._leave(shown, "it is packed in a way that is not read; use an ordinary zip")
        else:
            try:
                with archive.open(entry) as stream:
                    self._place(stream, inside.joinpath(*parts), shown, entry.file_size)
            except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError):
                self._refused.add(self._folder / inside.joinpath(*parts))
                self._leave(shown, "it is damaged")

    def _place(self, stream: BinaryIO, name: PurePosixPath, shown: str, size: int) -> None:
        """Copy a picture or a metadata.csv to its place, if it is one and there is room."""
        target = self._folder / name
        try:
            reason = self._objection(target, size) or self._copy(stream, target)
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise InputError("The server's disk is full; try again later.") from None
            reason = "its name cannot be used for a file"
        if reason is not None:
            self._refused.add(target)
            self._leave(shown, reason)

    def _objection(self, target: Path, size: int) -> str | None:
        is_metadata = target.name == METADATA
        limit = MAX_METADATA_BYTES if is_metadata else MAX_PICTURE_BYTES
        if not is_metadata and target.suffix.lower() not in SUFFIXES:
            return _not_a_picture(target)
        if size > limit:
            return f"it has more than {limit >> 20} MB"
        if not is_metadata and len(self._known) >= MAX_PICTURES:
            return f"the collection is full ({MAX_PICTURES} pictures)"
        if max(self._size, self._read) + size > MAX_COLLECTION_BYTES:
            return f"the collection is full ({MAX_COLLECTION_BYTES >> 20} MB)"
        return "another file of that name came before it" if target.exists() else None

    def _copy(self, stream: BinaryIO, target: Path) -> str | None:
        """Write a file and note its hash; returns the reason why it is not kept, or None."""
        target.parent.mkdir(parents=True, exist_ok=True)
        digest, size = hashlib.sha256(), 0
        try:
            # An archive's own sizes bound what is read: zipfile gives no more bytes than an entry claims.
            with target.open("xb") as copy:
                while chunk := stream.read(CHUNK_BYTES):
                    digest.update(chunk)
                    size += len(chunk)
                    copy.write(chunk)
        except BaseException:
            target.unlink(missing_ok=True)
            raise
        self._read += size
        if target.name == METADATA:
            return None
        name = self._known.get(digest.hexdigest())
        if name is not None:
            target.unlink()
            return f"it is the same picture as {name}"
        self._size += size
        self._known[digest.hexdigest()] = target.name
        self._digests[target] = digest.hexdigest()
        return None

    def _leave(self, shown: str, reason: str) -> None:
        self.left_out.append(LeftOut(printable(shown), reason))

    def _drop_rows(self, metadata: Path) -> bool:
        """Drop the rows of pictures that were left out, so that the others are read; tells whether a row is left."""
        try:
            with metadata.open(encoding="utf-8-sig", newline="") as stream:
                rows = list(csv.DictReader(stream, strict=True))
        except (UnicodeDecodeError, csv.Error):
            return True  # reading it says what is wrong
        kept = [row for row in rows if metadata.parent / str(row.get("file_name")).strip() not in self._refused]
        if len(kept) < len(rows) and not any(None in row for row in kept):
            with metadata.open("w", encoding="utf-8", newline="") as stream:
                writer = csv.DictWriter(stream, list(rows[0]), extrasaction="ignore")
                writer.writeheader()
                writer.writerows(kept)
        return bool(kept) or not rows


def printable(name: str, limit: int = 120) -> str:
    """Make a name that somebody wrote fit to be shown and to be a file's: no control characters, not endless."""
    shown = "".join(character if character.isprintable() else "?" for character in name)
    return shown if len(shown) <= limit else f"{shown[: limit // 2]}…{shown[-limit // 2 :]}"


def _not_a_picture(name: Path) -> str:
    suffix = name.suffix.lower()
    if suffix == ".zip":
        return "an archive inside an archive is not opened"
    if suffix == ".csv":
        return f"only a file called {METADATA} is read"
    if suffix in UNKNOWN_PICTURES:
        return f"{suffix[1:].upper()} is not read; save it as JPEG"
    return "it is not a picture"


def _stays_inside(name: str) -> bool:
    """Tell whether a name inside an archive leads to a place inside a folder, on any system."""
    windows = PureWindowsPath(name)
    return not (windows.anchor or name.startswith("/") or ".." in windows.parts or "\0" in name)


def _name_below(path: Path, roots: list[Path], folder: Path) -> str:
    """Name a picture by its path below the nearest root."""
    root = max((root for root in roots if path.is_relative_to(root)), key=lambda root: len(root.parts), default=folder)
    return path.relative_to(root).as_posix()


def _index_bytes(path: Path) -> int:
    """Return how long an archive says its list of entries is, without reading the list; 0 where it says nothing.

    The list is read in one go, so an archive of millions of empty files would fill the memory.

    Raises:
        InputError: The archive is in the format for more than 4 GB, whose lengths stand elsewhere.
    """
    with path.open("rb") as stream:
        stream.seek(0, 2)
        stream.seek(max(0, stream.tell() - END_BYTES - COMMENT_BYTES - len(END_OF_ZIP64) - 16))
        tail = stream.read()
    at = tail.rfind(END_OF_ZIP)
    if at < 0 or len(tail) < at + END_BYTES:
        return 0
    if tail[max(0, at - 20) : at].startswith(END_OF_ZIP64):
        raise InputError("A zip archive in the format for more than 4 GB is not read; pack fewer pictures.")
    return struct.unpack_from("<I", tail, at + 12)[0]
