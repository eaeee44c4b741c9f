"""A kind of scene: its name, how common it is, and the designed co-occurrence of what may be in it.

The numbers are in kinds.json. Their order there matters: things are drawn in it.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from assets.postcards.captions import Place
from assets.postcards.glyphs import GlyphBook
from assets.postcards.stage import Stage

Draw = Callable[[random.Random, GlyphBook, set[str]], tuple[Stage, Place]]


@dataclass(frozen=True)
class Kind:
    """A kind of scene.

    Attributes:
        name: For tests and contact sheets.
        weight: How often it is drawn, relative to the others.
        chances: Thing or weather -> probability that the scene wants it, drawn in this order.
        given: Thing -> what may be wanted already -> probability instead of the one in `chances`; the last match holds.
        at_least: If none of these came up, one of them is wanted all the same, so that no scene is empty.
        draw: Paints the scene with what is wanted.
    """

    name: str
    weight: float
    draw: Draw
    chances: Mapping[str, float]
    given: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    at_least: Sequence[str] = ()

    def wants(self, rng: random.Random) -> set[str]:
        """What this one scene is to contain."""
        wanted: set[str] = set()
        for thing, chance in self.chances.items():
            for other, conditional in self.given.get(thing, {}).items():
                if other in wanted:
                    chance = conditional
            if rng.random() < chance:
                wanted.add(thing)
        if self.at_least and not wanted & set(self.at_least):
            wanted.add(rng.choice(self.at_least))
        return wanted


def read_kinds(painters: Sequence[Draw]) -> tuple[Kind, ...]:
    """Give every function that paints a scene its row of kinds.json, found by the function's name."""
    table = json.loads(Path(__file__).with_name("kinds.json").read_text(encoding="utf-8"))
    return tuple(Kind(draw.__name__, draw=draw, **table[draw.__name__]) for draw in painters)


def pick_light(rng: random.Random, wanted: set[str], otherwise: tuple[str, ...] = ("day", "day", "morning", "cloudy")):
    """The name of the light: rain, night, sunset, dusk or snowing if wanted, else one of `otherwise`."""
    for name in ("rain", "night", "sunset", "dusk", "snowing"):
        if name in wanted:
            return name
    return rng.choice(otherwise)
