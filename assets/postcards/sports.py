"""Tennis court, baseball field, soccer field, skate park."""

from __future__ import annotations

import itertools
import random

import numpy as np

from assets.postcards import cast, paint, props
from assets.postcards.captions import Place
from assets.postcards.glyphs import GlyphBook
from assets.postcards.kinds import pick_light
from assets.postcards.land import hills, open_air
from assets.postcards.paint import HEIGHT, WIDTH, blend
from assets.postcards.shore import city_shore
from assets.postcards.stage import Item, Stage


def ground_line(stage: Stage, points: list[tuple[float, float]], metres: float = 0.12) -> np.ndarray:
    """Mask of a painted line on the ground through picture points, thinner far away."""
    masks = np.zeros((HEIGHT, WIDTH))
    for (ax, ay), (bx, by) in itertools.pairwise(points):
        wa, wb = max(0.5, metres * stage.scale(ay)) / 2, max(0.5, metres * stage.scale(by)) / 2
        if abs(ay - by) > abs(ax - bx) * 0.15:
            quad = [(ax - wa, ay), (ax + wa, ay), (bx + wb, by), (bx - wb, by)]
        else:
            quad = [(ax, ay - wa * 0.6), (bx, by - wb * 0.6), (bx, by + wb * 0.6), (ax, ay + wa * 0.6)]
        masks = np.maximum(masks, paint.polygon(quad))
    return masks


def backdrop(stage: Stage, horizon: float, wanted: set[str]) -> None:
    """What is behind a sports ground: stands with people as dots, trees, or a skyline."""
    rng, light = stage.rng, stage.light
    if "city" in wanted:
        city_shore(stage, horizon, rng.uniform(50, 76), 0.5)
        stage.labels |= {"city", "building"}
    else:
        hills(stage, horizon, rise=18)
    if "stands" in wanted:
        top = horizon - rng.uniform(34, 46)
        stage.lay(light.far("#5b6a7c", 0.15), paint.band(top, horizon + 2))
        tones = [light.far(tone, 0.12) for tone in ("#e8c9a8", "#c2543f", "#3f6fb0", "#f0e6d8", "#7a5a44", "#e0b84a")]
        for row in range(int((horizon - top) / 5.5)):
            y = top + 4 + row * 5.5
            stage.lay(light.far("#7f8da0", 0.1), paint.band(y + 2, y + 3.2))
            for tone in tones:
                xs = [rng.uniform(0, WIDTH) for _ in range(22)]
                stage.lay(
                    tone,
                    paint.strokes(
                        lambda on, k, xs=xs, y=y: [
                            on.ellipse([(x - 1.6) * k, (y - 1.9) * k, (x + 1.6) * k, (y + 1.9) * k], fill=255)
                            for x in xs
                        ]
                    ),
                )
        stage.lay(light.far("#3f6b4c", 0.05), paint.band(horizon - 4, horizon + 3))
    else:
        for _ in range(rng.choice((3, 4, 5))):
            cast.place(
                stage,
                rng.choice(("tree", "pine")),
                at=(rng.uniform(10, 374), horizon + 3),
                grow=52 / max(stage.scale(horizon + 3) * 5.4, 1),
                haze=0.18,
            )


def stripes(stage: Stage, top: float, light_tone: str, dark_tone: str) -> np.ndarray:
    """A mown lawn with stripes running away from the viewer."""
    light = stage.light
    mask = paint.band(top, HEIGHT + 2)
    stage.lay(paint.gradient([(top, light.far(light_tone, 0.15)), (HEIGHT, light.on(light_tone))]), mask)
    reach = (paint.YS - stage.horizon) / (HEIGHT - stage.horizon)
    wave = (paint.XS - 192) / np.maximum(reach, 0.05) / 78
    band = np.where(np.floor(wave) % 2 == 0, 1.0, 0.0)
    stage.lay(light.on(dark_tone), mask * band * 0.35)
    paint.mottle(stage.canvas, stage.rng, mask, 5, 4, 2)
    return mask


def racket_player(stage: Stage, at: tuple[float, float], faces: int) -> Item:
    """A tennis player with a racket in the raised hand."""
    rng = stage.rng
    player = cast.person(stage, pose="throw", at=at, faces=faces)
    high = player.sprite.height
    racket = stage.add(
        stage.glyph("🎾"),
        player.x + faces * high * 0.36,
        player.base - high * 0.56,
        high * 0.50,
        flip=faces < 0,
        depth=at[1] + 0.1,
        labels=("tennis",),
        noun="tennis racket",
        shadow=None,
    )
    player.does = rng.sample(
        ("playing tennis", "swinging a tennis racket", "hitting a tennis ball", "holding a tennis racket"), 3
    )
    player.does, player.needs = tuple(player.does), (racket,)
    return player


def tennis(rng: random.Random, book: GlyphBook, wanted: set[str]) -> tuple[Stage, Place]:
    """A tennis court with a net across."""
    stage, light, horizon = open_air(rng, book, pick_light(rng, wanted), (92, 106), 18, 3.9)
    backdrop(stage, horizon, wanted)
    outer, inner = rng.choice(
        (("#3f8f62", "#2f6fa8"), ("#5a9a54", "#3f7f4f"), ("#c9774a", "#b8613a"), ("#4a86b8", "#35679a"))
    )
    stage.lay(
        paint.gradient([(horizon, light.far(outer, 0.15)), (HEIGHT, light.on(outer))]),
        paint.band(horizon + 2, HEIGHT + 2),
    )
    far, near = horizon + 22, HEIGHT - 16

    def across(y: float, share: float) -> float:
        return 192 + share * (y - stage.horizon) * 1.02

    court = [(across(far, -1), far), (across(far, 1), far), (across(near, 1), near), (across(near, -1), near)]
    stage.lay(light.on(inner), paint.polygon(court))
    paint.mottle(stage.canvas, rng, paint.band(horizon + 2, HEIGHT + 2), 7, 4, 3)
    net = far + (near - far) * 0.36
    white = light.on("#f7f7f2")
    service_far, service_near = far + (net - far) * 0.45, net + (near - net) * 0.42
    for points in (
        [*court, court[0]],
        [(across(far, -0.75), far), (across(near, -0.75), near)],
        [(across(far, 0.75), far), (across(near, 0.75), near)],
        [(across(service_far, -0.75), service_far), (across(service_far, 0.75), service_far)],
        [(across(service_near, -0.75), service_near), (across(service_near, 0.75), service_near)],
        [(across(service_far, 0), service_far), (across(service_near, 0), service_near)],
    ):
        stage.lay(white, ground_line(stage, points) * 0.92)
    high = 0.95 * stage.scale(net)
    left, right = across(net, -1.08), across(net, 1.08)

    def mesh(on, k: int) -> None:
        for i in range(int((right - left) / 4) + 1):
            on.line([((left + i * 4) * k, (net - high) * k), ((left + i * 4) * k, net * k)], fill=150, width=1)
        for i in range(int(high / 3.4) + 1):
            on.line(
                [(left * k, (net - high + i * 3.4) * k), (right * k, (net - high + i * 3.4) * k)], fill=150, width=1
            )

    stage.lay(light.on("#20262c"), paint.strokes(mesh) * 0.75 + paint.rectangle(left, net - high, right, net) * 0.16)
    stage.lay(white, paint.rectangle(left, net - high - 1.6, right, net - high + 1))
    for x in (left, right):
        stage.lay(light.on("#3a434b"), paint.rectangle(x - 1.5, net - high - 2, x + 1.5, net + 1))
    side = rng.choice((-1, 1))
    racket_player(stage, (192 + side * rng.uniform(20, 84), rng.uniform(near - 30, near - 4)), -side)
    if "rival" in wanted:
        x, y = 192 - side * rng.uniform(10, 40), far + rng.uniform(2, 12)
        player = racket_player(stage, (x, y), side)
        player.haze = 0.05
    stage.labels.add("tennis")
    if "bench" in wanted:
        x = rng.choice((38, 346))
        cast.furniture(stage, "bench", x, net + 16, does=("beside the court",))
    if "person" in wanted:
        x = rng.choice((26, 358))
        cast.person(
            stage,
            pose="stand",
            does=("watching a tennis match", "watching the game"),
            at=(x, rng.uniform(net + 34, 250)),
        )
    if "bird" in wanted:
        cast.birds_above(stage, 2, 14, horizon - 50)
    return stage, Place(
        at=("on a tennis court", "on the court", "at a tennis court"),
        a=("a tennis court", "a tennis match", "an outdoor tennis court"),
        when=light.phrases,
        behind=(
            ("with a crowd watching", "in front of a crowd")
            if "stands" in wanted
            else ("with trees in the background",)
        ),
    )


def baseball(rng: random.Random, book: GlyphBook, wanted: set[str]) -> tuple[Stage, Place]:
    """A ball field: pitcher, batter, runner."""
    stage, light, horizon = open_air(rng, book, pick_light(rng, wanted), (96, 108), 18, 3.9)
    backdrop(stage, horizon, wanted)
    stripes(stage, horizon + 2, "#7ab648", "#4f8f33")
    dirt = light.on("#c08552")
    centre, home = 192 + rng.uniform(-16, 16), 262.0
    second = horizon + 44
    first, third = (centre + 130, 190), (centre - 130, 190)
    infield = paint.polygon(
        [
            (centre, home + 30),
            (first[0] + 50, first[1] + 8),
            (centre + 60, second - 14),
            (centre - 60, second - 14),
            (third[0] - 50, third[1] + 8),
        ],
        2,
    )
    stage.lay(dirt, infield)
    paint.mottle(stage.canvas, rng, infield, 5, 6, 3)
    diamond = paint.polygon(
        [(centre, home - 20), (first[0] - 26, first[1]), (centre, second + 6), (third[0] + 26, third[1])], 1
    )
    stage.lay(light.on("#74b045"), diamond)
    mound = np.clip(1.0 - ((paint.XS - centre) / 34) ** 2 - ((paint.YS - 184) / 9) ** 2, 0, 1)
    stage.lay(dirt, np.clip(mound * 6, 0, 1))
    white = light.on("#fbfaf4")
    for x, y in (first, third, (centre, second)):
        size = 0.5 * stage.scale(y) / 2
        stage.lay(white, paint.polygon([(x, y - size * 0.4), (x + size, y), (x, y + size * 0.4), (x - size, y)]))
    stage.lay(
        white,
        paint.polygon(
            [(centre - 9, home), (centre + 9, home), (centre + 9, home + 4), (centre, home + 8), (centre - 9, home + 4)]
        ),
    )
    for x in (-1, 1):
        stage.lay(white, ground_line(stage, [(centre + x * 8, home), (centre + x * 330, 128)], 0.1) * 0.8)
    stage.labels |= {"baseball", "field", "grass"}
    if "pitcher" in wanted:
        thrower = cast.person(
            stage,
            pose="throw",
            does=("throwing a baseball", "pitching a baseball", "about to throw a ball"),
            at=(centre + rng.uniform(-6, 6), 186),
            labels=("baseball",),
        )
        thrower.noun = rng.choice(("pitcher", thrower.noun))
    if "batter" in wanted:
        side = rng.choice((-1, 1))
        batter = cast.person(
            stage,
            pose="stand",
            does=("swinging a bat", "holding a baseball bat", "waiting for the ball"),
            at=(centre + side * 34, home + 8),
            labels=("baseball",),
            faces=-1,
        )
        high = batter.sprite.height
        club = stage.add(
            props.bat(),
            batter.x - side * high * 0.15,
            batter.base - high * 0.40,
            high * 0.58,
            flip=False,
            turn=-side * -rng.uniform(20, 38),
            depth=batter.depth + 0.1,
            shadow=None,
        )
        club.needs = (batter,)
        batter.noun = rng.choice(("batter", batter.noun))
    if "runner" in wanted:
        cast.person(
            stage,
            pose="run",
            does=("running to first base", "running between bases", "running"),
            at=(centre + rng.choice((-1, 1)) * rng.uniform(84, 120), rng.uniform(198, 216)),
            labels=("baseball",),
        )
    for _ in range(rng.choice((1, 2))):
        cast.person(
            stage,
            second + 2,
            second + 26,
            rng.choice(("stand", "run")),
            ("playing baseball", "playing in the field"),
            spot={"left": 30, "right": 354},
        )
    if "dog" in wanted:
        cast.place(stage, "brown dog", 250, HEIGHT - 10, ("standing on the grass",))
    if "bench" in wanted:
        cast.furniture(stage, "bench", rng.choice((44, 340)), HEIGHT - 18, does=("beside the field",))
    return stage, Place(
        at=("on a baseball field", "during a baseball game", "on the field", "at a baseball game"),
        a=("a baseball field", "a baseball game", "a baseball diamond"),
        when=light.phrases,
        behind=(
            ("in front of a crowd", "with fans watching from the stands")
            if "stands" in wanted
            else ("with trees in the background",)
        ),
    )


def soccer(rng: random.Random, book: GlyphBook, wanted: set[str]) -> tuple[Stage, Place]:
    """A soccer field with a goal and players."""
    stage, light, horizon = open_air(rng, book, pick_light(rng, wanted), (92, 108), 18, 3.8)
    backdrop(stage, horizon, wanted)
    stripes(stage, horizon + 2, "#72b04a", "#4a8c34")
    white = light.on("#f7faf4")
    goal_y, x0 = horizon + rng.uniform(34, 42), 192 + rng.uniform(-50, 50)
    for points in (
        [(-10, goal_y), (394, goal_y)],
        [(x0 - 92, goal_y), (x0 - 116, goal_y + 42)],
        [(x0 + 92, goal_y), (x0 + 116, goal_y + 42)],
        [(x0 - 116, goal_y + 42), (x0 + 116, goal_y + 42)],
    ):
        stage.lay(white, ground_line(stage, points, 0.13) * 0.85)
    stage.put(stage.glyph("🥅"), x0, goal_y + 1, 2.5, flip=False, shadow="contact", noun="goal", haze=0.06)
    stage.labels |= {"soccer", "field", "grass"}
    keeper = cast.person(
        stage,
        pose="stand",
        does=("standing in front of the goal", "guarding the goal"),
        at=(x0 + rng.uniform(-12, 12), goal_y + 6),
    )
    keeper.labels = ("person",)
    player = cast.person(stage, 214, HEIGHT - 16, "run", spot={"left": 50, "right": 334}, kid=False)
    side = -1 if player.x > 192 else 1
    ball = stage.add(
        stage.glyph("⚽"),
        player.x + side * player.sprite.width * 0.72,
        player.base + 2,
        max(11, player.sprite.height * 0.19),
        labels=("soccer",),
        noun="soccer ball",
        depth=player.depth + 0.2,
    )
    player.does, player.needs = (
        ("kicking a soccer ball", "running after a soccer ball", "chasing a soccer ball"),
        (ball,),
    )
    kids = rng.random() < 0.4
    for _ in range(rng.choice((1, 2, 3, 4))):
        cast.person(stage, goal_y + 28, HEIGHT - 18, "run", ("playing soccer", "running on the field"), kid=kids)
    if "dog" in wanted:
        cast.place(
            stage, rng.choice(("dog", "brown dog")), 220, HEIGHT - 12, ("running on the field", "standing on the grass")
        )
    if "bird" in wanted:
        cast.birds_above(stage, 3, 14, horizon - 52)
    return stage, Place(
        at=("on a soccer field", "on a field", "on a grass field", "during a soccer game"),
        a=("a soccer field", "a soccer game", "a game of soccer"),
        when=light.phrases,
        behind=(("in front of a crowd",) if "stands" in wanted else ("with trees in the background",)),
    )


def skate(rng: random.Random, book: GlyphBook, wanted: set[str]) -> tuple[Stage, Place]:
    """A concrete skate park with ramps before the city."""
    stage, light, horizon = open_air(rng, book, pick_light(rng, wanted), (100, 116), 18, 3.7)
    if "city" in wanted:
        city_shore(stage, horizon + 2, rng.uniform(60, 88), 0.4)
        stage.labels |= {"city", "building"}
    else:
        hills(stage, horizon + 2)
    hedge = np.array([horizon + 6 - abs(4 * np.sin(x / 11.0) + 4 * np.sin(x / 29.0)) for x in range(WIDTH)])
    stage.lay(light.far("#548f4b", 0.2), paint.below(hedge))
    ground = light.on("#bdbcb6")
    top = horizon + 16
    stage.lay(light.far("#86b557", 0.1), paint.band(horizon + 5, top + 22))
    for _ in range(rng.choice((2, 3, 4))):
        cast.place(stage, "tree", horizon + 14, top + 12, grow=0.95)
    stage.lay(
        paint.gradient([(top + 22, blend(ground, (255, 255, 255), 0.2)), (HEIGHT, ground)]),
        paint.band(top + 22, HEIGHT + 2),
    )
    paint.mottle(stage.canvas, rng, paint.band(top + 22, HEIGHT + 2), 7, 4, 3)
    stage.lay(
        light.on("#98968e"),
        paint.joints(range(-8, 22), 44, 92, top + 22, (186, 216, 256)) * paint.band(top + 22, HEIGHT + 2) * 0.45,
    )
    left = rng.random() < 0.5
    foot, crown = 206.0, 150.0
    curve = []
    for i in range(20):
        t = i / 19
        curve.append((t * 96, crown + (foot - crown) * (1 - (1 - t) ** 2.2)))
    shape = [(-4, foot), (-4, crown), (14, crown), *[(14 + x, y) for x, y in curve], (112, foot)]
    side = [(x, y) for x, y in shape]
    if not left:
        side = [(WIDTH - x, y) for x, y in side]
    stage.lay(light.on("#3a4148"), paint.polygon([(x, y + 5) for x, y in side], 3) * 0.3)
    stage.lay(light.on("#d0cec6"), paint.polygon(side))
    face = [(x, y) for x, y in ([(14 + cx, cy) for cx, cy in curve] + [(112, foot), (14, foot)])]
    face = face if left else [(WIDTH - x, y) for x, y in face]
    stage.lay(light.on("#a9a79f"), paint.polygon(face) * 0.5)
    for _ in range(rng.choice((1, 2, 2, 3))):
        cast.on_skateboard(stage, 222, HEIGHT - 12)
    stage.labels.add("park")
    if "bicycle" in wanted:
        cast.person(stage, 222, HEIGHT - 12, "cycle", ("riding a bicycle", "riding a bike"), labels=("bicycle",))
    if "person" in wanted:
        for _ in range(rng.choice((1, 2))):
            cast.person(stage, 214, HEIGHT - 14, "stand", ("watching", "standing"))
    if "bench" in wanted:
        x, y = stage.spot(200, 216, 1.0, 1.8)
        cast.furniture(stage, "bench", x, y)
    if "dog" in wanted:
        cast.dog_walk(stage, 216, HEIGHT - 10)
    return stage, Place(
        at=("at a skate park", "at the skate park", "in a park"),
        a=("a skate park", "a concrete skate park"),
        when=light.phrases,
        behind=(("with city buildings in the background",) if "city" in wanted else ("with trees in the background",)),
    )
