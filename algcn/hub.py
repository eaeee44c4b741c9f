"""Bundles and galleries on the Hugging Face Hub: find, pull and push them.

A bundle is a model repository, a gallery a dataset repository; both hold the same files as the folder. Only the files
named here ever travel, in either direction, and no pickle is among them.

    python -m algcn.hub pull OWNER/NAME[@COMMIT] [--kind gallery] [--out FOLDER]
    python -m algcn.hub push FOLDER OWNER/NAME [--kind gallery] [--private]
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import secrets
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from algcn import manifest
from algcn.datasets.image_folder import METADATA, read_image_folder
from algcn.encoders import HUB_PATTERNS as ENCODER_PATTERNS
from algcn.errors import InputError, run_command
from algcn.gallery_files import PATTERNS
from algcn.snapshots import HubError, Snapshot, explained, fetch_snapshot, parse_reference

PICKLES = frozenset({".bin", ".ckpt", ".joblib", ".npy", ".npz", ".pickle", ".pkl", ".pt", ".pth"})


@dataclasses.dataclass(frozen=True)
class Kind:
    """What is kept on the Hub and how."""

    name: str
    repo_type: str
    patterns: tuple[str, ...]
    damaged: Callable[[Path], Iterable[str]]
    check: Callable[[Path], object]  # raises an InputError for a folder that must not be pushed
    whole: Callable[[Path], AbstractContextManager[Path]] = contextlib.nullcontext  # the folder with all it needs


def _gallery_damage(folder: Path) -> list[str]:
    return [] if (folder / METADATA).is_file() else [METADATA]


BUNDLE = Kind(
    name="bundle",
    repo_type="model",
    patterns=(
        *(name for name in manifest.NAMES if name != manifest.ENCODER),
        *(f"{manifest.ENCODER}/{pattern}" for pattern in ENCODER_PATTERNS),
    ),
    damaged=manifest.damaged_files,
    check=manifest.verify,
    whole=manifest.self_contained,
)
GALLERY = Kind(
    name="gallery",
    repo_type="dataset",
    patterns=PATTERNS,
    damaged=_gallery_damage,
    check=read_image_folder,
)
KINDS = {kind.name: kind for kind in (BUNDLE, GALLERY)}


def resolve_bundle(
    reference: str | Path, cache_dir: str | Path | None = None, fallback: str | Path | None = None
) -> tuple[Path, str | None]:
    """The folder of a bundle, and a line for the user where there is something to say.

    Args:
        reference: A folder, or OWNER/NAME[@COMMIT] on the Hub (see `snapshots.fetch_snapshot`).
        cache_dir: Cache of huggingface_hub; its own default when None.
        fallback: The folder to use when the Hub does not give the bundle; without one that is an error.

    Raises:
        InputError: There is no such folder, or the Hub does not give the bundle and there is no fallback.
    """
    return _resolve(BUNDLE, reference, cache_dir, fallback)


def resolve_gallery(
    reference: str | Path, cache_dir: str | Path | None = None, fallback: str | Path | None = None
) -> tuple[Path, str | None]:
    """The folder of a gallery; as `resolve_bundle`, from a dataset repository."""
    return _resolve(GALLERY, reference, cache_dir, fallback)


def _resolve(
    kind: Kind, reference: str | Path, cache_dir: str | Path | None, fallback: str | Path | None
) -> tuple[Path, str | None]:
    path = Path(reference).expanduser()
    if path.exists():
        return path, None
    try:
        parse_reference(str(reference))
    except InputError:
        raise InputError(f"There is no {kind.name} at {reference}; name a folder, or OWNER/NAME on the Hub.") from None
    try:
        snapshot = _fetch(kind, str(reference), cache_dir)
    except HubError as error:
        if fallback is None:
            raise HubError(
                str(error) if "@" in str(reference) else f"There is no folder {reference} here. {error}"
            ) from error
        return Path(fallback), f"{error} Using {fallback} instead."
    return snapshot.path, snapshot.notice


def _fetch(kind: Kind, reference: str, cache_dir: str | Path | None) -> Snapshot:
    return fetch_snapshot(reference, kind.patterns, damaged=kind.damaged, repo_type=kind.repo_type, cache_dir=cache_dir)


def pull(
    reference: str, kind: Kind = BUNDLE, *, out: str | Path | None = None, cache_dir: str | Path | None = None
) -> Snapshot:
    """Download a bundle or a gallery into the cache, and copy it to the folder `out` if one is named.

    Raises:
        InputError: The Hub does not give it, or `out` exists already.
    """
    if out is not None and Path(out).exists():
        raise InputError(f"{out} exists already; name a new folder.")
    snapshot = _fetch(kind, reference, cache_dir)
    if out is None:
        return snapshot
    out = Path(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    aside = out.parent / f".{out.name}.{secrets.token_hex(4)}.part"
    try:
        shutil.copytree(snapshot.path, aside)  # follows the cache's links: real files
        aside.rename(out)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return dataclasses.replace(snapshot, path=out)


def push(
    folder: str | Path, repository: str, kind: Kind = BUNDLE, *, private: bool = False, message: str | None = None
) -> str:
    """Upload a folder's files, creating the repository where there is none; returns "OWNER/NAME@COMMIT".

    A bundle that uses the encoder of one beside it is pushed with a copy of that encoder.

    Raises:
        InputError: The folder is damaged or holds a pickle, or the Hub does not let us write.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    folder = Path(folder)
    repository, revision = parse_reference(repository)
    if revision is not None:
        raise InputError(f"A push makes a new commit: name {repository} without @{revision}.")
    if not folder.is_dir():
        raise InputError(f"There is no {kind.name} at {folder}; name the folder to push.")
    pickles = sorted(path for path in folder.rglob("*") if path.suffix.lower() in PICKLES)
    if pickles:
        raise InputError(
            f"{pickles[0]} may hold a pickle, which is never pushed; take it out or save it as safetensors."
        )
    kind.check(folder)
    api = HfApi()
    try:
        api.create_repo(repository, repo_type=kind.repo_type, private=private, exist_ok=True)
        with kind.whole(folder) as whole:
            commit = api.upload_folder(
                repo_id=repository,
                repo_type=kind.repo_type,
                folder_path=whole,
                allow_patterns=list(kind.patterns),
                commit_message=message or f"Push a {kind.name} with ALGCN Explorer",
            )
    except HfHubHTTPError as error:
        if error.response.status_code in (401, 403):
            raise HubError(
                f"The Hub does not let you write to {repository}; set HF_TOKEN to a token with write permission."
            ) from error
        raise explained(error, repository, kind.repo_type) from error
    except (OSError, RuntimeError) as error:
        raise explained(error, repository, kind.repo_type) from error
    return f"{repository}@{commit.oid}"


def main(argv: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m algcn.hub", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    pulling = commands.add_parser("pull", help="download a bundle or a gallery")
    pulling.add_argument("reference", help="OWNER/NAME or OWNER/NAME@COMMIT")
    pulling.add_argument("--out", type=Path, help="copy it to this new folder (else it stays in the cache)")
    pushing = commands.add_parser("push", help="upload a bundle or a gallery")
    pushing.add_argument("folder", type=Path)
    pushing.add_argument("repository", help="OWNER/NAME")
    pushing.add_argument("--private", action="store_true", help="create the repository as a private one")
    pushing.add_argument("--message", help="what to write into the repository's history")
    for command in (pulling, pushing):
        command.add_argument("--kind", choices=KINDS, default=BUNDLE.name)
    arguments = parser.parse_args(argv)
    kind = KINDS[arguments.kind]
    if arguments.command == "pull":
        snapshot = pull(arguments.reference, kind, out=arguments.out)
        if snapshot.notice:
            print(snapshot.notice, file=sys.stderr)
        print(snapshot.path)
    else:
        print(push(arguments.folder, arguments.repository, kind, private=arguments.private, message=arguments.message))


if __name__ == "__main__":
    sys.exit(run_command(main))
