"""A gallery of many real files for benchmarks: pictures, captions and labels like a real one's, and their store.

Each picture is another crop of a real gallery's, a small JPEG; each caption is a real one with a number behind it.
Their features are not encoded, which would take hours on two cores, but generated: those of the picture or the caption,
moved halfway to those of another and by noise.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from algcn.bundles.bundle import Bundle
from algcn.datasets.image_folder import read_image_folder
from algcn.gallery.by_hash import FeaturesByHash
from algcn.gallery.contents import Contents
from algcn.gallery.files import STORE_NAME
from algcn.gallery.kept import Keeping
from algcn.gallery.store import Gallery, build_gallery
from algcn.kit.images import open_image

SIDE, QUALITY = 160, 80
LEAST = 0.6  # of a picture's sides that a crop keeps
FOLDERS = 8
NEAR, NOISE = 0.5, 0.35
BLOCK = 10_000
SEED = 0


def large_gallery(folder: Path, source: Path, bundle: Bundle, count: int) -> Path:
    """Make a gallery of `count` pictures in a folder, unless it is there."""
    if (folder / STORE_NAME).is_file():
        return folder
    real = build_gallery(source, bundle)
    rng = np.random.default_rng(SEED)
    texts = rng.integers(0, len(real.texts), count)
    owners = real.text_owner.numpy()[texts]
    names = [f"{number % FOLDERS}/{number:07}.jpg" for number in range(count)]
    _write_pictures(folder, real, owners, names, rng)
    captions = [f"{real.texts[text].rstrip('.')}, number {number}." for number, text in enumerate(texts.tolist())]
    with (folder / "metadata.csv").open("w", newline="", encoding="utf-8") as stream:
        rows = csv.writer(stream)
        rows.writerow(["file_name", "text", "labels"])
        for name, caption, owner in zip(names, captions, owners.tolist(), strict=True):
            rows.writerow([name, caption, "|".join(real.items[owner].labels or ())])
    contents = Contents.of(read_image_folder(folder), open_image)
    contents.hash_pictures({})
    features = FeaturesByHash(real.image_features.shape[1])
    for digests, rows_of, chosen in (
        ([contents.hashes[name] for name in names], real.image_features, owners),
        ([contents.texts[caption] for caption in captions], real.text_features, texts),
    ):
        features.add(digests, torch.cat(list(_moved(rows_of, chosen, rng))))
    keeping = Keeping(folder / STORE_NAME, bundle.encoder().fingerprint, in_place=True, must_keep=True)
    keeping.write(list(features.digests), features, {})
    return folder


def _write_pictures(
    folder: Path, real: Gallery, owners: np.ndarray, names: list[str], rng: np.random.Generator
) -> None:
    for name in {Path(name).parent for name in names}:
        (folder / name).mkdir(parents=True, exist_ok=True)
    for owner in np.unique(owners).tolist():
        picture = open_image(real.root / real.items[owner].file_name, "picture")
        for number in np.flatnonzero(owners == owner).tolist():
            width, height = (round(side * rng.uniform(LEAST, 1)) for side in picture.size)
            left, top = (
                rng.integers(0, whole - side + 1) for whole, side in zip(picture.size, (width, height), strict=True)
            )
            crop = picture.resize((SIDE, SIDE), Image.Resampling.BILINEAR, (left, top, left + width, top + height))
            crop.save(folder / names[number], quality=QUALITY)


def _moved(features: Tensor, chosen: np.ndarray, rng: np.random.Generator) -> Iterator[Tensor]:
    noises = torch.Generator().manual_seed(SEED)
    for start in range(0, len(chosen), BLOCK):
        own = features[chosen[start : start + BLOCK]].float()
        other = features[rng.integers(0, len(features), len(own))].float()
        noise = torch.randn(own.shape, generator=noises) / own.shape[1] ** 0.5
        yield functional.normalize(own + NEAR * other + NOISE * noise, dim=1).half()
