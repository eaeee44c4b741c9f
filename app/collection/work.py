"""Jobs that read visitors' pictures and wait their turn."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import secrets
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from algcn.kit.errors import InputError
from app.kit.jobs import Job, Jobs
from app.kit.pictures import gone, uploaded_file

if TYPE_CHECKING:
    from app.collection.folder import Collection, Dropped
    from app.service import RetrievalService

AT_ONCE = 2
ARRIVED = "arrived"


@dataclasses.dataclass(frozen=True)
class Reading:
    """The news of how far the encoder is; captions are read too, and `total` is 0 while nobody knows it."""

    done: int = 0
    total: int = 0

    def __str__(self) -> str:
        return f"Reading {self.done:,} of {self.total:,} pictures and captions…" if self.total else "Unpacking…"

    @property
    def share(self) -> float:
        """How much of all is read."""
        return self.done / self.total if self.total else 0.0


@dataclasses.dataclass(frozen=True)
class WaitingToRead:
    """The news that others are before this job."""

    before: int
    share = None

    def __str__(self) -> str:
        return f"Others are reading pictures at the moment; {self.before} before yours."


def reading_jobs() -> Jobs:
    """The jobs of one program that read visitors' pictures: a few at once, one for each visitor."""
    return Jobs(AT_ONCE, "Pictures of yours are being read already: wait until they are done.")


def reading_work(collection: Collection, dropped: list[Dropped], service: RetrievalService) -> Callable[[Job], int]:
    """Make the work of a job that adds files to a collection; its news are `WaitingToRead`, then `Reading`."""

    def work(job: Job) -> int:
        def look() -> None:
            if job.stopping():
                raise InputError("Reading was stopped, and nothing was added: drop the pictures again.")

        def progress(done: int, total: int) -> None:
            look()
            job.report(Reading(done, total))

        try:
            return collection.add(dropped, service.bundle, progress, look)
        finally:
            forget_dropped(dropped)
            if not len(collection):
                shutil.rmtree(collection.folder, ignore_errors=True)

    return work


def new_collection(folder: Path) -> Collection:
    """Make an empty collection in an empty folder; the class takes seconds to import, so it is imported here."""
    from app.collection.folder import Collection

    return Collection(folder)


def dropped_files(uploaded: Any, uploads: Path, folder: Path) -> list[Dropped]:
    """Check what a browser or a client says that it uploaded, and have the files in a folder of the visitor.

    gradio keeps an upload under the hash of its bytes, so whoever sends the same picture at the same time shares it.

    Raises:
        InputError: Nothing was uploaded, or something else than a file.
    """
    listed = uploaded if isinstance(uploaded, list) else [uploaded]
    values = [value.model_dump() if hasattr(value, "model_dump") else value for value in listed if value]
    if not values:
        raise InputError("Drop at least one picture, or a zip of pictures.")
    paths = [uploaded_file(value, uploads) for value in values]
    names = [value.get("orig_name") for value in values]
    called = [name if isinstance(name, str) and name else path.name for path, name in zip(paths, names, strict=True)]
    return arrived_files(list(zip(paths, called, strict=True)), folder)


def arrived_files(files: Sequence[tuple[Path, str]], folder: Path) -> list[Dropped]:
    """Have files, each with what the visitor calls it, in a folder of the visitor too, as if they had been dropped.

    Raises:
        InputError: One of them is gone.
    """
    from app.collection.folder import Dropped

    arrived = folder / ARRIVED / secrets.token_hex(8)  # more may be dropped while these are read
    arrived.mkdir(parents=True)
    return [Dropped(_own(path, arrived / str(number)), name) for number, (path, name) in enumerate(files)]


def forget_dropped(dropped: list[Dropped]) -> None:
    """Delete the visitor's own files that `dropped_files` made; the uploads stay until they are swept."""
    for folder in {file.path.parent for file in dropped}:
        shutil.rmtree(folder, ignore_errors=True)
        with contextlib.suppress(OSError):  # more was dropped
            folder.parent.rmdir()


def _own(upload: Path, target: Path) -> Path:
    try:
        os.link(upload, target)
    except FileNotFoundError:
        raise InputError(gone(upload.name)) from None
    except OSError:  # another disk, or one without links
        shutil.copyfile(upload, target)
    return target
