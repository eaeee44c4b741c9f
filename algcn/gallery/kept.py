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
from typing import NamedTuple

import torch
from torch import Tensor

from algcn.gallery.by_hash import FeaturesByHash
from algcn.kit import disk, files
from algcn.kit.cache import VARIABLE, cache_folder
from algcn.kit.errors import InputError
from algcn.kit.images import DECODING
from algcn.kit.tensor_files import Streamed
from algcn.kit.tensors import not_finite

STORE_FORMAT = "algcn-gallery-1"
TEXT = "t"  # begins the hash of a text, which no hexadecimal digit is
NAME_LENGTH = 16  # hexadecimal digits of a part's name


def cached_store(root: Path, fingerprint: str) -> Path:
    """Return where the cache keeps the features of a folder by an encoder."""
    return cache_folder() / "galleries" / f"{place_of(root)}-{fingerprint}.safetensors"


def place_of(root: Path) -> str:
    """Name a folder in the names of what the cache keeps of it."""
    return hashlib.sha256(os.fsencode(root.resolve())).hexdigest()[:NAME_LENGTH]


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

    def write_part(self, block: Sequence[str], digests: Sequence[str], features: FeaturesByHash) -> Path | None:
        """Keep the features of a block, as far as there are some, and return where.

        Where that fails, the store's writing will say it.
        """
        part = self._part(block)
        return part if digests and self._write(part, digests, features, {"decoding": DECODING}) is None else None

    def write(self, digests: Sequence[str], features: FeaturesByHash, states: Mapping[str, list]) -> str | None:
        """Write the whole store; return the reason if the cache cannot be written.

        Args:
            digests: What it is of.
            features: Those and maybe more.
            states: How the pictures' files are, for the cache: it means nothing in a copy of the folder, and a shipped
                store is valid however its pictures were decoded.

        Raises:
            InputError: The store was to be written in place and cannot be.
            DiskFullError: It must be kept, and its disk is full.
        """
        more = {} if self.in_place else {"states": json.dumps(states), "decoding": DECODING}
        return self._write(self.path, digests, features, more)

    def drop_parts(self) -> None:
        """Remove the parts of a store that was written; who waits for one finds it there."""
        shutil.rmtree(self._parts, ignore_errors=True)

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        """Leave no place for parts, however the block ends, where none was finished."""
        try:
            yield
        finally:
            if not self.finished_parts():
                self.drop_parts()

    def _write(
        self, path: Path, digests: Sequence[str], features: FeaturesByHash, more: Mapping[str, str]
    ) -> str | None:
        if not digests:
            return None
        metadata = {"format": STORE_FORMAT, "encoder": self._fingerprint, "hashes": json.dumps(digests), **more}
        rows = Streamed((len(digests), features.width), torch.float16, features.in_blocks(digests))
        try:
            with self.advising():
                files.save_tensors(path, {"features": rows}, metadata)
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


class Stored(NamedTuple):
    """What a store holds: hashes, the features of each, mapped, and the states of files by their names."""

    digests: list[str]
    features: Tensor
    states: dict[str, list]


def read_store(path: Path, fingerprint: str, width: int, notices: list[str], *, shipped: bool) -> Stored:
    """Read a store or a part of this encoder; there is nothing in it, with a notice, if it is damaged.

    A store of an earlier version has `stats` instead, size and mtime alone, which do not tell a file that was replaced.
    The features of pictures that were decoded in another way are left out, those of texts stay; one that is shipped is
    valid as it is.
    """
    from safetensors import SafetensorError, safe_open

    nothing = Stored([], torch.empty(0, width, dtype=torch.float16), {})
    if not path.is_file():
        return nothing
    try:
        with safe_open(path, framework="pt") as store:
            metadata = store.metadata() or {}
            if metadata.get("format") != STORE_FORMAT:
                raise ValueError("it is not a gallery's store")
            if metadata["encoder"] != fingerprint:
                return nothing
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
        return nothing
    if not shipped and metadata.get("decoding") != DECODING:
        texts = [row for row, digest in enumerate(hashes) if digest.startswith(TEXT)]
        hashes, features = [hashes[row] for row in texts], features[texts]
    return Stored(hashes, features, states)
