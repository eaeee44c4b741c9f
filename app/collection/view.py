"""Render the Collections tab as HTML; every word that a visitor's files brought is escaped."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.kit.limits import MAX_COLLECTION_BYTES, MAX_PICTURE_BYTES, MAX_PICTURES
from app.kit.words import render_status

if TYPE_CHECKING:
    from app.collection.folder import Collection
    from app.collection.intake import LeftOut
    from app.service import RetrievalService

MAX_LABELS = 4
MAX_NAMED = 100


def render_limits() -> str:
    """Render what can be dropped, and what becomes of it."""
    return (
        '<div class="collect-facts"><h2>Search your own pictures</h2>'
        "<p>Drop pictures or a zip. A <code>metadata.csv</code> with <code>file_name,text,labels</code> adds captions "
        "and labels (<code>|</code> between labels); without one, labels are predicted.</p>"
        f"<p><b>{MAX_PICTURES}</b> pictures, <b>{MAX_PICTURE_BYTES >> 20} MB</b> each, "
        f"<b>{MAX_COLLECTION_BYTES >> 20} MB</b> in all. JPEG, PNG, WebP, GIF, BMP or TIFF.</p>"
        "<p>Only this page can see them. They are deleted within an hour of closing it, or at once with the "
        "button below them.</p></div>"
    )


def render_more() -> str:
    """Render a hint for those who have more pictures than that."""
    return (
        '<div class="collect-more"><h3>More pictures than that?</h3>'
        "<p>On your own machine there are no limits: embed the folder once, then serve it.</p>"
        "<pre><code>python -m algcn.gallery build PHOTOS --bundle weights/pocket\n"
        "python app.py --gallery PHOTOS</code></pre></div>"
    )


def render_reading(done: int, total: int) -> str:
    """Render how far the encoder is; captions are read too."""
    if not total:
        return render_status("Unpacking…", 0.0)
    return render_status(f"Reading {done:,} of {total:,} pictures and captions…", done / total)


def render_added(added: int, left_out: Sequence[LeftOut], seconds: float) -> str:
    """Render what came of a drop."""
    told = f"{_pictures(added)} added in {seconds:.1f} s." if added else "Nothing was added."
    return f'<p class="added" role="status">{told}</p>' + render_left_out(left_out)


def render_left_out(left_out: Sequence[LeftOut]) -> str:
    """Render what was left out and why, folded; the reasons with how many files each has are seen at once."""
    if not left_out:
        return ""
    reasons = Counter(entry.reason for entry in left_out)
    summary = "; ".join(f"{count} × {html.escape(reason)}" for reason, count in reasons.most_common(3))
    rows = "".join(
        f"<li><b>{html.escape(entry.name)}</b>: {html.escape(entry.reason)}</li>" for entry in left_out[:MAX_NAMED]
    )
    rest = len(left_out) - MAX_NAMED
    more = f"<li>and {rest:,} more</li>" if rest > 0 else ""
    count = "1 file was" if len(left_out) == 1 else f"{len(left_out):,} files were"
    return f'<details class="left-out"><summary>{count} left out: {summary}</summary><ul>{rows}{more}</ul></details>'


def render_collection(collection: Collection, service: RetrievalService, predicted: Sequence[tuple[str, ...]]) -> str:
    """Render the pictures with their labels.

    Args:
        collection: What there is.
        service: Serves the pictures.
        predicted: For each picture the labels that the model predicts; shown where nobody gave any.
    """
    items, texts = collection.gallery.items, len(collection.gallery.texts)
    labelled = sum(1 for item in items if item.labels)
    captions = f", {texts:,} caption{'' if texts == 1 else 's'}" if texts else ""
    given = f", {labelled:,} with labels of yours" if labelled else ""
    cards = "".join(
        f'<li><img src="{service.pictures}/card/{number}" loading="lazy" alt="{html.escape(item.file_name)}">'
        f"{_chips(item.labels, predicted[number])}"
        f'<p class="caption">{html.escape(next(iter(item.texts), item.file_name))}</p></li>'
        for number, item in enumerate(items)
    )
    dashed = '<span class="key"><span class="chip">dashed</span> predicted</span>' if labelled < len(items) else ""
    return (
        f'<div class="mine"><p class="mine-facts"><b>{_pictures(len(items))}</b>{captions}{given}, '
        f"{_size(collection.size)}{dashed}</p>"
        f'<ul class="mine-grid">{cards}</ul></div>'
    )


def _chips(given: Sequence[str] | None, predicted: Sequence[str]) -> str:
    labels = given or predicted
    if not labels:
        return '<div class="chips"></div>'
    shown = "".join(f'<span class="chip">{html.escape(label)}</span>' for label in labels[:MAX_LABELS])
    rest = len(labels) - MAX_LABELS
    more = f'<span class="chip rest">+{rest}</span>' if rest > 0 else ""
    return f'<div class="chips{"" if given else " predicted"}">{shown}{more}</div>'


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB" if count >= 1e6 else f"{max(1, round(count / 1e3))} kB"


def _pictures(count: int) -> str:
    return "1 picture" if count == 1 else f"{count:,} pictures"
