"""Write the items of a collection as an image folder with its split; the readers of all collections share this.

The folder holds `metadata.csv` (see `algcn.datasets.image_folder`), `labels.json` (the label set in its order),
`vocabulary.txt` where the collection has one, the images (links, or copies), and `split.json`: the split's name, seed
and rule, how many items were kept and why, the SHA-256 of every annotation file that was read and of every image. Items
stream through; the folder is made aside and renamed, so that it is there whole or not at all.
"""

from __future__ import annotations

import csv
import json
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Protocol, TextIO

from algcn.datasets.features import SPLITS
from algcn.datasets.folders.listing import LABELS, MANIFEST, VOCABULARY
from algcn.datasets.image_folder import METADATA, SEPARATOR
from algcn.datasets.splits import FORMAT, OFFICIAL, RULE, Assignment, Split
from algcn.kit.account import Account
from algcn.kit.disk import is_full
from algcn.kit.errors import InputError
from algcn.kit.files import folder_aside, sha256
from algcn.kit.parallel import bounded_map
from algcn.kit.progress import ProgressBar
from algcn.method.labels import LabelSet


@dataclass(frozen=True)
class Record:
    """An item that is kept: its name, where its image is, its texts and labels, and the official split."""

    file_name: str
    image: Path
    texts: Sequence[str]
    labels: Sequence[str]
    official: str | None = None


class Collection(Protocol):
    """A reader of a collection's official files.

    Attributes:
        dataset: Its name on the command line.
        label_set: The labels, in the order of the benchmark.
        vocabulary: The words of the benchmark's bags of words; None where it has none.
        account: What was read from its files and not used, apart from the items that are left out.
    """

    dataset: str
    label_set: LabelSet
    vocabulary: list[str] | None
    account: Account

    def records(self, left_out: Account) -> Iterator[Record]:
        """Yield the items that are kept, one at a time, and count in `left_out` why others are not."""

    def against_benchmark(self, kept: int, left_out: Mapping[str, int]) -> str:
        """Compare the number of items that are kept with the literature's, in words."""

    def sources(self) -> dict[str, str]:
        """Return the SHA-256 of every annotation file that was read, by its path below the root."""


@dataclass
class Summary:
    """How many items were kept, and in which splits."""

    kept: int = 0
    left_out: Account = field(default_factory=Account)
    splits: Counter[str] = field(default_factory=Counter)

    def lines(self, collection: Collection, split: Split) -> list[str]:
        """Return a few lines for a terminal."""
        left_out = self.left_out.counts
        total = self.kept + left_out.total()
        why = "".join(f", {count:,} {reason}" for reason, count in sorted(left_out.items()))
        rest = f", {self.splits['']:,} in neither" if self.splits[""] else ""
        validation = f", validation {self.splits['validation']:,}" if self.splits["validation"] else ""
        return [
            f"{total:,} items{why}; {self.kept:,} kept: {collection.against_benchmark(self.kept, left_out)}",
            f"split {split.name}: train {self.splits['train']:,}{validation}, test {self.splits['test']:,}{rest}",
        ]


def prepare(
    collection: Collection, out: str | Path, split: Split, *, copy: bool = False, progress: bool = True
) -> Summary:
    """Write the image folder of a collection, with its split and manifest.

    Args:
        collection: The collection that the items come from; they are gone through twice, to draw and to write.
        out: The folder to make.
        split: The split to draw.
        copy: Copy the images; without, the folder holds symbolic links to them.
        progress: Show a progress bar on stderr.

    Raises:
        InputError: The folder exists already, the official files are not what they should be, or there are fewer items
            than the split takes. Then nothing is written.
    """
    out = Path(out)
    if out.exists():
        raise InputError(
            f"The folder {str(out)!r} exists already; name one that does not, since it is written whole or not at all."
        )
    summary = Summary()
    assignment = _draw(collection, split, summary, progress)
    try:
        with folder_aside(out) as aside:
            _write(collection, split, assignment, summary, aside, copy, progress)
            aside.rename(out)
    except OSError as error:
        raise InputError(
            f"The folder {str(out)!r} cannot be written ({error.strerror or error}); name another --out."
        ) from error
    return summary


def _write(
    collection: Collection,
    split: Split,
    assignment: Assignment,
    summary: Summary,
    aside: Path,
    copy: bool,
    progress: bool,
) -> None:
    """Make the second pass: write the folder's files."""
    entries = collection.label_set.to_json()
    (aside / LABELS).write_text(json.dumps(entries, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    if collection.vocabulary is not None:
        (aside / VOCABULARY).write_text("".join(f"{word}\n" for word in collection.vocabulary), encoding="utf-8")
    with (
        (aside / METADATA).open("w", newline="", encoding="utf-8") as rows,
        (aside / MANIFEST).open("w", encoding="utf-8") as manifest,
    ):
        _write_items(collection, assignment, aside, rows, manifest, _head(collection, split, summary), copy, progress)


def _draw(collection: Collection, split: Split, summary: Summary, progress: bool) -> Assignment:
    """Make the first pass: count what is kept and why, and draw the split."""

    def items() -> Iterator[tuple[str, str | None]]:
        for record in collection.records(summary.left_out):
            summary.kept += 1
            summary.splits[record.official or ""] += 1
            bar.update()
            yield record.file_name, record.official

    with ProgressBar("annotations", shown=progress) as bar:
        assignment = split.draw(items())
    if split.rule != OFFICIAL:
        test, validation, train = split.sizes
        rest = summary.kept - test - validation
        train = rest if train is None else train
        summary.splits = Counter({"train": train, "validation": validation, "test": test, "": rest - train})
    if not summary.splits["train"] or not summary.splits["test"]:
        missing = "test" if summary.splits["train"] else "train"
        why = (
            ", ".join(f"{count:,} {reason}" for reason, count in sorted(summary.left_out.counts.items()))
            or "nothing was left out"
        )
        raise InputError(
            f"The split {split.rule} puts none of the {summary.kept:,} kept items into {missing} ({why}); "
            "give the whole collection with its own lists of train and test items, or another --split. "
            + " ".join(collection.account.sentences())
        )
    return assignment


def _head(collection: Collection, split: Split, summary: Summary) -> dict[str, Any]:
    drawn = {} if split.rule == OFFICIAL else {"seed": split.seed, "drawn": RULE}
    return {
        "format": FORMAT,
        "dataset": collection.dataset,
        "name": split.name,
        "rule": split.rule,
        **drawn,
        "counts": {
            "kept": summary.kept,
            "compared": collection.against_benchmark(summary.kept, summary.left_out.counts),
            "left out": dict(sorted(summary.left_out.counts.items())),
            "train": summary.splits["train"],
            **({"validation": summary.splits["validation"]} if summary.splits["validation"] else {}),
            "test": summary.splits["test"],
            "in neither": summary.splits[""],
        },
        "sources": collection.sources(),
    }


def _write_items(
    collection: Collection,
    assignment: Assignment,
    folder: Path,
    rows: TextIO,
    manifest: TextIO,
    head: dict[str, Any],
    copy: bool,
    progress: bool,
) -> None:
    """Make the second pass: a row for each text, and for each image a link or copy and a hash."""
    made = {folder}

    def place(chosen: tuple[Record, str]) -> tuple[Record, str, str]:
        record, split = chosen
        target = folder / PurePosixPath(record.file_name)
        if target.parent not in made:
            target.parent.mkdir(parents=True, exist_ok=True)
            made.add(target.parent)
        try:
            if copy:
                shutil.copyfile(record.image, target)
            else:
                target.symlink_to(record.image.resolve())
            return record, split, sha256(target)
        except OSError as error:
            if is_full(error):
                raise
            raise InputError(
                f"The photo {str(record.image)!r} cannot be read or placed ({error.strerror or error}); unpack it "
                "again."
            ) from error

    writer = csv.writer(rows)
    writer.writerow(("file_name", "text", "labels", "split"))
    text = json.dumps(head, indent=1, ensure_ascii=False).removesuffix("\n}")
    manifest.write(f'{text},\n "files": {{')
    separator = "\n"
    total = sum(head["counts"].get(name, 0) for name in SPLITS)
    chosen = (
        (record, split)
        for record in collection.records(Account())
        if (split := assignment.of(record.file_name, record.official)) is not None
    )
    with ProgressBar(collection.dataset, total=total, unit="image", shown=progress) as bar:
        for record, split, digest in bounded_map(place, chosen):
            labels = SEPARATOR.join(record.labels)
            writer.writerows((record.file_name, line, labels, split) for line in record.texts)
            manifest.write(
                f"{separator}  {json.dumps(record.file_name, ensure_ascii=False)}: {json.dumps([split, digest])}"
            )
            separator = ",\n"
            bar.update()
    manifest.write("\n }\n}\n")


def first_there(candidates: Sequence[Path], what: str, root: Path) -> Path:
    """Return the first of `candidates` that exists.

    Raises:
        InputError: None of them exists.
    """
    for path in candidates:
        if path.exists():
            return path
    looked = ", ".join(repr(path.relative_to(root).as_posix()) for path in candidates)
    raise InputError(
        f"The folder {str(root)!r} has no {what} (looked for {looked}); give the folder the archives were unpacked in."
    )


def read_lines(path: Path) -> Iterator[str]:
    """Yield the lines of a text file, stripped; bytes that are no UTF-8 become U+FFFD.

    Raises:
        InputError: The file cannot be read.
    """
    try:
        with path.open(encoding="utf-8", errors="replace") as stream:
            for line in stream:
                yield line.strip()
    except OSError as error:
        raise InputError(
            f"The file {str(path)!r} cannot be read ({error.strerror or error}); unpack the archive again."
        ) from error


def open_root(root: str | Path) -> Path:
    """Return the folder of a collection.

    Raises:
        InputError: The folder is not there.
    """
    root = Path(root)
    if not root.is_dir():
        raise InputError(f"There is no folder {str(root)!r}; give the folder the archives were unpacked in as --root.")
    return root
