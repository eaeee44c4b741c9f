"""Refuse files that are built to keep a decoder busy, before one sees them.

Notable: a decoder takes a microsecond or a page of memory for the smallest part that a file can have, and a file of
64 MB can have tens of millions. Nothing but the structure is read here, never a pixel, and reading stops at the first
bound that is passed, so an ordinary file costs a small part of a millisecond. Each bound is far beyond what cameras and
programs write. What stays below them and is slow all the same is stopped by the limits of the process that decodes
(`app.kit.decoders`).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping

import numpy as np

from algcn.kit import tiff_limits

# JPEG and GIF hold no longer side, WebP a quarter of it.
MAX_SIDE = 65_535
# What cjpeg and jpegtran take as a script of scans; ordinary progressive files have 10.
MAX_SCANS = 100
# A file of 64 MB has 1,024 that are full, and only profiles, maps of depth and other pictures fill several.
MAX_SEGMENTS = 4_000
# EXIF has one segment by its standard, and Pillow copies all that came before for each further one.
MAX_EXIF_SEGMENTS = 64
# Pillow steps over the bytes between two segments one by one; some cameras align them to a block of a disk.
MAX_PADDING = 1 << 20
# Of pixels: the smallest that an encoder writes is a row, and of these there are MAX_SIDE; animations have more.
MAX_CHUNKS = 100_000
# Of text, time, colours and a program's own: a gallery of notes has some dozens.
MAX_OTHER_CHUNKS = 1_000
# Pillow unpacks up to 1 MB of each; programs pack a profile, XMP and a few long texts.
MAX_PACKED_CHUNKS = 100
# A GIF's extensions before its first frame: comments, a loop, a profile, XMP. The last is 1 MB at most in practice,
# and its letters are taken for lengths of blocks.
MAX_EXTENSIONS = 1_000
MAX_BLOCKS = 100_000
MAX_COMMENT_BYTES = 1 << 20
# An animation of an hour, with 25 frames a second.
MAX_WEBP_CHUNKS = 90_000

_START_OF_SCAN, _END, _APP1 = 0xDA, 0xD9, 0xE1
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_SEQUENTIAL = frozenset({0xC0, 0xC1})
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})  # markers without a length
_MARKER = re.compile(rb"\xff([^\x00\xff])", re.DOTALL)
_MARKER_AFTER_SCAN = re.compile(rb"\xff([^\x00\xff\xd0-\xd7])", re.DOTALL)
_PACKED_CHUNKS = frozenset({b"iCCP", b"zTXt", b"iTXt"})
_PIXEL_CHUNKS = frozenset({b"IDAT", b"fdAT", b"fcTL"})
_TIFF_STARTS = (b"II*\0", b"MM\0*")
_EXIF_AS_TEXT = "Raw profile type exif"  # as ImageMagick writes it into a PNG
_BMP_RUN_LENGTHS = frozenset({1, 2})


def objection(data: bytes, kind: str) -> str | None:
    """Say what no camera or program writes into a file, as the end of a sentence; None where nothing is amiss.

    Args:
        data: The bytes of a file.
        kind: One of `picture_kinds.READ`.

    Example:
        >>> objection(b"BM" + bytes(40), "BMP") is None
        True
    """
    look = _LOOKS.get(kind)
    try:
        return look(data) if look is not None else None
    except (IndexError, struct.error):  # cut off: decoders say so in their own words
        return None


def objection_to_exif(info: Mapping[object, object]) -> str | None:
    """Say what no camera writes into an EXIF block that Pillow found but did not read, None where nothing is amiss.

    Args:
        info: What Pillow says of a picture beside its pixels.
    """
    block = info.get("exif")
    if block is None and isinstance(text := info.get(_EXIF_AS_TEXT), str):  # in hexadecimal, below three lines
        try:
            block = bytes.fromhex("".join(text.split("\n")[3:]))
        except ValueError:
            return None
    return tiff_limits.objection(block.removeprefix(b"Exif\0\0"), whole=False) if isinstance(block, bytes) else None


def objection_to_size(width: int, height: int) -> str | None:
    """Say that a picture is too long, as the end of a sentence; None where it is not."""
    if max(width, height) > MAX_SIDE:
        return f"is {width} × {height} pixels, and a side has at most {MAX_SIDE}"
    return None


def _jpeg(data: bytes) -> str | None:
    at, padding, components, single = 2, 0, 0, False
    exif: list[bytes] = []
    for _ in range(MAX_SEGMENTS):
        marker = _MARKER.search(data, at, at + MAX_PADDING + 2)
        padding += (marker.start() if marker else len(data)) - at
        if padding > MAX_PADDING:
            return f"has more than {MAX_PADDING >> 20} MB of padding between its segments"
        if marker is None:
            return None
        code, at = marker[1][0], marker.end()
        if code in _ALONE:
            continue
        length = int.from_bytes(data[at : at + 2], "big")
        if code == _START_OF_SCAN:
            # All components in one scan of a sequential file: a decoder reads no other.
            single = single and data[at + 2] == components
            break
        if code in _FRAMES:
            components, single = data[at + 7], code in _SEQUENTIAL
        elif code == _APP1 and data[at + 2 : at + 8] == b"Exif\0\0":
            exif.append(data[at + 8 : at + length])
        at += max(2, length)
    else:
        return f"has more than {MAX_SEGMENTS:,} segments before its pixels"
    if len(exif) > MAX_EXIF_SEGMENTS:
        return f"has more than {MAX_EXIF_SEGMENTS} EXIF blocks"
    return (None if single else _scans(data, at)) or tiff_limits.objection(b"".join(exif), whole=False)


def _scans(data: bytes, at: int) -> str | None:
    """Count the scans of a JPEG, the first of which begins at `at`."""
    # Nothing between two bytes of a scan looks like the start of another, so most files are through here; in what
    # follows a picture (a film, a second picture) the two bytes come by chance.
    numbers = np.frombuffer(data, np.uint8, offset=at)  # ten times as fast as bytes.count
    if np.count_nonzero((numbers[:-1] == 0xFF) & (numbers[1:] == _START_OF_SCAN)) < MAX_SCANS:
        return None
    scans, pattern = 1, _MARKER_AFTER_SCAN
    at += int.from_bytes(data[at : at + 2], "big")
    for _ in range(MAX_SEGMENTS):
        marker = pattern.search(data, at)
        if marker is None or marker[1][0] == _END:
            return None
        pattern, at = _MARKER, marker.end()
        if marker[1][0] in _ALONE:
            continue
        if marker[1][0] == _START_OF_SCAN:
            scans, pattern = scans + 1, _MARKER_AFTER_SCAN
            if scans > MAX_SCANS:
                return f"has more than {MAX_SCANS} scans"
        at += max(2, int.from_bytes(data[at : at + 2], "big"))
    return f"has more than {MAX_SEGMENTS:,} segments between its scans"


def _png(data: bytes) -> str | None:
    others = packed = 0
    at, end = 8, len(data) - 8
    header = struct.Struct(">I4s").unpack_from
    for _ in range(MAX_CHUNKS):
        if at > end:
            return None
        length, name = header(data, at)
        at += 12 + length
        if name not in _PIXEL_CHUNKS:
            others += 1
            packed += name in _PACKED_CHUNKS
            if others > MAX_OTHER_CHUNKS:
                return f"has more than {MAX_OTHER_CHUNKS:,} chunks beside its pixels"
            if packed > MAX_PACKED_CHUNKS:
                return f"has more than {MAX_PACKED_CHUNKS} packed texts"
    return f"has more than {MAX_CHUNKS:,} chunks"


def _gif(data: bytes) -> str | None:
    at, blocks, comment_bytes = 13 + _gif_table(data[10]), 0, 0
    for _ in range(MAX_EXTENSIONS):
        while data[at] not in b"!,;":  # Pillow skips what it does not know, a byte at a time
            at, blocks = at + 1, blocks + 1
            if blocks > MAX_BLOCKS:
                return f"has more than {MAX_BLOCKS:,} blocks before its first frame"
        if data[at] != ord("!"):
            return None
        is_comment, at = data[at + 1] == 0xFE, at + 2
        while length := data[at]:
            at, blocks = at + 1 + length, blocks + 1
            comment_bytes += length * is_comment
            if blocks > MAX_BLOCKS:
                return f"has more than {MAX_BLOCKS:,} blocks before its first frame"
            if comment_bytes > MAX_COMMENT_BYTES:
                return f"has comments of more than {MAX_COMMENT_BYTES >> 20} MB"
        at += 1
    return f"has more than {MAX_EXTENSIONS:,} extensions before its first frame"


def _gif_table(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & 128 else 0


def _webp(data: bytes) -> str | None:
    at, end = 12, len(data) - 8
    size = struct.Struct("<I").unpack_from
    for _ in range(MAX_WEBP_CHUNKS):
        if at > end:
            return None
        (length,) = size(data, at + 4)
        at += 8 + length + (length & 1)
    return f"has more than {MAX_WEBP_CHUNKS:,} chunks"


def _container(data: bytes) -> str | None:
    """Look at all that begins like an EXIF block; where it stands is told by boxes in boxes, and it can be anywhere."""
    whole = memoryview(data)
    for start in _TIFF_STARTS:
        at = data.find(start)
        for _ in range(MAX_EXIF_SEGMENTS):
            if at < 0:
                break
            if found := tiff_limits.objection(whole[at:], whole=False):
                return found
            at = data.find(start, at + 1)
        else:
            return f"has more than {MAX_EXIF_SEGMENTS} EXIF blocks"
    return None


def _bmp(data: bytes) -> str | None:
    if len(data) < 34 or struct.unpack_from("<I", data, 14)[0] == 12:
        return None
    width, height = (abs(side) for side in struct.unpack_from("<ii", data, 18))
    # Two bytes for every pixel and every end of a row are all that can be needed.
    needed = 2 * (width + 1) * (height + 1) + MAX_PADDING
    is_packed = struct.unpack_from("<I", data, 30)[0] in _BMP_RUN_LENGTHS
    return "has more run lengths than pixels" if is_packed and len(data) > needed else None


_LOOKS = {
    "JPEG": _jpeg,
    "PNG": _png,
    "GIF": _gif,
    "WebP": _webp,
    "BMP": _bmp,
    "TIFF": tiff_limits.objection,
    "AVIF": _container,
    "HEIC": _container,
}
