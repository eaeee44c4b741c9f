"""Queries to start from, as buttons: a row of words and a row of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from algcn.kit import checks
from app.components.cards import picture_url
from app.kit.scripts import mount
from app.kit.templates import render


def examples_view() -> gr.HTML:
    """The place of the examples; `select` fires with `{kind: "text" or "picture", index}`."""
    return gr.HTML(
        '<p class="examples-wait">…</p>', js_on_load=mount("examples"), elem_id="examples", apply_default_css=False
    )


def render_examples(queries: Sequence[str], pictures: Sequence[int], prefix: str) -> str:
    """Both rows; a gallery without captions has no words to offer.

    Args:
        queries: Words.
        pictures: Positions in the gallery.
        prefix: `RetrievalService.pictures`.
    """
    addresses = [picture_url(item, prefix) for item in pictures]
    return render("components/examples.html", words=queries, pictures=addresses)


def chosen_index(data: dict[str, Any], count: int) -> int | None:
    """The index that a `select` brought, if it is one of `count`."""
    index = data.get("index")
    is_index = checks.is_whole(index) and 0 <= index < count
    return index if is_index else None
