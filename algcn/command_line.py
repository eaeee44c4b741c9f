"""What the commands share: one name for one argument, one way to open what it names."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from algcn.datasets.features import Features
from algcn.kit.errors import InputError

if TYPE_CHECKING:
    from algcn.bundles.bundle import Bundle


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
    from algcn.bundles.bundle import Bundle
    from algcn.bundles.hub import resolve_bundle

    path, notice = resolve_bundle(reference)
    if notice:
        print(notice, file=sys.stderr)
    return Bundle.load(path)


def read_features(path: str | Path) -> Features | None:
    """A feature file or one of the authors' .mat folders; None where `path` is another folder."""
    path = Path(path)
    if path.is_file():
        return Features.load(path)
    if path.is_dir() and any(path.glob("*_img.mat")):
        from algcn.datasets.authors import read_reference_folder

        return read_reference_folder(path)
    if not path.is_dir():
        raise InputError(f"there is no {str(path)!r}; give an image folder, a feature file or a folder of .mat files")
    return None
