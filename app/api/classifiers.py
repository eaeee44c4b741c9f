"""The endpoints about the classifiers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from algcn.kit.errors import InputError
from app.kit.limits import check_limit
from app.program import Program

API_WAIT_SECONDS = 300


def api(program: Program) -> list[Callable[..., Any]]:
    """List the endpoints about the classifiers."""

    def classifier_neighbours(label: str, limit: int = 8) -> dict[str, Any]:
        """Find the labels whose classifiers are nearest to that of a label.

        Args:
            label: A label's name, whatever its case.
            limit: How many, 1 to 500.

        Returns:
            {"label": name, "with_gcn": [{label, group, cosine}], "without_gcn": the same for the model that was trained
            without the graph convolution, "plus": the same for the model of mode plus}, null where there is none;
            cosines in all dimensions of the common space, the best first.
        """
        from app.maps.classifiers import classifier_map_of

        found = classifier_map_of(program.named_service(), program.cache_folder, program.layout_worker)
        position = found.label_set.index(_text(label))
        answer = {"label": found.label_set.names[position], "with_gcn": None, "without_gcn": None, "plus": None}
        for variant in found.variants:
            answer[variant.key] = [
                {
                    "label": found.label_set.names[neighbour.label],
                    "group": found.label_set.groups[neighbour.label],
                    "cosine": round(neighbour.cosine, 6),
                }
                for neighbour in found.neighbours(variant, position, check_limit(limit))
            ]
        return answer

    def classifier_map(method: str = "pca", dimensions: int = 2) -> dict[str, Any]:
        """Draw the classifiers of all labels in two or three dimensions.

        Args:
            method: pca, tsne or umap; the last two may take half a minute when they are first asked for.
            dimensions: 2 or 3.

        Returns:
            {"method", "dimensions", "with_gcn", "without_gcn", "plus"}, null where there is no such model, else
            a picture:
            {"silhouette": how well the label groups hold together in the common space, -1 to 1, or null,
            "silhouette_in_picture", "points": [{label, group, position}]}.
        """
        from algcn.gallery.projection import check_method

        check_method(method, dimensions)
        from app.maps.classifiers import classifier_map_of

        found = classifier_map_of(program.named_service(), program.cache_folder, program.layout_worker)
        found.start(method)
        if found.waiting(method, API_WAIT_SECONDS) is not None or not found.is_ready(method):
            raise InputError("The picture is still being computed; ask again in a minute, or for method pca.")
        view = found.view(method, dimensions)
        answer: dict[str, Any] = {
            "method": view.method,
            "dimensions": view.dimensions,
            "with_gcn": None,
            "without_gcn": None,
            "plus": None,
        }
        for variant in found.variants:
            true, drawn = found.silhouettes(variant, view)
            positions = found.positions(variant, view).round(5).tolist()
            rows = zip(found.label_set.names, found.label_set.groups, positions, strict=True)
            answer[variant.key] = {
                "silhouette": true,
                "silhouette_in_picture": drawn,
                "points": [{"label": name, "group": group, "position": position} for name, group, position in rows],
            }
        return answer

    return [classifier_neighbours, classifier_map]


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise InputError(f"The label must be a text, not {type(value).__name__}.")
    return value
