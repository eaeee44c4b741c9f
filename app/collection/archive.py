"""Open a zip archive that a stranger packed: its files, and why some of them are not given out.

Notable: names inside an archive are whatever somebody wrote, sizes too. A path is given out only after it was found to
stay inside a folder on any system; only an archive that cannot be read at all is an error.
"""

from __future__ import annotations

import contextlib
import stat
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from algcn.datasets.folders.listing import is_table
from algcn.datasets.folders.names import leads_outside
from algcn.datasets.folders.tables import FILE, read_table
from algcn.kit.disk import is_full
from algcn.kit.errors import InputError
from app.collection.bounds import TableBounds
from app.collection.left_out import LINK, OUTSIDE, PACKING, Reason
from app.collection.zip_names import decode_names
from app.kit.limits import MAX_PICTURES, MAX_ZIP_INDEX_BYTES

PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # the others may ask for gigabytes to be unpacked
ENCRYPTED = 0x1
# What zipfile raises for a file whose bytes are damaged, and for an archive.
DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError)
NOT_A_ZIP = (*DAMAGE, OSError, ValueError, RuntimeError, struct.error)
# The end of an archive, as every zip has it: signature, disks, entries, size of the list of entries.
END_OF_ZIP, END_BYTES, COMMENT_BYTES = b"PK\x05\x06", 22, 65_535
END_OF_ZIP64 = b"PK\x06\x07"


@dataclass(frozen=True)
class Entry:
    """A file of an archive.

    Attributes:
        path: Its path, in NFC, with "/" between folders.
        size: Its bytes, as the archive says; no more than that are read.
        objection: Why it cannot be read; None where it can.
    """

    path: str
    size: int
    objection: Reason | None
    _info: zipfile.ZipInfo

    @property
    def parts(self) -> tuple[str, ...]:
        """The folders of its path, and its name."""
        return PurePosixPath(self.path).parts


class Archive:
    """An open archive.

    Attributes:
        entries: Its files; folders are none.
        note: A sentence about its names where their encoding had to be guessed, else empty.
    """

    def __init__(self, archive: zipfile.ZipFile, name: str) -> None:
        self._zip = archive
        infos = archive.infolist()
        if any(info.flag_bits & ENCRYPTED for info in infos):
            raise InputError(f"The file {name} is encrypted; pack it again without a password.")
        plain = all(info.orig_filename.isascii() for info in infos)
        names = decode_names(infos, () if plain else _listed(archive))
        self.entries = [
            Entry(path, info.file_size, _objection(path, info), info)
            for path, info in zip(names.names, infos, strict=True)
            if PurePosixPath(path).parts and not path.endswith("/")
        ]
        self.note = ""
        if names.assumed:
            self.note = (
                f"The names in {name} do not say how they are written; they were read as {names.assumed}, "
                f"for instance {names.example}."
            )

    def open(self, entry: Entry) -> IO[bytes]:
        """Open a file; reading it may raise one of DAMAGE."""
        return self._zip.open(entry._info)


@contextlib.contextmanager
def open_archive(path: Path, name: str) -> Iterator[Archive]:
    """Open an archive for as long as the block lasts.

    Args:
        path: The file.
        name: What it is called in a sentence.

    Raises:
        InputError: It cannot be read, is encrypted, or lists too many files; within the block too.
    """
    if _index_bytes(path) > MAX_ZIP_INDEX_BYTES:
        raise InputError(f"The file {name} lists too many files; pack only the pictures, at most {MAX_PICTURES}.")
    try:
        with zipfile.ZipFile(path) as archive:
            yield Archive(archive, name)
    except InputError:
        raise
    except NOT_A_ZIP as error:
        if is_full(error):  # of where it is unpacked
            raise
        raise InputError(f"The file {name} is not a zip archive that can be read; pack it again.") from None


def _objection(path: str, info: zipfile.ZipInfo) -> Reason | None:
    if leads_outside(path):
        return OUTSIDE
    if stat.S_ISLNK(info.external_attr >> 16):
        return LINK
    return PACKING if info.compress_type not in PACKINGS else None


def _listed(archive: zipfile.ZipFile) -> list[str]:
    """Return the file names that an archive's tables list, as far as they can be read; reading them says the rest."""
    listed: list[str] = []
    bounds = TableBounds()
    with tempfile.TemporaryDirectory() as folder:
        for info in archive.infolist():
            name = PurePosixPath(info.orig_filename.replace("\\", "/")).name.lower()
            if not is_table(name) or name.endswith(".parquet") or info.compress_type not in PACKINGS:
                continue
            if not bounds.has_room(info.file_size):
                break
            with contextlib.suppress(InputError, *DAMAGE):
                data = archive.read(info)
                if not bounds.take(data, is_csv=name.endswith(".csv")):
                    continue
                Path(folder, name).write_bytes(data)
                table = read_table(Path(folder), name)
                (column,) = table.columns_of(FILE)
                listed += [value for _, row in table.rows if isinstance(value := row.get(column), str)]
    return listed


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
