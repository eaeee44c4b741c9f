"""Search results as HTML: a query's summary, picture cards, text rows, and what stands there before the first query.

Notable: every word that comes from a gallery, a bundle or a visitor passes `html.escape`; what a click on a card shows
travels as JSON in an escaped attribute, and results.js puts it on the page as text, never as markup.
"""

from __future__ import annotations

import base64
import html
import io
import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr

from app.limits import MAX_LIMIT

if TYPE_CHECKING:
    from PIL import Image

    from app.service import Hit, LabelScore, SearchResult

SCRIPT_PATH = Path(__file__).resolve().parents[2] / "assets" / "results.js"
SHOWN_QUERY_LENGTH = 160
CHIPS_ON_CARD = 4
QUERY_PICTURE_SIDE = 160

EMPTY = """
<section class="empty">
  <h2>Nothing searched yet</h2>
  <ol class="steps">
    <li><b>Type what you want to see</b> and press Enter, or give a picture: drop it, paste it, or take one.</li>
    <li><b>Pictures and captions both answer</b>, the nearest first: they live in one space, as your query does.</li>
    <li><b>Every result says why.</b> <span class="chip match">dog</span> is a label it shares with your query;
      <span class="beats">beats 99.1 %</span> means it is nearer to your query than 99.1 % of the gallery. The small
      number beside it is the cosine it was ranked by: good for ordering, not a probability.</li>
  </ol>
</section>
"""


def results_view(**options: object) -> gr.HTML:
    """The place where results appear; `select` fires with `{action: "similar", item}` or `{action: "more"}`."""
    return gr.HTML(
        EMPTY, js_on_load=SCRIPT_PATH.read_text(encoding="utf-8"), elem_id="results", apply_default_css=False, **options
    )


def text_query(text: str) -> str:
    """A text query as the summary shows it."""
    shown = text if len(text) <= SHOWN_QUERY_LENGTH else text[:SHOWN_QUERY_LENGTH].rstrip() + "…"
    return f'<span class="asked">“{html.escape(shown)}”</span>'


def picture_query(image: Image.Image, words: str) -> str:
    """A picture query as the summary shows it: the picture as it was decoded, and a few words about it."""
    small = image.copy()
    small.thumbnail((QUERY_PICTURE_SIDE, QUERY_PICTURE_SIDE))
    buffer = io.BytesIO()
    small.save(buffer, format="JPEG", quality=80)
    source = "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
    return f'<img class="asked-picture" src="{source}" alt=""><span class="asked">{html.escape(words)}</span>'


def item_query(item: int, words: str) -> str:
    """A picture of the gallery as the query, as the summary shows it."""
    source = picture_url(item)
    return f'<img class="asked-picture" src="{source}" alt=""><span class="asked">{html.escape(words)}</span>'


def render_results(result: SearchResult, query: str, sizes: tuple[int, int], limit: int) -> str:
    """A whole answer.

    Args:
        result: What the service found.
        query: The query as one of the functions above shows it (HTML).
        sizes: How many pictures and texts the gallery has.
        limit: How many of each were asked for; more can be asked for while there are any.
    """
    pictures, captions = sizes
    more = '<button type="button" class="more" data-action="more">Show more</button>'
    return f"""
<section class="answer">
  <header class="summary" role="status">
    <div class="query">{query}</div>
    {_query_labels(result.query_labels)}
    {_notice(result.notice)}
    <p class="fine">{pictures:,} pictures and {captions:,} captions ranked in {_duration(result.seconds)}</p>
  </header>
  <div class="switch" role="group" aria-label="Show">
    <button type="button" data-action="view" data-view="pictures">Pictures</button>
    <button type="button" data-action="view" data-view="captions">Captions</button>
  </div>
  <div class="columns">
    <section class="pictures" aria-label="Pictures">
      <h2>Pictures</h2>
      <ul class="cards">{_each(map(_card, result.images))}</ul>
      {_none("This gallery has no other pictures.") if not result.images else ""}
    </section>
    <section class="captions" aria-label="Captions">
      <h2>Captions</h2>
      <ul class="rows">{_each(map(_row, result.texts))}</ul>
      {_none("This gallery has no captions.") if not result.texts else ""}
    </section>
  </div>
  <footer>{more if limit < min(max(pictures, captions), MAX_LIMIT) else ""}</footer>
</section>"""


def render_error(message: str) -> str:
    """One sentence about what went wrong; whatever was typed and found stays."""
    return f'<p class="notice error" role="alert">{html.escape(message)}</p>'


def picture_url(item: int, size: str = "card", prefix: str = "picture/gallery") -> str:
    """Where a browser finds a picture of a gallery, relative to the page; `prefix` is `RetrievalService.pictures`."""
    return f"{prefix}/{size}/{item:d}"


def beats(percentile: float) -> str:
    """A percentile in words; rounded down, since nothing beats all of a gallery it is part of."""
    return f"beats {math.floor(percentile * 10) / 10:.1f} %"


def _query_labels(labels: Sequence[LabelScore]) -> str:
    if not labels:
        return '<p class="recognised">No label of this model stands out in the query.</p>'
    chips = _each(
        f'<li class="chip match" title="{"named in your words" if label.mentioned else "predicted by the model"}; '
        f'cosine {label.score:.3f}">{html.escape(label.name)}<small>{label.score:.2f}</small></li>'
        for label in labels
    )
    return f'<div class="recognised"><span>Labels seen in it</span><ul class="chips">{chips}</ul></div>'


def _card(hit: Hit) -> str:
    name = hit.text or hit.file
    return f"""
<li><button type="button" class="hit-card" data-action="open" data-details="{_details(hit)}">
  <img src="{picture_url(hit.item)}" alt="{html.escape(name)}" loading="lazy" decoding="async">
  <span class="caption">{html.escape(name)}</span>
  {_chips(hit)}
  {_score(hit)}
</button></li>"""


def _row(hit: Hit) -> str:
    return f"""
<li><button type="button" class="hit-row" data-action="open" data-details="{_details(hit)}">
  <img src="{picture_url(hit.item)}" alt="" loading="lazy" decoding="async">
  <span class="words"><span class="caption">{html.escape(hit.text)}</span>
  {_chips(hit)}
  {_score(hit)}</span>
</button></li>"""


def _score(hit: Hit) -> str:
    return (
        f'<span class="score"><span class="beats" title="nearer to the query than this share of the gallery">'
        f"{beats(hit.percentile)}</span>"
        f'<span class="cosine" title="cosine: two thirds in the common space, one third of the encoder alone">'
        f"{hit.score:.3f}</span></span>"
    )


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


def _details(hit: Hit) -> str:
    """What the dialog shows of a result, as JSON for an attribute."""
    details = {
        "item": hit.item,
        "picture": picture_url(hit.item, "large"),
        "file": hit.file,
        "found": hit.text,
        "captions": hit.captions,
        "labels": hit.labels,
        "matched": hit.matched_labels,
        "predicted": hit.labels_are_predicted,
        "rank": hit.rank,
        "beats": beats(hit.percentile),
        "cosine": f"{hit.score:.3f}",
    }
    return html.escape(json.dumps(details, ensure_ascii=False))


def _notice(notice: str | None) -> str:
    return f'<p class="notice">{html.escape(notice)}</p>' if notice else ""


def _none(sentence: str) -> str:
    return f'<p class="none">{html.escape(sentence)}</p>'


def _duration(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _each(parts: Iterable[str]) -> str:
    return "".join(parts)
