"""Level 5 of MATLAB's `.mat` format (`save -v6` and `-v7`, and what scipy writes): its matrices of numbers.

Notable: the file is whatever somebody has. scipy's own reader of this format trusts the kinds of numbers and the
indices in it, and a wrong byte can end the process; here each is looked at, and no more memory is taken than there are
bytes for. What is wrong is a ValueError.

The format: 128 bytes of header, then elements; each is its kind and its length (4 bytes each, or 2 each where the
content has at most 4 bytes) and its content, filled up to 8 bytes. A variable is an element that holds elements: flags,
sizes, name and numbers; or that element packed.
"""

from __future__ import annotations

import math
import mmap
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

HEADER_BYTES, TAG_BYTES = 128, 8
MATRIX, PACKED = 14, 15  # kinds of elements
BYTE, DOUBLE = 2, 9
# Kinds of numbers, as numpy calls them.
NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
TEXT = (1, 2, 16)
SPARSE, DENSE = 5, range(6, 16)  # classes of variables; the others are cells, structs, objects and texts
OPAQUE = 17  # has no sizes
CLASS, IS_COMPLEX = 0xFF, 0x800  # bits of a variable's flags
LONGEST_START = 4096  # bytes of a variable before its numbers
CELLS_OF_AN_ENTRY, SMALL = 1 << 13, 1 << 26  # of a sparse matrix, whose zeros take no bytes


class Element(NamedTuple):
    """An element: its kind, its content, and where the next one begins."""

    kind: int
    content: memoryview
    end: int


class Variable(NamedTuple):
    """A variable: its name and its sizes, and what is needed to read its numbers."""

    name: str
    shape: tuple[int, ...]
    of_numbers: bool
    sparse: bool
    element: Element


class Mat5:
    """A file that is open for reading.

    Args:
        path: The file.

    Raises:
        ValueError: It is none of this format, or it is damaged.
        OSError: It cannot be read.
    """

    def __init__(self, path: Path) -> None:
        with path.open("rb") as stream:
            self._data = memoryview(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ))
        order = bytes(self._data[HEADER_BYTES - 2 : HEADER_BYTES])
        if order not in (b"IM", b"MI"):
            raise ValueError("it does not say in which order its bytes are")
        self._order = "<" if order == b"IM" else ">"
        self.variables = {variable.name: variable for variable in self._list()}

    def read(self, name: str) -> np.ndarray | None:
        """Return the numbers of a variable, float32; None where it is no matrix of real numbers or an empty one.

        Raises:
            ValueError: It is damaged.
        """
        variable = self.variables[name]
        if not variable.of_numbers or len(variable.shape) != 2 or 0 in variable.shape:
            return None
        parts = self._parts(self._unpacked(variable.element))
        for _ in ("flags", "sizes", "name"):
            next(parts)
        rows, columns = variable.shape
        if variable.sparse:
            row_of, starts = (self._numbers(next(parts)) for _ in range(2))
            counts = np.diff(starts.astype(np.int64))
            if len(counts) != columns or starts[0] != 0 or (counts < 0).any() or starts[-1] > len(row_of):
                raise ValueError("its columns do not fit its entries")
            count = int(starts[-1])
            entries = next(parts)
            if entries.kind == DOUBLE and len(entries.content) == count:
                entries = entries._replace(kind=BYTE)  # MATLAB writes true as a byte there, and calls it a double
            column_of = np.repeat(np.arange(columns), counts)
            return fill_columns(variable.shape, row_of[:count], column_of, self._numbers(entries)[:count])
        values = self._numbers(next(parts))
        if len(values) != rows * columns:
            raise ValueError("its numbers are not as many as its sizes say")
        return single(values).reshape(rows, columns, order="F")

    def _list(self) -> Iterator[Variable]:
        start = HEADER_BYTES
        while start < len(self._data):
            element = self._element(self._data, start, padded=False)
            parts = self._parts(self._unpacked(element, LONGEST_START), cut=True)
            flags = self._numbers(next(parts))
            if not len(flags):
                raise ValueError("a variable has no flags")
            kind = int(flags[0]) & CLASS
            shape = () if kind == OPAQUE else tuple(map(int, self._numbers(next(parts))))
            name = next(parts)
            if name.kind not in TEXT or not all(size >= 0 for size in shape):
                raise ValueError("a variable has no name, or no sizes")
            numbers = (kind == SPARSE or kind in DENSE) and not int(flags[0]) & IS_COMPLEX
            yield Variable(bytes(name.content).decode("latin-1"), shape, numbers, kind == SPARSE, element)
            start = element.end

    def _element(self, data: memoryview, start: int, *, padded: bool = True, cut: bool = False) -> Element:
        """Read the element at `start`; one that goes on beyond the end is cut where that may be."""
        if start + TAG_BYTES > len(data):
            raise ValueError("it ends within an element")
        first, length = (int(number) for number in np.frombuffer(data[start : start + TAG_BYTES], f"{self._order}u4"))
        if first >> 16:  # both in four bytes, and the content in the next four
            kind, length, begin, end = first & 0xFFFF, first >> 16, start + 4, start + TAG_BYTES
            if length > 4:
                raise ValueError("a short element is too long")
        else:
            kind, begin = first, start + TAG_BYTES
            end = begin + length + (-length % 8 if padded else 0)
        if begin + length > len(data) and not cut:
            raise ValueError("it ends within an element")
        return Element(kind, data[begin : begin + length], end)

    def _parts(self, content: memoryview, *, cut: bool = False) -> Iterator[Element]:
        """Yield the elements in a variable.

        Raises:
            ValueError: There are no more, and one is asked for.
        """
        start = 0
        while True:
            element = self._element(content, start, cut=cut)
            yield element
            start = element.end

    def _unpacked(self, element: Element, at_most: int | None = None) -> memoryview:
        """Return what is in a variable's element, as far as asked for; unpacked, where it is packed."""
        if element.kind != PACKED:
            return self._matrix(element)
        unpacker = zlib.decompressobj()
        try:
            packed = element.content if at_most is None else element.content[:at_most]
            tag = unpacker.decompress(packed, TAG_BYTES)
            (length,) = np.frombuffer(tag[4:], f"{self._order}u4")
            wanted = int(length) if at_most is None else min(int(length), at_most)
            content = unpacker.decompress(unpacker.unconsumed_tail, wanted) if wanted else b""
            # The end tells whether all that was unpacked is right.
            ended = at_most is not None or (not unpacker.decompress(unpacker.unconsumed_tail, 1) and unpacker.eof)
        except zlib.error as error:
            raise ValueError(str(error)) from error
        if not ended or (len(content) < wanted and at_most is None):
            raise ValueError("a packed variable is not as long as it says")
        return self._matrix(self._element(memoryview(tag + content), 0, padded=False, cut=True))

    def _matrix(self, element: Element) -> memoryview:
        if element.kind != MATRIX:
            raise ValueError("an element is no variable")
        return element.content

    def _numbers(self, element: Element) -> np.ndarray:
        kind = NUMBERS.get(element.kind)
        if kind is None or len(element.content) % int(kind[1]):
            raise ValueError("an element holds no numbers")
        return np.frombuffer(element.content, self._order + kind)


def fill_columns(shape: tuple[int, int], rows: np.ndarray, columns: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Make a dense matrix, float32, of the entries of a sparse one: their rows, their columns and their values.

    Raises:
        ValueError: They are not as many, one lies outside, or the matrix has far more cells than entries.
    """
    if not len(rows) == len(columns) == len(values):
        raise ValueError("its rows and columns do not fit its entries")
    if math.prod(shape) > max(SMALL, CELLS_OF_AN_ENTRY * len(values)):
        raise ValueError("it has far more cells than entries")
    for size, places in zip(shape, (rows, columns), strict=True):
        if len(places) and not (places.min() >= 0 and places.max() < size):
            raise ValueError("an entry lies outside")
    filled = np.zeros(shape, np.float32)
    np.add.at(filled, (rows.astype(np.int64), columns.astype(np.int64)), single(values))
    return filled


def single(values: np.ndarray) -> np.ndarray:
    """Return numbers in single precision; beyond it they are infinities."""
    with np.errstate(over="ignore", invalid="ignore"):
        return values.astype(np.float32)
