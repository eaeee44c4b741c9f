"""Kitchen, living room, bedroom."""

from __future__ import annotations

import random

from assets.postcards import cast, paint, props
from assets.postcards.captions import Place
from assets.postcards.glyphs import GlyphBook
from assets.postcards.interior import (
    DISHES,
    DRINKS,
    FRUIT,
    MEALS,
    cook,
    evening_of,
    lay_table,
    pet,
    picture,
    room,
    rug,
    set_out,
    shelf,
    vase_of_flowers,
    wall_clock,
    window,
)
from assets.postcards.light import LIGHTS
from assets.postcards.paint import HEIGHT, WIDTH, blend
from assets.postcards.stage import Stage


def kitchen(rng: random.Random, book: GlyphBook, wanted: set[str]) -> tuple[Stage, Place]:
    """Cabinets, stove, fridge and a counter or table with food."""
    evening, name = evening_of(rng, wanted)
    light = LIGHTS[name]
    stage = Stage(rng, book, light, horizon=30, camera=4.0)
    floor = 196.0
    room(stage, floor, evening)
    tile = light.on("#f3f0e8")
    stage.lay(tile, paint.band(84, 140))
    for i in range(int(WIDTH / 14) + 1):
        stage.lay(light.on("#d5d0c4"), paint.rectangle(i * 14, 84, i * 14 + 1, 140))
    for y in (84, 98, 112, 126):
        stage.lay(light.on("#d5d0c4"), paint.band(y, y + 1))
    wood = light.on(rng.choice(("#7fa0a8", "#c9a06b", "#8fae8b", "#e6e1d6", "#a9745a", "#6f89a8")))
    hatch = blend(wood, (0, 0, 0), 0.2)
    gap = rng.uniform(110, 200)
    for i in range(9):
        x = i * 46 - 10
        if gap - 46 < x < gap + 62:
            continue
        stage.lay(hatch, paint.rectangle(x, 8, x + 44, 66))
        stage.lay(wood, paint.rectangle(x + 2, 8, x + 42, 63))
        stage.lay(blend(wood, (255, 255, 255), 0.25), paint.rectangle(x + 7, 14, x + 37, 57) * 0.6)
        stage.lay(light.on("#59626b"), paint.rectangle(x + 33, 46, x + 35, 56))
    window(stage, gap - 18, 16, 72, 62, evening)
    for i in range(9):
        x = i * 46 - 4
        stage.lay(hatch, paint.rectangle(x, 146, x + 46, floor + 6))
        stage.lay(wood, paint.rectangle(x + 2, 150, x + 44, floor + 2))
        stage.lay(blend(wood, (255, 255, 255), 0.22), paint.rectangle(x + 8, 156, x + 38, floor - 4) * 0.6)
        stage.lay(light.on("#59626b"), paint.rectangle(x + 20, 153, x + 27, 155))
    stage.lay(light.on(rng.choice(("#8a8f94", "#b58a5c", "#e9e6df", "#4f555b"))), paint.band(138, 148))
    stage.lay((30, 20, 10), paint.band(floor + 4, floor + 10) * 0.3)
    stage.labels.add("kitchen")
    left = rng.random() < 0.5
    x = 40 if left else 344
    stage.add(
        props.fridge(rng.choice(("#dfe6ea", "#c4d3d8", "#e9dcc8", "#b9cbbf"))),
        x,
        floor + 8,
        150,
        flip=not left,
        noun="fridge",
        depth=20,
    )
    sx = rng.uniform(104, 140) if left else rng.uniform(244, 280)
    stage.add(props.stove(), sx, floor + 7, 68, flip=False, noun="stove", depth=20, shadow=None)
    stage.add(stage.glyph(rng.choice(("🍲", "🥘", "🍳"))), sx, 140, 30, noun=None, depth=21, shadow=None)
    counter = [rng.choice(("🫖", "🍞", "🧂", "🍯", "🥖", "☕"))] + (
        [rng.choice(FRUIT) for _ in range(2)] if "fruit" in wanted else []
    )
    spots = [cx for cx in range(80, 310, 30) if abs(cx - sx) > 46 and abs(cx - x) > 50]
    rng.shuffle(spots)
    for glyph, cx in zip(counter, spots, strict=False):
        noun, labels = DISHES.get(glyph, (None, ("food",) if glyph in "🥖" else ()))
        stage.add(
            stage.glyph(glyph),
            cx,
            143,
            24,
            labels=labels,
            noun=noun,
            depth=21,
            shadow="contact",
            does=("on the counter",),
        )
    if "clock" in wanted:
        wall_clock(stage, rng.choice([v for v in (276, 104) if abs(v - gap - 18) > 76] or [276]), 76)
    if "cook" in wanted:
        tx, ty = rng.uniform(150, 240), 276
        table, a, b, top = lay_table(stage, tx, ty, 190, None)
        chef = cook(stage, tx + rng.uniform(-40, 40), table.top + 13, 86, ty - 1)
        foods = (
            rng.sample((*MEALS, "🍕", "🥗"), rng.choice((1, 2)))
            + (["🍕"] if "pizza" in wanted else [])
            + (rng.sample(FRUIT, 2) if "fruit" in wanted else [])
        )
        set_out(stage, foods, a, b, top + 12, 34, ty)
        chef.does = ("cooking", "making food", "holding a frying pan")
    elif "table" in wanted:
        tx, ty = rng.uniform(150, 240), rng.uniform(262, 276)
        table, a, b, top = lay_table(stage, tx, ty, rng.uniform(160, 200), None)
        foods = (
            (["🍕"] if "pizza" in wanted else [])
            + (rng.sample(FRUIT, rng.choice((2, 3))) if "fruit" in wanted else [rng.choice(MEALS)])
            + [rng.choice(DRINKS)]
        )
        if "cake" in wanted:
            foods.insert(1, rng.choice(("🎂", "🍰", "🧁")))
        rng.shuffle(foods)
        set_out(stage, foods[:5], a, b, top + 9, 34, ty)
        if "chair" in wanted:
            for side in (-1, 1):
                cast.place(stage, "chair", at=(tx + side * (table.sprite.width / 2 + 22), ty - 8), grow=1.3, faces=side)
    if "person" in wanted:
        cast.person(stage, 222, HEIGHT - 12, "stand", ("standing", "standing by the table"), kid=rng.random() < 0.25)
    if "dog" in wanted:
        pet(
            stage,
            rng.choice(("dog", "sitting dog", "poodle")),
            230,
            HEIGHT - 8,
            ("waiting for food", "standing on the floor"),
        )
    if "cat" in wanted:
        pet(stage, rng.choice(("cat", "black cat")), 230, HEIGHT - 8, ("standing on the floor", "walking on the floor"))
    return stage, Place(
        at=("in a kitchen", "in the kitchen"),
        a=("a kitchen", "a clean kitchen", "a small kitchen", "a kitchen with a stove and a fridge"),
        behind=("with a window behind",),
    )


def living(rng: random.Random, book: GlyphBook, wanted: set[str]) -> tuple[Stage, Place]:
    """A couch, a television, pets, a clock, a plant."""
    evening, name = evening_of(rng, wanted)
    stage = Stage(rng, book, LIGHTS[name], horizon=30, camera=4.0)
    floor = rng.uniform(176, 188)
    room(stage, floor, evening)
    side = rng.choice((-1, 1))
    window(stage, 192 + side * rng.uniform(66, 90) - 38, rng.uniform(30, 40), 80, rng.uniform(78, 92), evening)
    rug(stage, 192, 240, rng.uniform(120, 160))
    couch_x = 192 - side * rng.uniform(30, 66)
    couch = stage.add(
        stage.glyph(
            "🛋️",
            **(
                {"paint": rng.choice(("red", "green", "teal", "orange", "navy", "pink"))} if rng.random() < 0.75 else {}
            ),
        ),
        couch_x,
        floor + 34,
        136,
        flip=None,
        labels=("couch",),
        noun="couch",
        does=("by the wall",),
    )
    if "clock" in wanted:
        wall_clock(stage, couch_x - side * 34, rng.uniform(34, 44))
    if "picture" in wanted:
        picture(stage, couch_x + side * 20, rng.uniform(40, 52))
    if rng.random() < 0.7:
        shelf(stage, couch_x - side * rng.uniform(66, 74), 96, rng.uniform(74, 92))
    if "plant" in wanted:
        stage.add(stage.glyph("🪴"), 192 + side * rng.uniform(140, 160), floor + 28, 78, noun="potted plant")
    if "tv" in wanted:
        tx = 192 + side * rng.uniform(74, 104)
        table, _, _, top = lay_table(stage, tx, floor + 44, 100, None)
        stage.add(
            stage.glyph("📺"),
            tx,
            top + 7,
            62,
            noun="television",
            depth=table.depth + 0.1,
            shadow="contact",
            does=("on a table",),
        )
    elif "flower" in wanted or "computer" in wanted:
        tx = 192 + side * rng.uniform(76, 100)
        table, _, _, top = lay_table(stage, tx, floor + 50, 108, None)
        if "flower" in wanted:
            vase_of_flowers(stage, tx + (-22 if "computer" in wanted else 0), top + 8, 52, table.depth + 0.1)
        if "computer" in wanted:
            stage.add(
                stage.glyph("💻"),
                tx + 20,
                top + 9,
                36,
                flip=False,
                labels=("computer",),
                noun="laptop",
                depth=table.depth + 0.2,
                shadow="contact",
                does=("on a table",),
            )
    if "cat" in wanted:
        where = rng.random() < 0.5
        if where:
            stage.add(
                stage.glyph(rng.choice(("🐈", "🐈‍⬛"))),
                couch_x + rng.uniform(-26, 18),
                floor + 14,
                44,
                depth=couch.depth + 0.2,
                labels=("cat",),
                noun="cat",
                does=("sitting on a couch", "standing on a couch", "on the couch"),
                shadow="contact",
            )
        else:
            pet(
                stage, rng.choice(("cat", "black cat")), 232, HEIGHT - 10, ("standing on a rug", "walking on the floor")
            )
    if "dog" in wanted:
        pet(
            stage,
            rng.choice(("dog", "sitting dog", "poodle", "brown dog")),
            236,
            HEIGHT - 10,
            ("standing on the floor", "waiting to play", "standing on a rug"),
        )
    if "person" in wanted:
        for _ in range(rng.choice((1, 1, 2))):
            pose, does = rng.choice(
                (
                    ("stand", ("standing",)),
                    ("meditate", ("sitting on the floor", "sitting on a rug")),
                    ("wheelchair", ("sitting in a wheelchair",)),
                )
            )
            cast.person(stage, 236, HEIGHT - 8, pose, does, kid=rng.random() < 0.3 and pose != "wheelchair")
    if rng.random() < 0.3:
        stage.put(stage.glyph(rng.choice(("🧸", "🧶", "📚"))), *stage.spot(240, HEIGHT - 8, 0.6), 0.6)
    if "phone" in wanted:
        tx, ty = stage.spot(240, HEIGHT - 10, 1.0, 1.6)
        table, _, _, top = lay_table(stage, tx, ty, 84, None)
        stage.add(
            stage.glyph(rng.choice(("☎️", "📱"))),
            tx,
            top + 7,
            28,
            labels=("phone",),
            noun="phone",
            depth=table.depth + 0.1,
            shadow="contact",
            does=("on a small table",),
        )
    return stage, Place(
        at=("in a living room", "in the living room"),
        a=(
            "a living room",
            "a cozy living room",
            "a bright living room" if not evening else "a living room in the evening",
        ),
        behind=("with a window behind", "by a window"),
    )


def bedroom(rng: random.Random, book: GlyphBook, wanted: set[str]) -> tuple[Stage, Place]:
    """A bed, a clock, a lamp, and who sleeps there."""
    evening, name = evening_of(rng, wanted)
    stage = Stage(rng, book, LIGHTS[name], horizon=30, camera=4.0)
    floor = rng.uniform(178, 190)
    room(stage, floor, evening)
    side = rng.choice((-1, 1))
    window(stage, 192 + side * rng.uniform(80, 100) - 36, rng.uniform(30, 42), 74, rng.uniform(76, 92), evening)
    rug(stage, 192 + side * 20, 246, rng.uniform(100, 140))
    bed_x = 192 - side * rng.uniform(44, 70)
    sleeper = "sleeper" in wanted
    glyph = "🛌" + rng.choice(cast.TONES) if sleeper else "🛏️"
    bed = stage.add(
        stage.glyph(glyph),
        bed_x,
        floor + 46,
        108,
        flip=side > 0,
        labels=("bed", "person") if sleeper else ("bed",),
        noun="person" if sleeper else "bed",
        does=("sleeping in a bed", "asleep in bed", "lying in bed") if sleeper else ("by a window",),
    )
    if "picture" in wanted:
        picture(stage, bed_x + 10, rng.uniform(40, 54))
    elif "clock" in wanted and rng.random() < 0.4:
        wall_clock(stage, bed_x - side * 20, 50)
        wanted.discard("clock")
    if rng.random() < 0.6:
        shelf(stage, bed_x - side * rng.uniform(54, 64), rng.uniform(96, 108), rng.uniform(70, 96))
    else:
        stage.add(stage.glyph("🚪"), 192 - side * 160, floor + 2, 128, flip=False, depth=2, shadow=None)
    tx = 192 + side * rng.uniform(76, 110)
    if wanted & {"clock", "computer", "phone", "flower"}:
        table, a, b, top = lay_table(stage, tx, floor + 46, 112, None)
        things = [thing for thing in ("clock", "computer", "phone", "flower") if thing in wanted][:3]
        step = (b - a) / len(things)
        for i, thing in enumerate(things):
            x = a + (i + 0.5) * step
            if thing == "flower":
                vase_of_flowers(stage, x, top + 8, 46, table.depth + 0.1)
                continue
            text, size, noun = {
                "clock": (rng.choice(("⏰", "🕰️")), 34, "clock"),
                "computer": ("💻", 36, "laptop"),
                "phone": (rng.choice(("☎️", "📱")), 26, "phone"),
            }[thing]
            stage.add(
                stage.glyph(text),
                x,
                top + 8,
                size,
                flip=False,
                labels=(thing,),
                noun=noun,
                depth=table.depth + 0.1,
                shadow="contact",
                does=("on a table", "on a desk"),
            )
        if "chair" in wanted:
            cast.place(stage, "chair", at=(tx - side * 10, floor + 68), grow=1.25)
    if "cat" in wanted:
        if rng.random() < 0.6 and not sleeper:
            stage.add(
                stage.glyph(rng.choice(("🐈", "🐈‍⬛"))),
                bed_x + rng.uniform(-10, 26),
                floor + 14,
                42,
                depth=bed.depth + 0.2,
                labels=("cat",),
                noun="cat",
                does=("standing on a bed", "on the bed"),
                shadow="contact",
            )
        else:
            pet(stage, rng.choice(("cat", "black cat")), 244, HEIGHT - 8, ("standing on a rug", "walking on the floor"))
    if "dog" in wanted:
        pet(
            stage,
            rng.choice(("dog", "sitting dog", "poodle", "brown dog")),
            244,
            HEIGHT - 8,
            ("standing next to a bed", "standing on the floor"),
        )
    if "luggage" in wanted:
        cast.place(stage, "suitcase", 240, HEIGHT - 10, ("packed for a trip", "on the floor"), grow=1.15)
    if "person" in wanted:
        cast.person(stage, 240, HEIGHT - 8, rng.choice(("stand", "meditate")), (), kid=rng.random() < 0.5)
    if rng.random() < 0.35:
        stage.put(stage.glyph("🧸"), *stage.spot(244, HEIGHT - 8, 0.6), 0.7, noun="teddy bear", flip=False)
    return stage, Place(
        at=("in a bedroom", "in the bedroom"),
        a=("a bedroom", "a tidy bedroom", "a small bedroom", "a bedroom with a bed"),
        behind=("with a window behind", "near a window"),
    )
