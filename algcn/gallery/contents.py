"""The contents of a gallery by their hashes: which have to be encoded, and which picture did not change since.

Notable: a copy or a renamed picture has the hash of the other, and is encoded once.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from algcn.datasets.image_folder import ImageFolder, Item
from algcn.features.encoder import clean_text
from algcn.gallery.kept import TEXT
from algcn.kit import files
from algcn.kit.errors import InputError

if TYPE_CHECKING:
    from PIL import Image

HASH_LENGTH = 32  # hexadecimal digits, 128 bits: no two pictures share them by chance
# A file may change twice within one tick of its file system's clock, of two seconds at the most (FAT), and its state
# says nothing of the second time: so an entry of a file that was that young is not kept. git calls this racily clean.
YOUNG_NS = 2_000_000_000
OpenPicture = Callable[[Path, str], "Image.Image"]


@dataclass
class Contents:
    """The contents of a folder that have to be encoded, by their hashes."""

    root: Path
    items: list[Item]
    open_picture: OpenPicture
    hashes: dict[str, str]  # of each picture that is there, by file name
    states: dict[str, list]  # file name: `files.file_state` and the hash
    texts: dict[str, str]  # the hash of each text
    unreadable: dict[str, str]  # file name: the reason

    @classmethod
    def of(cls, listing: ImageFolder, open_picture: OpenPicture) -> Contents:
        """Return those of a folder; its pictures are hashed later."""
        texts = {text: _text_hash(text) for item in listing.items for text in item.texts if is_searchable(text)}
        return cls(listing.root, listing.items, open_picture, {}, {}, texts, {})

    def hash_pictures(self, known: dict[str, list]) -> None:
        """Hash each picture's bytes; one that did not change since it was entered into `known` is not read."""
        for item in self.items:
            path = self.root / item.file_name
            try:
                now, state = time.time_ns(), files.file_state(path)
                entry = known.get(item.file_name, [])
                is_known = entry[:-1] == state
                digest = entry[-1] if is_known else files.sha256(path)[:HASH_LENGTH]
            except OSError as error:
                self.unreadable[item.file_name] = (
                    f"The file {item.file_name} cannot be read ({error.strerror or error})."
                )
                continue
            self.hashes[item.file_name] = digest
            if is_known or not _is_young(state, now):
                self.states[item.file_name] = [*state, digest]

    def named(self, digest: str) -> list[str]:
        """Return the file names of the pictures that have a hash: copies of one picture."""
        return [name for name, of_picture in self.hashes.items() if of_picture == digest]

    def by_hash(self, *, with_texts: bool) -> dict[str, Item | str]:
        """Return what has to be encoded by its hash, the pictures before the texts."""
        pictures = {self.hashes[item.file_name]: item for item in self.items if item.file_name in self.hashes}
        return {**pictures, **({digest: text for text, digest in self.texts.items()} if with_texts else {})}

    @property
    def digests(self) -> list[str]:
        """Every hash once, the pictures' before the texts'."""
        return list(dict.fromkeys((*self.hashes.values(), *self.texts.values())))


def _is_young(state: Sequence[int], now: int) -> bool:
    """Tell whether a file changed so shortly before `now` that it may change again and keep its state.

    Each change sets the ctime to the clock's time, and the mtime too where there is no ctime; what others set the mtime
    to, a date to come for instance, says nothing.
    """
    _, modified, changed, _ = state
    return changed > now - YOUNG_NS or abs(now - modified) < YOUNG_NS


def _text_hash(text: str) -> str:
    return TEXT + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[: HASH_LENGTH - 1]


def is_searchable(text: str) -> bool:
    """Tell whether an encoder takes the text; one of control characters alone says nothing."""
    try:
        clean_text(text)
    except InputError:
        return False
    return True
