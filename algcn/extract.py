"""Encode an image folder once: `python -m algcn.extract IMAGE_FOLDER --bundle B --out features.safetensors`.

Images are decoded by a pool of threads, one for each core, while the encoder works on the batch before; a finished
shard of a few hundred images is written to `OUT.parts/` and into the feature file, so that neither pixels nor features
in memory grow with the folder. A run that was stopped, at whatever point, goes on when started again and ends
with the same file, byte for byte; the parts are removed once it stands.

`--image-features vgg19 --text-features bow` are the features of the paper: no encoder is needed then.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor
from tqdm import tqdm

from algcn.bag_of_words import MAX_WORDS, MIN_TEXTS, BagOfWords, count_vocabulary, read_vocabulary
from algcn.datasets.feature_writer import FeatureWriter
from algcn.datasets.features import SPLITS, Features, check_rows, file_metadata
from algcn.datasets.image_folder import ImageFolder, Item, read_image_folder
from algcn.datasets.prepare import LABELS, VOCABULARY
from algcn.datasets.splits import split_name
from algcn.errors import InputError, run_command
from algcn.feature_sources import EncoderImages, EncoderTexts, Sources
from algcn.files import replacing, write_text
from algcn.images import open_image
from algcn.labels import Label, LabelSet, load_concepts
from algcn.parallel import bounded_map
from algcn.vgg import WEIGHTS, load_vgg19

if TYPE_CHECKING:
    from algcn.bundle import Bundle
    from algcn.encoders import Encoder

SHARD = 512
BATCH = 32
TRAIN_SHARE, VALIDATION_SHARE = 0.8, 0.1
KINDS = ("image_features", "text_features")


def split_of(file_name: str) -> str:
    """The split of an image whose folder names none: train 80 %, validation 10 %, test 10 %, by a hash of its name.

    A hash rather than a draw: an image keeps its split when others join or leave the folder.
    """
    share = int(hashlib.sha1(file_name.encode()).hexdigest()[:8], 16) / 2**32
    if share < TRAIN_SHARE:
        return "train"
    return "validation" if share < TRAIN_SHARE + VALIDATION_SHARE else "test"


def with_splits(folder: ImageFolder) -> ImageFolder:
    """The folder with a split for every item: the one that its metadata.csv names, else that of `split_of`."""
    return ImageFolder(folder.root, [replace(item, split=item.split or split_of(item.file_name)) for item in folder])


def label_set_of(folder: ImageFolder, known: LabelSet | None = None) -> LabelSet:
    """The labels that occur in a folder: those of `known` in its order, with group and synonyms, then the others."""
    found = {name.casefold(): name for name in folder.label_names}
    labels = [label for label in known or [] if found.pop(label.name.casefold(), None)]
    return LabelSet(labels + [Label(name, group="other") for name in sorted(found.values())])


@dataclass
class Work:
    """What is to be encoded and how: the pairs of a folder in shards.

    Images without a text that has features have no pair and are left out; labels that are not said are taken as none.

    Args:
        folder: what to encode.
        sources: what makes the features.
        label_set: the columns of the labels; must hold every label of the folder.
        batch_size: images or texts encoded at once.
        shard_size: images for each part.
        parts: where finished shards are kept until the feature file stands, so that a stopped run can go on.
        progress: show a progress bar on stderr.

    Raises:
        InputError: no image has a text that the source of text features takes.
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
                f"no image of {str(self.folder.root)!r} has a text, and features are image-text pairs; {hint}"
            )
        self.owner = [position for position, item in enumerate(self.items) for _ in item.texts]

    def rows(self) -> dict[str, object]:
        """Everything about the rows but their features: `labels`, `split`, `file_names` and the like of `Features`."""
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
        """The features of the pairs, shard by shard, from a part or by encoding; an image's are repeated for each text.

        Raises:
            InputError: an image cannot be read, or has no features (it is named).
        """
        plan = self._prepare_parts() if self.parts is not None else ""
        first = 0
        with tqdm(total=len(self.items), unit="image", desc="extract", disable=not self.progress) as bar:
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

    def _encode(self, items: Sequence[Item], bar: tqdm) -> dict[str, Tensor]:
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
                save_file(tensors, aside, {"plan": plan, "sha256": _digest(tensors)})

    def _read_part(self, start: int, images: int, texts: int, plan: str) -> dict[str, Tensor] | None:
        """A part that an earlier run finished, or None where it has to be done (again)."""
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
        InputError: no image has a text, or an image cannot be read (it is named).
    """
    sources = encoder if isinstance(encoder, Sources) else Sources.of(encoder)
    work = Work(folder, sources, label_set, batch_size, shard_size, progress=progress)
    shards = list(work.shards())
    return Features(**{kind: torch.cat([shard[kind] for shard in shards]) for kind in KINDS}, **work.rows())


def extract_file(work: Work, out: str | Path) -> dict[str, object]:
    """Encode into a feature file, which is there whole or not at all; a stopped run goes on from its parts.

    Returns:
        `Work.rows()`: what the file says about its rows.

    Raises:
        InputError: an image cannot be read, or the file cannot be written.
    """
    out = Path(out)
    if out.is_dir():
        raise InputError(f"{str(out)!r} is a folder; name a file for the features")
    try:
        return _extract_file(work, out)
    except OSError as error:
        raise InputError(
            f"the features cannot be written to {str(out)!r} ({error.strerror or error}); what was finished is kept"
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


def open_device(name: str) -> torch.device:
    """The device called `name`: cpu, cuda, cuda:1, mps.

    Raises:
        InputError: there is no such device here.
    """
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise InputError(f"the device {name!r} cannot be used here; use --device cpu") from error
    return device


def open_bundle(reference: str) -> Bundle:
    """The bundle in a folder, or OWNER/NAME[@COMMIT] on the Hub; what there is to say about it goes to stderr."""
    from algcn.bundle import Bundle
    from algcn.hub import resolve_bundle

    path, notice = resolve_bundle(reference)
    if notice:
        print(notice, file=sys.stderr)
    return Bundle.load(path)


def open_encoder(
    bundle: str | None, encoder: str | None, device: str, modalities: Collection[str] = ("image", "text")
) -> tuple[Encoder, LabelSet | None]:
    """The encoder of a bundle, or the one a reference names; and the bundle's labels.

    Raises:
        InputError: there is none, or the bundle's does not read all of `modalities`.
    """
    if encoder is not None:
        from algcn.encoders import load_encoder

        return load_encoder(encoder, device=device), None
    opened = open_bundle(bundle)
    if opened.encodes and not opened.encodes.issuperset(modalities):
        only, flag = (
            ("images", "--text-features bow") if "image" in opened.encodes else ("texts", "--image-features vgg19")
        )
        raise InputError(f"the encoder of the bundle {bundle} reads {only} only; use {flag}, or another bundle")
    return opened.encoder(device), opened.label_set


def open_sources(arguments: argparse.Namespace, folder: ImageFolder) -> tuple[Sources, LabelSet | None]:
    """The sources that the command line asks for, and the labels of the bundle if it names one.

    Raises:
        InputError: an encoder is asked for and none is named, or the other way round.
    """
    encoder, known = None, None
    if "encoder" in (arguments.image_features, arguments.text_features):
        if arguments.bundle is None and arguments.encoder is None:
            raise InputError(
                "no encoder is named; use --bundle B or --encoder REF, or the paper's features: "
                "--image-features vgg19 --text-features bow"
            )
        kinds = {"image": arguments.image_features, "text": arguments.text_features}
        modalities = [modality for modality, kind in kinds.items() if kind == "encoder"]
        encoder, known = open_encoder(arguments.bundle, arguments.encoder, arguments.device, modalities)
    elif arguments.bundle is not None or arguments.encoder is not None:
        raise InputError("vgg19 and bow use no encoder; leave --bundle and --encoder out")
    images = EncoderImages(encoder) if arguments.image_features == "encoder" else None
    texts = EncoderTexts(encoder) if arguments.text_features == "encoder" else None
    texts = texts or BagOfWords(open_vocabulary(folder, arguments.vocabulary, arguments.min_texts, arguments.max_words))
    return Sources(images or load_vgg19(arguments.weights, arguments.device), texts), known


def open_vocabulary(folder: ImageFolder, path: str | None, min_texts: int, max_words: int) -> list[str]:
    """The vocabulary in `path`, else the folder's own, else the frequent words of its training texts."""
    own = folder.root / VOCABULARY
    if path is not None or own.is_file():
        return read_vocabulary(path if path is not None else own)
    training = (item for item in with_splits(folder) if item.split == "train")
    return count_vocabulary((text for item in training for text in item.texts), min_texts, max_words)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m algcn.extract", description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="image folder: images and a metadata.csv (file_name, text, labels, split)")
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--bundle", help="take the encoder of this bundle (a folder, or OWNER/NAME on the Hub)")
    source.add_argument("--encoder", help="an open_clip folder or hf-hub:OWNER/NAME[@SHA]")
    parser.add_argument("--image-features", choices=("encoder", "vgg19"), default="encoder")
    parser.add_argument("--text-features", choices=("encoder", "bow"), default="encoder", help="bow: bags of words")
    parser.add_argument("--weights", default=WEIGHTS, help=f"of VGG-19, safetensors (default: {WEIGHTS})")
    parser.add_argument(
        "--vocabulary", help=f"for bow, one word a line (default: {VOCABULARY} in the folder, or counted)"
    )
    parser.add_argument("--min-texts", type=int, default=MIN_TEXTS, help="a counted word is in so many training texts")
    parser.add_argument("--max-words", type=int, default=MAX_WORDS, help="at most so many words are counted")
    parser.add_argument("--labels", help=f"a label set as JSON, others are an error (default: {LABELS} in the folder)")
    parser.add_argument("--out", required=True, help="the feature file to write (.safetensors)")
    parser.add_argument("--batch-size", type=int, default=BATCH)
    parser.add_argument("--device", default="cpu")
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """The command."""
    arguments = _parser().parse_args(argv)
    for name in ("batch_size", "min_texts", "max_words"):
        if getattr(arguments, name) < 1:
            raise InputError(f"--{name.replace('_', '-')} {getattr(arguments, name)} is too small; use 1 or more")
    open_device(arguments.device)
    own = Path(arguments.folder) / LABELS
    labels = arguments.labels or (own if own.is_file() else None)
    strict = LabelSet.load(labels) if labels else None
    folder = read_image_folder(arguments.folder, strict)
    sources, known = open_sources(arguments, folder)
    out = Path(arguments.out)
    work = Work(folder, sources, strict or label_set_of(folder, known or load_concepts()), arguments.batch_size)
    rows = extract_file(work, out)
    images = len(work.items)
    left_out = f", {len(folder) - images} images without a usable text left out" if images < len(folder) else ""
    sizes = ", ".join(f"{name} {rows['split'].count(name)}" for name in SPLITS)
    print(f"{out}: {len(work.owner)} pairs of {images} images ({sizes}){left_out}")
    if rows["split_name"]:
        print(f"split: {rows['split_name']}")


if __name__ == "__main__":
    sys.exit(run_command(main))
