"""The cache folder: the only place that the program writes to without being told."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import sys
import tempfile
from pathlib import Path

from algcn.kit import leftovers
from algcn.kit.errors import InputError

VARIABLE = "ALGCN_CACHE"
DEFAULT = "~/.cache/algcn"
STAND_IN = "algcn-cache-"
HUB = "hub"  # in the cache folder


def cache_folder() -> Path:
    """Return the cache folder, $ALGCN_CACHE or ~/.cache/algcn; the caller creates it.

    Where the folder cannot be written to (a container without a home, for instance), a temporary folder takes its
    place until the process ends, and a notice on stderr says so once.

    Raises:
        InputError: No temporary folder can be made either.
    """
    wanted = os.environ.get(VARIABLE) or DEFAULT
    return _writable(Path(os.path.expanduser(wanted)))


@functools.cache
def hub_cache_folder() -> Path:
    """Return the folder in which huggingface_hub keeps what it downloads: its own, or one in the cache folder.

    The latter where its own cannot be written to; a notice on stderr says so once.
    """
    from huggingface_hub.constants import HF_HUB_CACHE

    try:
        _check_writable(Path(HF_HUB_CACHE))
    except OSError as error:
        folder = cache_folder() / HUB
        _tell(f"What the Hub gives is kept in {folder}, since {HF_HUB_CACHE} cannot be written to ({_reason(error)}).")
        # Of hf_xet, which fetches large files; a cache of pieces that nobody needs twice here.
        os.environ.setdefault("HF_XET_CACHE", str(folder / "xet"))
        return folder
    return Path(HF_HUB_CACHE)


@functools.cache
def _writable(wanted: Path) -> Path:
    """Return the wanted folder or its temporary stand-in, the same for the whole process."""
    try:
        _check_writable(wanted)
        return wanted
    except OSError as error:
        reason = _reason(error)
    try:
        folder = _stand_in()
    except OSError:
        raise InputError(
            f"Neither the cache folder {wanted} ({reason}) nor a temporary folder can be written to; set {VARIABLE} to "
            "a folder that can."
        ) from None
    _tell(
        f"The cache folder {wanted} cannot be written to ({reason}), so {folder} is used until the program ends; set "
        f"{VARIABLE} to a folder that can be written to."
    )
    return folder


def _check_writable(folder: Path) -> None:
    """Raise the `OSError` that writing into a folder, or making it, would raise."""
    if str(folder).startswith("~"):  # what nobody could expand would be a folder of this name here
        raise OSError("there is no home folder")
    with tempfile.TemporaryFile(dir=next(place for place in (folder, *folder.parents) if place.exists())):
        pass


def _stand_in() -> Path:
    """Make a temporary folder that goes with the process, or where that is killed with the next one."""
    for left in Path(tempfile.gettempdir()).glob(f"{STAND_IN}{'?' * 8}"):
        leftovers.remove_if_left(left)  # by a process that was killed
    folder = Path(tempfile.mkdtemp(prefix=STAND_IN))
    leftovers.locked(folder)  # until the process ends
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _reason(error: OSError) -> str:
    return error.strerror or str(error)


def _tell(notice: str) -> None:
    print(notice, file=sys.stderr, flush=True)
