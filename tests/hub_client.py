"""A second process for the Hub tests: huggingface_hub reads its settings when it is imported, so they are given to it.

It reads a request from each line of its input, [name, positional, keywords], and answers with one line of JSON.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from algcn import hub
from algcn.bundles import hub as bundles_hub
from algcn.bundles.bundle import Bundle
from algcn.features.encoder import load_encoder
from algcn.gallery import hub as gallery_hub
from algcn.kit import hub as kit_hub
from algcn.kit import snapshots
from algcn.kit.errors import InputError, run_command


def resolve(reference: str, **options: str) -> list:
    path, notice = bundles_hub.resolve_bundle(reference, **options)
    return [str(path), notice]


def gallery(reference: str) -> list:
    path, notice = gallery_hub.resolve_gallery(reference)
    return [str(path), notice]


def load(path: str) -> str:
    return Bundle.load(path).encoder().fingerprint


def encoder(reference: str) -> list[str]:
    loaded = load_encoder(reference)
    return [loaded.reference, loaded.fingerprint]


def push(folder: str, repository: str, kind: str = "bundle") -> str:
    return kit_hub.push(folder, repository, hub.KINDS[kind])


def pull(reference: str, kind: str = "bundle", out: str | None = None) -> str:
    return str(kit_hub.pull(reference, hub.KINDS[kind], out=out).path)


def fetch_model(reference: str, folder: str, max_bytes: int) -> list:
    told: list[tuple[int, int]] = []
    stranger = snapshots.Stranger(max_bytes, lambda *how_far: told.append(how_far))
    return [str(bundles_hub.fetch_model(reference, folder, stranger).path), told]


def command(*argv: str) -> int:
    return run_command(hub.main, list(argv))


def settings(**values: float) -> None:
    for name, value in values.items():
        setattr(snapshots, name, value)


def main() -> None:
    functions = {f.__name__: f for f in (resolve, gallery, load, encoder, push, pull, fetch_model, command, settings)}
    answers = sys.stdout
    sys.stdout = sys.stderr  # what is printed goes to the log
    for line in sys.stdin:
        name, positional, keywords = json.loads(line)
        start = time.monotonic()
        try:
            answer = {"value": functions[name](*positional, **keywords)}
        except InputError as error:
            answer = {"error": str(error), "kind": type(error).__name__}
        answer["seconds"] = time.monotonic() - start
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    main()
