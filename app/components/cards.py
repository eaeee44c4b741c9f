"""One result as HTML: a picture's card, a caption's row, and what the dialog shows of either.

Notable: every word that comes from a gallery, a bundle or a visitor passes `html.escape`; what a click shows travels as
JSON in an escaped attribute, and results.js puts it on the page as text, never as markup.
"""

from __future__ import annotations

import html
import json
import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from app.search.results import Hit

CHIPS_ON_CARD = 4


def card(hit: Hit, prefix: str, beside: str | None = None) -> str:
    """A picture found, with those that are folded behind it.

    Args:
        hit: The picture.
        prefix: `RetrievalService.pictures`.
        beside: How the other ranking is called, where there is one to compare ranks with.
    """
    behind = "".join(
        f'<li class="behind" hidden>{_card_button(member, prefix, None)}</li>' for member in hit.near_duplicates
    )
    return f"<li>{_card_button(hit, prefix, beside)}{_fold_button(hit)}</li>{behind}"


def row(hit: Hit, prefix: str, beside: str | None = None) -> str:
    """A caption found; arguments as for `card`."""
    return f"""
<li><button type="button" class="hit-row" data-action="open" data-details="{_details(hit, prefix)}">
  <img src="{picture_url(hit.item, prefix)}" alt="" loading="lazy" decoding="async">
  <span class="words"><span class="caption">{html.escape(hit.text)}</span>
  {_chips(hit)}
  {_ranks(hit, beside)}
  {_score(hit)}</span>
</button></li>"""


def picture_url(item: int, prefix: str, size: str = "card") -> str:
    """Where a browser finds a picture of a gallery, relative to the page; `prefix` is `RetrievalService.pictures`."""
    return f"{prefix}/{size}/{item:d}"


def beats(percentile: float) -> str:
    """A percentile in words; rounded down, since nothing beats all of a gallery it is part of."""
    return f"beats {math.floor(percentile * 10) / 10:.1f} %"


def chance(probability: float) -> str:
    """A chance in words; nothing is certain, so neither end is ever reached."""
    return f"{min(99, max(1, round(100 * probability)))} %"


def _card_button(hit: Hit, prefix: str, beside: str | None) -> str:
    name = hit.text or hit.file
    return f"""<button type="button" class="hit-card" data-action="open" data-details="{_details(hit, prefix)}">
  <img src="{picture_url(hit.item, prefix)}" alt="{html.escape(name)}" loading="lazy" decoding="async">
  <span class="caption">{html.escape(name)}</span>
  {_chips(hit)}
  {_ranks(hit, beside)}
  {_score(hit)}
</button>"""


def _fold_button(hit: Hit) -> str:
    if not hit.folded:
        return ""
    words = "near-duplicate" if hit.folded == 1 else "near-duplicates"
    return (
        f'<button type="button" class="fold" data-action="unfold" aria-expanded="false">+{hit.folded} {words}</button>'
    )


def _score(hit: Hit) -> str:
    parts = []
    if hit.probability is not None:
        parts.append(
            f'<span class="chance" title="chance of sharing a label with the query">{chance(hit.probability)}</span>'
        )
    parts.append(
        f'<span class="beats" title="nearer to the query than this share of the gallery">{beats(hit.percentile)}</span>'
    )
    parts.append(f'<span class="cosine" title="what it is ranked by, a cosine">{hit.score:.3f}</span>')
    return f'<span class="score">{"".join(parts)}</span>'


def _ranks(hit: Hit, beside: str | None) -> str:
    if beside is None or hit.other_rank is None:
        return ""
    gained = hit.other_rank - hit.rank
    if not gained:
        move = '<span class="move">=</span>'
    elif gained > 0:
        move = f'<span class="move up">▲ {gained:,}</span>'
    else:
        move = f'<span class="move down">▼ {-gained:,}</span>'
    return f'<span class="ranks"><b>Rank {hit.rank:,}</b>, {html.escape(beside)} {hit.other_rank:,} {move}</span>'


def _chips(hit: Hit) -> str:
    """The labels that matched first, then others while there is room."""
    matched = set(hit.matched_labels)
    labels = sorted(hit.labels, key=lambda label: label not in matched)
    shown = labels[: max(CHIPS_ON_CARD, len(matched))]
    kinds = {True: "chip match", False: "chip"}
    chips = [f'<span class="{kinds[label in matched]}">{html.escape(label)}</span>' for label in shown]
    if len(labels) > len(shown):
        chips.append(f'<span class="chip rest">+{len(labels) - len(shown)}</span>')
    kind = "chips predicted" if hit.labels_are_predicted else "chips"
    return f'<span class="{kind}">{"".join(chips)}</span>'


def _details(hit: Hit, prefix: str) -> str:
    """What the dialog shows of a result, as JSON for an attribute."""
    details: dict[str, Any] = {
        "item": hit.item,
        "picture": picture_url(hit.item, prefix, "large"),
        "file": hit.file,
        "found": hit.text,
        "captions": hit.captions,
        "labels": hit.labels,
        "matched": hit.matched_labels,
        "predicted": hit.labels_are_predicted,
        "rank": hit.rank,
        "beats": beats(hit.percentile),
        "chance": None if hit.probability is None else chance(hit.probability),
        "cosine": f"{hit.score:.3f}",
        "cosines": [
            # To the encoder some queries are nothing: labels alone, to a model that reads no words.
            [name, *(f"{cosine:.3f}" if cosine else "–" for cosine in cosines)]
            for name, cosines in (("Picture", hit.picture_cosines), ("Caption", hit.caption_cosines))
            if cosines is not None
        ],
        "shared": [[label.name, round(label.query, 3), round(label.result, 3)] for label in hit.shared_labels],
    }
    return html.escape(json.dumps(details, ensure_ascii=False))
