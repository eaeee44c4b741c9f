"""Embed pictures and texts as points of a bundle's common space."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from algcn.kit.checks import shown
from algcn.kit.errors import InputError
from algcn.kit.images import open_image, to_rgb

if TYPE_CHECKING:
    from PIL import Image

    from algcn.bundles.bundle import Bundle
    from algcn.method.model import ALGCN

    Picture = Image.Image | str | Path | bytes

PROJECTION_ROWS = 8192


@torch.inference_mode()
def project(model: ALGCN, embed: Callable[[Tensor], Tensor], features: Tensor) -> Tensor:
    """Project features to the common space, L2-normalised, on the CPU; no rows, of whatever width, give no rows.

    Args:
        model: The model.
        embed: Its `embed_image` or `embed_text`.
        features: N × image_dim or N × text_dim.
    """
    if not len(features):
        return torch.empty(0, model.config.common_dim)
    return torch.cat(list(projected_blocks(model, embed, [features])))


def projected_blocks(model: ALGCN, embed: Callable[[Tensor], Tensor], blocks: Iterable[Tensor]) -> Iterator[Tensor]:
    """Project features that come in blocks, of which not all need fit into memory, as `project` does."""
    device = model.prior.device
    for block in blocks:
        for part in block.split(PROJECTION_ROWS):
            with torch.inference_mode():
                projected = functional.normalize(embed(part.to(device, torch.float32)), dim=1).float().cpu()
            yield projected


def embed_pictures(bundle: Bundle, pictures: Iterable[Picture]) -> Tensor:
    """Embed pictures (decoded, paths, or the bytes of files): N × d, L2-normalised, on the CPU.

    Raises:
        InputError: One cannot be read, they are no list, or the bundle has no encoder.
    """
    if isinstance(pictures, (str, bytes, Path)) or hasattr(pictures, "mode"):
        raise InputError("Give a list of pictures, even where it is one.")
    encoder = bundle.encoder(bundle.model.prior.device)
    return project(bundle.model, bundle.model.embed_image, encoder.encode_images(_opened(pictures)))


def embed_texts(bundle: Bundle, texts: Sequence[str]) -> Tensor:
    """Embed texts: N × d, L2-normalised, on the CPU.

    Raises:
        InputError: One is blank, they are no list, or the bundle has no encoder that reads texts.
    """
    if isinstance(texts, str):
        raise InputError("Give a list of texts, even where it is one.")
    texts = list(texts)
    wrong = next((number for number, text in enumerate(texts, start=1) if not isinstance(text, str)), None)
    if wrong is not None:
        raise InputError(f"Text {wrong} is {shown(texts[wrong - 1])}; give words.")
    encoder = bundle.encoder(bundle.model.prior.device)
    if "text" not in bundle.encodes:
        raise InputError(
            f"The encoder of the bundle {bundle.path} reads no texts for its model; use a bundle whose encoder does."
        )
    return project(bundle.model, bundle.model.embed_text, encoder.encode_texts(texts))


def _opened(pictures: Iterable[Picture]) -> Iterator[Image.Image]:
    for number, picture in enumerate(pictures, start=1):
        if isinstance(picture, (str, bytes, Path)):
            yield open_image(picture)
        elif hasattr(picture, "mode"):
            yield to_rgb(picture)
        else:
            raise InputError(f"Picture {number} is {shown(picture)}; give a path, the bytes of a file, or a PIL image.")
