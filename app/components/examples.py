"""Queries to start from, as buttons: a row of words, a row of pictures, and those that were asked last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import gradio as gr

from algcn.kit import checks
from app.components.cards import picture_url, thumbnail
from app.kit.scripts import mount
from app.kit.templates import render

if TYPE_CHECKING:
    from app.search.examples import Photo


def examples_view() -> gr.HTML:
    """The place of the examples; `select` fires with `{kind: "text" or "picture", index}`."""
    return gr.HTML(
        '<p class="examples-wait">…</p>', js_on_load=mount("examples"), elem_id="examples", apply_default_css=False
    )


def recent_view() -> gr.HTML:
    """The place of the last searches, which the browser keeps; `select` fires with `{action: "address", address}`."""
    return gr.HTML(
        None, html_template="<i hidden></i>", js_on_load=mount("recent"), elem_id="recent", apply_default_css=False
    )


def render_examples(queries: Sequence[str], pictures: Sequence[int], prefix: str, photos: Sequence[Photo] = ()) -> str:
    """Both rows; a gallery without captions has no words to offer.

    Args:
        queries: Words.
        pictures: Positions in the gallery.
        prefix: `RetrievalService.pictures`.
        photos: Photographs of nobody's gallery; whose they are is said below.
    """
    addresses = [picture_url(item, prefix) for item in pictures]
    shown = [(photo, thumbnail(photo.path)) for photo in photos]
    return render("components/examples.html", words=queries, pictures=addresses, photos=shown)


def chosen_index(data: dict[str, Any], count: int) -> int | None:
    """The index that a `select` brought, if it is one of `count`."""
    index = data.get("index")
    is_index = checks.is_whole(index) and 0 <= index < count
    return index if is_index else None
