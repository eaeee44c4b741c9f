"""Suggest a few queries to start from, taken from the gallery that is searched."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from algcn.gallery.store import Gallery
    from algcn.method.labels import LabelSet

EXAMPLE_PICTURES, EXAMPLE_QUERIES = 6, 5
EXAMPLES_PATH = Path(__file__).resolve().parents[2] / "assets" / "examples.json"
COMFORTABLE_LENGTH = 40


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
