"""What stands beside the maps, as HTML: neighbours of a classifier, chosen pictures and captions, what a picture says.

Notable: every word of a gallery, a bundle or a visitor passes `html.escape`.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING

from algcn.gallery.projection import MOST_LAID_OUT
from app.maps.classifiers import SHOWN_NEIGHBOURS

if TYPE_CHECKING:
    from app.maps.classifiers import ClassifierMap, ClassifierView, Neighbour, Variant
    from app.maps.gallery import GalleryMap, GalleryView, Near
    from app.search.query import QueryPoint

PAGE = 24
LABELS_ON_CARD = 3
METHOD_NAMES = {"pca": "PCA", "tsne": "t-SNE", "umap": "UMAP"}
METHOD_NOTES = {
    "pca": "PCA is a straight projection: far apart here is far apart there, but near here may still be far.",
    "tsne": "t-SNE keeps neighbours together; sizes of clusters and the distances between them mean nothing.",
    "umap": "UMAP keeps neighbours together; distances between far groups mean little.",
}
PLACED_NOTE = "Your query is placed among its nearest points: {method} has no formula for new ones."
CLASSIFIERS_EMPTY = (
    '<p class="map-hint">Click a label to see its true neighbours: those of all {width:,} dimensions, not those of the '
    "picture.</p>"
)
GALLERY_EMPTY = """
<section class="map-empty">
  <h3>Nothing chosen yet</h3>
  <p><b>Click a point</b> to see it with the pictures and captions nearest to it in all {width:,} dimensions.</p>
  <p><b>Draw around points</b> with the lasso to see all that lie there. It works in 2D.</p>
  <p><b>Search for something</b>, and your query is a star on this map.</p>
</section>"""


def silhouette_line(values: tuple[float | None, float | None]) -> str:
    """The silhouettes of a picture's groups, and what they mean."""
    true, drawn = values
    if true is None:
        return '<p class="map-fact">These labels have no groups to compare, so there is no silhouette.</p>'
    picture = f'<span class="map-quiet">, {_signed(drawn)} in this picture</span>' if drawn is not None else ""
    return (
        f'<p class="map-fact">Silhouette of the groups <b>{_signed(true)}</b> in the common space{picture}. '
        f'<span class="map-quiet">{_silhouette_words(true)}</span></p>'
    )


def _silhouette_words(value: float) -> str:
    if value > 0.25:
        return "Labels lie clearly nearer to their own group than to any other (1 would be perfect)."
    if value > 0.05:
        return "Labels lie a little nearer to their own group than to the next (1 would be perfect)."
    if value >= -0.05:
        return "About 0: labels are as near to the next group as to their own (1 would be perfect)."
    return "Below 0: labels lie nearer to another group than to their own."


def classifier_panel(found: ClassifierMap, variant: Variant, view: ClassifierView, query: QueryPoint | None) -> str:
    """The neighbours of the chosen label and of the query, by one variant."""
    parts = []
    if view.label is not None:
        name = html.escape(found.label_set.names[view.label])
        near = found.neighbours(variant, view.label, SHOWN_NEIGHBOURS, view.epoch)
        best = (
            max(found.neighbours(other, view.label, 1, view.epoch)[0].cosine for other in found.variants) if near else 0
        )
        parts.append(f"<h3>Nearest to <em>{name}</em></h3>{_neighbour_list(found, near, best)}")
    else:
        parts.append(CLASSIFIERS_EMPTY.format(width=variant.classifiers.shape[1]))
    if query is not None and found.shows_query(variant, view):
        near = found.query_neighbours(variant, query)
        title = f"<h3>Nearest to your query <em>{_words(query.words)}</em></h3>"
        best = near[0].cosine if near else 0
        parts.append(
            title + (_neighbour_list(found, near, best) or '<p class="map-hint">This model sees nothing in it.</p>')
        )
    return "".join(f'<section class="neighbours">{part}</section>' for part in parts)


def _neighbour_list(found: ClassifierMap, near: Sequence[Neighbour], best: float) -> str:
    """Labels with their cosines; a full bar is the best cosine of all lists that are compared."""
    if not near:
        return ""
    rows = "".join(
        f'<li><button type="button" data-action="label" data-id="{neighbour.label}">'
        f'<i style="background:{found.colours[found.groups[neighbour.label]]}"></i>'
        f'<span class="name">{html.escape(found.label_set.names[neighbour.label])}</span>'
        f'<span class="map-quiet">{html.escape(found.groups[neighbour.label])}</span>'
        f'<span class="bar"><b style="width:{100 * max(0.0, neighbour.cosine) / max(best, 1e-6):.0f}%"></b></span>'
        f"<span class='cosine'>{_signed(neighbour.cosine)}</span></button></li>"
        for neighbour in near
    )
    return f'<ol title="cosine in the common space">{rows}</ol>'


def method_note(method: str, *, placed: bool = False) -> str:
    """What a method's pictures are worth, and how a query got there."""
    note = METHOD_NOTES[method]
    if placed and method != "pca":
        note += " " + PLACED_NOTE.format(method=METHOD_NAMES[method])
    return f'<p class="map-quiet">{note}</p>'


def waiting_note(method: str, seconds: float) -> str:
    """That a picture is being computed."""
    return (
        f'<p class="map-busy" role="status"><span>{METHOD_NAMES[method]} is being computed, {seconds:.0f} s so far; '
        f"PCA is shown meanwhile. The first one takes longest: {METHOD_NAMES[method]} has to be loaded.</span></p>"
    )


def problem_note(sentence: str) -> str:
    """What went wrong, in one sentence."""
    return f'<p class="notice error" role="alert">{html.escape(sentence)}</p>'


def gallery_note(found: GalleryMap, view: GalleryView, query: QueryPoint | None) -> str:
    """What the map shows, in numbers and with its limits."""
    lines = [method_note(view.method, placed=query is not None)]
    if view.method == "umap" and found.is_sampled:
        lines.append(
            f"<p>UMAP laid out a random {MOST_LAID_OUT:,} of {len(found):,} points; the others stand among their "
            "nearest.</p>"
        )
    gap = found.gap
    if gap is not None:
        verdict = (
            "two clouds rather than one: compare pictures with pictures and captions with captions"
            if gap.falls_apart
            else "they share one cloud"
        )
        lines.append(
            f"<p>Modality gap <b>{gap.distance:.2f}</b> between the centres of pictures and captions; a point is "
            f"{gap.spread:.2f} from the centre of its kind on average, so {verdict}.</p>"
        )
    if view.colouring == "group":
        lines.append('<p class="map-quiet">A point has the colour of its rarest label’s group.</p>')
    if query is not None and not found.near_query(query):
        lines.append("<p>ALGCN sees nothing it knows in your query, so it is not on the map.</p>")
    return "".join(lines)


def focus_panel(found: GalleryMap, point: int, pictures: str) -> str:
    """A chosen point, and what is nearest to it.

    Args:
        found: The map.
        point: A picture or a text.
        pictures: The prefix of pictures' addresses.
    """
    near = found.nearest(found.embedding(point)[None], without=point)
    count = len(found.gallery.items)
    kind = "caption" if point >= count else "picture"
    return (
        f'<section class="map-focus">{_large_card(found, point, pictures, kind)}</section>'
        + _section("Nearest pictures", [hit for hit in near if hit.point < count], found, pictures)
        + _section("Nearest captions", [hit for hit in near if hit.point >= count], found, pictures)
    )


def selection_panel(found: GalleryMap, points: Sequence[int], shown: int, pictures: str) -> str:
    """What a lasso caught, page by page."""
    if not points:
        return '<section class="map-empty"><p>There is no point inside: draw around some.</p></section>'
    count = len(found.gallery.items)
    inside = sum(point < count for point in points)
    kinds = [_count(inside, "picture"), _count(len(points) - inside, "caption")]
    cards = "".join(_card(found, point, None, pictures) for point in points[:shown])
    rest = len(points) - shown
    more = f'<button type="button" class="map-more" data-action="more" data-id="0">Show {min(rest, PAGE)} more</button>'
    return (
        f'<section class="selection"><header><h3>Inside the lasso</h3><p class="map-quiet">{" and ".join(kinds)}'
        f"{_common_labels(found, points)}</p></header>"
        f'<ul class="map-cards">{cards}</ul>{more if rest > 0 else ""}</section>'
    )


def _common_labels(found: GalleryMap, points: Sequence[int]) -> str:
    """The labels that most of a selection have."""
    counts: dict[str, int] = {}
    for point in points:
        for label in found.labels[found.picture_of(point)]:
            counts[label] = counts.get(label, 0) + 1
    best = sorted(counts, key=lambda label: (-counts[label], label))[:LABELS_ON_CARD]
    words = ", ".join(f"{html.escape(label)} {100 * counts[label] / len(points):.0f}\u00a0%" for label in best)
    return f"; {words}" if words else ""


def _section(title: str, near: Sequence[Near], found: GalleryMap, pictures: str) -> str:
    if not near:
        return ""
    cards = "".join(_card(found, hit.point, hit.cosine, pictures) for hit in near)
    return (
        f'<section><h3>{title} <small title="cosine in the common space">by cosine, in all dimensions</small></h3>'
        f'<ul class="map-cards">{cards}</ul></section>'
    )


def _large_card(found: GalleryMap, point: int, pictures: str, kind: str) -> str:
    item = found.picture_of(point)
    text = html.escape(found.text_of(point) or found.gallery.items[item].file_name)
    chips = "".join(f'<span class="chip">{html.escape(label)}</span>' for label in found.labels[item])
    return (
        f'<img src="{pictures}/card/{item:d}" alt="{text if kind == "picture" else ""}">'
        f'<div><h3>Chosen {kind}</h3><p>{text}</p><p class="chips">{chips}</p>'
        f'<p class="map-quiet">{html.escape(found.gallery.items[item].file_name)}</p></div>'
    )


def _card(found: GalleryMap, point: int, cosine: float | None, pictures: str) -> str:
    item = found.picture_of(point)
    text = html.escape(found.text_of(point) or found.gallery.items[item].file_name)
    is_text = point >= len(found.gallery.items)
    labels = found.labels[item]
    chips = "".join(f'<span class="chip">{html.escape(label)}</span>' for label in labels[:LABELS_ON_CARD])
    score = f'<span class="cosine">{cosine:.3f}</span>' if cosine is not None else ""
    return (
        f'<li><button type="button" class="map-card{" is-text" if is_text else ""}" data-action="focus" '
        f'data-id="{point:d}" title="{"caption" if is_text else "picture"}: show what is nearest">'
        f'<img src="{pictures}/card/{item:d}" alt="" loading="lazy" decoding="async">'
        f'<span class="map-caption">{text}</span><span class="chips">{chips}</span>{score}</button></li>'
    )


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"


def _words(words: str, limit: int = 60) -> str:
    return html.escape(words if len(words) <= limit else words[:limit].rstrip() + "…")


def _signed(value: float) -> str:
    """Two digits, with a minus of its proper width and no minus for nothing."""
    text = f"{value:.2f}"
    return "0.00" if text == "-0.00" else text.replace("-", "−")
