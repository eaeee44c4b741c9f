"""Folders, tables and zips as people have them, drawn by hypothesis; what was given is known, and so can be counted.

A `Given` says what is in a folder; `write` makes it. Names are written as Macs, spreadsheets and Windows write them,
some rows are of pictures that are gone, some pictures are in no row, and there are files that are no picture.
"""

from __future__ import annotations

import csv
import json
import unicodedata
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow
from hypothesis import strategies as st
from pyarrow import parquet

from algcn.datasets.folders.names import composed

JPEG = b"\xff\xd8\xff\xe0"
_SUFFIXES = (".jpg", ".JPG", ".jpeg", ".png", ".jfif", ".HEIC", ".avif", "")
_OTHERS = (
    ("notes.txt", b"text"), ("captions.csv", b"a,b\n"), ("old.zip", b"PK\5\6"), ("clip.mp4", b"\0\0\0\x18ftypmp42"),
    ("Thumbs.db", b""), (".DS_Store", b""), ("._a.jpg", b""), ("README.md", b""),
)  # fmt: skip
_UNREAD = (("x.jxl", b""), ("x.nef", b""), ("x.svg", b"<svg/>"), ("x.bin", b"\xff\x0a"))
_NAMES = st.text("aZé한日ß -_", min_size=1, max_size=6).filter(lambda name: name.strip() == name)
_WORDS = st.text("abcdé ", min_size=1, max_size=6).map(lambda word: " ".join(word.split())).filter(bool)


@dataclass(frozen=True)
class Row:
    """A row of a table: the picture that it names, None for one that is not there."""

    picture: str | None
    file_name: str
    text: str
    labels: tuple[str, ...]


@dataclass(frozen=True)
class Given:
    """What a person gives: pictures by name with their bytes, rows, and files that are no pictures.

    Attributes:
        unread: How many of the files are pictures of a format that is not read.
        others: How many are no pictures, and no system's own.
    """

    files: dict[str, bytes]
    pictures: tuple[str, ...]
    rows: tuple[Row, ...]
    format: str
    joint: str
    unread: int
    others: int

    @property
    def named(self) -> set[str]:
        """The pictures that some row names."""
        return {row.picture for row in self.rows if row.picture is not None}

    def write(self, root: Path) -> None:
        """Make the folder."""
        for name, data in self.files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(data)
        if self.rows:
            _write_table(root, self)


def _write_table(root: Path, given: Given) -> None:
    as_list = given.joint == "list"
    rows: list[dict[str, Any]] = [
        {
            "file_name": row.file_name,
            "text": row.text,
            "labels": list(row.labels) if as_list else given.joint.join(row.labels),
        }
        for row in given.rows
    ]
    if given.format == "csv":
        with (root / "metadata.csv").open("w", newline="", encoding="utf-8-sig") as stream:
            writer = csv.DictWriter(stream, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    elif given.format == "jsonl":
        (root / "Metadata.jsonl").write_text("".join(json.dumps(row) + "\n\n" for row in rows), encoding="utf-8")
    else:
        parquet.write_table(pyarrow.Table.from_pylist(rows), root / "METADATA.parquet")


@st.composite
def spelt(draw: st.DrawFn, name: str) -> str:
    """A picture's name as a table may write it."""
    form = unicodedata.normalize(draw(st.sampled_from(("NFC", "NFD"))), name)
    path = PurePosixPath(form)
    if path.suffix and draw(st.booleans()):
        form = str(path.with_suffix(path.suffix.swapcase()))
    return form.replace("/", "\\") if draw(st.booleans()) else form


@st.composite
def given_folders(draw: st.DrawFn, *, with_table: bool | None = None) -> Given:
    """Draw what a person gives."""
    folders = ["", *(f"in {name}/" for name in draw(st.lists(_NAMES, max_size=2)))]
    stems = draw(st.lists(_NAMES, min_size=1, max_size=6, unique_by=lambda name: composed(composed(name).casefold())))
    form = draw(st.sampled_from(("NFC", "NFD")))  # of the system that holds the files
    files: dict[str, bytes] = {}
    for number, stem in enumerate(stems):
        name = draw(st.sampled_from(folders)) + stem + draw(st.sampled_from(_SUFFIXES))
        files[unicodedata.normalize(form, name)] = JPEG + bytes([number])
    pictures = tuple(files)
    rows: tuple[Row, ...] = ()
    if draw(st.booleans()) if with_table is None else with_table:
        labels = st.lists(_WORDS, max_size=3, unique_by=str.casefold).map(tuple)
        drawn = draw(st.lists(st.tuples(st.sampled_from((*pictures, None)), _WORDS, labels), min_size=1, max_size=10))
        rows = tuple(
            Row(name, draw(spelt(name)) if name is not None else f"gone {number}.jpg", text, labels)
            for number, (name, text, labels) in enumerate([(pictures[0], "the first", ("dog",)), *drawn])
        )
    unread = draw(st.lists(st.sampled_from(_UNREAD), unique=True))
    others = draw(st.lists(st.sampled_from(_OTHERS), unique=True))
    where = draw(st.sampled_from(folders))
    files |= {where + name: data for name, data in (*unread, *others)}
    files |= dict.fromkeys(
        draw(st.lists(st.sampled_from((".thumbnails/a.jpg", "@eaDir/a.jpg", "__MACOSX/a.jpg")))), JPEG
    )
    return Given(
        files=files,
        pictures=pictures,
        rows=rows,
        format=draw(st.sampled_from(("csv", "jsonl", "parquet"))),
        joint=draw(st.sampled_from(("|", " | ", ";", "; ", ",", "list"))),
        unread=len(unread),
        others=sum(name in ("notes.txt", "captions.csv", "old.zip", "clip.mp4") for name, _ in others),
    )
