"""Read the lists in a large JSON file entry by entry: instances_train2017.json alone has 450 MB."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from algcn.kit.errors import InputError

CHUNK = 1 << 20
_COMMA = re.compile(r"[ \t\r\n]*,[ \t\r\n]*(?=[^ \t\r\n\]])")  # and another value, all in the window
_SPACE = re.compile(r"[ \t\r\n]*")


def stream_lists(path: str | Path) -> Iterator[tuple[str, Any]]:
    """Yield (key, entry) for every entry of every list at the top of a JSON file; other values are skipped.

    Memory is bounded by the largest entry. A byte order mark is skipped, and says where the file is UTF-16 or UTF-32.

    Raises:
        InputError: The file cannot be read or is no JSON object.
    """
    path = Path(path)
    try:
        with path.open("rb") as start:
            encoding = json.detect_encoding(start.read(4))
        with path.open(encoding=encoding) as stream:
            yield from _Reader(stream).lists()
    except OSError as error:
        raise InputError(
            f"The file {str(path)!r} cannot be read ({error.strerror or error}); copy it again."
        ) from error
    except (ValueError, RecursionError) as error:  # what the decoders raise
        raise InputError(
            f"The file {str(path)!r} is no JSON object, or it is cut off ({error}); copy it again."
        ) from error


class _Reader:
    """A window on the text that moves on as values are taken from it."""

    def __init__(self, stream: TextIO) -> None:
        self.stream, self.window, self.at, self.ended = stream, "", 0, False
        self.decoder = json.JSONDecoder()

    def more(self) -> bool:
        chunk = self.stream.read(CHUNK)
        self.window, self.at = self.window[self.at :] + chunk, 0
        self.ended = not chunk
        return not self.ended

    def peek(self) -> str:
        """Return the next character that is no space without taking it; empty at the end."""
        while True:
            self.at = _SPACE.match(self.window, self.at).end()
            if self.at < len(self.window):
                return self.window[self.at]
            if not self.more():
                return ""

    def take(self, wanted: str) -> None:
        found = self.peek()
        if found != wanted:
            raise ValueError(f"{wanted!r} was expected, not {found or 'the end'!r}")
        self.at += 1

    def value(self) -> Any:
        """Take a value; the place is at its first character."""
        while True:
            try:
                value, end = self.decoder.raw_decode(self.window, self.at)
            except json.JSONDecodeError:
                if self.more():
                    continue
                raise
            if end == len(self.window) and not self.ended:  # a number may go on in the next chunk
                self.more()
                continue
            self.at = end
            return value

    def lists(self) -> Iterator[tuple[str, Any]]:
        self.take("{")
        while self.peek() != "}":
            key = self.value()
            if not isinstance(key, str):
                raise ValueError(f"a name in quotes was expected, not {key!r:.40}")
            self.take(":")
            if self.peek() == "[":
                for entry in self.entries():
                    yield key, entry
            else:
                self.value()
            if self.peek() != "}":
                self.take(",")
        self.take("}")

    def entries(self) -> Iterator[Any]:
        self.take("[")
        while self.peek() != "]":
            yield self.value()
            while comma := _COMMA.match(self.window, self.at):
                self.at = comma.end()
                yield self.value()
            if self.peek() == "]":
                break
            self.take(",")
        self.take("]")
