"""Names of files as other systems write them: compared in Unicode's form NFC, with "/" between folders.

A Mac writes "é" as two characters (NFD), a spreadsheet as one (NFC), Windows writes backslashes and does not mind the
case of letters; all of them mean the same file where only one fits.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import PurePosixPath, PureWindowsPath

SHOWN = 3  # files that a sentence lists
# What systems put beside pictures by themselves, apart from what is hidden (a name that begins with a dot).
SYSTEM_NAMES = frozenset(
    {"__macosx", "@eadir", "#recycle", "$recycle.bin", "system volume information", "lost+found"}
    | {"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"}
)


def is_system(part: str) -> bool:
    """Tell whether a file or folder is hidden or a system's own, by one part of its path."""
    return part.startswith(".") or part.casefold() in SYSTEM_NAMES


def composed(name: str) -> str:
    """Return a name in the form NFC, in which the copies of one name on different systems are equal."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def leads_outside(name: str) -> bool:
    """Tell whether a path leads out of its folder when it is read on any system."""
    if not (name.startswith("/") or ".." in name or "\\" in name or ":" in name or "\0" in name):
        return False  # as nearly every name; a PureWindowsPath for each takes longer than all else that is read
    # A path with a Windows drive or root is absolute too when the folder is read there.
    windows = PureWindowsPath(name)
    return name.startswith("/") or bool(windows.anchor) or ".." in windows.parts or "\0" in name


def folded(name: str) -> str:
    """Return a name in a form in which names are equal that differ in the case of letters only."""
    return name.lower() if name.isascii() else composed(composed(name).casefold())


class AmbiguousName(ValueError):
    """A name fits several files; the message says which, in a few words."""


class Names:
    r"""Finds the file that a name means among those that are there.

    Args:
        names: The paths of the files inside the folder, with "/" between folders.
        exists: Tells whether a path that is not among them is a file all the same.
        meant: Files that a name, `folded`, means before any other: one, or several that somebody called alike.

    Example:
        >>> Names(["Photos/a.JPG"]).find("photos\\A.jpg")
        'Photos/a.JPG'
    """

    def __init__(
        self,
        names: Iterable[str],
        exists: Callable[[str], bool] = lambda name: False,
        meant: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self._names = dict.fromkeys(names)
        self._exists = exists
        self._meant = meant or {}
        self._found: dict[str, str | None] = {}

    def find(self, name: str) -> str | None:
        """Return the path of the file that is meant, None where there is none.

        Raises:
            AmbiguousName: Several files fit and none exactly.
        """
        if name in self._names and not self._meant:
            return name
        if name not in self._found:  # a picture with many texts is looked for once
            self._found[name] = self._find(name)
        return self._found[name]

    def _find(self, name: str) -> str | None:
        plain = PurePosixPath(name).as_posix()
        spellings = dict.fromkeys((plain, PurePosixPath(name.replace("\\", "/")).as_posix()))
        for spelling in spellings:
            meant = self._meant.get(folded(spelling), ())
            if len(meant) > 1:
                raise AmbiguousName(f"{len(meant):,} files are called {PurePosixPath(spelling).name!r}")
            if meant:
                return meant[0]
        for spelling in spellings:
            if spelling in self._names or self._exists(spelling):
                return spelling
        for table, key in ((self._composed, composed), (self._folded, folded)):
            for spelling in spellings:
                found = table.get(key(spelling), ())
                if len(found) > 1:
                    raise AmbiguousName(", ".join(map(repr, found[:SHOWN])) + (", …" if len(found) > SHOWN else ""))
                if found:
                    return found[0]
        return None

    @cached_property
    def _composed(self) -> dict[str, list[str]]:
        return self._by(composed)

    @cached_property
    def _folded(self) -> dict[str, list[str]]:
        return self._by(folded)

    def _by(self, key: Callable[[str], str]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name in self._names:
            found.setdefault(key(name), []).append(name)
        return found
