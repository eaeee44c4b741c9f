"""Postcards: the same bytes from the same seed, true labels, sentences, and what stands where."""

from __future__ import annotations

import csv
import json
import random
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, features

from algcn.kit.errors import InputError
from algcn.kit.files import sha256
from assets.postcards import captions, gallery, paint
from assets.postcards.__main__ import main
from assets.postcards.glyphs import DEFAULT_FONT, FONT_SHA256, GlyphBook
from assets.postcards.kinds import Kind
from assets.postcards.light import LIGHTS
from assets.postcards.stage import LEAST_SHOWN, MOST_ENLARGED, Item, Stage

PROJECT = Path(__file__).resolve().parents[2]
BUNDLED = PROJECT / "assets" / "gallery"
BUNDLED_SEED = 7
CONCEPTS = {
    concept["name"]
    for concept in json.loads((PROJECT / "algcn" / "datasets" / "coco_concepts.json").read_text(encoding="utf-8"))
}
# What the bundled pictures were encoded with; another libwebp may write other bytes for the same pixels.
WEBP_VERSION = "1.6.0"


@pytest.fixture(scope="module")
def book() -> GlyphBook:
    """The glyphs of the very font the gallery was drawn with."""
    if not Path(DEFAULT_FONT).is_file():
        pytest.skip(f"no font at {DEFAULT_FONT}; install fonts-noto-color-emoji to run this test")
    if sha256(DEFAULT_FONT) != FONT_SHA256:
        pytest.skip(f"{DEFAULT_FONT} is another version than the one the gallery was drawn with")
    if not features.check("raqm"):
        pytest.skip("this Pillow has no raqm text layout, needed for joined emoji")
    return GlyphBook(DEFAULT_FONT)


def rows(folder: Path) -> list[dict[str, str]]:
    """The rows of a gallery's metadata.csv."""
    with open(folder / "metadata.csv", encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def blank_item(noun: str | None, x: int, **about) -> Item:
    """A 40 × 40 opaque thing at x, its foot at y 140."""
    return Item(Image.new("RGBA", (40, 40), (255, 0, 0, 255)), x, 100, 140, about.pop("depth", 140), noun=noun, **about)


def test_the_same_seed_writes_the_same_bytes_and_scenes_do_not_depend_on_the_count(
    book: GlyphBook, tmp_path: Path
) -> None:
    gallery.write_gallery(tmp_path / "one", book, 4, 11)
    gallery.write_gallery(tmp_path / "two", GlyphBook(DEFAULT_FONT), 2, 11)
    written = sorted(path.name for path in (tmp_path / "two" / "images").iterdir())
    assert len(written) == 2
    for name in written:
        assert (tmp_path / "one" / "images" / name).read_bytes() == (tmp_path / "two" / "images" / name).read_bytes()
    first = rows(tmp_path / "one")
    assert rows(tmp_path / "two") == first[: len(rows(tmp_path / "two"))]
    assert list(first[0]) == ["file_name", "text", "labels"]
    assert gallery.paint_scene(book, 12, 0).picture.tobytes() != gallery.paint_scene(book, 11, 0).picture.tobytes()


def test_the_bundled_gallery_comes_from_the_command(book: GlyphBook) -> None:
    if not (BUNDLED / "metadata.csv").is_file():
        pytest.skip("assets/gallery is not there: python -m assets.postcards assets/gallery")
    table = rows(BUNDLED)
    for index in range(6):
        scene = gallery.paint_scene(book, BUNDLED_SEED, index)
        name = f"images/{index:05d}-{scene.kind}.webp"
        mine = [row for row in table if row["file_name"] == name]
        assert [row["text"] for row in mine] == list(scene.captions)
        assert {row["labels"] for row in mine} == {"|".join(scene.labels)}
        if features.version("webp") == WEBP_VERSION:
            assert (BUNDLED / name).read_bytes() == gallery.encode(scene.picture, scene.picture.size)
    if features.version("webp") != WEBP_VERSION:
        pytest.skip(f"captions and labels match; bytes were not compared (libwebp {features.version('webp')})")


def test_the_bundled_gallery_is_what_the_design_asks_for() -> None:
    if not (BUNDLED / "metadata.csv").is_file():
        pytest.skip("assets/gallery is not there: python -m assets.postcards assets/gallery")
    table = rows(BUNDLED)
    labels = {row["file_name"]: row["labels"].split("|") for row in table}
    pictures = {path.relative_to(BUNDLED).as_posix() for path in (BUNDLED / "images").glob("*.webp")}
    assert set(labels) == pictures
    assert 1100 <= len(labels) <= 1300
    assert sum((BUNDLED / name).stat().st_size for name in pictures) < 15e6
    support = Counter(label for names in labels.values() for label in names)
    assert set(support) <= CONCEPTS
    assert sum(count >= 10 for count in support.values()) >= 35
    assert len({name.split("-")[1] for name in labels}) >= 12
    # The designed co-occurrence shows: umbrellas come out in the rain, and no boat was ever seen in a kitchen.
    umbrella_in_rain = np.mean(["umbrella" in names for names in labels.values() if "rain" in names])
    umbrella_in_dry_street = np.mean(
        ["umbrella" in names for names in labels.values() if "street" in names and "rain" not in names]
    )
    assert umbrella_in_rain > 3 * umbrella_in_dry_street
    assert not any({"kitchen", "boat"} <= set(names) for names in labels.values())
    for row in table:
        assert re.fullmatch(r"[A-Z][^.!?<>]*\.", row["text"]), row["text"]
        assert "  " not in row["text"] and " ," not in row["text"] and " ." not in row["text"], row["text"]
        assert not re.search(r"\b(\w+) \1\b", row["text"]), row["text"]
        assert not re.search(r"\b[Aa] [aeio]\w*|\b[Aa]n [^aeiou]", row["text"]), row["text"]


@pytest.mark.parametrize("kind", gallery.KINDS, ids=lambda kind: kind.name)
def test_every_kind_paints_a_true_scene(book: GlyphBook, kind: Kind) -> None:
    rng = random.Random(f"test/{kind.name}")
    stage, place = kind.draw(rng, book, kind.wants(rng))
    picture = stage.finish()
    assert picture.size == (paint.WIDTH, paint.HEIGHT) and picture.mode == "RGB"
    assert np.asarray(picture).std() > 18
    assert stage.visible_labels() and stage.visible_labels() <= CONCEPTS
    for item in stage.items:
        if item.labels or item.noun:
            assert item.shown >= LEAST_SHOWN
    sentence = captions.compose(rng, stage.items, place)
    assert sentence[0].isupper() and sentence.endswith(".")


def test_a_kind_draws_by_its_table() -> None:
    def never(rng: random.Random, book: GlyphBook, wanted: set[str]):
        raise AssertionError("only the table is used here")

    kind = Kind("test", 1, never, {"rain": 0.5, "umbrella": 0.1, "fish": 0.0}, {"umbrella": {"rain": 0.9}})
    drawn = [kind.wants(random.Random(seed)) for seed in range(2000)]
    rainy = [wanted for wanted in drawn if "rain" in wanted]
    assert len(rainy) / len(drawn) == pytest.approx(0.5, abs=0.05)
    assert np.mean(["umbrella" in wanted for wanted in rainy]) == pytest.approx(0.9, abs=0.04)
    assert np.mean(["umbrella" in w for w in drawn if "rain" not in w]) == pytest.approx(0.1, abs=0.04)
    assert not any("fish" in wanted for wanted in drawn)
    filled = Kind("test", 1, never, {"rain": 0.0}, at_least=("dog",))
    assert filled.wants(random.Random(0)) == {"dog"}


def test_every_row_of_the_table_has_its_painter() -> None:
    table = json.loads((PROJECT / "assets" / "postcards" / "kinds.json").read_text(encoding="utf-8"))
    assert list(table) == [kind.name for kind in gallery.KINDS]


def test_conditional_tables_name_things_of_their_kind_in_order() -> None:
    for kind in gallery.KINDS:
        order = list(kind.chances)
        assert all(0 <= chance <= 1 for row in (kind.chances, *kind.given.values()) for chance in row.values())
        assert set(kind.at_least) <= set(order), kind.name
        for then, given in kind.given.items():
            for first in given:
                assert order.index(first) < order.index(then), f"{kind.name}: {then} is drawn before {first}"


def test_the_stage_has_one_perspective_and_never_enlarges_much(book: GlyphBook) -> None:
    stage = Stage(random.Random(0), book, LIGHTS["day"], horizon=100, camera=3.0)
    cow = book.get("🐄")
    near, far = stage.put(cow, 100, 250, 1.6), stage.put(cow, 300, 175, 1.6)
    assert near.sprite.height == pytest.approx(2 * far.sprite.height, abs=1)
    assert near.top + near.sprite.height == pytest.approx(250, abs=1)
    giant = stage.put(cow, 200, 280, 50)
    assert giant.sprite.height <= cow.height * MOST_ENLARGED + 1


def test_hidden_things_leave_the_stage_with_what_leans_on_them(book: GlyphBook) -> None:
    stage = Stage(random.Random(0), book, LIGHTS["day"])
    behind = blank_item("dog", 100, labels=("dog",), depth=1)
    leash = blank_item(None, 200, needs=(behind,), depth=2)
    before = blank_item("car", 105, labels=("car",), depth=3)
    outside = blank_item("cat", -30, labels=("cat",))
    stage.items = [behind, leash, before, outside]
    stage.clear_hidden()
    assert stage.items == [before]
    assert stage.visible_labels() == {"car"}


def test_light_brings_its_own_labels(book: GlyphBook) -> None:
    expected = {"night": {"night"}, "sunset": {"night"}, "rain": {"rain"}, "snowing": {"snow"}, "day": set()}
    for name, labels in expected.items():
        assert Stage(random.Random(0), book, LIGHTS[name]).visible_labels() == labels


def test_captions_count_and_agree() -> None:
    rng = random.Random(3)
    cows = [blank_item("cow", 40 * i, does=("grazing",), labels=("cow",), shown=1.0) for i in range(3)]
    (mention,) = captions.gather(cows)
    assert mention.many
    assert {mention.phrase(rng) for _ in range(40)} == {"three cows", "a herd of cows"}
    pair = [blank_item("woman", 0, labels=("person",)), blank_item("man", 50, labels=("person",))]
    assert captions.gather(pair)[0].phrase(rng) == "a woman and a man"
    assert captions.article("umbrella") == "an umbrella" and captions.article("boat") == "a boat"
    assert [captions.plural(noun) for noun in ("bus", "sheep", "bench", "dog", "slice of pizza", "canoe")] == [
        "buses", "sheep", "benches", "dogs", "slices of pizza", "canoes",
    ]  # fmt: skip
    assert (
        captions.join(["a dog"]) == "a dog"
        and captions.merge("a man and a woman", "a dog") == "a man, a woman and a dog"
    )


def test_a_caption_never_speaks_of_what_was_taken_away() -> None:
    dog = blank_item("dog", 100)
    walker = blank_item("man", 0, labels=("person",), does=("walking a dog",), needs=(dog,), shown=1.0)
    place = captions.Place(at=("in a park",), a=("a park",))
    with_dog = {captions.compose(random.Random(seed), [walker, dog], place) for seed in range(40)}
    without = {captions.compose(random.Random(seed), [walker], place) for seed in range(40)}
    assert any("walking a dog" in text for text in with_dog)
    assert not any("dog" in text for text in without)


def test_glyphs_are_keyed_and_recoloured(book: GlyphBook) -> None:
    surfer = np.asarray(book.get("🏄🏽‍♀️", key="sea"))
    tile = np.asarray(book.get("🏄🏽‍♀️"))
    assert (surfer[..., 3] > 128).sum() < 0.7 * (tile[..., 3] > 128).sum()
    zebra = np.asarray(book.get("🐎", key="zebra"), dtype=float)
    solid = zebra[zebra[..., 3] > 200][:, :3]
    assert (solid.max(1) - solid.min(1)).mean() < 20  # no chestnut left
    assert 0.25 < (solid.mean(1) < 90).mean() < 0.75  # stripes: neither all black nor all white
    plain, red = (np.asarray(book.get("🧍🏿‍♂️", shirt=shirt)) for shirt in (None, "red"))
    changed = (plain[..., :3].astype(int) - red[..., :3]).any(-1)
    assert 0.05 < changed.mean() < 0.5
    with pytest.raises(InputError, match="no single picture"):
        book.get("🐎🐎")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--count", "0"), "use 1 or more"),
        (("--size", "large"), "384x288"),
        (("--size", "800x600"), "4:3 size"),
        (("--size", "300x300"), "4:3 size"),
    ],
)
def test_bad_arguments_are_one_sentence(
    book: GlyphBook, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        main([str(tmp_path / "out"), *arguments])
    assert not (tmp_path / "out").exists()


def test_a_smaller_size_and_a_file_in_the_way(book: GlyphBook, tmp_path: Path) -> None:
    main([str(tmp_path / "small"), "--count", "1", "--size", "192x144"])
    (path,) = (tmp_path / "small" / "images").iterdir()
    with Image.open(path) as picture:
        assert picture.size == (192, 144)
    (tmp_path / "taken").write_text("", encoding="utf-8")
    with pytest.raises(InputError, match="is a file"):
        main([str(tmp_path / "taken"), "--count", "1"])


def test_a_missing_font_says_how_to_get_it(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "assets.postcards",
        str(tmp_path / "out"),
        "--font",
        str(tmp_path / "no.ttf"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=PROJECT, check=False)
    assert done.returncode == 2
    assert "fonts-noto-color-emoji" in done.stderr and "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    (tmp_path / "bad.ttf").write_bytes(b"not a font")
    with pytest.raises(InputError, match="is not a font"):
        GlyphBook(tmp_path / "bad.ttf")
