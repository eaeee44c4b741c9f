"""Queries to start from, as buttons: a row of words and a row of pictures."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import gradio as gr

from algcn.kit import checks
from app.components.cards import picture_url
from app.kit.scripts import mount


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
    words = "".join(
        f'<li><button type="button" data-kind="text" data-index="{index}">{html.escape(query)}</button></li>'
        for index, query in enumerate(queries)
    )
    shown = "".join(
        f'<li><button type="button" data-kind="picture" data-index="{index}">'
        f'<img src="{picture_url(item, prefix)}" alt="Example picture {index + 1}"></button></li>'
        for index, item in enumerate(pictures)
    )
    rows = [(kind, row) for kind, row in (("words", words), ("pictures", shown)) if row]
    return "".join(
        f'<div class="try"><span>{lead}</span><ul class="try-{kind}">{row}</ul></div>'
        for lead, (kind, row) in zip(("Try", "or"), rows, strict=False)
    )


def chosen_index(data: dict[str, Any], count: int) -> int | None:
    """The index that a `select` brought, if it is one of `count`."""
    index = data.get("index")
    is_index = checks.is_whole(index) and 0 <= index < count
    return index if is_index else None
