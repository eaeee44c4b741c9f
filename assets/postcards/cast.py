"""Who and what can stand on the stage: how high each is in metres, what it is called, which labels are true of it.

Small things are drawn somewhat larger than life, as in a picture book, but their order is kept: a cat is smaller
than a dog, a dog than a person, a person than a car is long.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assets.postcards import props
from assets.postcards.paint import WIDTH
from assets.postcards.stage import SHIRTS, TONES, Item, Stage

LEFT, RIGHT = -1, 1


@dataclass(frozen=True)
class Thing:
    """A glyph and the facts about it; `faces` is the way its picture looks, `paints` the colours it may take."""

    glyph: str
    metres: float
    noun: str
    labels: tuple[str, ...] = ()
    faces: int = LEFT
    paints: tuple[str, ...] = ()
    key: str | None = None
    aspect: float = 1.0


THINGS = {
    "dog": Thing("🦮", 0.95, "dog", ("dog",)),
    "brown dog": Thing("🐕‍🦺", 0.95, "dog", ("dog",)),
    "poodle": Thing("🐩", 0.85, "dog", ("dog",)),
    "sitting dog": Thing("🐕", 0.85, "dog", ("dog",)),
    "cat": Thing("🐈", 0.62, "cat", ("cat",)),
    "black cat": Thing("🐈‍⬛", 0.62, "cat", ("cat",)),
    "horse": Thing("🐎", 1.95, "horse", ("horse",)),
    "cow": Thing("🐄", 1.65, "cow", ("cow",)),
    "bull": Thing("🐂", 1.75, "cow", ("cow",)),
    "sheep": Thing("🐑", 1.2, "sheep", ("sheep",)),
    "ram": Thing("🐏", 1.25, "sheep", ("sheep",)),
    "goat": Thing("🐐", 1.15, "goat", ("sheep",)),
    "pig": Thing("🐖", 1.0, "pig"),
    "rooster": Thing("🐓", 0.75, "rooster", ("bird",)),
    "duck": Thing("🦆", 0.55, "duck", ("bird",)),
    "swan": Thing("🦢", 0.8, "swan", ("bird",)),
    "goose": Thing("🪿", 0.85, "goose", ("bird",)),
    "bluebird": Thing("🐦", 0.42, "bird", ("bird",)),
    "flamingo": Thing("🦩", 1.35, "flamingo", ("bird",)),
    "parrot": Thing("🦜", 0.6, "parrot", ("bird",)),
    "peacock": Thing("🦚", 1.15, "peacock", ("bird",)),
    "owl": Thing("🦉", 0.6, "owl", ("bird",)),
    "elephant": Thing("🐘", 3.1, "elephant", ("elephant",)),
    "giraffe": Thing("🦒", 4.5, "giraffe", ("giraffe",), aspect=0.6),
    "zebra": Thing("🐎", 1.95, "zebra", ("zebra",), key="zebra"),
    "rhino": Thing("🦏", 1.9, "rhino"),
    "deer": Thing("🦌", 1.7, "deer", aspect=0.7),
    "rabbit": Thing("🐇", 0.5, "rabbit"),
    "squirrel": Thing("🐿️", 0.45, "squirrel"),
    "camel": Thing("🐪", 2.3, "camel"),
    "car": Thing(
        "🚗", 1.62, "car", ("car",), paints=("red", "blue", "yellow", "green", "white", "teal", "orange"), aspect=1.6
    ),
    "jeep": Thing("🚙", 1.8, "car", ("car",), paints=("red", "blue", "green", "white", "orange"), aspect=1.5),
    "taxi": Thing("🚕", 1.75, "taxi", ("car",), aspect=1.4),
    "van": Thing("🚐", 2.0, "van", ("car",), aspect=1.5),
    "bus": Thing("🚌", 3.0, "bus", ("bus",), paints=("blue", "red", "green"), aspect=1.4),
    "trolley bus": Thing("🚎", 3.5, "bus", ("bus",), aspect=1.1),
    "truck": Thing("🚚", 3.0, "truck", ("truck",), paints=("yellow", "blue", "red", "green"), aspect=1.3),
    "lorry": Thing("🚛", 3.1, "truck", ("truck",), paints=("red", "blue", "green"), aspect=1.3),
    "pickup": Thing("🛻", 1.9, "truck", ("truck",), paints=("red", "blue", "yellow", "green"), aspect=1.7),
    "fire truck": Thing("🚒", 2.9, "fire truck", ("truck",), aspect=1.2),
    "tractor": Thing("🚜", 2.3, "tractor", aspect=1.2),
    "motorcycle": Thing(
        "🏍️", 1.35, "motorcycle", ("motorcycle",), paints=("red", "blue", "yellow", "green"), aspect=1.6
    ),
    "scooter": Thing("🛵", 1.4, "scooter", ("motorcycle",), paints=("yellow", "red", "teal", "pink"), aspect=1.05),
    "bicycle": Thing("🚲", 1.2, "bicycle", ("bicycle",), aspect=1.5),
    "sailboat": Thing("⛵", 6.0, "sailboat", ("boat",), paints=("red", "blue", "orange", "green", "white"), aspect=0.9),
    "speedboat": Thing("🚤", 1.9, "boat", ("boat",), aspect=2.4),
    "motorboat": Thing("🛥️", 2.9, "boat", ("boat",), aspect=2.0),
    "canoe": Thing("🛶", 1.5, "canoe", ("boat",), aspect=2.0),
    "ferry": Thing("⛴️", 8.0, "ferry", ("boat",), aspect=1.1),
    "ship": Thing("🚢", 10.0, "ship", ("boat",), aspect=1.1),
    "tree": Thing("🌳", 5.4, "tree", ("tree",)),
    "pine": Thing("🌲", 5.8, "tree", ("tree",), aspect=0.8),
    "palm": Thing("🌴", 5.2, "palm tree", ("tree",), aspect=0.9),
    "house": Thing("🏠", 5.2, "house", ("building",)),
    "garden house": Thing("🏡", 5.2, "house", ("building",)),
    "church": Thing("⛪", 7.5, "church", ("building",), aspect=0.9),
    "school": Thing("🏫", 6.5, "building", ("building",)),
    "hut": Thing("🛖", 3.4, "hut", ("building",)),
    "tent": Thing("⛺", 1.9, "tent", aspect=1.2),
    "snowman": Thing("⛄", 1.7, "snowman", aspect=0.8),
    "suitcase": Thing(
        "🧳", 0.8, "suitcase", ("luggage",), paints=("red", "green", "purple", "orange", "blue", "teal"), aspect=0.7
    ),
    "chair": Thing("🪑", 1.05, "chair", ("chair",), aspect=0.7),
    "potted plant": Thing("🪴", 1.0, "potted plant", aspect=0.9),
    "beach umbrella": Thing(
        "⛱️", 2.2, "beach umbrella", ("umbrella",), key="sand", paints=("red", "blue", "yellow", "green", "pink")
    ),
    "tulip": Thing("🌷", 0.6, "flower", ("flower",), aspect=0.8),
    "sunflower": Thing("🌻", 1.1, "sunflower", ("flower",), aspect=0.8),
    "hyacinth": Thing("🪻", 0.65, "flower", ("flower",), aspect=0.7),
    "telescope": Thing("🔭", 1.3, "telescope"),
    "fire": Thing("🔥", 0.8, "campfire", aspect=0.8),
}

# pose -> emoji body, which way its picture looks, height in metres
POSES = {
    "stand": ("🧍", LEFT, 1.75),
    "walk": ("🚶", LEFT, 1.75),
    "run": ("🏃", RIGHT, 1.7),
    "kneel": ("🧎", LEFT, 1.25),
    "meditate": ("🧘", LEFT, 1.15),
    "throw": ("🤾", RIGHT, 1.75),
    "dribble": ("⛹", LEFT, 1.7),
    "cycle": ("🚴", LEFT, 1.85),
    "surf": ("🏄", LEFT, 1.8),
    "golf": ("🏌", LEFT, 1.75),
    "wheelchair": ("🦽", LEFT, 1.4),
}
FEMALE, MALE = "\u200d♀\ufe0f", "\u200d♂\ufe0f"


# What stands in a street and the font lacks: its picture, its height in metres, whether it may be mirrored.
FURNITURE = {
    "bench": (props.bench, 1.0, True),
    "fire hydrant": (props.fire_hydrant, 0.95, True),
    "parking meter": (props.parking_meter, 1.55, False),
    "stop sign": (props.stop_sign, 2.3, False),
}


def sprite_of(stage: Stage, thing: Thing) -> tuple[object, str | None]:
    """A thing's picture, in one of its colours, and the colour's name where a caption may use it."""
    how, tone = {}, None
    if thing.key:
        how["key"] = thing.key
    if thing.paints and stage.rng.random() < 0.8:
        tone = stage.rng.choice(thing.paints)
        how["paint"] = tone
    spoken = tone if "car" in thing.labels or "truck" in thing.labels or "bus" in thing.labels else None
    return stage.glyph(thing.glyph, **how), spoken if thing.noun != "fire truck" else None


def place(
    stage: Stage,
    name: str,
    low: float = 0,
    high: float = 0,
    does: Sequence[str] = (),
    *,
    faces: int | None = None,
    at: tuple[float, float] | None = None,
    grow: float = 1.0,
    spot: dict | None = None,
    **about,
) -> Item:
    """Stand a thing somewhere between two heights (or `at` a point), looking left, right or at random."""
    thing = THINGS[name]
    metres = thing.metres * grow
    x, y = at or stage.spot(low, high, metres, thing.aspect, **(spot or {}))
    faces = stage.rng.choice((LEFT, RIGHT)) if faces is None else faces
    sprite, tone = sprite_of(stage, thing)
    about.setdefault("noun", thing.noun)
    about.setdefault("labels", thing.labels)
    return stage.put(
        sprite,
        x,
        y,
        metres,
        flip=faces != thing.faces,
        does=tuple(does),
        adjective=tone if stage.rng.random() < 0.5 else None,
        **about,
    )


def furniture(
    stage: Stage, name: str, x: float, y: float, *tones: str, does: tuple[str, ...] = (), grow: float = 1.0
) -> Item:
    """Stand a piece of street furniture at (x, y), in its usual colours unless `tones` are given."""
    draw, metres, mirrored = FURNITURE[name]
    flip = None if mirrored else False
    return stage.put(draw(*tones), x, y, metres * grow, labels=(name,), noun=name, flip=flip, does=does)


def body(stage: Stage, pose: str, female: bool, shirt: str | None = None):
    """A full-body figure with a skin tone and a shirt drawn evenly."""
    symbol = POSES[pose][0]
    tone = stage.rng.choice(TONES)
    if pose == "wheelchair":
        return stage.glyph(("👩" if female else "👨") + tone + "\u200d🦽", shirt=shirt or stage.rng.choice(SHIRTS))
    how = {"shirt": shirt or stage.rng.choice(SHIRTS)}
    if pose == "surf":
        how["key"] = "sea"
    return stage.glyph(symbol + tone + (FEMALE if female else MALE), **how)


def person(
    stage: Stage,
    low: float = 0,
    high: float = 0,
    pose: str = "stand",
    does: Sequence[str] = (),
    *,
    at: tuple[float, float] | None = None,
    faces: int | None = None,
    kid: bool = False,
    spot: dict | None = None,
    labels: tuple[str, ...] = (),
    **about,
) -> Item:
    """Stand a person between two heights (or `at` a point): woman or man as often, a `kid` two thirds as high."""
    _, looks, metres = POSES[pose]
    metres *= 0.68 if kid else 1.0
    female = stage.rng.random() < 0.5
    x, y = at or stage.spot(low, high, metres, 0.55, **(spot or {}))
    faces = stage.rng.choice((LEFT, RIGHT)) if faces is None else faces
    noun = ("girl" if female else "boy") if kid else ("woman" if female else "man")
    item = stage.put(
        body(stage, pose, female),
        x,
        y,
        metres,
        flip=faces != looks,
        does=tuple(does),
        noun=noun,
        labels=("person", *labels),
        **about,
    )
    return item


def dog_walk(stage: Stage, low: float, high: float, spot: dict | None = None) -> Item:
    """A person walking a dog on a leash."""
    rng = stage.rng
    faces = rng.choice((LEFT, RIGHT))
    x, y = stage.spot(low, high, 1.75, 1.5, **(spot or {}))
    unit = stage.scale(y)
    walker = person(stage, low, high, "walk", at=(x - faces * unit * 0.6, y), faces=faces)
    name = rng.choice(("dog", "brown dog", "poodle"))
    dog = place(stage, name, low, high, ("walking",), at=(x + faces * unit * 0.75, y + 1), faces=faces)
    hand = (walker.x + faces * unit * 0.12, y - unit * 0.80)
    collar = (dog.x + faces * dog.sprite.width * 0.20, y - dog.sprite.height * 0.60)
    sag = ((hand[0] + collar[0]) / 2, max(hand[1], collar[1]) + unit * 0.06)
    stage.line((hand, sag, collar), "#5b3a2c", max(0.7, unit * 0.03), y + 1.5, needs=(walker, dog))
    walker.does, walker.needs = (("walking a dog", "walking with a dog", "walking a dog on a leash")), (dog,)
    return walker


def with_umbrella(stage: Stage, walker: Item) -> Item:
    """An open umbrella held above a person, its handle at the hand."""
    rng = stage.rng
    tone = rng.choice(("red", "blue", "yellow", "green", "pink", "purple", "navy"))
    sprite = stage.glyph("☂️", paint=tone)
    high = walker.sprite.height
    umbrella = stage.add(
        sprite,
        walker.x + high * 0.05,
        walker.base - high * 0.50,
        high * 0.74,
        depth=walker.depth + 0.2,
        flip=False,
        labels=("umbrella",),
        noun="umbrella",
        shadow=None,
        haze=walker.haze,
        adjective=tone,
    )
    tone = "dark blue" if tone == "navy" else tone
    umbrella.adjective = None
    walker.does = (
        f"holding a {tone} umbrella" if tone != "orange" else "holding an umbrella",
        "under an umbrella",
        "walking with an umbrella",
    )
    walker.needs = (*walker.needs, umbrella)
    return umbrella


def on_skateboard(stage: Stage, low: float, high: float, spot: dict | None = None) -> Item:
    """A skateboarder rolling along."""
    rng = stage.rng
    x, y = stage.spot(low, high, 1.9, 0.8, **(spot or {}))
    unit = stage.scale(y)
    board = stage.add(
        props.skateboard(rng.choice(("#e2553d", "#3d7fe2", "#f2b93d", "#48a878"))),
        x,
        y,
        unit * 0.30,
        labels=("skateboard",),
        noun="skateboard",
        haze=stage.haze_at(y),
    )
    faces = rng.choice((LEFT, RIGHT))
    female = rng.random() < 0.5
    pose = rng.choice(("run", "throw", "stand"))
    rider = stage.add(
        body(stage, "run" if pose == "throw" else pose, female),
        x,
        y - unit * 0.19,
        unit * 1.65,
        depth=y + 0.1,
        flip=faces != POSES[pose][1],
        labels=("person",),
        noun="woman" if female else "man",
        shadow=None,
        haze=stage.haze_at(y),
        does=("riding a skateboard", "on a skateboard", "skateboarding"),
        needs=(board,),
    )
    return rider


def frisbee_for(stage: Stage, runner: Item, reach: tuple[float, float], drop: tuple[float, float]) -> None:
    """A frisbee in the air, `reach` before a runner and `drop` below the top of the head."""
    rng = stage.rng
    side = -1 if runner.x > WIDTH / 2 else 1
    disc = stage.fly(
        stage.glyph("🥏"),
        runner.x + side * rng.uniform(*reach),
        runner.top + rng.uniform(*drop),
        max(15, runner.sprite.height * 0.24),
        labels=("frisbee",),
        noun="frisbee",
        depth=runner.depth,
    )
    runner.does, runner.needs = ("playing frisbee", "running after a frisbee", "chasing a frisbee"), (disc,)


def birds_above(stage: Stage, count: int, top: float, bottom: float, gulls: bool = False) -> None:
    """Birds on the wing: a few doves or gulls at one height, or an eagle."""
    rng = stage.rng
    if not gulls and rng.random() < 0.22:
        stage.fly(
            stage.glyph("🦅"),
            rng.uniform(40, 344),
            rng.uniform(top + 10, bottom),
            rng.uniform(26, 38),
            labels=("bird",),
            noun="eagle",
            does=("flying", "soaring in the sky", "gliding through the air"),
            haze=0.05,
        )
        return
    x, y, faces = rng.uniform(60, 324), rng.uniform(top + 10, bottom), rng.random() < 0.5
    for i in range(count):
        size = rng.uniform(15, 23)
        stage.fly(
            stage.glyph("🕊️", key="olive"),
            x + (i - count / 2) * rng.uniform(24, 42),
            y + rng.uniform(-14, 14),
            size,
            flip=faces,
            labels=("bird",),
            noun="seagull" if gulls else "bird",
            haze=0.05,
            does=("flying", "flying overhead", "flying by"),
        )


def kite_flyer(stage: Stage, low: float, high: float, spot: dict | None = None) -> Item:
    """Somebody on the ground flying a kite on a string."""
    rng = stage.rng
    flyer = person(stage, low, high, rng.choice(("stand", "run")), kid=rng.random() < 0.5, spot=spot)
    side = -1 if flyer.x > 192 else 1
    kx = min(max(flyer.x + side * rng.uniform(70, 130), 30), 354)
    ky = rng.uniform(26, max(32, min(stage.horizon * 0.6, flyer.top - 50)))
    kite = stage.fly(
        stage.glyph("🪁"),
        kx,
        ky,
        rng.uniform(36, 48),
        flip=side < 0,
        labels=("kite",),
        noun="kite",
        does=("flying", "flying in the sky", "up in the air"),
        depth=stage.horizon + 0.5,
    )
    hand = (flyer.x + side * flyer.sprite.width * 0.36, flyer.base - flyer.sprite.height * 0.50)
    end = (kx - side * 2, ky + 4)
    sag = ((hand[0] * 0.55 + end[0] * 0.45), (hand[1] * 0.5 + end[1] * 0.5) + 13)
    stage.line((hand, sag, end), "#f4f4f4", 0.7, stage.horizon + 0.4, needs=(flyer, kite))
    flyer.does, flyer.needs = ("flying a kite", "flying a colorful kite"), (kite,)
    return flyer


def float_on(stage: Stage, name: str, low: float, high: float, does: Sequence[str] = (), **about) -> Item:
    """A boat on the water: a little of its hull under, a mirror image below."""
    thing = THINGS[name]
    grow = about.pop("grow", 1.0)
    spot = about.pop("spot", {})
    x, y = about.pop("at", None) or stage.spot(low, high, thing.metres * grow, thing.aspect, **spot)
    sprite, _ = sprite_of(stage, thing)
    sink = {"sailboat": 0.02, "canoe": 0.20, "speedboat": 0.12, "motorboat": 0.10}.get(name, 0.06)
    sprite = sprite.crop((0, 0, sprite.width, round(sprite.height * (1 - sink))))
    return stage.put(
        sprite,
        x,
        y,
        thing.metres * grow * (1 - sink),
        labels=thing.labels,
        noun=thing.noun,
        does=tuple(does),
        shadow="water",
        **about,
    )
