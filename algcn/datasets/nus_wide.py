r"""NUS-WIDE from its official files (lms.comp.nus.edu.sg): 269,648 Flickr photos, 81 concepts, the 1000 top tags.

    ImageList/Imagelist.txt                  actor\0001_2124494179.jpg, a line for each photo; all other files go by it
    Groundtruth/AllLabels/Labels_sky.txt     0 or 1 for each photo; one file for each concept
    NUS_WID_Tags/AllTags1k.txt               1000 times 0 or 1 for each photo, columns as in NUS_WID_Tags/TagList1k.txt
    Flickr/actor/0001_2124494179.jpg         the photos; any folder whose file names hold the Flickr id will do

The benchmark takes the 21 most frequent concepts; they are found by counting and ordered by it, the order of the
authors' label embeddings. A photo is kept when it has one of them and a tag, and is here: every copy lacks some photos.
Labels come from AllLabels alone; the files of TrainTestLabels repeat them, one with a broken line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from itertools import zip_longest
from pathlib import Path, PurePosixPath

from algcn.datasets.prepare import Record, first_there, open_root, read_lines
from algcn.kit.errors import InputError
from algcn.kit.files import CHUNK_BYTES, sha256
from algcn.kit.images import SUFFIXES
from algcn.method.labels import LabelSet

CONCEPTS = 21
BENCHMARK = 195_834  # photos with one of the 21 concepts
FLAGS = frozenset({"0", "1"})
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
    def _photos(self) -> tuple[dict[str, Path], dict[str, Path | None]]:
        """Map file names to photos, and Flickr ids too where only one photo has it."""
        by_name: dict[str, Path] = {}
        by_id: dict[str, Path | None] = {}
        for path in sorted(self.images.rglob("*")):
            if path.suffix.lower() in SUFFIXES:
                by_name[path.name] = path
                flickr_id = path.stem.rsplit("_", 1)[-1]
                by_id[flickr_id] = None if flickr_id in by_id else path
        return by_name, by_id

    def _photo(self, name: str) -> Path | None:
        """Find the photo that the list calls `name`: there, elsewhere by its file name, or by its Flickr id."""
        path = self.images / name
        if path.is_file():
            return path
        by_name, by_id = self._photos
        file = PurePosixPath(name)
        return by_name.get(file.name) or by_id.get(file.stem.rsplit("_", 1)[-1])

    @cached_property
    def _official(self) -> dict[str, frozenset[str]]:
        """Read the names that the collection's own lists put into train and test; empty where there are no lists."""
        lists = {split: self.list.parent / f"{split.title()}{self.list.name}" for split in ("train", "test")}
        return {
            split: frozenset(_posix(line) for line in read_lines(path) if line) if path.is_file() else frozenset()
            for split, path in lists.items()
        }

    def records(self, left_out: Counter[str]) -> Iterator[Record]:
        """Yield the photos here with a label and a tag, in the order of the list; a text is the photo's tags."""
        columns = [read_lines(self._label_file(concept)) for concept in self.concepts]
        for row, (name, tags, *flags) in enumerate(
            zip_longest(read_lines(self.list), read_lines(self.tags), *columns), start=1
        ):
            if not (name and tags and FLAGS.issuperset(flags)):
                self._complain(row, name, tags, flags)
                continue
            labels = [concept for concept, flag in zip(self.concepts, flags, strict=True) if flag == "1"]
            if not labels:
                left_out["without a label"] += 1
                continue
            words = self._words(row, tags)
            if not words:
                left_out["without a tag"] += 1
                continue
            name = _posix(name)
            photo = self._photo(name)
            if photo is None:
                left_out["whose photo is not here"] += 1
                continue
            official = next((split for split, names in self._official.items() if name in names), None)
            yield Record(name, photo, [" ".join(words)], labels, official)

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

    def against_benchmark(self, kept: int, left_out: Counter[str]) -> str:
        """Compare how many photos have a label with the number that the literature gives, which asks for no tag."""
        labelled = kept + sum(left_out.values()) - left_out["without a label"]
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
