"""What encoders write is let through up to the bounds, in every kind; a step further it is refused."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin

from algcn.kit import picture_limits
from algcn.kit.images import open_image
from algcn.kit.picture_kinds import HEAD_BYTES, kind_of_bytes

PROJECT = Path(__file__).resolve().parents[3]
PICTURE = Image.radial_gradient("L").convert("RGB")
FRAMES = [Image.new("RGB", (16, 16), (number, 0, 0)) for number in range(200)]


def saved(image: Image.Image, suffix: str, **how: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, suffix, **how)
    return stream.getvalue()


def notes(count: int, packed: bool) -> PngImagePlugin.PngInfo:
    info = PngImagePlugin.PngInfo()
    for number in range(count):
        info.add_text(f"note {number}", "a word", zip=packed)
    return info


def of_segments(*segments: bytes) -> bytes:
    data = saved(PICTURE, "JPEG")
    return data[:2] + b"".join(segments) + data[2:]


def segment(code: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, code, len(content) + 2) + content


def with_scans(count: int) -> bytes:
    """A progressive picture whose last scan stands there more than once."""
    data = saved(PICTURE, "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * (count - data.count(b"\xff\xda") + 1) + data[-2:]


def png_in_pieces(count: int) -> bytes:
    data = saved(Image.new("L", (8, 8)), "PNG")
    empty = struct.pack(">I4sI", 0, b"IDAT", zlib.crc32(b"IDAT"))
    at = data.index(b"IDAT") - 4
    return data[:at] + empty * count + data[at:]


def gif_with(extension: bytes) -> bytes:
    data = saved(Image.new("P", (8, 8)), "GIF")
    at = 13 + (3 << (data[10] & 7) + 1)
    return data[:at] + extension + data[at:]


def comment(count: int) -> bytes:
    return b"!\xfe" + (b"\xff" + b"a" * 255) * count + b"\0"


ORDINARY = {
    "JPEG": saved(PICTURE, "JPEG"),
    "JPEG, progressive": saved(PICTURE, "JPEG", progressive=True, subsampling=0),
    "JPEG with a profile of 16 MB": saved(PICTURE, "JPEG", icc_profile=bytes(255 * 65_519)),
    "JPEG of two pictures": saved(PICTURE, "MPO", save_all=True, append_images=[PICTURE]),
    "JPEG with a film behind it": saved(PICTURE, "JPEG", progressive=True) + b"\xff\xda" * 5000,
    "JPEG of 100 scans": with_scans(100),
    "JPEG with 1 MB of fill bytes": of_segments(b"\xff" * 1_000_000),
    "JPEG with a thousand full segments": of_segments(*(segment(0xEB, bytes(65_000)),) * 900),
    "PNG": saved(PICTURE, "PNG"),
    "PNG with notes": saved(PICTURE, "PNG", pnginfo=notes(900, packed=False)),
    "PNG with packed notes": saved(PICTURE, "PNG", pnginfo=notes(100, packed=True)),
    "PNG of a chunk for each row": png_in_pieces(65_535),
    "PNG with frames": saved(FRAMES[0], "PNG", save_all=True, append_images=FRAMES[1:]),
    "GIF with frames": saved(FRAMES[0], "GIF", save_all=True, append_images=FRAMES[1:], comment=b"a" * 5000),
    "GIF with 1 MB of comments": gif_with(comment(4000)),
    "GIF with XMP": gif_with(b"!\xff\x0bXMP DataXMP" + b"<x:xmpmeta>" * 50_000 + bytes(range(255, -1, -1)) + b"\0"),
    "WebP": saved(PICTURE, "WEBP", exif=Image.Exif().tobytes()),
    "WebP with frames": saved(FRAMES[0], "WEBP", save_all=True, append_images=FRAMES[1:]),
    "AVIF": saved(PICTURE, "AVIF", exif=Image.Exif().tobytes()),
    "BMP": saved(PICTURE, "BMP"),
    "PNG of a long side": saved(Image.new("L", (65_535, 8)), "PNG"),
}
TOO_MUCH = {
    "scans": (with_scans(101), "more than 100 scans"),
    "fill bytes": (of_segments(b"\xff" * 1_100_000), "more than 1 MB of padding"),
    "segments": (of_segments(segment(0xEB, b"") * 4000), "more than 4,000 segments before its pixels"),
    "EXIF blocks": (of_segments(segment(0xE1, b"Exif\0\0") * 65), "more than 64 EXIF blocks"),
    "notes": (saved(PICTURE, "PNG", pnginfo=notes(1001, packed=False)), "more than 1,000 chunks beside its pixels"),
    "packed notes": (saved(PICTURE, "PNG", pnginfo=notes(101, packed=True)), "more than 100 packed texts"),
    "chunks": (png_in_pieces(100_000), "more than 100,000 chunks"),
    "comments": (gif_with(comment(4200)), "comments of more than 1 MB"),
    "extensions": (gif_with(b"!\xfe\0" * 1001), "more than 1,000 extensions"),
    "blocks": (gif_with(b"!\xff" + b"\x01a" * 100_001 + b"\0"), "more than 100,000 blocks"),
}


@pytest.mark.parametrize("name", ORDINARY)
def test_what_encoders_write_is_let_through_and_read(name: str) -> None:
    data = ORDINARY[name]
    assert picture_limits.objection(data, kind_of_bytes(data[:HEAD_BYTES])) is None
    assert open_image(data).mode == "RGB"


@pytest.mark.parametrize("name", TOO_MUCH)
def test_one_step_further_is_refused(name: str) -> None:
    data, reason = TOO_MUCH[name]
    assert reason in (picture_limits.objection(data, kind_of_bytes(data[:HEAD_BYTES])) or "")


def test_every_picture_of_the_project_is_let_through() -> None:
    pictures = [path for path in (PROJECT / "assets").rglob("*") if path.suffix in {".webp", ".png", ".jpg"}]
    assert len(pictures) > 50
    for path in pictures:
        data = path.read_bytes()
        assert picture_limits.objection(data, kind_of_bytes(data[:HEAD_BYTES])) is None, path


@pytest.mark.parametrize("name", ORDINARY)
def test_a_file_that_is_cut_anywhere_is_left_to_the_decoders(name: str) -> None:
    data = ORDINARY[name]
    kind = kind_of_bytes(data[:HEAD_BYTES])
    for end in (*range(HEAD_BYTES, min(len(data), 700), 3), len(data) // 2, len(data) - 3):
        assert picture_limits.objection(data[:end], kind) is None


@pytest.mark.parametrize(
    ("size", "is_too_long"), [((65_535, 1), False), ((1, 65_535), False), ((65_536, 1), True), ((1, 70_000), True)]
)
def test_sides_have_a_bound(size: tuple[int, int], is_too_long: bool) -> None:
    assert (picture_limits.objection_to_size(*size) is not None) == is_too_long
