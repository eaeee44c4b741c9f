"""A park: lawn, trees, a path or a pond."""

from __future__ import annotations

import random

import numpy as np

from assets.postcards import cast, paint
from assets.postcards.captions import Place
from assets.postcards.glyphs import GlyphBook
from assets.postcards.kinds import pick_light
from assets.postcards.land import hills, meadow, open_air, path_across, pool
from assets.postcards.paint import HEIGHT, WIDTH
from assets.postcards.shore import afloat, city_shore
from assets.postcards.stage import Stage


def park(rng: random.Random, book: GlyphBook, wanted: set[str]) -> tuple[Stage, Place]:
    """Lawn, trees, a path, sometimes a pond; dogs, kites, frisbees, bicycles."""
    stage, light, horizon = open_air(rng, book, pick_light(rng, wanted), (92, 116), 16, 3.8)
    if "city" in wanted:
        city_shore(stage, horizon + 3, rng.uniform(46, 74), 0.5)
        stage.labels |= {"city", "building"}
    else:
        hills(stage, horizon + 3)
    autumn = "autumn" in wanted
    treeline = np.array([horizon + 1 - abs(3 * np.sin(x / 9.0) + 5 * np.sin(x / 31.0 + horizon)) for x in range(WIDTH)])
    stage.lay(light.far("#b5793a" if autumn else "#4f8a47", 0.28), paint.below(treeline))
    mask = meadow(stage, horizon + 4, "#86bb55" if not autumn else "#b3b057", "#5fa03c" if not autumn else "#94943f")
    stage.labels |= {"park", "grass"}
    where = None
    if "pond" in wanted:
        x, y, wide, high = rng.uniform(90, 294), rng.uniform(166, 184), rng.uniform(90, 125), rng.uniform(17, 24)
        pond = pool(stage, (x, y), (wide, high), ("#8a7a55", 1.13), light.on("#9cc9dc"), light.on("#3f86ad"))
        stage.lay(light.on("#e8f6ff"), pond * np.clip(paint.noise(rng, 4, 9) - 0.35, 0, 1) * 0.5)
        for _ in range(rng.choice((2, 3, 3))):
            afloat(
                stage,
                rng.choice(("duck", "duck", "swan")),
                y - high * 0.2,
                y + high * 0.7,
                {"left": x - wide * 0.6, "right": x + wide * 0.6},
            )

        def where(px: float, py: float) -> bool:
            return ((px - x) / (wide + 26)) ** 2 + ((py - y) / (high + 7)) ** 2 > 1
    else:
        path_across(stage, "#d8c49a", rng.uniform(196, 216), rng.uniform(22, 30))
    spot = {"where": where}
    for _ in range(rng.choice((2, 3, 4))):
        kind = rng.choice(("tree", "tree", "pine")) if not autumn else "tree"
        cast.place(stage, kind, horizon + 22, 176, spot=spot, grow=0.86)
    if "bench" in wanted:
        x, y = stage.spot(190, 250, 1.0, 1.8, **spot)
        seat = cast.furniture(
            stage, "bench", x, y, grow=1.05, does=("by the path",) if "pond" not in wanted else ("by the pond",)
        )
        if rng.random() < 0.35:
            cast.place(
                stage,
                rng.choice(("cat", "black cat")),
                does=("sitting by a bench",),
                at=(x + seat.sprite.width * 0.7, y + 6),
            )
    if "flower" in wanted:
        tones = [light.on(tone) for tone in rng.sample(("#f2f2ff", "#f7c948", "#e85d75", "#b07be0", "#ff8fb8"), 2)]
        paint.specks(stage.canvas, rng, 200, tones, 110, 1.9, mask)
        y = rng.uniform(262, 282)
        x = rng.uniform(20, 250)
        for i in range(rng.choice((4, 5, 6, 7))):
            cast.place(
                stage,
                rng.choice(("tulip", "tulip", "hyacinth")),
                at=(x + i * rng.uniform(15, 20), y + rng.uniform(-5, 4)),
            )
    if "dog" in wanted:
        if rng.random() < 0.55:
            cast.dog_walk(stage, 196, HEIGHT - 14, spot)
        else:
            cast.place(
                stage,
                rng.choice(("dog", "brown dog", "poodle", "sitting dog")),
                200,
                HEIGHT - 14,
                ("standing in the grass", "playing in the grass"),
                spot=spot,
            )
    if "kite" in wanted:
        cast.kite_flyer(stage, 196, HEIGHT - 16, spot)
    if "frisbee" in wanted:
        runner = cast.person(stage, 200, HEIGHT - 18, "run", spot={"left": 40, "right": 344, **spot})
        cast.frisbee_for(stage, runner, (46, 76), (-4, 10))
    if "bicycle" in wanted:
        if rng.random() < 0.65:
            cast.person(
                stage, 200, HEIGHT - 16, "cycle", ("riding a bicycle", "riding a bike"), labels=("bicycle",), spot=spot
            )
        else:
            cast.place(stage, "bicycle", 190, HEIGHT - 20, ("parked in the grass",), spot=spot)
    if "skateboard" in wanted and "pond" not in wanted:
        cast.on_skateboard(stage, 206, 222, spot)
    if "soccer" in wanted:
        player = cast.person(
            stage, 210, HEIGHT - 16, "run", kid=rng.random() < 0.6, spot={"left": 40, "right": 344, **spot}
        )
        side = 1 if rng.random() < 0.5 else -1
        ball = stage.add(
            stage.glyph("⚽"),
            player.x + side * player.sprite.width * 0.75,
            player.base + 2,
            max(9, player.sprite.height * 0.19),
            labels=("soccer",),
            noun="soccer ball",
        )
        player.does, player.needs = ("playing soccer", "kicking a soccer ball", "running after a soccer ball"), (ball,)
    if "person" in wanted:
        for _ in range(rng.choice((1, 2))):
            pose, does = rng.choice(
                (
                    ("walk", ("walking",)),
                    ("run", ("jogging", "running")),
                    ("meditate", ("sitting on the grass", "sitting in the grass")),
                    ("stand", ("standing",)),
                    ("wheelchair", ("sitting in a wheelchair",)),
                )
            )
            walker = cast.person(
                stage, 192, HEIGHT - 12, pose, does, kid=rng.random() < 0.3 and pose != "wheelchair", spot=spot
            )
            if "umbrella" in wanted and pose in ("walk", "stand"):
                cast.with_umbrella(stage, walker)
    if "bird" in wanted:
        if rng.random() < 0.5:
            cast.birds_above(stage, rng.choice((2, 3)), 14, horizon - 24)
        else:
            for _ in range(rng.choice((1, 2, 3))):
                cast.place(
                    stage,
                    rng.choice(("bluebird", "goose", "duck")),
                    214,
                    HEIGHT - 10,
                    ("walking in the grass", "standing in the grass"),
                    spot=spot,
                )
    if rng.random() < 0.25:
        cast.place(stage, rng.choice(("squirrel", "rabbit")), 214, HEIGHT - 10, ("sitting in the grass",), spot=spot)
    if autumn:
        paint.specks(
            stage.canvas, rng, 170, [light.on("#d9772b"), light.on("#c8452c"), light.on("#e8b33a")], 160, 2.0, mask
        )
    return stage, Place(
        at=("in the park", "in a park", "on the grass", "in a grassy park", "at the park"),
        a=(
            "a park",
            "a green park" if not autumn else "a park in autumn",
            "a city park" if "city" in wanted else "a quiet park",
            "a park with trees",
        ),
        when=light.phrases,
        behind=("with trees in the background", "with trees behind")
        + (("with the city behind it",) if "city" in wanted else ()),
    )
