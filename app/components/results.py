"""Search results as HTML: a query's summary, picture cards, text rows, and what stands there when there are none.

Notable: as in cards.py, every word that somebody wrote passes `html.escape`.
"""

from __future__ import annotations

import base64
import functools
import html
import io
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr

from algcn.kit.images import open_image
from app.components.cards import card, picture_url, row
from app.kit.limits import MAX_LIMIT
from app.kit.scripts import mount

if TYPE_CHECKING:
    from algcn.bundles.predictor import LabelScore
    from app.search.query import Query
    from app.search.results import Found, SearchResult

SHOWN_QUERY_LENGTH = 160
QUERY_PICTURE_SIDE = 160
KEPT_THUMBNAILS = 32
OFFERED_LABELS = 8

EMPTY = """
<section class="empty">
  <h2>Nothing searched yet</h2>
  <ol class="steps">
    <li><b>Type what you want to see</b> and press Enter, or give a picture: drop it, paste it, or take one. Give both
      and they are mixed.</li>
    <li><b>Pictures and captions both answer</b>, the nearest first: they live in one space, as your query does.</li>
    <li><b>Every result says why.</b> <span class="chip match">dog</span> is a label it shares with your query;
      <span class="beats">beats 99.1 %</span> means it is nearer to your query than 99.1 % of the gallery. Of a
      calibrated model, <span class="chance">86 %</span> is the chance that the two share a label. The small number is
      the cosine it was ranked by: good for ordering, not a probability.</li>
  </ol>
</section>
"""
EMPTY_OF_PICTURES = """
<section class="empty">
  <h2>Nothing searched yet</h2>
  <ol class="steps">
    <li><b>Give a picture</b>: drop it, paste it, or take one. The model names the labels it sees and finds pictures
      like it.</li>
    <li><b>Or name a label</b>, <span class="chip match">sky</span> or <span class="chip match">dog</span>: a label’s
      classifier is a point of the same space as the pictures, so it is a query too. Give both and they are mixed.</li>
    <li><b>Other words are not read.</b> The texts that this model was trained with are bags of tags, and no encoder
      turns a sentence into those. <b>Another model</b> can be chosen at the top.</li>
  </ol>
</section>
"""
UNLINKED = "A picture of your own cannot be linked; the rest of the query can."
SWITCH = """
<div class="switch" role="group" aria-label="Show">
    <button type="button" data-action="view" data-view="pictures">Pictures</button>
    <button type="button" data-action="view" data-view="captions">Captions</button>
  </div>"""
UNLINKABLE = "A picture of your own cannot be linked."


def results_view(**options: object) -> gr.HTML:
    """The place where results appear; what its `select` events hold is checked in app/tabs/search.py."""
    return gr.HTML(EMPTY, js_on_load=mount("results"), elem_id="results", apply_default_css=False, **options)


def render_results(
    result: SearchResult, prefix: str, sizes: tuple[int, int], address: str, *, with_captions: bool = True
) -> str:
    """A whole answer.

    Args:
        result: What the service found.
        prefix: `RetrievalService.pictures`.
        sizes: How many pictures and texts the gallery has.
        address: The query as the end of an address.
        with_captions: Whether the model could find any.
    """
    query = result.query
    captions = f" and {sizes[1]:,} captions" if with_captions else ""
    counts = f"{sizes[0]:,} pictures{captions} ranked in {_duration(result.seconds)}"
    more = result.pictures.more or result.captions.more or any(found.more for found in result.beside or ())
    button = '<button type="button" class="more" data-action="more">Show more</button>'
    return f"""
<section class="answer" data-address="{html.escape(address)}">
  <header class="summary" role="status">
    <div class="query">{_query(query, prefix)}</div>
    {_query_labels(result.query_labels)}
    {_notice(result.notice)}
    <div class="aside"><p class="fine">{counts}</p>{_tools(query)}</div>
    {_filters(result)}
    {_fine(result.remark)}
  </header>
  {SWITCH if with_captions else ""}
  {_columns(result, prefix, with_captions) if result.beside is None else _compared(result, prefix, with_captions)}
  <footer>{button if more else ""}</footer>
</section>"""


def render_error(message: str) -> str:
    """One sentence about what went wrong; whatever was typed and found stays."""
    return f'<p class="notice error" role="alert">{html.escape(message)}</p>'


def render_hint(message: str) -> str:
    """One sentence about what happened."""
    return f'<p class="notice hint" role="status">{html.escape(message)}</p>'


def _columns(result: SearchResult, prefix: str, with_captions: bool) -> str:
    if not with_captions:
        pictures = _section(result, result.pictures, "pictures", "Pictures", prefix)
        return f'<div class="columns alone">{pictures}</div>'
    return f"""<div class="columns">
    {_section(result, result.pictures, "pictures", "Pictures", prefix)}
    {_section(result, result.captions, "captions", "Captions", prefix)}
  </div>"""


def _compared(result: SearchResult, prefix: str, with_captions: bool) -> str:
    """ALGCN left, the encoder alone right, once for pictures and once for captions; a switch shows one of them."""
    uncut = (
        "The encoder alone has no calibrated chances, so the cut-off leaves it whole." if result.query.cutoff else ""
    )
    pairs = zip(("pictures", "captions"), (result.pictures, result.captions), result.beside, strict=True)
    return _each(
        f"""<div class="compared {kind}{"" if with_captions else " alone"}">
    {_section(result, ours, kind, "ALGCN", prefix, "encoder")}
    {_section(result, theirs, kind, "Plain encoder", prefix, "ALGCN", uncut)}
  </div>"""
        for kind, ours, theirs in pairs
        if with_captions or kind == "pictures"
    )


def _section(
    result: SearchResult, found: Found, kind: str, title: str, prefix: str, beside: str | None = None, note: str = ""
) -> str:
    show, shape = (card, "cards") if kind == "pictures" else (row, "rows")
    body = f'<ul class="{shape}">{_each(show(hit, prefix, beside) for hit in found.hits)}</ul>'
    count = f' <span class="count">{found.total:,}</span>' if found.hits else ""
    return f"""<section class="{kind}" aria-label="{title}"><h2>{title}{count}</h2>{_fine(note)}
      {body if found.hits else _nothing(result, found, kind)}</section>"""


def _nothing(result: SearchResult, found: Found, kind: str) -> str:
    """Why there are none, and the way out."""
    query = result.query
    if found.best is not None:
        cut = f"{query.cutoff:g} %"
        if found.cutoff_by == "probability":
            best = f"The best has a {found.best:.0f} % chance of sharing a label with your query; you asked for {cut}."
        else:
            best = f"The best beats {found.best:.1f} % of the gallery; you asked for {cut}."
        back = '<button type="button" class="more" data-action="uncut">Show the nearest anyway</button>'
        return f'<div class="none"><p><b>Nothing here matches.</b> {best}</p>{back}</div>'
    if query.labels:
        rule = {"any": "has any of", "all": "has all of", "none": "is without"}[query.match]
        names = html.escape(", ".join(query.labels))
        back = '<button type="button" class="more" data-action="unlabel">Search everything</button>'
        return f'<div class="none"><p><b>Nothing to search.</b> No picture {rule}: {names}.</p>{back}</div>'
    if kind == "captions":
        return '<p class="none">This gallery has no captions.</p>'
    return '<p class="none">This gallery has no other pictures.</p>'


def _query(query: Query, prefix: str) -> str:
    """What was asked, as the summary shows it."""
    parts = []
    if query.item is not None:
        words = "" if query.is_mixed else "More like this picture"
        parts.append(_asked_picture(picture_url(query.item, prefix), words))
    elif query.picture is not None:
        parts.append(_asked_picture(thumbnail(Path(query.picture)), "" if query.is_mixed else "Your picture"))
    if query.text.strip():
        parts.append(f'<span class="asked">“{html.escape(_short(query.text.strip()))}”</span>')
    if query.is_mixed:
        picture = round(100 * query.weight)
        parts.append(f'<span class="fine">{picture} % picture, {100 - picture} % words</span>')
    if query.without.strip():
        parts.append(f'<span class="away">not “{html.escape(_short(query.without.strip()))}”</span>')
    return _each(parts)


def _asked_picture(source: str, words: str) -> str:
    name = f'<span class="asked">{words}</span>' if words else ""
    return f'<img class="asked-picture" src="{source}" alt="">{name}'


def thumbnail(path: Path) -> str:
    """An uploaded picture as it was decoded, small, as a data URL."""
    status = path.stat()
    return _thumbnail(str(path), status.st_size, status.st_mtime_ns)


@functools.lru_cache(KEPT_THUMBNAILS)
def _thumbnail(path: str, size: int, changed: int) -> str:
    small = open_image(path)
    small.thumbnail((QUERY_PICTURE_SIDE, QUERY_PICTURE_SIDE))
    buffer = io.BytesIO()
    small.save(buffer, format="JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def _query_labels(labels: Sequence[LabelScore]) -> str:
    if not labels:
        return '<p class="recognised">No label of this model stands out in the query.</p>'
    chips = _each(
        f'<li class="chip match" title="{"named in your words" if label.mentioned else "predicted by the model"}; '
        f'cosine {label.score:.3f}">{html.escape(label.name)}<small>{label.score:.2f}</small></li>'
        for label in labels
    )
    return f'<div class="recognised"><span>Labels seen in it</span><ul class="chips">{chips}</ul></div>'


def _filters(result: SearchResult) -> str:
    """The labels that narrow the answer, and those of the results that could."""
    query = result.query
    chosen = {label.casefold() for label in query.labels}
    counts = Counter(label for hit in result.images for label in hit.labels if label.casefold() not in chosen)
    chips = [
        f'<li><button type="button" class="chip match" data-action="label" data-label="{html.escape(label)}" '
        f'aria-label="Without the label {html.escape(label)}">{html.escape(label)} ×</button></li>'
        for label in query.labels
    ]
    words = {"any": "With any of", "all": "With all of", "none": "Without"}[query.match] if query.labels else "Narrow"
    if len(result.images) > 1:
        chips.extend(
            f'<li><button type="button" class="chip" data-action="label" data-label="{html.escape(label)}">'
            f"{html.escape(label)}<small>{count}</small></button></li>"
            for label, count in counts.most_common(OFFERED_LABELS)
            if count < len(result.images)
        )
    if not chips:
        return ""
    return f'<div class="narrow"><span>{words}</span><ul class="chips">{_each(chips)}</ul></div>'


def _tools(query: Query) -> str:
    # Nothing is left of a query by one's own picture alone that a link could hold.
    linkable = query.picture is None or query.is_mixed
    link = '<button type="button" data-action="copy">Copy link</button>' if linkable else ""
    export = (
        f'<button type="button" data-action="export" title="Up to {MAX_LIMIT} pictures and {MAX_LIMIT} captions">'
        "Download CSV</button>"
    )
    note = "" if query.picture is None else UNLINKED if linkable else UNLINKABLE
    return f'<div class="tools">{link}{export}</div>{_fine(note)}'


def _notice(notice: str | None) -> str:
    return f'<p class="notice">{html.escape(notice)}</p>' if notice else ""


def _fine(sentence: str | None) -> str:
    return f'<p class="fine">{html.escape(sentence)}</p>' if sentence else ""


def _short(text: str) -> str:
    return text if len(text) <= SHOWN_QUERY_LENGTH else text[:SHOWN_QUERY_LENGTH].rstrip() + "…"


def _duration(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _each(parts: Iterable[str]) -> str:
    return "".join(parts)
