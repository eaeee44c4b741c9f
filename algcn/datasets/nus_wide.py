r"""NUS-WIDE from its official files (lms.comp.nus.edu.sg): 269,648 Flickr photos, 81 concepts, the 1000 top tags.

    ImageList/Imagelist.txt                  actor\0001_2124494179.jpg, a line for each photo; all other files go by it
    Groundtruth/AllLabels/Labels_sky.txt     0 or 1 for each photo; one file for each concept
    NUS_WID_Tags/AllTags1k.txt               1000 times 0 or 1 for each photo, columns as in NUS_WID_Tags/TagList1k.txt
    Flickr/actor/0001_2124494179.jpg         the photos; ID_SECRET.jpg, 0001_ID_SECRET_m.jpg and ID.jpg will do too

The benchmark takes the 21 most frequent concepts; they are found by counting and ordered by it, the order of the
authors' label embeddings. A photo is kept when it has one of them and a tag, and is here: every copy lacks some photos.
Labels come from AllLabels alone; the files of TrainTestLabels repeat them, one with a broken line.
"""

from __future__ import annotations

import os
from collections.abc import Container, Iterator, Mapping
from functools import cached_property
from itertools import zip_longest
from pathlib import Path, PurePosixPath
from typing import NoReturn

from algcn.datasets.prepare import Record, first_there, open_root, read_lines
from algcn.kit.account import Account
from algcn.kit.errors import InputError
from algcn.kit.files import CHUNK_BYTES, sha256
from algcn.kit.picture_kinds import SUFFIXES
from algcn.method.labels import LabelSet

CONCEPTS = 21
BENCHMARK = 195_834  # photos with one of the 21 concepts
FLAGS = frozenset({"0", "1"})
MISSING = "whose photo is not here"
ROW_DIGITS = 6  # of a number of a row in the list, which some copies put before the Flickr id
PHOTO_FOLDERS = ("Flickr", "images", "image", "Images", "NUS-WIDE/Flickr")


class NusWide:
    """NUS-WIDE below `root`.

    Args:
        root: The folder with `Groundtruth`, `ImageList` and `NUS_WID_Tags`.
        images: The folder with the photos; one of `PHOTO_FOLDERS` below the root by default.
        concepts: How many of the most frequent concepts to take.

    Raises:
        InputError: A file is missing, or two of them do not have the same number of lines.
    """

    dataset = "nus-wide"

    def __init__(self, root: str | Path, images: str | Path | None = None, concepts: int = CONCEPTS) -> None:
        self.root = open_root(root)
        self.account = Account()
        self.labels = self._find("Groundtruth/AllLabels", "ground truth", "NUS-WIDE/Groundtruth/AllLabels", "AllLabels")
        self.list = self._find("ImageList/Imagelist.txt", "list of images", "ImageList/ImageList.txt", "Imagelist.txt")
        self.tags = self._find("NUS_WID_Tags/AllTags1k.txt", "tags", "AllTags1k.txt")
        self.tag_names = self._find("NUS_WID_Tags/TagList1k.txt", "list of tags", "TagList1k.txt")
        if images is None:
            self.images = self._find(PHOTO_FOLDERS[0], "folder of photos", *PHOTO_FOLDERS[1:])
        else:
            self.images = open_root(images)
        self.vocabulary = [line for line in read_lines(self.tag_names) if line]
        self.concepts = self._most_frequent(concepts)
        self.label_set = LabelSet(self.concepts)

    def _find(self, path: str, what: str, *others: str) -> Path:
        return first_there([self.root / name for name in (path, *others)], what, self.root)

    def _label_file(self, concept: str) -> Path:
        return self.labels / f"Labels_{concept}.txt"

    def _most_frequent(self, wanted: int) -> list[str]:
        """Find the concepts with the most photos, the most frequent first."""
        counts = {}
        for path in sorted(self.labels.glob("Labels_*.txt")):
            with path.open("rb") as stream:
                counts[path.stem.removeprefix("Labels_")] = sum(
                    chunk.count(b"1") for chunk in iter(lambda stream=stream: stream.read(CHUNK_BYTES), b"")
                )
        if len(counts) < wanted:
            raise InputError(
                f"The folder {str(self.labels)!r} has {len(counts)} files Labels_*.txt, and the {wanted} most frequent "
                "concepts are wanted; unpack Groundtruth.zip again."
            )
        return sorted(counts, key=lambda name: (-counts[name], name))[:wanted]

    @cached_property
    def _photos(self) -> tuple[dict[str, Path], dict[str, Path]]:
        """Map file names to photos, and Flickr ids of the list too; count the photos that the list does not name."""
        listed = {_flickr_id(name): name for name in map(_posix, read_lines(self.list)) if name}
        by_name: dict[str, Path] = {}
        by_id: dict[str, Path] = {}
        for path in sorted(self.images.rglob("*")):
            if path.suffix.lower() not in SUFFIXES or path.name.startswith("."):
                continue
            by_name.setdefault(path.name, path)
            flickr_id = _id_of_photo(path.stem, listed)
            where = path.relative_to(self.images).as_posix()
            if flickr_id is None:
                self.account.add(f"photos that {self.list.name} does not name", where, unit="photos")
            elif (other := by_id.setdefault(flickr_id, path)) is not path:
                if where == listed[flickr_id]:  # this one is taken
                    by_id[flickr_id], where = path, other.relative_to(self.images).as_posix()
                self.account.add("photos with the Flickr id of another photo", where, unit="photos")
        return by_name, by_id

    def _photo(self, name: str) -> Path | None:
        """Find the photo that the list calls `name`: there, elsewhere by its file name, or by its Flickr id."""
        by_name, by_id = self._photos
        path = self.images / name
        if os.path.isfile(path):  # False for a name that is too long, too
            return path
        return by_name.get(PurePosixPath(name).name) or by_id.get(_flickr_id(name))

    def _complain_of_photos(self, name: str) -> NoReturn:
        """Raise an error where not one photo of the list is here; `name` is one that was looked for."""
        found = next(iter(self._photos[0]), None)
        there = f"it holds for instance {found!r}" if found else "it holds no pictures"
        flickr_id = _flickr_id(name)
        raise InputError(
            f"The folder {str(self.images)!r} has none of the photos that {self.list.name} names: looked for names "
            f"such as {name!r}, '{flickr_id}.jpg' and '{flickr_id}_SECRET.jpg', and {there}; give the folder with the "
            "photos as --images."
        )

    @cached_property
    def _official(self) -> dict[str, frozenset[str]]:
        """Read the names that the collection's own lists put into train and test; empty where there are no lists."""
        lists = {split: self.list.parent / f"{split.title()}{self.list.name}" for split in ("train", "test")}
        return {
            split: frozenset(_posix(line) for line in read_lines(path) if line) if path.is_file() else frozenset()
            for split, path in lists.items()
        }

    def records(self, left_out: Account) -> Iterator[Record]:
        """Yield the photos here with a label and a tag, in the order of the list; a text is the photo's tags."""
        found, missing = False, ""
        columns = [read_lines(self._label_file(concept)) for concept in self.concepts]
        for row, (name, tags, *flags) in enumerate(
            zip_longest(read_lines(self.list), read_lines(self.tags), *columns), start=1
        ):
            if not (name and tags and FLAGS.issuperset(flags)):
                self._complain(row, name, tags, flags)
                continue
            name = _posix(name)
            labels = [concept for concept, flag in zip(self.concepts, flags, strict=True) if flag == "1"]
            if not labels:
                left_out.add("without a label", name)
                continue
            words = self._words(row, tags)
            if not words:
                left_out.add("without a tag", name)
                continue
            photo = self._photo(name)
            if photo is None:
                left_out.add(MISSING, name)
                missing = missing or name
                continue
            found = True
            official = next((split for split, names in self._official.items() if name in names), None)
            yield Record(name, photo, [" ".join(words)], labels, official)
        if missing and not found:
            self._complain_of_photos(missing)

    def _complain(self, row: int, name: str | None, tags: str | None, flags: list[str | None]) -> None:
        """Raise an error for a file that lacks a photo's line or has one not 0 or 1; a line empty in all is fine."""
        lines = {self.list.name: name, self.tags.name: tags}
        lines |= {self._label_file(concept).name: flag for concept, flag in zip(self.concepts, flags, strict=True)}
        for file, line in lines.items():
            longer = next((other for other, text in lines.items() if text), None)
            if longer and not line:
                raise InputError(
                    f"The file {file} has no line {row}, but {longer} has one; every file needs a line for each photo."
                )
        for concept, flag in zip(self.concepts, flags, strict=True):
            if flag and flag not in FLAGS:
                raise InputError(f"Line {row} of Labels_{concept}.txt must be 0 or 1, not {flag[:40]!r}.")

    def _words(self, row: int, line: str) -> list[str]:
        flags = line.split()
        if len(flags) != len(self.vocabulary):
            raise InputError(
                f"Line {row} of {self.tags.name} has {len(flags)} columns for the {len(self.vocabulary)} tags of "
                f"{self.tag_names.name}; both must be of one release."
            )
        return [word for word, flag in zip(self.vocabulary, flags, strict=True) if flag == "1"]

    def against_benchmark(self, kept: int, left_out: Mapping[str, int]) -> str:
        """Compare how many photos have a label with the number that the literature gives, which asks for no tag."""
        labelled = kept + sum(left_out.values()) - left_out.get("without a label", 0)
        return (
            f"{labelled:,} have a label, {BENCHMARK:,} with {CONCEPTS} concepts in the literature, which counts no tags"
        )

    def sources(self) -> dict[str, str]:
        """Hash the files that were read."""
        paths = [self.list, self.tags, self.tag_names, *map(self._label_file, self.concepts)]
        return {path.relative_to(self.root).as_posix(): sha256(path) for path in paths}


def _posix(name: str) -> str:
    """Turn a path of the lists, which are written with backslashes, into one with slashes."""
    return name.replace("\\", "/")


def _flickr_id(name: str) -> str:
    """Return the Flickr id of a name in the list, which ends with it."""
    return PurePosixPath(name).stem.rsplit("_", 1)[-1]


def _id_of_photo(stem: str, listed: Container[str]) -> str | None:
    """Return the one of the listed Flickr ids that a photo is named by: ROW_ID, ID_SECRET, ROW_ID_SECRET_m or ID.

    A row's number may be an old, short id too, and a secret of digits alone a long one: the id is the first that can
    be no row, or what follows the row.
    """
    found = [part for part in stem.split("_") if part in listed]
    if len(found) > 1 and len(found[0]) <= ROW_DIGITS:
        return found[1]
    return found[0] if found else None
