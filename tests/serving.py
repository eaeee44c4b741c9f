"""The program as a user starts it: `python app.py` in a process of its own, on a free port of loopback."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
START_SECONDS = 180  # a machine that is busy with something else; an idle one takes six
# For a headless Chromium that stays silent on the network.
SWITCHES = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
# What a gallery by somebody else may say; were any of it markup or a template, `window.hacked` would be set.
HOSTILE_FILE = "we\"ird & <b>'one'.png"
HOSTILE_CAPTIONS = (
    "<img src=x onerror=\"window.hacked='caption'\"> a boat",
    "${window.hacked='template'} {{constructor}} </button></li><script>window.hacked='script'</script>",
)
HOSTILE_LABEL = "<i onclick=window.hacked='label'>odd</i>"
# All that programs may call.
ENDPOINTS = {
    "benchmark", "classifier_map", "classifier_neighbours", "describe_graph", "edit_edge", "export_csv", "gallery_map",
    "gallery_neighbours", "gallery_picture", "label_graph", "label_mistakes", "label_neighbours", "label_pictures",
    "list_models", "predict_labels", "search_by_image", "search_by_item", "search_by_text", "suggest_labels", "train",
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Server:
    """A running program."""

    url: str
    home: Path  # home, working directory and cache of the process, empty before
    log: Path
    process: subprocess.Popen

    @property
    def output(self) -> str:
        return self.log.read_text(encoding="utf-8")


def command(*arguments: str | Path, program: Path = PROJECT / "app.py") -> list[str]:
    return [sys.executable, str(program), *map(str, arguments)]


def environment(home: Path, **values: str) -> dict[str, str]:
    """The environment of a visitor's machine: nothing is kept from other runs, and there is no network to be had."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GRADIO", "ALGCN", "HF_"))}
    own = {"HOME": str(home), "ALGCN_CACHE": str(home / "cache"), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    return {**kept, **own, "PYTHONDONTWRITEBYTECODE": "1", **values}


def run(home: Path, *arguments: str | Path, **values: str) -> subprocess.CompletedProcess:
    """Run the program to its end, for starts that must fail."""
    return subprocess.run(
        command(*arguments),
        env=environment(home, **values),
        cwd=home,
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
    )


@contextlib.contextmanager
def serve(
    home: Path, arguments: Sequence[str | Path] = (), *, program: Path = PROJECT / "app.py", **values: str
) -> Iterator[Server]:
    """Start the program and wait for its page; it is stopped in the end."""
    port = free_port()
    log = home.parent / f"{home.name}.log"
    env = environment(home, GRADIO_SERVER_PORT=str(port), **values)
    with log.open("wb") as stream:
        process = subprocess.Popen(
            command(*arguments, program=program), env=env, cwd=home, stdout=stream, stderr=subprocess.STDOUT
        )
    server = Server(f"http://127.0.0.1:{port}", home, log, process)
    try:
        wait_for_page(server)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    """A port of loopback that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_page(server: Server) -> None:
    """Wait until the page is there; a program that stops before is an error with its output."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert server.process.poll() is None, f"the program stopped:\n{server.output}"
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            urllib.request.urlopen(server.url, timeout=10).close()
            return
        time.sleep(0.1)
    raise AssertionError(f"no page after {START_SECONDS} s:\n{server.output}")


def write_hostile_gallery(source: Path, folder: Path) -> Path:
    """A copy of the tiny gallery with one more picture, whose name, captions and labels are not to be trusted."""
    shutil.copytree(source, folder)
    shutil.copyfile(folder / "beach.png", folder / HOSTILE_FILE)
    with (folder / "metadata.csv").open("a", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows((HOSTILE_FILE, text, f"boat|{HOSTILE_LABEL}") for text in HOSTILE_CAPTIONS)
    return folder
