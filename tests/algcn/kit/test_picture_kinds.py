"""What kind of picture a file is, and that everything which lists the kinds says the same."""

from __future__ import annotations

import re
from pathlib import Path, PurePath

import pytest

from algcn.kit.picture_kinds import READ, READ_IN_WORDS, SUFFIXES, kind_of, kind_of_bytes, not_read

PROJECT = Path(__file__).resolve().parents[3]


def container(*brands: bytes) -> bytes:
    return (8 + 4 * len(brands) + 4).to_bytes(4, "big") + b"ftyp" + brands[0] + bytes(4) + b"".join(brands[1:])


@pytest.mark.parametrize(
    ("head", "name", "kind"),
    [
        (b"\xff\xd8\xff\xe0", "a.png", "JPEG"),
        (b"\xff\xd8\xff\xe0", "a.raw", "JPEG"),
        (b"\xff\xd8\xff\xe0", "", "JPEG"),
        (b"MM\0*\0\0\0\x08", "a.tif", "TIFF"),
        (b"MM\0*\0\0\0\x08", "a.NEF", "RAW"),
        (b"II*\0\x10\0\0\0CR\x02\0", "a.tif", "RAW"),
        (b"FUJIFILMCCD-RAW 0201", "a", "RAW"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "a.jpg", "WebP"),
        (b"RIFF\0\0\0\0WAVEfmt ", "a.wav", None),
        (b"BM" + bytes(12) + b"\x28\0\0\0", "a", "BMP"),
        (b"BMW and other cars", "a.txt", None),
        (container(b"heic", b"mif1", b"heic"), "a.jpg", "HEIC"),
        (container(b"mif1", b"heic"), "a.jpg", "HEIC"),
        (container(b"mif1", b"avif", b"miaf"), "a.heic", "AVIF"),
        (container(b"isom", b"mp42"), "a.mp4", None),
        (container(b"crx ", b"isom"), "a", "RAW"),
        (b"\0\0\1\0\1\0\x10\x10", "a.png", "icon"),
        (b"\xef\xbb\xbf<?xml version='1.0'?><svg>", "a", "SVG"),
        (b"<!DOCTYPE html><title>a</title>", "a.html", None),
        (b"<html><svg>", "a.html", None),
        (b"anything", "a.svg", "SVG"),
        (b"", "a.jxl", "JPEG XL"),
        (b"", "a.jpg", None),
    ],
)
def test_a_kind_is_told_by_content_first(head: bytes, name: str, kind: str | None, tmp_path: Path) -> None:
    assert kind_of_bytes(head, PurePath(name)) == kind
    path = tmp_path / (name or "a")
    path.write_bytes(head)
    assert kind_of(path) == kind


def test_what_cannot_be_opened_has_no_kind(tmp_path: Path) -> None:
    assert kind_of(tmp_path / "nothing.svg") is None
    assert kind_of(tmp_path) is None


def test_kinds_that_are_not_read_are_named() -> None:
    assert not_read("icon") == "an icon, which is not read; save it as JPEG or PNG"
    assert not_read("JPEG 2000").startswith("a JPEG 2000 picture, which")


def test_suffixes_are_small_letters_of_kinds_that_are_read() -> None:
    for suffix in SUFFIXES:
        assert suffix == suffix.lower()
        assert kind_of_bytes(b"", PurePath(f"a{suffix}")) is None, "a name of a kind that is not read"


def test_every_list_of_formats_is_the_one_of_the_owner() -> None:
    """A list of formats is known by a GIF beside a BMP or TIFF."""
    listing = re.compile(r"\w+, [^.;:]*\bGIF\b[^.;:]*\b(?:BMP|TIFF)\b[^.;:]*")
    found = 0
    for top in ("algcn", "app", "assets/page", "README.md", "CONTRIBUTING.md"):
        place = PROJECT / top
        for path in [place] if place.is_file() else place.rglob("*"):
            if path.suffix in {".py", ".html", ".js", ".md"} and path.name != "picture_kinds.py":
                for match in listing.finditer(" ".join(path.read_text(encoding="utf-8").split())):
                    found += 1
                    assert READ_IN_WORDS in match[0] or ", ".join(READ) in match[0], f"{path.name}: {match[0]}"
    assert found
    assert all(kind in READ_IN_WORDS for kind in READ)
