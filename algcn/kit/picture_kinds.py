"""What kind of picture a file is, by its first bytes; a name is only asked where those say nothing.

The kinds in READ are those that `kit.images.open_image` decodes. The others are known by name, so that a person is told
what was not read.
"""

from __future__ import annotations

from pathlib import Path, PurePath

READ = ("JPEG", "PNG", "WebP", "GIF", "BMP", "TIFF", "AVIF", "HEIC")
HEAD_BYTES = 64
# A file with one of these suffixes is meant to be a picture, whatever it holds.
SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".pjpeg", ".pjp", ".png", ".apng", ".webp", ".gif", ".bmp", ".dib", ".tif"}
    | {".tiff", ".avif", ".avifs", ".heic", ".heif", ".heics", ".heifs", ".hif"}
)
# A camera's raw file is a TIFF whose first picture is a thumbnail, and a drawing is text: names say what they are.
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
)
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
    if name is not None and name.suffix.lower() in _BY_SUFFIX:
        return _BY_SUFFIX[name.suffix.lower()]
    for start, kind in _BY_START:
        if head.startswith(start):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BMP_HEADERS:
        return "BMP"
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
