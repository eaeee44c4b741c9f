"""Where each picture and text of a gallery lies on its map: computed once, kept beside the gallery or in the cache.

Notable: a layout is found again by a key of what it was made from (file names and sizes, texts, the bundle's
fingerprint), so one that no longer fits is never shown. FOLDER/layout.safetensors may be shipped with a gallery.

    python -m algcn.gallery layout FOLDER --bundle B [--in-place]
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from algcn.gallery.projection import DIMENSIONS, MOST_LAID_OUT, Floats, laid_out, leading_directions, normalised
from algcn.gallery.rows import float_blocks
from algcn.kit import files

if TYPE_CHECKING:
    from torch import Tensor

    from algcn.bundles.bundle import Bundle
    from algcn.gallery.store import Gallery

LAYOUT_FORMAT = "algcn-layout-1"
KEY_LENGTH = 32


def gallery_key(gallery: Gallery, bundle: Bundle) -> str:
    """Return the key of a gallery's layout; it changes with the pictures, the texts and the model."""
    pictures = [(item.file_name, _size(gallery.root / item.file_name)) for item in gallery.items]
    parts = [bundle.fingerprint, pictures, gallery.texts, gallery.text_owner.tolist()]
    return hashlib.sha256(json.dumps(parts).encode("utf-8", "surrogatepass")).hexdigest()[:KEY_LENGTH]


def gallery_points(gallery: Gallery) -> Floats:
    """Return the pictures and then the texts of a gallery in the common space, (N + M) × d."""
    return np.concatenate([gallery.image_embeddings.numpy(), gallery.text_embeddings.numpy()])


def points_to_lay_out(gallery: Gallery, most: int = MOST_LAID_OUT) -> Floats:
    """Return what `projection.lay_out` needs of the points of a gallery: of more than `most` their leading directions.

    These are read a block at a time, as `lay_out` would reduce them.
    """
    count = len(gallery.items) + len(gallery.texts)
    if count <= most:
        return gallery_points(gallery)
    chosen, images = laid_out(count, most), len(gallery.items)
    sample = torch.cat(
        [
            gallery.image_embeddings[chosen[chosen < images]].float(),
            gallery.text_embeddings[chosen[chosen >= images] - images].float(),
        ]
    )
    directions = leading_directions(sample.numpy())
    return np.concatenate([normalised(block.numpy()) @ directions for block in point_blocks(gallery)])


def point_blocks(gallery: Gallery) -> Iterator[Tensor]:
    """Yield the points of a gallery as `gallery_points` has them, a block at a time."""
    yield from float_blocks(gallery.image_embeddings)
    yield from float_blocks(gallery.text_embeddings)


def cached_layout(cache: Path, key: str) -> Path:
    """Return the file in the cache folder for the layout of a key."""
    return cache / "layouts" / f"{key}.safetensors"


def read_layout(path: Path, key: str, count: int) -> dict[int, Floats] | None:
    """Read the layout of `count` points that a file holds for this key, count × 2 and count × 3.

    None where there is none, it is another one's, or it is damaged: a layout can always be made again.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as store:
            metadata = store.metadata() or {}
            if (metadata.get("format"), metadata.get("key")) != (LAYOUT_FORMAT, key):
                return None
            layout = {dimensions: store.get_tensor(_name(dimensions)).astype(np.float32) for dimensions in DIMENSIONS}
    except (OSError, SafetensorError, ValueError, TypeError, KeyError, AttributeError):
        return None
    whole = all(layout[dimensions].shape == (count, dimensions) for dimensions in DIMENSIONS)
    return layout if whole and all(np.isfinite(positions).all() for positions in layout.values()) else None


def write_layout(path: Path, key: str, layout: Mapping[int, Floats]) -> None:
    """Keep a layout, in half precision: positions lie between -1 and 1, and no screen shows more.

    Raises:
        DiskFullError: There is no room for it.
        OSError: The file cannot be written.
    """
    tensors = {_name(dimensions): positions.astype(np.float16) for dimensions, positions in layout.items()}
    files.save_tensors(path, tensors, {"format": LAYOUT_FORMAT, "key": key})


def _name(dimensions: int) -> str:
    return f"positions_{dimensions}d"


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None
