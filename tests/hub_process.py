"""A Hub client in a process of its own (`hub_client.py`), and what it is asked from the tests."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parent


@dataclasses.dataclass
class Client:
    """The other process."""

    process: subprocess.Popen
    cache: Path
    log: Path
    seconds: float = 0.0

    def ask(self, name: str, *positional: Any, **keywords: Any) -> Any:
        """The function's value; its InputError as `Refused`."""
        self.process.stdin.write(json.dumps([name, positional, keywords]) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, self.log.read_text()
        answer = json.loads(line)
        self.seconds = answer["seconds"]
        if "error" in answer:
            raise Refused(answer["error"])
        return answer["value"]

    def cached_files(self, repository: str) -> list[Path]:
        folder = self.cache / "hub" / f"models--{repository.replace('/', '--')}"
        return [path for path in folder.rglob("*") if path.is_file() and "trees" not in path.parts]


class Refused(Exception):
    """The other process raised an InputError with this sentence."""


@contextlib.contextmanager
def running_client(url: str, root: Path) -> Iterator[Client]:
    """Start a client of the Hub at `url` that keeps its cache and its log in `root`."""
    environment = {
        **os.environ,
        "HF_ENDPOINT": url,
        "HF_HOME": str(root / "cache"),
        "HF_HUB_OFFLINE": "0",
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_TOKEN": "hf_loopback",
        "NO_PROXY": "127.0.0.1",
        "PYTHONPATH": str(TESTS.parent),
    }
    log = root / "log"
    with log.open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, str(TESTS / "hub_client.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=environment,
            cwd=root,
        )
        client = Client(process, root / "cache", log)
        # A start of huggingface_hub fetches a list for its user agent once a day; no test should count that.
        with contextlib.suppress(Refused):
            client.ask("resolve", "warm/up")
        yield client
        process.stdin.close()
        process.wait(20)
