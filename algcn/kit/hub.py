"""Find, pull and push folders on the Hugging Face Hub."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path, PurePosixPath

from algcn.kit import disk, files
from algcn.kit.account import Account
from algcn.kit.errors import InputError
from algcn.kit.snapshots import HubError, Snapshot, explained, fetch_snapshot, parse_reference

PICKLES = frozenset({".bin", ".ckpt", ".joblib", ".npy", ".npz", ".pickle", ".pkl", ".pt", ".pth"})
OWN_FOLDERS = frozenset({".git", ".cache"})  # names that git and the Hub's client keep for themselves


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of folder that is kept on the Hub (bundles, galleries), and how it is checked."""

    name: str
    repo_type: str
    patterns: tuple[str, ...]  # of its files, apart from `further` ones
    damaged: Callable[[Path], Iterable[str]]
    check: Callable[[Path], object]  # raises an InputError for a folder that must not be pushed
    whole: Callable[[Path], AbstractContextManager[Path]] = contextlib.nullcontext  # the folder with all it needs
    # Names more files, from those of `patterns` and the sizes of all (see `snapshots.fetch_snapshot`).
    further: Callable[[Path | None, Mapping[str, int] | None], list[str]] | None = None
    belongs: Callable[[str], bool] = lambda name: True  # whether a file that the patterns match is one of its own
    account: Callable[[Path], Account] | None = None  # what a push uploads of a folder and what not; else its files

    def files(self, folder: Path) -> list[str]:
        """Name the files in a folder that belong to it: those that travel to the Hub and from it.

        Raises:
            InputError: What says which they are is at fault.
        """
        from huggingface_hub.utils import filter_repo_objects

        sizes = _Sizes(folder)
        names = set(filter_repo_objects(sizes, allow_patterns=list(self.patterns)))
        names = {n for n in names if OWN_FOLDERS.isdisjoint(PurePosixPath(n).parts) and self.belongs(n)}
        return sorted(names.union(self.further(folder, sizes) if self.further else ()))


class _Sizes(Mapping[str, int]):
    """The bytes of each file in a folder, by name.

    Iterating goes through the folder and not through links to others; what lies in those is found by its name.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __getitem__(self, name: str) -> int:
        path = os.path.join(self.folder, name)
        if not os.path.isfile(path):
            raise KeyError(name)
        return os.path.getsize(path)

    def __iter__(self) -> Iterator[str]:
        for folder, _, names in os.walk(self.folder):
            inside = Path(folder).relative_to(self.folder).as_posix()
            for name in names:
                if os.path.isfile(os.path.join(folder, name)):
                    yield name if inside == "." else f"{inside}/{name}"

    def __len__(self) -> int:
        return sum(1 for _ in self)


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
    return fetch_snapshot(
        reference,
        kind.patterns,
        damaged=kind.damaged,
        further=kind.further,
        repo_type=kind.repo_type,
        cache_dir=cache_dir,
    )


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
    names = kind.files(snapshot.path)  # other programs may have put more into the cache
    disk.check_room(out, sum((snapshot.path / name).stat().st_size for name in names))
    with files.folder_aside(out) as aside:
        for name in names:
            (aside / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(snapshot.path / name, aside / name)  # follows the cache's links: real files
        aside.rename(out)
    return dataclasses.replace(snapshot, path=out)


def push(folder: str | Path, repository: str, kind: Kind, *, private: bool = False, message: str | None = None) -> str:
    """Upload a folder's files, creating the repository where there is none; returns "OWNER/NAME@COMMIT".

    A bundle that uses the encoder of one beside it is pushed with a copy of that encoder.

    Raises:
        InputError: The folder is damaged or holds a pickle, or the Hub does not allow writing.
    """
    from huggingface_hub import CommitOperationAdd, HfApi
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
            commit = api.create_commit(
                repo_id=repository,
                repo_type=kind.repo_type,
                operations=[CommitOperationAdd(name, whole / name) for name in kind.files(whole)],
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


def left_behind(folder: str | Path, kind: Kind) -> list[str]:
    """Name the files in a folder that a push does not upload, hidden ones last."""
    folder = Path(folder)
    left = set(_Sizes(folder)).difference(kind.files(folder))
    ordered = sorted(left, key=lambda name: (any(part.startswith(".") for part in name.split("/")), name))
    return [name.encode("utf-8", "backslashreplace").decode() for name in ordered]


def pushed(folder: str | Path, kind: Kind) -> Account:
    """Return what of a folder a push uploads, and what stays here."""
    if kind.account is not None:
        return kind.account(Path(folder))
    account, left = Account(), left_behind(folder, kind)
    account.use("files", len(kind.files(Path(folder))))
    if left:
        account.add("files that stay here", left[0], f"they are no part of a {kind.name}", len(left), "files")
    return account
