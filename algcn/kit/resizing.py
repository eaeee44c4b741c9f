"""Make a picture as small as an encoder reads it, in another process than the encoder's, with the same pixels.

Notable: resizing is the first step of an encoder's preprocessing, and of a photo it leaves a hundredth of the pixels.
Done where the photo is decoded, nothing but that hundredth has to be handed over.
"""

from __future__ import annotations

from typing import NamedTuple

from PIL import Image

# "shortest" resizing multiplies the long side: a picture of 1 × 60,000 pixels would become one of 3 billion.
MAX_ASPECT_RATIO = 16


class Resizing(NamedTuple):
    """How an encoder resizes pictures, in torchvision's terms.

    Attributes:
        sides: The shorter side in pixels, where the ratio of the sides stays; or height and width.
        resample: Pillow's number of the filter.
    """

    sides: tuple[int] | tuple[int, int]
    resample: int

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Return what width and height become."""
        if len(self.sides) == 2:
            return self.sides[1], self.sides[0]
        (side,) = self.sides
        longer = int(side * max(width, height) / min(width, height))
        return (side, longer) if width <= height else (longer, side)

    def resized(self, image: Image.Image) -> Image.Image:
        """Return the picture resized, or the middle part of one that is long; once more changes nothing."""
        image = limit_aspect_ratio(image)
        return image.resize(self.size(*image.size), self.resample)


def limit_aspect_ratio(image: Image.Image) -> Image.Image:
    """Return the picture, or its middle part where one side is more than MAX_ASPECT_RATIO times the other."""
    width, height = image.size
    length = MAX_ASPECT_RATIO * min(width, height)
    if max(width, height) <= length:
        return image
    left, top = max(0, (width - length) // 2), max(0, (height - length) // 2)
    return image.crop((left, top, min(width, left + length), min(height, top + length)))
