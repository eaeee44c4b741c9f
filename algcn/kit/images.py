"""Open pictures that strangers hand in.

Notable: the format is one of six raster formats, whatever the file is called; the size is judged from the header,
before a pixel is decoded; every oddity a camera or an editor produces (alpha, palettes, 16 bits, CMYK, EXIF rotation,
animation) ends as one upright 8-bit RGB picture; every failure is one `InputError` sentence.
"""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps

from algcn.kit.errors import InputError

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff"})
MAX_BYTES = 64 * 1024 * 1024
MAX_PIXELS = 64 * 1000 * 1000
ALPHA_MODES = frozenset({"RGBA", "RGBa", "LA", "La", "PA"})
HIGH_DEPTH_MODES = frozenset({"I;16", "I;16L", "I;16B", "I;16N", "I", "F"})
CURE = "Use a JPEG, PNG, WebP, GIF, BMP or TIFF picture"


def open_image(source: str | Path | bytes | BinaryIO, name: str | None = None) -> Image.Image:
    """Read one picture as upright 8-bit RGB.

    Transparency is laid on white, the first frame of an animation is taken, and the EXIF orientation is applied.

    Args:
        source: A path, the bytes of a file, or a binary file object.
        name: What to call the picture in an error; the file's name by default.

    Raises:
        InputError: The file is missing, empty, too large, no picture of a known format, or damaged.
    """
    if name is None:
        name = Path(source).name if isinstance(source, (str, Path)) else ""
    what = f"The file {name}".rstrip()
    data = _read(source, what)
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise InputError(_too_many_pixels(what)) from None
    except Exception:  # hostile bytes make Pillow's header parsers raise nearly every class there is
        raise InputError(f"{what} is not a picture that can be read. {CURE}.") from None
    with image:
        width, height = image.size
        if width * height > MAX_PIXELS:
            raise InputError(_too_many_pixels(what, width, height))
        try:
            image.load()
            return to_rgb(image)
        except Exception as error:  # as above, now from the decoders
            raise InputError(
                f"{what} is damaged or cut off and cannot be decoded ({_first_line(error)}). Save it again and retry."
            ) from None


def to_rgb(image: Image.Image) -> Image.Image:
    """Turn a decoded picture into upright 8-bit RGB, with transparency laid on white."""
    with contextlib.suppress(Exception):  # a broken EXIF block says nothing about the pixels: they stay as they are
        image = ImageOps.exif_transpose(image)
    if image.mode in HIGH_DEPTH_MODES:
        image = _to_8_bit(image)
    if image.mode in ALPHA_MODES or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image).convert("RGB")
    rgb = image.convert("RGB")
    rgb.info.clear()
    return rgb


def _read(source: str | Path | bytes | BinaryIO, what: str) -> bytes:
    """Read all bytes of `source`, refusing more than MAX_BYTES before they are in memory."""
    if isinstance(source, (str, Path)):
        path = Path(source)
        if not path.is_file():
            raise InputError(f"There is no picture at {path}; name a file that is there.")
        try:
            with path.open("rb") as stream:
                data = stream.read(MAX_BYTES + 1)
        except OSError as error:
            raise InputError(f"{what} cannot be read ({error.strerror or error}); make the file readable.") from None
    elif isinstance(source, (bytes, bytearray, memoryview)):
        data = bytes(source)
    else:
        data = source.read(MAX_BYTES + 1)
    if not data:
        raise InputError(f"{what} is empty (0 bytes). {CURE}.")
    if len(data) > MAX_BYTES:
        raise InputError(f"{what} is larger than {MAX_BYTES >> 20} MB. Use a smaller file.")
    return data


def _to_8_bit(image: Image.Image) -> Image.Image:
    """Turn a grey picture of 16 or 32 bits or of floats into 8 bits; Pillow's own conversion clips it to white."""
    values = np.nan_to_num(np.array(image, dtype=np.float32), copy=False, posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    if image.mode != "F":
        low, high = 0.0, max(65535.0, high)
    elif low >= 0 and high <= 1:  # floats carry no range of their own: 0 to 1 is the convention, others are stretched
        low, high = 0.0, 1.0
    values -= low
    values *= 255 / ((high - low) or 1.0)
    return Image.fromarray(np.rint(values, out=values).clip(0, 255).astype(np.uint8))


def _too_many_pixels(what: str, width: int = 0, height: int = 0) -> str:
    size = f" ({width} × {height})" if width else ""
    return f"{what} has too many pixels{size}: at most {MAX_PIXELS // 1_000_000} million. Use a smaller picture."


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0].strip()[:120].rstrip(".") or type(error).__name__
