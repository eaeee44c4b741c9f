"""MS-COCO from its official files (cocodataset.org): photos, about five captions each, 80 labels from the instances.

    annotations/captions_{train,val}2014.json      "images" and "annotations" (image_id, caption)
    annotations/instances_{train,val}2014.json     "categories" and "annotations" (image_id, category_id)
    train2014/COCO_train2014_000000000009.jpg …    the photos, also below images/

2017 is the same with other names and other shares. A photo is kept when it has a caption and an instance: 122,218 of
either year. The JSON is read entry by entry and joined in a temporary SQLite file, so that the 800,000 instances are
never in memory.

Annotation tools write such files too: their ids are known within a split only (see `coco_entries`), their categories
are joined by name, and what belongs to nothing is counted in the account.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from algcn.datasets.coco_entries import Numbers, Place, read_captions, read_file_name, read_id, read_text
from algcn.datasets.json_stream import stream_lists
from algcn.datasets.prepare import Record, first_there, open_root
from algcn.kit.account import Account
from algcn.kit.errors import InputError
from algcn.kit.files import sha256
from algcn.method.labels import Label, LabelSet

YEARS = ("2014", "2017")
PARTS = {"train": "train", "val": "test"}
CAPTIONS = 5
ROWS = 10_000  # inserted at once
BENCHMARK = 122_218
# Images and categories have numbers here, given as their ids come up. The ids themselves have no type: SQLite keeps
# whole numbers and texts apart, and sorts numbers as numbers.
_TABLES = """
CREATE TABLE image (number INTEGER PRIMARY KEY, part TEXT, id, name TEXT);
CREATE TABLE caption (image INTEGER, id, turn INTEGER, text TEXT);
CREATE TABLE instance (image INTEGER, category INTEGER, UNIQUE (image, category));
CREATE TABLE category (number INTEGER PRIMARY KEY, position INTEGER);
"""
_INSERT = {
    table: f"INSERT OR IGNORE INTO {table} VALUES ({', '.join('?' * columns)})"
    for table, columns in (("image", 4), ("caption", 4), ("instance", 2), ("category", 2))
}
_ITEMS = """
SELECT image.part, image.name,
    (SELECT group_concat(position) FROM (SELECT DISTINCT position FROM instance
                                         JOIN category ON category.number = category
                                         WHERE instance.image = image.number ORDER BY position)),
    image.id, image.number
FROM image ORDER BY image.part, image.id
"""
_CAPTIONS = "SELECT text FROM caption WHERE image = ? ORDER BY id, turn LIMIT ?"
_ONE_NAME = "SELECT part, name, min(id), max(id) FROM image WHERE name > '' GROUP BY part, name HAVING count(*) > 1"
_NO_NAME = "SELECT number FROM image WHERE name IS NULL"
_NO_IMAGE = {
    table: f"SELECT image FROM {table} WHERE NOT EXISTS (SELECT 1 FROM image WHERE number = {table}.image)"
    for table in ("caption", "instance")
}
_NO_CATEGORY = "SELECT category FROM instance WHERE NOT EXISTS (SELECT 1 FROM category WHERE number = category)"
_MANY_CAPTIONS = "SELECT image, count(*) FROM caption GROUP BY image HAVING count(*) > ?"
_LIST_IMAGE = "list it under 'images' with this id"
_LIST_CATEGORY = "list it under 'categories' of the same file with this id"


class MsCoco:
    """MS-COCO below `root`.

    Args:
        root: The folder with `annotations` and the folders of photos.
        year: "2014" or "2017"; the first that is there by default.
        captions: At most so many of each photo, in the order of their ids.

    Raises:
        InputError: A file is missing or damaged, an id stands for two things, or the files do not belong together.
    """

    dataset = "ms-coco"
    vocabulary = None

    def __init__(self, root: str | Path, year: str | None = None, captions: int = CAPTIONS) -> None:
        self.root = open_root(root)
        self.captions = captions
        self.account = Account()
        self._rows: dict[str, list[tuple[Any, ...]]] = {"caption": [], "instance": []}
        self._images, self._categories = Numbers(), Numbers()
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
        labels: dict[str, Label] = {}
        for (kind, part), path in self.files.items():
            where = Place(path.name)
            readers = {"images": self._read_image, "annotations": self._read_caption}
            if kind == "instances":
                readers |= {"annotations": self._read_instance, "categories": partial(self._read_category, labels)}
            for key, entry in stream_lists(path):
                where.move_on(key)
                try:
                    if key in readers:
                        readers[key](part, entry, where)
                except InputError:
                    raise
                except (KeyError, TypeError, ValueError) as error:
                    reason = f"it has no {error}" if isinstance(error, KeyError) else error
                    raise InputError(
                        f"E{str(where)[1:]} is none of COCO's ({reason}); correct it, or copy the file again."
                    ) from error
        for table in self._rows:
            self._flush(table)
        self._database.execute("CREATE INDEX caption_image ON caption (image, id, turn)")
        self._database.commit()
        self._check_names()
        self._count_unused()
        return LabelSet(labels.values())

    def _read_image(self, part: str, entry: dict[str, Any], where: Place) -> None:
        """Read an image; both files of a split list it, and must mean the same photo by its id."""
        given, name = _known(entry["id"]), read_file_name(entry["file_name"])
        number = self._images.of(part, given)
        if self._insert("image", number, part, given, name):
            return
        (known,) = self._database.execute("SELECT name FROM image WHERE number = ?", (number,)).fetchone()
        if known is None:
            self._database.execute("UPDATE image SET name = ? WHERE number = ?", (name, number))
        elif name not in (None, known):
            raise InputError(
                f"The image {given!r} of {part} is {known!r} and, in {where}, {name!r}; give every photo an id of "
                f"its own, the same in the captions and the instances of {part}."
            )

    def _read_caption(self, part: str, entry: dict[str, Any], where: Place) -> None:
        captions, order = read_captions(entry["caption"]), read_id(entry.get("id"))
        image = read_id(entry["image_id"], "image_id")
        for turn, text in enumerate(captions):
            if not text:
                self.account.add(
                    "captions that are null or empty", str(where), "write at least a word", unit="captions"
                )
            elif image is None:
                self._count_orphan("captions", str(where))
            else:
                self._keep("caption", self._images.of(part, image), order, turn, text)

    def _read_instance(self, part: str, entry: dict[str, Any], where: Place) -> None:
        image, category = read_id(entry["image_id"], "image_id"), read_id(entry["category_id"], "category_id")
        if image is None:
            self._count_orphan("labels", str(where))
        elif category is None:
            self.account.add("labels of an unknown category", str(where), _LIST_CATEGORY, unit="labels")
        else:
            # Repeated instances are one label.
            numbers = self._images.of(part, image), self._categories.of(part, category)
            self._keep("instance", *numbers)

    def _read_category(self, labels: dict[str, Label], part: str, entry: dict[str, Any], where: Place) -> None:
        """Read the label of a category, its name with the supercategory as group; a name is one label in all files."""
        given, name = _known(entry["id"]), read_text(entry["name"], "name")
        group = read_text(entry.get("supercategory"), "supercategory")
        try:
            label = Label(name, group)
        except InputError as error:
            raise ValueError(str(error).rstrip(".")) from error
        known = labels.setdefault(name, label)
        if group and not known.group:
            labels[name] = label
        elif group and group != known.group:
            raise InputError(
                f"The category {name!r} is of the supercategory {known.group!r} and, in {where}, of {group!r}; give "
                "categories names of their own, and use annotations of one release."
            )
        position = list(labels).index(name)
        number = self._categories.of(part, given)
        if self._insert("category", number, position):
            return
        (before,) = self._database.execute("SELECT position FROM category WHERE number = ?", (number,)).fetchone()
        if before != position:
            raise InputError(
                f"The category {given!r} of {part} is {list(labels)[before]!r} and, in {where}, {name!r}; give every "
                "category an id of its own."
            )

    def _insert(self, table: str, *values: Any) -> bool:
        """Insert a row where there is none of its key yet."""
        return self._database.execute(_INSERT[table], values).rowcount > 0

    def _keep(self, table: str, *values: Any) -> None:
        """Insert a row later, with many others at once, which is faster."""
        rows = self._rows[table]
        rows.append(values)
        if len(rows) == ROWS:
            self._flush(table)

    def _flush(self, table: str) -> None:
        self._database.executemany(_INSERT[table], self._rows[table])
        self._rows[table].clear()

    def _check_names(self) -> None:
        twice = self._database.execute(_ONE_NAME).fetchone()
        if twice:
            part, name, one, other = twice
            raise InputError(
                f"The images {one!r} and {other!r} of {part} are both {name!r}; give every photo one id, in the "
                "captions and in the instances."
            )

    def _count_unused(self) -> None:
        """Count what was read and belongs to nothing."""
        images, categories = self._images.ids, self._categories.ids

        def where(found: tuple[str, int | str], kind: str) -> str:
            part, given = found
            return f"of {given!r} in the file {self.files[kind, part].name}"

        for (number,) in self._database.execute(_NO_NAME):
            part, given = images[number]
            self.account.add("images without a file name", f"{given!r} of {part}", "write its file_name", unit="images")
        for table, what, kind in (("caption", "captions", "captions"), ("instance", "labels", "instances")):
            for (number,) in self._database.execute(_NO_IMAGE[table]):
                self._count_orphan(what, where(images[number], kind))
        for (number,) in self._database.execute(_NO_CATEGORY):
            found = where(categories[number], "instances")
            self.account.add("labels of an unknown category", found, _LIST_CATEGORY, unit="labels")
        for number, count in self._database.execute(_MANY_CAPTIONS, (self.captions,)):
            kind, found = f"captions beyond the first {self.captions} of a photo", where(images[number], "captions")
            self.account.add(kind, found, f"take more with --captions {count}", count - self.captions, "captions")

    def _count_orphan(self, what: str, where: str) -> None:
        self.account.add(f"{what} of an unknown image", where, _LIST_IMAGE, unit=what)

    def records(self, left_out: Account) -> Iterator[Record]:
        """Yield the photos with a caption and a label, train before validation, by id."""
        names = self.label_set.names
        for part, name, positions, given, number in self._database.execute(_ITEMS):
            folder = self.folders[part]
            item = f"{folder.name}/{name}" if name else f"image {given!r} of {part}"
            captions = self._database.execute(_CAPTIONS, (number, self.captions)).fetchall()
            if not name:
                left_out.add("without a file name", item)
            elif not positions:
                left_out.add("without a label", item)
            elif not captions:
                left_out.add("without a caption", item)
            else:
                photo = folder / name
                if not os.path.isfile(photo):  # False for a name that is too long, too
                    raise InputError(
                        f"The photo {name:.100} is missing in {str(folder)!r}; unpack {folder.name}.zip again."
                    )
                labels = [names[int(position)] for position in positions.split(",")]
                yield Record(item, photo, [text for (text,) in captions], labels, PARTS[part])

    def against_benchmark(self, kept: int, left_out: Mapping[str, int]) -> str:
        """Compare the number of photos that are kept with the literature's."""
        return f"the literature keeps {BENCHMARK:,} by this rule" + (", so do we" if kept == BENCHMARK else "")

    def sources(self) -> dict[str, str]:
        """Hash the four JSON files."""
        return {path.relative_to(self.root).as_posix(): sha256(path) for path in self.files.values()}


def _known(value: Any) -> int | str:
    """Read the id by which an image or a category is known.

    Raises:
        ValueError: It is null, or no id at all.
    """
    number = read_id(value)
    if number is None:
        raise ValueError("its id must be a whole number or a text, not null")
    return number
