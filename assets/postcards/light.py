"""The light of a scene: sky colours, the tint on things, haze, and where shadows fall."""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np

from assets.postcards import paint
from assets.postcards.paint import blend, colour


@dataclass(frozen=True)
class Light:
    """One time of day or weather.

    `tint` multiplies the colours of things; `shadow` is (sideways, away from the viewer, darkness) of the shadow
    of something one unit high: a sun in the picture throws shadows towards the viewer (negative second number).
    """

    name: str
    sky: tuple[str, ...]
    tint: tuple[float, float, float]
    haze: str
    shadow: tuple[float, float, float]
    phrases: tuple[str, ...]

    @property
    def dark(self) -> bool:
        """Whether lamps and windows are lit."""
        return self.name in ("night", "dusk")

    @property
    def late(self) -> bool:
        """Whether the label "night" (evening, dusk, sunset) is true."""
        return self.name in ("night", "dusk", "sunset")

    def on(self, tone: str | np.ndarray, share: float = 1.0) -> np.ndarray:
        """A colour as it looks in this light."""
        base = colour(tone) if isinstance(tone, str) else np.asarray(tone, dtype=np.float64)
        return np.clip(base * (1 + (np.array(self.tint) - 1) * share), 0, 255)

    def far(self, tone: str | np.ndarray, distance: float) -> np.ndarray:
        """A colour seen through `distance` (0 near … 1 far) of air."""
        return blend(self.on(tone), colour(self.haze), distance)


LIGHTS = {
    light.name: light
    for light in (
        Light(
            "day",
            ("#2f8fe0", "#79bff0", "#d3edfb"),
            (1, 1, 1),
            "#cfe6f4",
            (0.55, 0.20, 0.30),
            ("on a sunny day", "under a blue sky", "on a clear day", "in the sunshine"),
        ),
        Light(
            "morning",
            ("#6aa6dd", "#b4d2ec", "#ffe3c2"),
            (1.0, 0.97, 0.92),
            "#efe0d0",
            (0.9, 0.16, 0.26),
            ("in the morning", "early in the morning", "in the soft morning light"),
        ),
        Light(
            "sunset",
            ("#44508f", "#b5658f", "#f78d58", "#ffd684"),
            (1.0, 0.84, 0.74),
            "#f2ab84",
            (-0.45, -0.30, 0.34),
            ("at sunset", "as the sun goes down", "under an orange sky", "at sunset"),
        ),
        Light(
            "dusk",
            ("#1b2350", "#474182", "#a3628c", "#ec9f7c"),
            (0.62, 0.60, 0.80),
            "#7d6590",
            (0.3, 0.12, 0.18),
            ("at dusk", "in the evening", "after sunset"),
        ),
        Light(
            "night",
            ("#060a20", "#0f1a45", "#26376f"),
            (0.45, 0.51, 0.78),
            "#1d2a58",
            (0.3, 0.14, 0.30),
            ("at night", "under the stars", "on a clear night"),
        ),
        Light(
            "cloudy",
            ("#93a7ba", "#bccad5", "#e0e7ea"),
            (0.93, 0.95, 0.98),
            "#cfd8de",
            (0.2, 0.10, 0.12),
            ("on a cloudy day", "under a grey sky", "on an overcast day"),
        ),
        Light(
            "rain",
            ("#5d6e80", "#81919f", "#aab7bf"),
            (0.77, 0.82, 0.90),
            "#98a6b0",
            (0.1, 0.06, 0.12),
            ("in the rain", "on a rainy day", "on a wet day"),
        ),
        Light(
            "snowing",
            ("#a9bacd", "#cbd6e2", "#e8eef4"),
            (0.90, 0.94, 1.0),
            "#dbe4ec",
            (0.2, 0.10, 0.14),
            ("while it is snowing", "on a snowy day", "as snow falls"),
        ),
        Light("indoors", ("#ffffff", "#ffffff"), (1.0, 0.98, 0.95), "#efe6da", (0.35, 0.10, 0.24), ("",)),
        Light("lamplight", ("#ffffff", "#ffffff"), (0.86, 0.76, 0.66), "#8a6a50", (0.4, 0.10, 0.28), ("",)),
    )
}


def sky(canvas: np.ndarray, rng: random.Random, light: Light, horizon: float, sun: float | None = None) -> None:
    """Paint the sky down to a little below the horizon; `sun` is the x of the sun or moon."""
    tones = [light_tone for light_tone in map(colour, light.sky)]
    steps = [(horizon * i / (len(tones) - 1), tone) for i, tone in enumerate(tones)]
    if len(tones) == 4:
        steps = [(horizon * at, tone) for at, tone in zip((0.0, 0.45, 0.82, 1.02), tones, strict=True)]
    canvas[:] = paint.gradient([*steps, (paint.HEIGHT, tones[-1])])
    sun = rng.uniform(50, paint.WIDTH - 50) if sun is None else sun
    if light.name in ("day", "morning"):
        y = horizon * (rng.uniform(0.16, 0.34) if light.name == "day" else 0.7)
        paint.lay(canvas, (255, 250, 225), paint.glow(sun, y, 46) * 0.55)
        paint.lay(canvas, (255, 252, 236), paint.disc(sun, y, 12))
        if rng.random() < 0.85:
            lit, shade = ("#ffffff", "#d5e4f0") if light.name == "day" else ("#fff6ea", "#e3cfc6")
            paint.clouds(canvas, rng, rng.randint(2, 4), horizon, colour(lit), colour(shade), 0.93)
    elif light.name == "sunset":
        y = horizon * rng.uniform(0.70, 0.90)
        paint.lay(canvas, (255, 222, 150), paint.glow(sun, y, 70) * 0.75)
        paint.streak_clouds(canvas, rng, horizon, colour("#8a4f86"), 0.50)
        paint.lay(canvas, (255, 240, 205), paint.disc(sun, y, rng.uniform(14, 19)))
    elif light.name == "dusk":
        paint.streak_clouds(canvas, rng, horizon, colour("#37305f"), 0.55)
        paint.stars(canvas, rng, 50, horizon * 0.55)
    elif light.name == "night":
        haze = np.clip(paint.noise(rng, 34, 2.2) - 0.05, 0, 1) * np.clip(1 - paint.YS / max(horizon, 1), 0, 1)
        paint.lay(canvas, colour("#3c4c96"), haze * 0.5)
        paint.stars(canvas, rng, 190, horizon)
        y = horizon * rng.uniform(0.2, 0.38)
        paint.lay(canvas, (220, 228, 255), paint.glow(sun, y, 26) * 0.5)
        crescent = rng.random() < 0.5
        moon = paint.disc(sun, y, 13) * (1 - paint.disc(sun + 6, y - 3, 11.5) if crescent else 1.0)
        paint.lay(canvas, (246, 244, 226), moon)
        if not crescent:
            for dx, dy, r in ((-4, -3, 3.2), (4, 2, 2.4), (-1, 6, 2.0), (5, -5, 1.6)):
                paint.lay(canvas, (222, 218, 200), paint.disc(sun + dx, y + dy, r) * 0.8)
    else:
        lit, shade = {"cloudy": ("#f1f4f6", "#a9b8c4"), "rain": ("#9aa8b4", "#64748a")}.get(
            light.name, ("#f3f6fa", "#bccada")
        )
        paint.lay(canvas, colour(lit), np.clip(paint.noise(rng, 24, 3.2) * 0.8 + 0.1, 0, 1) * 0.35)
        paint.clouds(canvas, rng, rng.randint(4, 6), horizon, colour(lit), colour(shade), 0.75)
