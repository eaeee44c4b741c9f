"""An image folder in a bucket: s3://BUCKET/FOLDER and what else pyarrow opens.

Notable: its names, tables and other small files are laid out in a temporary folder, and read there as any folder is, so
the same rows come of it and the same account. Pictures are empty files there; who encodes one reads it from the bucket.

User and password are never part of an address, which is shown and ends up in logs: each machine has its own, in the
environment or wherever the bucket's kind looks for them.
"""

from __future__ import annotations

import contextlib
import functools
import platform
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from algcn.datasets.folders.listing import LABELS, MANIFEST, VOCABULARY, is_companion, is_table
from algcn.datasets.folders.names import is_system
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
_READ_WHOLE = frozenset({LABELS, VOCABULARY, MANIFEST})


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

    def __reduce__(self) -> tuple[type[Bucket], tuple[str]]:
        return type(self), (self.address,)

    @contextlib.contextmanager
    def laid_out(self) -> Iterator[Path]:
        """Yield a folder with the names of the bucket's, and with what is in all of them but pictures.

        Raises:
            InputError: The bucket cannot be read; whatever else is said of the folder in the block is said of the
                bucket.
        """
        with tempfile.TemporaryDirectory(prefix="bucket-") as folder:
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
            InputError: It is not there, or no picture.
            NotAnswering: The bucket does not give it.
        """
        try:
            data = self._read(name, MAX_BYTES + 1)
        except FileNotFoundError:
            raise InputError(f"The file {name} is not in the bucket any more; put it back.") from None
        except OSError as error:
            raise NotAnswering(
                f"The machine {platform.node()} cannot read {self.address}/{name} ({_said(error)}); what was finished "
                "is kept, and the same command goes on from there."
            ) from error
        return open_image(data, name=name)

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

    def _lay_out(self) -> None:
        names = self._list()
        folders = {str(parent) for name in names for parent in PurePosixPath(name).parents}
        fetched: dict[str, int | None] = {}
        for name in names:
            if name in folders or not _is_path(name):
                self._left_out.append(name)
                del self._states[name]
                continue
            path = self._root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
            last = PurePosixPath(name)
            if is_table(name) or name in _READ_WHOLE:
                fetched[name] = None
            elif last.suffix.lower() not in SUFFIXES and not is_companion(name) and not any(map(is_system, last.parts)):
                fetched[name] = HEAD_BYTES
        self._fetch(fetched)

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

    def _fetch(self, counts: Mapping[str, int | None]) -> None:
        """Put the first so many bytes of each object into its file, or all; one that is gone has no file then."""

        def fetch(entry: tuple[str, int | None]) -> None:
            name, count = entry
            try:
                (self._root / name).write_bytes(self._read(name, count))
            except FileNotFoundError:
                (self._root / name).unlink(missing_ok=True)

        try:
            for _ in bounded_map(fetch, counts.items(), workers=READERS):
                pass
        except OSError as error:
            raise NotAnswering(f"The folder {self.address} cannot be read ({_said(error)}); try again.") from error

    def _read(self, name: str, count: int | None) -> bytes:
        filesystem, place = self._opened
        # A stream would unpack what is called .gz.
        with filesystem.open_input_stream(f"{place}/{name}", compression=None) as stream:
            return stream.read(count)

    @functools.cached_property
    def _opened(self) -> tuple[Any, str]:
        from pyarrow import fs

        filesystem, place = fs.FileSystem.from_uri(self._address)
        return filesystem, place.rstrip("/")


def _is_path(name: str) -> bool:
    """Tell whether an object's name is a file's in a folder, which any text may be in a bucket."""
    parts = name.split("/")
    return "\0" not in name and all(part not in ("", ".", "..") and len(part.encode()) <= LONGEST for part in parts)


def _said(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:SAID].rstrip(".")
