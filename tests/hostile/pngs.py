"""PNGs that keep a decoder busy. A chunk is its length, a name, its content and a sum."""

from __future__ import annotations

import struct
import zlib

from hostile.made import MB, saved, tags_of
from PIL import Image


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def _png_with(
    *chunks: bytes, size: tuple[int, int] = (8, 8), depth: int = 8, colours: int = 2, interlaced: int = 0
) -> bytes:
    header = struct.pack(">IIBBBBB", *size, depth, colours, 0, 0, interlaced)
    rows = zlib.compress(bytes((1 + size[0] * 3) * size[1]))
    return (
        b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + b"".join(chunks) + _chunk(b"IDAT", rows) + _chunk(b"IEND", b"")
    )


def png_tiny_chunks() -> bytes:
    """A million chunks of a program's own, with nothing in them."""
    return _png_with(_chunk(b"abCd", b"") * 1_000_000)


def png_empty_pixel_chunks() -> bytes:
    """A million chunks of no pixels between those of the pixels."""
    return _png_with(_chunk(b"IDAT", b"") * 1_000_000)


def png_texts() -> bytes:
    """A million words, each with a name of its own."""
    return _png_with(b"".join(_chunk(b"tEXt", b"%d\0a" % number) for number in range(200_000)))


def png_packed_texts() -> bytes:
    """Texts that unpack to a thousand times their size."""
    packed = zlib.compress(bytes(MB - 1), 9)
    return _png_with(*(_chunk(b"zTXt", b"%d\0\0" % number + packed) for number in range(900)))


def png_international_texts() -> bytes:
    """Texts that unpack to a thousand times their size and are no UTF-8, so that nobody adds them up."""
    packed = zlib.compress(b"\xff" * (MB - 1), 9)
    return _png_with(*(_chunk(b"iTXt", b"%d\0\1\0\0\0" % number + packed) for number in range(900)))


def png_profile() -> bytes:
    """A colour profile of hundreds of megabytes, in one of kilobytes."""
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(bytes(MB)) for _ in range(200)) + packer.flush()
    return _png_with(_chunk(b"iCCP", b"a\0\0" + packed))


def png_exif_as_text() -> bytes:
    """An EXIF block of shared bytes, packed and in hexadecimal."""
    block = tags_of([(30_000 + number, 7, 250_000, 8) for number in range(20_000)], b"", further=250_000)
    text = b"\n\n\n" + block.hex().encode()
    return _png_with(_chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(text[: MB - 2], 9)))


def png_palette_of_64_million_pixels() -> bytes:
    """A palette with a transparent colour, which becomes eight bytes for each bit of the file's."""
    image = Image.linear_gradient("L").resize((8000, 8000)).convert("P")
    image.putpalette(bytes(range(256)) * 3)
    return saved(image, "PNG", transparency=bytes(range(256)), compress_level=1)


def png_interlaced_of_64_million_pixels() -> bytes:
    """Seven passes over 64 million pixels with alpha."""
    side = 8000
    packer = zlib.compressobj(1)
    packed = []
    for x, y, across, down in (
        *((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)),
    ):
        row = bytes(1 + 4 * -(-(side - x) // across))
        packed.extend(packer.compress(row) for _ in range(-(-(side - y) // down)))
    header = struct.pack(">IIBBBBB", side, side, 8, 6, 0, 0, 1)
    pixels = _chunk(b"IDAT", b"".join(packed) + packer.flush())
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + pixels + _chunk(b"IEND", b"")


def png_16_bits_of_64_million_pixels() -> bytes:
    """Dark colours of 16 bits, for which the picture is decoded twice and computed with."""
    packer = zlib.compressobj(1)
    row = b"\0" + b"\x03\xff" * 4 * 8000
    packed = b"".join(packer.compress(row) for _ in range(8000)) + packer.flush()
    header = struct.pack(">IIBBBBB", 8000, 8000, 16, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", packed) + _chunk(b"IEND", b"")


def png_long_side() -> bytes:
    """One row of millions of pixels."""
    return _png_with(size=(10_000_000, 1))


def png_animation() -> bytes:
    """An animation of a hundred thousand frames."""
    frame = struct.pack(">IIIIHHBB", 8, 8, 0, 0, 1, 10, 0, 0)
    frames = (
        _chunk(b"fcTL", struct.pack(">I", 2 * number) + frame) + _chunk(b"fdAT", struct.pack(">I", 2 * number + 1))
        for number in range(100_000)
    )
    return _png_with(_chunk(b"acTL", struct.pack(">II", 100_000, 0)), *frames)
