"""Serve pictures: uploads by a path that is checked, a gallery's pictures for a browser by key and number.

A small picture of the gallery in a format that browsers know is sent as it is; any other (a camera's 8 MB, a TIFF) as
a WebP preview that is made once and kept in the cache folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

from algcn.kit import files
from algcn.kit.errors import InputError
from algcn.kit.images import open_image

WEB_TYPES = {".webp": "image/webp", ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg"}
SMALL_BYTES = 200_000
# Longest side in pixels: of a card on a dense screen, and of the dialog.
SIZES = {"card": 640, "large": 1600}
PREVIEW_QUALITY = 82


def uploaded_file(value: object, uploads: Path) -> Path:
    """Return the path of the file that a visitor uploaded, from what a browser or a client says about it.

    Args:
        value: Meant to be gradio's file data, `{"path": …}`; gradio checks the path only where the client marks it as a
            file, so it is checked here.
        uploads: The folder that uploads are kept in.

    Raises:
        InputError: The value names no uploaded file.
    """
    path = value.get("path") if isinstance(value, dict) else None
    if not isinstance(path, str) or "\0" in path or not Path(path).resolve().is_relative_to(uploads.resolve()):
        raise InputError("The image must be an uploaded file; with gradio_client, pass handle_file('photo.jpg').")
    with contextlib.suppress(OSError):
        os.utime(path)  # what is used stays (see app/visitors/sweep.py); one that is missing is said where it is read
    return Path(path)


def picture_file(path: Path, size: str, cache: Path) -> Path:
    """Return the file to send for a picture at one of SIZES.

    Raises:
        InputError: The picture is missing or cannot be read.
    """
    if path.suffix.lower() in WEB_TYPES and path.is_file() and path.stat().st_size <= SMALL_BYTES:
        return path
    return _preview(path, SIZES[size], cache)


def media_type(path: Path) -> str:
    """Return the media type of a file that `picture_file` gave; it is always that of a picture."""
    return WEB_TYPES.get(path.suffix.lower(), "application/octet-stream")


def _preview(path: Path, longest: int, cache: Path) -> Path:
    # A missing file fails in open_image, with its sentence; until then its state is simply unknown.
    state = path.stat() if path.is_file() else None
    key = f"{path.resolve()}\n{state and (state.st_size, state.st_mtime_ns)}\n{longest}"
    preview = cache / "previews" / f"{hashlib.sha256(key.encode('utf-8', 'surrogateescape')).hexdigest()[:32]}.webp"
    if not preview.is_file():
        image = open_image(path)
        image.thumbnail((longest, longest))
        with files.replacing(preview) as aside:
            image.save(aside, format="WEBP", quality=PREVIEW_QUALITY)
    return preview


# Of the gallery that the program started with; a visitor's own has a secret key.
SHARED_KEY = "gallery"


def pictures_prefix(key: str) -> str:
    """Return the start of pictures' addresses, relative to the page; /SIZE/NUMBER follows."""
    return f"picture/{key}"
