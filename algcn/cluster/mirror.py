"""The gallery that a bucket holds, as a folder of this disk.

Notable: a file is given the time that the bucket says of it, so its size and time tell whether it is as it was; no list
is kept, which a kill could leave behind what it is of. What the bucket does not give any more, what somebody else put
there, and a table of which the bucket holds another are not deleted but set aside in a hidden folder, where no gallery
looks; a picture that was changed is fetched again.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path, PurePosixPath

from algcn.cluster.bucket import READERS, Bucket, count_withheld
from algcn.datasets.folders.listing import is_companion, is_table
from algcn.datasets.folders.names import folded, is_system
from algcn.datasets.image_folder import ImageFolder, read_image_folder
from algcn.datasets.left_out import count_captions, count_labels
from algcn.features.places import NotAnswering
from algcn.gallery.files import LAYOUT_NAME, STORE_NAME
from algcn.kit import disk, files
from algcn.kit.errors import InputError
from algcn.kit.images import MAX_BYTES, too_many_bytes
from algcn.kit.parallel import bounded_map

OWN = ".bucket"  # begins the names of what lies in the folder and is not the bucket's; this file names the bucket
REMOVED = f"{OWN}.removed"
# A build writes them: a bucket's are taken where there are none.
_BUILT = frozenset({STORE_NAME, LAYOUT_NAME})
_FEATURES = PurePosixPath(STORE_NAME).suffix


@dataclass(frozen=True)
class Mirrored:
    """A folder that holds the gallery of a bucket.

    Attributes:
        folder: It, with the account of all that the bucket holds.
        fetched: How many files were fetched now.
        unchanged: How many were there.
    """

    folder: ImageFolder
    fetched: int
    unchanged: int


def mirror(bucket: Bucket, out: Path, progress: Callable[[int, int], None]) -> Mirrored:
    """Make a folder hold the pictures and tables of a bucket, fetching what is missing or has changed.

    Args:
        bucket: The bucket.
        out: The folder, which is empty or was made of this bucket.
        progress: Called with how many files are fetched and how many have to be.

    Raises:
        InputError: The folder is another's, or the bucket is at fault; what was fetched stays.
        OSError: The folder cannot be written.
    """
    _check_ours(out, bucket.address)
    with _alone(out), files.folder_aside(out / f"{OWN}.new") as aside, bucket.laid_out(aside) as root:
        _check_ours(out, bucket.address)  # again: another process may have been first
        folder = read_image_folder(root)
        files.write_text(out / OWN, bucket.address)
        bucket.count_left_out(folder.account)
        pictures = dict.fromkeys(item.file_name for item in folder)
        large = {name: too_many_bytes(f"The file {name}") for name in pictures if _size(bucket, name) > MAX_BYTES}
        _set_aside(out, [name for name in _files(out) if bucket.state(name) is None or name in large])
        wanted = [name for name in _wanted(folder, bucket.names) if name not in large]
        stale = [name for name in wanted if not _is_current(out, name, bucket.state(name))]
        _check_room(out, sum(_size(bucket, name) - disk.size_of(out / name) for name in stale))
        failed = _fetch(bucket, stale, pictures, aside, out, progress)
        for name, sentence in failed.items():
            if is_table(name):  # without it the folder is another
                raise InputError(sentence)
            if name not in pictures:
                count_withheld(folder.account, name)
        _set_aside(out, [name for name in failed if (out / name).is_file()])
        for path in sorted((out / REMOVED).rglob("*")):  # for as long as they lie there: a kill may come before the end
            if path.is_file():
                kind = "files that the bucket does not give, or not as they were here"
                folder.account.add(kind, str(path), "delete them there, or put them back into the bucket", unit="files")
        missing = {name: sentence for name, sentence in failed.items() if name in pictures}
        used = _without(folder, bucket, large | missing)
    if not used.items:
        raise InputError(f"No picture of {bucket.address!r} can be used. {' '.join(used.account.sentences())}")
    return Mirrored(replace(used, root=out), len(stale) - len(failed), len(wanted) - len(stale))


def _check_ours(out: Path, address: str) -> None:
    """Refuse a folder that holds anything but what this bucket held."""
    note = out / OWN
    if note.is_file():
        known = note.read_text(encoding="utf-8")
        if known != address:
            raise InputError(f"The folder {str(out)!r} holds the gallery of {known}; name another folder.")
    elif out.is_dir() and not all(entry.name.startswith((OWN, f".{OWN}.")) for entry in out.iterdir()):
        raise InputError(
            f"The folder {str(out)!r} holds files that are of no bucket; name an empty folder, or one that is not "
            "there yet."
        )


@contextlib.contextmanager
def _alone(out: Path) -> Iterator[None]:
    from filelock import FileLock, Timeout

    lock = FileLock(out / f"{OWN}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise InputError(f"Another process fetches into {str(out)!r}; wait until it is done.") from None
    try:
        yield
    finally:
        lock.release()


def _size(bucket: Bucket, name: str) -> int:
    size, _ = bucket.state(name) or (0, 0)
    return size


def _wanted(folder: ImageFolder, names: Iterable[str]) -> list[str]:
    """Name what a folder must hold to be read as the bucket is: its pictures, its tables, and what goes with them.

    A picture that no row names is fetched where its name is another's but for letter case: a row that fits both of them
    must go on fitting both.
    """
    pictures = [item.file_name for item in folder]
    known = set(map(folded, pictures))
    pictures += [name for name in folder.unnamed if folded(name) in known]
    beside = [name for name in names if _goes_with_pictures(name)]
    return [name for name in dict.fromkeys(pictures + beside) if not f"{name.split('/')[0]}.".startswith(f"{OWN}.")]


def _goes_with_pictures(name: str) -> bool:
    """Tell whether a file is part of a gallery though it is no picture; features are, if they are a gallery's own."""
    if PurePosixPath(name).suffix.lower() == _FEATURES:
        return name in _BUILT
    return is_table(name) or (is_companion(name) and not any(map(is_system, PurePosixPath(name).parts)))


def _is_current(out: Path, name: str, state: Sequence[int] | None) -> bool:
    path = out / name
    if not path.is_file():
        return False
    found = path.stat()
    return name in _BUILT or [found.st_size, found.st_mtime_ns] == state


def _check_room(out: Path, needed: int) -> None:
    try:
        disk.check_room(out, needed)
    except disk.DiskFullError as error:
        raise InputError(str(error)) from error  # who writes the folder would say it again, without how much it takes


def _fetch(
    bucket: Bucket,
    names: Sequence[str],
    pictures: Container[str],
    aside: Path,
    out: Path,
    progress: Callable[[int, int], None],
) -> Mapping[str, str]:
    """Fetch files; returns for each that the bucket did not give the sentence.

    What is no picture is set aside before another takes its place, for somebody may have written in it; so is a folder.
    """
    place = _next_place(out)

    def fetch(entry: tuple[int, str]) -> tuple[str, str] | None:
        number, name = entry
        part, target = aside / str(number), out / name
        try:
            bucket.copy(name, part)
        except NotAnswering:
            raise
        except InputError as error:
            part.unlink()
            return name, str(error)
        written = bucket.state(name)[1]
        os.utime(part, ns=(written, written))
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_dir() or (target.exists() and name not in pictures):
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            os.replace(target, place / name)
        os.replace(part, target)
        return None

    failed = {}
    for done, failure in enumerate(bounded_map(fetch, enumerate(names), workers=READERS), 1):
        if failure is not None:
            failed[failure[0]] = failure[1]
        progress(done, len(names))
    return failed


def _files(out: Path) -> list[str]:
    """Name the files that a gallery sees in the folder, but those that a build writes."""
    found = []
    for place, folders, names in os.walk(out):
        folders[:] = [folder for folder in folders if not is_system(folder)]
        inside = "" if Path(place) == out else f"{Path(place).relative_to(out).as_posix()}/"
        found += [inside + name for name in names if not is_system(name)]
    return sorted(set(found) - _BUILT)


def _set_aside(out: Path, names: Iterable[str]) -> None:
    """Move files out of the gallery, and remove the folders that are empty then: a file may be called so next."""
    place = _next_place(out)
    for name in names:
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        os.replace(out / name, place / name)
        for parent in (out / name).parents:
            if parent == out or any(parent.iterdir()):
                break
            parent.rmdir()


def _next_place(out: Path) -> Path:
    """Where what is set aside now is to lie: a folder that is not there yet."""
    return next(new for number in count(1) if not (new := out / REMOVED / str(number)).exists())


def _without(folder: ImageFolder, bucket: Bucket, unreadable: Mapping[str, str]) -> ImageFolder:
    """Leave pictures out, which are counted with what goes with them."""
    bucket.count_unreadable(folder.account, unreadable)
    items = []
    for item in folder:
        if item.file_name in unreadable:
            count_captions(folder.account, item)
            count_labels(folder.account, item)
        else:
            items.append(item)
    return replace(folder, items=items)
