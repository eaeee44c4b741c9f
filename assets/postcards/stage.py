"""The stage: things put on a painted ground with one perspective, then painted back to front.

Units: positions in pixels of the 384 × 288 picture, sizes in metres. A ground point at height y shows
`(y - horizon) / camera` pixels a metre, where `camera` is how high above the ground the eye is.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from assets.postcards import paint
from assets.postcards.glyphs import OPAQUE, SKIN_TONES, GlyphBook, trim
from assets.postcards.light import Light
from assets.postcards.paint import HEIGHT, WIDTH, colour

MOST_ENLARGED = 1.1
LEAST_SHOWN = 0.4  # of a thing's own area; below that it is taken off the stage
LEAST_PIXELS = 42
TONES = SKIN_TONES[1:]
SHIRTS = ("red", "blue", "yellow", "green", "pink", "white", "teal", "purple", "orange", "navy")


@dataclass(eq=False)
class Item:
    """One thing in the picture.

    Attributes:
        sprite: RGBA at its final size.
        left, top: Where its upper left corner is.
        base: The y of the ground under it, also its depth unless `depth` is given.
        labels: Concepts that are true of it.
        noun: What a caption calls it, a key of `captions.NOUNS`; None is never mentioned.
        does: Phrases for what it is doing ("grazing"), one of which a caption may use.
        needs: Other things `does` speaks of; if one of them is hidden, the phrase is not used.
        shadow: "cast", "contact", "water" (a reflection) or None.
    """

    sprite: Image.Image
    left: int
    top: int
    base: float
    depth: float
    labels: tuple[str, ...] = ()
    noun: str | None = None
    does: tuple[str, ...] = ()
    needs: tuple[Item, ...] = ()
    adjective: str | None = None
    shadow: str | None = "cast"
    haze: float = 0.0
    glowing: bool = False
    shown: float = field(default=0.0)

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Left, top, right, bottom."""
        return self.left, self.top, self.left + self.sprite.width, self.top + self.sprite.height

    @property
    def x(self) -> float:
        """Its middle."""
        return self.left + self.sprite.width / 2


class Stage:
    """A background canvas, the light on it, and the things put on it."""

    def __init__(
        self, rng: random.Random, book: GlyphBook, light: Light, horizon: float = 120, camera: float = 3.0
    ) -> None:
        self.rng, self.book, self.light = rng, book, light
        self.horizon, self.camera = horizon, camera
        self.canvas = np.zeros((HEIGHT, WIDTH, 3))
        self.items: list[Item] = []
        self.labels: set[str] = {
            name
            for true, name in ((light.late, "night"), (light.name == "rain", "rain"), (light.name == "snowing", "snow"))
            if true
        }
        self.front: list[Callable[[np.ndarray], None]] = []

    def scale(self, y: float) -> float:
        """Pixels a metre on the ground at height `y`."""
        return max(y - self.horizon, 1.0) / self.camera

    def lay(self, what: paint.Colour | np.ndarray, mask: np.ndarray) -> None:
        """Paint a colour or a picture on the background where the mask (288 × 384, in 0..1) shows it."""
        paint.lay(self.canvas, what, mask)

    def glyph(self, text: str, **how: str) -> Image.Image:
        """An emoji from the font, see `GlyphBook.get`."""
        return self.book.get(text, **how)

    def add(
        self,
        sprite: Image.Image,
        x: float,
        base: float,
        height: float,
        *,
        flip: bool | None = None,
        turn: float = 0.0,
        depth: float | None = None,
        **about,
    ) -> Item:
        """Put a sprite with its foot at (x, base), `height` pixels high. `flip` None mirrors it at random."""
        if flip is None:
            flip = self.rng.random() < 0.5
        if flip:
            sprite = sprite.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        if turn:
            # Trimmed, or the empty corner of the turned picture would keep the thing off the ground.
            sprite = trim(sprite.rotate(turn, Image.Resampling.BICUBIC, expand=True))
        factor = min(height / sprite.height, MOST_ENLARGED)
        size = max(2, round(sprite.width * factor)), max(2, round(sprite.height * factor))
        sprite = sprite.resize(size, Image.Resampling.LANCZOS)
        item = Item(
            sprite, round(x - size[0] / 2), round(base - size[1]), base, base if depth is None else depth, **about
        )
        self.items.append(item)
        return item

    def put(self, sprite: Image.Image, x: float, y: float, metres: float, **about) -> Item:
        """Stand a sprite on the ground at (x, y), `metres` high, with the haze of its distance."""
        height = metres * self.scale(y)
        about.setdefault("haze", self.haze_at(y))
        return self.add(sprite, x, y, height, **about)

    def haze_at(self, y: float) -> float:
        """How much air lies before the ground at height `y`: 0 near, up to 0.4 at the horizon."""
        reach = (y - self.horizon) / max(HEIGHT - self.horizon, 1)
        return float(np.clip(0.40 * (1 - reach * 2.6), 0.0, 0.40))

    def fly(self, sprite: Image.Image, x: float, y: float, height: float, **about) -> Item:
        """Hang a sprite in the air, its middle at (x, y)."""
        about.setdefault("shadow", None)
        about.setdefault("depth", self.horizon - 1)
        return self.add(sprite, x, y + height / 2, height, **about)

    def spot(
        self,
        low: float,
        high: float,
        metres: float,
        aspect: float = 1.0,
        *,
        left: float = 0,
        right: float = WIDTH,
        where: Callable[[float, float], bool] | None = None,
        tries: int = 18,
    ) -> tuple[float, float]:
        """A place on the ground between heights `low` and `high` for something `metres` high, `aspect` as wide.

        Prefers places where nothing else is covered; `where(x, y)` can rule places out.
        """
        best, least = None, float("inf")
        for _ in range(tries):
            y = self.rng.uniform(low, high)
            height = metres * self.scale(y)
            half = height * aspect / 2 + 2
            if right - left <= 2 * half:
                half = (right - left) / 2 - 1
            x = self.rng.uniform(left + half, right - half)
            covered = self.overlap((x - half, y - height, x + half, y))
            if where is not None and not where(x, y):
                covered += 1e6
            if covered < least:
                best, least = (x, y), covered
            if covered == 0:
                break
        return best

    def overlap(self, box: tuple[float, float, float, float]) -> float:
        """Area of `box` that lies over boxes of things already there (backdrops without a noun count little)."""
        total = 0.0
        for item in self.items:
            a, b, c, d = item.box
            wide = min(box[2], c) - max(box[0], a)
            high = min(box[3], d) - max(box[1], b)
            if wide > 0 and high > 0:
                total += wide * high * (1.0 if item.noun else 0.04)
        return total

    def line(self, points: Sequence[tuple[float, float]], tone: str, width: float, depth: float, **about) -> Item:
        """A thin line (leash, kite string, wire) as a thing of its own."""
        left = int(min(p[0] for p in points)) - 3
        top = int(min(p[1] for p in points)) - 3
        size = int(max(p[0] for p in points)) - left + 4, int(max(p[1] for p in points)) - top + 4
        mask = Image.new("L", (size[0] * 4, size[1] * 4), 0)
        shifted = [((x - left) * 4, (y - top) * 4) for x, y in points]
        ImageDraw.Draw(mask).line(shifted, fill=255, width=max(1, round(width * 4)), joint="curve")
        red, green, blue = (round(c) for c in colour(tone))
        sprite = Image.new("RGBA", size, (red, green, blue, 0))
        sprite.putalpha(mask.reduce(4))
        item = Item(sprite, left, top, depth, depth, shadow=None, **about)
        self.items.append(item)
        return item

    def _sort(self) -> list[Item]:
        return [item for _, _, item in sorted((item.depth, i, item) for i, item in enumerate(self.items))]

    def clear_hidden(self) -> None:
        """Measure how much of each thing shows, and take labelled or named things off that hardly do."""
        while True:
            order = self._sort()
            owner = np.full((HEIGHT, WIDTH), -1, dtype=np.int32)
            areas = []
            for number, item in enumerate(order):
                solid = np.asarray(item.sprite.getchannel("A")) > OPAQUE
                areas.append(max(int(solid.sum()), 1))
                left, top, right, bottom = item.box
                a, b, c, d = max(left, 0), max(top, 0), min(right, WIDTH), min(bottom, HEIGHT)
                if a < c and b < d:
                    part = solid[b - top : d - top, a - left : c - left]
                    owner[b:d, a:c][part] = number
            seen = np.bincount(owner[owner >= 0], minlength=len(order))
            hidden = []
            for number, item in enumerate(order):
                item.shown = seen[number] / areas[number]
                named = item.labels or item.noun
                if named and (item.shown < LEAST_SHOWN or seen[number] < LEAST_PIXELS):
                    hidden.append(item)
            if not hidden:
                return
            # A thing that leans on a hidden one (a hat, a leash, an umbrella in a hand) goes with it.
            self.items = [
                item
                for item in self.items
                if item not in hidden and not (item.noun is None and any(need in hidden for need in item.needs))
            ]

    def visible_labels(self) -> set[str]:
        """The true labels: of the place and of everything that shows."""
        return self.labels | {label for item in self.items for label in item.labels}

    def finish(self) -> Image.Image:
        """Paint everything back to front."""
        self.clear_hidden()
        sheet = Image.fromarray(np.round(np.clip(self.canvas, 0, 255)).astype(np.uint8))
        order = self._sort()
        for item in order:
            if item.shadow == "water":
                self._reflect(sheet, item)
            elif item.shadow is not None:
                self._shade(sheet, item)
        for item in order:
            sprite = self._graded(item)
            sheet.paste(sprite, (item.left, item.top), sprite)
        canvas = np.asarray(sheet, dtype=np.float64).copy()
        for veil in self.front:
            veil(canvas)
        if self.light.name == "rain":
            paint.rain(canvas, self.rng, self.light.on(colour("#e8f2fa")))
        paint.vignette(canvas, 0.22 if self.light.dark else 0.12)
        return Image.fromarray(np.round(np.clip(canvas, 0, 255)).astype(np.uint8))

    def _graded(self, item: Item) -> Image.Image:
        """The sprite in the scene's light: tinted, hazed, a little darker at its foot."""
        data = np.asarray(item.sprite, dtype=np.float32).copy()
        if not item.glowing:
            tint = np.array(self.light.tint, dtype=np.float32)
            data[..., :3] *= tint
            fall = np.linspace(0.0, 1.0, data.shape[0], dtype=np.float32)[:, None, None]
            data[..., :3] *= 1.03 - 0.13 * fall * fall
        if item.haze:
            data[..., :3] += (colour(self.light.haze).astype(np.float32) - data[..., :3]) * np.float32(item.haze)
        return Image.fromarray(np.round(np.clip(data, 0, 255)).astype(np.uint8), "RGBA")

    def _shade(self, sheet: Image.Image, item: Item) -> None:
        """A soft contact shadow and, with `cast`, the leaning silhouette of the thing on the ground."""
        side, away, darkness = self.light.shadow
        alpha = item.sprite.getchannel("A")
        wide, high = alpha.size
        foot = np.asarray(alpha.crop((0, int(high * 0.86), wide, high))).max(0) > OPAQUE
        if not foot.any():
            return
        first, last = int(np.argmax(foot)), int(wide - np.argmax(foot[::-1]))
        width = (last - first) * 1.12 + 4
        height = max(3.0, min(width * 0.16, high * 0.22))
        ys = (np.arange(int(height * 2) + 4, dtype=np.float64) - height - 1.5)[:, None] / height
        xs = (np.arange(int(width) + 6, dtype=np.float64) - width / 2 - 2.5)[None, :] / (width / 2)
        soft = np.clip(1 - (xs * xs + ys * ys), 0, 1)
        strength = (0.34 + darkness * 0.5) * (1 - item.haze)
        patch = Image.fromarray(np.round(soft * 255 * strength).astype(np.uint8))
        at = (
            round(item.left + (first + last) / 2 - patch.width / 2),
            round(item.base - patch.height / 2 - height * 0.28),
        )
        dark = tuple(round(c) for c in colour("#1b2238"))
        if item.shadow == "cast" and darkness > 0.15:
            drop = abs(away) * high
            size = int(wide + abs(side) * high) + 4, int(drop) + 3
            back = min(0.0, side * high)
            if away > 0:
                matrix = (1, side / away, back - side * high, 0, 1 / away, 0)
                place = (round(item.left + back), round(item.base - drop))
            else:
                matrix = (1, side / away, back, 0, 1 / away, high)
                place = (round(item.left + back), round(item.base) - 2)
            lean = alpha.transform(size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
            fade = np.linspace(0.45, 1, size[1]) if away > 0 else np.linspace(1, 0.35, size[1])
            mask = np.asarray(lean, dtype=np.float64) * fade[:, None] * darkness * (1 - item.haze)
            silhouette = Image.fromarray(np.round(mask).astype(np.uint8)).filter(ImageFilter.GaussianBlur(0.9))
            sheet.paste(dark, (*place, place[0] + size[0], place[1] + size[1]), silhouette)
        sheet.paste(dark, (*at, at[0] + patch.width, at[1] + patch.height), patch)

    def _reflect(self, sheet: Image.Image, item: Item) -> None:
        """A squashed, rippling mirror image below the waterline."""
        sprite = self._graded(item).transpose(Image.Transpose.FLIP_TOP_BOTTOM)
        size = sprite.width, max(3, round(sprite.height * 0.55))
        data = np.array(sprite.resize(size, Image.Resampling.BILINEAR))
        fade = np.linspace(0.62, 0.06, size[1])[:, None]
        data[..., 3] = np.round(data[..., 3] * fade).astype(np.uint8)
        for row in range(size[1]):
            data[row] = np.roll(data[row], self.rng.choice((-1, 0, 0, 1)) * (1 + row // 14), axis=0)
        mirror = Image.fromarray(data, "RGBA").filter(ImageFilter.GaussianBlur(0.5))
        sheet.paste(mirror, (item.left, round(item.base) - 1), mirror)
