"""Start the page: `python -m app` in a checkout, `algcn-explorer` where it is installed."""

from __future__ import annotations

import sys
from pathlib import Path


def start() -> int:
    """Serve the page until it is stopped; returns the exit code."""
    # Installed, this package lies in algcn_explorer/, beside its weights and pictures and where it is in nobody's way:
    # `app` would be too common a name for all programs of an environment to share.
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from algcn.kit.errors import run_command
    from app.launch import main

    return run_command(main)


if __name__ == "__main__":
    sys.exit(start())
