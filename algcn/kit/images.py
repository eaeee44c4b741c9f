"""Open pictures that strangers hand in.

Notable: the format is one of a few raster formats, told by the content whatever the file is called; the size is judged
from the header, before a pixel is decoded; every oddity a camera or an editor produces (alpha, palettes, 16 bits, CMYK,
colour profiles, EXIF rotation, animation, a lost end marker) ends as one upright 8-bit RGB picture in sRGB; every
failure is one `InputError` sentence.
"""

from __future__ import annotations

import io
from pathlib import Path, PurePath
from typing import BinaryIO

from PIL import ExifTags, Image

from algcn.kit import colour, depth, jpeg, picture_limits
from algcn.kit.errors import InputError
from algcn.kit.picture_kinds import HEAD_BYTES, READ, READ_IN_WORDS, SAVE_AS, kind_of_bytes, not_read

# Raised whenever a picture is read as other pixels than before: what was computed of the old ones is not used then.
# 2: ICC profiles, numbers of 10 to 16 bits, AVIF.
DECODING = "2"

MAX_BYTES = 64 * 1024 * 1024
MAX_PIXELS = 64 * 1000 * 1000
BAND_ROWS = 256
CURE = f"Use a {READ_IN_WORDS} picture"
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def open_image(source: str | Path | bytes | BinaryIO, name: str | None = None) -> Image.Image:
    """Read one picture as upright 8-bit RGB, in sRGB.

    Transparency is laid on white, the first frame of an animation is taken, the EXIF orientation is applied, and
    colours are those that the picture's ICC profile says.

    Args:
        source: A path, the bytes of a file, or a binary file object.
        name: What to call the picture in an error; the file's name by default.

    Raises:
        InputError: The file is missing, empty, too large, no picture of a known format, or damaged.
    """
    if name is None:
        name = Path(source).name if isinstance(source, (str, Path)) else ""
    what = f"The file {name}".rstrip()
    data = _read(source, what)
    kind = kind_of_bytes(data[:HEAD_BYTES], PurePath(name))
    if kind is None:
        raise InputError(f"{what} is not a picture that can be read. {CURE}.")
    if kind not in READ:
        raise InputError(f"{what} is {not_read(kind)}.")
    if (objection := picture_limits.objection(data, kind)) is not None:
        raise InputError(f"{what} {objection}: no camera or program writes that. Save it again as {SAVE_AS}.")
    try:
        image = _open(data, kind)
    except MemoryError:
        raise InputError(_too_much_memory(what)) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise InputError(_too_many_pixels(what)) from None
    except Exception:  # hostile bytes make header parsers raise nearly every class there is
        raise InputError(
            f"{what} is damaged or cut off, or {kind} of a kind that is not read. Save it again as {SAVE_AS}."
        ) from None
    with image:
        width, height = image.size
        if width * height > MAX_PIXELS:
            raise InputError(_too_many_pixels(what, width, height))
        if (objection := picture_limits.objection_to_size(width, height)) is not None:
            raise InputError(f"{what} {objection}. Use a smaller picture.")
        try:
            return _decode(image, data, kind)
        except MemoryError:
            raise InputError(_too_much_memory(what)) from None
        except Exception as error:  # as above, now from the decoders
            raise InputError(
                f"{what} is damaged or cut off and cannot be decoded ({_first_line(error)}). Save it again and retry."
            ) from None


def to_rgb(image: Image.Image) -> Image.Image:
    """Turn a decoded picture into upright 8-bit RGB in sRGB, with transparency laid on white."""
    return _to_rgb(depth.grey_of_8_bits(image) if image.mode in depth.GREY_MODES else image, _orientation(image))


def _open(data: bytes, kind: str) -> Image.Image:
    """Read the header of a picture; pixels are not decoded yet."""
    if kind == "HEIC":
        from pillow_heif import HeifImageFile  # 20 ms and a library of its own, for those who have such pictures

        return HeifImageFile(io.BytesIO(data))
    return Image.open(io.BytesIO(data), formats=(kind.upper(),))


def _decode(image: Image.Image, data: bytes, kind: str) -> Image.Image:
    if kind == "JPEG":
        whole = jpeg.ended(data)
        if whole is None:
            raise ValueError("it ends in the middle of its pixels")
        if whole is not data:
            with _open(whole, kind) as ended:
                ended.load()
                return _to_rgb(ended, _orientation(ended))
    pixels = depth.load(image, data, lambda: _open(data, kind))
    return _to_rgb(pixels, _orientation(image))


def _orientation(image: Image.Image) -> int | None:
    """Return how a picture is turned by its EXIF block; HEIC and AVIF pictures say it once, whatever they say twice."""
    if picture_limits.objection_to_exif(image.info) is not None:
        return None
    try:
        return image.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # a broken EXIF block says nothing about the pixels: they stay as they are
        return None


def _to_rgb(image: Image.Image, orientation: int | None) -> Image.Image:
    """Turn a picture of 8 bits upright and into RGB."""
    if "transparency" in image.info:
        image = image.convert("LA" if image.mode == "L" else "RGBA")
    elif image.mode in ("RGBa", "La", "PA"):
        image = image.convert("LA" if image.mode == "La" else "RGBA")
    image = colour.to_srgb(image)
    image = _on_white(image) if image.mode in ("RGBA", "LA") else image.convert("RGB")
    if orientation in _TURNS:
        image = image.transpose(_TURNS[orientation])
    image.info.clear()
    return image


def _on_white(image: Image.Image) -> Image.Image:
    """Lay transparency on white, some rows at a time: three more pictures of full size would take much memory."""
    flat = Image.new("RGB", image.size)
    for top in range(0, image.height, BAND_ROWS):
        band = image.crop((0, top, image.width, min(top + BAND_ROWS, image.height))).convert("RGBA")
        flat.paste(Image.alpha_composite(Image.new("RGBA", band.size, "white"), band).convert("RGB"), (0, top))
    return flat


def _read(source: str | Path | bytes | BinaryIO, what: str) -> bytes:
    """Read all bytes of `source`, refusing more than MAX_BYTES before they are in memory."""
    if isinstance(source, (str, Path)):
        path = Path(source)
        if not path.is_file():
            raise InputError(f"There is no picture at {path}; name a file that is there.")
        try:
            with path.open("rb") as stream:
                data = stream.read(MAX_BYTES + 1)
        except OSError as error:
            raise InputError(f"{what} cannot be read ({error.strerror or error}); make the file readable.") from None
    elif isinstance(source, (bytes, bytearray, memoryview)):
        data = bytes(source)
    else:
        data = source.read(MAX_BYTES + 1)
    if not data:
        raise InputError(f"{what} is empty (0 bytes). {CURE}.")
    if len(data) > MAX_BYTES:
        raise InputError(too_many_bytes(what))
    return data


def too_many_bytes(what: str) -> str:
    """Say that a file is larger than MAX_BYTES."""
    return f"{what} is larger than {MAX_BYTES >> 20} MB. Use a smaller file."


def _too_many_pixels(what: str, width: int = 0, height: int = 0) -> str:
    size = f" ({width} × {height})" if width else ""
    return f"{what} has too many pixels{size}: at most {MAX_PIXELS // 1_000_000} million. Use a smaller picture."


def _too_much_memory(what: str) -> str:
    return f"{what} takes more memory to decode than there is for it. Use a smaller picture."


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0].strip()[:120].rstrip(".") or type(error).__name__
