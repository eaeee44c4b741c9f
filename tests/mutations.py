"""Damage to files, as hypothesis makes it: bytes flipped, cut, put in, repeated, zeroed, swapped; extreme numbers."""

from __future__ import annotations

import contextlib
import os
import re
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

# More examples, other ones each time: ALGCN_FUZZ=5000 pytest -k fuzz.
MANY = int(os.environ.get("ALGCN_FUZZ", "0"))
PLACES = 1 << 20  # a place in a file is a share of its length
MEMORY = 2 << 30  # bytes that a reader may take beyond what the process has
EXTREME_TEXTS = [
    *(b"-1", b"0", b"1e400", b"-1e39", b"NaN", b"Infinity", b"9" * 19, b"9" * 40, b"9" * 5000, b"0.5", b"1e-320"),
    *(b"null", b"true", b"[]", b"{}", b'""', b'"\\ud800"', b'"\\u0000"', b"[" * 3000, b'{"a":' * 3000, b"\xff", b"\0"),
]
EXTREME_BYTES = [
    number.to_bytes(width, "little", signed=number < 0)
    for width in (1, 2, 4, 8)
    for number in (0, 1, -1, 2 ** (8 * width - 1) - 1, 2 ** (8 * width) - 1, -(2 ** (8 * width - 1)), 10 ** (2 * width))
] + [bytes.fromhex("000000000000f07f"), bytes.fromhex("0000c07f")]  # an infinity and a NaN
_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?|true|false|null")


class Change(NamedTuple):
    """One change of a file: what is done, at which two places (in shares of PLACES), to how many bytes, with what."""

    kind: str
    place: int
    other: int
    length: int
    content: bytes

    def apply(self, data: bytes) -> bytes:
        """Return the changed file."""
        start = self.place * len(data) // PLACES
        end = min(len(data), start + self.length)
        before, part, after = data[:start], data[start:end], data[end:]
        match self.kind:
            case "flip":
                return before + bytes(byte ^ (self.other % 255 + 1) for byte in part[:1]) + part[1:] + after
            case "cut":
                return before + after
            case "end":
                return before
            case "insert":
                return before + self.content + part + after
            case "overwrite":
                return before + self.content + data[start + len(self.content) :]
            case "repeat":
                return before + part * (2 + self.other % 40) + after
            case "zero":
                return before + bytes(len(part)) + after
            case "swap":
                second = end + self.other * (len(data) - end) // PLACES
                return (
                    before
                    + data[second : second + self.length]
                    + data[end:second]
                    + part
                    + data[second + self.length :]
                )
            case _:
                numbers = list(_NUMBER.finditer(data))
                if not numbers:
                    return data
                found = numbers[self.place * len(numbers) // PLACES]
                return data[: found.start()] + self.content + data[found.end() :]


class Damage(tuple[Change, ...]):
    """Some changes, one after the other."""

    def apply(self, data: bytes) -> bytes:
        """Return the damaged file."""
        for change in self:
            data = change.apply(data)
        return data

    def apply_to(self, path: Path, data: bytes) -> None:
        """Write the damaged file."""
        path.write_bytes(self.apply(data))


def damages() -> st.SearchStrategy[Damage]:
    """What may happen to a file."""
    place = st.integers(0, PLACES - 1)
    content = st.one_of(
        st.sampled_from(EXTREME_BYTES), st.sampled_from(EXTREME_TEXTS), st.binary(min_size=1, max_size=8)
    )
    kinds = st.sampled_from(["flip", "cut", "end", "insert", "overwrite", "repeat", "zero", "swap", "number", "number"])
    length = st.one_of(st.integers(1, 8), st.integers(1, 400))
    return st.lists(st.builds(Change, kinds, place, place, length, content), min_size=1, max_size=3).map(Damage)


def examples(count: int) -> settings:
    """So many damaged files, the same ones each time; or as many as $ALGCN_FUZZ says, others each time."""
    return settings(
        max_examples=MANY or count,
        derandomize=not MANY,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


@contextlib.contextmanager
def bounded_memory() -> Iterator[None]:
    """Let the process take MEMORY more bytes and no others, so that a size that a file claims is not just taken."""
    now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (now + MEMORY, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
