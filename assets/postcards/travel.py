"""Railway platform, airport apron, airport hall."""

from __future__ import annotations

import random

import numpy as np
from PIL import Image

from assets.postcards import cast, paint, props
from assets.postcards.captions import Place
from assets.postcards.glyphs import GlyphBook
from assets.postcards.kinds import pick_light
from assets.postcards.land import hills, meadow, open_air
from assets.postcards.light import LIGHTS, sky
from assets.postcards.paint import HEIGHT, WIDTH, blend, colour
from assets.postcards.shore import city_shore
from assets.postcards.stage import Item, Stage


def with_luggage(stage: Stage, low: float, high: float, spot: dict | None = None) -> Item:
    """Somebody with a suitcase beside them."""
    rng = stage.rng
    faces = rng.choice((-1, 1))
    x, y = stage.spot(low, high, 1.75, 0.95, **(spot or {}))
    unit = stage.scale(y)
    walker = cast.person(stage, pose=rng.choice(("walk", "walk", "stand")), at=(x + faces * unit * 0.3, y), faces=faces)
    case = cast.place(stage, "suitcase", at=(x - faces * unit * 0.32, y + 1), faces=faces)
    walker.does, walker.needs = ("pulling a suitcase", "with a suitcase", "walking with luggage"), (case,)
    if walker.sprite.width < walker.sprite.height * 0.42:
        walker.does = ("with a suitcase", "standing next to a suitcase")
    return walker


def station(rng: random.Random, book: GlyphBook, wanted: set[str]) -> tuple[Stage, Place]:
    """A platform with a train at it, seen across the track."""
    light = LIGHTS[pick_light(rng, wanted)]
    stage = Stage(rng, book, light, horizon=84, camera=4.3)
    sky(stage.canvas, rng, light, 130)
    if "city" in wanted:
        city_shore(stage, 134, rng.uniform(56, 84), 0.45)
        stage.lay(light.far("#9aa39a", 0.3), paint.band(134, 178))
        stage.labels |= {"city", "building"}
    else:
        hills(stage, 132, ("#7fa08a", "#76a06a"), 24)
        meadow(stage, 136, "#86b55a", "#6a9a44", 60)
    rail = 198.0
    stage.lay(light.on("#8d867c"), paint.band(176, 216))
    paint.mottle(stage.canvas, rng, paint.band(176, 216), 3, 12, 1.4)
    for i in range(-1, 28):
        stage.lay(light.on("#6b5744"), paint.rectangle(i * 15, 196, i * 15 + 8, 206))
    for y in (197.0, 203.5):
        stage.lay(light.on("#d4dae0"), paint.band(y, y + 1.6))
        stage.lay(light.on("#59626b"), paint.band(y + 1.6, y + 2.6))
    edge = 216.0
    stage.lay(light.on("#6f6a64"), paint.band(edge, edge + 7))
    stage.lay(
        paint.gradient([(edge, light.on("#c9c3b8")), (HEIGHT, light.on("#b4ada1"))]), paint.band(edge + 5, HEIGHT + 2)
    )
    stage.lay(light.on("#f0c93e"), paint.band(edge + 10, edge + 13.5))
    paint.mottle(stage.canvas, rng, paint.band(edge + 14, HEIGHT + 2), 5, 3, 2)
    stage.lay(light.on("#8f887c"), paint.joints(range(-10, 24), 40, 52, edge + 14) * 0.5)
    stage.labels |= {"station"}
    does = ("pulling into the station", "stopped at the station", "waiting at the platform")
    plain = {"shadow": "contact", "haze": 0.0, "depth": rail}
    style = rng.choice(("steam", "fast", "fast", "tram"))
    if "train" in wanted:
        flip = rng.random() < 0.5
        if style == "steam":
            x = rng.uniform(70, 110)
            head = stage.add(
                stage.glyph("🚂", key="smoke"),
                WIDTH - x if flip else x,
                rail + 4,
                96,
                flip=flip,
                labels=("train",),
                noun="train",
                does=does,
                **plain,
            )
            for i in range(3):
                car = stage.add(stage.glyph("🚃"), 0, rail + 4, 78, flip=flip, **plain)
                offset = head.sprite.width / 2 + car.sprite.width * (i + 0.5) + 1 + i
                car.left = round((head.x - offset if flip else head.x + offset) - car.sprite.width / 2)
            puff = head.x + (26 if flip else -26)
            smoke_y = head.top
            for i in range(6):
                drift = (i * 13) * (-1 if flip else 1)
                stage.lay(light.on("#f2f2f2"), paint.glow(puff + drift, smoke_y - 8 - i * 7, 7 + i * 2.2) * 0.40)
        else:
            x = rng.uniform(56, 150)
            head = stage.add(
                stage.glyph("🚄" if style == "fast" else "🚈"),
                WIDTH - x if flip else x,
                rail + 4,
                92,
                flip=flip,
                labels=("train",),
                noun="train",
                does=does,
                **plain,
            )
            wall = rng.choice(("#2f6fd0",)) if style == "fast" else "#d3483d"
            for i in range(3):
                car = stage.add(props.high_train(wall), 0, rail + 4, 84 if style == "fast" else 66, flip=flip, **plain)
                offset = head.sprite.width / 2 + car.sprite.width * (i + 0.5) - 2
                car.left = round((head.x - offset if flip else head.x + offset) - car.sprite.width / 2)
    # A roof on posts over the platform.
    if "roof" in wanted:
        roof = light.on("#57626d")
        paint_roof = [(-4, 0), (WIDTH + 4, 0), (WIDTH + 4, 26), (-4, 26)]

        def veil(canvas: np.ndarray) -> None:
            paint.lay(canvas, roof, paint.polygon(paint_roof))
            paint.lay(canvas, blend(roof, (255, 255, 255), 0.35), paint.band(24, 28))
            for i in range(-1, 10):
                paint.lay(canvas, blend(roof, (0, 0, 0), 0.3), paint.rectangle(i * 46 + 10, 0, i * 46 + 13, 24))

        stage.front.append(veil)
        for x in (rng.uniform(20, 60), rng.uniform(320, 364)):
            paint_post(stage, x, 26, 240)
    if "clock" in wanted:
        x = rng.uniform(90, 294)
        post = 28 if "roof" in wanted else 34
        if "roof" in wanted:
            stage.line([(x, 24), (x, 36)], "#3a434c", 2.2, 240)
        else:
            paint_post(stage, x, 60, 236)
        stage.add(
            stage.glyph(rng.choice(("🕙", "🕒", "🕗", "🕔"))),
            x,
            post + 36,
            32,
            flip=False,
            depth=241,
            labels=("clock",),
            noun="clock",
            does=("hanging above the platform",) if "roof" in wanted else (),
            shadow=None,
        )
    if "bench" in wanted:
        x, y = stage.spot(238, 262, 1.0, 1.8)
        cast.furniture(stage, "bench", x, y, "#9b6a3f", does=("on the platform",))
    if "luggage" in wanted:
        for _ in range(rng.choice((1, 1, 2))):
            with_luggage(stage, 246, HEIGHT - 8)
    if "person" in wanted:
        for _ in range(rng.choice((1, 2, 2))):
            walker = cast.person(
                stage,
                244,
                HEIGHT - 8,
                rng.choice(("stand", "stand", "walk")),
                ("waiting for a train", "standing on the platform", "waiting"),
            )
            if "umbrella" in wanted:
                cast.with_umbrella(stage, walker)
    if "dog" in wanted:
        cast.dog_walk(stage, 250, HEIGHT - 8)
    if "bird" in wanted:
        cast.place(stage, "bluebird", 250, HEIGHT - 8, ("standing on the platform",))
    return stage, Place(
        at=(
            "at a train station",
            "at the station",
            "on the platform" if "train" not in wanted else "at a station",
            "at a railway station",
        ),
        a=("a train station", "a station platform", "a railway station"),
        when=light.phrases,
        behind=("with a city in the background",) if "city" in wanted else ("with hills in the background",),
    )


def paint_post(stage: Stage, x: float, top: float, bottom: float) -> None:
    """A steel post standing on the platform."""
    stage.line([(x, top), (x, bottom)], "#4a545e", 4.2, bottom)
    stage.line([(x - 1.3, top), (x - 1.3, bottom)], "#76828d", 1.2, bottom + 0.01)


def apron(rng: random.Random, book: GlyphBook, wanted: set[str]) -> tuple[Stage, Place]:
    """Aeroplanes on the ground and in the air."""
    stage, light, horizon = open_air(rng, book, pick_light(rng, wanted), (116, 132), 12, 5.6)
    if "mountain" in wanted:
        stage.lay(light.far("#6c7f9a", 0.5), paint.below(paint.peaks(rng, horizon + 2, rng.uniform(40, 56), 3)))
        stage.labels.add("mountain")
    else:
        hills(stage, horizon + 2, ("#7fa08a",), 14)
    if "terminal" in wanted:
        x, wide = rng.uniform(10, 120), rng.uniform(170, 230)
        top = horizon - 24
        stage.lay(light.far("#dfe4e8", 0.15), paint.rectangle(x, top, x + wide, horizon + 4))
        stage.lay(light.far("#8d9aa5", 0.1), paint.rectangle(x - 3, top - 4, x + wide + 3, top + 1))
        for i in range(int(wide / 12)):
            pane = colour("#ffe0a0") if light.dark else light.far("#6f97b5", 0.15)
            stage.lay(pane, paint.rectangle(x + 4 + i * 12, top + 6, x + 13 + i * 12, horizon - 4))
        stage.add(
            props.control_tower(),
            x + wide + rng.uniform(20, 50),
            horizon + 4,
            rng.uniform(60, 74),
            noun="control tower",
            labels=("building",),
            shadow=None,
            haze=0.12,
            depth=horizon,
        )
        stage.labels.add("building")
    meadow(stage, horizon + 2, "#8fb564", "#7aa552", 60)
    tarmac = light.on("#82878d")
    top = rng.uniform(164, 172)
    stage.lay(paint.gradient([(top, tarmac), (HEIGHT, blend(tarmac, (0, 0, 0), 0.12))]), paint.band(top, HEIGHT + 2))
    paint.mottle(stage.canvas, rng, paint.band(top, HEIGHT + 2), 6, 4, 3.5)
    stage.lay(light.on("#f2f2ea"), paint.band(top + 3, top + 4.6))
    line = rng.uniform(236, 248)
    for i in range(-1, 9):
        stage.lay(
            light.on("#f2f2ea"),
            paint.polygon([(i * 56, line), (i * 56 + 32, line), (i * 56 + 29, line + 5), (i * 56 - 3, line + 5)]) * 0.9,
        )
    stage.labels |= {"airport"}
    stripes = ("#2f6fd0", "#d3483d", "#2f9a77", "#e08a2e")
    for _ in range(rng.choice((1, 1, 2)) if "parked" in wanted else 0):
        x, y = stage.spot(top + 24, 226, 5.6, 2.8)
        stage.put(
            props.airliner(rng.choice(stripes)),
            x,
            y,
            5.6,
            labels=("airplane",),
            noun=rng.choice(("airplane", "plane", "jet")),
            does=("parked on the runway", "on the tarmac", "on the ground"),
        )
    if "flying" in wanted:
        for _ in range(rng.choice((1, 1, 2))):
            glyph, key = rng.choice((("🛫", "largest"), ("🛬", "largest"), ("✈️", None), ("🛩️", None)))
            stage.fly(
                stage.glyph(glyph, key=key) if key else stage.glyph(glyph),
                rng.uniform(60, 324),
                rng.uniform(30, horizon - 60),
                rng.uniform(30, 46),
                labels=("airplane",),
                noun="airplane" if glyph != "🛬" else "plane",
                does=("taking off", "flying low", "flying overhead")
                if glyph == "🛫"
                else ("landing", "coming in to land")
                if glyph == "🛬"
                else ("flying overhead", "flying in the sky"),
            )
    for name, pick in (("truck", ("truck", "pickup", "fire truck")), ("bus", ("bus",)), ("car", ("van", "jeep"))):
        if name in wanted:
            cast.place(stage, rng.choice(pick), 214, 262, ("driving on the tarmac", "parked on the tarmac"), grow=1.0)
    if "luggage" in wanted:
        with_luggage(stage, 250, HEIGHT - 8)
    if "person" in wanted:
        for _ in range(rng.choice((1, 2))):
            cast.person(stage, 240, HEIGHT - 8, rng.choice(("walk", "stand")), ("walking", "standing on the tarmac"))
    if "bird" in wanted:
        cast.birds_above(stage, 3, 16, horizon - 50)
    stage.labels.add("sky")
    return stage, Place(
        at=("at the airport", "at an airport", "at the airport"),
        a=("an airport", "an airport runway", "a small airport"),
        when=light.phrases,
        behind=("with mountains in the background",) if "mountain" in wanted else ("with hills in the background",),
    )


def hall(rng: random.Random, book: GlyphBook, wanted: set[str]) -> tuple[Stage, Place]:
    """Travellers before the tall windows of an airport hall, planes outside."""
    outside = LIGHTS[rng.choice(("day", "day", "sunset", "morning", "cloudy"))]
    light = LIGHTS["indoors"]
    stage = Stage(rng, book, light, horizon=66, camera=3.3)
    sky(stage.canvas, rng, outside, 150)
    stage.lay(outside.far("#8fb07a", 0.4), paint.band(142, 154))
    stage.lay(outside.far("#8a9096", 0.3), paint.band(152, 200))
    parked = rng.choice((1, 1, 2))
    for i in range(parked):
        x = 192 if parked == 1 else 100 + i * 190
        stage.add(
            props.airliner(rng.choice(("#2f6fd0", "#d3483d", "#2f9a77"))),
            x + rng.uniform(-30, 30),
            186,
            rng.uniform(56, 66),
            labels=("airplane",),
            noun="airplane",
            does=("parked outside", "outside the window", "seen through a window"),
            shadow="contact",
            depth=20,
            haze=0.08,
        )
    if rng.random() < 0.5:
        stage.fly(
            stage.glyph("✈️"),
            rng.uniform(50, 334),
            rng.uniform(36, 70),
            rng.uniform(24, 32),
            labels=("airplane",),
            depth=19,
            haze=0.15,
        )
    frame, floor = colour("#59646f"), colour("#d9d4cb")
    step = rng.uniform(84, 104)
    shift = rng.uniform(0, step)
    posts = [(shift + i * step, 0) for i in range(-1, 6)]
    bars = np.zeros((HEIGHT, WIDTH))
    for x, _ in posts:
        bars = np.maximum(bars, paint.rectangle(x - 2.6, 0, x + 2.6, 200))
    bars = np.maximum(bars, paint.band(-2, 8))
    bars = np.maximum(bars, paint.band(84, 87))
    sheet = np.zeros((HEIGHT, WIDTH, 4), dtype=np.uint8)
    wall = np.maximum(bars, paint.band(198, HEIGHT + 2))
    paint_floor = np.zeros((HEIGHT, WIDTH, 3))
    paint_floor[:] = frame
    ground = paint.gradient([(198, colour("#c8c3ba")), (HEIGHT, floor)])
    paint.lay(paint_floor, ground, paint.band(200, HEIGHT + 2))
    tint = colour(outside.sky[-1])
    for x, _ in posts:
        pane = paint.polygon(
            [(x + 6, 202), (x + step - 6, 202), (x + step * 1.2, HEIGHT), (x + step * 0.2, HEIGHT)], 1.2
        )
        paint.lay(paint_floor, blend(tint, (255, 255, 255), 0.55), pane * paint.band(202, HEIGHT + 2) * 0.42)
    sheet[..., :3] = np.round(np.clip(paint_floor, 0, 255)).astype(np.uint8)
    sheet[..., 3] = np.round(wall * 255).astype(np.uint8)
    stage.items.append(Item(Image.fromarray(sheet, "RGBA"), 0, 0, 200, 21, shadow=None, glowing=True))
    stage.labels |= {"airport"}
    if "chair" in wanted:
        x0 = rng.uniform(40, 180)
        for i in range(rng.choice((2, 3, 4))):
            stage.put(stage.glyph("🪑"), x0 + i * 36, 226, 1.05, flip=False, labels=("chair",), noun="chair")
    for _ in range(rng.choice((1, 2, 2, 3))):
        with_luggage(stage, 232, HEIGHT - 6)
    if "person" in wanted:
        for _ in range(rng.choice((1, 2))):
            cast.person(stage, 226, HEIGHT - 8, rng.choice(("stand", "walk", "wheelchair")), ("waiting",), kid=False)
    if "luggage" in wanted:
        for _ in range(rng.choice((1, 2, 3))):
            cast.place(stage, "suitcase", 236, HEIGHT - 6, ("on the floor",))
    if "clock" in wanted:
        x = rng.uniform(60, 324)
        stage.line([(x, 4), (x, 30)], "#4a545e", 2.0, 30)
        stage.add(
            stage.glyph("🕙"),
            x,
            60,
            34,
            flip=False,
            depth=30,
            labels=("clock",),
            noun="clock",
            does=("hanging from the ceiling",),
            shadow=None,
        )
    return stage, Place(
        at=("at the airport", "in an airport", "inside an airport", "in an airport terminal"),
        a=("an airport", "an airport hall", "an airport terminal"),
        when=("",),
        behind=("with a plane outside the window",),
    )
