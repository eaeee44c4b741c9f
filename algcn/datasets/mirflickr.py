"""MIRFlickr-25K from its official files (press.liacs.nl/mirflickr): photos, tags, 24 labels.

    mirflickr/im1.jpg … im25000.jpg               mirflickr/meta/tags/tags1.txt …       one tag a line
    mirflickr/doc/common_tags.txt                 "tag count" for tags of at least 20 photos: 1386
    mirflickr25k_annotations_v080/sky.txt …       numbers of the photos with the label, one a line

Labels come twice: `potential` (24, whatever is visible in part) is what the benchmark uses; `relevant` (the 14 files
`*_r1.txt`) holds where the label is salient. A photo is kept when it has a label and one of the common tags. Copies
that call photos IM1.JPG or im00001.png, or have them in a folder `images`, are read as well.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from algcn.datasets.prepare import Record, first_there, open_root, read_lines
from algcn.kit.account import Account
from algcn.kit.errors import InputError
from algcn.kit.files import sha256
from algcn.kit.picture_kinds import SUFFIXES
from algcn.method.labels import Label, LabelSet

BENCHMARK = 20_015
COMMON = 20  # photos that a common tag is on
# The groups are those of the paper's figure of the learned classifiers.
GROUPS = {
    "people": ("people", "male", "female", "portrait", "baby"),
    "water": ("water", "sea", "lake", "river"),
    "transport": ("transport", "car"),
    "animals": ("animals", "dog", "bird"),
    "plants": ("plant_life", "flower", "tree"),
    "sky": ("sky", "clouds", "sunset", "night"),
    "structures": ("structures", "indoor"),
    "food": ("food",),
}
NAMES = sorted(name for names in GROUPS.values() for name in names)
# Words for a label that somebody may type instead of its name.
SYNONYMS = {
    "animals": ("animal", "pet", "wildlife"),
    "baby": ("babies", "infant", "toddler"),
    "bird": ("birds",),
    "car": ("cars", "automobile"),
    "clouds": ("cloud", "cloudy"),
    "dog": ("dogs", "puppy"),
    "female": ("woman", "women", "girl", "lady"),
    "flower": ("flowers", "blossom"),
    "food": ("meal", "dish"),
    "indoor": ("indoors", "interior"),
    "lake": ("lakes", "pond"),
    "male": ("man", "men", "boy"),
    "night": ("at night", "nighttime"),
    "people": ("person", "crowd"),
    "plant_life": ("plant", "plants", "vegetation"),
    "portrait": ("portraits",),
    "river": ("rivers", "stream"),
    "sea": ("ocean",),
    "structures": ("structure", "building", "buildings", "architecture"),
    "sunset": ("sunrise", "dusk"),
    "transport": ("vehicle", "vehicles"),
    "tree": ("trees", "forest"),
}
KINDS = ("potential", "relevant")
PHOTO_FOLDERS = (".", "images", "Images", "image", "photos")  # in each of the places
_PHOTO = re.compile(r"im0*([1-9]\d*)", re.IGNORECASE)
_TAGS = re.compile(r"tags([1-9]\d*)\.txt")


def label_set_of(names: Sequence[str]) -> LabelSet:
    """Return labels of MIRFlickr with their groups and synonyms."""
    group = {name: group for group, members in GROUPS.items() for name in members}
    return LabelSet(Label(name, group.get(name, ""), synonyms=SYNONYMS.get(name, ())) for name in names)


class MirFlickr:
    """MIRFlickr-25K below `root`: the folder that holds `mirflickr/` and the annotations, or `mirflickr/` itself.

    Args:
        root: The folder that the archives were unpacked in.
        kind: Which annotations to use, "potential" or "relevant".

    Raises:
        InputError: A folder or a file is missing, or an annotation is no number of a photo.
    """

    dataset = "mirflickr"

    def __init__(self, root: str | Path, kind: str = "potential") -> None:
        self.root = open_root(root)
        self.account = Account()
        places = [self.root, self.root / "mirflickr", self.root / "mirflickr25k", self.root / "mirflickr25k/mirflickr"]
        self.tags = first_there([place / "meta" / "tags" for place in places], "meta/tags", self.root)
        self.images = self.tags.parent.parent
        self._places = [place / name for place in (self.images, *places) for name in PHOTO_FOLDERS]
        folders = [
            place / name
            for name in ("mirflickr25k_annotations_v080", "annotations_v080", "annotations")
            for place in places
        ]
        self.annotations = first_there(folders, "folder of annotations", self.root)
        self.suffix = "_r1.txt" if kind == "relevant" else ".txt"
        names = [name for name in NAMES if kind == "potential" or (self.annotations / f"{name}_r1.txt").is_file()]
        if not names:
            raise InputError(
                f"The folder {str(self.annotations)!r} has no files *_r1.txt; use --annotations potential."
            )
        self.label_set = label_set_of(names)
        self.numbers = sorted(int(match[1]) for path in self.tags.iterdir() if (match := _TAGS.fullmatch(path.name)))
        if not self.numbers:
            raise InputError(
                f"The folder {str(self.tags)!r} holds no files tags1.txt, tags2.txt, …; unpack mirflickr25k.zip again."
            )

    @cached_property
    def _labels(self) -> dict[int, list[str]]:
        """Read the labels of each photo by its number."""
        known = set(self.numbers)
        labels: dict[int, list[str]] = {}
        for name in self.label_set.names:
            path = self.annotations / f"{name}{self.suffix}"
            for row, line in enumerate(read_lines(path), start=1):
                if not line:
                    continue
                if not line.isdecimal() or int(line) not in known:
                    raise InputError(
                        f"Line {row} of {path.name} says {line[:40]!r}, which is no number of a photo with tags "
                        f"(1 to {self.numbers[-1]}); annotations and photos must be of one collection."
                    )
                labels.setdefault(int(line), []).append(name)
        return labels

    @cached_property
    def vocabulary(self) -> list[str]:
        """The common tags: doc/common_tags.txt where it is there, else counted over all tag files."""
        path = self.images / "doc" / "common_tags.txt"
        if not path.is_file():
            counts = Counter(tag for number in self.numbers for tag in dict.fromkeys(self._tags_of(number)))
            common = sorted((-count, tag) for tag, count in counts.items() if count >= COMMON)
            return [tag for _, tag in common]
        words = []
        for row, line in enumerate(read_lines(path), start=1):
            fields = line.split()
            if not fields:
                continue
            if len(fields) != 2 or not fields[1].isdecimal():
                raise InputError(
                    f"Line {row} of common_tags.txt must be a tag and how often it is there, not {line[:40]!r}."
                )
            if int(fields[1]) >= COMMON:
                words.append(fields[0])
        return list(dict.fromkeys(words))

    def _tags_of(self, number: int) -> list[str]:
        # A tag is one word here (Flickr's clean form); should one hold a space, its words would be words of the text.
        return [tag for tag in read_lines(self.tags / f"tags{number}.txt") if tag]

    @cached_property
    def _photos(self) -> dict[int, Path]:
        """Map numbers to photos that are called otherwise than im1.jpg or are in another folder than usual."""
        photos: dict[int, Path] = {}
        for folder in filter(Path.is_dir, self._places):
            for path in sorted(folder.iterdir()):
                if path.suffix.lower() in SUFFIXES and (match := _PHOTO.fullmatch(path.stem)):
                    photos.setdefault(int(match[1]), path)
        return photos

    def _photo(self, number: int) -> Path:
        """Find a photo by its number.

        Raises:
            InputError: It is not there.
        """
        usual = self.images / f"im{number}.jpg"
        if usual.is_file():
            return usual
        if number in self._photos:
            return self._photos[number]
        if self._photos:
            raise InputError(
                f"The photo im{number}.jpg is missing in {str(self.images)!r}; unpack mirflickr25k.zip again."
            )
        found = next((path for path in sorted(self.root.rglob("*")) if path.suffix.lower() in SUFFIXES), None)
        there = f"found for instance {found.relative_to(self.root).as_posix()!r}" if found else "found no pictures"
        raise InputError(
            f"The folder {str(self.images)!r} has none of the photos: looked for 'im{number}.jpg', 'IM{number}.JPG', "
            f"'images/im{number}.jpg' and the like, and {there}; unpack mirflickr25k.zip there."
        )

    def records(self, left_out: Account) -> Iterator[Record]:
        """Yield the photos with a label and a common tag, by number; a photo's text is all its tags in a row."""
        common = set(self.vocabulary)
        for number in self.numbers:
            tags, labels = self._tags_of(number), self._labels.get(number, [])
            if not labels:
                left_out.add("without a label", f"im{number}.jpg")
            elif common.isdisjoint(tags):
                left_out.add("without a common tag", f"im{number}.jpg")
            else:
                image = self._photo(number)
                # One name in all copies, so that all draw the same split.
                yield Record(f"im{number}{image.suffix.lower()}", image, [" ".join(tags)], labels)

    def against_benchmark(self, kept: int, left_out: Mapping[str, int]) -> str:
        """Compare the number of photos that are kept with the literature's."""
        agrees = "as many as" if kept == BENCHMARK else "NOT as many as"
        return f"{agrees} the {BENCHMARK:,} of the benchmark, which is said to follow this rule"

    def sources(self) -> dict[str, str]:
        """Hash the annotations and the list of common tags; all tag files share one hash, in order."""
        paths = [self.annotations / f"{name}{self.suffix}" for name in self.label_set.names]
        paths += [path for path in [self.images / "doc" / "common_tags.txt"] if path.is_file()]
        hashes = {path.relative_to(self.root).as_posix(): sha256(path) for path in paths}
        digest = hashlib.sha256()
        for number in self.numbers:
            digest.update((self.tags / f"tags{number}.txt").read_bytes())
        return {**hashes, f"{self.tags.relative_to(self.root).as_posix()}/tags*.txt": digest.hexdigest()}
