"""BMPs that keep a decoder busy: their run lengths are read by Python."""

from __future__ import annotations

import struct


def _bmp_of_run_lengths(width: int, height: int, codes: bytes) -> bytes:
    palette = bytes(range(1, 256)) * 4 + bytes(4)
    start = 54 + len(palette)
    head = b"BM" + struct.pack("<IHHI", start + len(codes), 0, 0, start)
    return head + struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(codes), 0, 0, 256, 0) + palette + codes


def bmp_delta_of_a_huge_width() -> bytes:
    """A step of 255 rows of eight million pixels, in 1 kB."""
    return _bmp_of_run_lengths(8_000_000, 8, b"\0\2\xff\xff" * 4)


def bmp_ends_of_rows() -> bytes:
    """Millions of ends of rows that were not begun."""
    return _bmp_of_run_lengths(64, 64, b"\0\0" * 12_000_000)


def bmp_runs_of_one() -> bytes:
    """Runs of one pixel, as many as the picture has."""
    return _bmp_of_run_lengths(8000, 4000, b"\1\7" * 31_000_000)
