"""Ski slope, and a camp under the stars."""

from __future__ import annotations

import random

import numpy as np
from PIL import Image

from assets.postcards import cast, paint
from assets.postcards.captions import Place
from assets.postcards.glyphs import GlyphBook, trim
from assets.postcards.kinds import pick_light
from assets.postcards.land import meadow, open_air, snowy_peaks
from assets.postcards.light import LIGHTS, sky
from assets.postcards.paint import HEIGHT, WIDTH, blend, colour
from assets.postcards.stage import Stage


def slope(rng: random.Random, book: GlyphBook, wanted: set[str]) -> tuple[Stage, Place]:
    """A snowy slope falling across the picture, with skiers and snowboarders going down it."""
    stage, light, horizon = open_air(rng, book, pick_light(rng, wanted), (116, 130), 50, 4.2)
    snowy_peaks(stage, horizon + 20, rng.uniform(74, 98), rng.choice((3, 4)))
    down = rng.choice((-1, 1))  # the way the slope falls: towards the left or the right
    xs = paint.XS[0] - 192
    far = horizon + 12 + xs * 0.10 * down - paint.ridge(rng, 0, 5, 240)
    fall = 0.26
    front = 178 + xs * fall * down + paint.ridge(rng, 0, 4, 330)
    far_snow, near_snow = light.far("#e6eef7", 0.1), light.on("#f8fbff")
    blue = light.on("#c3d5ea")
    mask = paint.below(far)
    stage.lay(paint.gradient([(horizon, blend(far_snow, blue, 0.55)), (horizon + 80, far_snow)]), mask)
    stage.labels |= {"snow", "mountain"}

    def ground(profile: np.ndarray, x: float) -> float:
        return float(profile[int(min(max(x, 0), WIDTH - 1))])

    for _ in range(rng.choice((5, 7, 9))):
        x = rng.uniform(8, 376)
        y = ground(far, x) + rng.uniform(3, 16)
        cast.place(
            stage, "pine", at=(x, min(y, ground(front, x) + 4)), grow=0.42, labels=("tree",), noun="tree", haze=0.25
        )
    if "cabin" in wanted:
        x = rng.uniform(90, 294)
        cast.place(stage, rng.choice(("house", "hut")), at=(x, ground(far, x) + 16), noun="cabin", grow=0.55, haze=0.1)
    mask = paint.below(front)
    stage.lay(blue, paint.below(front - 2) * (1 - mask) * 0.6)
    stage.lay(paint.gradient([(130, blend(near_snow, blue, 0.12)), (HEIGHT, blend(near_snow, blue, 0.42))]), mask)
    drift = np.clip(paint.noise(rng, 15, 4.5) * 0.8, 0, 1) * mask
    stage.lay(blue, drift * 0.5)

    def tracks(on, k: int) -> None:
        for _ in range(rng.choice((2, 3))):
            x0, shift = rng.uniform(30, 350), rng.uniform(0, 6)
            points = []
            for i in range(40):
                x = x0 + (i - 20) * 15 * down * -1
                y = 178 + (x - 192) * fall * down + 22 + shift * 7 + 7 * np.sin(i / 3.2 + shift)
                points.append((x * k, float(y) * k))
            for gap in (0, 3.4):
                on.line([(a, b + gap * k) for a, b in points], fill=255, width=k)

    stage.lay(light.on("#a9c0dc"), paint.strokes(tracks) * mask * 0.7)
    # A figure leans with the slope: the glyphs ski towards the left, steeper than this slope.
    turn = -13.0
    low_x, high_x = 40, 344

    def rider(kind: str) -> None:
        tone = rng.choice(cast.TONES)
        text = "🏂" + tone if kind == "snowboard" else "⛷️"
        sprite = stage.glyph(
            text, key="snow", paint=rng.choice((None, None, "red", "green", "purple", "pink", "teal", "blue"))
        )
        for _ in range(16):
            x = rng.uniform(low_x, high_x)
            y = ground(front, x) + rng.uniform(24, 86)
            height = 1.9 * stage.scale(min(y, 262)) * 0.92
            if y < HEIGHT - 8 and stage.overlap((x - height / 2, y - height, x + height / 2, y)) < 60:
                break
        else:
            return
        does = (
            ("snowboarding", "riding a snowboard", "going down a slope on a snowboard")
            if kind == "snowboard"
            else ("skiing", "skiing down a slope", "skiing down the hill")
        )
        item = stage.add(
            trim(sprite.rotate(turn, Image.Resampling.BICUBIC, expand=True)),
            x,
            y,
            height,
            flip=down > 0,
            labels=("person", "snowboard" if kind == "snowboard" else "skiing"),
            noun="snowboarder" if kind == "snowboard" else "skier",
            does=does,
            shadow="contact",
        )
        spray = paint.glow(item.x - down * item.sprite.width * 0.34, y - 5, item.sprite.width * 0.16)
        stage.lay(light.on("#ffffff"), np.clip(spray - 0.12, 0, 1) * mask * 0.9)

    for kind in ("skiing", "snowboard"):
        if kind in wanted:
            for _ in range(rng.choice((1, 2, 2, 3)) if kind == "skiing" else rng.choice((1, 1, 2))):
                rider(kind)
    if "snowman" in wanted:
        x = rng.choice((rng.uniform(30, 80), rng.uniform(304, 354)))
        cast.place(
            stage, "snowman", at=(x, ground(front, x) + rng.uniform(20, 40)), grow=0.8, does=("standing in the snow",)
        )
    if "dog" in wanted:
        x = rng.uniform(60, 324)
        cast.place(
            stage,
            "brown dog",
            does=("standing in the snow", "playing in the snow"),
            at=(x, min(ground(front, x) + rng.uniform(40, 80), HEIGHT - 8)),
            grow=0.9,
        )
    for side in (0, 1):
        if rng.random() < 0.6:
            x = rng.uniform(8, 40) if side == 0 else rng.uniform(344, 376)
            y = ground(front, x) + rng.uniform(16, 40)
            if y < HEIGHT - 4:
                stage.add(stage.glyph("🌲"), x, y, rng.uniform(92, 126), labels=("tree",), noun="tree")
    if "snowing" in wanted:
        stage.front.append(lambda canvas: paint.snowfall(canvas, rng))
    if horizon > 120 and "snowing" not in wanted:
        stage.labels.add("sky")
    return stage, Place(
        at=("on a snowy slope", "on a snowy mountain", "in the snow", "on a snow covered hill"),
        a=("a snowy slope", "a snow covered mountain", "a snowy hill", "a ski slope"),
        when=light.phrases,
        behind=("with mountains in the background", "with trees behind", "near some trees"),
    )


def camp(rng: random.Random, book: GlyphBook, wanted: set[str]) -> tuple[Stage, Place]:
    """The night sky over dark hills, with a tent, a fire, a cabin or somebody at a telescope."""
    light = LIGHTS["night" if rng.random() < 0.75 else "dusk"]
    horizon = rng.uniform(168, 192)
    stage = Stage(rng, book, light, horizon - 46, camera=2.7)
    sky(stage.canvas, rng, light, horizon)
    if "mountain" in wanted:
        snowy_peaks(stage, horizon, rng.uniform(56, 80), rng.choice((2, 3)), "#4a5a80")
        stage.labels.add("mountain")
    for i, tone in enumerate(("#2e4a56", "#2f5140")):
        stage.lay(light.far(tone, 0.35 - 0.25 * i), paint.below(paint.ridge(rng, horizon + 6 * i, 16 - 4 * i, 150)))
    if "water" in wanted:
        edge = horizon + 10
        paint.sea(stage.canvas, rng, edge, HEIGHT, colour("#24376f"), colour("#0d173d"), colour("#8fa6e0"))
        stage.labels.add("water")
    bank = horizon + (44 if "water" in wanted else 12) - paint.ridge(rng, 0, 5, 260)
    meadow(stage, bank, "#5f8f4a", "#3f6f38", 200)
    ground = float(bank.max()) + 6
    stage.labels |= {"night", "sky"}
    for _ in range(rng.choice((2, 3, 5))):
        side = rng.choice(((4, 130), (254, 380)))
        cast.place(
            stage,
            "pine",
            ground - 4,
            ground + 12,
            spot={"left": side[0], "right": side[1]},
            grow=rng.uniform(0.6, 0.85),
            noun="tree",
        )
    fires = []
    if "tent" in wanted:
        tent = cast.place(
            stage,
            "tent",
            ground + 12,
            262,
            ("under the stars", "pitched under the night sky"),
            spot={"left": 60, "right": 324},
        )
        side = rng.choice((-1, 1))
        fire = stage.put(
            stage.glyph("🔥"),
            tent.x + side * tent.sprite.width * 0.95,
            tent.base + 8,
            0.85,
            noun="campfire",
            glowing=True,
            shadow=None,
            does=("burning",),
        )
        fires.append(fire)
    if "cabin" in wanted:
        hut = cast.place(
            stage,
            "house",
            ground,
            ground + 12,
            spot={"left": 60, "right": 324},
            grow=0.7,
            noun="house",
            does=("under a starry sky",),
        )
        stage.front.append(
            lambda canvas: paint.lay(
                canvas, (255, 214, 140), paint.glow(hut.x, hut.base - hut.sprite.height * 0.3, 15) * 0.55
            )
        )
    if "telescope" in wanted:
        x, y = stage.spot(ground + 20, 268, 1.75, 1.4)
        tube = cast.place(stage, "telescope", at=(x + 22, y), faces=-1)
        cast.person(
            stage, pose="stand", does=("looking at the stars", "standing by a telescope"), at=(x - 18, y), needs=(tube,)
        )
    if "person" in wanted:
        for _ in range(rng.choice((1, 2))):
            cast.person(
                stage,
                ground + 16,
                274,
                rng.choice(("stand", "meditate", "walk")),
                ("looking at the sky",) if rng.random() < 0.5 else (),
            )
    for name in ("dog", "cat", "horse"):
        if name in wanted:
            cast.place(stage, name, ground + 16, 274, ("standing in the grass",) if name != "horse" else ("running",))
    if "owl" in wanted:
        x, y = stage.spot(ground + 10, 260, 1.2)
        log = stage.put(stage.glyph("🪵"), x, y, 0.7)
        stage.put(
            stage.glyph("🦉"),
            x,
            y,
            0.75,
            depth=y + 0.1,
            labels=("bird",),
            noun="owl",
            does=("sitting on a tree stump",),
            shadow=None,
        ).top -= round(log.sprite.height * 0.86)
    if "deer" in wanted:
        cast.place(stage, "deer", ground + 10, 268, ("standing in the grass",))
    for fire in fires:
        stage.front.append(
            lambda canvas, fire=fire: paint.lay(canvas, (255, 170, 80), paint.glow(fire.x, fire.base - 8, 34) * 0.42)
        )
    return stage, Place(
        at=("under the stars", "at night", "under a starry sky", "beneath the night sky")
        if light.name == "night"
        else ("at dusk", "in the evening"),
        a=("a starry night", "the night sky", "a clear night")
        if light.name == "night"
        else ("a quiet evening", "the evening sky"),
        when=("",),
        behind=("with mountains in the background",) if "mountain" in wanted else (),
    )
