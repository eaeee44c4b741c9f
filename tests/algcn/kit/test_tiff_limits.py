"""Directories of tags that encoders write are let through, whatever their order; those that claim too much are not."""

from __future__ import annotations

import io
import struct

import pytest
from PIL import Image, TiffImagePlugin

from algcn.kit.images import open_image
from algcn.kit.picture_limits import objection_to_exif
from algcn.kit.tiff_limits import MAX_NUMBERS, MAX_PIECES, MAX_TAGS, objection

SMALL = Image.radial_gradient("L")


def saved(image: Image.Image, **how: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "TIFF", **how)
    return stream.getvalue()


def directory(*tags: tuple[int, int, int, int], order: str = "<", big: bool = False, after: bytes = b"") -> bytes:
    """A TIFF of one directory; the value of a tag is a number or a place."""
    place, count = ("Q", "Q") if big else ("I", "H")
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}H", 43 if big else 42)
    head += struct.pack(f"{order}HHQ", 8, 0, 16) if big else struct.pack(f"{order}I", 8)
    entries = b""
    for tag, kind, numbers, value in tags:
        inline = {3: "H", 4: "I"}[kind] if kind in (3, 4) and numbers == 1 else place  # at the start of its place
        field = struct.pack(f"{order}{inline}", value).ljust(8 if big else 4, b"\0")
        entries += struct.pack(f"{order}HH{place}", tag, kind, numbers) + field
    return head + struct.pack(f"{order}{count}", len(tags)) + entries + bytes(8) + after


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "CMYK", "LAB", "I;16", "F"])
@pytest.mark.parametrize("packing", [None, "tiff_lzw", "tiff_adobe_deflate", "packbits"])
def test_what_pillow_writes_is_let_through(mode: str, packing: str | None) -> None:
    source = Image.merge("LAB", (SMALL,) * 3) if mode == "LAB" else SMALL.convert("RGB" if mode == "CMYK" else "L")
    data = saved(source if mode == "LAB" else source.convert(mode), compression=packing)
    assert objection(data) is None
    assert open_image(data).size == SMALL.size


@pytest.mark.parametrize("big", [False, True])
def test_many_rows_and_pages_and_notes_are_let_through(big: bool) -> None:
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[270], tags[700], tags[34675], tags[278] = "a description " * 9999, bytes(500_000), bytes(3_000_000), 1
    tall = Image.new("L", (2, 60_000))
    for packing in (None, "tiff_lzw"):
        data = saved(tall, tiffinfo=tags, compression=packing, save_all=True, append_images=[SMALL] * 20, big_tiff=big)
        assert objection(data) is None


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        ([(number, 3, 1, 1) for number in range(300, 301 + MAX_TAGS)], "more than 1,000 tags"),
        ([(700, 7, 70_000, 8), (701, 7, 70_000, 8), (702, 7, 70_000, 8), (703, 7, 70_000, 8)], "claim more bytes"),
        ([(700, 7, 0xFFFFFFFF, 8)], "claim more bytes"),
        ([(282, 3, MAX_NUMBERS + 1, 8)], "claim more bytes"),
        ([(256, 3, 1, 60_000), (257, 3, 1, 1000), (322, 3, 1, 16), (323, 3, 1, 8)], "strips or tiles"),
        ([(256, 3, 1, 1), (257, 4, 1, MAX_PIECES + 1), (278, 3, 1, 1)], "strips or tiles"),
    ],
)
def test_what_claims_too_much_is_refused(
    order: str, big: bool, tags: list[tuple[int, int, int, int]], reason: str
) -> None:
    assert reason in (objection(directory(*tags, order=order, big=big)) or "")


def test_a_tag_of_many_numbers_is_refused_where_they_are_there() -> None:
    numbers = bytes(8 * (MAX_NUMBERS + 1))
    assert "more than 262,144 numbers" in (objection(directory((282, 5, MAX_NUMBERS + 1, 40), after=numbers)) or "")
    assert objection(directory((700, 7, len(numbers), 40), after=numbers)) is None  # bytes are bytes
    assert objection(directory((282, 5, MAX_NUMBERS, 40), after=numbers)) is None


def test_strips_are_counted_where_their_places_are_there() -> None:
    places = bytes(4 * (MAX_PIECES + 1))
    assert "more than 100,000 strips" in (objection(directory((273, 4, MAX_PIECES + 1, 40), after=places)) or "")
    assert objection(directory((273, 4, MAX_PIECES, 40), after=places)) is None


def test_packed_strips_may_share_bytes_but_not_all_of_them() -> None:
    def of_strips(count: int, size: int) -> bytes:
        after = struct.pack("<I", 8) * count + struct.pack("<I", size) * count + bytes(100_000)
        place = 8 + 2 + 12 * 6 + 8
        pieces = ((273, 4, count, place), (279, 4, count, place + 4 * count), (278, 3, 1, 1))
        return directory((256, 3, 1, 9), (257, 3, 1, count), (259, 3, 1, 5), *pieces, after=after)

    assert objection(of_strips(1000, 300)) is None
    assert objection(of_strips(2, 0xFFFFFFFF)) is None  # one with a wrong number is what some programs write
    assert "claim more bytes" in (objection(of_strips(1000, 50_000)) or "")


@pytest.mark.parametrize("place", [5, 9_000_000, 0xFFFFFFFF])
def test_a_directory_that_is_not_there_is_left_to_the_decoders(place: int) -> None:
    assert objection(b"II*\0" + struct.pack("<I", place) + bytes(8)) is None
    assert objection(b"II+\0" + struct.pack("<HHQ", 8, 0, place << 32)) is None
    assert objection(b"II*\0") is None


def test_a_further_directory_that_is_not_there_hides_nothing() -> None:
    tags = [(256, 3, 1, 60_000), (257, 3, 1, 1000), (322, 3, 1, 1), (323, 3, 1, 1), (34665, 4, 1, 0xFFFFFFF0)]
    assert "strips or tiles" in (objection(directory(*tags)) or "")


def test_exif_blocks_are_judged_wherever_pillow_finds_them() -> None:
    hostile = directory((700, 7, 0xFFFFFFFF, 8))
    lines = "\nexif\n 26\n"
    assert objection_to_exif({"exif": b"Exif\0\0" + hostile}) is not None
    assert objection_to_exif({"exif": hostile}) is not None
    assert objection_to_exif({"Raw profile type exif": lines + (b"Exif\0\0" + hostile).hex()}) is not None
    assert objection_to_exif({"Raw profile type exif": lines + "no number"}) is None
    assert objection_to_exif({"exif": Image.Exif().tobytes()}) is None
    assert objection_to_exif({}) is None


def test_the_orientation_of_an_ordinary_block_is_still_followed() -> None:
    exif = Image.Exif()
    exif[274] = 6
    stream = io.BytesIO()
    Image.new("RGB", (30, 20)).save(stream, "PNG", exif=exif)
    assert open_image(stream.getvalue()).size == (20, 30)
