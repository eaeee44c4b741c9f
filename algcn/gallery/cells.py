"""An index of many vectors in cells, of which a search looks into the nearest: faiss's IVF with fast-scan codes.

Notable: how many cells a search looks into is measured when the index is made: as few as find RECALL of the best 50 of
an exact search, on queries like those to come, or nearly as much as all cells; and an eighth at least. What a filter
leaves is looked for in as many more cells as it leaves out. Of each two numbers there are four bits (product
quantisation), so scores are right to a few percent: a search fetches FETCHED at least, and who uses this ranks those
exactly.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from algcn.gallery.candidates import Near
from algcn.kit import files
from algcn.kit.threads import one_core

if TYPE_CHECKING:
    import faiss

Floats = NDArray[np.float32]
Blocks = Callable[[], Iterator[Floats]]
RECALL, BEST, FETCHED = 0.999, 50, 1000
NEARLY = 0.001  # less than what all cells find: what the codes miss, no cell gives
AT_LEAST = 4  # times as many vectors as are wanted are looked at
TRAINING_ROWS_A_CELL = 64
ITERATIONS = 8
WIDTH_STEP = 4  # of which a code has a byte
FORMAT = "algcn-cells-3"
WORDS_LOOK = 8  # a search looks into one of so many cells at least: a few words are like no picture and no caption
SEED = 0


@dataclasses.dataclass(frozen=True, eq=False)
class CellIndex:
    """N vectors in cells.

    Attributes:
        index: faiss's.
        probes: How many cells a search looks into.
        recall: The share of the best 50 of an exact search that are among 1,000 found, as measured.
    """

    index: faiss.IndexIVF
    probes: int
    recall: float

    @classmethod
    def build(cls, blocks: Blocks, count: int, queries: Floats) -> Self:
        """Make one.

        Args:
            blocks: Gives the vectors, some N × d at a time, anew each time it is called.
            count: N.
            queries: Q × d, like those that will be asked.
        """
        import faiss

        queries = _padded(queries)
        cells = 2 ** round(math.log2(max(1.0, math.sqrt(count))))
        index = faiss.index_factory(
            queries.shape[1], f"IVF{cells},PQ{queries.shape[1] // 2}x4fs", faiss.METRIC_INNER_PRODUCT
        )
        for clustering in (index.cp, index.pq.cp):
            clustering.niter, clustering.seed, clustering.min_points_per_centroid = ITERATIONS, SEED, 1
        # Few have a rare label: from random rows its column would get no code that says so.
        index.pq.cp.init_method = faiss.ClusteringInitMethod_KMEANS_PLUS_PLUS
        _train(index, _padded(_some_rows(blocks(), count, TRAINING_ROWS_A_CELL * cells)))
        exact = _Best(len(queries))
        for block in map(_padded, blocks()):
            index.add(block)
            exact.add(queries @ block.T)

        def recall(probes: int) -> float:
            index.nprobe = probes
            _, found = index.search(queries, FETCHED)
            return float(np.mean([np.isin(best, ids).mean() for best, ids in zip(exact.ids, found, strict=True)]))

        enough = min(RECALL, recall(cells) - NEARLY)
        probes = max(1, cells // WORDS_LOOK)
        while (found := recall(probes)) < enough:
            probes *= 2
        return cls(index, probes, found)

    def search(self, query: Floats, count: int, mask: NDArray[np.bool_] | None = None) -> Near:
        """Return `count` vectors or more with the largest inner products with one of d numbers.

        Args:
            query: d.
            count: How many at least, where there are as many.
            mask: Which of the N may be found; all where it is None.
        """
        import faiss

        count, allowed, parameters = max(count, FETCHED), self.index.ntotal, {}
        if mask is not None:
            allowed, bits = max(1, int(mask.sum())), np.packbits(mask, bitorder="little")
            parameters["sel"] = faiss.IDSelectorBitmap(len(mask), faiss.swig_ptr(bits))
        share = self.index.ntotal / allowed
        probes = max(self.probes * share, AT_LEAST * count * share * self.index.nlist / self.index.ntotal)
        parameters["nprobe"] = min(self.index.nlist, math.ceil(probes))
        scores, rows = self.index.search(_padded(query[None]), count, params=faiss.SearchParametersIVF(**parameters))
        there = rows[0] >= 0
        return Near(rows[0][there], scores[0][there])

    def save(self, path: Path, key: str) -> None:
        """Write it and a note of what it is of; any that was there is replaced.

        Raises:
            DiskFullError: It does not fit.
            OSError: It cannot be written.
        """
        import faiss

        path.parent.mkdir(parents=True, exist_ok=True)
        _note(path).unlink(missing_ok=True)  # so that it never stands beside the index of another key
        with files.replacing(path, self.index.ntotal * self.index.d) as aside:
            faiss.write_index(self.index, str(aside))
        note = {"format": FORMAT, "key": key, "probes": self.probes, "recall": self.recall}
        files.write_text(_note(path), json.dumps(note))

    @classmethod
    def load(cls, path: Path, key: str) -> Self | None:
        """Read one; None where there is none of this key."""
        import faiss

        try:
            note = json.loads(_note(path).read_text(encoding="utf-8"))
            if note.get("format") != FORMAT or note.get("key") != key:
                return None
            index = faiss.read_index(str(path), faiss.IO_FLAG_READ_ONLY)
            return cls(index, int(note["probes"]), float(note["recall"]))
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError):
            return None


def _note(path: Path) -> Path:
    return path.with_suffix(".json")


def _train(index: faiss.IndexIVF, rows: Floats) -> None:
    """Train the cells, and then the codes by one thread: these are hundreds of tiny clusterings, in which more wait."""
    import faiss

    index.train_q1(len(rows), faiss.swig_ptr(rows), False, index.metric_type)
    with one_core():
        index.train(rows)


def _padded(rows: Floats) -> Floats:
    """Add columns of zeros up to a width that is whole codes."""
    return np.pad(rows, ((0, 0), (0, -rows.shape[1] % WIDTH_STEP)))


def _some_rows(blocks: Iterator[Floats], count: int, wanted: int) -> Floats:
    """Draw rows evenly from all blocks."""
    chosen = np.random.default_rng(SEED).permutation(count)[:wanted]
    chosen.sort()
    taken, start = [], 0
    for block in blocks:
        first, last = np.searchsorted(chosen, (start, start + len(block)))
        taken.append(block[chosen[first:last] - start])
        start += len(block)
    return np.concatenate(taken)


class _Best:
    """The best of many vectors for some queries, as blocks of scores come in."""

    def __init__(self, queries: int) -> None:
        self.ids = np.empty((queries, 0), np.int64)
        self._scores = np.empty((queries, 0), np.float32)
        self._start = 0

    def add(self, scores: Floats) -> None:
        ids = np.broadcast_to(np.arange(self._start, self._start + scores.shape[1]), scores.shape)
        self._start += scores.shape[1]
        scores, ids = np.hstack([self._scores, scores]), np.hstack([self.ids, ids])
        order = np.argsort(-scores, axis=1, kind="stable")[:, :BEST]
        self._scores, self.ids = np.take_along_axis(scores, order, axis=1), np.take_along_axis(ids, order, axis=1)
