"""The facts in the masthead: how much there is to search, by which model, and the others to choose from."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.service import RetrievalService


def render_facts(
    service: RetrievalService,
    names: Sequence[str],
    chosen: str,
    linked: str,
    problem: str = "",
    *,
    refresh: bool = False,
) -> str:
    """How much there is, and the model: a list to choose from where there are several.

    Args:
        service: What answers.
        names: Of the models there are.
        chosen: One of them.
        linked: What the address calls it; "" for the program's own.
        problem: A sentence about what could not be opened.
        refresh: Have the tab that is open filled anew.
    """
    counts = [(len(service.gallery.items), "picture"), (len(service.bundle.label_set), "label")]
    if service.reads_words:
        counts.insert(1, (len(service.gallery.texts), "caption"))
    told = " · ".join(f"<b>{count:,}</b> {noun}{'' if count == 1 else 's'}" for count, noun in counts)
    model = f"model <b>{html.escape(chosen)}</b>" if len(names) < 2 else _list(names, chosen)
    wrong = f'<span class="model-problem" role="alert">{html.escape(problem)}</span>' if problem else ""
    again = " data-refresh" if refresh else ""
    return f'<span data-linked="{html.escape(linked)}"{again}>{told} · {model}</span>{wrong}'


def render_choosing(state: str, names: Sequence[str], chosen: str) -> str:
    """While a model is loading.

    Args:
        state: What is being done, in a few words.
        names: Of the models there are.
        chosen: The one that is loading.
    """
    return f'<span class="busy">One moment: {html.escape(state)}…</span> {_list(names, chosen)}'


def _list(names: Sequence[str], chosen: str) -> str:
    options = "".join(
        f'<option value="{html.escape(name)}"{" selected" if name == chosen else ""}>{html.escape(name)}</option>'
        for name in names
    )
    return f'<label class="model-label">model <select id="model">{options}</select></label>'
