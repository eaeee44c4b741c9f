"""Land that several scenes share: the open air, meadows, pools, hills, paths, fences, snowy mountains."""

from __future__ import annotations

import random

import numpy as np

from assets.postcards import paint, props
from assets.postcards.glyphs import GlyphBook
from assets.postcards.light import LIGHTS, Light, sky
from assets.postcards.paint import HEIGHT, WIDTH, Colour, blend, colour
from assets.postcards.stage import Stage


def meadow(stage: Stage, top: np.ndarray | float, tone: str, near: str, blades: int = 260) -> np.ndarray:
    """Grass from a ridge down to the viewer; returns its mask."""
    rng, light = stage.rng, stage.light
    profile = np.full(WIDTH, float(top)) if np.isscalar(top) else top
    mask = paint.below(profile)
    start = float(profile.min())
    stage.lay(
        paint.gradient([(start, light.far(tone, 0.22)), (start + 60, light.on(tone)), (HEIGHT, light.on(near))]), mask
    )
    paint.mottle(stage.canvas, rng, mask, 12, 8, 3.5)
    paint.mottle(stage.canvas, rng, mask, 5, 4, 2.5)
    paint.tufts(
        stage.canvas,
        rng,
        start + 34,
        [blend(light.on(near), (20, 40, 10), 0.3), blend(light.on(tone), (255, 255, 180), 0.3)],
        blades,
        mask,
    )
    return mask


def open_air(
    rng: random.Random, book: GlyphBook, light: str, heights: tuple[float, float], below: float, camera: float
) -> tuple[Stage, Light, float]:
    """A stage with its sky painted: the skyline between two `heights`, the eye's level `below` pixels above it."""
    horizon = rng.uniform(*heights)
    stage = Stage(rng, book, LIGHTS[light], horizon - below, camera)
    sky(stage.canvas, rng, stage.light, horizon)
    return stage, stage.light, horizon


def pool(
    stage: Stage, at: tuple[float, float], size: tuple[float, float], rim: tuple[str, float], far: Colour, near: Colour
) -> np.ndarray:
    """An oval of still water with a rim of earth (its colour and how far it reaches); returns the water's mask."""
    (x, y), (wide, high) = at, size
    reach = ((paint.XS - x) / wide) * ((paint.XS - x) / wide) + ((paint.YS - y) / high) * ((paint.YS - y) / high)
    mask = np.clip((1 - reach) * high * 0.6, 0, 1)
    stage.lay(stage.light.on(rim[0]), np.clip((rim[1] - reach) * high * 0.6, 0, 1))
    stage.lay(paint.gradient([(y - high, far), (y + high, near)]), mask)
    stage.labels.add("water")
    return mask


def hills(stage: Stage, base: float, tones: tuple[str, ...] = ("#7fa08a", "#76a06a"), rise: float = 20) -> None:
    """Two soft ridges fading into the air."""
    for i, tone in enumerate(tones):
        profile = paint.ridge(stage.rng, base, rise * (1 - 0.4 * i), 170 - 30 * i)
        stage.lay(stage.light.far(tone, 0.55 - 0.28 * i), paint.below(profile))


def path_across(stage: Stage, tone: str, y: float, wide: float) -> None:
    """A path that winds across the ground."""
    curve = paint.ridge(stage.rng, y + 6, 10, 300)
    reach = np.linspace(0.7, 1.1, WIDTH)
    stage.lay(stage.light.on(tone), paint.below(curve) * (1 - paint.below(curve + wide * reach)))
    stage.lay(
        blend(stage.light.on(tone), (80, 60, 30), 0.35),
        paint.below(curve + wide * reach - 1.6) * (1 - paint.below(curve + wide * reach)),
    )


def fence_along(stage: Stage, y: float, metres: float = 1.1) -> None:
    """A rail fence from edge to edge of the picture."""
    sprite = props.fence()
    x = -6.0
    while x < WIDTH:
        piece = stage.put(sprite, x, y, metres, flip=False, shadow="contact")
        piece.left = round(x)
        x += piece.sprite.width - 2


def snowy_peaks(stage: Stage, horizon: float, rise: float, count: int, tone: str = "#6d7f9c") -> np.ndarray:
    """Mountains with lit and shaded flanks and snow above a ragged line."""
    rng, light = stage.rng, stage.light
    profile = paint.peaks(rng, horizon, rise, count)
    mask = paint.below(profile)
    slope = np.gradient(profile)
    flank = np.clip(np.convolve(slope, np.ones(9) / 9, mode="same") * 0.9 + 0.5, 0, 1)
    rock = blend(light.far(tone, 0.25), (0, 0, 20), 0.12)
    lit = light.far(tone, 0.42)
    if light.dark:  # moonlit, or only the snow would show against the sky, caps floating on nothing
        rock, lit = blend(rock, colour("#5a6ca8"), 0.34), blend(lit, colour("#7486c4"), 0.42)
    shade = paint.noise(rng, 9, 0.7) * 0.22 + paint.noise(rng, 4, 0.6) * 0.12
    lay = np.clip(flank[None, :] + shade, 0, 1)
    body = np.asarray(rock)[None, None, :] * lay[..., None] + np.asarray(lit)[None, None, :] * (1 - lay[..., None])
    stage.lay(body, mask)
    line = horizon - rise * 0.52 + paint.ridge(rng, 0, 9, 30, 0.6)[None, :] * 0.9
    snow = np.clip((line - paint.YS + shade * 26) / 3, 0, 1) * mask
    white, blue = light.far("#ffffff", 0.08), light.far("#b9cbe2", 0.15)
    cover = np.asarray(blue)[None, None, :] * lay[..., None] + np.asarray(white)[None, None, :] * (1 - lay[..., None])
    stage.lay(cover, snow)
    return profile
