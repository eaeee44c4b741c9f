"""Where features come from: one source for images and one for texts, each an encoder's tower or the paper's own."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor

from algcn.features.encoder import IMAGE_BATCH, Encoder, clean_text
from algcn.kit.errors import InputError

if TYPE_CHECKING:
    from PIL.Image import Image


class ImageSource(Protocol):
    """Pictures to features, in two steps: the first in many threads, the second by batches."""

    name: str
    width: int
    fingerprint: str

    def pixels(self, image: Image) -> Tensor:
        """One RGB picture as a tensor, 3 × H × W."""

    def encode(self, pixels: Tensor) -> Tensor:
        """B × 3 × H × W to B × width."""


class TextSource(Protocol):
    """Texts to features."""

    name: str
    width: int
    fingerprint: str

    def takes(self, text: str) -> bool:
        """Whether the text has features at all."""

    def encode(self, texts: Sequence[str]) -> Tensor:
        """N texts to N × width."""


class EncoderImages:
    """The image tower of an encoder."""

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = encoder
        self.name, self.width, self.fingerprint = str(encoder.reference), encoder.width, encoder.fingerprint

    def pixels(self, image: Image) -> Tensor:
        """One RGB picture as the tower takes it."""
        return self.encoder.pixels(image)

    def encode(self, pixels: Tensor) -> Tensor:
        """B × 3 × H × W to B × width; on a processor in small batches, which are faster there."""
        parts = pixels.split(IMAGE_BATCH) if self.encoder.device.type == "cpu" else [pixels]
        return torch.cat([self.encoder.encode_pixels(part) for part in parts])


class EncoderTexts:
    """The text tower of an encoder."""

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = encoder
        self.name, self.width, self.fingerprint = str(encoder.reference), encoder.width, encoder.fingerprint

    def takes(self, text: str) -> bool:
        """Whether anything is left of the text; nothing but control characters says as little as an empty one."""
        try:
            clean_text(text)
        except InputError:
            return False
        return True

    def encode(self, texts: Sequence[str]) -> Tensor:
        """N texts to N × width."""
        return self.encoder.encode_texts(texts)


@dataclass(frozen=True)
class Sources:
    """Both sides of a pair."""

    images: ImageSource
    texts: TextSource

    @classmethod
    def of(cls, encoder: Encoder) -> Sources:
        """Both towers of one encoder."""
        return cls(EncoderImages(encoder), EncoderTexts(encoder))

    @property
    def encoder(self) -> dict[str, str]:
        """What a feature file says about its origin: one encoder by its reference, or what each side is."""
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
