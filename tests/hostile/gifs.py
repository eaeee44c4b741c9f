"""GIFs that keep a decoder busy. An extension is "!", a label, and blocks of up to 255 bytes."""

from __future__ import annotations

import struct
from collections.abc import Iterable

from hostile.made import MB, NOTHING, saved, small
from PIL import Image


def _gif_with(inserted: Iterable[bytes], size: tuple[int, int] = (256, 256)) -> bytes:
    data = small("GIF")
    table = 13 + (3 << (data[10] & 7) + 1 if data[10] & 128 else 0)
    return data[:6] + struct.pack("<HH", *size) + data[10:table] + b"".join(inserted) + data[table:]


def gif_comment_blocks() -> bytes:
    """One comment in many blocks, of which all before are copied for each."""
    return _gif_with([b"!\xfe", (b"\xff" + bytes(255)) * 90_000, b"\0"])


def gif_comments() -> bytes:
    """Many comments, of which all before are copied for each."""
    return _gif_with([b"!\xfe\x01a\0" * 1_000_000])


def gif_tiny_blocks() -> bytes:
    """A note in millions of blocks of a byte."""
    return _gif_with([b"!\xff", b"\x01a" * 8_000_000, b"\0"])


def gif_junk() -> bytes:
    """Bytes that are neither an extension nor a frame."""
    return _gif_with([bytes([NOTHING]) * 24 * MB])


def gif_frame_of_64_million_pixels() -> bytes:
    """A frame of 64 million pixels of one colour, which is transparent: the best that its packing can do."""
    return saved(Image.new("P", (8000, 8000)), "GIF", transparency=0)


def gif_of_clear_codes() -> bytes:
    """Megabytes of codes that only empty the table of codes."""
    blocks = (b"\xff" + b"\x24\x49\x92" * 85) * 90_000  # the code 4 in three bits, over and over
    return (
        b"GIF89a"
        + struct.pack("<HHBBB", 64, 64, 0x80, 0, 0)
        + bytes(range(6))
        + (b"," + struct.pack("<HHHHB", 0, 0, 64, 64, 0) + b"\x02" + blocks + b"\0;")
    )


def gif_animation() -> bytes:
    """An animation of a hundred thousand frames."""
    frame = b"," + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x4c\x01\0"
    return b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + bytes(range(6)) + frame * 100_000 + b";"
