"""The program as `app.py` starts it, but what visitors leave goes within two minutes and not within an hour."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from algcn.kit.errors import run_command
from app.launch import main
from app.visitors.sessions import MAX_SESSIONS, Sessions
from app.visitors.sweep import Sweeper

SECONDS = 60.0

if __name__ == "__main__":
    Sessions.__init__.__defaults__ = (MAX_SESSIONS, SECONDS)
    Sweeper.__init__.__kwdefaults__.update(every=SECONDS / 2, age=SECONDS)
    sys.exit(run_command(main))
