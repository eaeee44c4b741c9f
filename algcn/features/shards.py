"""Shards of an extraction: some items go in, the features of those that can be read come out, with what was left out.

Notable: a shard is encoded alone, in batches that depend on nothing else, so that it may be encoded anywhere.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Self

import torch
from torch import Tensor

from algcn.datasets.image_folder import Item
from algcn.features.places import NotAnswering, Place
from algcn.features.sources import Sources
from algcn.kit.engine import Advance
from algcn.kit.errors import InputError
from algcn.kit.parallel import bounded_map

KINDS = ("image_features", "text_features")


@dataclass
class Shard:
    """What is left of some items: a row for each picture that was read, one for each of their texts, and the rest."""

    images: Tensor
    texts: Tensor
    owner: list[int]
    unreadable: dict[str, str]

    def features(self) -> dict[str, Tensor]:
        """Return the features of the pairs, an image's repeated for each of its texts."""
        return dict(zip(KINDS, (self.images[self.owner], self.texts), strict=True))

    def digest(self) -> str:
        """Return a hash of all that is in it."""
        digest = hashlib.sha256(json.dumps(self.unreadable).encode())
        for tensor in (self.images, self.texts):
            digest.update(tensor.contiguous().numpy().data)
        return digest.hexdigest()


@dataclass(frozen=True)
class ShardEncoder:
    """Encodes shards of a folder, here or in another process that can read the folder.

    Args:
        place: Where the pictures are.
        sources: The sources of the features.
        batch_size: Images or texts encoded at once.
    """

    place: Place
    sources: Sources
    batch_size: int

    def on(self, device: str) -> Self:
        """Return the same one, computing on another device, maybe of another machine; it must see the folder."""
        self.place.check_seen()
        return replace(self, sources=self.sources.on(device))

    def __call__(self, items: Sequence[Item], advance: Advance) -> Shard:
        """Encode the items of a shard, telling `advance` how many are done."""
        images = [torch.empty(0, self.sources.images.width)]
        unreadable: dict[str, str] = {}
        decoded = self._decoded(items, unreadable)
        while batch := list(islice(decoded, self.batch_size)):
            images.append(self.sources.images.encode(torch.stack(batch)))
            advance(sum(map(len, images)) + len(unreadable))
        kept = [item for item in items if item.file_name not in unreadable]
        sentences = [text for item in kept for text in item.texts]
        texts = [torch.empty(0, self.sources.texts.width)] + [
            self.sources.texts.encode(sentences[start : start + self.batch_size])
            for start in range(0, len(sentences), self.batch_size)
        ]
        return Shard(torch.cat(images), torch.cat(texts), owner_of(kept), unreadable)

    def _decoded(self, items: Sequence[Item], unreadable: dict[str, str]) -> Iterator[Tensor]:
        opened = bounded_map(self._pixels, items, ahead=2 * self.batch_size)
        for item, pixels in zip(items, opened, strict=True):
            if isinstance(pixels, str):
                unreadable[item.file_name] = pixels
            else:
                yield pixels

    def _pixels(self, item: Item) -> Tensor | str:
        """Read a picture; where that cannot be done, return the sentence that says why."""
        try:
            return self.sources.images.pixels(self.place.open_picture(item.file_name))
        except NotAnswering:
            raise
        except InputError as error:
            return str(error)


def owner_of(items: Sequence[Item]) -> list[int]:
    """Return for each text of the items the position of its item."""
    return [position for position, item in enumerate(items) for _ in item.texts]
