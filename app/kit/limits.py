"""What a visitor may ask for, and how much."""

from __future__ import annotations

import math

from algcn.kit.errors import InputError

DEFAULT_LIMIT = 24
MAX_LIMIT = 500

# A visitor's own collection. A camera's JPEG has 8 MB; more pictures than this are for python -m algcn.gallery.
MAX_PICTURES = 500
MAX_PICTURE_BYTES = 24 << 20
MAX_COLLECTION_BYTES = 512 << 20
MAX_METADATA_BYTES = 4 << 20
# Of a zip archive: what lists its files, read before any of them (about 50,000 names).
MAX_ZIP_INDEX_BYTES = 4 << 20
# What must stay free on the disk.
MIN_FREE_BYTES = 1 << 30


def check_limit(limit: object) -> int:
    """How many results of each kind are wanted, whatever a client sent.

    Raises:
        InputError: It is not a whole number from 1 to 500.
    """
    return check_whole(limit, "limit", 1, MAX_LIMIT)


def check_whole(value: object, name: str, low: int, high: int) -> int:
    """`value` as a whole number, whatever a client sent.

    Raises:
        InputError: It is not one from `low` to `high`.
    """
    number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    if not number or value != value // 1 or not low <= value <= high:
        raise InputError(f"{name} must be a whole number from {low} to {high}, not {value!r:.40}.")
    return int(value)


def check_number(value: object, name: str, low: float, high: float) -> float:
    """`value` as a number, whatever a client sent.

    Raises:
        InputError: It is not one from `low` to `high`.
    """
    number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    if not number or not low <= value <= high:
        raise InputError(f"{name} must be a number from {low:g} to {high:g}, not {value!r:.40}.")
    return float(value)
