"""Find, pull and push folders on the Hugging Face Hub."""

from __future__ import annotations

import contextlib
import dataclasses
import secrets
import shutil
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from pathlib import Path

from algcn.kit.errors import InputError
from algcn.kit.snapshots import HubError, Snapshot, explained, fetch_snapshot, parse_reference

PICKLES = frozenset({".bin", ".ckpt", ".joblib", ".npy", ".npz", ".pickle", ".pkl", ".pt", ".pth"})


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of folder that is kept on the Hub (bundles, galleries), and how it is checked."""

    name: str
    repo_type: str
    patterns: tuple[str, ...]
    damaged: Callable[[Path], Iterable[str]]
    check: Callable[[Path], object]  # raises an InputError for a folder that must not be pushed
    whole: Callable[[Path], AbstractContextManager[Path]] = contextlib.nullcontext  # the folder with all it needs


def resolve(
    kind: Kind, reference: str | Path, cache_dir: str | Path | None = None, fallback: str | Path | None = None
) -> tuple[Path, str | None]:
    """Find the folder that a reference names; returns it with a line for the user where there is something to say.

    Args:
        kind: Whether it is a bundle or a gallery.
        reference: A folder, or OWNER/NAME[@COMMIT] on the Hub (see `snapshots.fetch_snapshot`).
        cache_dir: Cache of huggingface_hub; its own default when None.
        fallback: The folder to use when the Hub does not give it; without one that is an error.

    Raises:
        InputError: There is no such folder, or the Hub does not give it and there is no fallback.
    """
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


def pull(reference: str, kind: Kind, *, out: str | Path | None = None, cache_dir: str | Path | None = None) -> Snapshot:
    """Download a bundle or a gallery into the cache, and copy it to the folder `out` if one is named.

    Raises:
        InputError: The Hub does not give it, or `out` exists already.
    """
    if out is not None and Path(out).exists():
        raise InputError(f"The folder {out} exists already; name a new folder.")
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


def push(folder: str | Path, repository: str, kind: Kind, *, private: bool = False, message: str | None = None) -> str:
    """Upload a folder's files, creating the repository where there is none; returns "OWNER/NAME@COMMIT".

    A bundle that uses the encoder of one beside it is pushed with a copy of that encoder.

    Raises:
        InputError: The folder is damaged or holds a pickle, or the Hub does not allow writing.
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
            f"The file {pickles[0]} may hold a pickle, which is never pushed; take it out or save it as safetensors."
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
