"""Sources of features, one for images and one for texts: an encoder's towers or the paper's own features."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self

import torch
from torch import Tensor

from algcn.features.encoder import IMAGE_BATCH, Encoder, clean_text
from algcn.kit.errors import InputError

if TYPE_CHECKING:
    from PIL.Image import Image


class ImageSource(Protocol):
    """A source of image features, in two steps: `pixels` in many threads, `encode` by batches."""

    name: str
    width: int
    fingerprint: str

    def pixels(self, image: Image) -> Tensor:
        """Turn an RGB picture into a tensor, 3 × H × W."""

    def encode(self, pixels: Tensor) -> Tensor:
        """Encode B × 3 × H × W as B × width."""

    def on(self, device: str) -> Self:
        """Return the same source, computing on another device."""


class TextSource(Protocol):
    """A source of text features."""

    name: str
    width: int
    fingerprint: str

    def takes(self, text: str) -> bool:
        """Tell whether the text has features at all."""

    def encode(self, texts: Sequence[str]) -> Tensor:
        """Encode N texts as N × width."""

    def on(self, device: str) -> Self:
        """Return the same source, computing on another device."""


class EncoderImages:
    """The image tower of an encoder as a source."""

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = encoder
        self.name, self.width, self.fingerprint = str(encoder.reference), encoder.width, encoder.fingerprint

    def pixels(self, image: Image) -> Tensor:
        """Turn an RGB picture into the tensor that the tower takes."""
        return self.encoder.pixels(image)

    def encode(self, pixels: Tensor) -> Tensor:
        """Encode B × 3 × H × W as B × width; on a processor in small batches, which are faster there."""
        parts = pixels.split(IMAGE_BATCH) if self.encoder.device.type == "cpu" else [pixels]
        return torch.cat([self.encoder.encode_pixels(part) for part in parts])

    def on(self, device: str) -> EncoderImages:
        """Return the same tower, computing on another device."""
        return EncoderImages(self.encoder.on(device))


class EncoderTexts:
    """The text tower of an encoder as a source."""

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = encoder
        self.name, self.width, self.fingerprint = str(encoder.reference), encoder.width, encoder.fingerprint

    def takes(self, text: str) -> bool:
        """Tell whether anything is left of the text; control characters alone say as little as an empty one."""
        try:
            clean_text(text)
        except InputError:
            return False
        return True

    def encode(self, texts: Sequence[str]) -> Tensor:
        """Encode N texts as N × width."""
        return self.encoder.encode_texts(texts)

    def on(self, device: str) -> EncoderTexts:
        """Return the same tower, computing on another device."""
        return EncoderTexts(self.encoder.on(device))


@dataclass(frozen=True)
class Sources:
    """The sources of both sides of a pair: images and texts."""

    images: ImageSource
    texts: TextSource

    @classmethod
    def of(cls, encoder: Encoder) -> Sources:
        """Return both towers of one encoder as sources."""
        return cls(EncoderImages(encoder), EncoderTexts(encoder))

    def on(self, device: str) -> Sources:
        """Return the same sources, computing on another device."""
        return Sources(self.images.on(device), self.texts.on(device))

    @property
    def encoder(self) -> dict[str, str]:
        """Describe where features come from, as a feature file says it: one encoder by its reference, or each side."""
        if isinstance(self.images, EncoderImages) and isinstance(self.texts, EncoderTexts):
            return {"reference": self.images.name, "fingerprint": self.images.fingerprint}
        both = f"{self.images.fingerprint} {self.texts.fingerprint}"
        fingerprint = hashlib.sha256(both.encode()).hexdigest()[:16]
        found = {"image": self.images.name, "text": self.texts.name, "fingerprint": fingerprint}
        if isinstance(self.images, EncoderImages):
            found["image_fingerprint"] = self.images.fingerprint
        return found

    @property
    def vocabulary(self) -> list[str]:
        """The word of each text column, where texts are bags of words."""
        return getattr(self.texts, "vocabulary", [])
