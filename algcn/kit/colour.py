"""Turn colours into sRGB, which encoders were trained on and browsers take a picture without a profile for.

A profile says what the numbers of a picture mean: 255 green of a Display P3 photo is a greener green than sRGB has.
Profiles of RGB, grey and CMYK pictures are followed; one that is damaged, or belongs to another kind of picture than it
is in, says nothing, and the numbers stay as they are. LittleCMS (`PIL.ImageCms`) computes; it is imported for the first
picture with a profile.
"""

from __future__ import annotations

import functools
import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from PIL.ImageCms import ImageCmsTransform

# What the profile of a picture in one of Pillow's modes must be of, as ICC spells it.
_SPACES = {"RGB": "RGB", "RGBA": "RGB", "L": "GRAY", "CMYK": "CMYK"}
_CLASSES = frozenset({"mntr", "scnr", "prtr", "spac"})  # the others turn one device into another, or are mere effects
MAX_PROFILE_BYTES = 8 << 20  # a printer's has two or three MB
# Distance of the colours that tell whether a profile is sRGB under another name, and how far it may be off: one level
# is the rounding of its tables.
_STEP, _TOLERANCE = 15, 1


def to_srgb(image: Image.Image) -> Image.Image:
    """Return a picture of 8 bits with its colours in sRGB; the same object where they are already.

    Takes every mode; pictures that are converted are RGB, RGBA, L or LA then. Transparency is kept as it is.
    """
    if image.mode == "LAB":
        return _from_lab().apply(image)
    if image.mode in ("L", "LA"):
        levels = grey_levels(image)
        if levels is None:
            return image
        table = [round(level) for level in levels]
        return image.point(table if image.mode == "L" else [*table, *range(256)])
    profile = _profile_of(image)
    if image.mode == "P" and profile:
        image = image.convert("RGB")
    transform = _transform(profile, image.mode) if profile else None
    return image if transform is None else transform.apply(image)


def grey_levels(image: Image.Image) -> np.ndarray | None:
    """Return what the 256 even steps from black to white of a grey picture are in sRGB, None where they stay.

    Pillow gives LittleCMS no more than 8 bits; with these levels a picture of more can be interpolated.
    """
    profile = _profile_of(image)
    return _grey_levels(profile) if profile else None


def _profile_of(image: Image.Image) -> bytes | None:
    profile = image.info.get("icc_profile")
    return profile if isinstance(profile, bytes) and len(profile) <= MAX_PROFILE_BYTES else None


@functools.lru_cache(maxsize=16)
def _transform(profile: bytes, mode: str) -> ImageCmsTransform | None:
    """Return the way from a profile to sRGB, None where it leads nowhere else or the profile is not to be used.

    A transform keeps no state between pictures, so that threads may share it.
    """
    transform = _built(profile, mode)
    if transform is None or mode == "CMYK":
        return transform
    steps = np.arange(0, 256, _STEP, dtype=np.uint8)
    colours = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(len(steps), -1, 3)
    turned = np.asarray(transform.apply(Image.fromarray(colours).convert(mode)))[..., :3]
    return None if np.abs(turned.astype(int) - colours).max() <= _TOLERANCE else transform


@functools.lru_cache(maxsize=16)
def _grey_levels(profile: bytes) -> np.ndarray | None:
    steps = np.arange(256, dtype=np.uint8)
    transform = _built(profile, "L")
    if transform is None:
        return None
    levels = np.asarray(transform.apply(Image.fromarray(steps[None])))[0, :, 1].astype(np.float32)
    return None if np.abs(levels - steps).max() <= _TOLERANCE else levels


def _built(profile: bytes, mode: str) -> ImageCmsTransform | None:
    if mode not in _SPACES:
        return None
    from PIL import ImageCms

    # The tables that make conversion fast are coarse for greys, up to 10 levels off; of these only 256 are converted.
    flags = ImageCms.Flags.BLACKPOINTCOMPENSATION | (ImageCms.Flags.NOOPTIMIZE if mode == "L" else 0)
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if source.profile.xcolor_space.strip() != _SPACES[mode] or source.profile.device_class not in _CLASSES:
            return None
        target, output = ImageCms.createProfile("sRGB"), "RGBA" if mode == "RGBA" else "RGB"
        return ImageCms.buildTransform(source, target, mode, output, ImageCms.Intent.RELATIVE_COLORIMETRIC, flags)
    except Exception:  # hostile bytes; what no profile can be read from is a picture without one
        return None


@functools.lru_cache(maxsize=1)
def _from_lab() -> ImageCmsTransform:
    from PIL import ImageCms

    return ImageCms.buildTransform(ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), "LAB", "RGB")
