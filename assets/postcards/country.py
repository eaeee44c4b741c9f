"""Farm and mountain lake."""

from __future__ import annotations

import random

import numpy as np

from assets.postcards import cast, paint, props
from assets.postcards.captions import Place
from assets.postcards.glyphs import GlyphBook
from assets.postcards.kinds import pick_light
from assets.postcards.land import fence_along, hills, meadow, open_air, snowy_peaks
from assets.postcards.light import LIGHTS, sky
from assets.postcards.paint import HEIGHT, blend, colour
from assets.postcards.shore import SEA, afloat
from assets.postcards.stage import Stage


def farm(rng: random.Random, book: GlyphBook, wanted: set[str]) -> tuple[Stage, Place]:
    """Pasture, barn, fields in rows, and the animals."""
    stage, light, horizon = open_air(rng, book, pick_light(rng, wanted), (92, 112), 16, 3.7)
    if "mountain" in wanted:
        snowy_peaks(stage, horizon + 4, rng.uniform(50, 66), 4)
        stage.labels.add("mountain")
    hills(stage, horizon + 4, ("#8aa878", "#9db56a"), 17)
    # Ploughed or sown strips on the far slope.
    far = paint.ridge(rng, horizon + 18, 8, 260)
    band = paint.below(far)
    stage.lay(light.far("#d9bd62", 0.2), band)
    stripes = np.clip(np.sin((paint.XS - 192) / (0.9 + (paint.YS - horizon + 30) / 26)) * 2, 0, 1)
    stage.lay(light.far("#a99b4a", 0.15), band * stripes * 0.55)
    mask = meadow(stage, paint.ridge(rng, horizon + 40, 8, 300), "#86b84e", "#5c9a3a", 300)
    stage.labels |= {"field", "grass"}
    if "barn" in wanted:
        x = rng.uniform(80, 304)
        stage.put(
            props.barn(rng.choice(("#b5382e", "#b5382e", "#a8552c"))),
            x,
            horizon + 42,
            7.0,
            labels=("building",),
            noun="barn",
            haze=0.08,
        )
    if "house" in wanted:
        cast.place(stage, "garden house", horizon + 38, horizon + 46, grow=0.9)
    for _ in range(rng.choice((1, 2, 3))):
        cast.place(stage, rng.choice(("tree", "tree", "pine")), horizon + 34, horizon + 52, grow=0.85)
    if "fence" in wanted:
        fence_along(stage, rng.uniform(178, 188))
    herd = rng.choice((2, 3, 3, 4))
    low, high = 190, HEIGHT - 14
    does = {
        "cow": ("grazing", "standing", "eating grass"),
        "sheep": ("grazing", "standing in the grass", "eating grass"),
        "horse": ("running", "galloping"),
    }
    for name in ("cow", "sheep", "horse", "goat", "pig", "rooster"):
        if name not in wanted:
            continue
        count = herd if name in ("cow", "sheep") else rng.choice((1, 2))
        for _ in range(count):
            pick = (
                rng.choice(("cow", "cow", "cow", "bull"))
                if name == "cow"
                else rng.choice(("sheep", "sheep", "ram"))
                if name == "sheep"
                else name
            )
            cast.place(stage, pick, low, high, does.get(name, ("standing in the grass",)))
    if "dog" in wanted:
        cast.place(
            stage, rng.choice(("brown dog", "dog", "sitting dog")), 216, high, ("standing", "watching the animals")
        )
    if "tractor" in wanted:
        cast.place(stage, "tractor", 190, 250, ("driving across the field", "parked in the field"))
    if "truck" in wanted:
        cast.place(stage, "pickup", 196, 240, ("parked in the grass", "parked in the field"))
    if "person" in wanted:
        cast.person(stage, 196, high, rng.choice(("stand", "walk")))
    if "sunflower" in wanted:
        y = HEIGHT - 6
        for row in range(2):
            for i in range(9):
                cast.place(
                    stage,
                    "sunflower",
                    at=(18 + i * 44 + row * 20 + rng.uniform(-5, 5), y - 12 + row * 12),
                    labels=("flower",),
                    noun="sunflower",
                )
        paint.tufts(stage.canvas, rng, 250, [light.on("#3f7a2c")], 120, mask)
    if "bird" in wanted:
        cast.birds_above(stage, rng.choice((2, 3)), 14, horizon - 26)
    if horizon > 96:
        stage.labels.add("sky")
    return stage, Place(
        at=("in a field", "on a farm", "in a green pasture", "in a grassy field", "on the grass"),
        a=("a farm", "a green field", "a grassy pasture", "a field on a farm", "the countryside"),
        when=light.phrases,
        behind=(
            ("with a barn in the background", "near a red barn")
            if "barn" in wanted
            else ("with trees in the background",)
        )
        + (("with mountains in the background",) if "mountain" in wanted else ()),
    )


def lake(rng: random.Random, book: GlyphBook, wanted: set[str]) -> tuple[Stage, Place]:
    """Mountains mirrored in a lake, pines on the shore, a canoe or hikers."""
    light = LIGHTS[pick_light(rng, wanted)]
    horizon = rng.uniform(122, 134)
    stage = Stage(rng, book, light, horizon - 26, camera=4.4)
    sun = rng.uniform(60, 324)
    sky(stage.canvas, rng, light, horizon, sun)
    snowy_peaks(
        stage, horizon, rng.uniform(84, 104), rng.choice((2, 3, 4)), rng.choice(("#5f7290", "#6d7f9c", "#7a7f92"))
    )
    stage.lay(light.far("#3f6b55", 0.35), paint.below(paint.ridge(rng, horizon - 2, 13, 90, 0.4)))
    shore = rng.uniform(182, 202)
    above = stage.canvas[: int(horizon)][::-1].copy()
    far, near = (colour(tone) for tone in SEA[light.name])
    rows = int(min(HEIGHT - int(horizon), above.shape[0]))
    mirror = np.zeros_like(stage.canvas)
    mirror[int(horizon) : int(horizon) + rows] = above[:rows]
    mirror[int(horizon) + rows :] = above[rows - 1]
    for y in range(int(horizon), HEIGHT):
        mirror[y] = np.roll(mirror[y], rng.choice((-1, 0, 0, 1)) * (1 + (y - int(horizon)) // 22), axis=0)
    under = paint.band(horizon, HEIGHT + 2)
    stage.lay(mirror, under)
    stage.lay(paint.gradient([(horizon, blend(far, near, 0.3)), (shore, near)]), under * 0.42)
    paint.glints(stage.canvas, rng, horizon + 4, shore + 10, light.on("#f2faff", 0.6), 70, 0.35)
    stage.lay(light.on("#e8eef2"), paint.band(horizon - 0.4, horizon + 0.9) * 0.5)
    bank = shore + 10 - paint.ridge(rng, 0, 9, 250) + np.abs(paint.XS[0] - 192) * rng.uniform(-0.05, -0.02)
    stage.lay(light.on("#9a8a68"), paint.below(bank - 3))
    mask = meadow(stage, bank, "#7fae55", "#56883a", 280)
    stage.labels |= {"mountain", "water", "sky"}
    ground = float(bank.max()) + 8
    if "boat" in wanted:
        for _ in range(rng.choice((1, 1, 2))):
            name = rng.choice(("canoe", "canoe", "sailboat"))
            if name == "canoe" and rng.random() < 0.5:
                x, y = stage.spot(horizon + 34, shore - 8, 2.0)
                rower = stage.glyph(
                    "🚣" + rng.choice(cast.TONES) + rng.choice((cast.FEMALE, cast.MALE)),
                    key="waterline",
                    shirt=rng.choice(("red", "blue", "yellow", "green")),
                )
                rower = rower.crop((0, 0, rower.width, round(rower.height * 0.86)))
                stage.put(
                    rower,
                    x,
                    y,
                    2.1,
                    labels=("person", "boat"),
                    noun="person",
                    does=("rowing a boat", "in a small boat", "rowing across the water"),
                    shadow="water",
                    haze=0.0,
                )
            else:
                cast.float_on(
                    stage,
                    name,
                    horizon + 30,
                    shore - 10,
                    ("on the water", "floating on the lake", "floating"),
                    grow=0.9 if name == "canoe" else 0.7,
                )
    elif "bird" in wanted:
        for _ in range(rng.choice((2, 3))):
            afloat(stage, rng.choice(("duck", "swan")), horizon + 50, shore - 4)
    for _ in range(rng.choice((2, 3, 4, 5))):
        side = rng.choice(((4, 120), (264, 380)))
        cast.place(
            stage,
            "pine",
            ground - 8,
            ground + 20,
            spot={"left": side[0], "right": side[1]},
            grow=rng.uniform(0.5, 0.95),
            noun="pine tree",
            labels=("tree",),
        )
    if "tent" in wanted:
        tent = cast.place(stage, "tent", ground + 10, 262, ("pitched by the lake",), spot={"left": 60, "right": 324})
        if light.late:
            stage.put(
                stage.glyph("🔥"),
                tent.x + tent.sprite.width * 0.9,
                tent.base + 6,
                0.8,
                noun="campfire",
                glowing=True,
                shadow=None,
            )
    if "cabin" in wanted:
        cast.place(
            stage,
            "hut",
            ground + 4,
            ground + 16,
            noun="cabin",
            labels=("building",),
            spot={"left": 40, "right": 344},
            grow=0.95,
        )
    if "horse" in wanted:
        for _ in range(rng.choice((1, 2))):
            cast.place(stage, "horse", ground + 14, HEIGHT - 12, ("running", "galloping"))
    if "sheep" in wanted:
        for _ in range(rng.choice((2, 3, 4))):
            cast.place(stage, rng.choice(("sheep", "goat")), ground + 12, HEIGHT - 10, ("grazing", "standing"))
    if "dog" in wanted:
        cast.dog_walk(stage, ground + 22, HEIGHT - 10)
    elif "person" in wanted:
        for _ in range(rng.choice((1, 2))):
            cast.person(stage, ground + 18, HEIGHT - 10, "walk", ("hiking", "walking"))
    if "bicycle" in wanted:
        cast.person(
            stage, ground + 22, HEIGHT - 10, "cycle", ("riding a bicycle", "riding a bike"), labels=("bicycle",)
        )
    if "bench" in wanted:
        x, y = stage.spot(ground + 14, HEIGHT - 18, 1.0, 1.8)
        cast.furniture(stage, "bench", x, y, "#9a6b42", does=("overlooking the lake",))
    if "flower" in wanted:
        paint.specks(
            stage.canvas, rng, ground, [light.on("#ffffff"), light.on("#f6c945"), light.on("#d978c0")], 190, 2.2, mask
        )
        stage.labels.add("flower")
    if "bird" in wanted and "boat" in wanted:
        cast.birds_above(stage, rng.choice((2, 3)), 16, 60)
    return stage, Place(
        at=("by a mountain lake", "near a lake", "by the lake", "beside a lake in the mountains", "in the mountains"),
        a=("a mountain lake", "a lake surrounded by mountains", "a lake in front of snowy mountains", "a calm lake"),
        when=light.phrases,
        behind=("with mountains in the background", "with snowy mountains behind", "below the mountains"),
    )
