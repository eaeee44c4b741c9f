"""Beach and harbour."""

from __future__ import annotations

import math
import random

import numpy as np

from assets.postcards import cast, paint, props
from assets.postcards.captions import Place
from assets.postcards.glyphs import GlyphBook
from assets.postcards.kinds import pick_light
from assets.postcards.light import LIGHTS, sky
from assets.postcards.paint import HEIGHT, WIDTH, blend
from assets.postcards.shore import city_shore, water
from assets.postcards.stage import Stage


def beach(rng: random.Random, book: GlyphBook, wanted: set[str]) -> tuple[Stage, Place]:
    """Sand before the sea: umbrellas, surfers, dogs, kites, boats far out."""
    light = LIGHTS[pick_light(rng, wanted, ("day", "day", "day", "morning", "cloudy"))]
    horizon = rng.uniform(88, 122)
    stage = Stage(rng, book, light, horizon, camera=3.1)
    sun = rng.uniform(60, 324)
    sky(stage.canvas, rng, light, horizon, sun)
    if "hills" in wanted:
        profile = paint.ridge(rng, horizon, rng.uniform(16, 30), 190)
        side = (paint.XS[0] - 192) * rng.choice((-1, 1))
        profile = np.where(side > 0, profile + side * 0.06, profile + 3 - side * 0.35)
        stage.lay(light.far("#5d8f7a", 0.45), paint.below(np.minimum(profile, horizon + 2)))
    shore = horizon + rng.uniform(52, 74)
    slope, phase = rng.uniform(-0.07, 0.07), rng.uniform(0, 6)
    edge = np.array(
        [shore + slope * (x - 192) + 4.5 * math.sin(x / 41 + phase) + 2 * math.sin(x / 17) for x in range(WIDTH)]
    )
    water(stage, horizon, float(edge.max()) + 2, sun)
    wet, dry = light.on("#c79f68"), light.on("#efd39c")
    sand = paint.gradient([(shore - 10, blend(wet, dry, 0.35)), (shore + 34, dry), (HEIGHT, light.on("#e6bf82"))])
    mask = paint.below(edge)
    stage.lay(sand, mask)
    stage.lay(wet, paint.below(edge) * (1 - paint.below(edge + 9)) * 0.55)
    paint.mottle(stage.canvas, rng, mask, 9, 5.5, 4)
    paint.specks(stage.canvas, rng, shore + 20, [light.on("#c29a63"), light.on("#fff1d0")], 150, 1.0, mask, 0.5)
    foam = light.on("#ffffff", 0.7)
    for back, strength in ((0, 0.95), (9, 0.65), (20, 0.45), (33, 0.3)):
        line = edge - back - np.array([2.0 * math.sin(x / 23 + back + phase) for x in range(WIDTH)])
        thick = 2.6 - back * 0.04
        band = paint.below(line - thick) * (1 - paint.below(line))
        stage.lay(foam, band * strength * np.clip(paint.noise(rng, 8, 6) * 0.6 + 0.75, 0, 1))
    stage.labels |= {"beach", "sea", "water"}
    dry_top = float(edge.max()) + 12

    if "boat" in wanted:
        for _ in range(rng.choice((1, 1, 2, 3))):
            cast.float_on(
                stage,
                rng.choice(("sailboat", "sailboat", "speedboat", "motorboat")),
                horizon + 12,
                horizon + 26,
                ("sailing", "out on the water", "on the ocean"),
            )
    if "palm" in wanted:
        left = rng.random() < 0.5
        for i in range(rng.choice((1, 2))):
            x = (24 + i * 34) if left else (360 - i * 34)
            cast.place(stage, "palm", at=(x, dry_top + 10 + i * 9), faces=1 if left else -1)
    if "surfing" in wanted:
        for _ in range(rng.choice((1, 1, 2))):
            surfer = cast.person(
                stage,
                horizon + 36,
                float(edge.min()) - 7,
                "surf",
                ("surfing", "riding a wave", "surfing a wave", "riding a surfboard"),
                labels=("surfing",),
                shadow="water",
                spot={"left": 30, "right": 354},
            )
            y, wide = surfer.base - surfer.sprite.height * 0.05, surfer.sprite.width
            crest = paint.glow(surfer.x, y + 1, wide * 0.5) * paint.rectangle(0, y - 1, WIDTH, y + 4)
            stage.lay(foam, np.clip(crest * 1.3, 0, 1) * 0.85)
            surfer.haze *= 0.5
    if "umbrella" in wanted:
        for _ in range(rng.choice((1, 1, 2, 3))):
            parasol = cast.place(stage, "beach umbrella", dry_top + 14, HEIGHT - 22)
            if rng.random() < 0.5:
                side = rng.choice((-1, 1))
                at = parasol.x + side * parasol.sprite.width * 0.42, parasol.base + 7
                cast.person(
                    stage,
                    pose="meditate",
                    does=("sitting under an umbrella", "sitting on the sand", "relaxing"),
                    at=at,
                    needs=(parasol,),
                )
    if "dog" in wanted:
        if rng.random() < 0.6:
            cast.dog_walk(stage, dry_top + 8, HEIGHT - 14)
        else:
            name = rng.choice(("dog", "brown dog", "poodle", "sitting dog"))
            cast.place(stage, name, dry_top + 10, HEIGHT - 14, ("standing", "playing in the sand"))
    if "horse" in wanted:
        cast.place(stage, "horse", dry_top + 10, HEIGHT - 30, ("running", "galloping"))
    if "kite" in wanted:
        cast.kite_flyer(stage, dry_top + 10, HEIGHT - 20)
    if "frisbee" in wanted:
        runner = cast.person(stage, dry_top + 12, HEIGHT - 20, "run", spot={"left": 40, "right": 344})
        cast.frisbee_for(stage, runner, (50, 80), (-6, 12))
    if "person" in wanted:
        for _ in range(rng.choice((1, 2, 2, 3))):
            pose, does = rng.choice(
                (
                    ("walk", ("walking", "walking along the shore")),
                    ("run", ("running", "jogging")),
                    ("stand", ("standing",)),
                )
            )
            cast.person(stage, dry_top, HEIGHT - 12, pose, does, kid=rng.random() < 0.25)
    if "bird" in wanted:
        cast.birds_above(stage, rng.choice((2, 3, 4)), 20, horizon - 16, gulls=True)
    if rng.random() < 0.3:
        y = rng.uniform(dry_top + 20, HEIGHT - 8)
        stage.put(stage.glyph(rng.choice(("🐚", "🦀", "🪣"))), rng.uniform(20, 364), y, 0.32)
    if horizon > 86:
        stage.labels.add("sky")
    return stage, Place(
        at=("on the beach", "at the beach", "on a sandy beach", "by the ocean", "by the sea"),
        a=("a sandy beach", "a beach by the ocean", "the beach", "a wide beach", "the seashore"),
        when=light.phrases,
        behind=("with the ocean in the background", "with waves rolling in"),
    )


def harbour(rng: random.Random, book: GlyphBook, wanted: set[str]) -> tuple[Stage, Place]:
    """Boats on calm water before a quay, with gulls and a pier."""
    light = LIGHTS[pick_light(rng, wanted)]
    horizon = rng.uniform(92, 116)
    stage = Stage(rng, book, light, horizon, camera=4.2)
    sun = rng.uniform(60, 324)
    sky(stage.canvas, rng, light, horizon, sun)
    if "mountain" in wanted:
        profile = paint.peaks(rng, horizon, rng.uniform(46, 62), 3)
        stage.lay(light.far("#6c7f9a", 0.5), paint.below(profile))
        stage.labels.add("mountain")
    else:
        stage.lay(light.far("#6f9a7c", 0.5), paint.below(paint.ridge(rng, horizon, 14, 210)))
    if "city" in wanted:
        city_shore(stage, horizon + 1, rng.uniform(34, 56))
        stage.labels |= {"city", "building"}
    water(stage, horizon + 1, HEIGHT, sun)
    stage.lay(light.far("#7d7466", 0.35), paint.band(horizon - 1, horizon + 3))
    if "houses" in wanted:
        x = rng.uniform(0, 60)
        while x < WIDTH - 20:
            sprite = stage.glyph(rng.choice(("🏠", "🏡", "🏘️", "⛪", "🏛️")))
            stage.add(
                sprite,
                x,
                horizon + 2,
                rng.uniform(26, 36),
                labels=("building",),
                noun="house",
                shadow=None,
                haze=0.2,
                depth=horizon + 1,
            )
            x += rng.uniform(34, 90)
    if "lighthouse" in wanted:
        x = rng.choice((rng.uniform(24, 70), rng.uniform(314, 360)))
        rock = np.array([horizon + 6 - max(0.0, 15 - abs(i - x) * 0.42) for i in range(WIDTH)])
        stage.lay(light.far("#6e665c", 0.15), paint.below(rock) * paint.band(0, horizon + 6))
        stage.add(
            props.lighthouse(),
            x,
            horizon - 5,
            rng.uniform(66, 82),
            labels=("building",),
            noun="lighthouse",
            shadow=None,
            haze=0.1,
            depth=horizon + 2,
        )
    pier_y = None
    if "pier" in wanted:
        pier_y = pier(stage)
    stage.labels |= {"harbor", "water"}
    names = {"ship": "ship", "ferry": "ferry"}
    for name in names:
        if name in wanted:
            cast.float_on(
                stage,
                name,
                horizon + 24,
                horizon + 34,
                ("anchored in the harbor", "on the water", "anchored"),
                grow=0.95,
                spot={"left": 20, "right": 364},
            )
    for _ in range(rng.choice((2, 3, 3, 4))):
        name = rng.choice(("sailboat", "sailboat", "motorboat", "speedboat", "motorboat"))
        cast.float_on(
            stage,
            name,
            horizon + 30,
            226,
            ("on the water", "floating on the water", "floating", "anchored"),
            spot={"where": (lambda x, y: y < pier_y - 34) if pier_y else None},
            grow=0.8,
        )
    if "person" in wanted and pier_y:
        for _ in range(rng.choice((1, 2, 2))):
            if "dog" in wanted and rng.random() < 0.6:
                cast.dog_walk(stage, pier_y + 10, HEIGHT - 12)
            else:
                cast.person(
                    stage,
                    pier_y + 10,
                    HEIGHT - 10,
                    rng.choice(("stand", "walk")),
                    ("standing on a pier", "on the pier"),
                )
    if "bench" in wanted and pier_y:
        cast.furniture(stage, "bench", rng.uniform(60, 324), pier_y + 14)
    if "bird" in wanted:
        cast.birds_above(stage, rng.choice((2, 3, 4)), 16, horizon - 20, gulls=True)
        if pier_y and rng.random() < 0.4:
            cast.place(stage, "goose", pier_y + 8, HEIGHT - 10, ("standing on the pier",))
    stage.labels.add("sky")
    return stage, Place(
        at=("in the harbor", "in a harbor", "near the dock", "by the pier" if pier_y else "in the bay", "in a marina"),
        a=("a harbor", "a quiet harbor", "a marina", "a busy harbor", "a small harbor"),
        when=light.phrases,
        behind=tuple(
            phrase
            for want, phrase in (
                ("mountain", "with mountains in the background"),
                ("city", "with the city behind it"),
                ("city", "in front of a city skyline"),
                ("houses", "with houses along the shore"),
            )
            if want in wanted
        ),
    )


def pier(stage: Stage) -> float:
    """A wooden pier across the foreground; returns the y of its far edge."""
    rng, light = stage.rng, stage.light
    y = rng.uniform(228, 240)
    stage.lay(light.on("#22303c"), paint.band(y - 3, y + 9) * 0.35)
    stage.lay(paint.gradient([(y, light.on("#b08a5f")), (HEIGHT, light.on("#c79c6b"))]), paint.band(y, HEIGHT + 2))

    def boards(on, k: int) -> None:
        for i in range(-16, 33):
            x = 192 + (i - 8) * 17
            far = 192 + (i - 8) * 17 * 0.62
            on.line([(far * k, y * k), (x * k * 1.0, HEIGHT * k)], fill=255, width=k)

    stage.lay(light.on("#7d5c39"), paint.strokes(boards) * paint.band(y, HEIGHT + 2) * 0.7)
    stage.lay(light.on("#6b4c2e"), paint.band(y - 1, y + 2.5))
    for x in range(rng.randint(8, 40), WIDTH, rng.randint(64, 90)):
        stage.lay(light.on("#5b4028"), paint.rectangle(x, y - 11, x + 7, y + 3))
        stage.lay(light.on("#8d6a45"), paint.rectangle(x, y - 12, x + 7, y - 9))
    return y
