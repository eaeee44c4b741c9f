"""What waterside scenes share: water, a far skyline, swimming birds."""

from __future__ import annotations

from assets.postcards import cast, paint
from assets.postcards.paint import HEIGHT, WIDTH, blend, colour
from assets.postcards.stage import Stage

SEA = {
    "day": ("#4aa3cf", "#1f78b4"),
    "morning": ("#8fbcd0", "#4c8fb5"),
    "sunset": ("#e59a72", "#6b5a8e"),
    "dusk": ("#8a6a92", "#2e3768"),
    "night": ("#24376f", "#0d173d"),
    "cloudy": ("#8fa9b8", "#56788e"),
    "rain": ("#8395a1", "#4f6676"),
}


def water(stage: Stage, top: float, bottom: float, sun: float) -> None:
    """Sea or harbour water in the scene's light, with the sun's or moon's path on it."""
    light = stage.light
    far, near = (colour(tone) for tone in SEA[light.name])
    glint = {"sunset": "#ffd9a0", "night": "#8fa6e0", "dusk": "#d7a2a8"}.get(light.name, "#e8f6ff")
    paint.sea(stage.canvas, stage.rng, top, bottom, far, near, colour(glint))
    if light.name in ("sunset", "night", "morning"):
        paint.glints(stage.canvas, stage.rng, top, bottom, colour(glint), 170, 0.62, centre=sun, width=26)


def city_shore(stage: Stage, top: float, tallest: float, share: float = 0.5) -> None:
    """A far skyline standing on the horizon, windows lit after dark."""
    rng, light = stage.rng, stage.light
    x = -6.0
    while x < WIDTH:
        wide = rng.uniform(9, 24)
        high = rng.uniform(0.2, 1.0) ** 1.6 * tallest + 4
        tone = light.far(rng.choice(("#8493a6", "#a3978c", "#75879c", "#9a8f9e", "#b3a79a")), share)
        box = paint.rectangle(x, top - high, x + wide, top + 1)
        stage.lay(tone, box)
        if wide > 12:
            windows(stage, x, top - high, wide, high, 3.2, 0.5 if light.dark else 0.0)
        x += wide * rng.uniform(0.75, 1.1)


def windows(stage: Stage, x: float, y: float, wide: float, high: float, cell: float, lit: float) -> None:
    """Small windows on a far building, some of them lit."""
    rng, light = stage.rng, stage.light
    dark = light.on("#4a5d75", 0.8)
    warm = colour("#ffdf94")
    for row in range(1, int(high / (cell * 1.4))):
        for column in range(1, int(wide / cell)):
            a, b = int(x + column * cell), int(y + row * cell * 1.4)
            if 0 <= a < WIDTH - 1 and 0 <= b < HEIGHT - 2 and rng.random() < 0.8:
                if rng.random() < lit:
                    stage.canvas[b : b + 2, a] = warm
                elif not light.dark:
                    stage.canvas[b : b + 2, a] = blend(stage.canvas[b, a], dark, 0.35)


def afloat(stage: Stage, name: str, low: float, high: float, spot: dict | None = None) -> None:
    """A duck or a swan swimming: its legs are under water."""
    thing = cast.THINGS[name]
    x, y = stage.spot(low, high, thing.metres, **(spot or {}))
    sprite = stage.glyph(thing.glyph)
    keep = 0.80 if name == "duck" else 0.95
    sprite = sprite.crop((0, 0, sprite.width, round(sprite.height * keep)))
    stage.put(
        sprite,
        x,
        y,
        thing.metres * keep,
        labels=thing.labels,
        noun=thing.noun,
        shadow="water",
        does=("swimming", "swimming in the water", "floating on the water"),
    )
