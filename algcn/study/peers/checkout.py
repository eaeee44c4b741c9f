"""Import what is needed from a checkout, and let code that was written for other machines run on this one."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import importlib.util
import sys
import types
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from torch import Tensor

from algcn.kit.errors import InputError

OPTIONAL = "torchvision"  # all three import it for an image network that they never build from features
DIGITS = 12


def load(folder: Path, wanted: Mapping[str, Sequence[str]], source: str) -> types.SimpleNamespace:
    """Import names from the Python files of a checkout; this runs the files.

    Modules of different checkouts have the same names (`model`, `util`), so none stays in `sys.modules`; nothing is
    written into the folder.

    Args:
        folder: The checkout.
        wanted: The names to import, by module.
        source: Where the right checkout comes from, for the errors.

    Raises:
        InputError: The folder has no such file, a file cannot be run, or it lacks a name.
    """
    remedy = f"name a folder with the code of {source}"
    for module in wanted:
        if not (folder / f"{module}.py").is_file():
            raise InputError(f"The folder {folder} has no {module}.py; {remedy}.")
    found: dict[str, object] = {}
    with _importing_from(folder):
        for module, names in wanted.items():
            try:
                loaded = importlib.import_module(module)
            except ModuleNotFoundError as error:
                raise InputError(f"The code in {folder} needs the package {error.name!r}; install it.") from error
            except Exception as error:  # whatever somebody else's file raises
                raise InputError(f"The file {folder / module}.py cannot be run ({error}); {remedy}.") from error
            missing = [name for name in names if not hasattr(loaded, name)]
            if missing:
                raise InputError(f"The file {folder / module}.py has no {missing[0]}; {remedy}.")
            found |= {name: getattr(loaded, name) for name in names}
    return types.SimpleNamespace(**found)


def fingerprint(folder: Path) -> str:
    """Name the Python files of a checkout by their content."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:DIGITS]


@contextlib.contextmanager
def running_on(device: str) -> Iterator[None]:
    """Run a peer's code on a device: `.cuda()` moves there, and `numpy.float`, which is gone, is Python's float."""

    def move(tensor: Tensor, *_: object, **__: object) -> Tensor:
        return tensor.to(device)

    with mock.patch.object(torch.Tensor, "cuda", move), mock.patch.object(np, "float", float, create=True):
        yield


@contextlib.contextmanager
def _importing_from(folder: Path) -> Iterator[None]:
    own = {path.stem for path in folder.glob("*.py")}
    before = {name: sys.modules.pop(name) for name in own & sys.modules.keys()}
    stand_in = _stand_in() if importlib.util.find_spec(OPTIONAL) is None else {}
    path, writes = list(sys.path), sys.dont_write_bytecode
    sys.modules.update(stand_in)
    sys.path.insert(0, str(folder.resolve()))
    sys.dont_write_bytecode = True
    importlib.invalidate_caches()
    try:
        with contextlib.redirect_stdout(sys.stderr):  # they print versions; stdout is for results
            yield
    finally:
        sys.path[:], sys.dont_write_bytecode = path, writes
        for name in own | stand_in.keys():
            sys.modules.pop(name, None)
        sys.modules.update(before)


def _stand_in() -> dict[str, types.ModuleType]:
    package, models = types.ModuleType(OPTIONAL), types.ModuleType(f"{OPTIONAL}.models")
    package.models, package.__version__ = models, "not installed"
    return {OPTIONAL: package, models.__name__: models}
