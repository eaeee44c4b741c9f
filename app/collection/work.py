"""Jobs that read visitors' pictures and wait their turn."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from algcn.kit.errors import InputError
from app.collection.view import render_reading
from app.kit.jobs import Job, Jobs
from app.kit.pictures import uploaded_file
from app.kit.words import render_status

if TYPE_CHECKING:
    from app.collection.folder import Collection, Dropped
    from app.service import RetrievalService

AT_ONCE = 2


def reading_jobs() -> Jobs:
    """The jobs of one program that read visitors' pictures: a few at once, one for each visitor."""
    return Jobs(AT_ONCE, "Pictures of yours are being read already: wait until they are done.")


def reading_work(collection: Collection, dropped: list[Dropped], service: RetrievalService) -> Callable[[Job], int]:
    """Make the work of a job that adds files to a collection; its news are lines to show."""

    def work(job: Job) -> int:
        def progress(done: int, total: int) -> None:
            if job.stopping():
                raise InputError("Reading was stopped, and nothing was added: drop the pictures again.")
            job.report(render_reading(done, total))

        try:
            return collection.add(dropped, service.bundle, progress)
        finally:
            forget_uploads(dropped)
            if not len(collection):
                shutil.rmtree(collection.folder, ignore_errors=True)

    return work


def waiting_words(before: int) -> str:
    """Say how many others are before a job."""
    return render_status(f"Others are reading pictures at the moment; {before} before yours.")


def new_collection(folder: Path) -> Collection:
    """Make an empty collection in an empty folder; the class takes seconds to import, so it is imported here."""
    from app.collection.folder import Collection

    return Collection(folder)


def dropped_files(uploaded: Any, uploads: Path) -> list[Dropped]:
    """Check what a browser or a client says that it uploaded.

    Raises:
        InputError: Nothing was uploaded, or something else than a file.
    """
    from app.collection.folder import Dropped

    listed = uploaded if isinstance(uploaded, list) else [uploaded]
    values = [value.model_dump() if hasattr(value, "model_dump") else value for value in listed if value]
    if not values:
        raise InputError("Drop at least one picture, or a zip of pictures.")
    paths = [uploaded_file(value, uploads) for value in values]
    names = [value.get("orig_name") for value in values]
    return [
        Dropped(path, name if isinstance(name, str) and name else path.name)
        for path, name in zip(paths, names, strict=True)
    ]


def forget_uploads(dropped: list[Dropped]) -> None:
    """Delete the uploads: what was taken is in the visitor's folder now."""
    for file in dropped:
        with contextlib.suppress(OSError):
            file.path.unlink()
