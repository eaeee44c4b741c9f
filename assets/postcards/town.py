"""City street and a lane past houses."""

from __future__ import annotations

import random

import numpy as np

from assets.postcards import cast, paint, props
from assets.postcards.captions import Place
from assets.postcards.glyphs import GlyphBook
from assets.postcards.kinds import pick_light
from assets.postcards.land import hills, meadow, open_air
from assets.postcards.light import LIGHTS, sky
from assets.postcards.paint import HEIGHT, WIDTH, blend, colour
from assets.postcards.shore import city_shore
from assets.postcards.stage import Stage

FACADES = ("#c9785a", "#d9b48a", "#8fa3b5", "#b8846a", "#e0cfae", "#7f97a3", "#cf9a86", "#a9b59b", "#d6a45c", "#9b8aa6")
TRAFFIC = ("car", "car", "jeep", "taxi", "van", "pickup")


def facades(stage: Stage, foot: float) -> None:
    """A row of house fronts along the far pavement, with window panes, doors, awnings and shop windows."""
    rng, light = stage.rng, stage.light
    x = rng.uniform(-40, -5)
    glass_day, warm = light.on("#9fc3d8"), colour("#ffd98a")
    while x < WIDTH:
        wide = rng.uniform(54, 92)
        high = rng.uniform(0.55, 1.0) * (foot - 14)
        wall = light.on(rng.choice(FACADES))
        top = foot - high
        stage.lay(wall, paint.rectangle(x, top, x + wide, foot))
        stage.lay(blend(wall, (0, 0, 20), 0.22), paint.rectangle(x + wide - 5, top, x + wide, foot))
        stage.lay(blend(wall, (255, 255, 255), 0.35), paint.rectangle(x - 1.5, top - 2.5, x + wide + 1.5, top + 2))
        columns = max(2, int(wide / 21))
        gap = wide / columns
        y = top + 9
        while y < foot - 44:
            for i in range(columns):
                a = x + (i + 0.5) * gap
                lit = light.dark and rng.random() < 0.6
                pane = warm if lit else light.on("#5f7c94") if rng.random() < 0.5 else glass_day
                if light.dark and not lit:
                    pane = light.on("#3d4a63")
                stage.lay(blend(wall, (255, 255, 255), 0.3), paint.rectangle(a - 6, y - 1, a + 6, y + 15))
                stage.lay(pane, paint.rectangle(a - 4.6, y, a + 4.6, y + 13.4))
                stage.lay(blend(wall, (255, 255, 255), 0.3), paint.rectangle(a - 0.6, y, a + 0.6, y + 13.4))
            y += 23
        shop = light.on(rng.choice(("#3d5a6c", "#7a3b3b", "#39584a", "#4a4468", "#6b4a2f")))
        stage.lay(shop, paint.rectangle(x + 3, foot - 33, x + wide - 6, foot))
        pane = warm if light.dark else light.on("#b9d3df")
        stage.lay(pane, paint.rectangle(x + 8, foot - 25, x + wide * 0.60, foot - 6))
        stage.lay(
            blend(pane, (255, 255, 255), 0.5),
            paint.polygon([(x + 12, foot - 6), (x + 22, foot - 25), (x + 28, foot - 25), (x + 18, foot - 6)]) * 0.5,
        )
        stage.lay(blend(shop, (0, 0, 0), 0.35), paint.rectangle(x + wide * 0.68, foot - 27, x + wide * 0.68 + 12, foot))
        if rng.random() < 0.7:
            stripe = light.on(rng.choice(("#d8483e", "#3f8f6b", "#e0a63a", "#4a76b8")))
            for i in range(int((wide - 10) / 7)):
                tone = stripe if i % 2 == 0 else light.on("#fbf6ec")
                stage.lay(tone, paint.rectangle(x + 5 + i * 7, foot - 34, x + 12 + i * 7, foot - 25.5))
        x += wide


def street(rng: random.Random, book: GlyphBook, wanted: set[str]) -> tuple[Stage, Place]:
    """House fronts, a pavement, a road with two lanes, the near pavement with its furniture."""
    light = LIGHTS[pick_light(rng, wanted)]
    far_foot = rng.uniform(138, 150)
    stage = Stage(rng, book, light, horizon=62, camera=4.4)
    sky(stage.canvas, rng, light, 150)
    city_shore(stage, far_foot, 120, 0.62)
    facades(stage, far_foot)
    kerb, near = far_foot + 16, 236
    stone = light.on("#b9b4aa")
    stage.lay(stone, paint.band(far_foot, kerb))
    asphalt = light.on("#5c616a") if "rain" not in wanted else light.on("#454c58")
    stage.lay(paint.gradient([(kerb, asphalt), (near, blend(asphalt, (0, 0, 0), 0.12))]), paint.band(kerb, near))
    paint.mottle(stage.canvas, rng, paint.band(kerb, near), 4, 3, 3)
    stage.lay(light.on("#dcd8cf"), paint.band(kerb - 1, kerb + 2))
    middle, offset = kerb + (near - kerb) * 0.46, rng.uniform(0, 40)
    for i in range(-1, 11):
        x = i * 42 + offset
        stage.lay(
            light.on("#f3edd8"),
            paint.polygon([(x, middle), (x + 20, middle), (x + 19, middle + 3), (x - 1, middle + 3)]) * 0.85,
        )
    stage.lay(light.on("#c7c1b5"), paint.band(near, HEIGHT + 2))
    stage.lay(light.on("#e2ded5"), paint.band(near - 1, near + 3))
    stage.lay(light.on("#8d877c"), paint.band(near + 3, near + 5))
    stage.lay(light.on("#a29c90"), paint.joints(range(-12, 24), 34, 46, near + 5, (260,)) * 0.5)
    if "crosswalk" in wanted:
        x = rng.uniform(110, 270)
        for i in range(5):
            a = x + (i - 2) * 15
            b = x + (i - 2) * 19
            bar = paint.polygon([(a - 4, kerb + 4), (a + 4, kerb + 4), (b + 5.4, near - 3), (b - 5.4, near - 3)])
            stage.lay(light.on("#f1eee6"), bar * 0.8)
    stage.labels |= {"street", "city", "building"}
    if "rain" in wanted:
        # A wet road mirrors the house fronts, drawn out towards the viewer.
        shine = np.clip(paint.noise(rng, 14, 3.5) * 0.5 + 0.45, 0, 1) * np.clip((near + 24 - paint.YS) / 100, 0, 1)
        mirrored = stage.canvas.copy()
        for y in range(int(kerb), int(near)):
            mirrored[y] = stage.canvas[int(far_foot - 4 - (y - kerb) * 0.8)]
        for _ in range(2):
            mirrored[2:-2] = (mirrored[:-4] + mirrored[1:-3] + mirrored[2:-2] + mirrored[3:-1] + mirrored[4:]) / 5
        stage.lay(mirrored, shine * paint.band(kerb + 3, near) * 0.55)
    # Far pavement: walkers, trees, lamps.
    for _ in range(rng.choice((1, 2, 2))):
        if "tree" in wanted:
            cast.place(stage, "tree", at=(rng.uniform(30, 354), kerb - 6), grow=0.62, noun="tree")
    for i in range(rng.choice((2, 3))):
        x = 60 + i * 130 + rng.uniform(-14, 14)
        lamp = stage.put(props.lamp_post(light.dark), x, kerb - 3, 3.2, haze=0.0)
        if light.dark:
            halo = (lamp.x, lamp.top + 9)
            stage.front.append(
                lambda canvas, halo=halo: paint.lay(canvas, (255, 226, 150), paint.glow(*halo, 15) * 0.62)
            )
    walker_doing = ("walking", "walking down the sidewalk", "crossing the street")[:2]
    for _ in range(rng.choice((0, 1, 2))):
        walker = cast.person(stage, kerb - 9, kerb - 2, "walk", walker_doing)
        if "umbrella" in wanted:
            cast.with_umbrella(stage, walker)
    # Traffic: the far lane goes left, the near one right.
    far_lane, near_lane = kerb + (near - kerb) * 0.36, near - 8
    x = rng.uniform(30, 90)
    queue = [name for name in ("bus", "truck", "fire truck", "motorcycle", "bicycle") if name in wanted]
    queue += [rng.choice(TRAFFIC) for _ in range(rng.choice((1, 2, 2, 3)))] if "car" in wanted else []
    rng.shuffle(queue)
    lanes = {far_lane: x, near_lane: rng.uniform(40, 110)}
    for name in queue:
        lane = min(lanes, key=lambda y: lanes[y])
        x = lanes[lane]
        faces = -1 if lane == far_lane else 1
        if x > WIDTH - 34:
            continue
        if name == "bicycle":
            cast.person(
                stage,
                pose="cycle",
                does=("riding a bicycle", "riding a bike", "cycling down the street"),
                at=(x, lane),
                faces=faces,
                labels=("bicycle",),
            )
            wide = 60
        else:
            pick = (
                rng.choice(("bus", "trolley bus"))
                if name == "bus"
                else rng.choice(("truck", "lorry"))
                if name == "truck"
                else name
            )
            if name == "motorcycle":
                pick = rng.choice(("motorcycle", "scooter"))
            grow = 0.86 if pick in ("bus", "trolley bus", "truck", "lorry", "fire truck") else 1.0
            does = (
                ("driving down the street", "driving by", "on the road")
                if name not in ("motorcycle",)
                else ("parked on the street",)
            )
            item = cast.place(stage, pick, does=does, at=(x, lane), faces=faces, grow=grow)
            wide = item.sprite.width
        lanes[lane] = x + wide * 0.5 + rng.uniform(58, 96)
    # Near pavement.
    foot = rng.uniform(262, 270)
    slots = [rng.uniform(28, 60), rng.uniform(322, 356), rng.uniform(110, 150), rng.uniform(230, 280)]
    rng.shuffle(slots)
    if "traffic light" in wanted:
        stage.put(
            props.traffic_light(stage.glyph("🚦")),
            slots.pop(),
            foot - 16,
            3.0,
            labels=("traffic light",),
            noun="traffic light",
            flip=False,
            glowing=True,
        )
    if "stop sign" in wanted:
        cast.furniture(stage, "stop sign", slots.pop(), foot - 10)
    if "fire hydrant" in wanted and slots:
        cast.furniture(
            stage,
            "fire hydrant",
            slots.pop(),
            foot,
            *rng.choice((("#d8392f", "#f26457", "#a8261f"), ("#e3b22f", "#f6d468", "#b58518"))),
            does=("standing on the sidewalk",),
        )
    if "parking meter" in wanted and slots:
        cast.furniture(stage, "parking meter", slots.pop(), foot - 12)
    if "bench" in wanted and slots:
        cast.furniture(stage, "bench", slots.pop(), foot + 4)
    if "person" in wanted:
        for _ in range(rng.choice((1, 1, 2))):
            if "dog" in wanted and rng.random() < 0.6:
                cast.dog_walk(stage, 262, 282)
                continue
            walker = cast.person(
                stage, 258, 282, rng.choice(("walk", "walk", "stand")), ("walking", "walking on the sidewalk")
            )
            if walker.sprite.width < 34 and walker.does == "stand":
                walker.does = ()
            if "umbrella" in wanted:
                cast.with_umbrella(stage, walker)
    if "bird" in wanted:
        for _ in range(rng.choice((1, 2))):
            cast.place(stage, "bluebird", 262, 284, ("standing on the sidewalk",))
    if light.name == "night" or light.name == "dusk":
        stage.front.append(lambda canvas: paint.lay(canvas, (255, 210, 130), paint.glow(192, kerb, 90) * 0.10))
    return stage, Place(
        at=(
            "on a city street",
            "on the street",
            "in the city",
            "downtown",
            "on a busy street" if len(queue) > 2 else "on a quiet street",
        ),
        a=("a city street", "a street in the city", "a downtown street", "a street lined with buildings"),
        when=light.phrases,
        behind=("with buildings in the background", "in front of some buildings"),
    )


def lane(rng: random.Random, book: GlyphBook, wanted: set[str]) -> tuple[Stage, Place]:
    """A quiet road past houses and trees."""
    stage, light, horizon = open_air(rng, book, pick_light(rng, wanted), (98, 114), 20, 4.6)
    hills(stage, horizon + 2)
    lawn = "#79b04f" if "snow" not in wanted else "#eef3f8"
    meadow(stage, horizon, lawn, "#5f9a3e" if "snow" not in wanted else "#dfe8f2", 200 if "snow" not in wanted else 0)
    road = rng.uniform(188, 196)
    deep = rng.uniform(52, 60)
    asphalt = light.on("#70757c")
    stage.lay(light.on("#cfc8ba"), paint.band(road - 5, road + deep + 5))
    stage.lay(asphalt, paint.band(road, road + deep))
    paint.mottle(stage.canvas, rng, paint.band(road, road + deep), 4, 3, 3)
    for i in range(-1, 10):
        x = i * 48 + rng.uniform(0, 3)
        stage.lay(light.on("#f0dd9a"), paint.rectangle(x, road + deep * 0.46, x + 24, road + deep * 0.46 + 2.4) * 0.9)
    stage.labels.add("street")
    if "snow" in wanted:
        stage.labels.add("snow")
    else:
        stage.labels.add("grass")
    spot = {"left": 6, "right": 378}
    for _ in range(rng.choice((2, 2, 3))):
        cast.place(
            stage,
            rng.choice(("house", "house", "garden house", "church", "school")),
            road - 34,
            road - 18,
            grow=0.86,
            spot=spot,
        )
    for _ in range(rng.choice((1, 2, 3, 4))):
        cast.place(
            stage, "pine" if "snow" in wanted else rng.choice(("tree", "tree", "pine")), road - 44, road - 14, grow=0.8
        )
    x = {1: rng.uniform(50, 120), -1: rng.uniform(264, 334)}
    side = rng.choice((-1, 1))
    for name in ("car", "truck", "bus", "motorcycle", "bicycle", "horse"):
        if name not in wanted or not x:
            continue
        if side not in x:
            side = -side
        at = (x.pop(side), road + deep * (0.36 if side > 0 else 0.93))
        faces = -1 if side > 0 else 1
        if name == "bicycle":
            cast.person(
                stage, pose="cycle", does=("riding a bicycle", "riding a bike"), at=at, faces=faces, labels=("bicycle",)
            )
        elif name == "horse":
            rider = stage.put(
                stage.glyph("🏇" + rng.choice(cast.TONES)),
                at[0],
                at[1],
                2.4,
                flip=faces > 0,
                labels=("person", "horse"),
                noun="person",
                does=("riding a horse", "riding a horse down the road"),
            )
            rider.haze = 0.0
        else:
            pick = {
                "car": rng.choice(("car", "jeep", "van")),
                "truck": rng.choice(("pickup", "truck", "tractor")),
                "motorcycle": rng.choice(("motorcycle", "scooter")),
            }.get(name, name)
            cast.place(
                stage,
                pick,
                does=("driving down the road", "on the road")
                if name != "motorcycle"
                else ("parked on the side of the road",),
                at=at,
                faces=faces,
                grow=0.84 if pick in ("bus", "truck") else 1.0,
            )
    foot = road + deep + 16
    slots = [rng.uniform(26, 70), rng.uniform(310, 356), rng.uniform(150, 230)]
    rng.shuffle(slots)
    if "stop sign" in wanted:
        cast.furniture(stage, "stop sign", slots.pop(), foot, does=("at the side of the road",))
    if "fire hydrant" in wanted:
        cast.furniture(stage, "fire hydrant", slots.pop(), foot + 8, does=("at the side of the road",))
    if "person" in wanted:
        if "dog" in wanted:
            cast.dog_walk(stage, foot + 2, HEIGHT - 10)
        else:
            cast.person(stage, foot, HEIGHT - 10, "walk", ("walking", "walking down the road"), kid=rng.random() < 0.3)
    if "cat" in wanted:
        cast.place(
            stage,
            rng.choice(("cat", "black cat")),
            foot + 4,
            HEIGHT - 8,
            ("standing in the grass",) if "snow" not in wanted else ("standing in the snow",),
        )
    if "snow" in wanted:
        if rng.random() < 0.5:
            cast.place(stage, "snowman", foot, HEIGHT - 10, ("standing in the snow",))
        stage.front.append(lambda canvas: paint.snowfall(canvas, rng))
    if "bird" in wanted:
        cast.birds_above(stage, rng.choice((2, 3)), 16, 60)
    if horizon > 100:
        stage.labels.add("sky")
    return stage, Place(
        at=("on a quiet road", "on the road", "on a street with houses", "in front of some houses"),
        a=(
            "a quiet road",
            "a street with houses",
            "a road in a small town",
            "a snowy street" if "snow" in wanted else "a leafy street",
        ),
        when=light.phrases,
        behind=("with houses in the background", "in front of a house"),
    )
