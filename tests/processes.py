"""Processes of this machine, as Linux says what they are."""

from __future__ import annotations

from pathlib import Path

import pytest

only_on_linux = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="processes are looked for in /proc")


def is_at_work(process: int) -> bool:
    """Whether a process is there and has not ended, though nobody may have taken note of its end yet."""
    try:
        return "(zombie)" not in Path(f"/proc/{process}/status").read_text(encoding="ascii")
    except OSError:
        return False
