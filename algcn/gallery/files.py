"""The files of a gallery: the names of those that the project writes, and which belong to it on the Hub."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from algcn.bundles import manifest
from algcn.datasets.folders.listing import TABLES, is_listed
from algcn.datasets.folders.names import is_system
from algcn.datasets.image_folder import METADATA, named_files
from algcn.kit.errors import InputError
from algcn.kit.hub import OWN_FOLDERS, PICKLES
from algcn.kit.images import MAX_BYTES
from algcn.kit.picture_kinds import READ, kind_of

STORE_NAME = "embeddings.safetensors"  # written by `algcn.gallery`
LAYOUT_NAME = "layout.safetensors"  # written by `algcn.gallery.layout`


def _any_case(name: str) -> str:
    """Return a pattern that matches a name in any letter case."""
    return "".join(f"[{letter.lower()}{letter.upper()}]" if letter.isalpha() else letter for letter in name)


# What a gallery has beside its pictures: its tables, in whatever folder and letter case, and what the project writes.
# These and the pictures travel to the Hub and from it, nothing else does.
BESIDE = (
    METADATA,
    *(f"{folder}{_any_case(table)}" for table in TABLES for folder in ("", "*/")),
    STORE_NAME,
    LAYOUT_NAME,
    manifest.README_NAME,
)


def pictures(folder: Path | None, sizes: Mapping[str, int] | None) -> list[str]:
    """Name the pictures of a gallery that travel: those in its tables, or those that a folder without one shows.

    Args:
        folder: Where the tables are, if there are some; the pictures need not be there.
        sizes: The bytes of every file of the whole gallery, by name; None where that is not known.

    Raises:
        InputError: A table is at fault, or names what may hold a pickle.
    """
    names = named_files(folder, sizes) if folder is not None else None
    if names is None:
        names = sorted(name for name in sizes or () if is_told(name, folder))
    for name in names:
        if PurePosixPath(name).suffix.lower() in PICKLES:
            raise InputError(f"A table names {name!r}, which may hold a pickle and never travels; drop its rows.")
    return [name for name in names if obstacle(name, None if sizes is None else sizes[name]) is None]


def is_told(name: str, folder: Path | None = None) -> bool:
    """Tell whether a file is a picture of a gallery without a table, by its name as far as it is not there.

    A name without a suffix may be one: of a file that is there the first bytes decide.
    """
    if is_listed(name):
        return True
    path = PurePosixPath(name)
    if path.suffix or any(map(is_system, path.parts)):
        return False
    return folder is None or not (folder / name).is_file() or kind_of(folder / name) in READ


def obstacle(name: str, size: int | None) -> tuple[str, str] | None:
    """Say what keeps a picture from travelling, as a kind of an account with what would work; None where nothing does.

    Args:
        name: Its path in the folder.
        size: Its bytes, None where they are not known.
    """
    if "\\" in name or not OWN_FOLDERS.isdisjoint(PurePosixPath(name).parts) or not _is_unicode(name):
        folders = " and ".join(sorted(OWN_FOLDERS))
        return (
            "pictures whose names cannot be kept on the Hub",
            f"use names in Unicode, with '/' between folders, outside {folders}",
        )
    if size is not None and size > MAX_BYTES:
        return "pictures that are too large", f"make them smaller than {MAX_BYTES >> 20} MB"
    return None


def _is_unicode(name: str) -> bool:
    """Tell whether a name can be written as UTF-8, which a Linux file's need not."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
