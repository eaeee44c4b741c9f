"""What the values in an entry of a COCO file mean, as annotation tools write them.

Each function raises a `ValueError` that says what is wrong with a value; the reader adds which entry it is.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

from algcn.kit.checks import is_number, shown

_NUMBER = re.compile(r"0|-?[1-9][0-9]{0,18}")
_SIXTY_FOUR_BITS = 1 << 63
_PLAIN = re.compile(r"\w+\.\w+")  # the name of a file, in no folder


def read_id(value: Any, name: str = "id") -> int | str | None:
    """Read an id: 7, 7.0 and "7" are one; whole numbers beyond 64 bits and other ids are texts; None stands for null.

    Raises:
        ValueError: It is neither a whole number nor a text.
    """
    if type(value) is int and -_SIXTY_FOUR_BITS <= value < _SIXTY_FOUR_BITS:  # nearly all, millions of times
        return value
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, str):
        value = _whole(value, name).strip()
        if not _NUMBER.fullmatch(value):
            return value
        value = int(value)
    if isinstance(value, float) and math.isfinite(value):
        value = int(value) if value.is_integer() else repr(value)
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise ValueError(f"its {name} must be a whole number or a text, not {shown(value)}")
    if isinstance(value, int) and not -_SIXTY_FOUR_BITS <= value < _SIXTY_FOUR_BITS:
        return str(value)
    return value


def read_text(value: Any, name: str) -> str:
    """Read a text on one line, without spaces around it; null is an empty one, a number the text of its digits.

    Raises:
        ValueError: It is something else.
    """
    if value is None:
        return ""
    if not isinstance(value, str) and not is_number(value):
        raise ValueError(f"its {name} must be a text, not {shown(value)}")
    return " ".join(_whole(str(value), name).split())


def read_captions(value: Any) -> list[str]:
    """Read the captions of an entry, a text or a list of texts; empty ones stand for null and for empty texts.

    Raises:
        ValueError: It is something else.
    """
    captions = value if isinstance(value, list) and value else [value or None]
    return [read_text(caption, "caption") for caption in captions]


def read_file_name(value: Any) -> str | None:
    """Read the name of a photo; None stands for null and for an empty name.

    Raises:
        ValueError: It is no text, or it leads out of the folder of photos.
    """
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise ValueError(f"its file_name must be a text, not {shown(value)}")
    if _PLAIN.fullmatch(value):
        return value
    path, windows = PurePosixPath(_whole(value, "file_name")), PureWindowsPath(value)
    if path.is_absolute() or windows.anchor or ".." in windows.parts or "\0" in value:
        raise ValueError(f"its file_name must be a path inside the folder of photos, not {shown(value)}")
    return value


def _whole(text: str, name: str) -> str:
    """Refuse a text that no file can hold: JSON can write half of a character, where a tool cut through an emoji."""
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError(f"its {name} holds half of a character, {shown(text)}")
    return text


class Place:
    """Where in the files an entry is; as a text "entry 3 of 'images' in the file captions_train2014.json"."""

    def __init__(self, file: str) -> None:
        self.file, self.key, self.row = file, "", 0

    def move_on(self, key: str) -> None:
        """Go to the next entry, which is in the list `key`."""
        if key != self.key:
            self.key, self.row = key, 0
        self.row += 1

    def __str__(self) -> str:
        return f"entry {self.row:,} of {self.key!r} in the file {self.file}"


class Numbers:
    """Numbers from 0 on for ids, which are known within a split only.

    Attributes:
        ids: The split and the id of each number.
    """

    def __init__(self) -> None:
        self.ids: list[tuple[str, int | str]] = []
        self._numbers: defaultdict[str, dict[int | str, int]] = defaultdict(dict)

    def of(self, part: str, given: int | str) -> int:
        """Return the number of an id in a split; the next one, where the id is new."""
        numbers = self._numbers[part]
        number = numbers.get(given)
        if number is None:
            number = numbers[given] = len(self.ids)
            self.ids.append((part, given))
        return number
