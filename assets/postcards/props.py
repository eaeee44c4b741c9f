"""Things the font lacks, drawn with vector strokes in its manner: flat shapes, soft two-tone shading, no outline."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

from PIL import Image, ImageDraw

SUPER = 4


def sketch(width: int, height: int) -> Callable[[Callable[..., None]], Callable[..., Image.Image]]:
    """Turn a function that draws with a pen into one that returns an RGBA sprite, drawn once for each set of colours.

    It is drawn at four times its size and reduced.
    """

    def drawing(draw: Callable[..., None]) -> Callable[..., Image.Image]:
        @functools.cache
        @functools.wraps(draw)
        def sprite(*colours: str | bool | None) -> Image.Image:
            sheet = Image.new("RGBA", (width * SUPER, height * SUPER), (0, 0, 0, 0))
            draw(Pen(sheet), *colours)
            return sheet.reduce(SUPER)

        return sprite

    return drawing


class Pen:
    """ImageDraw in sprite pixels; a colour with alpha (#rrggbbaa) is laid over what is there, not put in its place."""

    def __init__(self, sheet: Image.Image) -> None:
        self._sheet = sheet

    def _mark(self, fill: str, draw: Callable[[ImageDraw.ImageDraw], None]) -> None:
        if len(fill) == 7:
            draw(ImageDraw.Draw(self._sheet))
            return
        layer = Image.new("RGBA", self._sheet.size, (0, 0, 0, 0))
        draw(ImageDraw.Draw(layer))
        self._sheet.alpha_composite(layer)

    def box(self, a: float, b: float, c: float, d: float, fill: str, radius: float = 0) -> None:
        """A rectangle, rounded by `radius`."""
        scaled = [round(v * SUPER) for v in (a, b, c, d)]
        self._mark(fill, lambda on: on.rounded_rectangle(scaled, radius=radius * SUPER, fill=fill))

    def oval(self, a: float, b: float, c: float, d: float, fill: str) -> None:
        """An ellipse in a box."""
        self._mark(fill, lambda on: on.ellipse([round(v * SUPER) for v in (a, b, c, d)], fill=fill))

    def shape(self, points: list[tuple[float, float]], fill: str) -> None:
        """A polygon."""
        self._mark(fill, lambda on: on.polygon([(x * SUPER, y * SUPER) for x, y in points], fill=fill))

    def line(self, points: list[tuple[float, float]], fill: str, width: float) -> None:
        """A line with round joints."""
        scaled = [(x * SUPER, y * SUPER) for x, y in points]
        self._mark(fill, lambda on: on.line(scaled, fill=fill, width=round(width * SUPER), joint="curve"))


@sketch(124, 68)
def bench(pen: Pen, wood: str = "#b0713c") -> None:
    """A park bench seen from the front."""
    for x in (12, 112):
        pen.line([(x, 8), (x, 62)], "#3b4048", 4)
        pen.line([(x - 4, 62), (x + 5, 62)], "#3b4048", 3)
        pen.line([(x, 40), (x + (6 if x < 60 else -6), 66)], "#2c3036", 3.5)
    for i, y in enumerate((6, 15, 24)):
        pen.box(4, y, 120, y + 6.5, wood, 2)
        pen.box(4, y, 120, y + 2, ("#d0935a", "#cb8d54", "#c4854c")[i], 1)
    pen.box(0, 38, 124, 43, "#d69b62", 2)
    pen.box(0, 42, 124, 47, "#8a5529", 2)


@sketch(68, 116)
def fire_hydrant(pen: Pen, body: str = "#d8392f", light: str = "#f26457", dark: str = "#a8261f") -> None:
    """A fire hydrant."""
    pen.box(6, 104, 62, 114, dark, 3)
    pen.box(14, 96, 54, 106, body, 3)
    pen.box(18, 36, 50, 98, body, 3)
    pen.box(22, 38, 30, 96, light, 3)
    pen.box(43, 38, 50, 98, dark, 3)
    pen.box(4, 50, 20, 66, dark, 4)
    pen.box(48, 50, 64, 66, dark, 4)
    pen.box(2, 52, 8, 64, "#c9ced4", 2)
    pen.box(60, 52, 66, 64, "#c9ced4", 2)
    pen.oval(23, 50, 45, 72, "#c9ced4")
    pen.oval(27, 54, 41, 68, "#8e969f")
    pen.box(12, 30, 56, 39, dark, 3)
    pen.oval(16, 10, 52, 50, body)
    pen.box(12, 30, 56, 38, body, 3)
    pen.box(29, 2, 39, 14, "#c9ced4", 2)
    pen.oval(22, 14, 32, 28, light)


@sketch(46, 136)
def parking_meter(pen: Pen) -> None:
    """A parking meter on its post."""
    pen.box(19, 50, 26, 132, "#7d8790", 1)
    pen.box(19, 50, 21.5, 132, "#a7b0b8", 1)
    pen.box(12, 128, 33, 134, "#5c656d", 2)
    pen.oval(2, 0, 43, 40, "#56616c")
    pen.box(2, 19, 43, 56, "#56616c", 5)
    pen.oval(5, 2, 40, 38, "#7b8894")
    pen.box(5, 22, 40, 53, "#6a7682", 4)
    pen.oval(9, 7, 36, 32, "#dff1f7")
    pen.box(11, 18, 34, 25, "#39b36b", 2)
    pen.line([(22.5, 21), (29, 11)], "#d8392f", 1.8)
    pen.box(13, 37, 32, 40, "#3a434b", 1)
    pen.box(18, 44, 27, 50, "#c9ced4", 1)


@sketch(60, 136)
def stop_sign(pen: Pen) -> None:
    """A red octagon with a white rim on a post."""

    def ring(radius: float) -> list[tuple[float, float]]:
        angles = [math.pi * (i + 0.5) / 4 for i in range(8)]
        return [(30 + radius * math.cos(angle), 30 + radius * math.sin(angle)) for angle in angles]

    pen.box(27.5, 40, 32.5, 134, "#8d979f", 1)
    pen.box(27.5, 40, 29, 134, "#b9c2c9", 1)
    pen.shape(ring(30), "#b3201c")
    pen.shape(ring(29), "#ffffff")
    pen.shape(ring(25.8), "#d9302a")
    # Four pale strokes where the word would be: it reads as a stop sign without spelling anything.
    for x in (15.5, 23.2, 30.9, 38.6):
        pen.box(x, 24, x + 5.4, 36, "#fbe9e7", 1.6)
        pen.box(x + 1.8, 26.6, x + 3.6, 33.4, "#d9302a", 0.8)


@sketch(38, 152)
def lamp_post(pen: Pen, lit: bool) -> None:
    """A street lamp, its lantern glowing when `lit`."""
    pen.box(17, 24, 21, 150, "#39414a", 1)
    pen.box(13, 140, 25, 150, "#2d343b", 2)
    pen.box(15, 60, 23, 64, "#2d343b", 1)
    pen.shape([(9, 26), (29, 26), (26, 8), (12, 8)], "#ffe9a8" if lit else "#e8eef2")
    pen.shape([(14, 25), (24, 25), (22, 10), (16, 10)], "#fffbe6" if lit else "#f7fafc")
    pen.shape([(8, 9), (30, 9), (19, 0)], "#2d343b")
    pen.box(8, 25, 30, 28, "#2d343b", 1)


@sketch(80, 300)
def pole(pen: Pen) -> None:
    """The pole of a traffic light."""
    pen.box(36, 60, 44, 298, "#4c545c", 1)
    pen.box(30, 288, 50, 300, "#3a4148", 2)


def traffic_light(head: Image.Image) -> Image.Image:
    """The font's traffic light on a pole."""
    sprite = pole().copy()
    sprite.alpha_composite(head.resize((52, round(head.height * 52 / head.width))), (14, 0))
    return sprite.crop(sprite.getbbox())


@sketch(242, 86)
def airliner(pen: Pen, stripe: str = "#2f6fd0") -> None:
    """A passenger jet standing on its wheels, nose to the left."""
    pen.shape([(196, 38), (222, 2), (238, 2), (228, 44)], stripe)
    pen.shape([(196, 42), (232, 34), (236, 39), (206, 50)], "#b8c3cc")
    pen.line([(52, 60), (52, 78)], "#6b757e", 3)
    pen.oval(46, 72, 58, 84, "#30353b")
    for x in (122, 136):
        pen.line([(x, 60), (x, 76)], "#6b757e", 3.5)
        pen.oval(x - 7, 70, x + 7, 84, "#30353b")
    pen.box(24, 30, 190, 62, "#f3f6f9", 15)
    pen.oval(8, 31, 60, 62, "#f3f6f9")
    pen.shape([(180, 30), (238, 36), (236, 42), (180, 62)], "#f3f6f9")
    pen.box(24, 55, 176, 62, "#cfd8df", 4)
    pen.shape([(14, 52), (190, 52), (216, 45), (216, 48), (186, 56), (20, 56)], stripe)
    pen.shape([(17, 38), (30, 36), (30, 43), (13, 43)], "#33475b")
    for i in range(14):
        pen.box(50 + i * 9.6, 39, 55 + i * 9.6, 46, "#5d7d9c", 2)
    pen.box(38, 38, 44, 52, "#d5dde4", 2)
    pen.shape([(98, 52), (136, 52), (182, 66), (176, 70), (110, 60)], "#aab6c0")
    pen.box(96, 60, 130, 73, "#e4eaef", 6)
    pen.oval(93, 60, 101, 73, "#4b5863")


@sketch(164, 128)
def barn(pen: Pen, red: str = "#b5382e") -> None:
    """A red barn with white trim."""
    pen.shape([(60, 32), (140, 32), (158, 58), (158, 128), (60, 128)], "#8f2a23")
    pen.shape([(34, 6), (118, 6), (142, 30), (162, 62), (156, 64), (78, 64)], "#5d666f")
    pen.shape([(34, 6), (118, 6), (142, 30), (162, 62), (158, 62), (80, 62)], "#707a84")
    pen.shape([(2, 62), (14, 32), (40, 8), (66, 32), (80, 62), (80, 128), (2, 128)], red)
    for x in range(8, 80, 8):
        pen.line([(x, 64), (x, 128)], "#a33027", 1)
    pen.line([(1, 64), (13, 32), (40, 6), (67, 32), (82, 64)], "#f4efe8", 4)
    pen.box(24, 78, 58, 128, "#f4efe8")
    pen.box(27, 81, 55, 128, "#8f2a23")
    pen.line([(27, 81), (55, 128)], "#f4efe8", 2.4)
    pen.line([(55, 81), (27, 128)], "#f4efe8", 2.4)
    pen.box(31, 36, 51, 56, "#f4efe8")
    pen.box(33.5, 38.5, 48.5, 56, "#4a2320")
    for x in (100, 128):
        pen.box(x, 82, x + 16, 100, "#f4efe8")
        pen.box(x + 2, 84, x + 14, 98, "#54707f")


@sketch(200, 44)
def fence(pen: Pen, wood: str = "#a9794a") -> None:
    """A wooden rail fence."""
    for y in (10, 24):
        pen.box(0, y, 200, y + 6, wood, 2)
        pen.box(0, y, 200, y + 2, "#c99a68", 1)
    for x in range(6, 200, 32):
        pen.box(x, 2, x + 7, 44, "#8a5f36", 2)
        pen.box(x, 2, x + 2.5, 44, "#b5855a", 1)


@sketch(142, 102)
def acacia(pen: Pen, leaf: str = "#6f8b3a") -> None:
    """A flat-topped acacia of the savanna."""
    pen.line([(70, 100), (68, 64), (40, 34)], "#5a4632", 6)
    pen.line([(69, 70), (96, 34)], "#5a4632", 5)
    pen.line([(70, 80), (70, 34)], "#5a4632", 4)
    pen.oval(2, 18, 80, 40, "#566f2c")
    pen.oval(54, 16, 140, 40, "#566f2c")
    pen.oval(10, 8, 92, 33, leaf)
    pen.oval(52, 10, 132, 34, leaf)
    pen.oval(36, 2, 110, 24, "#8aa64b")


@sketch(60, 150)
def lighthouse(pen: Pen) -> None:
    """A red and white lighthouse."""
    pen.shape([(14, 150), (46, 150), (40, 34), (20, 34)], "#f6f3ee")
    for top, bottom in ((54, 76), (98, 122)):
        inset = [20 - 6 * (y - 34) / 116 for y in (top, bottom)]
        pen.shape([(inset[0], top), (60 - inset[0], top), (60 - inset[1], bottom), (inset[1], bottom)], "#d5392f")
    pen.shape([(33, 34), (40, 34), (46, 150), (36, 150)], "#00000022")
    pen.box(15, 30, 45, 35, "#3b444d", 1)
    pen.box(21, 14, 39, 30, "#ffeaa0", 1)
    pen.box(29, 14, 31, 30, "#3b444d")
    pen.shape([(18, 15), (42, 15), (30, 2)], "#c23129")
    pen.box(26, 132, 34, 150, "#6b4a34", 3)
    pen.box(27, 84, 33, 92, "#50697a", 2)


@sketch(240, 108)
def table(pen: Pen, top: str = "#c58b57", side: str = "#9a6537", cloth: str | None = None) -> None:
    """A long table seen a little from above; its top surface is the upper third."""
    for x in (18, 214):
        pen.box(x, 40, x + 9, 108, side)
        pen.box(x, 40, x + 3, 108, top)
    pen.shape([(26, 2), (214, 2), (240, 34), (0, 34)], cloth or top)
    pen.shape([(26, 2), (214, 2), (216, 5), (24, 5)], "#ffffff30")
    if cloth:
        pen.shape([(0, 34), (240, 34), (238, 66), (2, 66)], cloth)
        pen.shape([(0, 34), (240, 34), (238, 66), (2, 66)], "#00000022")
        for x in range(10, 236, 20):
            pen.shape([(x - 3, 34), (x + 2, 34), (x + 4, 66), (x - 5, 66)], "#00000014")
    else:
        pen.box(0, 34, 240, 43, side, 1)


@sketch(90, 24)
def skateboard(pen: Pen, deck: str = "#e2553d") -> None:
    """A skateboard from the side."""
    pen.line([(2, 4), (12, 10), (78, 10), (88, 4)], deck, 5)
    for x in (22, 68):
        pen.oval(x - 6, 11, x + 6, 23, "#2e3238")
        pen.oval(x - 2.5, 14.5, x + 2.5, 19.5, "#d8dde2")


@sketch(16, 100)
def bat(pen: Pen) -> None:
    """A baseball bat, handle down."""
    pen.shape([(3, 6), (13, 6), (10, 92), (6, 92)], "#d9a664")
    pen.oval(3, 0, 13, 12, "#d9a664")
    pen.shape([(3, 6), (6, 6), (7, 92), (6, 92)], "#efc78e")
    pen.oval(4.5, 89, 11.5, 95, "#8a5a2b")


@sketch(48, 62)
def vase(pen: Pen, tone: str = "#4f83b8") -> None:
    """A round vase."""
    pen.oval(4, 16, 44, 62, tone)
    pen.box(15, 4, 33, 26, tone, 3)
    pen.box(12, 2, 36, 8, tone, 3)
    pen.oval(10, 24, 20, 46, "#ffffff50")


@sketch(64, 152)
def fridge(pen: Pen, tone: str = "#dfe6ea") -> None:
    """A two-door refrigerator."""
    pen.box(0, 0, 64, 150, tone, 6)
    pen.box(54, 4, 64, 146, "#00000018", 4)
    pen.box(0, 50, 64, 52.5, "#00000045")
    pen.box(6, 26, 10, 46, "#87929b", 2)
    pen.box(6, 57, 10, 88, "#87929b", 2)
    pen.box(6, 146, 58, 152, "#3a4148", 1)
    for x, y, c in ((30, 62, "#e2553d"), (42, 70, "#f2b93d"), (34, 80, "#4c9f70")):
        pen.box(x, y, x + 8, y + 7, c, 1.5)


@sketch(70, 86)
def stove(pen: Pen) -> None:
    """An oven with a hob on top."""
    pen.box(0, 6, 70, 84, "#cfd6db", 3)
    pen.box(0, 4, 70, 12, "#3a4148", 2)
    for x in (10, 25, 40, 55):
        pen.oval(x - 3, 15, x + 4, 22, "#59636c")
    pen.box(7, 28, 63, 74, "#2c3238", 4)
    pen.box(12, 36, 58, 68, "#46525c", 3)
    pen.shape([(14, 66), (30, 38), (38, 38), (22, 66)], "#ffffff22")
    pen.box(10, 29, 60, 32, "#aeb7be", 1)


@sketch(72, 104)
def sink(pen: Pen) -> None:
    """A bathroom sink on a pedestal."""
    pen.box(26, 36, 46, 100, "#dfe7ec", 3)
    pen.box(38, 36, 46, 100, "#c3ced6", 3)
    pen.oval(0, 10, 72, 48, "#f4f8fa")
    pen.box(0, 14, 72, 28, "#f4f8fa", 6)
    pen.oval(6, 15, 66, 27, "#cdd9e0")
    pen.line([(36, 20), (36, 4), (44, 4), (44, 12)], "#8f9aa3", 3.4)
    pen.box(20, 98, 52, 104, "#c3ced6", 2)


@sketch(68, 150)
def control_tower(pen: Pen) -> None:
    """An airport control tower."""
    pen.shape([(24, 46), (44, 46), (48, 150), (20, 150)], "#c8d0d6")
    pen.shape([(36, 46), (44, 46), (48, 150), (38, 150)], "#a9b3bb")
    pen.shape([(6, 14), (62, 14), (54, 42), (14, 42)], "#5f7f9c")
    for x in (16, 26, 36, 46):
        pen.line([(x + 2, 14), (x + 4, 42)], "#dfe6ea", 1.6)
    pen.box(4, 8, 64, 15, "#dfe6ea", 2)
    pen.box(12, 41, 56, 48, "#dfe6ea", 2)
    pen.line([(34, 8), (34, 0)], "#6b757e", 1.6)


@sketch(190, 70)
def high_train(pen: Pen, stripe: str = "#2f6fd0") -> None:
    """The middle carriage of an electric train, to be repeated."""
    pen.box(0, 4, 190, 60, "#e9eef2", 5)
    pen.box(0, 4, 190, 11, "#c5ced6", 4)
    pen.box(0, 42, 190, 52, stripe)
    for i in range(6):
        pen.box(30 + i * 22, 18, 48 + i * 22, 34, "#4d6b85", 3)
    for x in (8, 166):
        pen.box(x, 15, x + 16, 52, "#cfd8df", 2)
        pen.box(x + 3, 18, x + 13, 34, "#4d6b85", 2)
    pen.box(6, 60, 184, 64, "#4a525a", 1)
    for x in (24, 44, 146, 166):
        pen.oval(x - 6, 58, x + 6, 70, "#30353b")


@sketch(120, 44)
def dish(pen: Pen) -> None:
    """A white plate seen from a low angle."""
    pen.oval(2, 6, 118, 43, "#c9ced3")
    pen.oval(2, 2, 118, 39, "#fbfbf8")
    pen.oval(20, 8, 100, 32, "#e6e9ea")
    pen.oval(22, 10, 98, 32, "#f6f6f2")
