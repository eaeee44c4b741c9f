"""Pictures of things from the Noto Color Emoji font, trimmed, recoloured and cached.

Notable: some glyphs bring their own tile of sea or snow (surfers, skiers); the tile is keyed out so that the
thing can stand in a painted scene. The font has no full-body zebra, so the horse gets stripes.
"""

from __future__ import annotations

import colorsys
import functools
import hashlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont, features

from algcn.kit.errors import InputError

DEFAULT_FONT = "/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf"
FONT_SHA256 = "e5899ed38b8ed83e08bd3ac5de09791e9d19d288333a796de1d35ad17396f1ec"
STRIKE = 109
OPAQUE = 128
SKIN_TONES = ("", "\U0001f3fb", "\U0001f3fc", "\U0001f3fd", "\U0001f3fe", "\U0001f3ff")
VARIATION = "\ufe0f"

SHIRT_HUES = {
    "red": (0.99, 0.80, 0.86),
    "blue": (0.59, 0.75, 0.88),
    "yellow": (0.13, 0.80, 0.98),
    "green": (0.40, 0.75, 0.68),
    "pink": (0.93, 0.55, 0.95),
    "white": (0.10, 0.04, 0.95),
    "teal": (0.50, 0.80, 0.70),
    "purple": (0.74, 0.60, 0.80),
    "orange": (0.07, 0.85, 0.95),
    "navy": (0.62, 0.65, 0.45),
}


class GlyphBook:
    """The glyphs of one font file, each drawn once."""

    def __init__(self, font_path: str | Path) -> None:
        path = Path(font_path)
        if not path.is_file():
            raise InputError(
                f"The font {path} is missing; install Debian's fonts-noto-color-emoji "
                "(apt-get install fonts-noto-color-emoji) or pass --font PATH to NotoColorEmoji.ttf."
            )
        if not features.check("raqm"):
            raise InputError("This Pillow has no raqm text layout, needed for joined emoji; install the Pillow wheel.")
        try:
            self._font = ImageFont.truetype(str(path), STRIKE)
        except OSError as error:
            raise InputError(
                f"{path} is not a font with a {STRIKE} px colour strike ({error}); pass NotoColorEmoji.ttf."
            ) from None
        self.sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        self._cell = self._font.getlength("\U0001f697")
        self.get = functools.lru_cache(maxsize=None)(self._get)

    def _draw(self, text: str) -> Image.Image:
        """RGBA picture of one emoji (a sequence must join to one glyph), trimmed to what is visible."""
        if self._font.getlength(text) > self._cell * 1.2:
            raise InputError(f"The font has no single picture for {text!r}; use Debian's fonts-noto-color-emoji.")
        picture = Image.new("RGBA", (round(self._cell) + 4, 140), (0, 0, 0, 0))
        ImageDraw.Draw(picture).text((0, 0), text, font=self._font, embedded_color=True)
        return picture

    def _get(self, text: str, *, shirt: str | None = None, paint: str | None = None, key: str | None = None):
        """One emoji as a trimmed RGBA image.

        Args:
            text: The emoji; a joined sequence is fine.
            shirt: Recolours the default purple, teal or orange clothes, see `SHIRT_HUES`.
            paint: Turns every saturated colour to this one (vehicles, kites), see `SHIRT_HUES`.
            key: "sea" or "snow" removes the glyph's own background tile, "runway" and "sand" what lies below,
                "zebra" paints stripes, "night" darkens a screen.
        """
        picture = self._draw(text)
        if key is not None:
            picture = KEYS[key](picture)
        if shirt is not None:
            picture = recolour_shirt(picture, shirt)
        if paint is not None:
            picture = recolour_all(picture, paint)
        return trim(picture)


def trim(picture: Image.Image) -> Image.Image:
    """Cut away the transparent margin."""
    box = picture.getchannel("A").point(lambda a: 255 if a > 10 else 0).getbbox()
    return picture.crop(box) if box else picture


def _hsv(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Hue, saturation, value (each H × W in 0..1) of an H × W × 3 float array in 0..255."""
    high, low = pixels.max(-1), pixels.min(-1)
    span = np.maximum(high - low, 1e-6)
    red, green, blue = pixels[..., 0], pixels[..., 1], pixels[..., 2]
    hue = np.where(
        high == red,
        ((green - blue) / span) % 6,
        np.where(high == green, (blue - red) / span + 2, (red - green) / span + 4),
    )
    return hue / 6, (high - low) / np.maximum(high, 1e-6), high / 255


def _toward(pixels: np.ndarray, mask: np.ndarray, colour: str, reference: float) -> np.ndarray:
    """Give masked pixels `colour`, keeping how light each one was relative to `reference`."""
    hue, saturation, value = SHIRT_HUES[colour]
    target = np.array(colorsys.hsv_to_rgb(hue, saturation, value)) * 255
    luminance = pixels @ np.array([0.3, 0.59, 0.11])
    shade = np.clip(luminance / max(reference, 1.0), 0.45, 1.5)[..., None]
    painted = np.where(shade <= 1, target * shade, target + (255 - target) * (shade - 1) * 0.8)
    return np.where(mask[..., None], np.clip(painted, 0, 255), pixels)


def recolour_shirt(picture: Image.Image, colour: str) -> Image.Image:
    """Recolour the font's default clothes (purple, teal, orange) without touching skin and hair."""
    data = np.asarray(picture, dtype=np.float64).copy()
    hue, saturation, value = _hsv(data[..., :3])
    purple = (hue > 0.68) & (hue < 0.80) & (saturation > 0.5)
    teal = (hue > 0.42) & (hue < 0.50) & (saturation > 0.5)
    mask = (purple | teal) & (data[..., 3] > 0) & (value > 0.2)
    if mask.any():
        reference = float(np.median((data[..., :3] @ np.array([0.3, 0.59, 0.11]))[mask]))
        data[..., :3] = _toward(data[..., :3], mask, colour, reference)
    return Image.fromarray(np.round(data).astype(np.uint8), "RGBA")


def recolour_all(picture: Image.Image, colour: str) -> Image.Image:
    """Repaint the body colour (the saturated reds, oranges, yellows, blues and greens that are not glass)."""
    data = np.asarray(picture, dtype=np.float64).copy()
    _, saturation, value = _hsv(data[..., :3])
    mask = (saturation > 0.55) & (value > 0.35) & (data[..., 3] > 0)
    if mask.any():
        reference = float(np.median((data[..., :3] @ np.array([0.3, 0.59, 0.11]))[mask]))
        data[..., :3] = _toward(data[..., :3], mask, colour, reference)
    return Image.fromarray(np.round(data).astype(np.uint8), "RGBA")


def _flood(allowed: np.ndarray, start: np.ndarray) -> np.ndarray:
    """The part of `allowed` (H × W bool) connected to `start`."""
    reached = start & allowed
    while True:
        grown = reached.copy()
        grown[1:] |= reached[:-1]
        grown[:-1] |= reached[1:]
        grown[:, 1:] |= reached[:, :-1]
        grown[:, :-1] |= reached[:, 1:]
        grown &= allowed
        if (grown == reached).all():
            return reached
        reached = grown


def _cut(picture: Image.Image, remove: np.ndarray) -> Image.Image:
    """Clear `remove` (H × W bool) and soften the new edge by half a pixel."""
    data = np.array(picture)
    alpha = data[..., 3].astype(np.float64)
    keep = (~remove).astype(np.float64)
    padded = np.pad(keep, 1, mode="edge")
    soft = sum(padded[i : i + keep.shape[0], j : j + keep.shape[1]] for i in range(3) for j in range(3)) / 9
    alpha *= np.where(remove, 0.0, np.clip(soft * 1.6 - 0.35, 0, 1))
    solid = np.pad(alpha > 24, 1)
    block = solid[:-1, :-1] & solid[1:, :-1] & solid[:-1, 1:] & solid[1:, 1:]
    # What is one pixel thin after the cut is the tile's antialiased rim.
    thick = block[:-1, :-1] | block[1:, :-1] | block[:-1, 1:] | block[1:, 1:]
    data[..., 3] = np.round(alpha * thick).astype(np.uint8)
    return Image.fromarray(data, "RGBA")


def _key_sea(picture: Image.Image) -> Image.Image:
    data = np.asarray(picture, dtype=np.float64)
    red, green, blue = data[..., 0], data[..., 1], data[..., 2]
    water = (blue > red + 50) & (green > red + 28) & (blue > 120) & (blue > green + 8)
    return _cut(picture, water & (data[..., 3] > 0))


def _key_snow(picture: Image.Image) -> Image.Image:
    data = np.asarray(picture, dtype=np.float64)
    snow = (data[..., :3].min(-1) > 168) & (data[..., 2] >= data[..., 0] - 4) & (data[..., 3] > 0)
    visible = data[..., 3] > 0
    rows, columns = np.where(visible)
    border = np.zeros_like(visible)
    border[rows.max() - 2 : rows.max() + 1] = True
    border[:, columns.max() - 2 : columns.max() + 1] = True
    border[:, columns.min() : columns.min() + 2] = True
    flooded = _flood(snow, border)
    grown = flooded.copy()
    near = (data[..., :3].min(-1) > 140) & visible
    for _ in range(2):
        grown[1:] |= grown[:-1].copy()
        grown[:-1] |= grown[1:].copy()
        grown[:, 1:] |= grown[:, :-1].copy()
        grown[:, :-1] |= grown[:, 1:].copy()
        grown &= flooded | near
    return _cut(picture, grown)


def _key_largest(picture: Image.Image) -> Image.Image:
    """Keep only the largest connected piece (the aeroplane above its runway)."""
    data = np.array(picture)
    left = data[..., 3] > 20
    best = np.zeros_like(left)
    while left.any():
        start = np.zeros_like(left)
        start[tuple(np.argwhere(left)[0])] = True
        piece = _flood(left, start)
        left &= ~piece
        if piece.sum() > best.sum():
            best = piece
    data[..., 3] = np.where(best, data[..., 3], 0)
    return Image.fromarray(data, "RGBA")


def _key_sand(picture: Image.Image) -> Image.Image:
    """Drop the sand under the beach umbrella."""
    data = np.asarray(picture, dtype=np.float64)
    hue, saturation, _ = _hsv(data[..., :3])
    rows = np.arange(data.shape[0])[:, None]
    sand = (hue > 0.03) & (hue < 0.16) & (saturation > 0.3) & (rows > data.shape[0] * 0.62)
    return _cut(picture, sand)


def _key_waterline(picture: Image.Image) -> Image.Image:
    """Drop the strip of water a rower or swimmer comes with."""
    data = np.asarray(picture, dtype=np.float64)
    hue, saturation, value = _hsv(data[..., :3])
    rows = np.arange(data.shape[0])[:, None]
    water = (hue > 0.52) & (hue < 0.60) & (saturation > 0.55) & (value > 0.7) & (rows > data.shape[0] * 0.5)
    return _cut(picture, water)


def _key_zebra(picture: Image.Image) -> Image.Image:
    """A zebra from the galloping horse: white coat, dark mane and muzzle, curved stripes."""
    data = np.asarray(picture, dtype=np.float64).copy()
    visible = data[..., 3] > 0
    luminance = data[..., :3] @ np.array([0.3, 0.59, 0.11])
    dark = luminance < 125
    rows, columns = np.mgrid[0 : data.shape[0], 0 : data.shape[1]]
    top, bottom = np.where(visible)[0].min(), np.where(visible)[0].max()
    height = (rows - top) / max(bottom - top, 1)
    legs = height > 0.66
    bend = 10 * (height - 0.4) ** 2 * 8
    phase = np.where(legs, rows * 0.95 + columns * 0.25, columns * 0.62 + bend + rows * 0.10)
    stripe = np.sin(phase) > 0.12
    coat = np.clip(luminance[..., None] / 190, 0.55, 1.05) * np.array([246.0, 243.0, 238.0])
    black = np.array([38.0, 36.0, 40.0])
    painted = np.where((stripe & ~dark)[..., None], black, coat)
    painted = np.where(dark[..., None], black, painted)
    data[..., :3] = np.where(visible[..., None], np.clip(painted, 0, 255), data[..., :3])
    return Image.fromarray(np.round(data).astype(np.uint8), "RGBA")


def _key_smoke(picture: Image.Image) -> Image.Image:
    """Drop the grey wisps above a locomotive, which the scene paints itself."""
    data = np.asarray(picture, dtype=np.float64)
    _, saturation, value = _hsv(data[..., :3])
    rows = np.arange(data.shape[0])[:, None]
    smoke = (saturation < 0.1) & (value > 0.4) & (rows < data.shape[0] * 0.26)
    return _cut(picture, smoke)


def _key_olive(picture: Image.Image) -> Image.Image:
    """Drop the dove's olive branch: a bird, not a symbol."""
    data = np.asarray(picture, dtype=np.float64)
    hue, saturation, _ = _hsv(data[..., :3])
    return _cut(picture, (hue > 0.12) & (hue < 0.45) & (saturation > 0.22))


KEYS = {
    "olive": _key_olive,
    "sea": _key_sea,
    "snow": _key_snow,
    "largest": _key_largest,
    "sand": _key_sand,
    "waterline": _key_waterline,
    "zebra": _key_zebra,
    "smoke": _key_smoke,
}
