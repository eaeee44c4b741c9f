"""What the makers of hostile pictures share: an ordinary picture to start from, and a directory of tags."""

from __future__ import annotations

import io
import struct

from PIL import Image

MB = 1 << 20
NOTHING = 0x5A  # a byte that means nothing anywhere


def saved(image: Image.Image, kind: str, **how: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **how)
    return stream.getvalue()


def small(kind: str, **how: object) -> bytes:
    return saved(Image.radial_gradient("L").convert("RGB"), kind, **how)


def tags_of(tags: list[tuple[int, int, int, int]], after: bytes, further: int = 0) -> bytes:
    """A directory and what comes behind it."""
    entries = b"".join(struct.pack("<HHII", *tag) for tag in sorted(tags))
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4) + after + bytes(further)
