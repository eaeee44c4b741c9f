"""The endpoints about the gallery's map."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from algcn.kit.errors import InputError
from app.kit.limits import check_limit
from app.program import Program

if TYPE_CHECKING:
    from app.maps.gallery import GalleryMap


API_WAIT_SECONDS = 600


def api(program: Program) -> list[Callable[..., Any]]:
    """List the endpoints about the gallery's map."""

    def gallery_map(method: str = "pca", dimensions: int = 2) -> dict[str, Any]:
        """Place every picture and caption of the gallery on a map of the common space.

        Args:
            method: pca or umap; umap may take minutes unless it was computed before.
            dimensions: 2 or 3.

        Returns:
            {"method", "dimensions", "modality_gap": distance between the centres of pictures and captions or null,
            "points": [{kind: picture or caption, file, text, labels, position}]}.
        """
        from app.maps.gallery import METHODS, gallery_map_of

        found = gallery_map_of(program.named_service(), program.cache_folder, program.layout_worker)
        view = found.view(method, dimensions, None, None, None)
        if method not in METHODS or dimensions != view.dimensions:
            raise InputError("The method must be pca or umap, and the dimensions 2 or 3.")
        found.start(method)
        if found.waiting(method, API_WAIT_SECONDS) is not None or not found.is_ready(method):
            raise InputError("The map is still being computed; ask again in a minute, or for method pca.")
        positions = found.positions(method, view.dimensions).round(5).tolist()
        return {
            "method": method,
            "dimensions": view.dimensions,
            "modality_gap": None if found.gap is None else found.gap.distance,
            "points": [{**_described(found, point), "position": position} for point, position in enumerate(positions)],
        }

    def gallery_neighbours(file: str, limit: int = 8) -> dict[str, Any]:
        """Find what lies nearest to a picture of the gallery in the common space.

        Args:
            file: The picture's name, as a search returns it.
            limit: How many pictures and how many captions, 1 to 500.

        Returns:
            {"pictures": [near], "captions": [near]}, where near is {kind, file, text, labels, cosine}, the best first.
            Unlike a search, this leaves the encoder's own similarity out.
        """
        from app.maps.gallery import gallery_map_of

        found = gallery_map_of(program.named_service(), program.cache_folder, program.layout_worker)
        limit = check_limit(limit)
        numbers = {item.file_name: number for number, item in enumerate(found.gallery.items)}
        if not isinstance(file, str) or file not in numbers:
            raise InputError(f"The gallery has no picture {file!r:.80}; name one as a search returns it.")
        point = numbers[file]
        near = found.nearest(found.embedding(point)[None], limit, limit, without=point)
        rows = [{**_described(found, hit.point), "cosine": round(hit.cosine, 6)} for hit in near]
        return {f"{kind}s": [row for row in rows if row["kind"] == kind] for kind in ("picture", "caption")}

    return [gallery_map, gallery_neighbours]


def _described(found: GalleryMap, point: int) -> dict[str, Any]:
    item = found.picture_of(point)
    return {
        "kind": "picture" if point < len(found.gallery.items) else "caption",
        "file": found.gallery.items[item].file_name,
        "text": found.text_of(point),
        "labels": list(found.labels[item]),
    }
