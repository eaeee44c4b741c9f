"""Count pictures that could not be read, by what they are: the same kinds wherever pictures are decoded."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from algcn.kit.account import Account
from algcn.kit.picture_kinds import READ, SAVE_AS, kind_of

# How `kit.images.open_image` says that a picture is whole, but more than is read.
_TOO_LARGE = ("too many pixels", "is larger than")
_ANOTHER = f"save them as {SAVE_AS}"


def count_unreadable(account: Account, folder: Path, unreadable: Mapping[str, str]) -> None:
    """Add pictures that could not be read to an account, by what they are.

    Args:
        account: The account, which they are added to in the unit "pictures".
        folder: The folder that they are in.
        unreadable: For each picture by file name the sentence of `open_image`.
    """
    for name, sentence in unreadable.items():
        kind, remedy = _kind(folder / name, sentence)
        account.add(kind, f"{name}{_reason(name, sentence)}", remedy, unit="pictures")


def _reason(name: str, sentence: str) -> str:
    """Return what a sentence says of the file, without what would work; nothing where it is no sentence on the file."""
    said = sentence.removeprefix(f"The file {name} ")
    if said == sentence:
        return ""
    return f", which {(said.rpartition('. ')[0] or said.rstrip('.')).partition('; ')[0]}"


def _kind(path: Path, sentence: str) -> tuple[str, str]:
    """Return what a picture is that could not be read, and what would work."""
    kind = kind_of(path)
    if kind is None:
        try:
            size = path.stat().st_size
            with path.open("rb"):
                pass
        except OSError:
            return "pictures that cannot be opened", "make them readable"
        return ("files that hold no picture", _ANOTHER) if size else ("empty files", "copy them anew")
    if kind not in READ:
        return f"{kind} pictures", _ANOTHER
    if any(words in sentence for words in _TOO_LARGE):
        return "pictures that are too large", "make them smaller"
    return "damaged pictures", "save them again or copy them anew"
