"""How long the answers of the two map tabs take, without the browser: medians in milliseconds.

python -m tests.benchmarks.maps [--bundle B] [--gallery G]

UMAP and t-SNE are not among them: they run in a process of their own while the page shows PCA.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from algcn.bundles.bundle import Bundle
from algcn.gallery.files import LAYOUT_NAME
from algcn.gallery.store import build_gallery
from app.maps import classifiers as classifier_map
from app.maps import gallery as gallery_map
from app.maps.layouts import Layouts
from app.maps.panels import classifier_panel, focus_panel, gallery_note, selection_panel

PROJECT = Path(__file__).resolve().parents[2]
PREFIX = "picture/gallery"
RUNS = 15


def measure(name: str, act: Callable[[], object]) -> None:
    """Print the median of RUNS runs."""
    seconds = []
    for _ in range(RUNS):
        start = time.perf_counter()
        act()
        seconds.append(time.perf_counter() - start)
    print(f"{name:36s}{statistics.median(seconds) * 1000:7.1f} ms")


def main() -> None:
    """Measure opening, switching, clicking and selecting."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", type=Path, default=PROJECT / "weights" / "pocket")
    parser.add_argument("--gallery", type=Path, default=PROJECT / "assets" / "gallery")
    arguments = parser.parse_args()
    bundle = Bundle.load(arguments.bundle)
    gallery = build_gallery(arguments.gallery, bundle)

    with tempfile.TemporaryDirectory() as cache:

        def layouts() -> Layouts:
            return Layouts(Path(cache), keep=False, shipped=gallery.root / LAYOUT_NAME)

        def classifiers() -> classifier_map.ClassifierMap:
            return classifier_map.ClassifierMap(bundle, gallery, layouts())

        def draw(found: classifier_map.ClassifierMap, **view: object) -> None:
            for variant in found.variants:
                found.figure(variant, classifier_map.ClassifierView(**view))
                found.silhouettes(variant, classifier_map.ClassifierView(**view))
                classifier_panel(found, variant, classifier_map.ClassifierView(**view), None)

        def points(method: str) -> gallery_map.GalleryMap:
            found = gallery_map.GalleryMap(bundle, gallery, layouts())
            found.figure(gallery_map.GalleryView(method), PREFIX)
            gallery_note(found, gallery_map.GalleryView(method), None)
            return found

        found, galleries = classifiers(), points("pca")
        measure("classifiers: first opening", lambda: draw(classifiers()))
        measure("classifiers: click on a label", lambda: draw(found, label=0))
        measure("classifiers: another epoch", lambda: draw(found, epoch=0))
        measure("classifiers: 3D", lambda: draw(found, dimensions=3))
        measure("map: first opening", lambda: points("umap"))
        measure("map: first opening by PCA", lambda: points("pca"))
        measure(
            "map: another colour",
            lambda: galleries.figure(gallery_map.GalleryView("pca", colouring="modality"), PREFIX),
        )
        measure(
            "map: click on a point",
            lambda: (galleries.figure(gallery_map.GalleryView(), PREFIX, 0), focus_panel(galleries, 0, PREFIX)),
        )
        measure("map: lasso of 200 points", lambda: selection_panel(galleries, range(200), 24, PREFIX))


if __name__ == "__main__":
    main()
