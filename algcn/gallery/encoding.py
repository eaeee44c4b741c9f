"""Encode what of a gallery was not encoded before, in blocks that are kept as they are done."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

import torch
from torch import Tensor

from algcn.bundles.bundle import Bundle
from algcn.datasets.image_folder import Item
from algcn.gallery.by_hash import FeaturesByHash
from algcn.gallery.contents import Contents, OpenPicture
from algcn.gallery.files import STORE_NAME
from algcn.gallery.kept import Keeping, Stored, cached_store, read_store
from algcn.kit import disk
from algcn.kit.engine import Advance, Engine, check_seen, in_this_process
from algcn.kit.errors import InputError

if TYPE_CHECKING:
    from PIL import Image

    from algcn.features.encoder import Encoder

BYTES = 2  # of a number in a store
CHUNK = 16  # what is encoded between two reports of progress
BLOCK = 512  # contents of a part: as much as an interrupted build loses
Progress = Callable[[int, int], None]


def find_or_encode(
    contents: Contents,
    bundle: Bundle,
    progress: Progress | None,
    notices: list[str],
    *,
    in_place: bool,
    must_keep: bool,
    engine: Engine = in_this_process,
) -> FeaturesByHash:
    """Return the features of contents by hash: those kept before, and the others encoded now and kept.

    What is kept is mapped, so they take no memory.

    Args:
        contents: What the folder holds; its pictures are hashed here, as the cache knows which did not change.
        bundle: The encoder, which is loaded only if something has to be encoded.
        progress: Called with how many contents are encoded and how many have to be.
        notices: To be told of a store that was damaged or could not be kept.
        in_place: Keep them in the folder and not in the cache.
        must_keep: Rather end than go on where the disk is full.
        engine: Who encodes.

    Raises:
        InputError: They were to be kept in place and cannot be.
        DiskFullError: They must be kept and do not fit.
    """
    fingerprint = bundle.encoder_fingerprint or bundle.encoder().fingerprint
    width = bundle.model.config.image_dim
    shipped, cache = contents.root / STORE_NAME, cached_store(contents.root, fingerprint)
    keeping = Keeping(shipped if in_place else cache, fingerprint, in_place=in_place, must_keep=must_keep)

    def read(path: Path) -> Stored:
        return read_store(path, fingerprint, width, notices, shipped=path == shipped)

    cached, found = read(cache), read(shipped)
    features = FeaturesByHash(width)
    unfinished = keeping.finished_parts()  # of a build that was stopped, or of one that is at work
    for stored in (cached, found, *map(read, unfinished)):
        features.add(stored.digests, stored.features)
    contents.hash_pictures(cached.states)
    wanted = contents.by_hash(with_texts="text" in bundle.encodes)
    missing = wanted.keys() - features.digests
    if missing and must_keep:
        with keeping.advising():
            disk.check_room(keeping.path, len(contents.digests) * width * BYTES)
    with keeping.working():
        _encode_blocks(wanted, features, contents, bundle, keeping, read, progress or _untold, engine)
        # Texts of a store stay in it though this bundle's encoder does not read them: another's may.
        kept = [digest for digest in contents.digests if digest in features]
        outdated = set(found.digests) != set(kept) if in_place else cache.is_file() and not cached.digests
        if missing or unfinished or outdated or (cached.digests and not in_place and contents.states != cached.states):
            reason = keeping.write(kept, features, contents.states)
            if reason is None:
                features = _moved(features, read(keeping.path), kept)
                keeping.drop_parts()
            elif reason and (missing or unfinished or outdated):
                notices.append(
                    f"The features cannot be kept in {keeping.path.parent} ({reason}) and will be computed again "
                    "next time."
                )
            elif reason:
                notices.append(
                    f"Which pictures are unchanged cannot be kept in {keeping.path.parent} ({reason}), so each is read "
                    "again."
                )
    return features


def _moved(features: FeaturesByHash, store: Stored, kept: Sequence[str]) -> FeaturesByHash:
    """Return those of a store that was written; the same as before where another process has replaced it since."""
    moved = FeaturesByHash(features.width)
    moved.add(store.digests, store.features)
    return moved if moved.digests >= set(kept) else features


def _untold(done: int, total: int) -> None:
    """Stands for the progress that nobody asked for."""


def _encode_blocks(
    wanted: Mapping[str, Item | str],
    features: FeaturesByHash,
    contents: Contents,
    bundle: Bundle,
    keeping: Keeping,
    read: Callable[[Path], Stored],
    progress: Progress,
    engine: Engine,
) -> None:
    """Add to `features` those that are missing, block by block; those that other processes are at work on come last."""
    digests = list(wanted)
    blocks = [digests[start : start + BLOCK] for start in range(0, len(digests), BLOCK)]
    missing = wanted.keys() - features.digests
    blocks = [block for block in blocks if not missing.isdisjoint(block)]
    later: list[list[str]] = []
    held: deque[tuple[list[str], ExitStack]] = deque()  # the blocks that are under way, each with its lock
    done = 0

    def finish(block: Sequence[str]) -> None:
        nonlocal done
        done += len(missing.intersection(block))
        progress(done, len(missing))

    def tasks() -> Iterator[list[tuple[str, Item | str]]]:
        for block in blocks:
            with ExitStack() as lock:
                if not lock.enter_context(keeping.claimed(block, wait=False)):
                    later.append(block)
                    continue
                for path in keeping.changed(block):  # what others have done meanwhile
                    stored = read(path)
                    features.add(stored.digests, stored.features)
                todo = [(digest, wanted[digest]) for digest in block if digest not in features]
                if todo:
                    held.append((block, lock.pop_all()))
                    yield todo
                else:
                    finish(block)

    while blocks:
        encoder = ContentsEncoder(contents.root, bundle.encoder(bundle.model.prior.device), contents.open_picture)
        try:
            for encoded in engine(encoder, tasks(), lambda count: progress(done + count, len(missing))):
                block, lock = held.popleft()
                with lock:
                    features.add(encoded.digests, encoded.features)
                    for digest, sentence in encoded.unreadable.items():
                        for name in contents.named(digest):
                            contents.unreadable[name] = sentence.replace(wanted[digest].file_name, name, 1)
                    part = keeping.write_part(block, [digest for digest in block if digest in features], features)
                    if part is not None and (stored := read(part)).digests:  # from now on they are looked up there
                        features.replace_last(stored.digests, stored.features)
                finish(block)
        finally:
            for _, lock in held:
                lock.close()
        if later == blocks:  # others are at work on all of them: wait for one, while nobody waits for this process
            with keeping.claimed(later[0], wait=True):
                pass
        blocks, later = later, []


class Encoded(NamedTuple):
    """The features of contents, a row for each hash, and for each picture that could not be read the sentence."""

    digests: list[str]
    features: Tensor
    unreadable: dict[str, str]


@dataclass(frozen=True)
class ContentsEncoder:
    """Encodes pictures and texts of a folder, here or in another process that can read the folder.

    Args:
        root: The folder of the pictures.
        encoder: What they are encoded by.
        open_picture: Reads a picture (see `build_gallery`).
    """

    root: Path
    encoder: Encoder
    open_picture: OpenPicture

    def on(self, device: str) -> Self:
        """Return the same one, computing on another device, maybe of another machine; it must see the folder."""
        check_seen(self.root)
        return replace(self, encoder=self.encoder.on(device))

    def __call__(self, todo: Sequence[tuple[str, Item | str]], advance: Advance) -> Encoded:
        """Encode contents, each given with its hash, telling `advance` how many are done."""
        digests: list[str] = []
        features = [torch.empty(0, self.encoder.width).half()]
        unreadable: dict[str, str] = {}
        for start in range(0, len(todo), CHUNK):
            advance(start)
            chunk = todo[start : start + CHUNK]
            pictures = self._opened(chunk, digests, unreadable)
            texts = {digest: text for digest, text in chunk if isinstance(text, str)}
            features += [
                self.encoder.encode_images(pictures).half(),
                self.encoder.encode_texts(list(texts.values())).half(),
            ]
            digests += texts
        return Encoded(digests, torch.cat(features), unreadable)

    def _opened(
        self, chunk: Sequence[tuple[str, Item | str]], digests: list[str], unreadable: dict[str, str]
    ) -> Iterator[Image.Image]:
        for digest, item in chunk:
            if isinstance(item, Item):
                try:
                    picture = self.open_picture(self.root / item.file_name, item.file_name)
                except InputError as error:
                    unreadable[digest] = str(error)
                    continue
                digests.append(digest)
                yield picture
