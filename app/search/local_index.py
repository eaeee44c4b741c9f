"""The index of a large gallery on this machine: cells of pictures and of texts, for the ranking and for the encoder.

Notable: vectors are held as the rule weighs them, √factor on either side, so that cells gather what scores alike;
a query of other weights is divided by the same. Labels that a visitor made are no part of it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from algcn.evaluation.ranking import PARTS, Ranking, joined
from algcn.gallery.candidates import Near
from algcn.gallery.cells import CellIndex
from algcn.kit.cache import cache_folder
from algcn.kit.disk import DiskFullError

if TYPE_CHECKING:
    from algcn.gallery.candidates import Allowed
    from app.search.kinds import Kinds
    from app.search.scores import Kind

ROWS = 16_384
QUERIES = 32  # of each kind
SMALLEST = 1e-3  # of the largest factor: a part that does not count yet may be asked for by a slider
Floats = NDArray[np.float32]


class LocalIndex:
    """Candidates from this machine (`algcn.gallery.candidates`).

    Args:
        kinds: The gallery's pictures and texts, without a visitor's own labels.
        counts: How many pictures and texts there are.
        rule: What ranks.
        place: Names the gallery and the model: a gallery that changed has its index replaced.
        key: What gallery and model are, to find the index again at the next start; None where it is not to be kept.
        notices: To be told of an index that could not be kept.
    """

    def __init__(
        self,
        kinds: Kinds,
        counts: dict[str, int],
        rule: Ranking,
        place: str,
        key: str | None = None,
        notices: list[str] | None = None,
    ) -> None:
        self._kinds, self._counts, self._rule = kinds, counts, rule
        self._notices = [] if notices is None else notices
        self._scale, self._place = self._scales(), place
        self._key = key and self._key_of(key)
        self._found = {
            (modality, space): self._index(modality, space)
            for modality in ("image", "text")
            for space in ("ranking", "encoder")
            if counts[modality]
        }

    def nearest(self, modality: str, space: str, query: Floats, count: int, allowed: Allowed | None) -> Near:
        """Return those with the largest inner products; see `algcn.gallery.candidates.Candidates`."""
        found = self._found[modality, space]
        if space == "ranking":
            query = query / self._scale
        mask = None if allowed is None else allowed.mask
        return found.search(np.ascontiguousarray(query), count, mask)

    def describe(self) -> str:
        """Say in a few words what kind of index it is, and how much of the exact ranking it finds."""
        cells = max(found.index.nlist for found in self._found.values())
        recall = min(found.recall for found in self._found.values())
        return f"an index of {cells:,} cells, which finds {100 * recall:.1f} % of the best 50 of an exact search"

    def _index(self, modality: str, space: str) -> CellIndex:
        path = cache_folder() / "indexes" / f"{self._place}-{modality}-{space}.cells"
        if self._key is not None and (found := CellIndex.load(path, self._key)) is not None:
            return found

        def blocks() -> Iterator[Floats]:
            for start in range(0, self._counts[modality], ROWS):
                some = self._rows(modality, np.arange(start, min(start + ROWS, self._counts[modality])))
                yield self._vectors(some, space)

        built = CellIndex.build(blocks, self._counts[modality], self._queries(space))
        if self._key is None:
            return built
        try:
            built.save(path, self._key)
        except (DiskFullError, OSError) as error:
            reason = error.reason if isinstance(error, DiskFullError) else error.strerror or error
            said = f"An index cannot be kept in {path.parent} ({reason}) and will be made again next time."
            if said not in self._notices:
                self._notices.append(said)
            return built
        return CellIndex.load(path, self._key) or built

    def _queries(self, space: str) -> Floats:
        """Queries like those to come: pictures and texts."""
        drawn = [
            self._vectors(self._rows(modality, np.unique(np.linspace(0, count - 1, QUERIES).astype(np.int64))), space)
            for modality, count in self._counts.items()
            if count
        ]
        return np.concatenate(drawn)

    def _vectors(self, kind: Kind, space: str) -> Floats:
        if space == "encoder":
            return np.ascontiguousarray(kind.items.encoder.numpy())
        return np.ascontiguousarray((joined(kind.items) * torch.from_numpy(self._scale)).numpy())

    def _rows(self, modality: str, rows: NDArray[np.int64]) -> Kind:
        nothing = np.empty(0, np.int64)
        pictures, texts = self._kinds.some(*((rows, nothing) if modality == "image" else (nothing, rows)))
        return pictures if modality == "image" else texts

    def _scales(self) -> Floats:
        """√factor of every column."""
        factors = self._rule.factors
        least = SMALLEST * max(factors)
        probe = self._rows("image", np.zeros(1, np.int64)).items
        widths = (getattr(probe, name).shape[1] for name in PARTS)
        columns = [np.full(width, max(factor, least) ** 0.5) for width, factor in zip(widths, factors, strict=True)]
        return np.concatenate(columns).astype(np.float32)

    def _key_of(self, gallery: str) -> str:
        """What the vectors are of; nothing that is computed, as that differs with the number of threads."""
        digest = hashlib.sha256(json.dumps([gallery, self._counts, self._rule.to_json()]).encode())
        digest.update(self._kinds.given.numpy().tobytes())
        return digest.hexdigest()[:32]
