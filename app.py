"""ALGCN Explorer: search pictures with words and words with pictures.

    python app.py [--bundle PATH|OWNER/NAME[@COMMIT]] [--gallery PATH] [--index ADDRESS] [--allow-hub] [--mcp]

`app/launch.py` says what it does and what the environment may say.
"""

from __future__ import annotations

import sys

from algcn.kit.errors import run_command
from app.launch import main

if __name__ == "__main__":
    sys.exit(run_command(main))
