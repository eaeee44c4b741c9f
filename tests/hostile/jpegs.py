"""JPEGs that keep a decoder busy. A segment is a marker, its length with those two bytes, and its content."""

from __future__ import annotations

import struct

from hostile.made import MB, saved, small, tags_of
from PIL import Image


def _segment(code: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, code, len(content) + 2) + content


def _jpeg_with(inserted: bytes) -> bytes:
    """A small picture with something behind its first marker."""
    data = small("JPEG")
    return data[:2] + inserted + data[2:]


def jpeg_empty_scans(side: int = 8000, count: int = 20_000) -> bytes:
    """A progressive picture of 64 million pixels that is gone through again for each scan, and none says anything."""
    data = saved(Image.new("RGB", (64, 64)), "JPEG", progressive=True)
    frame = data.index(b"\xff\xc2")
    data = data[: frame + 5] + struct.pack(">HH", side, side) + data[frame + 9 :]
    # AC coefficients 1 to 63 of the first component, bit 0: one code says that 32,767 blocks are empty.
    table = _segment(0xC4, bytes([0x10, 1, *bytes(15), 0xE0]))
    scan = table + _segment(0xDA, bytes([1, 1, 0, 1, 63, 0])) + b"\x00" * 4
    return data[:-2] + scan * count + data[-2:]


def jpeg_scans_as_allowed() -> bytes:
    """As many empty scans as are let through."""
    return jpeg_empty_scans(count=89)


def jpeg_comments() -> bytes:
    """Millions of comments without a letter."""
    return _jpeg_with(_segment(0xFE, b"") * 4_000_000)


def jpeg_application_segments() -> bytes:
    """Millions of a program's notes."""
    return _jpeg_with(_segment(0xE5, b"") * 4_000_000)


def jpeg_comments_between_scans() -> bytes:
    """Millions of comments behind the first scan, where libjpeg meets them."""
    data = small("JPEG", progressive=True)
    return data[:-2] + _segment(0xFE, b"") * 4_000_000 + data[-2:]


def jpeg_fill_bytes() -> bytes:
    """A marker may have any number of fill bytes before it."""
    return _jpeg_with(b"\xff" * 24 * MB)


def jpeg_junk() -> bytes:
    """Bytes that belong to no segment."""
    return _jpeg_with(_segment(0xE5, b"") + bytes(24 * MB))


def jpeg_exif_in_pieces() -> bytes:
    """An EXIF block in a thousand segments, of which all before are copied for each."""
    return _jpeg_with(_segment(0xE1, b"Exif\0\0" + bytes(60_000)) * 1000)


def jpeg_exif_of_shared_bytes() -> bytes:
    """An EXIF block whose tags all name the same bytes."""
    block = tags_of([(40_000 + number, 7, 30_000, 8) for number in range(900)], b"", further=30_000)
    return _jpeg_with(_segment(0xE1, b"Exif\0\0" + block[:60_000]))


def jpeg_photoshop_notes() -> bytes:
    """Notes of twelve bytes each, in as many segments as a file holds."""
    notes = b"Photoshop 3.0\0" + b"8BIM\x04\x00\x00\x00\x00\x00\x00\x00" * 5000
    return _jpeg_with(_segment(0xED, notes) * 900)


def jpeg_of_many_pictures() -> bytes:
    """An MPO that says it holds four billion pictures."""
    index = tags_of([(0xB001, 4, 1, 0xFFFFFFFF), (0xB002, 7, 16, 38)], bytes(16))
    return _jpeg_with(_segment(0xE2, b"MPF\0" + index))


def jpeg_without_end_of_64_million_pixels() -> bytes:
    """A large progressive picture without its end marker: it is decoded several times to tell whether it is whole."""
    return saved(Image.radial_gradient("L").resize((8000, 8000)), "JPEG", progressive=True)[:-2]


def jpeg_profile_of_megabytes() -> bytes:
    """A colour profile in all the segments that it may have."""
    return _jpeg_with(
        b"".join(_segment(0xE2, b"ICC_PROFILE\0" + bytes([n, 255]) + bytes(65_000)) for n in range(1, 256))
    )
