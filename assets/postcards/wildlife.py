"""Savanna and zoo."""

from __future__ import annotations

import random

import numpy as np

from assets.postcards import cast, paint, props
from assets.postcards.captions import Place
from assets.postcards.glyphs import GlyphBook
from assets.postcards.kinds import pick_light
from assets.postcards.land import fence_along, hills, meadow, open_air, pool
from assets.postcards.paint import HEIGHT, WIDTH
from assets.postcards.stage import Stage


def savanna(rng: random.Random, book: GlyphBook, wanted: set[str]) -> tuple[Stage, Place]:
    """Dry grass, flat-topped trees, and the large animals."""
    stage, light, horizon = open_air(rng, book, pick_light(rng, wanted, ("day", "day", "morning")), (104, 122), 14, 4.5)
    hills(stage, horizon + 2, ("#a3a58e", "#b0a878"), rng.uniform(8, 22))
    mask = meadow(stage, horizon + 1, "#d6bd6c", "#b58f3f", 420)
    stage.labels |= {"field", "grass"}
    for _ in range(rng.choice((2, 3, 4))):
        x, y = stage.spot(horizon + 14, horizon + 40, 5.0, 1.4)
        stage.put(props.acacia(), x, y, 5.2, labels=("tree",), noun="tree")
    where = None
    if "water" in wanted:
        x, y, wide, high = rng.uniform(100, 284), rng.uniform(182, 206), rng.uniform(80, 120), rng.uniform(11, 16)
        pool(stage, (x, y), (wide, high), ("#9c7b45", 1.2), light.far("#a9cfe0", 0.2), light.on("#5b9bb8"))

        def where(px: float, py: float) -> bool:
            return ((px - x) / (wide + 20)) ** 2 + ((py - y) / (high + 6)) ** 2 > 1

    for name, counts, does in (
        ("elephant", (1, 2, 2, 3), ("walking", "standing", "walking through the grass")),
        ("giraffe", (1, 2, 2), ("standing", "standing tall")),
        ("zebra", (1, 2, 3, 4), ("running", "galloping")),
        ("rhino", (1,), ("standing",)),
    ):
        if name in wanted:
            for _ in range(rng.choice(counts)):
                low = 182 if name in ("giraffe", "elephant") else 190
                cast.place(
                    stage, name, low, HEIGHT - 22 if name != "giraffe" else 234, does, spot={"where": where}, grow=0.92
                )
    if "truck" in wanted:
        cast.place(
            stage,
            rng.choice(("pickup", "jeep")),
            196,
            256,
            ("driving through the grass", "parked in the grass"),
            spot={"where": where},
        )
    if "bird" in wanted:
        if "water" in wanted and rng.random() < 0.7:
            for i in range(rng.choice((2, 3, 4))):
                cast.place(
                    stage,
                    "flamingo",
                    does=("standing in the water", "wading in the water"),
                    at=(x + (i - 1.5) * 26 + rng.uniform(-6, 6), y + rng.uniform(-3, high * 0.5)),
                )
        else:
            cast.birds_above(stage, rng.choice((2, 3)), 16, horizon - 30)
    if horizon > 110:
        stage.labels.add("sky")
    paint.tufts(stage.canvas, rng, 230, [light.on("#8f7330")], 90, mask)
    return stage, Place(
        at=("on the plains", "in a dry field", "in a grassy field", "on the savanna", "in the grass"),
        a=("a dry grassy field", "the savanna", "an open field", "a grassy plain"),
        when=light.phrases,
        behind=("with trees in the background", "near some trees"),
    )


def zoo(rng: random.Random, book: GlyphBook, wanted: set[str]) -> tuple[Stage, Place]:
    """Animals behind a fence and people looking at them."""
    stage, light, horizon = open_air(rng, book, pick_light(rng, wanted, ("day", "day", "cloudy")), (86, 100), 28, 4.4)
    hedge = np.array([horizon + 4 - abs(6 * np.sin(x / 14.0) + 6 * np.sin(x / 37.0)) for x in range(WIDTH)])
    stage.lay(light.far("#4d8546", 0.2), paint.below(hedge))
    meadow(stage, horizon + 12, "#a9b45c", "#93a04e", 120)
    rail = rng.uniform(204, 214)
    for _ in range(rng.choice((2, 3))):
        cast.place(stage, rng.choice(("tree", "palm", "tree")), horizon + 26, horizon + 44, grow=0.86)
    for _ in range(rng.choice((1, 2))):
        stage.put(stage.glyph("🪨"), *stage.spot(horizon + 44, rail - 20, 1.4, 1.2), 1.3)
    for name, counts, does in (
        ("elephant", (1, 1, 2), ("standing behind a fence", "walking")),
        ("giraffe", (1, 2), ("standing behind a fence", "looking over a fence")),
        ("zebra", (1, 2, 2), ("running",)),
        ("flamingo", (2, 3, 4), ("standing",)),
        ("peacock", (1,), ("showing its feathers",)),
        ("camel", (1,), ("standing behind a fence",)),
    ):
        if name in wanted:
            for _ in range(rng.choice(counts)):
                cast.place(stage, name, rail - 34, rail - 8, does, grow=0.95)
    fence_along(stage, rail, 1.15)
    stage.lay(light.on("#d9cbb0"), paint.band(rail + 3, HEIGHT + 2))
    stage.lay(light.on("#b9a988"), paint.band(rail + 2, rail + 5))
    paint.mottle(stage.canvas, rng, paint.band(rail + 3, HEIGHT + 2), 6, 5, 3)
    doing = ("looking at the animals", "visiting the zoo", "watching the animals")
    count = rng.choice((1, 2, 3)) if "person" in wanted else 0
    for _ in range(count):
        cast.person(
            stage, rail + 20, HEIGHT - 10, rng.choice(("stand", "stand", "walk")), doing, kid=rng.random() < 0.4
        )
    if "bench" in wanted:
        x, y = stage.spot(rail + 22, HEIGHT - 14, 1.0, 1.8)
        cast.furniture(stage, "bench", x, y)
    if "bird" in wanted:
        for _ in range(rng.choice((1, 2))):
            cast.place(stage, "bluebird", rail + 20, HEIGHT - 8, ("standing on the ground",))
    stage.labels |= {"grass"}
    return stage, Place(
        at=("at the zoo", "in a zoo", "at a zoo"),
        a=("a zoo", "a zoo enclosure", "a day at the zoo"),
        when=light.phrases,
        behind=("with trees in the background",),
    )
