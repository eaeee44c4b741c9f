"""The cache folder: the only place that the program writes to without being told."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import sys
import tempfile
from pathlib import Path

VARIABLE = "ALGCN_CACHE"
DEFAULT = "~/.cache/algcn"


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
        folder = tempfile.mkdtemp(prefix="algcn-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        reason = error.strerror or error
        print(
            f"The cache folder {wanted} cannot be written to ({reason}), so {folder} is used until the program ends; "
            f"set {VARIABLE} to a folder that can be written to.",
            file=sys.stderr,
            flush=True,
        )
        return Path(folder)
