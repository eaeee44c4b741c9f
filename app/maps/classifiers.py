"""Draw the classifiers of the labels as points, and find their neighbours in all d dimensions.

L is the number of labels, d the width of the common space, E the number of epochs that a bundle remembers.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn import functional

from algcn.gallery.projection import DIMENSIONS, METHODS, Axes, Floats, fit_axes, neighbours, place, silhouette
from algcn.kit import checks
from algcn.kit.errors import InputError
from app.kit.theme import group_colours
from app.kit.words import bold, plain
from app.maps.layouts import Layouts
from app.maps.names import Offset, place_names
from app.maps.traces import (
    extent,
    figure,
    first_sight,
    lines_trace,
    name_beside,
    own_trace,
    points_trace,
    rings_trace,
    star_trace,
)

if TYPE_CHECKING:
    from algcn.bundles.bundle import Bundle
    from algcn.gallery.store import Gallery
    from algcn.method.model import ALGCN
    from algcn.method.new_label import NewLabel
    from app.maps.worker import LayoutWorker
    from app.search.query import QueryPoint
    from app.service import RetrievalService

SHOWN_NEIGHBOURS, QUERY_NEIGHBOURS = 8, 5
IN_SPACE = (230.0, 230.0)  # how large points in 3D are drawn, in pixels: names have less room there
NO_GROUP = "no group"


@dataclasses.dataclass(frozen=True)
class ClassifierView:
    """What a visitor chose on the map of classifiers; `label`, `epoch` and `group` are positions or None."""

    method: str = "pca"
    dimensions: int = 2
    label: int | None = None
    epoch: int | None = None
    group: int | None = None  # of the legend; the others are faint


@dataclasses.dataclass(frozen=True)
class Neighbour:
    """A classifier near another point: the label's position, and the cosine in the common space."""

    label: int
    cosine: float


@dataclasses.dataclass(eq=False)
class Variant:
    """A trained model that the map can show: the bundle's, that of mode paper, or the same without a graph convolution.

    Attributes:
        key: "plus" of a model of that mode; of mode paper "with_gcn" or "without_gcn".
        classifiers: The classifiers, L × d.
        history: The classifiers after every epoch, E × L × d, or None.
        kept: The epoch whose classifiers are the model's; None without a history.
    """

    key: str
    model: ALGCN
    classifiers: Floats
    history: torch.Tensor | None = None
    kept: int | None = None

    @classmethod
    def of(cls, model: ALGCN, history: torch.Tensor | None = None, *, is_plus: bool = False) -> Variant:
        """Return a model and its history, if that fits it."""
        with torch.inference_mode():
            classifiers = model.classifiers().detach().float().cpu().clone()
        key = "plus" if is_plus else "with_gcn" if model.config.use_gcn else "without_gcn"
        if history is None or history.ndim != 3 or not len(history) or history.shape[1:] != classifiers.shape:
            return cls(key, model, classifiers.numpy())
        # It is stored in half precision, so the epoch that was kept is the nearest and not an equal one. A few of the
        # columns tell.
        few = slice(None, None, 1 + classifiers.shape[1] // 64)
        kept = (history[:, :, few].float() - classifiers[:, few]).abs().mean(dim=(1, 2)).argmin()
        return cls(key, model, classifiers.numpy(), history, int(kept))

    def at(self, epoch: int | None) -> Floats:
        """Return the classifiers after an epoch; the model's at the epoch that was kept, and without a history."""
        if self.history is None or epoch is None or epoch == self.kept:
            return self.classifiers
        return self.history[epoch].float().numpy()

    def embed(self, query: QueryPoint) -> Floats:
        """Embed a query in this model's common space, 1 × d."""
        embed = self.model.embed_image if query.modality == "image" else self.model.embed_text
        with torch.inference_mode():
            return functional.normalize(embed(query.features.float()), dim=1).cpu().numpy()


class ClassifierMap:
    """The map of a bundle's classifiers; several threads may use it.

    Args:
        bundle: The model, that of mode paper beside it and the one without the graph if the bundle has them.
        gallery: The gallery whose common labels are named first where there is no room for all.
        layouts: The layouts by t-SNE and UMAP.
        own: Labels that the visitor made beside the model's.
    """

    def __init__(self, bundle: Bundle, gallery: Gallery, layouts: Layouts, own: Sequence[NewLabel] = ()) -> None:
        self.own = own
        self.label_set = bundle.label_set
        self.groups = [group or NO_GROUP for group in bundle.label_set.groups]
        self.colours = group_colours(self.groups)
        self._layouts = layouts
        history = (bundle.history or {}).get("classifiers")
        paper, training = bundle.paper_model, bundle.training
        is_plus = paper is not bundle.model or (training is not None and training.mode == "plus")
        # The history is that of mode paper; the first variant is the model that answers.
        self.variants = [Variant.of(bundle.model, is_plus=True)] if is_plus else []
        if not is_plus or paper is not bundle.model:
            self.variants.append(Variant.of(paper, history))
        other = without_gcn(bundle)
        if other is not None and paper.config.use_gcn:
            self.variants.append(Variant.of(other))
        names = {name.casefold(): number for number, name in enumerate(bundle.label_set.names)}
        found = (names.get(label.casefold()) for item in gallery.items for label in item.labels or ())
        self.support = Counter(number for number in found if number is not None)
        self._axes: dict[tuple[str, int], Axes] = {}
        self._reach: dict[tuple[str, int], list[tuple[float, float]]] = {}

    @property
    def epochs(self) -> int:
        """How many epochs can be shown; 0 or 1 means that there is nothing to choose."""
        return max(0 if variant.history is None else len(variant.history) for variant in self.variants)

    @property
    def kept(self) -> int:
        """The epoch that is shown first, whose classifiers are a model's; 0 where there is nothing to choose."""
        return max(variant.kept or 0 for variant in self.variants)

    @cached_property
    def by_support(self) -> list[int]:
        """The labels, those of most pictures first."""
        return sorted(range(len(self.groups)), key=lambda label: (-self.support[label], label))

    def find_label(self, name: object) -> int | None:
        """Return the position of a label by the name that a browser sent; None if there is none."""
        if not isinstance(name, str) or not name.strip():
            return None
        try:
            return self.label_set.index(name)
        except InputError:
            return None

    def view(
        self,
        method: object,
        dimensions: object,
        label: object = None,
        epoch: object = None,
        group: object = None,
    ) -> ClassifierView:
        """Read what a browser sent as a view; what makes no sense is as if it had not been sent."""
        whole = checks.is_number(epoch) and 0 <= epoch < self.epochs
        return ClassifierView(
            method if method in METHODS else "pca",
            dimensions if checks.is_number(dimensions) and dimensions in DIMENSIONS else 2,
            self.find_label(label),
            int(epoch) if whole and method == "pca" and epoch == int(epoch) else None,
            group if checks.is_whole(group) and 0 <= group < len(self.colours) else None,
        )

    def start(self, method: str) -> None:
        """Start computing a method's pictures where they are not there yet."""
        if method != "pca":
            for variant in self.variants:
                if self._layouts.find(_key(variant, method), len(variant.classifiers)) is None:
                    self._layouts.start(_key(variant, method), lambda variant=variant: variant.classifiers, method)

    def waiting(self, method: str, patience: float = 0.0) -> float | None:
        """Return for how many seconds a method's pictures have been under way; None when none is.

        Raises:
            InputError: The pictures could not be computed.
        """
        if method == "pca":
            return None
        for variant in self.variants:
            seconds = self._layouts.waiting(_key(variant, method), patience)
            if seconds is not None:
                return seconds
        return None

    def is_ready(self, method: str) -> bool:
        """Tell whether the pictures of a method can be shown at once."""
        return all(self.positions(variant, ClassifierView(method)) is not None for variant in self.variants)

    def positions(self, variant: Variant, view: ClassifierView) -> Floats | None:
        """Return where the classifiers are drawn, L × dimensions; None while that is not computed.

        By PCA all epochs are drawn along the principal axes of the classifiers that were kept.
        """
        if view.method == "pca":
            return self.axes(variant, view.dimensions).project(variant.at(view.epoch))
        layout = self._layouts.find(_key(variant, view.method), len(variant.classifiers))
        return None if layout is None else layout[view.dimensions]

    def axes(self, variant: Variant, dimensions: int) -> Axes:
        """Return the principal axes of a variant's classifiers."""
        key = variant.key, dimensions
        if key not in self._axes:
            self._axes[key] = fit_axes(variant.classifiers, dimensions)
        return self._axes[key]

    def silhouettes(self, variant: Variant, view: ClassifierView) -> tuple[float | None, float | None]:
        """Measure how well the groups hold together, from -1 to 1: by cosine in the common space, and as drawn."""
        positions = self.positions(variant, view)
        picture = None if positions is None else silhouette(positions, self.groups, "euclidean")
        return silhouette(variant.at(view.epoch), self.groups), picture

    def neighbours(self, variant: Variant, label: int, limit: int, epoch: int | None = None) -> list[Neighbour]:
        """Return the classifiers nearest to that of a label by cosine in all d dimensions, itself left out."""
        classifiers = variant.at(epoch)
        cosines, ids = neighbours(classifiers, classifiers[label : label + 1], limit + 1)
        found = [Neighbour(int(i), float(c)) for i, c in zip(ids[0], cosines[0], strict=True) if i != label]
        return found[:limit]

    def query_neighbours(self, variant: Variant, query: QueryPoint, limit: int = QUERY_NEIGHBOURS) -> list[Neighbour]:
        """Return the classifiers nearest to a query; none if the model sees nothing in it."""
        point = self._embed(variant, query)
        if not point.any():
            return []
        cosines, ids = neighbours(variant.classifiers, point, limit)
        return [Neighbour(int(i), float(c)) for i, c in zip(ids[0], cosines[0], strict=True)]

    def _embed(self, variant: Variant, query: QueryPoint) -> Floats:
        """Embed a query in a variant's common space; one of labels alone is embedded in the bundle's only."""
        if query.features.any():
            return variant.embed(query)
        point = query.embedding.float().cpu().numpy()
        return point if variant is self.variants[0] else np.zeros_like(point)

    def figure(self, variant: Variant, view: ClassifierView, query: QueryPoint | None = None) -> dict[str, Any]:
        """Draw the picture of a variant; by PCA while that of another method is not computed."""
        positions = self.positions(variant, view)
        if positions is None:
            view = dataclasses.replace(view, method="pca", epoch=None)
            positions = self.positions(variant, view)
        ranges = self._ranges(variant, view, positions)
        near = [] if view.label is None else self.neighbours(variant, view.label, SHOWN_NEIGHBOURS, view.epoch)
        chosen = [] if view.label is None else [view.label, *(neighbour.label for neighbour in near)]
        traces: list[dict[str, Any]] = []
        if near:
            traces.append(lines_trace(positions[view.label], positions[chosen[1:]]))
        star = self._query_position(variant, view, query, positions)
        if star is not None:
            ends = positions[[neighbour.label for neighbour in self.query_neighbours(variant, query)]]
            traces.append(lines_trace(star, ends, dashed=True))
        own = np.zeros((0, view.dimensions))
        if self.own and variant is self.variants[0] and self.shows_query(variant, view):
            own = self._place(variant, view, torch.stack([label.vector for label in self.own]).numpy(), positions)
        drawn = np.concatenate([positions, own])
        texts, sides, offsets = self._names(view, drawn, ranges, chosen, star)
        for number, (group, colour) in enumerate(self.colours.items()):
            members = [label for label, name in enumerate(self.groups) if name == group]
            traces.append(
                points_trace(
                    positions[members],
                    members,
                    name=group,
                    colour=colour,
                    size=10,
                    opacity=0.92,
                    hover=[self._hover(label) for label in members],
                    names=[texts[label] for label in members],
                    sides=[sides[label] for label in members],
                    faint=view.group not in (None, number),
                )
            )
        if view.label is not None:
            traces.append(rings_trace(positions[[view.label]], size=20))
        if star is not None:
            traces.append(star_trace(star, query.words))
        if len(own):
            traces.append(own_trace(own, [label.name for label in self.own], sides[len(positions) :]))
        keep = f"{variant.key} {view.method} {view.dimensions}"
        beside = [name_beside(drawn[label], self._bold(label), offset) for label, offset in offsets.items()]
        return figure(traces, view.dimensions, keep=keep, ranges=ranges, annotations=beside)

    def _query_position(
        self, variant: Variant, view: ClassifierView, query: QueryPoint | None, positions: Floats
    ) -> Floats | None:
        """Return where the query is drawn; None where there is none, or nothing in it, or another epoch is shown."""
        if query is None or not self.shows_query(variant, view):
            return None
        point = self._embed(variant, query)
        if not point.any():
            return None
        return self._place(variant, view, point, positions)[0]

    def _place(self, variant: Variant, view: ClassifierView, points: Floats, positions: Floats) -> Floats:
        """Return where points of the common space, N × d, are among the classifiers as drawn, N × dimensions."""
        if view.method == "pca":
            return self.axes(variant, view.dimensions).project(points)
        return place(points, variant.classifiers, positions)

    @staticmethod
    def shows_query(variant: Variant, view: ClassifierView) -> bool:
        """Tell whether the classifiers shown are those that queries are compared with."""
        return view.epoch is None or view.epoch == variant.kept or variant.history is None

    def _ranges(self, variant: Variant, view: ClassifierView, positions: Floats) -> list[tuple[float, float]]:
        """Return what the picture shows; by PCA the same at every epoch, so that classifiers are seen to move."""
        if view.method == "pca" and variant.history is not None:
            key = variant.key, view.dimensions
            if key not in self._reach:
                axes = self.axes(variant, view.dimensions)
                epochs = (axes.project(variant.at(epoch)) for epoch in range(len(variant.history)))
                self._reach[key] = extent(*epochs)
            return self._reach[key]
        return extent(positions)

    def _names(
        self,
        view: ClassifierView,
        positions: Floats,
        ranges: list[tuple[float, float]],
        chosen: list[int],
        star: Floats | None,
    ) -> tuple[list[str], list[str], dict[int, Offset]]:
        """Return the text beside each point, "" where there is no room, and where it stands; and what is led away.

        The points are those of the classifiers, then of the visitor's own labels as far as they are drawn. The chosen
        label and its nearest are always named: where there is no room beside them, away from them with a line.
        """
        count = len(self.label_set)
        order = list(dict.fromkeys([*chosen, *range(count, len(positions)), *self.by_support]))
        names = [*self.label_set.names, *(label.name for label in self.own)][: len(positions)]
        if view.dimensions == 2:
            places = place_names(positions, names, order, ranges, star=star, must=chosen)
        else:  # as it is seen before anybody turns it
            seen = first_sight(positions)
            behind = None if star is None else first_sight(star[None])[0]
            places = place_names(seen, names, order, extent(seen), IN_SPACE, star=behind, must=chosen)
        sides = [place if isinstance(place, str) else "" for place in places]
        texts = [plain(name, 32) if side else "" for name, side in zip(names, sides, strict=True)]
        texts = [self._bold(label) if text and label in chosen else text for label, text in enumerate(texts)]
        offsets = {label: place for label, place in enumerate(places) if isinstance(place, tuple)}
        return texts, [side or "top center" for side in sides], offsets

    def _bold(self, label: int) -> str:
        return bold(self.label_set.names[label], 32)

    def _hover(self, label: int) -> str:
        count = self.support[label]
        pictures = "1 picture" if count == 1 else f"{count:,} pictures"
        return f"{self.label_set.names[label]} · {self.groups[label]} · {pictures} here"


def without_gcn(bundle: Bundle) -> ALGCN | None:
    """Return the bundle's model that was trained without the graph convolution, if it has one."""
    return getattr(bundle, "without_gcn", None)


def _key(variant: Variant, method: str) -> str:
    return hashlib.sha256(method.encode() + variant.classifiers.tobytes()).hexdigest()[:32]


def classifier_map_of(
    service: RetrievalService, cache: Path, worker: LayoutWorker, *, keep: bool = True
) -> ClassifierMap:
    """Make the map of a service, once; the service keeps it.

    Args:
        service: Its bundle and its gallery.
        cache: The cache folder.
        worker: Computes t-SNE and UMAP.
        keep: Whether layouts are kept in the cache folder.
    """

    def make() -> ClassifierMap:
        layouts = Layouts(cache, worker, keep=keep)
        return ClassifierMap(service.bundle, service.gallery, layouts, service.own.labels)

    return service.cache.get(("classifier_map", cache, keep), make)
