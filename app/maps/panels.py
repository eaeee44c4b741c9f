"""What stands beside the maps, as HTML: neighbours of a classifier, chosen points, what a picture says."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from algcn.gallery.projection import MOST_LAID_OUT
from app.kit.templates import render
from app.maps.classifiers import SHOWN_NEIGHBOURS

if TYPE_CHECKING:
    from app.maps.classifiers import ClassifierMap, ClassifierView, Variant
    from app.maps.gallery import GalleryMap, GalleryView
    from app.search.query import QueryPoint
    from app.search.results import SearchResult

PAGE = 24
COMMON_LABELS = 3
METHOD_NAMES = {"pca": "PCA", "tsne": "t-SNE", "umap": "UMAP"}


@dataclasses.dataclass(frozen=True)
class Point:
    """A point of the gallery map as a card shows it.

    Attributes:
        number: As on the map.
        item: The picture, or the one that the text belongs to.
        is_text: It is a text.
        text: Its own, or the file's name where it has none.
        file: The picture's name.
        labels: The picture's.
        cosine: With the chosen point; None where none is chosen.
    """

    number: int
    item: int
    is_text: bool
    text: str
    file: str
    labels: Sequence[str]
    cosine: float | None


def silhouette_line(values: tuple[float | None, float | None]) -> str:
    """The silhouettes of a picture's groups, and what they mean."""
    in_space, in_picture = values
    return render("maps/silhouette.html", in_space=in_space, in_picture=in_picture)


def classifier_legend(found: ClassifierMap, group: int | None) -> str:
    """The colours of the groups, for all pictures at once; empty where there is one group only."""
    return render("maps/legend.html", colours=found.colours, group=group) if len(found.colours) > 1 else ""


def classifier_panel(found: ClassifierMap, variant: Variant, view: ClassifierView, query: QueryPoint | None) -> str:
    """The neighbours of the chosen label and of the query, by one variant."""
    near, best, near_query = [], 0.0, []
    if view.label is not None:
        near = found.neighbours(variant, view.label, SHOWN_NEIGHBOURS, view.epoch)
    if near:
        best = max(found.neighbours(other, view.label, 1, view.epoch)[0].cosine for other in found.variants)
    shows_query = query is not None and found.shows_query(variant, view)
    if shows_query:
        near_query = found.query_neighbours(variant, query)
    return render(
        "maps/neighbours.html",
        names=found.label_set.names,
        groups=found.groups,
        colours=found.colours,
        width=variant.classifiers.shape[1],
        label=view.label,
        near=near,
        best=best,
        query=_short(query.words) if shows_query else None,
        near_query=near_query,
    )


def method_note(method: str, *, placed: bool = False) -> str:
    """What a method's pictures are worth, and how a query got there."""
    return render("maps/method.html", method=method, name=METHOD_NAMES[method], placed=placed)


def waiting_note(method: str, seconds: float) -> str:
    """That a picture is being computed."""
    return render("maps/waiting.html", name=METHOD_NAMES[method], seconds=seconds)


def problem_note(sentence: str) -> str:
    """What went wrong, in one sentence."""
    return render("components/notice.html", kind="error", sentence=sentence)


def gallery_note(found: GalleryMap, view: GalleryView, query: QueryPoint | None) -> str:
    """What the map shows, in numbers and with its limits."""
    return render(
        "maps/gallery_note.html",
        method=view.method,
        name=METHOD_NAMES[view.method],
        placed=query is not None,
        is_sampled=view.method == "umap" and found.is_sampled,
        most=MOST_LAID_OUT,
        count=len(found),
        is_thinned=found.is_thinned(view),
        flat=view.dimensions == 2,
        drawn=len(found.drawn(view)),
        gap=found.gap,
        by_group=view.colouring == "group",
        is_lost=query is not None and not found.near_query(query),
    )


def nothing_chosen(width: int) -> str:
    """What can be done with the map of a gallery; `width` is that of the common space."""
    return render("maps/nothing_chosen.html", width=width)


def focus_panel(found: GalleryMap, point: int, pictures: str) -> str:
    """A chosen point, and what is nearest to it.

    Args:
        found: The map.
        point: A picture or a text.
        pictures: The prefix of pictures' addresses.
    """
    near = [_point(found, hit.point, hit.cosine) for hit in found.nearest(found.embedding(point)[None], without=point)]
    return render(
        "maps/focus.html",
        chosen=_point(found, point),
        near_pictures=[other for other in near if not other.is_text],
        near_captions=[other for other in near if other.is_text],
        pictures=pictures,
    )


def found_panel(found: GalleryMap, words: str, result: SearchResult, pictures: str) -> str:
    """The pictures that a search on the map found.

    Args:
        found: The map.
        words: What was asked.
        result: The answer.
        pictures: The prefix of pictures' addresses.
    """
    points = [_point(found, hit.item) for hit in result.images]
    return render("maps/found.html", words=_short(words), points=points, notice=result.notice, pictures=pictures)


def selection_panel(found: GalleryMap, points: Sequence[int], shown: int, pictures: str) -> str:
    """What a lasso caught, page by page."""
    count = len(found.gallery.items)
    inside = sum(point < count for point in points)
    return render(
        "maps/selection.html",
        points=[_point(found, point) for point in points[:shown]],
        inside=inside,
        outside=len(points) - inside,
        common=_common_labels(found, points),
        more=min(len(points) - shown, PAGE),
        pictures=pictures,
    )


def _common_labels(found: GalleryMap, points: Sequence[int]) -> list[tuple[str, float]]:
    """The labels that most of a selection have, and how many percent of it."""
    counts = Counter(label for point in points for label in found.labels[found.picture_of(point)])
    best = sorted(counts, key=lambda label: (-counts[label], label))[:COMMON_LABELS]
    return [(label, 100 * counts[label] / len(points)) for label in best]


def _point(found: GalleryMap, number: int, cosine: float | None = None) -> Point:
    item = found.picture_of(number)
    file = found.gallery.items[item].file_name
    is_text = number >= len(found.gallery.items)
    return Point(number, item, is_text, found.text_of(number) or file, file, found.labels[item], cosine)


def _short(words: str, limit: int = 60) -> str:
    return words if len(words) <= limit else words[:limit].rstrip() + "…"
