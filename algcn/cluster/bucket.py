"""An image folder in a bucket: s3://BUCKET/FOLDER and what else pyarrow opens.

Notable: its names, tables and other small files are laid out in a temporary folder, and read there as any folder is, so
the same rows come of it and the same account. Pictures are empty files there; who encodes one reads it from the bucket.

User and password are never part of an address, which is shown and ends up in logs: each machine has its own, in the
environment or wherever the bucket's kind looks for them.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import platform
import re
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from algcn.datasets.folders.listing import LABELS, MANIFEST, VOCABULARY, is_companion, is_table
from algcn.datasets.folders.names import is_system, leads_outside
from algcn.features.places import NotAnswering
from algcn.kit.errors import InputError
from algcn.kit.images import MAX_BYTES, open_image
from algcn.kit.parallel import bounded_map
from algcn.kit.picture_kinds import HEAD_BYTES, SUFFIXES
from algcn.kit.unreadable import count_unreadable

if TYPE_CHECKING:
    from PIL.Image import Image

    from algcn.kit.account import Account

SCHEMES = ("s3", "gs", "abfs", "abfss")
FORM = "write s3://BUCKET/FOLDER"
READERS = 16  # threads, which wait for the network most of the time
LONGEST = 255  # bytes of a file's name
SAID = 200  # characters of what a bucket says
CHUNK_BYTES = 1 << 20
TRIES, PAUSE = 2, 1.0  # more, and seconds before each, until an object is one that the bucket withholds
_READ_WHOLE = frozenset({LABELS, VOCABULARY, MANIFEST})
# How a disk says that it holds no file of this name: of these bytes, so long, or beside what has another's.
_NO_FILE = frozenset({errno.EEXIST, errno.EISDIR, errno.ENOTDIR, errno.ENAMETOOLONG, errno.EILSEQ, errno.EINVAL})

# How a bucket says that it has an object and does not give it: to this user, or out of an archive.
_WITHHELD = re.compile(r"ACCESS_DENIED|HTTP status 40[13]|INVALID_OBJECT_STATE|permission", re.IGNORECASE)


class Bucket:
    """A folder in a bucket, as a place of pictures. It travels to other processes as its address.

    Args:
        address: Where it is.

    Raises:
        InputError: It is no address, or holds a password or options.
    """

    def __init__(self, address: str) -> None:
        self.address = address.rstrip("/")
        try:
            parts = urlsplit(self.address)
        except ValueError:
            raise InputError(f"This is not the address of a bucket; {FORM}.") from None
        if parts.password is not None:
            raise InputError(
                "The address of a bucket must hold no password, since it is shown; leave it to the environment "
                "(AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY)."
            )
        if "?" in self.address or "#" in self.address:
            raise InputError(
                "The address of a bucket must hold no options, some of which are passwords; leave them to the "
                "environment (AWS_ENDPOINT_URL, AWS_REGION), and write %3F and %23 for ? and # in a name."
            )
        if parts.scheme not in SCHEMES or not parts.netloc:
            raise InputError(f"{self.address!r:.{SAID}} is not the address of a bucket; {FORM}.")
        self._address = parts._replace(path=quote(parts.path, safe="/%")).geturl()
        self._states: dict[str, list[int]] = {}
        self._left_out: list[str] = []
        self._withheld: list[str] = []

    def __reduce__(self) -> tuple[type[Bucket], tuple[str]]:
        return type(self), (self.address,)

    @contextlib.contextmanager
    def laid_out(self, parent: Path | None = None) -> Iterator[Path]:
        """Yield a folder with the names of the bucket's, and with what is in all of them but pictures.

        Args:
            parent: Where it is made, on the disk that must hold the names; by default where temporary files are.

        Raises:
            InputError: The bucket cannot be read; whatever else is said of the folder in the block is said of the
                bucket.
        """
        with tempfile.TemporaryDirectory(prefix="bucket-", dir=parent) as folder:
            self._root = Path(folder)
            try:
                self._lay_out()
                yield self._root
            except InputError as error:
                if folder not in str(error):
                    raise
                raise InputError(str(error).replace(folder, self.address)) from error

    def check_seen(self) -> None:
        """Leave it to the first picture: a bucket is seen from everywhere."""

    def open_picture(self, name: str) -> Image:
        """Read a picture.

        Raises:
            InputError: It is not there, is withheld, or is no picture.
            NotAnswering: The bucket gives nothing.
        """
        try:
            data = self._read(name, MAX_BYTES + 1)
        except OSError as error:
            raise self._explained(name, error) from error
        return open_image(data, name=name)

    def copy(self, name: str, path: Path) -> None:
        """Write an object into a file of this disk, piece by piece.

        Raises:
            InputError: It is not there, or is withheld.
            NotAnswering: The bucket gives nothing.
            OSError: The file cannot be written.
        """
        with path.open("wb") as file:
            for chunk in self._chunks(name):
                file.write(chunk)

    @property
    def names(self) -> list[str]:
        """The names of all that was laid out."""
        return list(self._states)

    def state(self, name: str) -> list[int] | None:
        """Return how large a picture is and when it was written, which many buckets say to the second."""
        return self._states.get(name)

    def count_unreadable(self, account: Account, unreadable: Mapping[str, str]) -> None:
        """Add pictures that could not be read to an account, by what their first bytes say that they are."""
        self._fetch(dict.fromkeys(unreadable, HEAD_BYTES))
        count_unreadable(account, self._root, unreadable)

    def count_left_out(self, account: Account) -> None:
        """Add what could not be laid out to an account."""
        for name in self._left_out:
            account.add("objects whose names are no paths", name, "give them other names", unit="files")
        for name in self._withheld:
            count_withheld(account, name)

    def _lay_out(self) -> None:
        names = self._list()
        folders = {str(parent) for name in names for parent in PurePosixPath(name).parents}
        fetched: dict[str, int | None] = {}
        for name in names:
            if name in folders or not _is_path(name) or not _is_made(self._root / name):
                self._left_out.append(name)
                del self._states[name]
                continue
            last = PurePosixPath(name)
            if is_table(name) or name in _READ_WHOLE:
                fetched[name] = None
            elif last.suffix.lower() not in SUFFIXES and not is_companion(name) and not any(map(is_system, last.parts)):
                fetched[name] = HEAD_BYTES
        self._withheld = self._fetch(fetched)

    def _list(self) -> list[str]:
        import pyarrow
        from pyarrow import fs

        try:
            filesystem, place = self._opened
            found = filesystem.get_file_info(fs.FileSelector(place, recursive=True))
        except FileNotFoundError:
            raise InputError(f"There is no folder {self.address}; give a folder of images in a bucket.") from None
        except (OSError, pyarrow.ArrowInvalid) as error:
            raise InputError(
                f"The folder {self.address} cannot be listed ({_said(error)}); check the address, and that the "
                "environment lets this user in."
            ) from error
        files = [info for info in found if info.type == fs.FileType.File]
        self._states = {info.path[len(place) + 1 :]: [info.size, info.mtime_ns] for info in files}
        return sorted(self._states)

    def _fetch(self, counts: Mapping[str, int | None]) -> list[str]:
        """Put the first so many bytes of each object into its file, or all; one that is gone has no file then.

        Nor has one that is withheld, unless all of it is needed: it is returned.
        """

        def fetch(entry: tuple[str, int | None]) -> str | None:
            name, count = entry
            try:
                data = self._read(name, count)
            except OSError as error:
                is_gone, why = isinstance(error, FileNotFoundError), self._explained(name, error)
                if not is_gone and (count is None or isinstance(why, NotAnswering)):
                    raise why from error
                (self._root / name).unlink(missing_ok=True)
                return None if is_gone else name
            (self._root / name).write_bytes(data)
            return None

        return [name for name in bounded_map(fetch, counts.items(), workers=READERS) if name is not None]

    def _read(self, name: str, count: int | None) -> bytes:
        with self._stream(name) as stream:
            return stream.read(count)

    def _chunks(self, name: str) -> Iterator[bytes]:
        try:
            with self._stream(name) as stream:
                while chunk := stream.read(CHUNK_BYTES):
                    yield chunk
        except OSError as error:
            raise self._explained(name, error) from error

    def _stream(self, name: str) -> Any:
        filesystem, place = self._opened
        # It would unpack what is called .gz.
        return filesystem.open_input_stream(f"{place}/{name}", compression=None)

    def _explained(self, name: str, error: OSError) -> InputError:
        """Say why an object was not read: it is gone, the bucket withholds it, or it gives nothing at all now."""
        if isinstance(error, FileNotFoundError):
            return InputError(f"The file {name} is not in the bucket any more; put it back.")
        if not self._is_withheld(name, error):
            return NotAnswering(
                f"The machine {platform.node()} cannot read {self.address}/{name} ({_said(error)}); what was finished "
                "is kept, and the same command goes on from there."
            )
        return InputError(f"The file {name} is withheld by the bucket ({_said(error)}); let this user read it.")

    def _is_withheld(self, name: str, error: OSError) -> bool:
        """Whether the bucket answers, but does not give this object, however often it is asked."""
        filesystem, place = self._opened
        try:
            filesystem.get_file_info(place)
        except OSError:
            return False
        if _WITHHELD.search(str(error)):
            return True
        for _ in range(TRIES):
            time.sleep(PAUSE)
            try:
                self._read(name, 1)
            except OSError:
                continue
            return False
        return True

    @functools.cached_property
    def _opened(self) -> tuple[Any, str]:
        from pyarrow import fs

        filesystem, place = fs.FileSystem.from_uri(self._address)
        return filesystem, place.rstrip("/")


def count_withheld(account: Account, name: str) -> None:
    """Add an object that is no picture, and that the bucket does not give, to an account."""
    account.add("objects that cannot be opened", name, "let this user read them", unit="files")


def _is_path(name: str) -> bool:
    """Tell whether an object's name, which may be any text, is a file's in a folder, on whatever system."""
    parts = name.split("/")
    return not leads_outside(name) and all(
        part not in ("", ".", "..") and len(part.encode()) <= LONGEST for part in parts
    )


def _is_made(path: Path) -> bool:
    """Make an empty file; tell whether this disk holds it, which may take it for another whose case alone differs."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(exist_ok=False)
    except OSError as error:
        if error.errno not in _NO_FILE:
            raise
        return False
    return True


def _said(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:SAID].rstrip(".")
