"""Fetch repositories of the Hugging Face Hub as local folders: local copy first, short waits, checked contents.

Notable: a pinned reference (OWNER/NAME@COMMIT) that is in the local cache opens no connection; looking up a repository
has a deadline of its own, because neither a dead name server nor a silent host is covered by the timeouts of
huggingface_hub; a download ends where the Hub sends more than it announced; every file is hashed after its download and
whatever is damaged leaves the cache again.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import glob
import hashlib
import os
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from algcn.kit import files, leftovers
from algcn.kit.cache import hub_cache_folder
from algcn.kit.disk import error_number, is_full, shown_size
from algcn.kit.errors import InputError

if TYPE_CHECKING:
    from huggingface_hub.hf_api import DatasetInfo, ModelInfo, RepoSibling

LOOKUP_SECONDS = 4.0
# A download may take this long, and longer for every file and for every so many bytes.
DOWNLOAD_SECONDS = 30.0
SECONDS_PER_FILE = 1.0
BYTES_PER_SECOND = 200_000
STOP_SECONDS = 2.0  # that a download which is told to stop has to clean up
MORE_BYTES = 1 << 20  # that may come on top of what was announced
_REFERENCE = re.compile(r"(?P<repository>[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(?:@(?P<revision>[\w./-]+))?")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_ASIDE = re.compile(r"tmp\w{8}\.tmp|.+\.[0-9a-f]{8}\.tmp")
_Value = TypeVar("_Value")
_Further = Callable[[Path | None, Mapping[str, int] | None], list[str]]


class HubError(InputError):
    """A repository could not be fetched from the Hub; the sentence says why."""


class UnreachableError(HubError):
    """The Hub did not answer at all, where `HubError` means that it answered and refused."""


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """A commit of a repository as a local folder."""

    path: Path
    repository: str
    commit: str
    notice: str | None = None  # what a user should know about how it was chosen


@dataclasses.dataclass(frozen=True)
class Stranger:
    """What somebody may fetch who is not the user of this machine: what is public, and no more than so much.

    Attributes:
        max_bytes: How large all wanted files of a repository may be together.
        told: Called with how many bytes have come and how many there are.
    """

    max_bytes: int
    told: Callable[[int, int], None] = lambda received, size: None


def parse_reference(reference: str) -> tuple[str, str | None]:
    """Split "OWNER/NAME[@REVISION]" into repository and revision.

    Raises:
        InputError: The reference is not of that form.
    """
    match = _REFERENCE.fullmatch(reference)
    if match is not None and ".." not in reference:
        from huggingface_hub.utils import HFValidationError, validate_repo_id

        with contextlib.suppress(HFValidationError):  # it has rules of its own about length and punctuation
            validate_repo_id(match["repository"])
            return match["repository"], match["revision"]
    raise InputError(f"The reference {reference!r} is no repository of the Hub; write OWNER/NAME or OWNER/NAME@COMMIT.")


def fetch_snapshot(
    reference: str,
    patterns: Sequence[str],
    *,
    damaged: Callable[[Path], Iterable[str]],
    further: _Further | None = None,
    repo_type: str = "model",
    cache_dir: str | Path | None = None,
    stranger: Stranger | None = None,
) -> Snapshot:
    """Fetch a repository's files and return them as a local folder.

    Args:
        reference: "OWNER/NAME@COMMIT", taken from the local cache without a connection when it is there in full;
            or "OWNER/NAME[@BRANCH]", looked up on the Hub first, the last known commit when it cannot be reached.
        patterns: Which files are downloaded; nothing else ever is, apart from `further` ones.
        damaged: Given a snapshot's folder, names of the files in it that are missing or not what they should be.
        further: Given a snapshot's folder with the files of `patterns` (None where there are none) and the sizes of
            all the repository's files by name (None where they are not known), the names of more files to download;
            an `InputError` of its own says why the snapshot cannot be used.
        repo_type: "model" or "dataset".
        cache_dir: Cache of huggingface_hub; its own default when None, or where nothing can be written a folder in
            the program's (`algcn.kit.cache`).
        stranger: What may be fetched, where somebody asks who is not the user of this machine.

    Raises:
        HubError: The repository or the commit does not exist, needs permission, is damaged on arrival, or the Hub
            cannot be reached and there is no usable local copy.
    """
    repository, revision = parse_reference(reference)
    cache = cache_dir if cache_dir is not None else _cache_for(repository, repo_type)
    source = _Source(repository, repo_type, str(cache), tuple(patterns), stranger)
    pinned = revision is not None and _COMMIT.fullmatch(revision) is not None
    source.remove_incomplete()
    if pinned:
        path = _usable(source, revision, damaged, further)
        if path is not None:
            return Snapshot(path, repository, revision)
    try:
        info = _within_deadline(source, revision, LOOKUP_SECONDS, lambda: source.look_up(revision, pinned=pinned))
    except UnreachableError as error:
        commit = revision if pinned else source.last_known_commit(revision)
        path = _usable(source, commit, damaged, further) if commit and not pinned else None
        if path is None:
            raise UnreachableError(f"{error} There is no whole local copy of {reference}.") from error
        return Snapshot(path, repository, commit, f"{error} Using the local copy of {repository}@{commit}.")
    notice = None
    if not pinned:
        notice = f"{reference} is {repository}@{info.sha} now; name it so to stay with this commit."
        path = _usable(source, info.sha, damaged, further)
        if path is not None:
            return Snapshot(path, repository, info.sha, notice)
    path = _download(source, info, further)
    if bad := list(damaged(path)):
        raise HubError(
            f"The snapshot {repository}@{info.sha} is not usable: {', '.join(bad)} is missing or damaged in it; "
            "name another commit."
        )
    return Snapshot(path, repository, info.sha, notice)


def _cache_for(repository: str, repo_type: str) -> Path:
    """Return the folder to look for a repository and to keep it in; what is there is read, even if nothing is added."""
    from huggingface_hub.constants import HF_HUB_CACHE
    from huggingface_hub.file_download import repo_folder_name

    if os.path.isdir(os.path.join(HF_HUB_CACHE, repo_folder_name(repo_id=repository, repo_type=repo_type))):
        return Path(HF_HUB_CACHE)
    return hub_cache_folder()


@dataclasses.dataclass(frozen=True)
class _Source:
    """A repository and the part of it that is wanted."""

    repository: str
    repo_type: str
    cache_dir: str
    patterns: tuple[str, ...]
    stranger: Stranger | None = None

    @property
    def token(self) -> bool | None:
        """Whether huggingface_hub may use the token of this machine's user: never for a stranger."""
        return None if self.stranger is None else False

    def look_up(self, revision: str | None, *, pinned: bool) -> ModelInfo | DatasetInfo:
        """Ask the Hub for a revision's commit and its files with their sizes and hashes."""
        from huggingface_hub import HfApi

        where = {"repo_id": self.repository, "repo_type": self.repo_type, "revision": revision}
        api = HfApi(token=self.token)
        info = api.repo_info(**where, timeout=LOOKUP_SECONDS, files_metadata=True)
        if not pinned:
            api.resolve_revision(**where, cache_dir=self.cache_dir)  # remembered for starts without a network
        return info

    def wanted(self, names: Iterable[str]) -> list[str]:
        """Return those of the names that the patterns match."""
        from huggingface_hub.utils import filter_repo_objects

        return list(filter_repo_objects(names, allow_patterns=list(self.patterns)))

    def download(self, commit: str, **options: Any) -> Path:
        """Download the wanted files of a commit, or find them in the cache."""
        from huggingface_hub import snapshot_download

        path = snapshot_download(
            self.repository,
            repo_type=self.repo_type,
            revision=commit,
            cache_dir=self.cache_dir,
            allow_patterns=list(self.patterns),
            token=self.token,
            **options,
        )
        return Path(path)

    def remove_incomplete(self) -> None:
        """Delete what downloads of this repository that were killed left in the cache; nobody could go on with it.

        huggingface_hub holds a lock on a file's hash while it writes HASH.RANDOM.incomplete; what it notes of commits
        and branches it writes aside too, in moments and without a lock.
        """
        from huggingface_hub.file_download import repo_folder_name

        cache = Path(self.cache_dir)
        folder = repo_folder_name(repo_id=self.repository, repo_type=self.repo_type)
        for part in (cache / folder / "blobs").glob("*.incomplete"):
            lock = cache / ".locks" / folder / f"{part.name.partition('.')[0]}.lock"
            descriptor = leftovers.locked(lock)
            if descriptor is not None or not lock.exists():
                leftovers.remove_if_left(part)
            if descriptor is not None:
                os.close(descriptor)
        for kind in ("trees", "refs"):
            for part in (cache / folder / kind).rglob("*.tmp"):
                if _ASIDE.fullmatch(part.name):
                    leftovers.remove_if_left(part)

    def cached(self, commit: str) -> Path | None:
        """Return the local folder of a commit if all its files are there; no connection is made."""
        from huggingface_hub.errors import LocalEntryNotFoundError

        try:
            return self.download(commit, local_files_only=True)
        except LocalEntryNotFoundError:
            return None

    def known_sizes(self, commit: str) -> dict[str, int] | None:
        """Return the sizes of a commit's files as an earlier download listed them; no connection is made."""
        from huggingface_hub import get_cached_repo_tree
        from huggingface_hub.errors import CachedRepoTreeNotFoundError

        where = {"repo_type": self.repo_type, "revision": commit, "cache_dir": self.cache_dir}
        try:
            return {file.path: file.size for file in get_cached_repo_tree(self.repository, **where)}
        except CachedRepoTreeNotFoundError:
            return None

    def last_known_commit(self, revision: str | None) -> str | None:
        """Return the commit that a branch or tag was at when it was last looked up; no connection is made."""
        from huggingface_hub import HfApi
        from huggingface_hub.errors import RevisionResolutionError

        where = {"repo_id": self.repository, "repo_type": self.repo_type, "revision": revision}
        try:
            return HfApi().resolve_revision(**where, cache_dir=self.cache_dir, local_files_only=True).resolved
        except RevisionResolutionError:
            return None


def _usable(
    source: _Source, commit: str, damaged: Callable[[Path], Iterable[str]], further: _Further | None
) -> Path | None:
    """Return the cached folder of a commit if it is whole; damaged files are removed, to be fetched anew."""
    path = source.cached(commit)
    if path is None:
        return None
    bad = list(damaged(path))
    if not bad and further is not None:
        sizes = source.known_sizes(commit)
        bad = _cut_files(path, source.wanted(sizes or ()), sizes)
        if not bad:
            try:
                bad = _cut_files(path, further(path, sizes), sizes)
            except InputError:
                return None  # it is said when the Hub has been asked
    for name in bad:
        _forget(path / name)
    return None if bad else path


def _cut_files(path: Path, names: Iterable[str], sizes: Mapping[str, int] | None) -> list[str]:
    """Name the files that are missing in a folder or, where sizes are known, of another size."""
    return [
        name
        for name in names
        if not os.path.isfile(file := os.path.join(path, name))
        or (sizes is not None and os.path.getsize(file) != sizes[name])
    ]


def _download(source: _Source, info: ModelInfo | DatasetInfo, further: _Further | None) -> Path:
    sizes = {sibling.rfilename: sibling.size or 0 for sibling in info.siblings or ()}
    path = _download_part(source, info) if source.wanted(sizes) else None
    if further is not None:
        try:
            names = further(path, sizes)
        except InputError as error:
            raise HubError(f"The snapshot {source.repository}@{info.sha} is not usable. {error}") from error
        if names:
            path = _download_part(dataclasses.replace(source, patterns=_exact_patterns(names, sizes)), info)
    if path is None:
        raise HubError(
            f"The repository {source.repository}@{info.sha} has none of the files that are read "
            f"({', '.join(name for name in source.patterns if '[' not in name)}); name another."
        )
    return path


def _exact_patterns(names: Iterable[str], listed: Iterable[str]) -> tuple[str, ...]:
    """Return patterns that of the `listed` names match those in `names` and no other.

    Where all that is listed with one ending is wanted, one pattern stands for it: huggingface_hub holds every name
    against every pattern, which takes minutes for a gallery with a pattern for each picture.
    """
    wanted, there = Counter(map(_ending, names)), Counter(map(_ending, listed))
    whole = {ending for ending, count in wanted.items() if ending and count == there[ending]}
    exact = (glob.escape(name) for name in names if _ending(name) not in whole)
    return (*(f"*{glob.escape(ending)}" for ending in sorted(whole)), *exact)


def _ending(name: str) -> str:
    return name[name.rfind(".") :] if "." in name else ""


def _download_part(source: _Source, info: ModelInfo | DatasetInfo) -> Path:
    """Download the files that the patterns of `source` match, and hold each against the hash that the Hub states."""
    siblings = {sibling.rfilename: sibling for sibling in info.siblings or ()}
    wanted = source.wanted(siblings)
    size = sum(siblings[name].size or 0 for name in wanted)
    stranger = source.stranger
    if stranger is not None and size > stranger.max_bytes:
        raise HubError(
            f"The model {source.repository}@{info.sha} has {shown_size(size)}, and {shown_size(stranger.max_bytes)} "
            "are the most that can be opened here; name a smaller one."
        )
    seconds = DOWNLOAD_SECONDS + SECONDS_PER_FILE * len(wanted) + size / BYTES_PER_SECOND
    stop = threading.Event()
    told = (lambda received: None) if stranger is None else (lambda received: stranger.told(min(received, size), size))
    told(0)  # a small file is heard of when it is there
    bar = _bounded_bar(f"{source.repository}@{info.sha}", size + MORE_BYTES, stop, told)
    try:
        path = _within_deadline(
            source, info.sha, seconds, lambda: source.download(info.sha, max_workers=4, tqdm_class=bar), stop
        )
    except UnreachableError as error:
        raise HubError(
            f"The download of {source.repository}@{info.sha} broke off and nothing incomplete was kept; try again."
        ) from error
    bad = [name for name in wanted if not _is_intact(path / name, siblings[name])]
    for name in bad:
        _forget(path / name)
    if bad:
        raise HubError(
            f"The download of {', '.join(bad)} from {source.repository}@{info.sha} arrived damaged (the hash is not "
            "the one the Hub states) and was not kept; try again."
        )
    return path


def _bounded_bar(name: str, limit: int, stop: threading.Event, told: Callable[[int], None]) -> type:
    """Make a progress bar that ends a download when it is told to stop or when more than `limit` bytes have come.

    huggingface_hub tells its bar of every piece before it writes it, and has no other way to be interrupted.
    """
    from huggingface_hub.utils import tqdm

    class BoundedBar(tqdm):
        counting = threading.Lock()

        def __init__(self, *values: Any, name: str | None = None, **options: Any) -> None:
            super().__init__(*values, name=name, **options)
            self.received = 0
            self.counts = not (name or "").endswith(".transfer")  # what a network takes for it may be more

        def update(self, n: float | None = 1) -> bool | None:
            with self.counting:
                self.received += (n or 0) if self.counts else 0
                told(self.received)
            if stop.is_set():
                raise UnreachableError("The download was stopped.")
            if self.received > limit:
                raise HubError(
                    f"The Hub sends more of {name} than it announced, so the download was ended; name another commit."
                )
            return super().update(n)

    return BoundedBar


def _is_intact(file: Path, sibling: RepoSibling) -> bool:
    """Tell whether a file has the content that the Hub names: a SHA-256 for large files, git's hash for the others."""
    if sibling.lfs is not None:
        return files.sha256(file) == sibling.lfs.sha256
    data = file.read_bytes()
    digest = hashlib.sha1(b"blob %d\0" % len(data), usedforsecurity=False)
    digest.update(data)
    return digest.hexdigest() == sibling.blob_id


def _forget(pointer: Path) -> None:
    """Remove a file from the cache: the name in the snapshot and the content that it links to."""
    while pointer.is_symlink():
        target = pointer.parent / pointer.readlink()
        pointer.unlink()
        pointer = target
    pointer.unlink(missing_ok=True)


def _within_deadline(
    source: _Source,
    revision: str | None,
    seconds: float,
    question: Callable[[], _Value],
    stop: threading.Event | None = None,
) -> _Value:
    """Put `question` to the Hub and return the answer, or raise a `HubError` after at most `seconds`.

    The thread of a conversation that takes longer is left to end by itself: a name look-up cannot be interrupted. Where
    there is an event that stops it, it is set, and the thread has a moment to clean up.
    """
    outcome: list[tuple[_Value | None, Exception | None]] = []

    def ask() -> None:
        try:
            outcome.append((question(), None))
        except Exception as error:  # raised again below, as a sentence
            outcome.append((None, error))

    thread = threading.Thread(target=ask, daemon=True, name=f"hub {source.repository}")
    thread.start()
    thread.join(seconds)
    if not outcome:
        if stop is not None:
            stop.set()
            thread.join(STOP_SECONDS)
        raise UnreachableError(f"The Hub did not answer within {seconds:g} seconds.")
    answer, error = outcome[0]
    if error is not None:
        raise explained(
            error, source.repository, source.repo_type, revision, of_stranger=source.stranger is not None
        ) from error
    return answer


def explained(
    error: Exception, name: str, repo_type: str, revision: str | None = None, *, of_stranger: bool = False
) -> HubError:
    """Turn an error of huggingface_hub about the repository `name` into a sentence; a stranger has no token to set."""
    from huggingface_hub import errors

    if isinstance(error, HubError):
        return error
    if of_stranger and (
        isinstance(error, errors.RepositoryNotFoundError)  # one that needs permission is such a one too
        or (isinstance(error, errors.HfHubHTTPError) and error.response.status_code in (401, 403))
    ):
        return HubError(f"The Hub has no {repo_type} repository {name} that everybody may read.")
    if isinstance(error, errors.GatedRepoError):
        return HubError(f"The repository {name} needs permission: ask for access on its page and set HF_TOKEN.")
    if isinstance(error, errors.RepositoryNotFoundError):
        return HubError(f"The Hub has no {repo_type} repository {name}, or it is private (then set HF_TOKEN).")
    if isinstance(error, errors.RevisionNotFoundError):
        return HubError(
            f"The repository {name} has no commit, branch or tag {revision}; look at its history for the right one."
        )
    if isinstance(error, errors.HfHubHTTPError):
        status = error.response.status_code
        if status in (401, 403):
            return HubError(
                f"The Hub does not let you read {name} (status {status}); set HF_TOKEN to a token that may, or take a "
                "wrong one away."
            )
        kind = UnreachableError if status >= 500 or status == 429 else HubError
        return kind(f"The Hub refused {name} with status {status}; try again later.")
    if isinstance(error, errors.OfflineModeIsEnabled) or isinstance(error.__cause__, errors.OfflineModeIsEnabled):
        return UnreachableError("The Hub is not asked while HF_HUB_OFFLINE is set.")
    if is_full(error) or (isinstance(error, OSError) and error.errno and not isinstance(error, ConnectionError)):
        reason = os.strerror(error_number(error) or errno.ENOSPC)
        return HubError(f"The repository {name} cannot be kept in the local cache ({reason}); make room for it.")
    return UnreachableError(f"The Hub cannot be reached ({type(error).__name__}).")
