"""The features of a gallery on the disk, by the hash of what they are of: one store, and parts while it is being made.

Features (float16) are looked for in FOLDER/embeddings.safetensors, which may be shipped with a gallery, and in the
cache folder ($ALGCN_CACHE, by default ~/.cache/algcn). The cache also keeps the state of each picture
(`files.file_state`) with its hash, so that one that did not change is not read again.

Notable: a build adds a part for each block of contents, so what it writes grows with the gallery and not with its
square, and a build that was killed goes on. A block is worked on by who holds its lock, which the system lets go of
when a process ends, however it ends: several processes on one folder share the work.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from algcn.kit import disk, files
from algcn.kit.cache import VARIABLE, cache_folder
from algcn.kit.errors import InputError
from algcn.kit.images import DECODING
from algcn.kit.tensors import not_finite

STORE_FORMAT = "algcn-gallery-1"
TEXT = "t"  # begins the hash of a text, which no hexadecimal digit is
NAME_LENGTH = 16  # hexadecimal digits of a part's name


def cached_store(root: Path, fingerprint: str) -> Path:
    """Return where the cache keeps the features of a folder by an encoder."""
    place = hashlib.sha256(os.fsencode(root.resolve())).hexdigest()[:16]
    return cache_folder() / "galleries" / f"{place}-{fingerprint}.safetensors"


def parts_of(store: Path) -> Path:
    """Return the folder of a store's parts, which is hidden: no folder of pictures."""
    return store.with_name(f".{store.name}.parts")


class Keeping:
    """A store that is made, and its parts as far as they are done.

    Args:
        path: The store.
        fingerprint: The encoder's.
        in_place: Whether it lies in the gallery's folder, to be shipped with it.
        must_keep: Whether a build ends rather than goes on where the disk is full.
    """

    def __init__(self, path: Path, fingerprint: str, *, in_place: bool, must_keep: bool) -> None:
        self.path, self.in_place = path, in_place
        self._fingerprint, self._must_keep = fingerprint, must_keep
        self._parts = parts_of(path)
        self._seen = self._state()

    def finished_parts(self) -> list[Path]:
        """Return the parts that are there."""
        return sorted(self._parts.glob("*.safetensors"))

    def changed(self, block: Sequence[str]) -> list[Path]:
        """Return what others may have put a block's features into since it was looked for: its part, or the store."""
        changed = [part for part in (self._part(block),) if part.is_file()]
        if self._state() != self._seen:
            self._seen = self._state()
            changed.append(self.path)
        return changed

    @contextlib.contextmanager
    def claimed(self, block: Sequence[str], *, wait: bool) -> Iterator[bool]:
        """Hold a block against other processes, and yield whether it is held.

        Args:
            block: The hashes of its contents; the same ones are the same block in every process.
            wait: Until who holds it is done; else it is not held then.
        """
        from filelock import FileLock, Timeout

        lock = FileLock(self._part(block).with_suffix(".lock"))
        try:
            self._parts.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=-1 if wait else 0)
        except Timeout:
            yield False
            return
        except OSError:  # nothing can be kept there, so nobody else's work could be found either
            yield True
            return
        try:
            yield True
        finally:
            lock.release()

    def write_part(self, block: Sequence[str], features: Mapping[str, Tensor]) -> None:
        """Keep the features of a block, as far as there are some; where that fails, the store's writing will say it."""
        self._write(self._part(block), features, {"decoding": DECODING})

    def write(self, features: Mapping[str, Tensor], states: Mapping[str, list]) -> str | None:
        """Write the whole store and drop its parts; return the reason if the cache cannot be written.

        Args:
            features: By hash.
            states: How the pictures' files are, for the cache: it means nothing in a copy of the folder, and a shipped
                store is valid however its pictures were decoded.

        Raises:
            InputError: The store was to be written in place and cannot be.
            DiskFullError: It must be kept, and its disk is full.
        """
        more = {} if self.in_place else {"states": json.dumps(states), "decoding": DECODING}
        reason = self._write(self.path, features, more)
        if reason is None:  # who waits for a part finds it in the store
            shutil.rmtree(self._parts, ignore_errors=True)
        return reason

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        """Leave no place for parts, however the block ends, where none was finished."""
        try:
            yield
        finally:
            if not self.finished_parts():
                shutil.rmtree(self._parts, ignore_errors=True)

    def _write(self, path: Path, features: Mapping[str, Tensor], more: Mapping[str, str]) -> str | None:
        if not features:
            return None
        metadata = {"format": STORE_FORMAT, "encoder": self._fingerprint, "hashes": json.dumps(list(features)), **more}
        try:
            with self.advising():
                files.save_tensors(path, {"features": torch.stack(list(features.values()))}, metadata)
        except disk.DiskFullError as error:
            if self._must_keep:
                raise
            return f"{error.reason[0].lower()}{error.reason[1:]}"
        except OSError as error:
            reason = error.strerror or error
            if self.in_place:
                raise InputError(
                    f"The file {self.path} cannot be written ({reason}); leave --in-place out to use the cache."
                ) from None
            return str(reason)
        return None

    @contextlib.contextmanager
    def advising(self) -> Iterator[None]:
        """Say what to do where a store does not fit."""
        elsewhere = "leave --in-place out to use the cache"
        if not self.in_place:
            elsewhere = f"set {VARIABLE} to a folder on another one"
        try:
            yield
        except disk.DiskFullError as error:
            raise error.advising(
                f"make room on it or {elsewhere}, and build again, which goes on from what is kept"
            ) from error.__cause__

    def _part(self, block: Sequence[str]) -> Path:
        named = json.dumps([self._fingerprint, DECODING, *block])
        return self._parts / f"{hashlib.sha256(named.encode()).hexdigest()[:NAME_LENGTH]}.safetensors"

    def _state(self) -> list[int] | None:
        try:
            return files.file_state(self.path)
        except OSError:  # it is not there
            return None


def read_store(
    path: Path, fingerprint: str, width: int, notices: list[str], *, shipped: bool
) -> tuple[dict[str, Tensor], dict[str, list]]:
    """Read features by hash and files' states from a store of this encoder; nothing, with a notice, if it is damaged.

    A store of an earlier version has `stats` instead, size and mtime alone, which do not tell a file that was replaced.
    The features of pictures that were decoded in another way are left out, those of texts stay; one that is shipped is
    valid as it is.
    """
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        return {}, {}
    try:
        with safe_open(path, framework="pt") as store:
            metadata = store.metadata() or {}
            if metadata.get("format") != STORE_FORMAT:
                raise ValueError("it is not a gallery's store")
            if metadata["encoder"] != fingerprint:
                return {}, {}
            hashes, features = json.loads(metadata["hashes"]), store.get_tensor("features")
            states = json.loads(metadata.get("states", "{}"))
        if (
            features.shape != (len(hashes), width)
            or not_finite(features) is not None
            or not all(isinstance(digest, str) for digest in hashes)
            or not all(isinstance(entry, list) and isinstance(entry[-1], str) for entry in states.values())
        ):
            raise ValueError("its parts do not fit each other")
    except (
        SafetensorError,
        OSError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        IndexError,
        RuntimeError,
    ) as error:
        notices.append(f"{path} is damaged and not used ({error}); what it held is computed anew.")
        return {}, {}
    found = dict(zip(hashes, features, strict=True))
    if not shipped and metadata.get("decoding") != DECODING:
        found = {digest: row for digest, row in found.items() if digest.startswith(TEXT)}
    return found, states
