"""Encode an image folder once: `python -m algcn.extract IMAGE_FOLDER --bundle B --out features.safetensors`.

Images are read in shards of a few hundred; a small pool of threads decodes one batch while the encoder works on the one
before, so pixels in memory do not grow with the folder. Each finished shard is written to `OUT.parts/`; a run that was
stopped goes on from there when started again, and the parts are removed once the feature file stands.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from tqdm import tqdm

from algcn.datasets.features import SPLITS, Features
from algcn.datasets.image_folder import ImageFolder, Item, read_image_folder
from algcn.errors import InputError, run_command
from algcn.files import replacing, write_text
from algcn.images import open_image
from algcn.labels import Label, LabelSet, load_concepts

if TYPE_CHECKING:
    from PIL.Image import Image

    from algcn.bundle import Bundle
    from algcn.encoders import Encoder

SHARD = 512
BATCH = 32
DECODERS = 2
TRAIN_SHARE, VALIDATION_SHARE = 0.8, 0.1


def split_of(file_name: str) -> str:
    """The split of an image whose folder names none: train 80 %, validation 10 %, test 10 %, by a hash of its name.

    A hash rather than a draw: an image keeps its split when others join or leave the folder.
    """
    share = int(hashlib.sha1(file_name.encode()).hexdigest()[:8], 16) / 2**32
    if share < TRAIN_SHARE:
        return "train"
    return "validation" if share < TRAIN_SHARE + VALIDATION_SHARE else "test"


def label_set_of(folder: ImageFolder, known: LabelSet | None = None) -> LabelSet:
    """The labels that occur in a folder: those of `known` in its order, with group and synonyms, then the others."""
    found = {name.casefold(): name for name in folder.label_names}
    labels = [label for label in known or [] if found.pop(label.name.casefold(), None)]
    return LabelSet(labels + [Label(name, group="other") for name in sorted(found.values())])


def extract_features(
    folder: ImageFolder,
    encoder: Encoder,
    label_set: LabelSet,
    *,
    parts: Path | None = None,
    batch_size: int = BATCH,
    shard_size: int = SHARD,
    progress: bool = True,
) -> Features:
    """Encode every text of a folder and the image it belongs to.

    Images without a text have no pair and are left out; labels that are not said are taken as none.

    Args:
        folder: what to encode.
        encoder: the encoder to use.
        label_set: the columns of the labels; must hold every label of the folder.
        parts: where finished shards are kept until the caller removes them, so that a stopped run can go on.
        batch_size: images or texts encoded at once.
        shard_size: images for each part.
        progress: show a progress bar on stderr.

    Raises:
        InputError: no image has a text, or an image cannot be read (it is named).
    """
    items = [replace(item, texts=texts) for item in folder if (texts := list(filter(_encodable, item.texts)))]
    if not items:
        raise InputError(
            f"no image of {str(folder.root)!r} has a text, and features are image-text pairs; "
            "give it a metadata.csv with the columns file_name and text"
        )
    if parts is not None:
        _prepare_parts(parts, folder, items, encoder, shard_size)
    images, texts = [], []
    with tqdm(total=len(items), unit="image", desc="extract", disable=not progress) as bar:
        for start in range(0, len(items), shard_size):
            shard = items[start : start + shard_size]
            tensors = _read_part(parts, start, shard)
            if tensors is None:
                tensors = _encode_shard(folder, shard, encoder, batch_size, bar)
                if parts is not None:
                    with replacing(_part_path(parts, start)) as aside:
                        save_file(tensors, aside)
            else:
                bar.update(len(shard))
            images.append(tensors["image_features"])
            texts.append(tensors["text_features"])
    owner = [position for position, item in enumerate(items) for _ in item.texts]
    return Features(
        image_features=torch.cat(images)[owner],
        text_features=torch.cat(texts),
        labels=label_set.encode([item.labels or [] for item in items])[owner],
        split=[items[position].split or split_of(items[position].file_name) for position in owner],
        label_set=label_set,
        file_names=[items[position].file_name for position in owner],
        encoder={"reference": str(encoder.reference), "fingerprint": encoder.fingerprint},
    )


def _encodable(text: str) -> bool:
    """Whether an encoder takes the text; one of nothing but control characters says as little as an empty one."""
    from algcn.encoders import clean_text

    try:
        clean_text(text)
    except InputError:
        return False
    return True


def _encode_shard(
    folder: ImageFolder, items: Sequence[Item], encoder: Encoder, batch_size: int, bar: tqdm
) -> dict[str, Tensor]:
    images = []
    for batch in _decoded_batches(folder, items, batch_size):
        images.append(encoder.encode_images(batch).cpu())
        bar.update(len(batch))
    sentences = [text for item in items for text in item.texts]
    texts = [
        encoder.encode_texts(sentences[start : start + batch_size]).cpu()
        for start in range(0, len(sentences), batch_size)
    ]
    return {"image_features": torch.cat(images), "text_features": torch.cat(texts)}


def _decoded_batches(folder: ImageFolder, items: Sequence[Item], batch_size: int) -> Iterator[list[Image]]:
    """Batches of decoded images; at most one batch is decoded ahead."""

    def decode(item: Item) -> Image:
        return open_image(folder.path(item), name=item.file_name)

    waiting: deque[list[Future[Image]]] = deque()
    with ThreadPoolExecutor(DECODERS) as pool:
        try:
            for start in range(0, len(items), batch_size):
                waiting.append([pool.submit(decode, item) for item in items[start : start + batch_size]])
                if len(waiting) > 1:
                    yield [future.result() for future in waiting.popleft()]
            while waiting:
                yield [future.result() for future in waiting.popleft()]
        finally:
            pool.shutdown(cancel_futures=True)


def _part_path(parts: Path, start: int) -> Path:
    return parts / f"{start:08d}.safetensors"


def _prepare_parts(parts: Path, folder: ImageFolder, items: Sequence[Item], encoder: Encoder, shard_size: int) -> None:
    """Keep what an earlier run left only if it was the same work: same encoder, images, texts and shards."""
    work = hashlib.sha256(f"{encoder.fingerprint} {shard_size}".encode())
    for item in items:
        status = folder.path(item).stat()
        work.update(json.dumps([item.file_name, item.texts, status.st_size, status.st_mtime_ns]).encode())
    plan = parts / "plan.json"
    if not plan.is_file() or plan.read_text(encoding="utf-8") != work.hexdigest():
        shutil.rmtree(parts, ignore_errors=True)
        write_text(plan, work.hexdigest())


def _read_part(parts: Path | None, start: int, items: Sequence[Item]) -> dict[str, Tensor] | None:
    """A part that an earlier run finished, or None where it has to be done (again)."""
    if parts is None or not _part_path(parts, start).is_file():
        return None
    try:
        tensors = load_file(_part_path(parts, start))
    except (SafetensorError, OSError):
        return None
    sizes = {"image_features": len(items), "text_features": sum(len(item.texts) for item in items)}
    return tensors if {name: len(tensor) for name, tensor in tensors.items()} == sizes else None


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


def open_encoder(bundle: str | None, encoder: str | None, device: str) -> tuple[Encoder, LabelSet | None]:
    """The encoder of a bundle, or the one a reference names; and the bundle's labels."""
    if encoder is not None:
        from algcn.encoders import load_encoder

        return load_encoder(encoder, device=device), None
    opened = open_bundle(bundle)
    return opened.encoder(device), opened.label_set


def main(argv: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m algcn.extract", description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="image folder: images and a metadata.csv (file_name, text, labels, split)")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--bundle", help="take the encoder of this bundle (a folder, or OWNER/NAME on the Hub)")
    source.add_argument("--encoder", help="an open_clip folder or hf-hub:OWNER/NAME[@SHA]")
    parser.add_argument("--labels", help="a label set as JSON; labels outside it are an error")
    parser.add_argument("--out", required=True, help="the feature file to write (.safetensors)")
    parser.add_argument("--batch-size", type=int, default=BATCH)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args(argv)
    if arguments.batch_size < 1:
        raise InputError(f"--batch-size {arguments.batch_size} is too small; use 1 or more")

    open_device(arguments.device)
    strict = LabelSet.load(arguments.labels) if arguments.labels else None
    folder = read_image_folder(arguments.folder, strict)
    encoder, known = open_encoder(arguments.bundle, arguments.encoder, arguments.device)
    out = Path(arguments.out)
    parts = out.with_name(out.name + ".parts")
    features = extract_features(
        folder,
        encoder,
        strict or label_set_of(folder, known or load_concepts()),
        parts=parts,
        batch_size=arguments.batch_size,
    )
    features.save(out)
    shutil.rmtree(parts)
    images = len(set(features.file_names))
    left_out = f", {len(folder) - images} images without a text left out" if images < len(folder) else ""
    sizes = ", ".join(f"{name} {features.split.count(name)}" for name in SPLITS)
    print(f"{out}: {len(features)} pairs of {images} images ({sizes}){left_out}")


if __name__ == "__main__":
    sys.exit(run_command(main))
