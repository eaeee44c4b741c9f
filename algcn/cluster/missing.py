"""Packages that only work on many machines needs."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

from algcn.kit.errors import InputError

REQUIREMENTS = Path(__file__).with_name("requirements.txt")


def optional(name: str) -> ModuleType:
    """Import a package of requirements.txt.

    Raises:
        InputError: It is not installed.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] != name.split(".")[0]:
            raise
        raise InputError(f"This needs the package {name}; pip install -r {REQUIREMENTS} installs it.") from None
