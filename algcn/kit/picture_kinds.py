"""What kind of picture a file is, by its first bytes; a name is only asked where those say nothing.

The kinds in READ are those that `kit.images.open_image` decodes. The others are known by name, so that a person is told
what was not read.
"""

from __future__ import annotations

from pathlib import Path, PurePath

READ = ("JPEG", "PNG", "WebP", "GIF", "BMP", "TIFF", "AVIF", "HEIC")
READ_IN_WORDS = f"{', '.join(READ[:-1])} or {READ[-1]}"
SAVE_AS = "JPEG or PNG"  # what every program can write
HEAD_BYTES = 64
# A file with one of these suffixes is meant to be a picture, whatever it holds.
SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".pjpeg", ".pjp", ".png", ".apng", ".webp", ".gif", ".bmp", ".dib", ".tif"}
    | {".tiff", ".avif", ".avifs", ".heic", ".heif", ".heics", ".heifs", ".hif"}
)
# A drawing is text, and a camera's raw file mostly a TIFF whose first picture is a thumbnail: names say what they are.
_BY_SUFFIX = {
    **dict.fromkeys((".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".raf", ".rw2", ".raw", ".pef", ".srw"), "RAW"),
    **dict.fromkeys((".svg", ".svgz"), "SVG"),
    **dict.fromkeys((".jxl",), "JPEG XL"),
    **dict.fromkeys((".jp2", ".j2k", ".jpx", ".jpf"), "JPEG 2000"),
    **dict.fromkeys((".psd", ".psb"), "Photoshop"),
    **dict.fromkeys((".ico", ".cur"), "icon"),
}
_BY_START = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cJXL ", "JPEG XL"),
    (b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"8BPS", "Photoshop"),
    (b"FUJIFILMCCD-RAW", "RAW"),
    (b"IIRO", "RAW"),
    (b"IIU\0", "RAW"),
    (b"\0\0\1\0", "icon"),
)
_IN_WORDS = {"RAW": "a camera's RAW picture", "SVG": "an SVG drawing", "icon": "an icon"}
_BMP_HEADERS = frozenset({12, 16, 40, 52, 56, 64, 108, 124})
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1", b"mif2")


def kind_of(path: Path) -> str | None:
    """Tell what kind of picture a file is, None for one that is none or cannot be opened.

    Example:
        >>> kind_of(Path("assets/gallery/metadata.csv")) is None
        True
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(HEAD_BYTES)
    except OSError:
        return None
    return kind_of_bytes(head, path)


def kind_of_bytes(head: bytes, name: PurePath | None = None) -> str | None:
    """Tell what kind of picture the first bytes of a file begin, None where they begin none.

    Args:
        head: The first HEAD_BYTES bytes.
        name: What the file is called, for the kinds that bytes do not tell apart.
    """
    kind = _kind_by_content(head)
    named = _BY_SUFFIX.get(name.suffix.lower()) if name is not None else None
    return named if kind is None or (kind == "TIFF" and named == "RAW") else kind


def not_read(kind: str) -> str:
    """Say of a kind that is known and not read what it is and what would work, as the end of a sentence.

    Example:
        >>> not_read("JPEG XL")
        'a JPEG XL picture, which is not read; save it as JPEG or PNG'
    """
    return f"{_IN_WORDS.get(kind, f'a {kind} picture')}, which is not read; save it as {SAVE_AS}"


def _kind_by_content(head: bytes) -> str | None:
    for start, kind in _BY_START:
        if head.startswith(start):
            # Canon's older raw files are TIFFs that say so.
            return "RAW" if kind == "TIFF" and head[8:10] == b"CR" else kind
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BMP_HEADERS:
        return "BMP"
    if head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith((b"<?xml", b"<!", b"<svg")) and b"svg" in head:
        return "SVG"
    return _kind_of_container(head) if head[4:8] == b"ftyp" else None


def _kind_of_container(head: bytes) -> str | None:
    """Tell AVIF from HEIC by the brands of an ISO base media file: both may call themselves "mif1" first."""
    length = int.from_bytes(head[:4], "big")
    brands = [head[at : at + 4] for at in (8, *range(16, min(length, len(head)), 4))]
    if b"avif" in brands or b"avis" in brands:
        return "AVIF"
    if any(brand in _HEIC_BRANDS for brand in brands):
        return "HEIC"
    return "RAW" if b"crx " in brands else None
