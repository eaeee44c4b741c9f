"""How much the tables of a drop may hold, told from their bytes before any is read."""

from __future__ import annotations

import codecs
import re

from app.kit.limits import MAX_COLUMNS, MAX_METADATA_BYTES, MAX_ROWS

_ENDS = re.compile(rb"\r\n?|\n")
_COLUMN_ENDS = re.compile(rb"[,;\t]")
_BLANK = b" \t\r\n,;"  # what a line may hold that is skipped


class TableBounds:
    """Counts bytes, lines and columns of tables, one after another."""

    def __init__(self) -> None:
        self._bytes = self._rows = 0

    def has_room(self, size: int) -> bool:
        """Whether a table of so many bytes may be looked at."""
        return self._bytes + size <= MAX_METADATA_BYTES

    def take(self, data: bytes, *, is_csv: bool) -> bool:
        """Count a table of text in, unless there are too many lines or columns; tells whether it may be read."""
        self._bytes += len(data)
        if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            data = data.replace(b"\0", b"")
        rows = len(_ENDS.findall(data))
        header = _ENDS.split(data.lstrip(_BLANK), 1)[0]
        if self._rows + rows > MAX_ROWS or (is_csv and len(_COLUMN_ENDS.findall(header)) >= MAX_COLUMNS):
            return False
        self._rows += rows
        return True
