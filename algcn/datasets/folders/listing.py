"""The files of an image folder: pictures, tables, and what is neither, which is counted."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from algcn.datasets.folders.names import is_system
from algcn.kit.account import Account
from algcn.kit.picture_kinds import READ, SUFFIXES, kind_of

TABLES = ("metadata.csv", "metadata.jsonl", "metadata.parquet")
LABELS = "labels.json"
VOCABULARY = "vocabulary.txt"
MANIFEST = "split.json"
# What the project's own commands and the Hub put beside pictures; nothing in it is lost.
_COMPANIONS = frozenset({LABELS, VOCABULARY, MANIFEST, "readme.md", "license", "license.txt", "license.md"})
_OWN_SUFFIX = ".safetensors"
_TABLE_SUFFIXES = frozenset({".csv", ".tsv", ".json", ".jsonl", ".parquet", ".xls", ".xlsx", ".ods", ".txt", ".xml"})
_ARCHIVES = frozenset({".zip", ".tar", ".gz", ".tgz", ".7z", ".rar", ".bz2", ".xz"})
_SHOWN_FORMATS = "JPEG, PNG or WebP"


@dataclass
class Listing:
    """The pictures and tables of a folder, by their paths in it, and the links to folders, which are not followed."""

    pictures: list[str] = field(default_factory=list)
    tables: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)


def is_table(name: str) -> bool:
    """Tell whether a file is a table of an image folder, by its path; letters may be of either case."""
    path = PurePosixPath(name)
    return path.name.lower() in TABLES and not any(map(is_system, path.parts))


def is_listed(name: str) -> bool:
    """Tell whether a file's path alone makes it a picture of a folder: its suffix, and nothing hidden in it."""
    path = PurePosixPath(name)
    return path.suffix.lower() in SUFFIXES and not any(map(is_system, path.parts))


def is_companion(name: str) -> bool:
    """Tell whether a file is what the project's commands and the Hub put beside pictures, by its path."""
    path = PurePosixPath(name)
    return path.suffix.lower() == _OWN_SUFFIX or path.name.lower() in _COMPANIONS


def looks_like_table(name: str) -> bool:
    """Tell whether a file may be a table or a list that is called otherwise than a table is, by its path."""
    return PurePosixPath(name).suffix.lower() in _TABLE_SUFFIXES


def list_folder(root: Path, account: Account) -> Listing:
    """List a folder; what is no picture and no table is counted in `account`.

    A picture is a file whose suffix says so, or whose first bytes do. Hidden folders and those of a system are not
    looked into.
    """
    listing = Listing()

    def note(error: OSError) -> None:
        account.add(
            "folders that cannot be read", str(error.filename), f"make them readable ({error.strerror})", unit="folders"
        )

    for place, folders, files in os.walk(root, onerror=note):
        inside = "" if Path(place) == root else f"{Path(place).relative_to(root).as_posix()}/"
        for folder in filter(is_system, folders):
            account.add("hidden and system folders, not looked into", f"{inside}{folder}", unit="folders")
        folders[:] = sorted(folder for folder in folders if not is_system(folder))
        listing.links += [inside + folder for folder in folders if os.path.islink(os.path.join(place, folder))]
        for file in files:
            if not is_system(file):
                _sort(root, inside + file, listing, account)
    listing.pictures.sort()
    listing.tables.sort()
    return listing


def count_links(links: Iterable[str], used: Iterable[str], account: Account) -> None:
    """Count the links to folders in which no picture was found by its name."""
    names = list(used)
    for link in links:
        if not any(name.startswith(f"{link}/") for name in names):
            account.add(
                "links to folders, not followed", link, "copy the folder there, or name its pictures in a table",
                unit="folders",
            )  # fmt: skip


def _sort(root: Path, name: str, listing: Listing, account: Account) -> None:
    suffix, last = PurePosixPath(name).suffix.lower(), PurePosixPath(name).name.lower()
    if not (root / name).is_file():
        account.add("links and devices that are no file", name, "copy the file there", unit="files")
    elif suffix in SUFFIXES:
        listing.pictures.append(name)
    elif last in TABLES:
        listing.tables.append(name)
    elif is_companion(name):
        return
    else:
        kind = kind_of(root / name)
        if kind in READ:
            listing.pictures.append(name)
        elif kind is not None:
            account.add(f"{kind} pictures, which are not read", name, f"save them as {_SHOWN_FORMATS}", unit="pictures")
        elif looks_like_table(name):
            account.add("tables and texts of other names, not read", name, f"call a table {TABLES[0]}", unit="files")
        elif suffix in _ARCHIVES:
            account.add("archives, which are not opened", name, "unpack them in the folder", unit="files")
        else:
            account.add("files that are no picture", name, unit="files")
