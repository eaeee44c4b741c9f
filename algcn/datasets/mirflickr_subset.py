"""Join photos of MIRFlickr-25K to the usual benchmark matrices, where the official files are not at hand.

    images.tar          the photos                           yall.mat          YAll, N × 1386 of 0 and 1: tags
    metadata.csv        file_name, mat_row, labels           lall.mat          LAll, N × 24 of 0 and 1: labels
    label_names.txt     the columns of LAll, one a line

The matrices have a row for each of the benchmark's 20,015 photos; `mat_row` says which is a photo's. What tags the
columns of YAll stand for is not known, so "w12" stands for column 12: such texts are bags of words and nothing to read
or to type.
"""

from __future__ import annotations

import csv
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from torch import Tensor

from algcn.datasets.image_folder import METADATA, SEPARATOR
from algcn.datasets.mirflickr import BENCHMARK, label_set_of
from algcn.datasets.prepare import Record, open_root, read_lines
from algcn.kit.account import Account
from algcn.kit.disk import telling
from algcn.kit.errors import InputError
from algcn.kit.files import sha256
from algcn.kit.mat import read_variable
from algcn.kit.progress import track
from algcn.method.labels import LabelSet

IMAGES, TAGS, LABELS, NAMES = "images.tar", "yall.mat", "lall.mat", "label_names.txt"


class MirFlickrSubset:
    """Photos and benchmark matrices of MIRFlickr-25K in the folder `root`.

    Args:
        root: The folder that holds the files.
        unpacked: An empty folder that the photos are unpacked into; it is needed until the items are written.
        progress: Show a progress bar on stderr.

    Raises:
        InputError: A file is missing or damaged, or they do not fit each other.
    """

    dataset = "mirflickr-subset"

    def __init__(self, root: str | Path, unpacked: str | Path, *, progress: bool = False) -> None:
        self.root = open_root(root)
        self.unpacked = Path(unpacked)
        self.account = Account()
        self.label_set: LabelSet = label_set_of(list(filter(None, read_lines(self.root / NAMES))))
        self.tags, self.labels = read_variable(self.root / TAGS, "YAll"), read_variable(self.root / LABELS, "LAll")
        if self.labels.shape != (len(self.tags), len(self.label_set)):
            raise InputError(
                f"LAll is {self.labels.shape[0]} × {self.labels.shape[1]} for the {len(self.tags)} rows of YAll and "
                f"the {len(self.label_set)} names of {NAMES}; the files must be of one collection."
            )
        self.rows = self._read_rows()
        try:
            with telling(self.unpacked), tarfile.open(self.root / IMAGES) as archive:
                members = track(archive, "unpack", unit="file", shown=progress)
                archive.extractall(self.unpacked, members, filter="data")
        except (OSError, tarfile.TarError) as error:
            reason = str(error).splitlines()[0]
            raise InputError(
                f"The archive {str(self.root / IMAGES)!r} cannot be unpacked ({reason}); copy it again."
            ) from error
        missing = [name for name in self.rows if not (self.unpacked / name).is_file()]
        if missing:
            raise InputError(f"The archive {IMAGES} lacks {missing[0]}, which {METADATA} names; copy it again.")

    @property
    def vocabulary(self) -> list[str]:
        """The words of the columns of YAll."""
        return [f"w{column}" for column in range(self.tags.shape[1])]

    def records(self, left_out: Account) -> Iterator[Record]:
        """Yield the photos with a label and a tag, in the order of metadata.csv."""
        names = self.label_set.names
        for name, row in self.rows.items():
            words = [f"w{column}" for column in self._columns(self.tags[row])]
            labels = [names[column] for column in self._columns(self.labels[row])]
            if not labels:
                left_out.add("without a label", name)
            elif not words:
                left_out.add("without a tag", name)
            else:
                yield Record(name, self.unpacked / name, [" ".join(words)], labels)

    def against_benchmark(self, kept: int, left_out: Mapping[str, int]) -> str:
        """Say that this is not the whole benchmark."""
        return f"a part of the {BENCHMARK:,} of the benchmark, so results are not comparable with those on all"

    def sources(self) -> dict[str, str]:
        """Hash all files."""
        return {name: sha256(self.root / name) for name in (IMAGES, METADATA, TAGS, LABELS, NAMES)}

    @staticmethod
    def _columns(row: Tensor) -> list[int]:
        return row.nonzero().flatten().tolist()

    def _read_rows(self) -> dict[str, int]:
        """Read the row of the matrices for each photo."""
        rows: dict[str, int] = {}
        try:
            with (self.root / METADATA).open(newline="", encoding="utf-8") as stream:
                for number, record in enumerate(csv.DictReader(stream, strict=True), start=2):
                    name, row, given = (record.get(key) or "" for key in ("file_name", "mat_row", "labels"))
                    rows[self._name(name, number)] = self._row(row, given, number)
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise InputError(
                f"The file {str(self.root / METADATA)!r} cannot be read as CSV ({error}); copy it again."
            ) from error
        if not rows:
            raise InputError(f"The file {METADATA} names no photos (file_name, mat_row, labels); copy it again.")
        return rows

    @staticmethod
    def _name(name: str, number: int) -> str:
        if not name or PurePosixPath(name).name != name:
            raise InputError(
                f"Row {number} of {METADATA} has the file_name {name!r}; it must be a plain name of a file."
            )
        return name

    def _row(self, row: str, given: str, number: int) -> int:
        if not row.isdecimal() or int(row) >= len(self.labels):
            raise InputError(
                f"Row {number} of {METADATA} has the mat_row {row!r}; rows are 0 to {len(self.labels) - 1}."
            )
        # The join of photos and rows was reconstructed: where the labels disagree it is wrong.
        names = self.label_set.names
        if set(filter(None, given.split(SEPARATOR))) != {
            names[column] for column in self._columns(self.labels[int(row)])
        }:
            raise InputError(
                f"Row {number} of {METADATA} has other labels than row {row} of LAll; one of the two is wrong."
            )
        return int(row)
