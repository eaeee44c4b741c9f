"""Pictures for training: decoded once into a file, then cropped, mirrored and recoloured at random on the device.

The file holds plain bytes (N × 3 × 256 × 256), mapped and not read: a step copies its own rows to the device, and
everything random happens there, a batch at a time.
"""

from __future__ import annotations

import itertools
import json
import math
import multiprocessing
import os
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from algcn.kit.disk import reserve
from algcn.kit.errors import InputError
from algcn.kit.files import file_state, replacing, write_text
from algcn.kit.images import open_image
from algcn.kit.progress import track
from algcn.pretrain.pocket import IMAGE_SIZE, MEAN, STD

SHAPE = (3, IMAGE_SIZE, IMAGE_SIZE)
TRAINING_SIZE = 224
"""Crops are shown smaller than whole pictures will be: a crop makes things larger, and at 256 they look alike again
(Touvron et al. 2019, "Fixing the train-test resolution discrepancy")."""
SMALLEST_CROP = 0.5  # of the picture's area
ASPECT = math.log(4 / 3)
JITTER = 0.3  # brightness, contrast and saturation are multiplied by 1 - JITTER to 1 + JITTER


def squashed(path: Path) -> np.ndarray:
    """Squash a picture to 256 × 256 (nothing is cropped away), 3 × 256 × 256 bytes.

    Raises:
        InputError: The picture cannot be read.
    """
    return np.asarray(open_image(path).resize((IMAGE_SIZE, IMAGE_SIZE), Image.Resampling.BICUBIC)).transpose(2, 0, 1)


def normalised(pixels: Tensor) -> Tensor:
    """Turn N × 3 × H × W numbers from 0 to 255 into what the image tower takes."""
    mean, std = (torch.tensor(values, device=pixels.device).view(3, 1, 1) for values in (MEAN, STD))
    return (pixels / 255 - mean) / std


def augmented(pixels: Tensor, generator: torch.Generator) -> Tensor:
    """Crop, mirror and recolour each picture at random.

    Args:
        pixels: N × 3 × H × W bytes.
        generator: On the same device.

    Returns:
        N × 3 × 224 × 224 numbers from 0 to 255.
    """
    count, device = len(pixels), pixels.device

    def draw(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(count, generator=generator, device=device)

    area, ratio = draw(SMALLEST_CROP, 1.0), draw(-ASPECT, ASPECT).exp()
    width, height = (area * ratio).sqrt().clamp(max=1), (area / ratio).sqrt().clamp(max=1)
    window = torch.zeros(count, 2, 3, device=device)
    window[:, 0, 0] = width * torch.where(draw(0, 1) < 0.5, -1.0, 1.0)
    window[:, 1, 1] = height
    window[:, 0, 2], window[:, 1, 2] = draw(-1, 1) * (1 - width), draw(-1, 1) * (1 - height)
    grid = F.affine_grid(window, [count, 3, TRAINING_SIZE, TRAINING_SIZE], align_corners=False)
    seen = F.grid_sample(pixels.float(), grid, padding_mode="reflection", align_corners=False)
    brightness, contrast, saturation = (draw(1 - JITTER, 1 + JITTER).view(-1, 1, 1, 1) for _ in range(3))
    seen = seen * brightness
    mean = seen.mean(dim=(1, 2, 3), keepdim=True)
    seen = mean + (seen - mean) * contrast
    grey = seen.mean(dim=1, keepdim=True)
    return (grey + (seen - grey) * saturation).clamp(0, 255)


def cache_pixels(paths: list[Path], cache: Path, *, progress: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Decode all pictures, or map what was decoded before from the same files.

    Args:
        paths: N pictures.
        cache: The file (196 kB a picture), made if it is not there; a .json beside it lists the pictures.
        progress: The first of the workers, one for each core, shows a bar of its share on stderr.

    Returns:
        N × 3 × 256 × 256 bytes, and N of bool: whether the picture could be read.

    Raises:
        InputError: A worker was killed.
    """
    index = cache.with_suffix(".json")
    listing = [[str(path), file_state(path)] for path in paths]
    known = json.loads(index.read_text()) if cache.exists() and index.exists() else {}
    if known.get("pictures") != listing:
        with replacing(cache, len(paths) * math.prod(SHAPE)) as aside:
            np.lib.format.open_memmap(aside, mode="w+", dtype=np.uint8, shape=(len(paths), *SHAPE)).flush()
            reserve(aside, aside.stat().st_size)
            bounds = np.linspace(0, len(paths), (os.cpu_count() or 1) + 1).astype(int)
            shares = [(aside, paths[a:b], int(a), progress and a == 0) for a, b in itertools.pairwise(bounds)]
            with multiprocessing.get_context("spawn").Pool(len(shares)) as pool:
                unread = [row for found in pool.starmap(_decode, shares) for row in found]
        known = {"pictures": listing, "unread": unread}
        write_text(index, json.dumps(known))
    read = np.ones(len(paths), dtype=bool)
    read[known["unread"]] = False
    return np.load(cache, mmap_mode="r"), read


def _decode(cache: Path, paths: list[Path], start: int, progress: bool) -> list[int]:
    pixels = np.load(cache, mmap_mode="r+")
    unread = []
    for row, path in enumerate(track(paths, "decode", total=len(paths), unit="picture", shown=progress), start):
        try:
            pixels[row] = squashed(path)
        except InputError:
            unread.append(row)
    pixels.flush()
    return unread
