"""The features of contents by their hashes, in blocks that may lie in mapped files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, KeysView, Sequence

import numpy as np
import torch
from torch import Tensor

ROWS = 8192  # that are taken together


class FeaturesByHash:
    """Rows of e numbers (float16), each found by the hash of what it is of.

    Attributes:
        width: e.
    """

    def __init__(self, width: int) -> None:
        self.width = width
        self._rows: dict[str, int] = {}
        self._blocks: list[Tensor] = []
        self._starts: list[int] = []  # the first row of each block
        self._end = 0

    def __contains__(self, digest: object) -> bool:
        return digest in self._rows

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def digests(self) -> KeysView[str]:
        """The hashes of which there are features."""
        return self._rows.keys()

    def add(self, digests: Sequence[str], features: Tensor) -> None:
        """Add a block; what was there of the same hashes is not found any more.

        Args:
            digests: K hashes.
            features: K × e. They are not copied: those of a mapped file stay on the disk.
        """
        self._rows.update(zip(digests, range(self._end, self._end + len(digests)), strict=True))
        self._blocks.append(features)
        self._starts.append(self._end)
        self._end += len(digests)

    def replace_last(self, digests: Sequence[str], features: Tensor) -> None:
        """Put another block into the place of the last one, of which it has all hashes at least."""
        self._blocks.pop()
        self._end = self._starts.pop()
        self.add(digests, features)

    def rows(self, digests: Iterable[str]) -> Tensor:
        """Return the features of some hashes, which must be there, K × e, float16."""
        rows = np.fromiter((self._rows[digest] for digest in digests), np.int64)
        found = torch.empty(len(rows), self.width, dtype=torch.float16)
        blocks = np.searchsorted(self._starts, rows, side="right") - 1
        for block in np.unique(blocks):
            here = blocks == block
            chosen = torch.from_numpy(rows[here] - self._starts[block])
            found[torch.from_numpy(here)] = self._blocks[block][chosen].half()
        return found

    def in_blocks(self, digests: Sequence[str]) -> Iterator[Tensor]:
        """Return them as `rows` does, ROWS at a time."""
        for start in range(0, len(digests), ROWS):
            yield self.rows(digests[start : start + ROWS])
