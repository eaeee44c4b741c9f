"""What rooms are made of: walls and floors, windows, shelves, tables and what is laid on them."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np

from assets.postcards import cast, paint, props
from assets.postcards.light import LIGHTS, sky
from assets.postcards.paint import HEIGHT, WIDTH, blend
from assets.postcards.stage import Item, Stage

WALLS = ("#e9d8bd", "#cfe0d8", "#d9dcec", "#f0dcd2", "#cbdce6", "#e4e2cf", "#e8cfc0", "#bcd0c4", "#dfc9d8")
FLOORS = ("#b98754", "#a8754a", "#c79b68", "#8f6543", "#caa981")
# glyph -> what a caption calls it, the labels that are true of it
DISHES = {
    "🍕": ("slice of pizza", ("pizza", "food")),
    "🍔": ("hamburger", ("food",)),
    "🌭": ("hot dog", ("food",)),
    "🥪": ("sandwich", ("food",)),
    "🥗": ("bowl of salad", ("food",)),
    "🍝": ("plate of spaghetti", ("food",)),
    "🍜": ("bowl of noodles", ("food",)),
    "🍲": ("bowl of soup", ("food",)),
    "🍛": ("plate of curry", ("food",)),
    "🥞": ("plate of pancakes", ("food",)),
    "🌮": ("taco", ("food",)),
    "🍱": ("box of food", ("food",)),
    "🎂": ("birthday cake", ("cake", "food")),
    "🍰": ("piece of cake", ("cake", "food")),
    "🧁": ("cupcake", ("cake", "food")),
    "🍩": ("donut", ("food",)),
    "🥐": ("croissant", ("food",)),
    "🍞": ("loaf of bread", ("food",)),
    "🍟": ("box of fries", ("food",)),
    "🍎": ("apple", ("fruit", "food")),
    "🍐": ("pear", ("fruit", "food")),
    "🍊": ("orange", ("fruit", "food")),
    "🍌": ("banana", ("fruit", "food")),
    "🍇": ("bunch of grapes", ("fruit", "food")),
    "🍉": ("slice of watermelon", ("fruit", "food")),
    "🍍": ("pineapple", ("fruit", "food")),
    "🍓": ("strawberry", ("fruit", "food")),
    "🍋": ("lemon", ("fruit", "food")),
    "☕": ("cup of coffee", ()),
    "🍷": ("glass of wine", ()),
    "🥛": ("glass of milk", ()),
    "🍺": ("mug of beer", ()),
    "🫖": ("teapot", ()),
    "🥤": ("drink", ()),
}
FRUIT = ("🍎", "🍐", "🍊", "🍌", "🍇", "🍉", "🍍", "🍋")
MEALS = ("🍔", "🌭", "🥪", "🥗", "🍝", "🍜", "🍲", "🍛", "🥞", "🌮", "🍱", "🍟")
SWEET = ("🍰", "🧁", "🍩")
DRINKS = ("☕", "🍷", "🥛", "🫖", "🥤")


def room(stage: Stage, floor: float, evening: bool) -> None:
    """A wall and a wooden floor, with a skirting board and light falling off to the sides."""
    rng, light = stage.rng, stage.light
    wall = light.on(rng.choice(WALLS))
    stage.canvas[:] = paint.gradient(
        [(0, blend(wall, (255, 255, 255), 0.12)), (floor, blend(wall, (120, 90, 60), 0.10))]
    )
    if rng.random() < 0.4:
        tone = blend(wall, (255, 255, 255), 0.22)
        wide = rng.uniform(18, 30)
        for i in range(int(WIDTH / wide) + 1):
            stage.lay(tone, paint.rectangle(i * wide, 0, i * wide + wide * 0.45, floor) * 0.6)
    planks = light.on(rng.choice(FLOORS))
    mask = paint.band(floor, HEIGHT + 2)
    stage.lay(
        paint.gradient([(floor, blend(planks, (0, 0, 0), 0.14)), (HEIGHT, blend(planks, (255, 240, 210), 0.14))]), mask
    )
    stage.lay(blend(planks, (40, 20, 0), 0.4), paint.joints(range(-14, 26), 26, 46, floor) * mask * 0.6)
    paint.mottle(stage.canvas, rng, mask, 5, 4, 4)
    stage.lay(blend(wall, (255, 255, 255), 0.55), paint.band(floor - 7, floor))
    stage.lay(blend(planks, (0, 0, 0), 0.4), paint.band(floor, floor + 2.2) * 0.7)
    if evening:
        lamp = rng.uniform(80, 304), 60.0
        stage.lay((255, 224, 160), paint.glow(*lamp, 90) * 0.42)


def window(stage: Stage, x: float, y: float, wide: float, high: float, evening: bool) -> None:
    """A window with sky and hills behind the glass, and its light on the floor by day."""
    rng = stage.rng
    outside = LIGHTS[
        rng.choice(("night", "dusk", "sunset")) if evening else rng.choice(("day", "day", "morning", "cloudy"))
    ]
    view = np.zeros((HEIGHT, WIDTH, 3))
    sky(view, rng, outside, y + high * 0.8, x + wide * rng.uniform(0.2, 0.8))
    paint.lay(view, outside.far("#7ca56b", 0.3), paint.below(paint.ridge(rng, y + high * 0.72, high * 0.12, 90)))
    frame = stage.light.on("#f6f1e8")
    stage.lay(blend(frame, (60, 40, 30), 0.35), paint.rectangle(x - 5, y - 4, x + wide + 7, y + high + 8) * 0.35)
    stage.lay(frame, paint.rectangle(x - 5, y - 5, x + wide + 5, y + high + 5))
    stage.lay(view, paint.rectangle(x, y, x + wide, y + high))
    stage.lay(
        (255, 255, 255),
        paint.polygon([(x, y + high), (x + wide * 0.35, y), (x + wide * 0.5, y), (x + wide * 0.15, y + high)]) * 0.14,
    )
    stage.lay(frame, paint.rectangle(x + wide / 2 - 1.5, y, x + wide / 2 + 1.5, y + high))
    stage.lay(frame, paint.rectangle(x, y + high * 0.48 - 1.5, x + wide, y + high * 0.48 + 1.5))
    stage.lay(blend(frame, (90, 70, 50), 0.2), paint.rectangle(x - 8, y + high + 4, x + wide + 8, y + high + 9))
    if rng.random() < 0.55:
        cloth = stage.light.on(rng.choice(("#c8553d", "#4f7f8f", "#d9a441", "#7f8f5a", "#a8678a")))
        for side in (0, 1):
            a = x - 12 if side == 0 else x + wide - 4
            for i in range(4):
                fold = paint.rectangle(a + i * 4, y - 9, a + i * 4 + 4.3, y + high + 14)
                stage.lay(blend(cloth, (0, 0, 0), 0.16 if i % 2 else 0.0), fold)
        stage.lay(stage.light.on("#6b4a33"), paint.rectangle(x - 18, y - 11, x + wide + 18, y - 8))
    if not evening:
        patch = paint.polygon([(x + 10, 214), (x + wide + 6, 214), (x + wide + 42, 262), (x + 30, 262)], 2)
        stage.lay((255, 246, 214), patch * 0.22)


def wall_clock(stage: Stage, x: float, y: float) -> None:
    """A round clock on the wall."""
    stage.add(
        stage.glyph(stage.rng.choice(("🕙", "🕒", "🕗", "🕔", "🕐"))),
        x,
        y + 19,
        36,
        flip=False,
        labels=("clock",),
        noun="clock",
        depth=1,
        shadow=None,
        does=("hanging on the wall",),
    )


def picture(stage: Stage, x: float, y: float) -> None:
    """A framed picture on the wall."""
    stage.add(stage.glyph("🖼️"), x, y + 21, stage.rng.uniform(36, 46), flip=None, noun="painting", depth=1, shadow=None)


def shelf(stage: Stage, x: float, y: float, wide: float) -> None:
    """A board on the wall with books, plants and keepsakes on it."""
    rng, light = stage.rng, stage.light
    wood = light.on(rng.choice(("#8a5f3a", "#b58a5c", "#5f4632")))
    stage.lay((30, 20, 15), paint.rectangle(x - wide / 2 + 3, y + 2, x + wide / 2 + 4, y + 10) * 0.22)
    for side in (-0.36, 0.36):
        stage.lay(
            blend(wood, (0, 0, 0), 0.3), paint.rectangle(x + side * wide - 1.5, y + 2, x + side * wide + 1.5, y + 12)
        )
    stage.lay(wood, paint.rectangle(x - wide / 2, y - 1, x + wide / 2, y + 4))
    stage.lay(blend(wood, (255, 255, 255), 0.3), paint.rectangle(x - wide / 2, y - 1, x + wide / 2, y + 0.6))
    things = rng.sample(("📚", "🪴", "🏺", "🫖", "📻", "🕯️", "🌵", "📷", "🪆", "🧸"), max(2, int(wide / 32)))
    for i, glyph in enumerate(things):
        stage.add(
            stage.glyph(glyph),
            x + ((i + 0.5) / len(things) - 0.5) * wide * 0.9,
            y,
            rng.uniform(25, 31),
            flip=False,
            depth=1.2,
            shadow=None,
        )


def set_out(
    stage: Stage,
    glyphs: Sequence[str],
    left: float,
    right: float,
    base: float,
    height: float,
    depth: float,
    where: str = "table",
) -> list[Item]:
    """Lay food and drink in a row on a surface, fruit a little smaller."""
    rng = stage.rng
    items = []
    step = (right - left) / max(len(glyphs), 1)
    for i, glyph in enumerate(glyphs):
        noun, labels = DISHES[glyph]
        size = height * (0.80 if "fruit" in labels or not labels else 1.25 if glyph == "🎂" else 1.0)
        turn = 0.0
        items.append(
            stage.add(
                stage.glyph(glyph),
                left + (i + 0.5) * step + rng.uniform(-0.16, 0.16) * step,
                base + rng.uniform(-4, 4),
                size,
                turn=turn,
                depth=depth + 0.1 + i * 0.001,
                labels=labels,
                noun=noun,
                shadow="contact",
                does=(f"on a {where}", f"sitting on a {where}"),
                haze=0.0,
            )
        )
    return items


def lay_table(
    stage: Stage, x: float, y: float, wide: float, cloth: str | None, noun: str | None = "table"
) -> tuple[Item, float, float, float]:
    """A table standing at (x, y); returns it and the left, right and height of the middle of its top."""
    rng = stage.rng
    wood = rng.choice((("#c58b57", "#9a6537"), ("#a9744a", "#7f5230"), ("#d8b184", "#ad8658")))
    sprite = props.table(*wood, cloth)
    item = stage.add(
        sprite, x, y, wide * sprite.height / sprite.width, flip=False, labels=("table",), noun=noun, shadow="contact"
    )
    top = item.top + item.sprite.height * 0.22
    return item, item.left + item.sprite.width * 0.09, item.left + item.sprite.width * 0.91, top


def vase_of_flowers(stage: Stage, x: float, base: float, height: float, depth: float) -> None:
    """Flowers in a vase, on a surface."""
    rng = stage.rng
    pot = stage.add(
        props.vase(rng.choice(("#4f83b8", "#c8694f", "#6b9a6e", "#8f6fa8"))),
        x,
        base,
        height * 0.5,
        labels=("flower",),
        noun="vase of flowers",
        depth=depth,
        shadow="contact",
        does=("on a table",),
    )
    for i, glyph in enumerate(rng.sample(("🌷", "🌻", "🌹", "🌷", "🪻", "🌼"), 3)):
        stage.add(
            stage.glyph(glyph),
            x + (i - 1) * height * 0.24,
            base - height * (0.34 if i != 1 else 0.44),
            height * 0.52,
            turn=(1 - i) * 14.0,
            flip=False,
            depth=depth - 0.02 + (i == 1) * 0.01,
            shadow=None,
            needs=(pot,),
            labels=(),
        )


def pet(stage: Stage, name: str, low: float, high: float, does: tuple[str, ...]) -> Item:
    """A cat or a dog on the floor, a little larger than life."""
    return cast.place(stage, name, low, high, does, grow=1.15)


def evening_of(rng: random.Random, wanted: set[str]) -> tuple[bool, str]:
    """Whether lamps are on, and the name of that light."""
    return ("evening" in wanted), ("lamplight" if "evening" in wanted else "indoors")


def cook(stage: Stage, x: float, base: float, height: float, depth: float) -> Item:
    """A cook (a bust: it must stand behind something)."""
    female = stage.rng.random() < 0.5
    glyph = ("👩" if female else "👨") + stage.rng.choice(cast.TONES) + "\u200d🍳"
    return stage.add(
        stage.glyph(glyph),
        x,
        base,
        height,
        depth=depth,
        labels=("person",),
        noun=stage.rng.choice(("chef", "cook", "woman" if female else "man")),
        shadow=None,
        does=("cooking", "cooking breakfast", "holding a frying pan"),
    )


def guest(
    stage: Stage, x: float, base: float, height: float, depth: float, does: tuple[str, ...], kid: bool = False
) -> Item:
    """Somebody behind a table (a bust)."""
    female = stage.rng.random() < 0.5
    symbol = stage.rng.choice(("🙋", "🙆", "💁", "🙋", "💁"))
    glyph = symbol + stage.rng.choice(cast.TONES) + (cast.FEMALE if female else cast.MALE)
    noun = ("girl" if female else "boy") if kid else ("woman" if female else "man")
    shirt = stage.rng.choice(("red", "blue", "yellow", "green", "pink", "white", "orange", "navy"))
    return stage.add(
        stage.glyph(glyph, shirt=shirt),
        x,
        base,
        height,
        depth=depth,
        labels=("person",),
        noun=noun,
        shadow=None,
        does=does,
    )


def rug(stage: Stage, x: float, y: float, wide: float) -> None:
    """An oval rug on the floor."""
    tone = stage.light.on(stage.rng.choice(("#b5533f", "#4f7f8f", "#d9b25a", "#7f8f5a", "#8a6a9a", "#e3d6c0")))
    for share, mixed in ((1.0, 0.0), (0.86, 0.3), (0.62, 0.12)):
        reach = ((paint.XS - x) / (wide * share)) ** 2 + ((paint.YS - y) / (wide * 0.17 * share)) ** 2
        stage.lay(blend(tone, (255, 255, 255), mixed), np.clip((1 - reach) * wide * 0.09, 0, 1))
