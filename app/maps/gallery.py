"""Draw every picture and text of a gallery as a point of the common space, and find what is near there.

Points are numbered as on the map: 0 to N - 1 are the pictures, N to N + M - 1 the texts; d is the width of the space.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from algcn.bundles.predictor import LabelPredictor
from algcn.gallery.files import LAYOUT_NAME
from algcn.gallery.layout import gallery_key, point_blocks, points_to_lay_out
from algcn.gallery.projection import DIMENSIONS, MOST_LAID_OUT, Axes, Floats, fit_axes, place
from algcn.gallery.rows import float_blocks, inner_products, typical
from algcn.kit import checks
from app.kit.cache import Cache
from app.kit.theme import GROUP_COLOURS
from app.kit.words import bold
from app.maps.clusters import Cluster, named_clusters
from app.maps.colours import NONE, NOT_IT, OTHER, Colouring, by_folder, by_group, by_label
from app.maps.layouts import Layouts
from app.maps.sample import MOST_DRAWN, drawn_of, shade_trace
from app.maps.traces import (
    FAINT,
    MANY_POINTS,
    figure,
    lines_trace,
    name_over,
    points_trace,
    rings_trace,
    star_trace,
)
from app.search.filters import LabelFilter

if TYPE_CHECKING:
    from algcn.bundles.bundle import Bundle
    from algcn.gallery.store import Gallery
    from app.maps.worker import LayoutWorker
    from app.search.query import QueryPoint
    from app.service import RetrievalService

METHODS = ("umap", "pca")
NEAREST_PICTURES, NEAREST_TEXTS = 8, 6
LINES_OF_EACH = 4
FEWEST_FOR_UMAP = 100
CAPTIONED_POINTS = 10_000  # with more, captions under the pointer would make a figure of megabytes
HOVER_LENGTH = 70
NAME_LENGTH = 40
SMALLER = 0.6  # the points of a sample: the shade is to be seen between them
KEPT = 64  # samples of points to draw, one for each way to colour them, and shades
TOP = 97  # percent of a cluster's points that lie below its name
PICTURES, TEXTS = "pictures", "captions"
SYMBOLS = {PICTURES: "circle", TEXTS: "diamond"}
MODALITY_COLOURS = {PICTURES: GROUP_COLOURS[0], TEXTS: GROUP_COLOURS[1]}


@dataclasses.dataclass(frozen=True)
class GalleryView:
    """What a visitor chose on the map of the gallery."""

    method: str = "umap"
    dimensions: int = 2
    colouring: str = "group"
    label: str = ""  # the one that is told apart by the colouring "label"
    shown: tuple[str, ...] = (PICTURES, TEXTS)


@dataclasses.dataclass(frozen=True)
class Near:
    """A point near another: its number on the map, and the cosine in the common space."""

    point: int
    cosine: float


@dataclasses.dataclass(frozen=True)
class ModalityGap:
    """How far pictures and texts lie apart in the common space.

    Attributes:
        distance: The distance between their two centres.
        spread: The mean distance of a point from the centre of its kind.
    """

    distance: float
    spread: float

    @property
    def falls_apart(self) -> bool:
        """Whether two clouds would be seen, rather than one."""
        return self.distance > self.spread / 2


class GalleryMap:
    """The map of a gallery; several threads may use it.

    Args:
        bundle: The model that made the gallery's embeddings.
        gallery: N pictures and M texts.
        layouts: The layouts, among them that by UMAP.
    """

    def __init__(self, bundle: Bundle, gallery: Gallery, layouts: Layouts) -> None:
        self.gallery = gallery
        self.label_set = bundle.label_set
        self._bundle, self._layouts = bundle, layouts
        self._lock = threading.Lock()
        self._by_pca: tuple[Axes, Floats] | None = None
        self._clusters: dict[str, list[Cluster]] = {}
        self._kept = Cache(KEPT)

    def __len__(self) -> int:
        return len(self.gallery.items) + len(self.gallery.texts)

    @property
    def usual_method(self) -> str:
        """The method for a visitor who chose none: UMAP, but not for few points, where it shows what is not there."""
        return "umap" if len(self) >= FEWEST_FOR_UMAP or self.is_ready("umap") else "pca"

    @property
    def is_sampled(self) -> bool:
        """Whether UMAP lays out a sample only and the others are placed among it."""
        return len(self) > MOST_LAID_OUT

    @cached_property
    def labels(self) -> list[tuple[str, ...]]:
        """The labels of each picture: the gallery's, or what the model predicts where the gallery says nothing."""
        given = [item.labels for item in self.gallery.items]
        unlabelled = [position for position, labels in enumerate(given) if labels is None]
        if unlabelled:
            predictor, guesses = LabelPredictor(self._bundle), []
            for block in float_blocks(self.gallery.image_embeddings[unlabelled]):
                guesses += predictor.of_pictures(block)
            for position, guess in zip(unlabelled, guesses, strict=True):
                given[position] = guess
        return [tuple(labels) for labels in given]

    @cached_property
    def label_columns(self) -> dict[str, NDArray[np.int64]]:
        """The pictures that have each label, the commonest first."""
        columns = LabelFilter(self.labels).columns
        return dict(sorted(columns.items(), key=lambda column: -len(column[1])))

    @cached_property
    def folders(self) -> Colouring:
        """The pictures by folder."""
        return by_folder([item.file_name for item in self.gallery.items])

    @cached_property
    def groups(self) -> Colouring:
        """The pictures by the group of their rarest label."""
        return by_group(self.label_columns, self.label_set, len(self.gallery.items))

    @cached_property
    def colourings(self) -> list[str]:
        """The ways to colour points; one that would give all of them the same colour is left out."""
        useful = {
            "group": len(set(self.groups.names) - {OTHER, NONE}) > 1,
            "label": bool(self.label_columns),
            "modality": True,
            "folder": len(self.folders.names) > 1,
        }
        return [name for name, is_useful in useful.items() if is_useful]

    @cached_property
    def gap(self) -> ModalityGap | None:
        """The modality gap; None where there are no texts."""
        if not self.gallery.texts:
            return None
        kinds = [typical(rows) for rows in (self.gallery.image_embeddings, self.gallery.text_embeddings)]
        centres = [rows.mean(dim=0) for rows in kinds]
        spreads = [torch.linalg.vector_norm(rows - own, dim=1) for rows, own in zip(kinds, centres, strict=True)]
        return ModalityGap(float(torch.linalg.vector_norm(centres[0] - centres[1])), float(torch.cat(spreads).mean()))

    def view(self, method: object, dimensions: object, colouring: object, label: object, shown: object) -> GalleryView:
        """Read what a browser sent as a view; what makes no sense is as if it had not been sent."""
        kinds = tuple(kind for kind in (PICTURES, TEXTS) if isinstance(shown, (list, tuple)) and kind in shown)
        return GalleryView(
            method if method in METHODS else self.usual_method,
            dimensions if checks.is_number(dimensions) and dimensions in DIMENSIONS else 2,
            colouring if colouring in self.colourings else self.colourings[0],
            label if isinstance(label, str) and label in self.label_columns else "",
            kinds or (PICTURES, TEXTS),
        )

    def start(self, method: str) -> None:
        """Start computing the layout where it is not there yet."""
        if method == "umap" and not self.is_ready(method):
            self._layouts.start(self._key, lambda: points_to_lay_out(self.gallery), method)

    def waiting(self, method: str, patience: float = 0.0) -> float | None:
        """Return for how many seconds the layout has been under way; None when it is not.

        Raises:
            InputError: The layout could not be computed.
        """
        return self._layouts.waiting(self._key, patience) if method == "umap" else None

    def is_ready(self, method: str) -> bool:
        """Tell whether a method's picture can be shown at once."""
        return method == "pca" or self._layouts.find(self._key, len(self)) is not None

    def positions(self, method: str, dimensions: int) -> Floats | None:
        """Return where the points are drawn, (N + M) × dimensions; None while that is not computed."""
        if method == "pca":
            return self._pca(dimensions)[1]
        layout = self._layouts.find(self._key, len(self))
        return None if layout is None else layout[dimensions]

    def place(self, embedding: torch.Tensor, method: str, dimensions: int) -> Floats:
        """Return where a point of the common space (1 × d) is drawn: exactly by PCA, else among its nearest points."""
        if method == "pca":
            return self._pca(dimensions)[0].project(embedding.numpy())[0]
        near = [near.point for near in self.nearest(embedding, NEAREST_PICTURES, NEAREST_TEXTS)]
        return place(embedding.numpy(), self.embeddings(near).numpy(), self.positions(method, dimensions)[near])[0]

    def embeddings(self, points: Sequence[int]) -> torch.Tensor:
        """Return points of the common space by their numbers, K × d."""
        return torch.stack([self.embedding(point) for point in points])

    def embedding(self, point: int) -> torch.Tensor:
        """Return a point of the common space by its number, d."""
        count = len(self.gallery.items)
        gallery = self.gallery
        rows = gallery.image_embeddings if point < count else gallery.text_embeddings
        return rows[point if point < count else point - count].float()

    def picture_of(self, point: int) -> int:
        """Return the picture that a point is, or that its text belongs to."""
        count = len(self.gallery.items)
        return point if point < count else int(self.gallery.text_owner[point - count])

    def text_of(self, point: int) -> str:
        """Return the text that a point is, or the first of its picture."""
        count = len(self.gallery.items)
        if point >= count:
            return self.gallery.texts[point - count]
        return next(iter(self.gallery.items[point].texts), "")

    def nearest(
        self,
        embedding: torch.Tensor,
        pictures: int = NEAREST_PICTURES,
        texts: int = NEAREST_TEXTS,
        without: int | None = None,
    ) -> list[Near]:
        """Find the pictures and texts with the highest cosine to a point (1 × d) in all d dimensions.

        Args:
            embedding: The point, L2-normalised.
            pictures: How many pictures, at most; they come first.
            texts: How many texts, at most.
            without: A point that is left out.
        """
        found: list[Near] = []
        start = 0
        for rows, count in ((self.gallery.image_embeddings, pictures), (self.gallery.text_embeddings, texts)):
            cosines = inner_products(rows, embedding[0].float()).clamp(-1, 1)
            if without is not None and start <= without < start + len(rows):
                cosines[without - start] = -2
            values, ids = cosines.topk(min(count + 1, len(rows)))
            near = [Near(start + i, c) for i, c in zip(ids.tolist(), values.tolist(), strict=True) if c > -2]
            found += near[:count]
            start += len(rows)
        return found

    def near_query(self, query: QueryPoint | None) -> list[Near]:
        """Return the points nearest to a query that lines lead to; none if the model sees nothing in the query."""
        if query is None or not query.embedding.any():
            return []
        return self.nearest(query.embedding.float().cpu(), LINES_OF_EACH, LINES_OF_EACH)

    def clusters(self, method: str) -> list[Cluster]:
        """Return the clusters of a method's flat picture, the largest first, named by the labels of their points.

        A caption has the labels of its picture. While the layout is not computed, there are none.
        """
        with self._lock:
            known = self._clusters.get(method)
        positions = self.positions(method, 2)
        if known is not None or positions is None:
            return known or []
        found = named_clusters(positions, self._with_captions())
        with self._lock:
            self._clusters[method] = found
        return found

    def figure(
        self,
        view: GalleryView,
        pictures: str,
        focus: int | None = None,
        query: QueryPoint | None = None,
        marked: Sequence[int] = (),
    ) -> dict[str, Any]:
        """Draw the map; by PCA while the layout by UMAP is not computed.

        Args:
            view: What the visitor chose.
            pictures: The prefix of pictures' addresses.
            focus: A point whose nearest ones are shown.
            query: The visitor's query.
            marked: Points that a search found.
        """
        if self.positions(view.method, view.dimensions) is None:
            view = dataclasses.replace(view, method="pca")
        positions = self.positions(view.method, view.dimensions)
        near_query = self.near_query(query)
        near = [] if focus is None else self.nearest(self.embedding(focus)[None], without=focus)
        named = [*marked, *(one.point for one in (*near_query, *near)), *([] if focus is None else [focus])]
        traces = self._point_traces(view, positions, named)
        if near_query:
            centre = self.place(query.embedding.float().cpu(), view.method, view.dimensions)
            ends = positions[[near.point for near in near_query]]
            traces += [
                lines_trace(centre, ends, dashed=True),
                rings_trace(ends, size=13),
                star_trace(centre, query.words),
            ]
        if len(marked):
            traces.append(rings_trace(positions[list(marked)], size=13))
        if focus is not None:
            ends = positions[[near.point for near in near]]
            traces += [lines_trace(positions[focus], ends), rings_trace(ends, size=13)]
            traces.append(rings_trace(positions[[focus]], size=22))
        keep = f"{view.method} {view.dimensions}"
        flat = view.dimensions == 2
        names = self._cluster_names(view.method, positions) if flat else []
        meta = {"pictures": pictures, "lasso": flat, "tools": True, "thin": True}
        return figure(traces, view.dimensions, keep=keep, annotations=names, **meta)

    def _cluster_names(self, method: str, positions: Floats) -> list[dict[str, Any]]:
        """Write the names of the clusters over them, those of the largest first: the page leaves out what overlaps."""
        names = []
        for cluster in self.clusters(method):
            if cluster.names:
                across, up = positions[cluster.points].T
                place = float(np.median(across)), float(np.percentile(up, TOP))
                names.append(name_over(place, bold(", ".join(cluster.names), NAME_LENGTH)))
        return names

    def drawn(self, view: GalleryView) -> NDArray[np.int64]:
        """Return the points that a view draws, ascending: all of the kinds that are shown, or of many a sample."""
        shown = [self._points_of(kind) for kind in (PICTURES, TEXTS) if kind in view.shown]
        if sum(map(len, shown)) <= MOST_DRAWN:
            return np.concatenate(shown)

        def choose() -> NDArray[np.int64]:
            codes = self._codes(view)
            return np.concatenate(shown)[drawn_of(np.concatenate([codes[points] for points in shown]), MOST_DRAWN)]

        return self._kept.get(("sample", view.colouring, view.label, view.shown), choose)

    def _points_of(self, kind: str) -> NDArray[np.int64]:
        count = len(self.gallery.items)
        return np.arange(count) if kind == PICTURES else np.arange(count, len(self))

    def _codes(self, view: GalleryView) -> NDArray[np.int64]:
        """Return the colour of each point by its number, those of texts apart from those of pictures."""
        by_picture, colours = self._colouring(view)
        return np.concatenate([by_picture, len(colours) + by_picture[self.gallery.text_owner.numpy()]])

    def _point_traces(self, view: GalleryView, positions: Floats, named: Sequence[int]) -> list[dict[str, Any]]:
        """Return a trace for each category and kind; the texts first, so that pictures are on top.

        Where a sample is drawn, so are the points that are `named`, and under it in the plane a shade of all.
        """
        colours, codes, drawn = self._colouring(view).colours, self._codes(view), self.drawn(view)
        many, captioned = len(drawn) > MANY_POINTS, len(self) <= CAPTIONED_POINTS
        traces = []
        thinned = self.is_thinned(view)
        if thinned:
            kinds = [kind for kind in (PICTURES, TEXTS) if kind in view.shown]
            shown = np.concatenate([self._points_of(kind) for kind in kinds])
            drawn = np.union1d(drawn, np.intersect1d(np.array(named, np.int64), shown))
            if view.dimensions == 2:
                shade = self._kept.get(("shade", view.method, view.shown), lambda: shade_trace(positions[shown]))
                traces.append(shade)
        for kind in (TEXTS, PICTURES):
            for number, (name, colour) in enumerate(colours.items()):
                code = number if kind == PICTURES else len(colours) + number
                members = drawn[codes[drawn] == code].tolist()
                if not members:
                    continue
                hover = None
                if kind == TEXTS and captioned:
                    hover = [self.text_of(point)[: HOVER_LENGTH + 1] for point in members]
                traces.append(
                    points_trace(
                        positions[members],
                        members,
                        name=kind if view.colouring == "modality" else name,
                        colour=MODALITY_COLOURS[kind] if view.colouring == "modality" else colour,
                        symbol=SYMBOLS[kind],
                        size=(7 if kind == PICTURES else 5) * (SMALLER if thinned else 1),
                        opacity=0.35 if name == NOT_IT else 0.85 if kind == PICTURES else 0.6,
                        hover=hover,
                        pictures=kind == PICTURES,
                        legend=kind == PICTURES or PICTURES not in view.shown or view.colouring == "modality",
                        group=kind if view.colouring == "modality" else name,
                        many=many,
                    )
                )
        return traces

    def is_thinned(self, view: GalleryView) -> bool:
        """Whether a view draws a sample of its points."""
        return sum(len(self._points_of(kind)) for kind in view.shown) > MOST_DRAWN

    def _colouring(self, view: GalleryView) -> Colouring:
        if view.colouring == "label":
            return by_label(self.label_columns.get(view.label), len(self.gallery.items))
        if view.colouring == "modality":
            return Colouring(np.zeros(len(self.gallery.items), np.int64), {PICTURES: FAINT})
        return self.folders if view.colouring == "folder" else self.groups

    def _with_captions(self) -> dict[str, NDArray[np.int64]]:
        """Return the points that have each label: a caption has those of its picture."""
        count, owners = len(self.gallery.items), self.gallery.text_owner.numpy()
        found = {}
        for label, pictures in self.label_columns.items():
            has = np.zeros(count, np.bool_)
            has[pictures] = True
            found[label] = np.concatenate([pictures, count + np.flatnonzero(has[owners])])
        return found

    @cached_property
    def _key(self) -> str:
        return gallery_key(self.gallery, self._bundle)

    def _pca(self, dimensions: int) -> tuple[Axes, Floats]:
        with self._lock:
            if self._by_pca is None:
                step = 1 + len(self) // MOST_LAID_OUT
                axes = fit_axes(
                    np.concatenate([block[::step] for block in point_blocks(self.gallery)]), max(DIMENSIONS)
                )
                self._by_pca = axes, np.concatenate([axes.project(block) for block in point_blocks(self.gallery)])
            axes, positions = self._by_pca
        return axes.first(dimensions), positions[:, :dimensions]


def gallery_map_of(service: RetrievalService, cache: Path, worker: LayoutWorker, *, keep: bool = True) -> GalleryMap:
    """Make the map of a service, once; the service keeps it.

    Args:
        service: Its bundle and its gallery.
        cache: The cache folder.
        worker: Computes t-SNE and UMAP.
        keep: Whether the layout is kept in the cache folder.
    """

    def make() -> GalleryMap:
        layouts = Layouts(cache, worker, keep=keep, shipped=service.gallery.root / LAYOUT_NAME)
        return GalleryMap(service.bundle, service.gallery, layouts)

    return service.cache.get(("gallery_map", cache, keep), make)
