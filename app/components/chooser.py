"""The facts in the masthead: how much there is to search, by which model, and the others to choose from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from markupsafe import Markup

from app.kit.templates import render

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
    asks_hub: bool = False,
) -> Markup:
    """How much there is, and the model: a list to choose from where there are several.

    Args:
        service: What answers.
        names: The names of the models there are.
        chosen: One of them.
        linked: What the address calls it; "" for the default.
        problem: A sentence about what could not be opened.
        refresh: Have the tab that is open filled anew.
        asks_hub: Take the name of a model of the Hub too.
    """
    counts = [(len(service.gallery.items), "picture"), (len(service.bundle.label_set), "label")]
    if service.reads_words:
        counts.insert(1, (len(service.gallery.texts), "caption"))
    return render(
        "components/facts.html",
        counts=counts,
        names=names,
        chosen=chosen,
        linked=linked,
        problem=problem,
        refresh=refresh,
        asks_hub=asks_hub,
    )


def render_choosing(state: str, names: Sequence[str] = (), chosen: str = "") -> Markup:
    """While something is loading.

    Args:
        state: What is being done, in a few words.
        names: The names of the models there are, where that is known.
        chosen: The one that is loading.
    """
    return render("components/busy.html", state=state, names=names, chosen=chosen)


def render_masthead(facts: str) -> Markup:
    """The head of the page; `facts` is a sentence, or what the other functions here made."""
    return render("components/masthead.html", facts=facts)
