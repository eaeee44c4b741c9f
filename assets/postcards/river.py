"""A river under a stone bridge."""

from __future__ import annotations

import random

import numpy as np

from assets.postcards import cast, paint, props
from assets.postcards.captions import Place
from assets.postcards.glyphs import GlyphBook
from assets.postcards.kinds import pick_light
from assets.postcards.light import LIGHTS, sky
from assets.postcards.paint import HEIGHT, WIDTH
from assets.postcards.shore import afloat, city_shore, water
from assets.postcards.stage import Stage


def river(rng: random.Random, book: GlyphBook, wanted: set[str]) -> tuple[Stage, Place]:
    """A stone bridge over a river in town, boats and ducks below, traffic above."""
    light = LIGHTS[pick_light(rng, wanted)]
    horizon = rng.uniform(112, 124)
    stage = Stage(rng, book, light, horizon - 14, camera=4.6)
    sun = rng.uniform(60, 324)
    sky(stage.canvas, rng, light, horizon, sun)
    stage.lay(light.far("#6f9a7c", 0.45), paint.below(paint.ridge(rng, horizon, 22, 190)))
    if "city" in wanted:
        city_shore(stage, horizon + 1, rng.uniform(44, 72), 0.4)
        stage.labels |= {"city", "building"}
    water(stage, horizon, HEIGHT, sun)
    deck = horizon + rng.uniform(-6, 4)
    stone, shade = light.on("#b9aa95"), light.on("#8f8271")
    foot = horizon + rng.uniform(44, 52)
    body = paint.band(deck, foot)
    arches = np.zeros_like(body)
    spans = rng.choice((2, 3, 3, 4))
    step = WIDTH / spans
    shift = rng.uniform(-0.3, 0.3) * step
    for i in range(-1, spans + 1):
        centre = shift + (i + 0.5) * step
        across = (paint.XS - centre) / (step * 0.41)
        rise = np.sqrt(np.clip(1 - across * across, 0, 1)) * (foot - deck - 13)
        arches = np.maximum(arches, np.where(np.abs(across) < 1, np.clip(paint.YS - (foot - rise) + 0.5, 0, 1), 0))
    # What is seen through an arch is the far water, a little darker under the vault.
    solid = body * (1 - arches)
    stage.lay(light.on("#33424f"), body * arches * 0.30)
    stage.lay(paint.gradient([(deck, stone), (foot, shade)]), solid)
    paint.mottle(stage.canvas, rng, solid, 6, 9, 2)
    stage.lay(light.on("#d8cbb6"), paint.band(deck - 4, deck + 2))
    stage.lay(light.on("#7f7363"), paint.band(deck + 2, deck + 3.4))
    mirror = np.zeros_like(solid)
    rows = int(min(HEIGHT - foot - 2, 34))
    mirror[int(foot) : int(foot) + rows] = solid[int(foot) - rows : int(foot)][::-1]
    stage.lay(light.on("#5c5a58"), mirror * 0.36 * np.clip(1 - (paint.YS - foot) / 40, 0, 1))
    paint.glints(stage.canvas, rng, foot, HEIGHT, light.on("#e8f6ff", 0.6), 60, 0.3)
    stage.labels |= {"bridge", "water"}
    if "bank" in wanted:
        riverside(stage, wanted)
    upper = {"shadow": None, "haze": 0.1, "depth": horizon - 0.5}
    if "train" in wanted:
        x = rng.uniform(60, 150)
        stage.add(
            stage.glyph("🚂", key="smoke"),
            x,
            deck - 3,
            40,
            flip=False,
            labels=("train",),
            noun="train",
            does=("crossing a bridge", "going over a bridge"),
            **upper,
        )
        for i in range(1, 6):
            stage.add(stage.glyph("🚃"), x + i * 39, deck - 3, 29, flip=False, **upper)
    else:
        names = [name for name in ("car", "bus", "bicycle", "truck") if name in wanted]
        x = rng.uniform(30, 70)
        for name in names:
            thing = cast.THINGS[name]
            sprite, _ = cast.sprite_of(stage, thing)
            if name == "bicycle":
                sprite = cast.body(stage, "cycle", rng.random() < 0.5)
            about = {"labels": thing.labels, "noun": thing.noun, "does": ("crossing a bridge", "on a bridge")}
            if name == "bicycle":
                about |= {"labels": ("bicycle", "person"), "noun": "person", "does": ("riding a bike over a bridge",)}
            stage.add(sprite, x, deck - 3, thing.metres * 12.5 + 3, **about, **upper)
            x += rng.uniform(66, 110)
    for _ in range(rng.choice((1, 1, 2, 3))):
        cast.float_on(
            stage,
            rng.choice(("canoe", "canoe", "speedboat", "motorboat", "sailboat")),
            foot + 20,
            HEIGHT - 62,
            ("on the river", "floating down the river", "floating on the water"),
            grow=0.62,
        )
    if "bird" in wanted:
        if rng.random() < 0.6:
            for _ in range(rng.choice((2, 3, 4))):
                afloat(
                    stage, rng.choice(("duck", "duck", "swan")), foot + 40, HEIGHT - (58 if "bank" in wanted else 14)
                )
        else:
            cast.birds_above(stage, 3, 14, deck - 40)
    stage.labels.add("sky")
    return stage, Place(
        at=("on the river", "by a stone bridge", "near a bridge", "on the water"),
        a=("a river with a stone bridge", "a stone bridge over a river", "an old bridge across the water"),
        when=light.phrases,
        behind=("with a city in the background",) if "city" in wanted else ("with hills behind it",),
    )


def riverside(stage: Stage, wanted: set[str]) -> None:
    """A grassy bank in the foreground with somebody on it, a bench, a tree."""
    rng, light = stage.rng, stage.light
    lean = rng.choice((-1, 1)) * rng.uniform(0.04, 0.10)
    bank = 254 + (paint.XS[0] - 192) * lean - paint.ridge(rng, 0, 4, 210)
    stage.lay(light.on("#8a7a58"), paint.below(bank - 3))
    mask = paint.below(bank)
    stage.lay(paint.gradient([(236, light.on("#86b257")), (HEIGHT, light.on("#5c9038"))]), mask)
    paint.mottle(stage.canvas, rng, mask, 6, 7, 3)
    paint.tufts(stage.canvas, rng, 240, [light.on("#3f7030"), light.on("#a5c878")], 120, mask)
    stage.labels.add("grass")
    high = 1 if lean < 0 else -1  # the end of the bank that reaches further up
    x = 192 + high * rng.uniform(120, 160)
    if rng.random() < 0.7:
        stage.add(stage.glyph("🌳"), x, 272, rng.uniform(110, 136), labels=("tree",), noun="tree")
    if "bench" in wanted:
        stage.add(
            props.bench(),
            192 + rng.uniform(-40, 50) * high,
            276,
            36,
            labels=("bench",),
            noun="bench",
            does=("by the river",),
        )
    if "person" in wanted:
        if rng.random() < 0.4:
            cast.dog_walk(stage, 276, 284, {"left": 60, "right": 324})
        else:
            cast.person(
                stage, 274, 284, rng.choice(("stand", "walk")), ("looking at the river", "standing by the river")
            )
