"""A tiled bathroom."""

from __future__ import annotations

import random

import numpy as np

from assets.postcards import cast, paint, props
from assets.postcards.captions import Place
from assets.postcards.glyphs import GlyphBook
from assets.postcards.interior import pet, rug, wall_clock, window
from assets.postcards.light import LIGHTS
from assets.postcards.paint import HEIGHT, WIDTH, blend, colour
from assets.postcards.stage import Stage


def bathroom(rng: random.Random, book: GlyphBook, wanted: set[str]) -> tuple[Stage, Place]:
    """Tiles, a tub, a toilet, a sink with a mirror."""
    stage = Stage(rng, book, LIGHTS["indoors"], horizon=30, camera=4.0)
    floor = rng.uniform(184, 194)
    tone = colour(rng.choice(("#bfe0e2", "#cfe3d2", "#e4dcea", "#d7e3ef", "#f0e2d0", "#b9d3e0")))
    stage.canvas[:] = paint.gradient([(0, blend(tone, (255, 255, 255), 0.4)), (floor, tone)])
    cell = rng.choice((18, 22, 26))
    grout = blend(tone, (255, 255, 255), 0.65)
    for i in range(int(WIDTH / cell) + 1):
        stage.lay(grout, paint.rectangle(i * cell, 40, i * cell + 1.4, floor))
    for y in np.arange(40, floor, cell):
        stage.lay(grout, paint.rectangle(-2, float(y), WIDTH + 2, float(y) + 1.4))
    stage.lay(blend(tone, (40, 90, 120), 0.5), paint.band(36, 42))
    ground = blend(tone, (90, 100, 110), 0.45)
    mask = paint.band(floor, HEIGHT + 2)
    stage.lay(
        paint.gradient([(floor, blend(ground, (0, 0, 0), 0.12)), (HEIGHT, blend(ground, (255, 255, 255), 0.25))]), mask
    )
    wave = (paint.XS - 192) / np.maximum((paint.YS - 60) / 100, 0.1) / 22
    rows = 900.0 / np.maximum(paint.YS - 60, 1)
    check = np.where((np.floor(wave) + np.floor(rows)) % 2 == 0, 1.0, 0.0)
    stage.lay(blend(ground, (255, 255, 255), 0.6), mask * check * 0.55)
    stage.lay((255, 255, 255), paint.band(floor - 6, floor))
    side = rng.choice((-1, 1))
    if "window" in wanted:
        window(stage, 192 + side * 20 - 60, 52, 56, 62, False)
    tub_x = 192 - side * rng.uniform(84, 100)
    bath = "bather" in wanted
    stage.add(
        stage.glyph("🛀" + rng.choice(cast.TONES) if bath else "🛁"),
        tub_x,
        floor + 40,
        132,
        flip=side < 0,
        labels=("person",) if bath else (),
        noun="person" if bath else "bathtub",
        does=("taking a bath", "in a bathtub", "sitting in a bathtub") if bath else ("by the wall",),
    )
    stage.labels.add("bathroom")
    sink_x = 192 + side * rng.uniform(56, 70)
    stage.add(props.sink(), sink_x, floor + 22, 82, flip=None, noun="sink")
    stage.add(
        stage.glyph("🪞"),
        sink_x,
        104,
        64,
        flip=False,
        noun="mirror",
        depth=1,
        shadow=None,
        does=("hanging above a sink",),
    )
    if "toilet" in wanted:
        stage.add(stage.glyph("🚽"), 192 + side * rng.uniform(132, 146), floor + 40, 92, flip=side < 0, noun="toilet")
    rug(stage, 192, 250, 90)
    if "clock" in wanted:
        wall_clock(stage, tub_x, 72)
    if "plant" in wanted:
        stage.add(stage.glyph("🪴"), 192 + side * rng.uniform(2, 14), floor + 26, 56, noun="potted plant")
    if "cat" in wanted:
        pet(
            stage, rng.choice(("cat", "black cat")), 240, HEIGHT - 8, ("standing on the floor", "on the bathroom floor")
        )
    if "dog" in wanted:
        pet(
            stage,
            rng.choice(("poodle", "sitting dog", "dog")),
            240,
            HEIGHT - 8,
            ("waiting for a bath", "on the bathroom floor"),
        )
    if "person" in wanted:
        cast.person(stage, 238, HEIGHT - 8, "stand", ("standing by a sink",), kid=rng.random() < 0.4)
    if rng.random() < 0.4:
        stage.put(stage.glyph(rng.choice(("🧺", "🧻", "🪣"))), *stage.spot(236, HEIGHT - 10, 0.6), 0.6)
    return stage, Place(
        at=("in a bathroom", "in the bathroom"),
        a=("a bathroom", "a clean bathroom", "a tiled bathroom", "a bathroom with a sink and a mirror"),
    )
