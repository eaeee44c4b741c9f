"""`InputError`, the error that a user is meant to read, and how a command reports it."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Callable, Sequence

# How the system says that there is no room to write: a full disk, a user's share of it that is used up, and a file that
# is larger than the disk or the process allows. `algcn.kit.disk` tells them apart.
NO_ROOM = frozenset({errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC), errno.EFBIG})


class InputError(ValueError):
    """Bad input, told in a sentence that says what was wrong and what would work."""


def run_command(main: Callable[[Sequence[str] | None], None], argv: Sequence[str] | None = None) -> int:
    """Run a command's `main` and turn an `InputError`, or a full disk, into one line on stderr and exit code 2."""
    try:
        main(argv)
        sys.stdout.flush()
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        _drop_stdout()
        print(
            f"error: There is no room to write ({error.strerror}); make room, or write to another disk.",
            file=sys.stderr,
        )
        return 2
    except KeyboardInterrupt:
        print("Stopped; what was finished is kept.", file=sys.stderr)
        return 130
    return 0


def _drop_stdout() -> None:
    """Send what is still to be printed nowhere: where there is no room for it, the interpreter's end would say so."""
    with contextlib.suppress(OSError, ValueError), open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
