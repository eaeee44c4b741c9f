"""Render the Collections tab as HTML."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

from algcn.kit.account import Account
from algcn.kit.picture_kinds import READ_IN_WORDS
from app.collection.left_out import UNREADABLE, LeftOut
from app.kit.limits import MAX_COLLECTION_BYTES, MAX_PICTURE_BYTES, MAX_PICTURES
from app.kit.numbers import counted
from app.kit.templates import render
from app.kit.words import shortened

if TYPE_CHECKING:
    from app.collection.folder import Collection
    from app.service import RetrievalService

MAX_NAMED = 100
MAX_NOTES = 8
MAX_SENTENCE = 400


@dataclasses.dataclass(frozen=True)
class Shown:
    """A picture as the tab shows it."""

    address: str
    file: str
    caption: str


@dataclasses.dataclass(frozen=True)
class NotUsed:
    """A kind of what was not used; the files of it, where it is one of files."""

    count: int
    kind: str
    example: str
    remedy: str
    files: Sequence[LeftOut]

    @property
    def reason(self) -> str:
        """Why the example cannot be opened, where each file has a reason of its own."""
        return self.files[0].reason if self.varies else ""

    @property
    def varies(self) -> bool:
        """Whether the files have reasons of their own."""
        return bool(self.files) and self.kind == UNREADABLE


def render_limits() -> str:
    """Render what can be dropped, and what becomes of it."""
    return render(
        "collection/limits.html",
        pictures=MAX_PICTURES,
        picture_megabytes=MAX_PICTURE_BYTES >> 20,
        megabytes=MAX_COLLECTION_BYTES >> 20,
        formats=READ_IN_WORDS,
    )


def render_more() -> str:
    """Render a hint for those who have more pictures than that."""
    return render("collection/more.html")


def render_preview() -> str:
    """Render what will stand in the tab once there are pictures."""
    return render("collection/preview.html")


def render_added(account: Account, left_out: Sequence[LeftOut], seconds: float) -> str:
    """Render what came of a drop: what was added, how it was read, and what was not used, by kind.

    Args:
        account: What was added, and what was not.
        left_out: The files that were not taken; all but the first of each kind are folded.
        seconds: How long it took.
    """
    files: dict[str, list[LeftOut]] = {}
    for entry in left_out:
        files.setdefault(entry.kind, []).append(entry)
    kinds = [
        NotUsed(
            kind["count"],
            shortened(kind["kind"], MAX_SENTENCE),
            shortened(kind["example"], MAX_SENTENCE),
            kind["remedy"],
            files.get(kind["kind"], []),
        )
        for kind in account.to_json()["left_out"]
    ]
    added = [
        counted(account.used[unit], unit.removesuffix("s"))
        for unit in ("pictures", "captions", "labels")
        if account.used[unit]
    ]
    notes = [shortened(note, MAX_SENTENCE) for note in account.notes[:MAX_NOTES]]
    if len(account.notes) > MAX_NOTES:
        notes.append(f"{len(account.notes) - MAX_NOTES:,} more such sentences are left out here.")
    return render("collection/added.html", added=added, seconds=seconds, notes=notes, kinds=kinds, most=MAX_NAMED)


def render_taken_over(account: Account) -> str:
    """Render what came of pictures that another tab handed over, to be shown there."""
    return render("collection/taken_over.html", count=account.used["pictures"], captions=account.used["captions"])


def render_collection(collection: Collection, service: RetrievalService, percent: int, name_length: int) -> str:
    """Render the pictures and what labels them; the labels themselves come with every answer (`app.labelling.board`).

    Args:
        collection: The collection.
        service: Serves the pictures.
        percent: From which probability suggestions are accepted, unless the visitor moves the slider.
        name_length: How many characters the name of a label may have.
    """
    pictures = [
        Shown(f"{service.pictures}/card/{number}", item.file_name, next(iter(item.texts), item.file_name))
        for number, item in enumerate(collection.gallery.items)
    ]
    return render(
        "collection/pictures.html",
        pictures=pictures,
        texts=len(collection.gallery.texts),
        size=_size(collection.size),
        percent=percent,
        name_length=name_length,
    )


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB" if count >= 1e6 else f"{max(1, round(count / 1e3))} kB"
