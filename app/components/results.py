"""Search results as HTML: a query's summary, picture cards, text rows, and what stands there when there are none."""

from __future__ import annotations

import dataclasses
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr

from app.components.cards import Drawn, drawn, picture_url, thumbnail
from app.kit.limits import MAX_LIMIT
from app.kit.scripts import mount
from app.kit.templates import render
from app.search.examples import photo_of

if TYPE_CHECKING:
    from app.search.query import Query
    from app.search.results import Found, Hit, SearchResult

SHOWN_QUERY_LENGTH = 160
SHOWN_PICTURES = 5
OFFERED_LABELS = 8

# What the encoder alone cannot do.
UNCUT = "The encoder alone has no calibrated chances, so the cut-off leaves it whole."
EMPTY = render("components/nothing_searched.html", with_captions=True)
EMPTY_OF_PICTURES = render("components/nothing_searched.html", with_captions=False)


@dataclasses.dataclass(frozen=True)
class Section:
    """One ranking under its title.

    Attributes:
        kind: "pictures" or "captions".
        title: What stands above it.
        found: The ranking.
        drawn: Its results.
        beside: How the other ranking is called, where there is one to compare ranks with.
        note: A sentence about it, or "".
    """

    kind: str
    title: str
    found: Found
    drawn: list[Drawn]
    beside: str | None = None
    note: str = ""


@dataclasses.dataclass(frozen=True)
class Block:
    """Sections that stand side by side; `kind` is their class in the style sheet."""

    kind: str
    sections: list[Section]


@dataclasses.dataclass(frozen=True)
class Asked:
    """A query as the summary shows it; "" for a part that was not asked.

    Attributes:
        pictures: The addresses of the first pictures, or the picture itself in one.
        unlike: The addresses of the first pictures to steer away from.
        credit: Whose photo it is, where it is one of the examples.
        text: The words.
        without: What to steer away from.
        share: The picture's, in percent.
        most: How many pictures, and captions, a file of results holds.
    """

    pictures: list[str]
    unlike: list[str]
    credit: str
    text: str
    without: str
    share: int
    most: int = MAX_LIMIT


def results_view(**options: object) -> gr.HTML:
    """The place where results appear; what its `select` events hold is checked in app/tabs/search.py."""
    return gr.HTML(EMPTY, js_on_load=mount("results"), elem_id="results", apply_default_css=False, **options)


def render_results(
    result: SearchResult,
    prefix: str,
    sizes: tuple[int, int],
    address: str,
    *,
    with_captions: bool = True,
    turn: str = "",
    typed: bool = False,
    index: str = "",
) -> str:
    """A whole answer.

    Args:
        result: What the service found.
        prefix: `RetrievalService.pictures`.
        sizes: How many pictures and texts the gallery has.
        address: The query as the end of an address.
        with_captions: Whether there could be any.
        turn: Which answer to its visitor it is (`app.kit.turns`); the page shows no older one over a newer.
        typed: Whether it answers what is being typed, which the page keeps neither in the address nor in the history.
        index: What named the results of a large gallery, as `Candidates.describe` says it; "" where all were ranked.
    """
    return render(
        "components/results.html",
        result=result,
        asked=_asked(result.query, prefix),
        sizes=sizes,
        address=address,
        prefix=prefix,
        turn=turn,
        typed=typed,
        index=index,
        with_captions=with_captions,
        offered=_offered(result),
        blocks=_blocks(result, prefix, with_captions),
        first=_first(result),
        more=result.pictures.more or result.captions.more or any(found.more for found in result.beside or ()),
    )


def render_error(message: str) -> str:
    """One sentence about what went wrong; whatever was typed and found stays."""
    return render("components/notice.html", kind="error", sentence=message)


def render_hint(message: str) -> str:
    """One sentence about what happened."""
    return render("components/notice.html", kind="hint", sentence=message)


def _blocks(result: SearchResult, prefix: str, with_captions: bool) -> list[Block]:
    """Pictures beside captions; or ALGCN beside the encoder alone, once for each, of which a switch shows one."""

    def section(found: Found, kind: str, title: str, beside: str | None = None, note: str = "") -> Section:
        return Section(kind, title, found, drawn(found.hits, prefix), beside, note)

    kinds = {"pictures": result.pictures, "captions": result.captions}
    if not with_captions:
        del kinds["captions"]
    if result.beside is None:
        return [Block("columns", [section(found, kind, kind.capitalize()) for kind, found in kinds.items()])]
    note = UNCUT if result.query.cutoff else ""
    others = dict(zip(("pictures", "captions"), result.beside, strict=True))
    return [
        Block(
            f"compared {kind}",
            [
                section(found, kind, "ALGCN", "encoder"),
                section(others[kind], kind, "Plain encoder", "ALGCN", note),
            ],
        )
        for kind, found in kinds.items()
    ]


def _first(result: SearchResult) -> list[Hit]:
    """The best of each ranking: what numbers the results have."""
    return [found.hits[0] for found in (result.pictures, result.captions, *(result.beside or ())) if found.hits]


def _asked(query: Query, prefix: str) -> Asked:
    pictures, unlike = (
        [picture_url(item, prefix) for item in items[:SHOWN_PICTURES]] for items in (query.liked, query.unlike)
    )
    if not pictures and query.picture is not None:
        pictures = [thumbnail(Path(query.picture))]
    photo = photo_of(query.picture)
    return Asked(
        pictures,
        unlike,
        "" if photo is None else f"{photo.name} {photo.credit}",
        _short(query.text.strip()),
        _short(query.without.strip()),
        round(100 * query.weight),
    )


def _offered(result: SearchResult) -> list[tuple[str, int]]:
    """Labels that would narrow the answer, with how many of its pictures have them."""
    pictures = result.images
    if len(pictures) < 2:
        return []
    chosen = {label.casefold() for label in result.query.labels}
    counts = Counter(label for hit in pictures for label in hit.labels if label.casefold() not in chosen)
    return [(label, count) for label, count in counts.most_common(OFFERED_LABELS) if count < len(pictures)]


def _short(text: str) -> str:
    return text if len(text) <= SHOWN_QUERY_LENGTH else text[:SHOWN_QUERY_LENGTH].rstrip() + "…"
