"""TIFFs that keep a decoder busy. A tag is its number, type, count, and its value or the place where that is."""

from __future__ import annotations

import struct

from hostile.made import MB, saved, tags_of
from PIL import Image


def _grey_tiff(
    width: int, height: int, *more: tuple[int, int, int, int], after: bytes = b"", packing: int = 1
) -> bytes:
    tags = [
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 1, 8),
        (259, 3, 1, packing),
        (262, 3, 1, 1),
        (277, 3, 1, 1),
    ]
    return tags_of([*tags, *more], after)


def _start(count: int) -> int:
    """Where the bytes behind a grey picture's directory begin, with so many more tags."""
    return 8 + 2 + 12 * (6 + count) + 4


def tiff_tags_of_the_same_bytes() -> bytes:
    """Hundreds of tags whose megabytes are the same."""
    notes = [(50_000 + number, 7, 2 * MB, 8) for number in range(400)]
    return _grey_tiff(8, 8, (273, 4, 1, 8), (279, 4, 1, 64), *notes, after=bytes(2 * MB))


def tiff_exif_of_the_same_bytes() -> bytes:
    """Hundreds of tags whose megabytes are the same, in the directory of a camera's numbers."""
    place = _start(3)
    notes = b"".join(struct.pack("<HHII", 40_000 + number, 7, 2 * MB, 8) for number in range(900))
    after = struct.pack("<H", 900) + notes + bytes(4 + 2 * MB)
    return _grey_tiff(8, 8, (273, 4, 1, 8), (279, 4, 1, 64), (34665, 4, 1, place), after=after)


def tiff_many_tags() -> bytes:
    """As many tags as a directory can have."""
    notes = [(number, 3, 1, 1) for number in range(300, 65_000)]
    return _grey_tiff(8, 8, (273, 4, 1, 8), (279, 4, 1, 64), *notes)


def tiff_many_numbers() -> bytes:
    """A resolution of a million fractions."""
    place = _start(3)
    return _grey_tiff(8, 8, (273, 4, 1, 8), (279, 4, 1, 64), (282, 5, MB, place), after=b"\1\0\0\0" * 2 * MB)


def tiff_tiles_of_a_pixel() -> bytes:
    """Tiles of a pixel each."""
    count, place = 2_000_000, _start(4)
    tiles = ((322, 3, 1, 1), (323, 3, 1, 1), (324, 4, count, place), (325, 4, count, place))
    return _grey_tiff(2000, 1000, *tiles, after=struct.pack("<I", 8) * count)


def tiff_packed_tiles_of_a_pixel() -> bytes:
    """Tiles of a pixel each, of which few are there: it is the reader that goes through all."""
    tiles = ((322, 3, 1, 1), (323, 3, 1, 1), (324, 4, 1, 8), (325, 4, 1, 8))
    return _grey_tiff(8000, 8000, *tiles, packing=8)


def tiff_strips_of_the_whole_file() -> bytes:
    """Thousands of packed strips that all are said to be the whole file."""
    count, place = 8000, _start(3)
    after = struct.pack("<I", 8) * count + struct.pack("<I", 20 * MB) * count + bytes(20 * MB)
    pieces = ((273, 4, count, place), (279, 4, count, place + 4 * count), (278, 3, 1, 1))
    return _grey_tiff(8000, 8000, *pieces, after=after, packing=5)


def tiff_packed_64_million_pixels() -> bytes:
    """Colours of 64 million pixels, all the same."""
    return saved(Image.new("RGBA", (8000, 8000)), "TIFF", compression="tiff_lzw")


def tiff_floats_of_64_million_pixels() -> bytes:
    """Floats of 64 million pixels, which are stretched over their range."""
    return saved(Image.new("F", (8000, 8000), 1.5), "TIFF", compression="tiff_adobe_deflate")


def tiff_pages_in_a_circle() -> bytes:
    """Pages of which the last is followed by the first."""
    page = _grey_tiff(8, 8, (273, 4, 1, 8), (279, 4, 1, 64))
    return page[:-4] + struct.pack("<I", 8) + bytes(64)


def tiff_directories_in_a_circle() -> bytes:
    """A directory of a camera's numbers that is the directory it stands in."""
    return _grey_tiff(8, 8, (273, 4, 1, 8), (279, 4, 1, 64), (34665, 4, 1, 8), (34853, 4, 1, 8), after=bytes(64))
