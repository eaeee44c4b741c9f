"""Encode what of a gallery was not encoded before, in blocks that are kept as they are done."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from torch import Tensor

from algcn.bundles.bundle import Bundle
from algcn.datasets.image_folder import Item
from algcn.gallery.contents import Contents
from algcn.gallery.files import STORE_NAME
from algcn.gallery.kept import Keeping, cached_store, read_store
from algcn.kit import disk
from algcn.kit.errors import InputError

if TYPE_CHECKING:
    from PIL import Image

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
) -> dict[str, Tensor]:
    """Return the features of contents by hash: those kept before, and the others encoded now and kept.

    Args:
        contents: What the folder holds; its pictures are hashed here, as the cache knows which did not change.
        bundle: The encoder, which is loaded only if something has to be encoded.
        progress: Called with how many contents are encoded and how many have to be.
        notices: To be told of a store that was damaged or could not be kept.
        in_place: Keep them in the folder and not in the cache.
        must_keep: Rather end than go on where the disk is full.

    Raises:
        InputError: They were to be kept in place and cannot be.
        DiskFullError: They must be kept and do not fit.
    """
    fingerprint = bundle.encoder_fingerprint or bundle.encoder().fingerprint
    width = bundle.model.config.image_dim
    shipped, cache = contents.root / STORE_NAME, cached_store(contents.root, fingerprint)
    keeping = Keeping(shipped if in_place else cache, fingerprint, in_place=in_place, must_keep=must_keep)

    def read(path: Path) -> tuple[dict[str, Tensor], dict[str, list]]:
        return read_store(path, fingerprint, width, notices, shipped=path == shipped)

    cached, states = read(cache)
    found, _ = read(shipped)
    features = cached | found
    unfinished = keeping.finished_parts()  # of a build that was stopped, or of one that is at work
    for part in unfinished:
        features |= read(part)[0]
    contents.hash_pictures(states)
    wanted = contents.by_hash(with_texts="text" in bundle.encodes)
    missing = wanted.keys() - features.keys()
    if missing and must_keep:
        with keeping.advising():
            disk.check_room(keeping.path, len(contents.digests) * width * BYTES)
    encode = functools.partial(_encode, contents=contents, bundle=bundle)
    with keeping.working():
        _encode_blocks(wanted, features, keeping, lambda path: read(path)[0], encode, progress)
        # Texts of a store stay in it though this bundle's encoder does not read them: another's may.
        kept = {digest: features[digest] for digest in contents.digests if digest in features}
        outdated = set(found) != kept.keys() if in_place else cache.is_file() and not cached
        if missing or unfinished or outdated or (cached and not in_place and contents.states != states):
            reason = keeping.write(kept, contents.states)
            if reason and (missing or unfinished or outdated):
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


def _encode_blocks(
    wanted: Mapping[str, Item | str],
    features: dict[str, Tensor],
    keeping: Keeping,
    read: Callable[[Path], dict[str, Tensor]],
    encode: Callable[[Sequence[tuple[str, Item | str]]], dict[str, Tensor]],
    progress: Progress | None,
) -> None:
    """Add to `features` those that are missing, block by block; those that other processes are at work on come last."""
    digests = list(wanted)
    blocks = [digests[start : start + BLOCK] for start in range(0, len(digests), BLOCK)]
    missing = wanted.keys() - features.keys()
    blocks = [block for block in blocks if not missing.isdisjoint(block)]
    done = 0
    for wait in (False, True):
        later = []
        for block in blocks:
            with keeping.claimed(block, wait=wait) as is_held:
                if not is_held:
                    later.append(block)
                    continue
                for path in keeping.changed(block):  # what others have done meanwhile
                    features |= read(path)
                todo = [(digest, wanted[digest]) for digest in block if digest not in features]
                for start in range(0, len(todo), CHUNK):
                    if progress is not None:
                        progress(done + start, len(missing))
                    features |= encode(todo[start : start + CHUNK])
                if todo:
                    part = {digest: features[digest] for digest in block if digest in features}
                    keeping.write_part(block, part)
                done += len(missing.intersection(block))
        blocks = later
    if missing and progress is not None:
        progress(len(missing), len(missing))


def _encode(todo: Sequence[tuple[str, Item | str]], contents: Contents, bundle: Bundle) -> dict[str, Tensor]:
    """Encode some pictures and texts by hash; pictures that cannot be read go to `contents.unreadable`."""
    encoder = bundle.encoder(bundle.model.prior.device)
    opened: list[str] = []

    def pictures() -> Iterator[Image.Image]:
        for digest, item in todo:
            if isinstance(item, Item):
                try:
                    picture = contents.open_picture(contents.root / item.file_name, item.file_name)
                except InputError as error:
                    for name in contents.named(digest):
                        contents.unreadable[name] = str(error).replace(item.file_name, name, 1)
                    continue
                opened.append(digest)
                yield picture

    features = encoder.encode_images(pictures()).half()
    texts = {digest: text for digest, text in todo if isinstance(text, str)}
    return dict(zip(opened, features, strict=True)) | dict(
        zip(texts, encoder.encode_texts(list(texts.values())).half(), strict=True)
    )
