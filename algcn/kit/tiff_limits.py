"""Refuse directories of tags, of a TIFF or of a picture's EXIF block, that claim more than there is.

Notable: a tag is 12 bytes and names a place with any number of bytes; hundreds may name the same place, and readers
copy it for each. Strips and tiles are such places, too: each may be a pixel, and each may be said to be the whole file.
"""

from __future__ import annotations

import struct

import numpy as np

# Metadata standards know about 500 tags, the fullest of a scientific camera's files have 150.
MAX_TAGS = 1_000
# Numbers of one tag that are not places of pixels: the largest table of colours has three times 65,536.
MAX_NUMBERS = 1 << 18
# Strips or tiles: a row each and then some, or 64 million pixels in tiles of 26 × 26; the standard's smallest have 16.
MAX_PIECES = 100_000
# Several tags may share their bytes and several empty tiles theirs, but not so many that it makes a difference.
SHARED = 4

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_TEXTS = frozenset({1, 2, 6, 7})  # bytes of any meaning: profiles, notes
_NUMBERS = {3: "u2", 4: "u4", 13: "u4", 16: "u8", 18: "u8"}
_WIDTH, _LENGTH, _COMPRESSION, _ROWS = 256, 257, 259, 278
_PLACES, _BYTES = (273, 324), (279, 325)
_TILE_WIDTH, _TILE_LENGTH = 322, 323
_FURTHER = frozenset({34665, 34853, 40965})  # EXIF, GPS and interoperability have directories of their own
_HEADER_BYTES = 16
_LESS_THAN_A_FILE = 1 << 16


class _Directory:
    """One directory of tags: the numbers of those that matter here, and the bytes that all of them claim."""

    def __init__(self, data: bytes | memoryview, at: int) -> None:
        order = "<" if data[:2] == b"II" else ">"
        big = data[2:4] in (b"+\0", b"\0+")
        entry = struct.Struct(f"{order}HHQ8s" if big else f"{order}HHI4s")
        self.count = self.claimed = self.longest = 0
        self._data, self._order, self._place = data, order, f"{order}{'Q' if big else 'I'}"
        self._found: dict[int, tuple[int, int, int]] = {}
        if at + 8 > len(data):  # there is none
            return
        self.count = struct.unpack_from(f"{order}{'Q' if big else 'H'}", data, at)[0]
        at += 8 if big else 2
        for start in range(at, at + entry.size * min(self.count, MAX_TAGS), entry.size):
            if start + entry.size > len(data):
                return
            tag, kind, count, value = entry.unpack_from(data, start)
            size = count * _SIZES.get(kind, 0)
            if size <= len(value):
                place = start + entry.size - len(value)
            else:
                place = struct.unpack(self._place, value)[0]
                self.claimed += size
            if kind in _NUMBERS:
                self._found[tag] = kind, count, place
            if kind not in _TEXTS and tag not in (*_PLACES, *_BYTES):
                self.longest = max(self.longest, count)

    def first(self, tag: int, otherwise: int) -> int:
        numbers = self.numbers(tag, 1)
        return int(numbers[0]) if numbers.size else otherwise

    def count_of(self, *tags: int) -> int:
        return max((self._found[tag][1] for tag in tags if tag in self._found), default=0)

    def numbers(self, tag: int, most: int) -> np.ndarray:
        kind, count, place = self._found.get(tag, (3, 0, 0))
        numbers = np.dtype(self._order + _NUMBERS[kind])
        count = min(count, most, max(0, len(self._data) - place) // numbers.itemsize)
        return np.frombuffer(self._data, numbers, count, place) if count else np.empty(0, numbers)


def objection(data: bytes | memoryview, whole: bool = True) -> str | None:
    """Say what no camera or program writes into a TIFF, as the end of a sentence; None where nothing is amiss.

    Args:
        data: A TIFF, or an EXIF block from its byte order on.
        whole: It is a picture, so that directories below the first and pieces of pixels are read, too.
    """
    if data[:4] not in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+") or len(data) < _HEADER_BYTES:
        return None
    big = data[2:4] in (b"+\0", b"\0+")
    order = "<" if data[:2] == b"II" else ">"
    (at,) = struct.unpack_from(f"{order}{'Q' if big else 'I'}", data, 8 if big else 4)
    first = _Directory(data, at)
    directories = [first]
    if whole:
        for tag in sorted(_FURTHER):
            if further := first.first(tag, 0):
                directories.append(_Directory(data, further))
    if max(each.count for each in directories) > MAX_TAGS:
        return f"has more than {MAX_TAGS:,} tags"
    if sum(each.claimed for each in directories) > SHARED * max(len(data), _LESS_THAN_A_FILE):
        return "has tags that claim more bytes than there are"
    if max(each.longest for each in directories) > MAX_NUMBERS:
        return f"has a tag of more than {MAX_NUMBERS:,} numbers"
    return _objection_to_pieces(first, len(data)) if whole else None


def _objection_to_pieces(tags: _Directory, size: int) -> str | None:
    width, length = tags.first(_WIDTH, 1), tags.first(_LENGTH, 1)
    if tags.count_of(_TILE_WIDTH, _TILE_LENGTH):
        across, down = tags.first(_TILE_WIDTH, width), tags.first(_TILE_LENGTH, length)
    else:
        across, down = width, tags.first(_ROWS, length)
    pieces = -(-width // max(1, across)) * -(-length // max(1, down))
    if max(pieces, tags.count_of(*_PLACES, *_BYTES)) > MAX_PIECES:
        return f"is cut into more than {MAX_PIECES:,} strips or tiles"
    if tags.first(_COMPRESSION, 1) != 1:  # without compression, the numbers of bytes are not used, and often wrong
        for tag in _BYTES:
            claimed = np.minimum(tags.numbers(tag, MAX_PIECES).astype(np.float64), size).sum()
            if claimed > SHARED * max(size, _LESS_THAN_A_FILE):
                return "has strips or tiles that claim more bytes than there are"
    return None
