"""Scenes from a seed: pick a kind, paint it, write captions and labels, save the image folder."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from algcn.kit.errors import InputError
from algcn.kit.files import replacing, write_text
from assets.postcards.bathroom import bathroom
from assets.postcards.captions import compose
from assets.postcards.country import farm, lake
from assets.postcards.glyphs import GlyphBook
from assets.postcards.heights import camp, slope
from assets.postcards.indoors import bedroom, kitchen, living
from assets.postcards.kinds import Kind, read_kinds
from assets.postcards.paint import HEIGHT, WIDTH
from assets.postcards.park import park
from assets.postcards.river import river
from assets.postcards.seaside import beach, harbour
from assets.postcards.sports import baseball, skate, soccer, tennis
from assets.postcards.tables import cafe, desk, party
from assets.postcards.town import lane, street
from assets.postcards.travel import apron, hall, station
from assets.postcards.wildlife import savanna, zoo

# In this order: which kind a scene gets depends on it.
PAINTERS = (
    beach, harbour, river, street, lane, park, farm, lake, slope, camp, savanna, zoo, station, apron, hall, tennis,
    baseball, soccer, skate, kitchen, living, bedroom, bathroom, desk, cafe, party,
)  # fmt: skip
KINDS = read_kinds(PAINTERS)
SECOND_CAPTION = 0.3
QUALITY = 80


@dataclass(frozen=True)
class Scene:
    """One finished postcard: its kind's name, the picture, one or two captions, its labels in order of name."""

    kind: str
    picture: Image.Image
    captions: tuple[str, ...]
    labels: tuple[str, ...]


def paint_scene(book: GlyphBook, seed: int, index: int, kind: Kind | None = None) -> Scene:
    """Scene number `index` of a seed; it does not depend on any other scene."""
    rng = random.Random(f"postcards/{seed}/{index}")
    if kind is None:
        kind = rng.choices(KINDS, [kind.weight for kind in KINDS])[0]
    stage, place = kind.draw(rng, book, kind.wants(rng))
    picture = stage.finish()
    captions = [compose(rng, stage.items, place)]
    if rng.random() < SECOND_CAPTION:
        second = compose(rng, stage.items, place)
        if second != captions[0]:
            captions.append(second)
    return Scene(kind.name, picture, tuple(captions), tuple(sorted(stage.visible_labels())))


def encode(picture: Image.Image, size: tuple[int, int]) -> bytes:
    """A picture as WebP bytes, reduced to `size` if that is smaller than it was painted."""
    if size != picture.size:
        picture = picture.resize(size, Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=QUALITY, method=4)
    return buffer.getvalue()


def parse_size(text: str) -> tuple[int, int]:
    """`WIDTHxHEIGHT` of shape 4:3, at most 384x288 (the font's pictures are only about 128 pixels high)."""
    parts = text.lower().split("x")
    if len(parts) != 2 or not all(part.isdigit() for part in parts):
        raise InputError(f"--size {text!r} is not WIDTHxHEIGHT; give 384x288 for instance.")
    width, height = int(parts[0]), int(parts[1])
    if width * HEIGHT != height * WIDTH or not 32 <= width <= WIDTH:
        raise InputError(f"--size {text} cannot be painted; give a 4:3 size from 32x24 to {WIDTH}x{HEIGHT}.")
    return width, height


def write_gallery(
    folder: str | Path,
    book: GlyphBook,
    count: int,
    seed: int,
    size: tuple[int, int] = (WIDTH, HEIGHT),
    progress: Callable[[int], None] | None = None,
) -> None:
    """Write `count` scenes as an image folder: images/*.webp and, when all are there, metadata.csv."""
    if count < 1:
        raise InputError(f"--count {count} makes no scene; give 1 or more.")
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; give a folder to write the postcards into.")
    (folder / "images").mkdir(parents=True, exist_ok=True)
    table = io.StringIO()
    rows = csv.writer(table, lineterminator="\n")
    rows.writerow(("file_name", "text", "labels"))
    for index in range(count):
        scene = paint_scene(book, seed, index)
        name = f"images/{index:05d}-{scene.kind}.webp"
        with replacing(folder / name) as aside:
            aside.write_bytes(encode(scene.picture, size))
        for caption in scene.captions:
            rows.writerow((name, caption, "|".join(scene.labels)))
        if progress is not None:
            progress(index + 1)
    write_text(folder / "metadata.csv", table.getvalue())
