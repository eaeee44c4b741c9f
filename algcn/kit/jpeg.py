"""Tell a JPEG that lacks its end marker alone from one that was cut.

Cameras, converters and web servers lose the last two bytes, and browsers show such a file whole; libjpeg, as Pillow
drives it, refuses a progressive one. A file is whole if

1. its scans hold every bit of every coefficient of every component: a progressive JPEG cut between two scans is a
   blurred picture, and nothing but the list of scans tells; and
2. the last scan ends where the file ends. Whether it does, only decoding tells: the file is decoded with the end marker
   alone behind it, and with different bits before that marker. A decoder that is through with the scan skips them, and
   all pictures are the same; one that is not takes them for the picture's, and they differ.

So what may be missing is less than what changes one level of one pixel: in practice the padding of the last byte, and
rarely the last correction bits of a nearly lossless file.
"""

from __future__ import annotations

import io
import itertools
import random
import re

from PIL import Image, ImageChops

END = b"\xff\xd9"
_SCAN, _RESTARTS = 0xDA, range(0xD0, 0xD8)
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_ALONE = frozenset({0x01, 0xD8, *_RESTARTS})  # markers without a length
_COEFFICIENTS = 64
_MARKER = re.compile(rb"\xff([^\x00\xff])", re.DOTALL)
_MARKER_AFTER_SCAN = re.compile(rb"\xff([^\x00\xff\xd0-\xd7])", re.DOTALL)
_MORE_BYTES = 256
_MOST_MARKERS = 100_000  # far more than a camera's; a file of nothing else would take minutes


def ended(data: bytes) -> bytes | None:
    """Return a JPEG with its end marker, which is added to one that is whole without it; None for one that was cut."""
    if data.endswith(END):
        return data
    scan = _last_scan(data)
    if scan is None:
        return data
    whole, start = scan
    if not whole:
        return None
    body = data.rstrip(b"\0")  # a disk's sectors are filled up with zeros
    if body.endswith(b"\xff"):  # one of the scan's bytes, which a zero follows, or half an end marker
        body = body + b"\0" if len(body) < len(data) else body[:-1]
    first = _decoded(body + END)
    for more in _more(_next_restart(data, start)):
        if ImageChops.difference(first, _decoded(body + more + END)).getbbox(alpha_only=False):
            return None
    return body + END


def _last_scan(data: bytes) -> tuple[bool, int] | None:
    """Read the markers of a file: whether its scans hold all, and where the last begins; None if an end is there."""
    missing: dict[int, list[int]] = {}  # for each component, how many low bits of each coefficient are still to come
    at = start = 2
    marker = _MARKER.search(data, at)
    for _ in range(_MOST_MARKERS):
        if marker is None:
            return bool(missing) and not any(any(bits) for bits in missing.values()), start
        code, at = marker[1][0], marker.end()
        if code == END[1]:
            return None
        pattern = _MARKER
        if code not in _ALONE:
            segment = data[at + 2 : at + int.from_bytes(data[at : at + 2], "big")]
            at += 2 + len(segment)
            if code in _FRAMES and not missing:
                components = segment[6 : 6 + 3 * segment[5]] if len(segment) > 5 else b""
                missing = {number: [_COEFFICIENTS] * _COEFFICIENTS for number in components[::3]}
            elif code == _SCAN:
                _note_scan(segment, missing)
                start, pattern = at, _MARKER_AFTER_SCAN
        marker = pattern.search(data, at)
    return False, start


def _note_scan(segment: bytes, missing: dict[int, list[int]]) -> None:
    if not segment or len(segment) < 2 * segment[0] + 4:
        return
    first, last, bits = segment[2 * segment[0] + 1 : 2 * segment[0] + 4]
    for number in segment[1 : 2 * segment[0] + 1 : 2]:
        if number in missing:
            missing[number][first : last + 1] = [bits & 15] * len(missing[number][first : last + 1])


def _next_restart(data: bytes, start: int) -> int:
    """Return which of the eight restart markers would follow in the scan that begins at `start`."""
    last, restart = max((data.rfind(bytes((0xFF, code)), start), code) for code in _RESTARTS)
    return 0 if last < 0 else (restart - _RESTARTS.start + 1) % len(_RESTARTS)


def _more(restart: int) -> list[bytes]:
    """Return different continuations of a scan, each of which goes on after the next restart marker, too.

    A decoder that waits for a restart marker skips all until it comes, so without one a cut just before a marker would
    look like an end.
    """
    noise = random.Random(0).randbytes(_MORE_BYTES).replace(b"\xff", b"\x7f")
    kinds = (b"\xff\0" * _MORE_BYTES, b"\x55" * _MORE_BYTES, noise)
    markers = [bytes((0xFF, _RESTARTS[(restart + number) % len(_RESTARTS)])) for number in range(2)]
    return [bytes(itertools.chain(bits, *(marker + bits for marker in markers))) for bits in kinds]


def _decoded(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
        image.load()
        return image.copy()
