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

VARIABLE = "ALGCN_CACHE"
DEFAULT = "~/.cache/algcn"
STAND_IN = "algcn-cache-"


def cache_folder() -> Path:
    """Return the cache folder, $ALGCN_CACHE or ~/.cache/algcn; the caller creates it.

    Where the folder cannot be written to (a container without a home, for instance), a temporary folder takes its
    place until the process ends, and a notice on stderr says so once.
    """
    wanted = os.environ.get(VARIABLE) or DEFAULT
    return _writable(Path(os.path.expanduser(wanted)))


@functools.cache
def _writable(wanted: Path) -> Path:
    """Return the wanted folder or its temporary stand-in, the same for the whole process."""
    try:
        if str(wanted).startswith("~"):  # what nobody could expand would be a folder of this name here
            raise OSError("there is no home folder")
        with tempfile.TemporaryFile(dir=next(place for place in (wanted, *wanted.parents) if place.exists())):
            return wanted
    except OSError as error:
        for left in Path(tempfile.gettempdir()).glob(f"{STAND_IN}{'?' * 8}"):
            leftovers.remove_if_left(left)  # by a process that was killed
        folder = tempfile.mkdtemp(prefix=STAND_IN)
        leftovers.locked(Path(folder))  # until the process ends
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        reason = error.strerror or error
        print(
            f"The cache folder {wanted} cannot be written to ({reason}), so {folder} is used until the program ends; "
            f"set {VARIABLE} to a folder that can be written to.",
            file=sys.stderr,
            flush=True,
        )
        return Path(folder)
