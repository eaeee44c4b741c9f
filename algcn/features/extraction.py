"""Encode an image folder into a feature file, in shards, so that a stopped run goes on."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from algcn.datasets.feature_writer import FeatureWriter
from algcn.datasets.features import SPLITS, Features, check_rows, file_metadata
from algcn.datasets.folders.names import composed
from algcn.datasets.image_folder import ImageFolder, Item
from algcn.datasets.splits import split_name
from algcn.features.sources import Sources
from algcn.kit.errors import InputError
from algcn.kit.files import replacing, write_text
from algcn.kit.images import open_image
from algcn.kit.parallel import bounded_map
from algcn.kit.progress import ProgressBar
from algcn.kit.tensor_files import save_tensors
from algcn.method.labels import Label, LabelSet

if TYPE_CHECKING:
    from algcn.features.encoder import Encoder


SHARD = 512
BATCH = 32
TRAIN_SHARE, VALIDATION_SHARE = 0.8, 0.1
KINDS = ("image_features", "text_features")


def split_of(file_name: str) -> str:
    """Choose the split of an image whose folder names none: by a hash of its name, 80 % train, 10 % each other.

    A hash rather than a draw: an image keeps its split when others join or leave the folder.
    """
    share = int(hashlib.sha1(composed(file_name).encode()).hexdigest()[:8], 16) / 2**32
    if share < TRAIN_SHARE:
        return "train"
    return "validation" if share < TRAIN_SHARE + VALIDATION_SHARE else "test"


def with_splits(folder: ImageFolder) -> ImageFolder:
    """Return the folder with a split for every item: the one in its metadata.csv, else that of `split_of`."""
    return ImageFolder(folder.root, [replace(item, split=item.split or split_of(item.file_name)) for item in folder])


def label_set_of(folder: ImageFolder, known: LabelSet | None = None) -> LabelSet:
    """Return the labels of a folder: those of `known` in its order, with group and synonyms, then the others."""
    found = {name.casefold(): name for name in folder.label_names}
    labels = [label for label in known or [] if found.pop(label.name.casefold(), None)]
    return LabelSet(labels + [Label(name, group="other") for name in sorted(found.values())])


@dataclass
class Work:
    """The pairs of a folder that are to be encoded, in shards, and how.

    Images without a text that has features have no pair and are left out; labels that are not said are taken as none.

    Args:
        folder: The image folder to encode.
        sources: The sources of the features.
        label_set: The columns of the labels; must hold every label of the folder.
        batch_size: Images or texts encoded at once.
        shard_size: Images for each part.
        parts: Where finished shards are kept until the feature file stands, so that a stopped run can go on.
        progress: Show a progress bar on stderr.

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

    def __post_init__(self) -> None:
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
        self.owner = [position for position, item in enumerate(self.items) for _ in item.texts]

    def rows(self) -> dict[str, object]:
        """Return what a feature file says of its rows besides features: `labels`, `split`, `file_names` and more."""
        return {
            "labels": self.label_set.encode(item.labels or [] for item in self.items)[self.owner],
            "split": [self.items[position].split for position in self.owner],
            "label_set": self.label_set,
            "file_names": [self.items[position].file_name for position in self.owner],
            "encoder": self.sources.encoder,
            "split_name": split_name(self.folder.root),
            "vocabulary": self.sources.vocabulary,
        }

    def shards(self) -> Iterator[dict[str, Tensor]]:
        """Yield the features of the pairs by shard, read or encoded; an image's are repeated for each of its texts.

        Raises:
            InputError: An image cannot be read, or has no features (it is named).
        """
        plan = self._prepare_parts() if self.parts is not None else ""
        first = 0
        with ProgressBar("extract", total=len(self.items), unit="image", shown=self.progress) as bar:
            for start in range(0, len(self.items), self.shard_size):
                shard = self.items[start : start + self.shard_size]
                owner = [position for position, item in enumerate(shard) for _ in item.texts]
                tensors = self._read_part(start, len(shard), len(owner), plan)
                if tensors is None:
                    tensors = self._encode(shard, bar)
                    names = ([item.file_name for item in shard], [shard[position].file_name for position in owner])
                    for kind, file_names in zip(KINDS, names, strict=True):
                        check_rows(tensors[kind], kind, file_names, first)
                    self._write_part(start, tensors, plan)
                else:
                    bar.update(len(shard))
                yield {**tensors, "image_features": tensors["image_features"][owner]}
                first += len(owner)

    def _encode(self, items: Sequence[Item], bar: ProgressBar) -> dict[str, Tensor]:
        def pixels(item: Item) -> Tensor:
            return self.sources.images.pixels(open_image(self.folder.path(item), name=item.file_name))

        images = []
        decoded = bounded_map(pixels, items, ahead=2 * self.batch_size)
        while batch := list(islice(decoded, self.batch_size)):
            images.append(self.sources.images.encode(torch.stack(batch)))
            bar.update(len(batch))
        sentences = [text for item in items for text in item.texts]
        texts = [
            self.sources.texts.encode(sentences[start : start + self.batch_size])
            for start in range(0, len(sentences), self.batch_size)
        ]
        return {"image_features": torch.cat(images), "text_features": torch.cat(texts)}

    def _part(self, start: int) -> Path:
        return self.parts / f"{start:08d}.safetensors"

    def _prepare_parts(self) -> str:
        """Keep what an earlier run left only if it was the same work: same sources, images, texts and shards."""
        sources = f"{self.sources.images.fingerprint} {self.sources.texts.fingerprint}"
        work = hashlib.sha256(f"{sources} {self.shard_size} {self.batch_size}".encode())
        for item in self.items:
            status = self.folder.path(item).stat()
            work.update(json.dumps([item.file_name, item.texts, status.st_size, status.st_mtime_ns]).encode())
        plan = self.parts / "plan.json"
        if not plan.is_file() or plan.read_text(encoding="utf-8") != work.hexdigest():
            shutil.rmtree(self.parts, ignore_errors=True)
            write_text(plan, work.hexdigest())
        return work.hexdigest()

    def _write_part(self, start: int, tensors: dict[str, Tensor], plan: str) -> None:
        if self.parts is not None:
            with replacing(self._part(start)) as aside:
                save_tensors(tensors, aside, {"plan": plan, "sha256": _digest(tensors)})

    def _read_part(self, start: int, images: int, texts: int, plan: str) -> dict[str, Tensor] | None:
        """Read a part that an earlier run finished, or return None where it has to be done (again)."""
        if self.parts is None or not self._part(start).is_file():
            return None
        try:
            with safe_open(self._part(start), framework="pt") as stream:
                metadata = stream.metadata() or {}
                tensors = {name: stream.get_tensor(name) for name in KINDS}
        except (SafetensorError, OSError):
            return None
        whole = metadata.get("plan") == plan and metadata.get("sha256") == _digest(tensors)
        return tensors if whole and [len(tensors[name]) for name in KINDS] == [images, texts] else None


def _digest(tensors: dict[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for name in KINDS:
        digest.update(tensors[name].contiguous().numpy().data)
    return digest.hexdigest()


def extract_features(
    folder: ImageFolder,
    encoder: Encoder | Sources,
    label_set: LabelSet,
    *,
    batch_size: int = BATCH,
    shard_size: int = SHARD,
    progress: bool = True,
) -> Features:
    """Encode every text of a folder and the image it belongs to, in memory; for the arguments see `Work`.

    Raises:
        InputError: No image has a text, or an image cannot be read (it is named).
    """
    sources = encoder if isinstance(encoder, Sources) else Sources.of(encoder)
    work = Work(folder, sources, label_set, batch_size, shard_size, progress=progress)
    shards = list(work.shards())
    return Features(**{kind: torch.cat([shard[kind] for shard in shards]) for kind in KINDS}, **work.rows())


def extract_file(work: Work, out: str | Path) -> dict[str, object]:
    """Encode a folder into a feature file, which is there whole or not at all; a stopped run goes on from its parts.

    Returns:
        `Work.rows()`: what the file says about its rows.

    Raises:
        InputError: An image cannot be read, or the file cannot be written.
    """
    out = Path(out)
    if out.is_dir():
        raise InputError(f"The path {str(out)!r} is a folder; name a file for the features.")
    try:
        return _extract_file(work, out)
    except OSError as error:
        raise InputError(
            f"The features cannot be written to {str(out)!r} ({error.strerror or error}); what was finished is kept."
        ) from error


def _extract_file(work: Work, out: Path) -> dict[str, object]:
    work.parts = out.with_name(out.name + ".parts")
    rows = work.rows()
    count = len(rows["file_names"])
    shapes = {
        "image_features": ((count, work.sources.images.width), torch.float32),
        "text_features": ((count, work.sources.texts.width), torch.float32),
        "labels": ((count, len(work.label_set)), torch.uint8),
        "split": ((count,), torch.int8),
    }
    shards = work.shards()
    first = next(shards)  # the folder of the parts is there now
    aside = work.parts / "features.aside"
    about = (rows["label_set"], rows["file_names"], rows["encoder"], rows["split_name"], rows["vocabulary"])
    with FeatureWriter(aside, shapes, file_metadata(*about)) as writer:
        writer.put("labels", 0, rows["labels"])
        writer.put("split", 0, torch.tensor([SPLITS.index(name) for name in rows["split"]], dtype=torch.int8))
        row = 0
        while first is not None:
            for kind in KINDS:
                writer.put(kind, row, first[kind])
            row += len(first["text_features"])
            first = next(shards, None)
    os.replace(aside, out)
    shutil.rmtree(work.parts)
    return rows
