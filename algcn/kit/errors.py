"""`InputError`, the error that a user is meant to read, and how a command reports it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence


class InputError(ValueError):
    """Bad input, told in a sentence that says what was wrong and what would work."""


def run_command(main: Callable[[Sequence[str] | None], None], argv: Sequence[str] | None = None) -> int:
    """Run a command's `main` and turn an `InputError` into one line on stderr and exit code 2."""
    try:
        main(argv)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped; what was finished is kept.", file=sys.stderr)
        return 130
    return 0
