"""How much faster this project trains and measures than the authors' code, on the same machine and data.

    python -m tests.benchmarks.vs_reference --reference CHECKOUT [--epochs 30] [--rounds 3] [--device cpu|cuda]

CHECKOUT is a clone of LivXue/ALGCN; none of it is part of this repository. Both sides read the same folder of .mat
files: generated features of MIRFlickr's size (18,015 train, 2,000 test, 4,096 + 1,386 dimensions, 24 labels). Each
side runs in a process of its own, and they take turns. Reading the data is not timed. What is:

- training: one epoch of optimiser steps (the mean over the epochs of a run);
- whole run: all epochs, each with its evaluation on test by mAP in both directions, which picks the epoch as the
  authors do; for us the call of `train_algcn`, which also checks its input and fits thresholds at the end;
- mAP@all: 5,000 queries on 5,000 items at 1,024 dimensions, one direction;
- and, ours alone, mAP@all of 50,000 on 50,000, with the memory it took at the most.

On a GPU ours records its step (`--capture`). The authors' code needs NumPy's old name `np.float`, which it is given.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]
TRAIN, TEST, IMAGE, TEXT, LABELS = 18_015, 2_000, 4_096, 1_386, 24
ITEMS, MANY, WIDTH = 5_000, 50_000, 1_024
BATCH, RATE, SEED = 100, 5e-5, 103
SIDES = ("authors", "ours")
MODULES = ("main.py", "model.py", "train_model.py", "evaluate.py", "load_data.py")


def write_data(folder: Path) -> None:
    """Features that depend on labels of uneven frequency, through noise: about as sparse as fc7 and as tags are."""
    import torch

    from algcn.datasets.authors import write_reference_folder
    from algcn.datasets.features import Features
    from algcn.method.labels import Label, LabelSet

    generator = torch.Generator().manual_seed(0)
    count = TRAIN + TEST
    chance = torch.linspace(0.45, 0.03, LABELS)
    labels = (torch.rand(count, LABELS, generator=generator) < chance).to(torch.uint8)
    labels[(labels == 0).all(dim=1), 0] = 1
    image = labels.float() @ torch.randn(LABELS, IMAGE, generator=generator)
    image = (image + 3 * torch.randn(count, IMAGE, generator=generator)).relu()
    words = labels.float() @ torch.rand(LABELS, TEXT, generator=generator).pow(8)
    text = (torch.rand(count, TEXT, generator=generator) < 0.02 * words + 0.001).float()
    text[~text.any(dim=1), 0] = 1
    names = LabelSet([Label(f"label {number}") for number in range(LABELS)])
    split = ["train"] * TRAIN + ["test"] * TEST
    features = Features(image, text, labels, split, names, [str(number) for number in range(count)])
    write_reference_folder(features, folder)


def random_items(count: int, seed: int) -> tuple[Any, Any, Any]:
    """Embeddings after a ReLU and labels: image and text, `count` × 1,024 float32 each, and `count` × 24."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    image, text = (torch.randn(count, WIDTH, generator=generator).relu() for _ in range(2))
    labels = (torch.rand(count, LABELS, generator=generator) < 0.15).to(torch.uint8)
    labels[(labels == 0).all(dim=1), 0] = 1
    return image, text, labels


class Timed:
    """One of the authors' data loaders, which notes how long each pass over it took."""

    def __init__(self, loader: Any) -> None:
        self.loader, self.dataset, self.seconds = loader, loader.dataset, []

    def __iter__(self) -> Iterator[Any]:
        started = time.perf_counter()
        yield from self.loader
        self.seconds.append(time.perf_counter() - started)


def authors_train(data: Path, epochs: int, device: str) -> dict[str, Any]:
    """What their main.py does for MIRFlickr, without writing the model."""
    import numpy as np

    np.float = float  # gone since NumPy 1.24
    import torch
    from load_data import get_loader
    from model import ALGCN
    from train_model import train_model

    torch.manual_seed(SEED)
    loaders, sizes = get_loader(f"{data}/", BATCH)
    model = ALGCN(
        img_input_dim=sizes["img_dim"], text_input_dim=sizes["text_dim"], num_classes=sizes["num_class"], t=0.4,
        adj_file=str(data / "adj.mat"), inp=None, gamma=0.5,
    )  # fmt: skip
    model = model.to(device)
    optimizer = torch.optim.Adam(model.get_config_optim(RATE), lr=RATE, betas=(0.5, 0.999))
    loaders["train"] = Timed(loaders["train"])
    started = time.perf_counter()
    _, images, texts, _ = train_model(model, loaders, optimizer, 0.2, epochs)
    whole = time.perf_counter() - started
    best = max((image + text) / 2 for image, text in zip(images, texts, strict=True))
    return {"epoch": statistics.fmean(loaders["train"].seconds), "whole": whole, "map": float(best)}


def our_train(data: Path, epochs: int, device: str) -> dict[str, Any]:
    """The same by `train_algcn`."""
    from algcn.datasets.authors import read_reference_folder
    from algcn.method.config import preset
    from algcn.training import steps
    from algcn.training.loop import train_algcn

    features = read_reference_folder(data)
    seconds: list[float] = []
    epoch = steps.Steps.epoch

    @functools.wraps(epoch)
    def timed(*arguments: Any) -> Any:
        started = time.perf_counter()
        losses = epoch(*arguments)
        seconds.append(time.perf_counter() - started)
        return losses

    steps.Steps.epoch = timed
    config = preset("mirflickr").replace(epochs=epochs, select="test", seed=SEED)
    started = time.perf_counter()
    result = train_algcn(features, config, device=device, capture=device != "cpu")
    whole = time.perf_counter() - started
    return {"epoch": statistics.fmean(seconds), "whole": whole, "map": max(e.map["average"] for e in result.log)}


def authors_map(data: Path, epochs: int, device: str) -> dict[str, Any]:
    """Their mAP, which runs on the processor."""
    from evaluate import fx_calc_map_label

    image, text, labels = (tensor.numpy() for tensor in random_items(ITEMS, 1))
    started = time.perf_counter()
    value = fx_calc_map_label(image, text, labels)
    return {"seconds": time.perf_counter() - started, "map": float(value)}


def our_map(data: Path, epochs: int, device: str, count: int = ITEMS) -> dict[str, Any]:
    """Our mAP; on a GPU the way there is timed too."""
    from algcn.evaluation.metrics import mean_average_precision

    image, text, labels = random_items(count, 1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    value = mean_average_precision(*(part.to(device) for part in (image, text, labels, labels)), ties="index")
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"seconds": seconds, "map": value, "peak": peak / 2**20, "before": before / 2**20}


def our_large_map(data: Path, epochs: int, device: str) -> dict[str, Any]:
    """50,000 on 50,000."""
    return our_map(data, epochs, device, MANY)


WORK = {
    ("authors", "train"): authors_train,
    ("ours", "train"): our_train,
    ("authors", "map"): authors_map,
    ("ours", "map"): our_map,
    ("ours", "large"): our_large_map,
}


def run(side: str, task: str, arguments: argparse.Namespace, data: Path) -> dict[str, Any]:
    """One piece of work in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.vs_reference", "--reference", str(arguments.reference)]
    command += ["--epochs", str(arguments.epochs), "--device", arguments.device, "--work", side, task, str(data)]
    path = [str(arguments.reference)] if side == "authors" else []
    settings = os.environ | {"PYTHONPATH": os.pathsep.join([str(PROJECT), *path])}
    done = subprocess.run(command, cwd=PROJECT, env=settings, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise SystemExit(f"the {task} of {side} failed; see above")
    found = json.loads(done.stdout.splitlines()[-1])
    print(f"  {side:<8}{task:<6} {json.dumps(found)}", file=sys.stderr, flush=True)
    return found


def compare(name: str, authors: Sequence[float], ours: Sequence[float]) -> str:
    """A row: medians, the ratio of each round (median, lowest, highest)."""
    ratios = [theirs / own for theirs, own in zip(authors, ours, strict=True)]
    medians = f"{statistics.median(authors):>10.2f}{statistics.median(ours):>10.2f}"
    spread = f"{statistics.median(ratios):>9.1f} ×   ({min(ratios):.1f} to {max(ratios):.1f})"
    return f"{name:<44}{medians}{spread}"


def machine(device: str) -> str:
    """What it ran on."""
    import torch

    model = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").is_file():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), model)
    gpu = f", {torch.cuda.get_device_name()}" if device != "cpu" else ""
    return f"{model}, {torch.get_num_threads()} threads{gpu}, torch {torch.__version__}"


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reference", type=Path, required=True, help="a clone of LivXue/ALGCN")
    parser.add_argument("--epochs", type=int, default=30, help="of a whole run (default: 30)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--skip-large", action="store_true", help=f"leave out mAP@all of {MANY:,} × {MANY:,}")
    parser.add_argument("--work", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args(argv)
    arguments.reference = arguments.reference.resolve()
    missing = [name for name in MODULES if not (arguments.reference / name).is_file()]
    if missing:
        raise SystemExit(f"{arguments.reference} has no {missing[0]}; name a clone of LivXue/ALGCN")
    if arguments.work:
        side, task, data = arguments.work
        print("\n" + json.dumps(WORK[side, task](Path(data), arguments.epochs, arguments.device)))
        return

    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        write_data(data)
        for number in range(arguments.rounds):
            for task in ("train", "map"):
                for side in SIDES if number % 2 == 0 else reversed(SIDES):
                    found.setdefault((side, task), []).append(run(side, task, arguments, data))
        large = None if arguments.skip_large else run("ours", "large", arguments, data)

    def column(side: str, task: str, key: str) -> list[float]:
        return [result[key] for result in found[side, task]]

    print(f"{machine(arguments.device)}; {arguments.rounds} rounds, medians, ratio of each round (lowest to highest)")
    print(f"{'seconds':<44}{'authors':>10}{'ours':>10}{'ratio':>9}")
    for title, task, key in (
        ("training, one epoch", "train", "epoch"),
        (f"whole run, {arguments.epochs} epochs with evaluation", "train", "whole"),
        (f"mAP@all, {ITEMS:,} × {ITEMS:,}, {WIDTH:,} dimensions", "map", "seconds"),
    ):
        print(compare(title, column("authors", task, key), column("ours", task, key)))
    for title, task in (("best mAP of a run", "train"), ("mAP", "map")):
        print(f"{title}: authors {column('authors', task, 'map')[0]:.6f}, ours {column('ours', task, 'map')[0]:.6f}")
    if large is not None:
        peak = f"{large['peak']:.2f} GiB at the most ({large['before']:.2f} GiB before)"
        print(f"mAP@all, {MANY:,} × {MANY:,}: {large['seconds']:.0f} s, {peak}")


if __name__ == "__main__":
    main()
