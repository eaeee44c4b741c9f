"""Limits on what a visitor may ask for and upload."""

from __future__ import annotations

from algcn.kit import checks
from algcn.kit.errors import InputError

DEFAULT_LIMIT = 24
MAX_LIMIT = 500

# A visitor's own collection. A camera's JPEG has 8 MB; more pictures than this are for python -m algcn.gallery.
MAX_PICTURES = 500
MAX_PICTURE_BYTES = 24 << 20
MAX_COLLECTION_BYTES = 512 << 20
# Of all tables of a drop together. Honest ones have some 5 captions for each picture, and a column for each label where
# those are columns of 0 and 1.
MAX_METADATA_BYTES = 4 << 20
MAX_ROWS = 40 * MAX_PICTURES
MAX_COLUMNS = 1000
# Of a zip archive: what lists its files, read before any of them (about 50,000 names).
MAX_ZIP_INDEX_BYTES = 4 << 20
# Of one request: an upload with what a form adds to it; anything else, a picture within a text included.
MAX_UPLOAD_BYTES = MAX_COLLECTION_BYTES + (1 << 20)
MAX_REQUEST_BYTES = 2 * MAX_PICTURE_BYTES
# What must stay free on the disk.
MIN_FREE_BYTES = 1 << 30
DISK_FULL = "The server's disk is nearly full; try again later."


def check_limit(limit: object) -> int:
    """Check how many results of each kind a client asks for.

    Raises:
        InputError: The limit is not a whole number from 1 to 500.
    """
    return checks.whole_number(limit, "limit", 1, MAX_LIMIT)


def check_flag(value: object, name: str) -> bool:
    """Check that a client says true or false.

    Raises:
        InputError: The value is another.
    """
    if not isinstance(value, bool):
        raise InputError(f"The {name} must be true or false, not {checks.shown(value)}.")
    return value
