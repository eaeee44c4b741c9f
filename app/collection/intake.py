"""Unpack what a visitor dropped, pictures, tables and zip archives, into a folder: checked, counted, and put together.

Notable: every file is taken or counted with its reason; reading stops at the limits of `app.kit.limits` whatever an
archive claims. What is a picture is told by its first bytes. Two pictures of one name are both taken, and a row of a
table that may mean either is given to neither; a picture that is there twice is one, with what is said about both.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import BinaryIO

from algcn.datasets.folders.listing import is_companion, is_listed, is_table, looks_like_table
from algcn.datasets.folders.names import composed, is_system
from algcn.kit.account import Account
from algcn.kit.disk import is_full
from algcn.kit.errors import InputError
from algcn.kit.picture_kinds import HEAD_BYTES, READ, kind_of_bytes
from app.collection import left_out
from app.collection.archive import DAMAGE, Archive, Entry, open_archive
from app.collection.bounds import TableBounds
from app.collection.left_out import LeftOut, Reason, leave
from app.collection.parquet import tame
from app.collection.rows import LOOSE, Found, Place, Staged, read_places
from app.kit.limits import (
    MAX_COLLECTION_BYTES,
    MAX_COLUMNS,
    MAX_METADATA_BYTES,
    MAX_PICTURE_BYTES,
    MAX_PICTURES,
    MAX_ROWS,
)

CHUNK_BYTES = 1 << 20
MAX_DEPTH = 50  # folders in one another


class Intake:
    """Takes dropped files into an empty folder.

    Args:
        folder: The folder for what is taken.
        known: Hash of each picture that the collection has already, and its name.
        size: Bytes that the collection has already.
        look: Called often; may raise to stop.

    Attributes:
        left_out: The files that were not taken.
        account: What was not taken, by kind.
    """

    def __init__(self, folder: Path, known: dict[str, str], size: int, look: Callable[[], None] = lambda: None) -> None:
        self._look = look
        self._bounds = TableBounds()
        self.left_out: list[LeftOut] = []
        self.account = Account()
        self._folder = folder
        self._before = dict(known)
        self._known = dict(known)
        self._size = size
        self._read = 0  # all that was read, taken or not: a visitor's work is bounded too
        self._loose = Place(LOOSE)
        self._places = [self._loose]
        self._hidden: set[str] = set()
        self._archives = self._tables = self._twins = 0

    def take(self, path: Path, name: str) -> None:
        """Take a picture, a table, or all that an archive holds.

        Args:
            path: The uploaded file.
            name: What the visitor calls it.

        Raises:
            InputError: The archive cannot be read, or is encrypted.
        """
        name = composed(PureWindowsPath(name).name) or "a file"
        if name.lower().endswith(".zip"):
            self._archives += 1
            place = self._open_place(f"archive-{self._archives}")
            with open_archive(path, printable(name)) as archive:
                if archive.note:
                    self.account.note(printable(archive.note, 300))
                for entry in archive.entries:
                    self._look()
                    self._take_entry(archive, entry, name, place)
            return
        place = self._loose
        if is_table(name):  # each for itself: it is not known in which folder it lay
            self._tables += 1
            place = self._open_place(f"table-{self._tables}")
        if not (is_system(name) or is_companion(name)):
            with path.open("rb") as stream:
                self._place(stream, place, name, name, path.stat().st_size)

    def found(self) -> list[Found]:
        """Return the pictures that were taken, with what the tables say, and those known before that a table names.

        Raises:
            InputError: A table is at fault; the sentence says where.
        """
        tame(
            {
                self._folder / place.name / table: printable(table)
                for place in self._places
                for table in place.tables
                if table.lower().endswith(".parquet")
            }
        )
        self._look()
        return read_places(self._folder, self._places, self._before, self.account, self._look)

    def _open_place(self, name: str) -> Place:
        self._places.append(Place(name))
        return self._places[-1]

    def _take_entry(self, archive: Archive, entry: Entry, name: str, place: Place) -> None:
        shown = f"{entry.path} in {name}"
        if entry.objection is left_out.OUTSIDE:
            self._leave(shown, entry.objection)
        elif is_system(entry.parts[-1]) or is_companion(entry.path):
            return
        elif any(map(is_system, entry.parts)):
            self._skip_hidden(entry, name)
        elif entry.objection is not None:
            self._leave(shown, entry.objection)
        else:
            try:
                with archive.open(entry) as stream:
                    self._place(stream, place, "/".join(entry.parts), shown, entry.size)
            except DAMAGE:
                self._leave(shown, left_out.DAMAGED)

    def _skip_hidden(self, entry: Entry, name: str) -> None:
        """Count a hidden folder once, however much is in it."""
        depth = next(number for number, part in enumerate(entry.parts, 1) if is_system(part))
        folder = f"{'/'.join(entry.parts[:depth])} in {name}"
        if folder not in self._hidden:
            self._hidden.add(folder)
            self.account.add("hidden and system folders, not looked into", printable(folder), unit="folders")

    def _place(self, stream: BinaryIO, place: Place, path: str, shown: str, size: int) -> None:
        """Copy a picture or a table to its place, if it is one and there is room."""
        head = stream.read(HEAD_BYTES)
        try:
            reason = self._objection(place, path, head, size) or self._copy(stream, head, place, path)
        except OSError as error:
            if is_full(error):
                raise InputError("The server's disk is full; try again later.") from None
            reason = left_out.NAME
        if reason is not None:
            self._leave(shown, reason)

    def _objection(self, place: Place, path: str, head: bytes, size: int) -> Reason | None:
        if is_table(path):
            if path in place.tables:
                return left_out.TABLE_TWICE
            if not self._bounds.has_room(size):
                return left_out.large_table(MAX_METADATA_BYTES >> 20)
        else:
            kind = kind_of_bytes(head, PurePosixPath(path))
            if kind not in READ and not (kind is None and is_listed(path)):
                return _not_a_picture(path, kind)
            if size > MAX_PICTURE_BYTES:
                return left_out.large_picture(MAX_PICTURE_BYTES >> 20)
        if max(self._size, self._read) + size > MAX_COLLECTION_BYTES:
            return left_out.full(f"{MAX_COLLECTION_BYTES >> 20} MB")
        return None

    def _copy(self, stream: BinaryIO, head: bytes, place: Place, path: str) -> Reason | None:
        """Write a file and note its hash; returns the reason why it is not in the collection, or None."""
        if path.count("/") > MAX_DEPTH:
            return left_out.NAME
        target = f"{place.name}/{path}"
        if place.has(path):
            self._twins += 1
            target = f"twin-{self._twins}/{PurePosixPath(path).name}"
        file = self._folder / target
        file.parent.mkdir(parents=True, exist_ok=True)
        digest, size = hashlib.sha256(), 0
        try:
            # An archive's own sizes bound what is read: zipfile gives no more bytes than an entry claims.
            with file.open("xb") as copy:
                chunk = head
                while chunk:
                    self._look()
                    digest.update(chunk)
                    size += len(chunk)
                    copy.write(chunk)
                    chunk = stream.read(CHUNK_BYTES)
        except BaseException:
            file.unlink(missing_ok=True)
            raise
        self._read += size
        if is_table(path):
            kind = PurePosixPath(path).suffix.lower()
            if kind != ".parquet" and not self._bounds.take(file.read_bytes(), is_csv=kind == ".csv"):
                file.unlink()
                return left_out.many_rows(MAX_ROWS, MAX_COLUMNS)
            place.tables.append(path)
            return None
        name = self._known.get(digest.hexdigest())
        if name is None and len(self._known) >= MAX_PICTURES:
            file.unlink()
            return left_out.full(f"{MAX_PICTURES} pictures")
        place.add(Staged(path, target, digest.hexdigest()))  # one that is there is kept too: a row may name it
        if name is not None:
            return left_out.same(name)
        self._size += size
        self._known[digest.hexdigest()] = PurePosixPath(path).name
        return None

    def _leave(self, shown: str, reason: Reason) -> None:
        leave(printable(shown), reason, self.left_out, self.account)


def printable(name: str, limit: int = 120) -> str:
    """Make a name that somebody wrote fit to be shown and to be a file's: no control characters, not endless."""
    shown = "".join(character if character.isprintable() else "?" for character in name)
    return shown if len(shown) <= limit else f"{shown[: limit // 2]}…{shown[-limit // 2 :]}"


def _not_a_picture(path: str, kind: str | None) -> Reason:
    if kind is not None:
        return left_out.unread(kind)
    if PurePosixPath(path).suffix.lower() == ".zip":
        return left_out.ARCHIVE
    return left_out.TABLE if looks_like_table(path) else left_out.NO_PICTURE
