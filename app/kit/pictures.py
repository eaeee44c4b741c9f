"""Serve pictures: uploads by a path that is checked, a gallery's pictures for a browser by key and number.

A small picture of the gallery in a format that browsers know is sent as it is, colours and all; any other (a camera's
8 MB, a TIFF, a HEIC called photo.jpg) as a WebP preview in sRGB that is made once and kept in the cache folder.
"""

from __future__ import annotations

import hashlib
import io
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from algcn.kit import files
from algcn.kit.disk import DiskFullError
from algcn.kit.errors import InputError
from algcn.kit.images import DECODING
from algcn.kit.picture_kinds import HEAD_BYTES, kind_of_bytes
from app.kit.decoders import open_image

if TYPE_CHECKING:
    from PIL import Image

# By what the file is, whatever it is called: a browser that is told another type shows nothing.
WEB_TYPES = {"WebP": "image/webp", "PNG": "image/png", "JPEG": "image/jpeg"}
PNG_DEPTH = 24  # where a PNG says how many bits its numbers have; browsers take those of 16 as if all were used
SMALL_BYTES = 200_000
# Longest side in pixels: of a card on a dense screen, and of the dialog.
SIZES = {"card": 640, "large": 1600}
ORIGINAL = "original"  # the file as it is
PREVIEW_QUALITY = 82
_SECRET = secrets.token_bytes(32)


def uploaded_file(value: object, uploads: Path) -> Path:
    """Return the path of the file that a visitor uploaded, from what a browser or a client says about it.

    Args:
        value: Meant to be gradio's file data, `{"path": …}`; gradio checks the path only where the client marks it as a
            file, so it is checked here.
        uploads: The folder that uploads are kept in.

    Raises:
        InputError: The value names no uploaded file, or one that has been deleted meanwhile.
    """
    path = value.get("path") if isinstance(value, dict) else None
    if not isinstance(path, str) or "\0" in path or not Path(path).resolve().is_relative_to(uploads.resolve()):
        raise InputError(
            "The image must be an uploaded file: send it to /gradio_api/upload, and give the path that comes back."
        )
    if not Path(path).is_file():
        raise InputError(gone(Path(path).name))
    return Path(path)


def gone(name: str) -> str:
    """Say that an upload is not there."""
    return f"The file {name} did not arrive, or is gone: uploads are kept for an hour; send it again."


def is_shown_as_it_is(path: Path) -> bool:
    """Tell whether a browser shows a file as `open_image` reads it."""
    head = _head(path)
    kind = kind_of_bytes(head)
    return kind in WEB_TYPES and not (kind == "PNG" and head[PNG_DEPTH : PNG_DEPTH + 1] == b"\x10")


def picture_file(path: Path, size: str, cache: Path) -> Path | bytes:
    """Return the file to send for a picture at one of SIZES, or as ORIGINAL; or what is in it, where it cannot be kept.

    Raises:
        InputError: The picture is missing or cannot be read, or there is no such size.
    """
    if size == ORIGINAL:
        if not path.is_file():
            raise InputError(f"The picture {path.name} is not there any more.")
        return path
    if size not in SIZES:
        raise InputError(f"There is no size {size!r}.")
    if path.is_file() and path.stat().st_size <= SMALL_BYTES and is_shown_as_it_is(path):
        return path
    return _preview(path, SIZES[size], cache)


def media_type(picture: Path | bytes) -> str:
    """Return the media type of what `picture_file` gave; it is always that of a picture."""
    head = _head(picture) if isinstance(picture, Path) else picture[:HEAD_BYTES]
    return WEB_TYPES.get(kind_of_bytes(head), "application/octet-stream")


def _head(path: Path) -> bytes:
    """Return the first bytes of a file; none of one that cannot be read, which `open_image` says."""
    try:
        with path.open("rb") as stream:
            return stream.read(HEAD_BYTES)
    except OSError:
        return b""


def _preview(path: Path, longest: int, cache: Path) -> Path | bytes:
    # A missing file fails in open_image, with its sentence; until then its state is simply unknown.
    state = files.file_state(path) if path.is_file() else None
    key = f"{path.resolve()}\n{state}\n{longest}\n{DECODING}"
    preview = cache / "previews" / f"{hashlib.sha256(key.encode('utf-8', 'surrogateescape')).hexdigest()[:32]}.webp"
    if not preview.is_file():
        image = open_image(path)
        image.thumbnail((longest, longest))
        content = _webp(image)
        try:
            files.write_bytes(preview, content)
        except (OSError, DiskFullError):  # a full disk, or one that can only be read: shown all the same
            return content
    return preview


def keep_small(picture: Image.Image, uploads: Path) -> Path:
    """Keep a small picture in the folder that the page's files are served from, under a name of its content.

    Nobody who has the same picture can tell from a name that somebody asked for it.

    Raises:
        DiskFullError: There is no room.
    """
    content = _webp(picture)
    path = uploads / hashlib.blake2b(content, key=_SECRET).hexdigest() / "picture.webp"
    files.write_bytes(path, content)
    return path


def _webp(picture: Image.Image) -> bytes:
    content = io.BytesIO()
    picture.save(content, format="WEBP", quality=PREVIEW_QUALITY)
    return content.getvalue()


# Of the gallery that the program started with; a visitor's own has a secret key.
SHARED_KEY = "gallery"


def pictures_prefix(key: str) -> str:
    """Return the start of pictures' addresses, relative to the page; /SIZE/NUMBER follows."""
    return f"picture/{key}"
