"""The endpoints about the gallery's map."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

from algcn.kit.errors import InputError
from app.api.hits import TEXT_LENGTH, picture_address
from app.kit.limits import check_flag, check_limit
from app.kit.words import shortened
from app.program import Program

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from app.maps.gallery import GalleryMap


API_WAIT_SECONDS = 600
PLACES = 100  # labels whose place on the map is told


def api(program: Program) -> list[Callable[..., Any]]:
    """List the endpoints about the gallery's map."""

    def gallery_map(
        method: Literal["pca", "umap"] = "pca", dimensions: int = 2, points: bool = False
    ) -> dict[str, Any]:
        """Tell where the labels, pictures and captions of the gallery lie on a map of the common space.

        Args:
            method: "pca" or "umap"; the latter may take minutes unless it was computed before.
            dimensions: 2 or 3.
            points: Whether to list every picture and caption too, some 200 characters for each.

        Returns:
            {"method", "dimensions", "modality_gap" (distance between the centres of pictures and captions, or null),
            "pictures" and "captions" (how many there are), "places": [{label, pictures (how many have it), centre (the
            mean of their positions)}] of the 100 most common labels} and, where asked for, "points": [{kind (picture or
            caption), file, text, labels, position}].
        """
        from app.maps.gallery import METHODS, gallery_map_of

        with_points = check_flag(points, "points")
        found = gallery_map_of(program.named_service(), program.cache_folder, program.layout_worker)
        view = found.view(method, dimensions, None, None, None)
        if method not in METHODS or dimensions != view.dimensions:
            raise InputError("The method must be pca or umap, and the dimensions 2 or 3.")
        found.start(method)
        if found.waiting(method, API_WAIT_SECONDS) is not None or not found.is_ready(method):
            raise InputError("The map is still being computed; ask again in a minute, or for method pca.")
        positions = found.positions(method, view.dimensions)
        pictures = len(found.gallery.items)
        answer = {
            "method": method,
            "dimensions": view.dimensions,
            "modality_gap": None if found.gap is None else found.gap.distance,
            "pictures": pictures,
            "captions": len(positions) - pictures,
            "places": _places(found, positions),
        }
        if with_points:
            answer["points"] = [
                {**_described(found, point), "position": position}
                for point, position in enumerate(positions.round(5).tolist())
            ]
        return answer

    def gallery_neighbours(file: str, limit: int = 8) -> dict[str, Any]:
        """Find what lies nearest to a picture of the gallery in the common space.

        Args:
            file: The picture's name, as a search returns it.
            limit: How many pictures and how many captions, 1 to 500.

        Returns:
            {"pictures": [near], "captions": [near]}, where near is {kind, file, text (at most 160 characters), labels,
            cosine, picture (the address that the picture can be fetched from)}, the best first. Unlike a search, this
            leaves the encoder's own similarity out.
        """
        from app.maps.gallery import gallery_map_of

        service, most = program.named_service(), check_limit(limit)
        point = service.find_item(file)  # the first points are the pictures
        found = gallery_map_of(service, program.cache_folder, program.layout_worker)
        near = found.nearest(found.embedding(point)[None], most, most, without=point)
        rows = [
            {
                **_described(found, hit.point),
                "text": shortened(found.text_of(hit.point), TEXT_LENGTH),
                "cosine": round(hit.cosine, 6),
                "picture": picture_address(service, found.picture_of(hit.point)),
            }
            for hit in near
        ]
        return {f"{kind}s": [row for row in rows if row["kind"] == kind] for kind in ("picture", "caption")}

    return [gallery_map, gallery_neighbours]


def _places(found: GalleryMap, positions: NDArray[np.floating]) -> list[dict[str, Any]]:
    """Say where the pictures of each label lie, the most common labels first."""
    return [
        {"label": label, "pictures": len(members), "centre": positions[members].mean(axis=0).round(5).tolist()}
        for label, members in islice(found.label_columns.items(), PLACES)
    ]


def _described(found: GalleryMap, point: int) -> dict[str, Any]:
    item = found.picture_of(point)
    return {
        "kind": "picture" if point < len(found.gallery.items) else "caption",
        "file": found.gallery.items[item].file_name,
        "text": found.text_of(point),
        "labels": list(found.labels[item]),
    }
