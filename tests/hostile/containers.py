"""WebP, AVIF and HEIC pictures that keep a decoder busy: files of chunks, or of boxes in boxes."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable

from hostile.made import MB, saved, small, tags_of
from PIL import Image


def webp_many_chunks() -> bytes:
    """Millions of chunks of nothing."""
    data = small("WEBP", exif=b"Exif\0\0II*\0\x08\0\0\0\0\0")
    data += b"JUNK\0\0\0\0" * 3_000_000
    return data[:4] + struct.pack("<I", len(data) - 8) + data[8:]


def webp_exif_of_shared_bytes() -> bytes:
    """An EXIF block whose tags all name the same bytes."""
    return _with_hostile_exif(lambda exif: saved(Image.new("RGB", (8, 8)), "WEBP", exif=exif))


def avif_exif_of_shared_bytes() -> bytes:
    """An EXIF block whose tags all name the same bytes."""
    return _with_hostile_exif(lambda exif: saved(Image.new("RGB", (64, 64)), "AVIF", exif=exif))


def heic_exif_of_shared_bytes() -> bytes:
    """An EXIF block whose tags all name the same bytes."""
    return _with_hostile_exif(lambda exif: _small_heic(exif=exif))


def _with_hostile_exif(save: Callable[[bytes], bytes]) -> bytes:
    """Save a picture with an EXIF block that is exchanged then, for those who write it read it, too."""
    hostile = tags_of([(number, 7, MB, 8) for number in range(300, 40_000)], b"", further=MB)
    harmless = tags_of([], b"", further=len(hostile) - 14)
    return save(b"Exif\0\0" + harmless).replace(harmless, hostile)


def webp_animation_of_64_million_pixels() -> bytes:
    """A canvas of 64 million pixels with a small frame."""
    frames = [Image.new("RGBA", (64, 64), (10 * number, 0, 0, 99)) for number in range(4)]
    data = saved(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    at = data.index(b"VP8X") + 12
    return data[:at] + (7999).to_bytes(3, "little") * 2 + data[at + 6 :]


def avif_animation() -> bytes:
    """An animation of hundreds of frames."""
    frames = [Image.new("RGB", (64, 64), (number % 256, 0, 0)) for number in range(300)]
    return saved(frames[0], "AVIF", save_all=True, append_images=frames[1:], speed=10)


def avif_of_a_huge_size() -> bytes:
    """A small picture that says it is of two billion pixels."""
    return _of_a_huge_size(small("AVIF"))


def heic_of_a_huge_size() -> bytes:
    """A small picture that says it is of two billion pixels."""
    return _of_a_huge_size(_small_heic())


def heic_of_less_than_its_pixels() -> bytes:
    """A picture of four million pixels that says it is small."""
    data = _small_heic(Image.new("RGB", (2000, 2000)))
    return _with_size(data, 64, 64)


def _small_heic(image: Image.Image | None = None, **how: object) -> bytes:
    from pillow_heif import from_pillow

    stream = io.BytesIO()
    from_pillow(image or Image.radial_gradient("L").convert("RGB")).save(stream, quality=10, **how)
    return stream.getvalue()


def _of_a_huge_size(data: bytes) -> bytes:
    return _with_size(data, 46_000, 46_000)


def _with_size(data: bytes, width: int, height: int) -> bytes:
    at = data.index(b"ispe") + 8
    return data[:at] + struct.pack(">II", width, height) + data[at + 8 :]


def heic_of_a_huge_grid() -> bytes:
    """A grid of 256 × 256 pictures, all of them the same."""
    return _grid_of("hvc1", "hvcC", _small_heic(Image.new("RGB", (64, 64))))


def avif_of_a_huge_grid() -> bytes:
    """A grid of 256 × 256 pictures, all of them the same."""
    return _grid_of("av01", "av1C", saved(Image.new("RGB", (64, 64)), "AVIF"))


def _grid_of(coded: str, settings: str, data: bytes) -> bytes:
    """Make a file of two items: the pixels of another file, and a grid that takes them 65,536 times.

    Args:
        coded: The type of item that holds pixels, "hvc1" or "av01".
        settings: The box of a decoder's settings, "hvcC" or "av1C".
        data: The other file.
    """
    at = data.index(settings.encode()) - 4
    decoder = data[at : at + struct.unpack_from(">I", data, at)[0]]
    at = data.index(b"mdat") + 4
    pixels = data[at : at - 8 + struct.unpack_from(">I", data, at - 8)[0]]
    side, tiles = 64 * 256, 256 * 256 - 1
    grid = struct.pack(">BBBBII", 0, 1, 255, 255, side, side)
    shapes = [_box("ispe", struct.pack(">III", 0, *size)) for size in ((64, 64), (side, side))]
    properties = _box("ipco", decoder + shapes[0] + shapes[1] + _box("pixi", bytes([0, 0, 0, 0, 3, 8, 8, 8])))
    links = struct.pack(">II", 0, 2) + struct.pack(">HBBBB", 1, 3, 0x81, 2, 4) + struct.pack(">HBBB", 2, 2, 3, 4)
    entries = [
        _box("infe", struct.pack(">IHH4sx", 0x02000000, n, 0, kind.encode())) for n, kind in ((1, coded), (2, "grid"))
    ]
    brand = b"heic" if coded == "hvc1" else b"avif"
    head = _box("ftyp", brand + bytes(4) + b"mif1" + brand)

    def directory(place: int) -> bytes:
        places = struct.pack(">IBBH", 0x01000000, 0x44, 0, 2)
        places += struct.pack(">HHHHII", 1, 0, 0, 1, place, len(pixels))
        places += struct.pack(">HHHHII", 2, 1, 0, 1, 0, len(grid))
        parts = (
            _box("hdlr", bytes(8) + b"pict" + bytes(13)),
            _box("pitm", struct.pack(">IH", 0, 2)),
            _box("iloc", places),
            _box("iinf", struct.pack(">IH", 0, 2) + b"".join(entries)),
            _box("iref", bytes(4) + _box("dimg", struct.pack(">HH", 2, tiles) + struct.pack(">H", 1) * tiles)),
            _box("iprp", properties + _box("ipma", links)),
            _box("idat", grid),
        )
        return head + _box("meta", bytes(4) + b"".join(parts))

    return directory(len(directory(0)) + 8) + _box("mdat", pixels)


def _box(name: str, content: bytes) -> bytes:
    return struct.pack(">I4s", len(content) + 8, name.encode()) + content
