"""Bring pictures of more than 8 bits to 8, by the range that their numbers really have.

A file of 16 bits often holds the 10 or 12 bits of a sensor, as numbers up to 1023 or 4095: scaled by 65535 they are
nearly black. What the file declares comes first: the BitsPerSample and MaxSampleValue tags of a TIFF, the sBIT chunk of
a PNG. Where it declares nothing, its largest number decides, but only where the picture would be so dark that nobody
meant it so: with nothing above 4095 of 65535, all of it is below level 16 of 255. Numbers of 14 bits without a
declaration reach level 64, which may just as well be a night; they stay as they are.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from PIL import Image

from algcn.kit.colour import grey_levels

GREY_MODES = frozenset({"I;16", "I;16L", "I;16B", "I;16N", "I", "F"})
FULL = 65535
# The ranges that the largest number alone may tell: of 8, 10 and 12 bits.
_GUESSED = (255, 1023, 4095)
_COLOURS = ("RGB", "RGBA", "RGBX")
_OTHER_ORDER = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}
# Of colours of 16 bits Pillow keeps the high bytes. To its reader of the other byte order, the low bytes are the high.
_LOW_BYTES = {f"{mode};16{order}": f"{mode};16{other}" for mode in _COLOURS for order, other in _OTHER_ORDER.items()}
_GREY_WITH_ALPHA = "LA;16B"
_BITS_PER_SAMPLE, _PHOTOMETRIC, _MAX_SAMPLE_VALUE = 258, 262, 281


class Declared(NamedTuple):
    """How many bits of 16 a file says that its numbers have; a PNG should scale them up to 16, a TIFF does not."""

    bits: int
    scaled_up: bool


def load(image: Image.Image, data: bytes, reopen: Callable[[], Image.Image]) -> Image.Image:
    """Decode a picture that was opened; more than 8 bits become 8, other pictures are what Pillow makes of them.

    Colours with a profile are converted with 8 bits each, for LittleCMS takes no more from Pillow: exact to a level
    but for the darkest colours of a linear profile.

    Args:
        image: The picture, not decoded yet.
        data: The bytes of its file.
        reopen: Opens the file once more, for the low bytes of colours of 16 bits.
    """
    readers = {_reader(tile) for tile in image.tile}
    declared = _declared(image, data)
    image.load()
    if image.mode in GREY_MODES:
        return grey_of_8_bits(image, declared)
    if len(readers) == 1 and readers <= {*_LOW_BYTES, _GREY_WITH_ALPHA} and _is_dark(image, declared):
        with reopen() as again:
            return _colours_of_8_bits(image, again, declared)
    return image


def grey_of_8_bits(image: Image.Image, declared: Declared | None = None) -> Image.Image:
    """Turn a grey picture of 16 or 32 bits or of floats into 8 bits, in sRGB where it has a profile.

    Pillow's own conversion clips it to white.

    Args:
        image: A picture in one of GREY_MODES.
        declared: What its file says of its range.
    """
    values = np.nan_to_num(np.array(image, dtype=np.float32), copy=False, posinf=0.0, neginf=0.0)
    transparent = image.info.get("transparency")
    alpha = np.where(values == transparent, 0, 255).astype(np.uint8) if isinstance(transparent, int) else None
    low, high = float(values.min()), float(values.max())
    if image.mode != "F":
        low, high = 0.0, _range(values, declared) if high <= FULL else high
    elif low >= 0 and high <= 1:  # floats carry no range of their own: 0 to 1 is the convention, others are stretched
        low, high = 0.0, 1.0
    values -= low
    values *= 255 / ((high - low) or 1.0)
    if image.mode.startswith("I;16") and getattr(image, "tag_v2", {}).get(_PHOTOMETRIC) == 0:  # 0 is white
        np.subtract(255, values, out=values)
    levels = grey_levels(image)
    if levels is not None:
        values = np.interp(values, np.arange(256), levels)
    grey = Image.fromarray(np.rint(values).clip(0, 255).astype(np.uint8))
    if alpha is not None:
        grey.putalpha(Image.fromarray(alpha))
    return grey


def _is_dark(image: Image.Image, declared: Declared | None) -> bool:
    """Tell from the high bytes whether the low ones are wanted: the range is smaller, or a colour is transparent."""
    most = (1 << declared.bits) - 1 if declared is not None else _GUESSED[-1]
    return "transparency" in image.info or max(top for _, top in image.getextrema()[:3]) <= most >> 8


def _colours_of_8_bits(image: Image.Image, again: Image.Image, declared: Declared | None) -> Image.Image:
    """Scale colours of 16 bits: `image` has the high bytes, `again` is not decoded yet and gives the low ones."""
    if _reader(again.tile[0]) == _GREY_WITH_ALPHA:  # four bytes a pixel: high and low of grey, high and low of alpha
        again.tile = [tile._replace(args="RGBA") for tile in again.tile]
        parts = np.asarray(again).astype(np.uint16)
        values = (parts[..., ::2] << 8 | parts[..., 1::2])[..., [0, 0, 0, 1]]
    else:
        again.tile = [_of_low_bytes(tile) for tile in again.tile]
        values = np.asarray(image).astype(np.uint16) << 8 | np.asarray(again)
    colours, alpha = values[..., :3], values[..., 3:]
    high = _range(colours, declared)
    transparent = image.info.get("transparency")
    if isinstance(transparent, tuple):
        is_it = (colours == np.array(transparent, dtype=np.uint16)).all(axis=2, keepdims=True)
        alpha = np.where(is_it, 0, FULL).astype(np.uint16)
    levels = [_levels(colours, high)]
    if alpha.size:
        levels.append(_levels(alpha, high if alpha.max() <= high else FULL))
    made = Image.fromarray(np.concatenate(levels, axis=2))
    made.info = {name: value for name, value in image.info.items() if name == "icc_profile"}
    return made


def _reader(tile: NamedTuple) -> str | None:
    """Return the name of Pillow's reader of pixels that a tile asks for; decoders with more arguments have it first."""
    args = tile.args[0] if isinstance(tile.args, tuple) and tile.args else tile.args
    return args if isinstance(args, str) else None


def _of_low_bytes(tile: NamedTuple) -> NamedTuple:
    reader = _LOW_BYTES[_reader(tile)]
    return tile._replace(args=(reader, *tile.args[1:]) if isinstance(tile.args, tuple) else reader)


def _levels(values: np.ndarray, high: float) -> np.ndarray:
    return np.rint(values * np.float32(255 / high)).clip(0, 255).astype(np.uint8)


def _range(values: np.ndarray, declared: Declared | None) -> float:
    """Return the number that is white: of the declared bits, or by the largest number there is."""
    top = values.max()
    if declared is None:
        return next((high for high in _GUESSED if top <= high), FULL)
    high = (1 << declared.bits) - 1
    if top > high:
        return FULL
    # Small numbers scaled up from fewer bits are whole multiples: then the picture is dark, and meant so.
    scaled = declared.scaled_up and not np.any(values.astype(np.uint16) % (1 << (16 - declared.bits)))
    return FULL if scaled else high


def _declared(image: Image.Image, data: bytes) -> Declared | None:
    """Return what a file says of the range of its numbers, None where it says nothing."""
    if image.format == "PNG":
        bits = _significant_bits(data)
        return Declared(bits, scaled_up=True) if bits in range(1, 17) else None
    tags = getattr(image, "tag_v2", {})
    bits = max(tags.get(_BITS_PER_SAMPLE, (8,)))
    if bits in range(9, 16):
        return Declared(bits, scaled_up=False)
    # Some programs write the largest number of this very picture here: only a whole number of bits is a range.
    tops = tags.get(_MAX_SAMPLE_VALUE, 0)
    top = max(tops) if isinstance(tops, tuple) else tops
    return next((Declared(bits, scaled_up=False) for bits in range(9, 16) if top == (1 << bits) - 1), None)


def _significant_bits(data: bytes) -> int | None:
    """Return the bits of a PNG's sBIT chunk, which stands before the pixels and which Pillow does not read."""
    at = 8
    while at + 8 <= len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        if name == b"sBIT":
            colours = data[at + 8 : at + 8 + min(length, 3 if length > 2 else 1)]
            return max(colours, default=None)
        if name == b"IDAT":
            return None
        at += 12 + length
    return None
