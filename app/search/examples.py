"""Suggest a few queries to start from, taken from the gallery that is searched, and a few photographs."""

from __future__ import annotations

import dataclasses
import functools
import json
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from algcn.kit.errors import InputError

if TYPE_CHECKING:
    from algcn.gallery.store import Gallery
    from algcn.method.labels import LabelSet

EXAMPLE_PICTURES, EXAMPLE_QUERIES = 5, 5
EXAMPLES_PATH = Path(__file__).resolve().parents[2] / "assets" / "examples.json"
COMFORTABLE_LENGTH = 40
# Photographs that come with packages which the page needs anyway; none is copied.
FROM_PACKAGES = (
    ("sklearn", "datasets/images/china.jpg", "by danielbuechele, CC BY 2.0, from scikit-learn"),
    ("sklearn", "datasets/images/flower.jpg", "by vultilion, CC BY 2.0, from scikit-learn"),
    ("gradio", "media_assets/images/lion.jpg", "from gradio"),
    ("gradio", "media_assets/images/tower.jpg", "from gradio"),
)


@dataclasses.dataclass(frozen=True)
class Photo:
    """A photograph to search with; `credit` says whose it is."""

    path: Path
    credit: str

    @property
    def name(self) -> str:
        """Its file name, which no other has."""
        return self.path.name


@functools.cache
def example_photos() -> tuple[Photo, ...]:
    """Find the photographs that the installed packages have; a package may be without."""
    found = []
    for package, file, credit in FROM_PACKAGES:
        spec = find_spec(package)
        path = Path(spec.origin).parent / file if spec is not None and spec.origin else None
        if path is not None and path.is_file():
            found.append(Photo(path, credit))
    return tuple(found)


def photo_of(picture: object) -> Photo | None:
    """Tell which of the photographs a query's picture is; None where it is another."""
    return next((photo for photo in example_photos() if photo.path == picture), None)


def photo_named(name: str) -> Photo:
    """Find a photograph by its file name.

    Raises:
        InputError: There is none.
    """
    for photo in example_photos():
        if photo.name == name:
            return photo
    raise InputError(f"There is no example photo called {name!r:.40}; choose another.")


def example_pictures(gallery: Gallery, count: int = EXAMPLE_PICTURES) -> list[int]:
    """Choose a few pictures, spread over the gallery."""
    total = len(gallery.items)
    count = min(count, total)
    return [(2 * position + 1) * total // (2 * count) for position in range(count)]


def example_words(gallery: Gallery, label_set: LabelSet, *, reads_words: bool) -> list[str]:
    """Choose a few texts to search with: names of labels, where the model reads no others."""
    if reads_words:
        return example_queries(gallery)
    names = label_set.names
    return names[:: -(-len(names) // EXAMPLE_QUERIES)]


def example_queries(gallery: Gallery, count: int = EXAMPLE_QUERIES) -> list[str]:
    """Choose a few texts: written ones whose labels the gallery has, else short texts of the gallery."""
    available = {label for item in gallery.items for label in item.labels or ()}
    written = json.loads(EXAMPLES_PATH.read_text(encoding="utf-8"))
    queries = [example["text"] for example in written if available.issuperset(example["labels"])]
    short = sorted(dict.fromkeys(gallery.texts), key=lambda text: (abs(len(text) - COMFORTABLE_LENGTH), text))
    return (queries + short)[:count]
