"""Why a file that was dropped is not in the collection: in words for one file, and for many alike."""

from __future__ import annotations

import dataclasses

from algcn.kit.account import Account
from algcn.kit.picture_kinds import SAVE_AS, not_read

PICTURES, FILES = "pictures", "files"
UNREADABLE = "pictures that cannot be opened"  # each for a reason of its own


@dataclasses.dataclass(frozen=True)
class Reason:
    """Why a file is left out.

    Attributes:
        of_one: Ends a sentence about one file.
        kind: What files like it are and why they are left out, as `Account.add` takes it.
        remedy: What would work, as an imperative.
        unit: What is counted.
    """

    of_one: str
    kind: str
    remedy: str = ""
    unit: str = FILES


@dataclasses.dataclass(frozen=True)
class LeftOut:
    """A file that was dropped and is not in the collection: why, which ends a sentence, and the kind it is one of."""

    name: str
    reason: str
    kind: str


OUTSIDE = Reason(
    "its path leads out of the archive", "files whose path leads out of their archive", "pack their folder again"
)
LINK = Reason("it is a link, not a file", "links in an archive", "pack the files that they lead to")
PACKING = Reason(
    "it is packed in a way that is not read; use an ordinary zip",
    "files packed in a way that is not read",
    "use an ordinary zip",
)
DAMAGED = Reason("it is damaged", "damaged files in an archive", "pack it again")
NAME = Reason("its name cannot be used for a file", "files whose names no file can have", "give them shorter names")
ARCHIVE = Reason("an archive inside an archive is not opened", "archives inside an archive", "drop them by themselves")
TABLE = Reason(
    "a table is called metadata.csv, .jsonl or .parquet",
    "tables and texts of other names, not read",
    "call a table metadata.csv",
)
TABLE_TWICE = Reason(
    "another table of that name came before it", "tables of one name in one folder", "put all rows into one"
)
NO_PICTURE = Reason("it is not a picture", "files that are no picture")


def unread(kind: str) -> Reason:
    """Why a picture of a kind that is not read is left out."""
    return Reason(
        f"it is {not_read(kind)}", f"{kind} pictures, which are not read", f"save them as {SAVE_AS}", PICTURES
    )


def large_picture(megabytes: int) -> Reason:
    """Why a picture of more megabytes is left out."""
    return Reason(
        f"it has more than {megabytes} MB", f"pictures of more than {megabytes} MB", "save them smaller", PICTURES
    )


def large_table(megabytes: int) -> Reason:
    """Why a table of more megabytes is left out."""
    limit = f"{megabytes} MB"
    return Reason(f"tables may have {limit} together", f"tables of more than {limit} in all", "leave rows out")


def many_rows(rows: int, columns: int) -> Reason:
    """Why a table of more lines or columns is left out."""
    limit = f"{rows:,} lines or {columns:,} columns"
    return Reason(f"it has more than {limit}", f"tables of more than {limit} in all", "leave rows or columns out")


def full(limit: str) -> Reason:
    """Why a picture is left out when a collection holds as much as it may."""
    return Reason(
        f"the collection is full ({limit})",
        f"pictures for which there is no room ({limit})",
        "embed them on your own machine",
        PICTURES,
    )


def same(name: str) -> Reason:
    """Why a picture is left out that is in the collection, byte for byte."""
    return Reason(f"it is the same picture as {name}", "pictures that are there already, byte for byte", unit=PICTURES)


def unreadable(sentence: str) -> Reason:
    """Why a picture is left out that cannot be decoded.

    Args:
        sentence: The error of `open_image` without the file; what it says would work is left away.
    """
    return Reason(sentence.partition(". ")[0].rstrip("."), UNREADABLE, f"save them again as {SAVE_AS}", PICTURES)


def leave(name: str, reason: Reason, listed: list[LeftOut], account: Account) -> None:
    """Note that a file is left out, by itself and among its kind."""
    listed.append(LeftOut(name, reason.of_one, reason.kind))
    account.add(reason.kind, name, reason.remedy, unit=reason.unit)
