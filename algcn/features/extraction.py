"""Encode an image folder into a feature file, in shards, so that a stopped run goes on.

Notable: which pictures can be read is known when all have been decoded, and the header of a feature file names its
rows. So every shard is first encoded into a part of its own, which says what it left out, and the file is then put
together from the parts. Neither pixels nor features in memory grow with the folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from algcn.datasets.feature_writer import FeatureWriter
from algcn.datasets.features import SPLITS, Features, check_rows, file_metadata
from algcn.datasets.folders.names import composed
from algcn.datasets.image_folder import ImageFolder, Item
from algcn.datasets.left_out import count_captions, count_labels, use_items
from algcn.datasets.splits import split_name
from algcn.features.places import OnDisk, Place
from algcn.features.shards import KINDS, Shard, ShardEncoder, owner_of
from algcn.features.sources import Sources
from algcn.kit import disk
from algcn.kit.account import Account
from algcn.kit.engine import Engine, in_this_process
from algcn.kit.errors import InputError
from algcn.kit.files import save_tensors, write_text
from algcn.kit.images import DECODING
from algcn.kit.progress import ProgressBar
from algcn.method.labels import Label, LabelSet

if TYPE_CHECKING:
    from algcn.features.encoder import Encoder


SHARD = 512
BATCH = 32
TRAIN_SHARE, VALIDATION_SHARE = 0.8, 0.1
# Enters the digest of the work, so that parts that another version left are made anew and not misread.
PARTS_FORMAT = "algcn-parts-2"
FLOAT_BYTES = 4
SHOWN = 40  # characters of a caption that is left out


def split_of(file_name: str) -> str:
    """Choose the split of an image whose folder names none: by a hash of its name, 80 % train, 10 % each other.

    A hash rather than a draw: an image keeps its split when others join or leave the folder.
    """
    share = int(hashlib.sha1(composed(file_name).encode("utf-8", "surrogatepass")).hexdigest()[:8], 16) / 2**32
    if share < TRAIN_SHARE:
        return "train"
    return "validation" if share < TRAIN_SHARE + VALIDATION_SHARE else "test"


def with_splits(folder: ImageFolder) -> ImageFolder:
    """Return the folder with a split for every item: the one in its metadata.csv, else that of `split_of`."""
    return replace(folder, items=[replace(item, split=item.split or split_of(item.file_name)) for item in folder])


def label_set_of(folder: ImageFolder, known: LabelSet | None = None) -> LabelSet:
    """Return the labels of a folder: those of `known` in its order, with group and synonyms, then the others."""
    found = {name.casefold(): name for name in folder.label_names}
    labels = [label for label in known or [] if found.pop(label.name.casefold(), None)]
    return LabelSet(labels + [Label(name, group="other") for name in sorted(found.values())])


@dataclass
class Work:
    """The pairs of a folder that are to be encoded, in shards, and how.

    Images that cannot be read are left out, as are those without a text that has features; labels that are not said are
    taken as none. What the rows are is known when `shards` came to its end.

    Args:
        folder: The image folder to encode.
        sources: The sources of the features.
        label_set: The columns of the labels; must hold every label of the folder.
        batch_size: Images or texts encoded at once.
        shard_size: Images for each part.
        parts: Where finished shards are kept until the feature file stands, so that a stopped run can go on.
        progress: Show a progress bar on stderr.
        engine: Who encodes the shards.
        place: Where the pictures are, if not in the folder on this disk.

    Attributes:
        items: The images with a text that has features, whether they can be read or not.
        unreadable: The reason for each image that could not be read, by file name.

    Raises:
        InputError: No image has a text that the source of text features takes.
    """

    folder: ImageFolder
    sources: Sources
    label_set: LabelSet
    batch_size: int = BATCH
    shard_size: int = SHARD
    parts: Path | None = None
    progress: bool = True
    engine: Engine = in_this_process
    place: Place | None = None
    unreadable: dict[str, str] = field(default_factory=dict, init=False)
    _plan: str = field(default="", init=False, repr=False)

    def __post_init__(self) -> None:
        self.place = self.place or OnDisk(self.folder.root)
        takes = self.sources.texts.takes
        items = with_splits(self.folder)
        self.items = [replace(item, texts=texts) for item in items if (texts := list(filter(takes, item.texts)))]
        if not self.items:
            hint = "give it a metadata.csv with the columns file_name and text"
            if self.sources.vocabulary:
                hint = "and with a word of the vocabulary; use another one or a smaller --min-texts"
            raise InputError(
                f"No image of {str(self.folder.root)!r} has a text, and features are image-text pairs; {hint}."
            )

    @property
    def kept(self) -> list[Item]:
        """The images that have rows, those that cannot be read left out."""
        return [item for item in self.items if item.file_name not in self.unreadable]

    def rows(self) -> dict[str, object]:
        """Return what a feature file says of its rows besides features: `labels`, `split`, `file_names` and more."""
        items = self.kept
        owner = owner_of(items)
        return {
            "labels": self.label_set.encode(item.labels or [] for item in items)[owner],
            "split": [items[position].split for position in owner],
            "label_set": self.label_set,
            "file_names": [items[position].file_name for position in owner],
            "encoder": self.sources.encoder,
            "split_name": split_name(self.folder.root),
            "vocabulary": self.sources.vocabulary,
        }

    def account(self) -> Account:
        """Return what of the folder has rows, and what has not: the folder's account, and what is left out here."""
        account = Account()
        account.merge(self.folder.account)
        use_items(account, self.kept)
        if self.sources.vocabulary:
            kind, remedy = "captions without a word of the vocabulary", "use another one or a smaller --min-texts"
        else:
            kind, remedy = "captions that say nothing", "write words"
        self.place.count_unreadable(account, self.unreadable)
        taken = {item.file_name: item for item in self.items}
        for item in self.folder:
            if item.file_name not in taken:
                example = ("pictures without a usable caption", item.file_name)
                account.add(*example, "give it a text in the folder's table", unit="pictures")
                count_labels(account, item)
            elif item.file_name in self.unreadable:
                count_captions(account, taken[item.file_name])
                count_labels(account, item)
            for text in item.texts:
                if not self.sources.texts.takes(text):
                    account.add(kind, f"{text!r:.{SHOWN}} of {item.file_name}", remedy, unit="captions")
        return account

    def shards(self) -> Iterator[dict[str, Tensor]]:
        """Yield the features of the pairs by shard, read or encoded; an image's are repeated for each of its texts.

        Raises:
            InputError: No image can be read, or one has no features (it is named).
        """
        if self.parts is not None:
            self._prepare_parts()
        self.unreadable.clear()
        starts = range(0, len(self.items), self.shard_size)
        missing = dict.fromkeys(start for start in starts if self._read_part(start) is None)
        first, done = 0, 0
        with ProgressBar("extract", total=len(self.items), unit="image", shown=self.progress) as bar:
            encoded = self.engine(
                ShardEncoder(self.place, self.sources, self.batch_size),
                map(self._items_of, missing),
                lambda count: bar.reach(done + count, len(self.items)),
            )
            with contextlib.closing(encoded):
                for start in starts:
                    items = self._items_of(start)
                    if start in missing:
                        shard = next(encoded)
                        names = [item.file_name for item in items if item.file_name not in shard.unreadable]
                        check_rows(shard.images, KINDS[0], names, first)
                        check_rows(shard.texts, KINDS[1], [names[position] for position in shard.owner], first)
                        self._write_part(start, shard)
                    else:
                        shard = self._finished(start)
                    done += len(items)
                    bar.reach(done, len(self.items))
                    self.unreadable.update(shard.unreadable)
                    first += len(shard.owner)
                    yield shard.features()
        if not self.kept:
            self.drop_parts()  # nothing to go on from
            raise InputError(
                f"No picture of {str(self.folder.root)!r} that has a text can be read. "
                f"{next(iter(self.unreadable.values()))}"
            )

    def finished_shards(self) -> Iterator[dict[str, Tensor]]:
        """Yield the features of the pairs by shard once more, from the parts that `shards` kept.

        Raises:
            InputError: Somebody changed or removed a part.
        """
        for start in range(0, len(self.items), self.shard_size):
            yield self._finished(start).features()

    def bytes_needed(self) -> int:
        """Return how much at the most `extract_file` has on the disk before it drops the parts."""
        pairs = sum(len(item.texts) for item in self.items)
        images, texts = len(self.items) * self.sources.images.width, pairs * self.sources.texts.width
        names = sum(len(item.texts) * (len(item.file_name) + 4) for item in self.items)
        in_file = FLOAT_BYTES * (pairs * self.sources.images.width + texts) + pairs * (len(self.label_set) + 1)
        return FLOAT_BYTES * (images + texts) + in_file + names

    def drop_parts(self) -> None:
        """Remove what was kept to go on from."""
        if self.parts is not None:
            shutil.rmtree(self.parts)

    def _items_of(self, start: int) -> list[Item]:
        return self.items[start : start + self.shard_size]

    def _part(self, start: int) -> Path:
        return self.parts / f"{start:08d}.safetensors"

    def _prepare_parts(self) -> None:
        """Keep what an earlier run left only if it was the same work: same sources, images, texts and shards."""
        sources = f"{self.sources.images.fingerprint} {self.sources.texts.fingerprint}"
        work = hashlib.sha256(f"{PARTS_FORMAT} {DECODING} {sources} {self.shard_size} {self.batch_size}".encode())
        for item in self.items:
            work.update(json.dumps([item.file_name, item.texts, self.place.state(item.file_name)]).encode())
        self._plan = work.hexdigest()
        plan = self.parts / "plan.json"
        if not plan.is_file() or plan.read_text(encoding="utf-8") != self._plan:
            shutil.rmtree(self.parts, ignore_errors=True)
            write_text(plan, self._plan)

    def _write_part(self, start: int, shard: Shard) -> None:
        if self.parts is None:
            return
        about = {"plan": self._plan, "unreadable": json.dumps(shard.unreadable), "sha256": shard.digest()}
        save_tensors(self._part(start), dict(zip(KINDS, (shard.images, shard.texts), strict=True)), about)

    def _finished(self, start: int) -> Shard:
        shard = self._read_part(start)
        if shard is None:
            raise InputError(
                f"The file {str(self._part(start))!r} was changed or removed while the features were put together; "
                "start again, which goes on from the other parts."
            )
        return shard

    def _read_part(self, start: int) -> Shard | None:
        """Read a part that an earlier run finished, or return None where it has to be done (again)."""
        if self.parts is None or not self._part(start).is_file():
            return None
        try:
            with safe_open(self._part(start), framework="pt") as stream:
                metadata = stream.metadata() or {}
                images, texts = (stream.get_tensor(name) for name in KINDS)
            unreadable = dict(json.loads(metadata["unreadable"]))
        except (SafetensorError, OSError, KeyError, ValueError, TypeError):
            return None
        items = [item for item in self._items_of(start) if item.file_name not in unreadable]
        shard = Shard(images, texts, owner_of(items), unreadable)
        whole = metadata.get("plan") == self._plan and metadata.get("sha256") == shard.digest()
        return shard if whole and [len(images), len(texts)] == [len(items), len(shard.owner)] else None


def extract_features(
    folder: ImageFolder,
    encoder: Encoder | Sources,
    label_set: LabelSet,
    *,
    batch_size: int = BATCH,
    shard_size: int = SHARD,
    progress: bool = True,
    account: Account | None = None,
) -> Features:
    """Encode every text of a folder and the image it belongs to, in memory; for the other arguments see `Work`.

    Args:
        folder: The image folder to encode; images that cannot be read are left out.
        encoder: The encoder, or the sources of both sides.
        label_set: The columns of the labels; must hold every label of the folder.
        batch_size: Images or texts encoded at once.
        shard_size: Images that are decoded and encoded before the next are looked at.
        progress: Show a progress bar on stderr.
        account: To be told what has rows and what was left out, with an example of each kind.

    Raises:
        InputError: No image has a text, or none of them can be read.
    """
    sources = encoder if isinstance(encoder, Sources) else Sources.of(encoder)
    work = Work(folder, sources, label_set, batch_size, shard_size, progress=progress)
    shards = list(work.shards())
    if account is not None:
        account.merge(work.account())
    return Features(**{kind: torch.cat([shard[kind] for shard in shards]) for kind in KINDS}, **work.rows())


def extract_file(work: Work, out: str | Path) -> dict[str, object]:
    """Encode a folder into a feature file, which is there whole or not at all; a stopped run goes on from its parts.

    Returns:
        `Work.rows()`: what the file says about its rows.

    Raises:
        InputError: No image can be read, or the file cannot be written.
        DiskFullError: It does not fit, which is said before the first image is read where it is known.
    """
    out = Path(out)
    if out.is_dir():
        raise InputError(f"The path {str(out)!r} is a folder; name a file for the features.")
    work.parts = out.with_name(out.name + ".parts")
    disk.check_room(out, max(0, work.bytes_needed() - disk.size_of(work.parts)))
    try:
        with disk.telling(out):
            return _extract_file(work, out)
    except disk.DiskFullError as error:
        raise error.advising(
            "make room on it and give the command again, which goes on from what was finished"
        ) from error.__cause__
    except OSError as error:
        raise InputError(
            f"The features cannot be written to {str(out)!r} ({error.strerror or error}); what was finished is kept."
        ) from error


def _extract_file(work: Work, out: Path) -> dict[str, object]:
    for _ in work.shards():  # each is a part then
        pass
    rows = work.rows()
    count = len(rows["file_names"])
    shapes = {
        "image_features": ((count, work.sources.images.width), torch.float32),
        "text_features": ((count, work.sources.texts.width), torch.float32),
        "labels": ((count, len(work.label_set)), torch.uint8),
        "split": ((count,), torch.int8),
    }
    aside = work.parts / "features.aside"
    about = (rows["label_set"], rows["file_names"], rows["encoder"], rows["split_name"], rows["vocabulary"])
    try:
        with FeatureWriter(aside, shapes, file_metadata(*about)) as writer:
            writer.put("labels", 0, rows["labels"])
            writer.put("split", 0, torch.tensor([SPLITS.index(name) for name in rows["split"]], dtype=torch.int8))
            row = 0
            for features in work.finished_shards():
                for kind in KINDS:
                    writer.put(kind, row, features[kind])
                row += len(features["text_features"])
        os.replace(aside, out)
    finally:
        aside.unlink(missing_ok=True)
    work.drop_parts()
    return rows
