"""Where the program keeps what it computed: the only folder that it writes to without being told."""

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
    """The folder that $ALGCN_CACHE names, by default ~/.cache/algcn; whoever writes to it makes it.

    Where it cannot be written to (a container without a home, for instance), a temporary folder takes its place until
    the process ends, and a notice on stderr says so once.
    """
    wanted = os.environ.get(VARIABLE) or DEFAULT
    return _writable(Path(os.path.expanduser(wanted)))


@functools.cache
def _writable(wanted: Path) -> Path:
    """The wanted folder or its temporary stand-in; one for a process, whoever asks."""
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
