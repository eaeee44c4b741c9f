"""Matrices of numbers from MATLAB's `.mat` files, the format of the authors' data and of the usual benchmark files."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from algcn.kit.errors import InputError


def read_variable(path: Path, name: str | None = None) -> Tensor:
    """Read a numeric matrix from a `.mat` file as a dense float32 tensor; without a name, the only variable there.

    Raises:
        InputError: The file is missing or no `.mat` file that is read, or it has no such matrix.
    """
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError
    from scipy.sparse import issparse

    if not path.is_file():
        raise InputError(f"The file {path} is missing; copy it there or name another.")
    try:
        content = loadmat(path)
    except NotImplementedError as error:
        raise InputError(f"The file {path} is of MATLAB 7.3, which is not read; save it again with -v7.") from error
    except (MatReadError, ValueError, TypeError, OSError, EOFError, KeyError, IndexError, zlib.error) as error:
        raise InputError(f"The file {path} is not a .mat file, or it is damaged ({error}); copy it again.") from error
    variables = [key for key in content if not key.startswith("__")]
    if name is None and len(variables) == 1:
        name = variables[0]
    if name not in variables:
        wanted = "one variable" if name is None else f"a variable called {name}"
        raise InputError(f"The file {path} must hold {wanted}; it holds {', '.join(variables) or 'nothing'}.")
    values = content[name].toarray() if issparse(content[name]) else np.asarray(content[name])
    if values.dtype.kind not in "biuf" or values.ndim != 2 or not values.size:
        raise InputError(f"The variable {name} of {path} must be a matrix of numbers with at least one row.")
    return torch.from_numpy(values.astype(np.float32))
