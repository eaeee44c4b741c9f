"""The files of a gallery: the names of those that the project writes, and which belong to it on the Hub."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from algcn.bundles import manifest
from algcn.datasets.folders.listing import is_listed
from algcn.datasets.image_folder import METADATA, named_files
from algcn.kit.errors import InputError
from algcn.kit.hub import OWN_FOLDERS, PICKLES
from algcn.kit.images import MAX_BYTES

STORE_NAME = "embeddings.safetensors"  # written by `algcn.gallery`
LAYOUT_NAME = "layout.safetensors"  # written by `algcn.gallery.layout`
# What a gallery has beside its pictures. These and the pictures travel to the Hub and from it, nothing else does.
BESIDE = (METADATA, STORE_NAME, LAYOUT_NAME, manifest.README_NAME)


def pictures(folder: Path | None, sizes: Mapping[str, int] | None) -> list[str]:
    """Name the pictures of a gallery: those in its table, or those that a folder without a table shows.

    Args:
        folder: Where the table is, if there is one; the pictures need not be there.
        sizes: The bytes of every file of the whole gallery, by name; None where that is not known.

    Raises:
        InputError: The table is at fault, or names what does not travel: a file that is missing or may hold a pickle,
            one that is too large for a picture, a name that the Hub or another system could not keep.
    """
    names = named_files(folder, sizes) if folder is not None else None
    if names is None:
        names = sorted(name for name in sizes or () if is_listed(name))
    for name in names:
        _check_name(name)
    if sizes is not None:
        _check_sizes(names, sizes)
    return names


def _check_name(name: str) -> None:
    path = PurePosixPath(name)
    if path.suffix.lower() in PICKLES:
        raise InputError(
            f"The table {METADATA} names {name!r}, which may hold a pickle and never travels; drop its rows."
        )
    if "\\" in name or not OWN_FOLDERS.isdisjoint(path.parts) or not _is_unicode(name):
        raise InputError(
            f"The name {name!r} cannot be kept on the Hub; use one in Unicode, with '/' between folders, outside "
            f"{' and '.join(sorted(OWN_FOLDERS))}."
        )


def _is_unicode(name: str) -> bool:
    """Tell whether a name can be written as UTF-8, which a Linux file's need not."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _check_sizes(names: list[str], sizes: Mapping[str, int]) -> None:
    missing = [name for name in names if name not in sizes]
    if missing:
        raise InputError(
            f"Of the {len(names):,} pictures that {METADATA} names, {len(missing):,} "
            f"{'is' if len(missing) == 1 else 'are'} missing, such as {missing[0]!r}; add the files or drop their rows."
        )
    large = [name for name in names if sizes[name] > MAX_BYTES]
    if large:
        raise InputError(
            f"The file {large[0]!r} is larger than a picture may be ({MAX_BYTES >> 20} MB); make it smaller."
        )
