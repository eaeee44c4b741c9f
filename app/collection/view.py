"""Render the Collections tab as HTML."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from algcn.kit.picture_kinds import READ_IN_WORDS
from app.kit.limits import MAX_COLLECTION_BYTES, MAX_PICTURE_BYTES, MAX_PICTURES
from app.kit.templates import render
from app.kit.words import render_status

if TYPE_CHECKING:
    from app.collection.folder import Collection
    from app.collection.intake import LeftOut
    from app.service import RetrievalService

MAX_LABELS = 4
MAX_NAMED = 100
NAMED_REASONS = 3


@dataclasses.dataclass(frozen=True)
class Shown:
    """A picture as the tab shows it."""

    address: str
    file: str
    caption: str
    labels: Sequence[str]
    are_predicted: bool


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


def render_reading(done: int, total: int) -> str:
    """Render how far the encoder is; captions are read too."""
    if not total:
        return render_status("Unpacking…", 0.0)
    return render_status(f"Reading {done:,} of {total:,} pictures and captions…", done / total)


def render_added(added: int, left_out: Sequence[LeftOut], seconds: float) -> str:
    """Render what came of a drop."""
    return render("collection/added.html", added=added, seconds=seconds, **_left_out(left_out))


def render_left_out(left_out: Sequence[LeftOut]) -> str:
    """Render what was left out and why, folded; the reasons with how many files each has are seen at once."""
    return render("collection/left_out.html", **_left_out(left_out))


def _left_out(left_out: Sequence[LeftOut]) -> dict[str, Any]:
    reasons = Counter(entry.reason for entry in left_out).most_common(NAMED_REASONS)
    return {"entries": left_out, "reasons": reasons, "most": MAX_NAMED}


def render_collection(collection: Collection, service: RetrievalService, predicted: Sequence[tuple[str, ...]]) -> str:
    """Render the pictures with their labels.

    Args:
        collection: The collection.
        service: Serves the pictures.
        predicted: For each picture the labels that the model predicts; shown where nobody gave any.
    """
    items = collection.gallery.items
    pictures = [
        Shown(
            f"{service.pictures}/card/{number}",
            item.file_name,
            next(iter(item.texts), item.file_name),
            item.labels or predicted[number],
            are_predicted=not item.labels and bool(predicted[number]),
        )
        for number, item in enumerate(items)
    ]
    return render(
        "collection/pictures.html",
        pictures=pictures,
        texts=len(collection.gallery.texts),
        labelled=sum(1 for item in items if item.labels),
        size=_size(collection.size),
        most=MAX_LABELS,
    )


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB" if count >= 1e6 else f"{max(1, round(count / 1e3))} kB"
