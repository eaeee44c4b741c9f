"""Desk, café table, birthday party."""

from __future__ import annotations

import random

import numpy as np
from PIL import Image

from assets.postcards import cast, paint, props
from assets.postcards.captions import Place
from assets.postcards.glyphs import GlyphBook
from assets.postcards.interior import (
    DISHES,
    DRINKS,
    FRUIT,
    MEALS,
    SWEET,
    evening_of,
    guest,
    lay_table,
    pet,
    picture,
    room,
    set_out,
    shelf,
    vase_of_flowers,
    wall_clock,
    window,
)
from assets.postcards.light import LIGHTS
from assets.postcards.paint import HEIGHT, WIDTH, blend, colour
from assets.postcards.stage import Item, Stage


def desk(rng: random.Random, book: GlyphBook, wanted: set[str]) -> tuple[Stage, Place]:
    """A desk near a window with a computer, a phone, coffee and perhaps the cat."""
    evening, name = evening_of(rng, wanted)
    stage = Stage(rng, book, LIGHTS[name], horizon=20, camera=3.4)
    floor = 210.0
    room(stage, floor, evening)
    side = rng.choice((-1, 1))
    window(stage, 192 + side * rng.uniform(60, 90) - 44, rng.uniform(24, 34), 92, 92, evening)
    if "clock" in wanted:
        wall_clock(stage, 192 - side * rng.uniform(70, 110), rng.uniform(40, 56))
    elif rng.random() < 0.6:
        picture(stage, 192 - side * rng.uniform(70, 110), rng.uniform(44, 60))
    if rng.random() < 0.6:
        shelf(stage, 192 - side * rng.uniform(100, 130), 118, rng.uniform(80, 110))
    y = 272.0
    table, a, b, top = lay_table(stage, 192 + rng.uniform(-20, 20), y, 258, None, noun=None)
    things: list[tuple[str, float, tuple[str, ...], str | None]] = []
    if "computer" in wanted:
        things.append((rng.choice(("💻", "🖥️", "💻")), 84, ("computer",), "computer"))
    if "phone" in wanted:
        text = rng.choice(("📱", "☎️", "☎️"))
        things.append((text, 36 if text == "📱" else 42, ("phone",), "phone"))
    things.append((rng.choice(("☕", "📚", "🎧", "📷", "📖")), 36, (), None))
    if "fruit" in wanted:
        glyph = rng.choice(("🍎", "🍌", "🍊", "🍐"))
        things.append((glyph, 26, DISHES[glyph][1], DISHES[glyph][0]))
    if "flower" in wanted:
        things.append(("vase", 66, ("flower",), "vase of flowers"))
    if "cat" in wanted:
        things.append((rng.choice(("🐈", "🐈‍⬛")), 58, ("cat",), "cat"))
    rng.shuffle(things)
    total = sum(size for _, size, _, _ in things)
    x = a
    for text, size, labels, noun in things:
        wide = (b - a) * size / total
        x += wide / 2
        if text == "vase":
            vase_of_flowers(stage, x, top + 12, size, y + 0.1)
        else:
            noun = {
                "☕": "cup of coffee",
                "📚": "pile of books",
                "🎧": "pair of headphones",
                "📷": "camera",
                "📖": "book",
                "💻": "laptop",
            }.get(text, noun)
            does = (
                ("sitting on a desk", "standing on a desk", "on a desk")
                if noun == "cat"
                else ("on a desk", "sitting on a desk")
            )
            stage.add(
                stage.glyph(text),
                x,
                top + rng.uniform(8, 17),
                size,
                flip=False if noun in ("laptop", "computer") else None,
                labels=labels,
                noun=noun,
                depth=y + 0.1,
                shadow="contact",
                does=does,
            )
        x += wide / 2
    if "person" in wanted:
        female = rng.random() < 0.5
        x = rng.uniform(a + 40, b - 40)
        symbol = rng.choice(("💁", "🙋"))
        stage.add(
            stage.glyph(
                symbol + rng.choice(cast.TONES) + (cast.FEMALE if female else cast.MALE),
                shirt=rng.choice(("red", "blue", "green", "white", "navy")),
            ),
            x,
            table.top + 14,
            92,
            depth=y - 1,
            labels=("person",),
            noun="woman" if female else "man",
            does=("sitting at a desk", "working at a desk"),
            shadow=None,
        )
    if "chair" in wanted:
        cast.place(stage, "chair", at=(192 - side * rng.uniform(148, 160), 278), faces=-side, grow=1.15)
    if "dog" in wanted:
        pet(stage, "sitting dog", 274, 284, ("sitting by a desk", "next to a desk"))
    return stage, Place(
        at=("in an office", "in a home office", "by a window"),
        a=("a desk", "a desk by a window", "a home office", "a wooden desk"),
    )


def cafe(rng: random.Random, book: GlyphBook, wanted: set[str]) -> tuple[Stage, Place]:
    """Close to a table full of food, people behind it."""
    evening, name = evening_of(rng, wanted)
    stage = Stage(rng, book, LIGHTS[name], horizon=0, camera=3.0)
    rng_wall = rng.choice(("#b5573f", "#3f6b63", "#d9a85a", "#6b4a3a", "#4f6f8a", "#c9b08a"))
    wall = stage.light.on(rng_wall)
    stage.canvas[:] = paint.gradient([(0, blend(wall, (0, 0, 0), 0.12)), (180, wall)])
    if rng.random() < 0.5:
        for row in range(14):
            for i in range(-1, 15):
                x, y = i * 28 + (row % 2) * 14, row * 13.0
                stage.lay(
                    blend(wall, (255, 240, 220), 0.06 + 0.14 * rng.random()),
                    paint.rectangle(x + 0.8, y + 0.8, x + 27.2, y + 12.2) * 0.6,
                )
    else:
        for i in range(17):
            stage.lay(blend(wall, (0, 0, 0), 0.14), paint.rectangle(i * 24, 100, i * 24 + 1.6, 190))
        stage.lay(blend(wall, (255, 255, 255), 0.22), paint.band(96, 101))
        stage.lay(blend(wall, (0, 0, 0), 0.10), paint.band(101, 190) * 0.6)
    for x in range(rng.randint(30, 60), WIDTH, rng.randint(90, 130)):
        stage.lay((40, 30, 26), paint.rectangle(x - 0.7, 0, x + 0.7, 20))
        stage.lay((50, 40, 36), paint.polygon([(x - 12, 34), (x + 12, 34), (x + 5, 19), (x - 5, 19)]))
        stage.lay((255, 232, 176), paint.glow(x, 38, 24) * 0.7)
    if "window" in wanted:
        panes = rng.choice((30, 262))
        window(stage, panes, 48, 92, 80, evening)
    shelf(
        stage,
        300 if "window" in wanted and panes < 190 else 84 if "window" in wanted else rng.choice((84, 300)),
        92,
        110,
    )
    if "window" not in wanted and rng.random() < 0.6:
        picture(stage, 192 + rng.uniform(-20, 20), rng.uniform(52, 62))
    edge = rng.uniform(168, 180)
    people = []
    if "person" in wanted:
        count = rng.choice((1, 2, 2, 3))
        for i in range(count):
            x = 192 + (i - (count - 1) / 2) * 112 + rng.uniform(-14, 14)
            people.append(
                guest(
                    stage,
                    x,
                    edge + 8,
                    rng.uniform(96, 110),
                    10,
                    ("sitting at a table", "eating", "having lunch")
                    if not evening
                    else ("sitting at a table", "having dinner", "eating"),
                )
            )
    cloth = rng.random() < 0.35
    tone = stage.light.on(
        rng.choice(("#f3efe6", "#d9e6ee", "#f0d9cf"))
        if cloth
        else rng.choice(("#b98150", "#8f6040", "#caa071", "#a8683f"))
    )
    board = np.zeros((HEIGHT, WIDTH, 4), dtype=np.uint8)
    surface = np.zeros((HEIGHT, WIDTH, 3))
    surface[:] = paint.gradient([(edge, blend(tone, (0, 0, 0), 0.10)), (HEIGHT, blend(tone, (255, 255, 255), 0.14))])
    if cloth:
        stripe = stage.light.on(rng.choice(("#c8553d", "#4f7f8f", "#5f8f5a")))
        wave = (paint.XS - 192) / np.maximum((paint.YS - 40) / 150, 0.1) / 26
        rows = 3600.0 / np.maximum(paint.YS - 40, 1)
        paint.lay(
            surface, stripe, np.where(np.floor(wave) % 2 == 0, 0.28, 0.0) + np.where(np.floor(rows) % 2 == 0, 0.28, 0.0)
        )
    else:
        grain = paint.noise(rng, 3, 22)
        paint.add(surface, grain * 6)
        for y in (edge + 26, edge + 60, edge + 98):
            paint.lay(surface, blend(tone, (0, 0, 0), 0.4), paint.band(y, y + 1.3) * 0.6)
    paint.lay(surface, blend(tone, (255, 255, 255), 0.35), paint.band(edge, edge + 2))
    board[..., :3] = np.round(np.clip(surface, 0, 255)).astype(np.uint8)
    board[..., 3] = np.round(paint.band(edge, HEIGHT + 2) * 255).astype(np.uint8)
    stage.items.append(Item(Image.fromarray(board, "RGBA"), 0, 0, 20, 20, shadow=None, glowing=True, labels=("table",)))
    foods: list[str] = []
    if "pizza" in wanted:
        foods += ["🍕"] * rng.choice((1, 1, 2))
    if "meal" in wanted:
        foods += rng.sample(MEALS, rng.choice((1, 2)))
    if "fruit" in wanted:
        foods += rng.sample(FRUIT, rng.choice((2, 3)))
    if "cake" in wanted:
        foods += [rng.choice(SWEET)]
    if "drink" in wanted:
        foods += rng.sample(DRINKS, rng.choice((1, 2)))
    rng.shuffle(foods)
    foods = foods[:6]
    back = foods[: len(foods) // 2]
    front = foods[len(foods) // 2 :]
    for row, base, size, depth in ((back, edge + 44, 58, 30), (front, HEIGHT - 16, 84, 40)):
        step = 330 / max(len(row), 1)
        for i, glyph in enumerate(row):
            noun, labels = DISHES[glyph]
            x = 27 + (i + 0.5) * step + rng.uniform(-0.14, 0.14) * step
            high = size * (0.82 if "fruit" in labels else 0.95)
            plate = (
                "food" in labels and glyph not in "🍝🍜🍲🍛🥗🍱🥞🎂🍰🍍🍉" and "fruit" not in labels
            ) or glyph in "🥞"
            y = base + rng.uniform(-4, 4)
            if plate:
                dish(stage, x, y - 3, high * 0.72, depth - 0.1)
            stage.add(
                stage.glyph(glyph),
                x,
                y,
                high,
                depth=depth,
                labels=labels,
                noun=noun,
                shadow=None if plate else "contact",
                does=("on a table", "on a plate") if plate else ("on a table",),
            )
    if "flower" in wanted:
        vase_of_flowers(stage, rng.uniform(60, 324), edge + 34, 78, 25)
    if "phone" in wanted:
        stage.add(
            stage.glyph("📱"),
            rng.choice((24, 360)),
            HEIGHT - 10,
            54,
            turn=rng.uniform(-60, -30),
            labels=("phone",),
            noun="phone",
            depth=41,
            shadow="contact",
            does=("on a table",),
        )
    if "clock" in wanted:
        wall_clock(stage, rng.uniform(150, 240), 64)
    return stage, Place(
        at=("on a table", "on a wooden table" if not cloth else "on a table", "at a restaurant", "in a restaurant")
        if not people
        else ("at a table", "at a restaurant", "in a restaurant"),
        a=("a table", "a table full of food" if len(foods) > 3 else "a table", "a restaurant table"),
    )


def dish(stage: Stage, x: float, y: float, radius: float, depth: float) -> None:
    """A plate under something, with its own shadow."""
    stage.add(props.dish(), x, y + radius * 0.30, radius * 0.68, flip=False, depth=depth, shadow="contact")


def party(rng: random.Random, book: GlyphBook, wanted: set[str]) -> tuple[Stage, Place]:
    """A birthday: cake on a laid table, balloons, garlands, guests behind."""
    evening, name = evening_of(rng, wanted)
    stage = Stage(rng, book, LIGHTS[name], horizon=20, camera=3.4)
    room(stage, 204, evening)
    tones = [colour(tone) for tone in ("#e8504a", "#f2b93d", "#4f9fd8", "#6bbf73", "#b07be0", "#ff8fb8")]
    drop = rng.uniform(26, 40)
    for i in range(13):
        t = i / 12
        x, y = t * WIDTH, 12 + drop * 4 * t * (1 - t)
        stage.lay(stage.light.on(tones[i % 6]), paint.polygon([(x - 13, y), (x + 13, y), (x, y + 21)]))
    line = paint.below(12 + drop * 4 * (paint.XS[0] / WIDTH) * (1 - paint.XS[0] / WIDTH))
    stage.lay((250, 246, 238), line * (1 - np.roll(line, 2, axis=0)) * 0.9)
    for side in (0, 1):
        x = rng.uniform(22, 50) if side == 0 else rng.uniform(334, 362)
        for i in range(rng.choice((2, 3))):
            bx, by = x + rng.uniform(-18, 18), 86 + i * 22 + rng.uniform(-10, 10)
            stage.line([(bx, by + 20), (x, 196)], "#8a8378", 0.8, 5)
            stage.fly(
                stage.glyph("🎈", paint=rng.choice(("red", "blue", "yellow", "green", "pink", "purple"))),
                bx,
                by,
                46,
                depth=6 + i * 0.1,
                noun="balloon",
                does=("floating",),
            )
    y = 276.0
    cloth = rng.choice(("#f6efe2", "#cfe3f0", "#f7d6dc", "#e4dbf2", "#fbe6b8"))
    table, a, b, top = lay_table(stage, 192, y, 268, cloth, noun=None)
    if "person" in wanted:
        count = rng.choice((1, 2, 2, 3))
        kid = rng.random() < 0.55
        for i in range(count):
            x = 192 + (i - (count - 1) / 2) * 84 + rng.uniform(-10, 10)
            guest(
                stage,
                x,
                table.top + 20,
                (80 if kid else 94) + rng.uniform(-5, 5),
                y - 2 + i * 0.1,
                ("celebrating a birthday", "at a birthday party", "sitting in front of a cake"),
                kid=kid,
            )
    foods = ["🎂"]
    if "pizza" in wanted:
        foods.append("🍕")
    if "fruit" in wanted:
        foods += rng.sample(FRUIT, 2)
    if "sweets" in wanted:
        foods.append(rng.choice(("🧁", "🍩", "🍰")))
    rest = foods[1:]
    rng.shuffle(rest)
    middle = len(rest) // 2
    foods = [*rest[:middle], "🎂", *rest[middle:]]
    for item in set_out(stage, foods, a, b, top + 16, 42, y):
        if item.noun == "birthday cake":
            item.does = ("on a table", "sitting on a table")
    if "gift" in wanted:
        for _ in range(rng.choice((1, 2, 3))):
            x = rng.choice((rng.uniform(20, 52), rng.uniform(332, 364)))
            stage.add(
                stage.glyph("🎁"), x, rng.uniform(270, 284), rng.uniform(40, 54), noun="gift", does=("on the floor",)
            )
    if "dog" in wanted:
        pet(stage, rng.choice(("sitting dog", "poodle")), 276, 284, ("waiting for cake", "sitting by the table"))
    if "flower" in wanted:
        vase_of_flowers(stage, a + 14, top + 9, 54, y + 0.05)
    paint.specks(stage.canvas, rng, 210, [stage.light.on(tone) for tone in tones], 90, 1.8)
    return stage, Place(
        at=("at a birthday party", "at a party"),
        a=("a birthday party", "a party table", "a table set for a birthday"),
        behind=("with balloons in the background",),
    )
