"""The rows of a gallery in its own order: held in memory, or of a large gallery in a file of the cache that is mapped.

Notable: a large gallery's rows are float16, so a cosine is right to three decimals and mostly to four; whoever computes
with them takes some and makes those float32. The file is named by folder and model, so a gallery that changed replaces
it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from algcn.bundles.bundle import Bundle
from algcn.bundles.embedding import project, projected_blocks
from algcn.gallery.by_hash import FeaturesByHash
from algcn.kit import files
from algcn.kit.cache import cache_folder
from algcn.kit.disk import DiskFullError
from algcn.kit.tensor_files import Streamed
from algcn.method.model import ALGCN

LARGE = 50_000  # pictures or texts up to which all rows are held in memory
# What stands for all of a large gallery: a share that is measured on it is right to ±1.4 %, near 0 and 100 % to ±.3 %.
SAMPLE, SEED = 5_000, 0
FORMAT = "algcn-rows-1"
NAME_LENGTH = 16


class Rows(NamedTuple):
    """What a gallery holds of its N pictures and M texts, L2-normalised."""

    image_features: Tensor  # N × e
    text_features: Tensor  # M × e
    image_embeddings: Tensor  # N × d
    text_embeddings: Tensor  # M × d


def rows_of(
    features: FeaturesByHash,
    pictures: Sequence[str],
    texts: Sequence[str],
    bundle: Bundle,
    place: str,
    key: str,
    notices: list[str],
) -> Rows:
    """Return the rows of pictures and texts, given by their hashes, and what the model makes of them.

    Args:
        features: What the encoder says of them.
        pictures: N hashes.
        texts: M hashes.
        bundle: The model.
        place: Names the folder of the gallery.
        key: What the rows are of.
        notices: To be told of rows that could not be kept.
    """
    model = bundle.model
    if max(len(pictures), len(texts)) <= LARGE:
        images, sentences = (functional.normalize(features.rows(some).float(), dim=1) for some in (pictures, texts))
        return Rows(
            images, sentences, project(model, model.embed_image, images), project(model, model.embed_text, sentences)
        )
    path = cache_folder() / "rows" / f"{place}-{bundle.fingerprint[:NAME_LENGTH]}.safetensors"
    shapes = _shapes(len(pictures), len(texts), model)
    found = _mapped(path, key, shapes)
    if found is not None:
        return found

    def normalised(digests: Sequence[str]) -> Iterator[Tensor]:
        return (functional.normalize(block.float(), dim=1) for block in features.in_blocks(digests))

    def halved(blocks: Iterator[Tensor]) -> Iterator[Tensor]:
        return (block.half() for block in blocks)

    blocks: dict[str, Callable[[], Iterator[Tensor]]] = {
        "image_features": lambda: halved(normalised(pictures)),
        "text_features": lambda: halved(normalised(texts)),
        "image_embeddings": lambda: halved(projected_blocks(model, model.embed_image, normalised(pictures))),
        "text_embeddings": lambda: halved(projected_blocks(model, model.embed_text, normalised(texts))),
    }
    try:
        streamed = {name: Streamed(shape, torch.float16, blocks[name]()) for name, shape in shapes.items()}
        files.save_tensors(path, streamed, {"format": FORMAT, "key": key})
        found = _mapped(path, key, shapes)
    except (DiskFullError, OSError) as error:
        reason = error.reason if isinstance(error, DiskFullError) else error.strerror or error
        notices.append(f"The rows of this gallery cannot be kept in {path.parent} ({reason}) and are held in memory.")
    return found or Rows(**{name: _joined(blocks[name](), shape) for name, shape in shapes.items()})


def projected(model: ALGCN, embed: Callable[[Tensor], Tensor], features: Tensor) -> Tensor:
    """Project rows of features to a model's common space, as `algcn.bundles.embedding.project` does.

    Those of a large gallery, float16, give float16.
    """
    if features.dtype == torch.float32:
        return project(model, embed, features)
    blocks = (block.half() for block in projected_blocks(model, embed, features.split(LARGE)))
    return _joined(blocks, (len(features), model.config.common_dim))


def sample_of(count: int) -> NDArray[np.int64]:
    """Return which of many rows stand for all, ascending and always the same ones; all where they are few."""
    return np.sort(np.random.default_rng(SEED).choice(count, min(count, SAMPLE), replace=False))


def typical(rows: Tensor) -> Tensor:
    """Return rows in float32: all of a small gallery, and of a large one those that stand for them."""
    return rows if len(rows) <= LARGE else rows[torch.from_numpy(sample_of(len(rows)))].float()


def float_blocks(rows: Tensor) -> Iterator[Tensor]:
    """Yield rows in float32, whatever they are, a block at a time."""
    return (block.float() for block in rows.split(LARGE))


def inner_products(rows: Tensor, others: Tensor) -> Tensor:
    """Return rows @ others in float32, whatever the rows are and without making all of them float32.

    Args:
        rows: N × d.
        others: d, or d × K.
    """
    if rows.dtype == torch.float32:
        return rows @ others
    return torch.cat([block.float() @ others for block in rows.split(LARGE)])


def _shapes(pictures: int, texts: int, model: ALGCN) -> dict[str, tuple[int, int]]:
    return {
        f"{modality}_{kind}": (count, width)
        for modality, count in (("image", pictures), ("text", texts))
        for kind, width in (("features", model.config.image_dim), ("embeddings", model.config.common_dim))
    }


def _mapped(path: Path, key: str, shapes: dict[str, tuple[int, int]]) -> Rows | None:
    """Map the file of these rows; None where there is none or it is of others."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as store:
            metadata = store.metadata() or {}
            if (metadata.get("format"), metadata.get("key")) != (FORMAT, key):
                return None
            rows = Rows(**{name: store.get_tensor(name) for name in Rows._fields})
    except (OSError, SafetensorError):
        return None
    held = {name: (tuple(tensor.shape), tensor.dtype) for name, tensor in rows._asdict().items()}
    return rows if held == {name: (shape, torch.float16) for name, shape in shapes.items()} else None


def _joined(blocks: Iterator[Tensor], shape: tuple[int, int]) -> Tensor:
    """Join blocks of float16 without holding all of them twice."""
    rows, start = torch.empty(shape, dtype=torch.float16), 0
    for block in blocks:
        rows[start : start + len(block)] = block
        start += len(block)
    return rows
