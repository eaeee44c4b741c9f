"""Painted backgrounds: skies, ridges, water, ground, and the weather in front of them.

A canvas is a float64 array 288 × 384 × 3 in 0..255. Everything random comes from the scene's own generator. Only
exactly rounded arithmetic touches whole canvases (no exp or power on pixels), so that another processor paints
the same bytes.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

WIDTH, HEIGHT = 384, 288
Colour = Sequence[float]
YS = np.arange(HEIGHT, dtype=np.float64)[:, None]
XS = np.arange(WIDTH, dtype=np.float64)[None, :]
_BUFFER = np.empty(WIDTH * HEIGHT)


def colour(text: str) -> np.ndarray:
    """`#rrggbb` as three floats in 0..255."""
    return np.array([int(text[i : i + 2], 16) for i in (1, 3, 5)], dtype=np.float64)


def blend(first: Colour, second: Colour, share: float) -> np.ndarray:
    """`first` and `second` mixed; `share` 0 gives the first, 1 the second."""
    return np.asarray(first, dtype=np.float64) * (1 - share) + np.asarray(second, dtype=np.float64) * share


def gradient(stops: Sequence[tuple[float, Colour]]) -> np.ndarray:
    """A vertical gradient (288 × 384 × 3) through colours at heights given in pixels from the top."""
    at = [stop[0] for stop in stops]
    column = np.stack([np.interp(YS[:, 0], at, [stop[1][c] for stop in stops]) for c in range(3)], axis=-1)
    return np.repeat(column[:, None, :], WIDTH, axis=1)


def lay(canvas: np.ndarray, what: Colour | np.ndarray, mask: np.ndarray) -> None:
    """Blend a colour or a picture into the canvas, in place, by a mask in 0..1 (288 × 384)."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return
    window = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    part, shares = canvas[window], mask[window]
    what = np.asarray(what, dtype=canvas.dtype)
    # Fresh arrays of this size cost more (page faults) than the arithmetic: one buffer serves all.
    change = _BUFFER[: part.shape[0] * part.shape[1]].reshape(part.shape[:2])
    for channel in range(3):
        source = what[channel] if what.ndim == 1 else what[window][..., channel]
        np.subtract(source, part[..., channel], out=change)
        np.multiply(change, shares, out=change)
        part[..., channel] += change


def add(canvas: np.ndarray, change: np.ndarray) -> None:
    """Lighten (or darken) all channels by a field (288 × 384)."""
    for channel in range(3):
        canvas[..., channel] += change


def below(profile: np.ndarray) -> np.ndarray:
    """Antialiased mask of what lies below a ridge given as a y for every column."""
    return np.clip(YS - profile[None, :] + 0.5, 0, 1)


def polygon(points: Sequence[tuple[float, float]], soft: float = 0) -> np.ndarray:
    """Antialiased mask of a polygon, optionally blurred by `soft` pixels."""
    return strokes(lambda draw, k: draw.polygon([(x * k, y * k) for x, y in points], fill=255), soft)


def rectangle(a: float, b: float, c: float, d: float) -> np.ndarray:
    """Antialiased mask of a rectangle."""
    across = np.clip(np.minimum(XS - a + 0.5, c - XS + 0.5), 0, 1)
    down = np.clip(np.minimum(YS - b + 0.5, d - YS + 0.5), 0, 1)
    return across * down


def band(top: float, bottom: float) -> np.ndarray:
    """Antialiased mask of a level strip from edge to edge of the picture."""
    return rectangle(-2, top, WIDTH + 2, bottom)


def strokes(draw_on: Callable[[ImageDraw.ImageDraw, int], None], soft: float = 0) -> np.ndarray:
    """Antialiased mask of whatever `draw_on(draw, k)` draws at k times the size."""
    sheet = Image.new("L", (WIDTH * 3, HEIGHT * 3), 0)
    draw_on(ImageDraw.Draw(sheet), 3)
    sheet = sheet.reduce(3)
    if soft:
        sheet = sheet.filter(ImageFilter.GaussianBlur(soft))
    return np.asarray(sheet, dtype=np.float64) / 255


def joints(numbers: range, far: float, near: float, top: float, levels: Sequence[float] = ()) -> np.ndarray:
    """Mask of the lines between boards or slabs: `far` pixels apart at `top`, `near` at the bottom; and level ones."""

    def draw(on: ImageDraw.ImageDraw, k: int) -> None:
        for i in numbers:
            ends = [((192 + (i - 6) * far) * k, top * k), ((192 + (i - 6) * near) * k, HEIGHT * k)]
            on.line(ends, fill=255, width=k)
        for y in levels:
            on.line([(0, y * k), (WIDTH * k, y * k)], fill=255, width=k)

    return strokes(draw)


def noise(rng: random.Random, cell: float, stretch: float = 1.0) -> np.ndarray:
    """Smooth noise in -1..1 (288 × 384) with blobs of about `cell` pixels, `stretch` times as wide as high."""
    rows, columns = int(HEIGHT / cell) + 3, int(WIDTH / (cell * stretch)) + 3
    grid = np.frombuffer(rng.randbytes(rows * columns), dtype=np.uint8).reshape(rows, columns)
    sheet = Image.fromarray(grid).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
    return np.asarray(sheet, dtype=np.float64) / 127.5 - 1


def ridge(rng: random.Random, base: float, rise: float, wave: float = 160, rough: float = 0.0) -> np.ndarray:
    """A hill line: summed sines of falling height, `rough` adds the jagged octaves of rock."""
    profile = np.zeros(WIDTH)
    for octave in range(6 if rough else 3):
        length = wave / 1.9**octave
        size = (0.5 if octave < 2 else rough or 0.5) ** octave if octave else 1.0
        phase = rng.uniform(0, 2 * math.pi)
        angle = np.array([math.sin(2 * math.pi * x / length + phase) for x in range(WIDTH)])
        profile += size * (2 * np.abs(angle) - 1 if rough and octave else angle)
    return base - rise * (0.55 + 0.45 * profile / 1.6)


def peaks(rng: random.Random, base: float, rise: float, count: int) -> np.ndarray:
    """A mountain line: pointed peaks, the rock between them broken by midpoint displacement."""
    points = [(-30.0, base - rise * rng.uniform(0.2, 0.5))]
    for i in range(count):
        x = (i + rng.uniform(0.3, 0.7)) * WIDTH / count
        points.append((x - WIDTH / count * 0.45, base - rise * rng.uniform(0.15, 0.45)))
        points.append((x, base - rise * rng.uniform(0.65, 1.0)))
    points.append((WIDTH + 30.0, base - rise * rng.uniform(0.2, 0.5)))
    points.sort()
    jag = rise * 0.16
    for _ in range(4):
        between = [
            ((a[0] + b[0]) / 2, (a[1] + b[1]) / 2 + rng.uniform(-jag, jag)) for a, b in itertools.pairwise(points)
        ]
        points = sorted(points + between)
        jag *= 0.52
    xs, ys = zip(*points, strict=True)
    return np.interp(XS[0], xs, ys)


def glow(x: float, y: float, radius: float) -> np.ndarray:
    """A soft round light, 1 at its centre, half at `radius`; rational, so that it is exact everywhere."""
    reach = ((XS - x) * (XS - x) + (YS - y) * (YS - y)) / (radius * radius)
    return 1 / (1 + reach + reach * reach * 0.5)


def disc(x: float, y: float, radius: float) -> np.ndarray:
    """An antialiased disc."""
    return np.clip(radius - np.sqrt((XS - x) * (XS - x) + (YS - y) * (YS - y)) + 0.5, 0, 1)


def clouds(
    canvas: np.ndarray, rng: random.Random, count: int, horizon: float, light: Colour, dark: Colour, opacity: float
) -> None:
    """Heaps of cloud with flat feet, smaller and flatter towards the horizon."""
    for _ in range(count):
        y = rng.uniform(16, max(20, horizon * 0.72))
        nearness = 1 - 0.6 * y / max(horizon, 1)
        span = rng.uniform(44, 96) * nearness
        x = rng.uniform(-10, WIDTH + 10)
        lumps = rng.randint(5, 8)
        blobs = []
        for i in range(lumps):
            t = (i + 0.5) / lumps * 2 - 1
            radius = span * (0.20 + 0.16 * rng.random()) * (1 - 0.55 * t * t) + 2
            blobs.append((x + t * span * 0.7, y - radius * 0.45, radius))

        def draw(on: ImageDraw.ImageDraw, k: int, blobs=blobs, foot=y + span * 0.06) -> None:
            for bx, by, r in blobs:
                on.ellipse([(bx - r) * k, (by - r * 0.8) * k, (bx + r) * k, (by + r * 0.8) * k], fill=255)
            on.rectangle([0, foot * k, WIDTH * k, HEIGHT * k], fill=0)

        mask = strokes(draw, soft=1.1)
        shade = np.clip((YS - (y - span * 0.32)) / (span * 0.40), 0, 1)
        body = np.asarray(light) * (1 - shade[..., None]) + np.asarray(dark) * shade[..., None]
        lay(canvas, np.broadcast_to(body, canvas.shape), mask * opacity)


def streak_clouds(canvas: np.ndarray, rng: random.Random, horizon: float, tone: Colour, opacity: float) -> None:
    """Thin bands of cloud, as at sunset."""
    field = noise(rng, 13, stretch=9) + 0.5 * noise(rng, 6, stretch=10)
    mask = np.clip(field * 1.1 - 0.15, 0, 1) * np.clip((horizon - YS) / 50, 0, 1) * np.clip(YS / 30, 0, 1)
    lay(canvas, tone, mask * opacity)


def stars(canvas: np.ndarray, rng: random.Random, count: int, horizon: float) -> None:
    """Stars of different brightness and warmth, fewer near the horizon."""
    for _ in range(count):
        x, y = rng.randrange(1, WIDTH - 1), int(rng.random() ** 1.3 * horizon)
        if not 1 <= y < HEIGHT - 1:
            continue
        bright = 60 + 195 * rng.random() ** 3
        tint = np.array([1.0, rng.uniform(0.9, 1.0), rng.uniform(0.82, 1.0)])
        canvas[y, x] = np.minimum(255, canvas[y, x] + bright * tint)
        if bright > 150:
            for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0)):
                canvas[y + dy, x + dx] = np.minimum(255, canvas[y + dy, x + dx] + bright * 0.32 * tint)


def glints(
    canvas: np.ndarray,
    rng: random.Random,
    top: float,
    bottom: float,
    tone: Colour,
    count: int,
    opacity: float = 0.5,
    centre: float | None = None,
    width: float = 40.0,
) -> None:
    """Short level strokes of light on water, longer and sparser towards the viewer; around `centre` if given."""

    def draw(on: ImageDraw.ImageDraw, k: int) -> None:
        for _ in range(count):
            t = rng.random() ** 1.4
            y = top + 1 + t * (bottom - top)
            x = rng.uniform(0, WIDTH) if centre is None else rng.gauss(centre, width * (0.35 + t))
            length = (2 + 13 * t) * rng.uniform(0.5, 1.4)
            thick = 0.5 + 1.1 * t
            on.ellipse([(x - length) * k, (y - thick / 2) * k, (x + length) * k, (y + thick / 2) * k], fill=255)

    lay(canvas, tone, strokes(draw) * opacity)


def sea(
    canvas: np.ndarray, rng: random.Random, top: float, bottom: float, far: Colour, near: Colour, glint: Colour
) -> None:
    """Open water between two heights: gradient, swell and glints."""
    mask = np.clip(YS - top + 0.5, 0, 1) * np.clip(bottom - YS + 0.5, 0, 1)
    lay(canvas, gradient([(top, far), (bottom, near)]), np.broadcast_to(mask, canvas.shape[:2]))
    swell = noise(rng, 5, stretch=9) + noise(rng, 10, stretch=8)
    reach = np.clip((YS - top) / max(bottom - top, 1), 0, 1)
    add(canvas, swell * 7 * reach * mask)
    glints(canvas, rng, top, bottom, glint, 90, 0.34)


def mottle(canvas: np.ndarray, rng: random.Random, mask: np.ndarray, cell: float, strength: float, stretch=3.0) -> None:
    """Lighter and darker patches, for grass, sand, snow and plaster."""
    add(canvas, noise(rng, cell, stretch) * strength * mask)


def tufts(
    canvas: np.ndarray, rng: random.Random, top: float, tones: Sequence[Colour], count: int, mask: np.ndarray | None
) -> None:
    """Small tufts of grass that grow towards the viewer."""
    for tone in tones:

        def draw(on: ImageDraw.ImageDraw, k: int) -> None:
            for _ in range(count // len(tones)):
                t = rng.random() ** 0.8
                x, y = rng.uniform(0, WIDTH), top + t * (HEIGHT - top)
                size = 1.2 + 5.0 * t
                for lean in (-0.5, 0.0, 0.5):
                    tip = (x + lean * size + rng.uniform(-0.6, 0.6), y - size * rng.uniform(0.6, 1.1))
                    on.line([(x * k, y * k), (tip[0] * k, tip[1] * k)], fill=255, width=max(2, round(0.9 * t * k)))

        drawn = strokes(draw)
        lay(canvas, tone, (drawn if mask is None else drawn * mask) * 0.55)


def specks(
    canvas: np.ndarray,
    rng: random.Random,
    top: float,
    tones: Sequence[Colour],
    count: int,
    size: float,
    mask: np.ndarray | None = None,
    opacity: float = 0.8,
    bottom: float = HEIGHT,
) -> None:
    """Dots that grow towards the viewer: meadow flowers, pebbles, leaves, confetti."""
    for tone in tones:

        def draw(on: ImageDraw.ImageDraw, k: int) -> None:
            for _ in range(count // len(tones)):
                t = rng.random()
                x, y = rng.uniform(0, WIDTH), top + t * (bottom - top)
                r = size * (0.35 + 0.65 * t) * rng.uniform(0.6, 1.2)
                on.ellipse([(x - r) * k, (y - r * 0.7) * k, (x + r) * k, (y + r * 0.7) * k], fill=255)

        drawn = strokes(draw)
        lay(canvas, tone, (drawn if mask is None else drawn * mask) * opacity)


def rain(canvas: np.ndarray, rng: random.Random, tone: Colour, count: int = 230) -> None:
    """Slanted streaks of rain, near ones longer."""
    slant = rng.uniform(-0.28, 0.28)

    def draw(on: ImageDraw.ImageDraw, k: int) -> None:
        for _ in range(count):
            x, y, size = rng.uniform(-20, WIDTH + 20), rng.uniform(-10, HEIGHT), rng.uniform(5, 15)
            on.line(
                [(x * k, y * k), ((x + slant * size) * k, (y + size) * k)], fill=rng.randint(120, 255), width=k // 2 + 1
            )

    lay(canvas, tone, strokes(draw) * 0.42)


def snowfall(canvas: np.ndarray, rng: random.Random, count: int = 170) -> None:
    """Flakes of three sizes, the near ones soft."""
    for radius, soft, share in ((0.8, 0.0, 0.6), (1.4, 0.4, 0.3), (2.6, 1.0, 0.1)):

        def draw(on: ImageDraw.ImageDraw, k: int, radius: float = radius, flakes: int = int(count * share)) -> None:
            for _ in range(flakes):
                x, y = rng.uniform(0, WIDTH), rng.uniform(0, HEIGHT)
                r = radius * rng.uniform(0.7, 1.2)
                on.ellipse([(x - r) * k, (y - r) * k, (x + r) * k, (y + r) * k], fill=255)

        lay(canvas, (255.0, 255.0, 255.0), strokes(draw, soft) * 0.85)


def vignette(canvas: np.ndarray, strength: float) -> None:
    """Darken the corners a little."""
    across, down = (XS - WIDTH / 2) / (WIDTH / 2), (YS - HEIGHT / 2) / (HEIGHT / 2)
    reach = np.clip((across * across + down * down) / 2 - 0.25, 0, 1)
    shade = 1 - strength * reach
    for channel in range(3):
        canvas[..., channel] *= shade
