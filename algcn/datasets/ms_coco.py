"""MS-COCO from its official files (cocodataset.org): photos, about five captions each, 80 labels from the instances.

    annotations/captions_{train,val}2014.json      "images" and "annotations" (image_id, caption)
    annotations/instances_{train,val}2014.json     "categories" and "annotations" (image_id, category_id)
    train2014/COCO_train2014_000000000009.jpg …    the photos, also below images/

2017 is the same with other names and other shares. A photo is kept when it has a caption and an instance: 122,218 of
either year. The JSON is read entry by entry and joined in a temporary SQLite file, so that the 800,000 instances are
never in memory.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from algcn.datasets.json_stream import stream_lists
from algcn.datasets.prepare import Record, first_there, open_root
from algcn.kit.errors import InputError
from algcn.kit.files import sha256
from algcn.method.labels import Label, LabelSet

YEARS = ("2014", "2017")
PARTS = {"train": "train", "val": "test"}
CAPTIONS = 5
BENCHMARK = 122_218
_TABLES = """
CREATE TABLE image (id INTEGER PRIMARY KEY, name TEXT, part TEXT);
CREATE TABLE caption (image INTEGER, id INTEGER, text TEXT);
CREATE TABLE instance (image INTEGER, category INTEGER, UNIQUE (image, category));
CREATE TABLE category (id INTEGER PRIMARY KEY, position INTEGER);
"""
_ITEMS = """
SELECT image.part, image.name,
    (SELECT group_concat(position) FROM (SELECT position FROM instance JOIN category ON category.id = category
                                         WHERE instance.image = image.id ORDER BY position)),
    image.id
FROM image ORDER BY part, image.id
"""


class MsCoco:
    """MS-COCO below `root`.

    Args:
        root: The folder with `annotations` and the folders of photos.
        year: "2014" or "2017"; the first that is there by default.
        captions: At most so many of each photo, in the order of their ids.

    Raises:
        InputError: A file is missing or damaged, or the files do not belong together.
    """

    dataset = "ms-coco"
    vocabulary = None

    def __init__(self, root: str | Path, year: str | None = None, captions: int = CAPTIONS) -> None:
        self.root = open_root(root)
        self.captions = captions
        first = [self.root / "annotations" / f"captions_train{known}.json" for known in ([year] if year else YEARS)]
        self.year = first_there(first, "captions", self.root).stem.removeprefix("captions_train")
        self.files = {
            (kind, part): first_there(
                [self.root / "annotations" / f"{kind}_{part}{self.year}.json"], f"file of {kind}", self.root
            )
            for part in PARTS
            for kind in ("captions", "instances")
        }
        self.folders = {
            part: first_there(
                [self.root / f"{part}{self.year}", self.root / "images" / f"{part}{self.year}"], "photos", self.root
            )
            for part in PARTS
        }
        self._aside = tempfile.TemporaryDirectory(prefix="algcn-coco-")
        self._database = sqlite3.connect(Path(self._aside.name) / "items.sqlite")
        self._database.executescript(_TABLES)
        self.label_set = self._read()

    def close(self) -> None:
        """Remove the temporary file."""
        self._database.close()
        self._aside.cleanup()

    def _read(self) -> LabelSet:
        categories: dict[int, Label] = {}
        for (kind, part), path in self.files.items():
            for key, entry in stream_lists(path):
                try:
                    if kind == "captions":
                        self._read_caption(key, entry, part)
                    elif key == "categories":
                        self._read_category(entry, categories, path)
                    elif key == "annotations":
                        self._insert("instance", int(entry["image_id"]), int(entry["category_id"]))
                except (KeyError, TypeError, ValueError) as error:
                    if isinstance(error, InputError):
                        raise
                    raise InputError(
                        f"The file {path.name} has an entry of {key!r} that is none of COCO's ({error!r}); copy it "
                        "again."
                    ) from error
        self._database.execute("CREATE INDEX caption_image ON caption (image, id)")
        self._database.commit()
        unknown = self._database.execute(
            "SELECT DISTINCT category FROM instance WHERE category NOT IN (SELECT id FROM category)"
        ).fetchone()
        if unknown:
            raise InputError(
                f"An instance is of the category {unknown[0]}, which the file does not list; copy it again."
            )
        return LabelSet(categories.values())

    def _read_caption(self, key: str, entry: dict[str, Any], part: str) -> None:
        if key == "images":
            self._insert("image", int(entry["id"]), str(entry["file_name"]), part)
        elif key == "annotations" and (text := " ".join(str(entry["caption"]).split())):
            self._insert("caption", int(entry["image_id"]), int(entry["id"]), text)

    def _read_category(self, entry: dict[str, Any], categories: dict[int, Label], path: Path) -> None:
        """Read the label of a category: its name, with the supercategory as group; both files list the same ones."""
        number, label = int(entry["id"]), Label(str(entry["name"]), str(entry.get("supercategory", "")))
        if categories.setdefault(number, label) != label:
            raise InputError(
                f"The file {path.name} calls category {number} {label.name!r} and another file calls it otherwise; "
                f"use annotations of one release."
            )
        self._insert("category", number, list(categories).index(number))

    def _insert(self, table: str, *values: Any) -> None:
        # Repeated instances are one label. The table's name is one of ours.
        marks = ", ".join("?" * len(values))
        self._database.execute(f"INSERT OR IGNORE INTO {table} VALUES ({marks})", values)

    def records(self, left_out: Counter[str]) -> Iterator[Record]:
        """Yield the photos with a caption and a label, train before validation, by id."""
        names = self.label_set.names
        for part, name, positions, number in self._database.execute(_ITEMS):
            captions = self._database.execute(
                "SELECT text FROM caption WHERE image = ? ORDER BY id LIMIT ?", (number, self.captions)
            ).fetchall()
            if not positions:
                left_out["without a label"] += 1
            elif not captions:
                left_out["without a caption"] += 1
            else:
                folder = self.folders[part]
                photo = folder / name
                if not photo.is_file():
                    raise InputError(f"The photo {name} is missing in {str(folder)!r}; unpack {folder.name}.zip again.")
                labels = [names[int(position)] for position in positions.split(",")]
                yield Record(f"{folder.name}/{name}", photo, [text for (text,) in captions], labels, PARTS[part])

    def against_benchmark(self, kept: int, left_out: Counter[str]) -> str:
        """Compare the number of photos that are kept with the literature's."""
        return f"the literature keeps {BENCHMARK:,} by this rule" + (", so do we" if kept == BENCHMARK else "")

    def sources(self) -> dict[str, str]:
        """Hash the four JSON files."""
        return {path.relative_to(self.root).as_posix(): sha256(path) for path in self.files.values()}
