"""Matrices of numbers from MATLAB's `.mat` files, the format of the authors' data and of the usual benchmark files."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from algcn.kit.errors import InputError
from algcn.kit.mat5 import Mat5, fill_columns, single

SHOWN = 12  # names that an error lists
HDF5 = b"\x89HDF"
SPARSE = "sparse"  # as scipy calls such a variable
Read = Callable[[str], np.ndarray | None]


def read_variable(path: Path, name: str | None = None) -> Tensor:
    """Read a numeric matrix from a `.mat` file as a dense float32 tensor; without a name, the only variable there.

    Raises:
        InputError: The file is missing or no `.mat` file that is read, or it has no such matrix of finite numbers.
    """
    if not path.is_file():
        raise InputError(f"The file {path} is missing; copy it there or name another.")
    try:
        listed, read = _open(path)
        names = [known for known in listed if known and not known.startswith("__")]
        if not all(known.isprintable() for known in names):
            raise ValueError("the name of a variable is none")
        if name is None and len(names) == 1:
            (name,) = names
        values = read(name) if name in names else None
    except InputError:
        raise
    except Exception as error:  # what scipy raises on damaged bytes has nothing in common
        raise InputError(f"The file {path} is not a .mat file, or it is damaged; copy it again.") from error
    if name not in names:
        wanted = "one variable" if name is None else f"a variable called {name}"
        raise InputError(f"The file {path} must hold {wanted}; it holds {_listed(names) or 'nothing'}.")
    if values is None:
        raise InputError(f"The variable {name} of {path} must be a matrix of numbers with at least one row.")
    if not np.isfinite(values).all():
        row, column = (int(place) + 1 for place in np.argwhere(~np.isfinite(values))[0])
        raise InputError(
            f"The variable {name} of {path} has a NaN, an infinity or a number that is too large in row {row}, column "
            f"{column}; write a number there, or leave the item out."
        )
    return torch.from_numpy(np.ascontiguousarray(values))


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _open(path: Path) -> tuple[Iterable[str], Read]:
    """Return the names of the variables, and how one is read: float32, or None for what is no matrix of real numbers.

    Raises:
        InputError: The file is of MATLAB 7.3.
    """
    with path.open("rb") as stream:
        start = stream.read(128)
    if len(start) > 4 and 0 in start[:4]:
        return _open_4(path)
    major = start[125] if start[126:127] == b"I" else start[124]
    if start.startswith(HDF5) or major == 2:
        raise InputError(f"The file {path} is of MATLAB 7.3, which is not read; save it again with -v7.")
    opened = Mat5(path)
    return opened.variables, opened.read


def _open_4(path: Path) -> tuple[Iterable[str], Read]:
    """Open a file of level 4, where nothing is packed."""
    from scipy.io import loadmat, whosmat

    def strictly(call: Callable) -> object:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # sizes that overflow, which end in an error
            warnings.simplefilter("error", UserWarning)  # "returned data may be corrupt"
            return call()

    def read(name: str) -> np.ndarray | None:
        shape, kind = listed[name]
        if kind not in ("double", SPARSE) or len(shape) != 2 or min(shape) < 1:
            return None
        if kind != SPARSE and math.prod(shape) > path.stat().st_size:
            raise ValueError("it is smaller than its sizes say")
        values = strictly(lambda: loadmat(path, variable_names=[name])[name])
        if values.dtype.kind not in "biuf":
            return None
        if kind == SPARSE:
            return fill_columns(values.shape, values.row, values.col, values.data)
        return single(values)

    listed = {name: (shape, kind) for name, shape, kind in strictly(lambda: whosmat(path))}
    return listed, read
