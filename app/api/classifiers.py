"""The endpoints about the classifiers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from algcn.kit.errors import InputError
from app.kit.limits import check_flag, check_limit
from app.program import Program

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from algcn.method.labels import LabelSet

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
        position = found.label_set.index(label)
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

    def classifier_map(
        method: Literal["pca", "tsne", "umap"] = "pca", dimensions: int = 2, points: bool = False
    ) -> dict[str, Any]:
        """Place the classifiers of all labels in two or three dimensions, and tell how well their groups hold together.

        Args:
            method: "pca", "tsne" or "umap"; the last two may take half a minute when they are first asked for.
            dimensions: 2 or 3.
            points: Whether to list the position of every label too, some 90 characters for each and each model.

        Returns:
            {"method", "dimensions", "with_gcn", "without_gcn", "plus"}, null where there is no such model, else
            {"silhouette" (how well the label groups hold together in the common space, -1 to 1, or null),
            "silhouette_in_picture", "groups": [{group, labels (how many), centre (the mean of their positions)}]} and,
            where asked for, "points": [{label, group, position}].
        """
        from algcn.gallery.projection import check_method

        check_method(method, dimensions)
        with_points = check_flag(points, "points")
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
            positions = found.positions(variant, view)
            answer[variant.key] = {
                "silhouette": true,
                "silhouette_in_picture": drawn,
                "groups": _groups(found.label_set, positions),
            }
            if with_points:
                rows = zip(found.label_set.names, found.label_set.groups, positions.round(5).tolist(), strict=True)
                answer[variant.key]["points"] = [
                    {"label": name, "group": group, "position": position} for name, group, position in rows
                ]
        return answer

    return [classifier_neighbours, classifier_map]


def _groups(label_set: LabelSet, positions: NDArray[np.floating]) -> list[dict[str, Any]]:
    rows: dict[str, list[int]] = {}
    for row, group in enumerate(label_set.groups):
        rows.setdefault(group, []).append(row)
    return [
        {"group": group, "labels": len(members), "centre": positions[members].mean(axis=0).round(5).tolist()}
        for group, members in rows.items()
    ]
