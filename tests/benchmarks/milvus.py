"""What a search on Milvus Lite finds and takes, beside faiss's exact index on the same vectors.

    python -m tests.benchmarks.milvus [--rows 20000] [--kinds FLAT HNSW] [--queries 50]

Generated vectors around 500 centres, as wide as those of the pocket bundle's ranking, written to a file of Milvus Lite
as `python -m algcn.gallery publish` writes them. Prints for each kind of search the seconds until all is written and
indexed, the recall of the exact first 50, the milliseconds of a query (half of them take less), and how many times
faiss's those are; then the same of queries that a label filters, which a tenth or a half of the rows has; then the
machine's load and the most memory that was held. Milvus Lite is Python in this process: a server's figures are others.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

from algcn.cluster.address import Address
from algcn.cluster.contents import About, key_of
from algcn.cluster.milvus import KINDS, Collection, Deadlines, MilvusCandidates
from algcn.cluster.publish import BATCH
from algcn.gallery.candidates import Allowed

WIDTH, ENCODER = 1225, 512
CENTRES, NOISE = 500, 0.3
FIRST = 50
LABELS = {"dog": 0.1, "sea": 0.5}  # and the share of the rows that have it
PATIENT = Deadlines(answer=60.0, prepare=3600.0)


def generated(count: int, width: int, random: np.random.Generator) -> NDArray[np.float32]:
    """Make unit vectors around the same centres whenever it is called with the same width."""
    centres = np.random.default_rng(width).standard_normal((CENTRES, width), np.float32)
    vectors = centres[random.integers(CENTRES, size=count)]
    vectors += NOISE * random.standard_normal((count, width), np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def fill(
    place: Path, kind: str, vectors: NDArray[np.float32], has: dict[str, NDArray[np.bool_]]
) -> tuple[MilvusCandidates, float]:
    """Write vectors as pictures with the labels that they have; returns the seconds it took, too."""
    about = About("generated", "generated", kind, len(vectors), 0)
    encoder = generated(BATCH, ENCODER, np.random.default_rng(0))
    collection = Collection(Address.parse(str(place)), PATIENT)
    began = time.perf_counter()
    collection.create(about, {"ranking": WIDTH, "encoder": ENCODER})
    for first in range(0, len(vectors), BATCH):
        rows = [
            {
                "key": key_of("image", first + i),
                "file": f"{first + i}.jpg",
                "text": "",
                "labels": [label for label, rows in has.items() if rows[first + i]],
                "ranking": vector,
                "encoder": encoder[i],
            }
            for i, vector in enumerate(vectors[first : first + BATCH])
        ]
        collection.write(rows, "image")
    collection.flush()
    collection.load()
    return MilvusCandidates(collection, about), time.perf_counter() - began


def asked(
    ask: Callable[[NDArray[np.float32]], NDArray[np.int64]], queries: NDArray[np.float32]
) -> tuple[list[NDArray[np.int64]], float]:
    """Return what is found for each query, and the median of the milliseconds."""
    ask(queries[0])
    found, seconds = [], []
    for query in queries:
        began = time.perf_counter()
        found.append(ask(query))
        seconds.append(time.perf_counter() - began)
    return found, 1e3 * statistics.median(seconds)


def recall(found: Sequence[NDArray[np.int64]], exact: Sequence[NDArray[np.int64]]) -> float:
    """Return the share of the exact first that was found."""
    return float(np.mean([len(np.intersect1d(*pair)) / len(pair[1]) for pair in zip(found, exact, strict=True)]))


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=["FLAT", "HNSW"])
    parser.add_argument("--queries", type=int, default=50)
    arguments = parser.parse_args(argv)
    random = np.random.default_rng(1)
    vectors, queries = (generated(count, WIDTH, random) for count in (arguments.rows, arguments.queries))
    has = {label: random.random(arguments.rows) < share for label, share in LABELS.items()}
    index = faiss.IndexFlatIP(WIDTH)
    index.add(vectors)
    exact, usual = asked(lambda query: index.search(query[None], FIRST)[1][0], queries)
    of_label = {}
    for label, rows in has.items():
        chosen = faiss.SearchParameters(sel=faiss.IDSelectorBatch(np.flatnonzero(rows)))
        of_label[label] = asked(lambda q: index.search(q[None], FIRST, params=chosen)[1][0], queries[:10])  # noqa: B023
    took = ", ".join(f"of {LABELS[label]:.0%} {took:.1f} ms" for label, (_, took) in of_label.items())
    print(f"{arguments.rows:,} rows of {WIDTH}; faiss flat {usual:.1f} ms, with a label {took}", flush=True)
    for kind in arguments.kinds:
        with tempfile.TemporaryDirectory() as folder:
            candidates, seconds = fill(Path(folder) / "a.db", kind, vectors, has)
            plain, took = asked(lambda q: candidates.nearest("image", "ranking", q, FIRST, None).rows, queries)  # noqa: B023
            print(
                f"{kind:8} written in {seconds:.0f} s; recall@{FIRST} {recall(plain, exact):.4f}, {took:.1f} ms "
                f"({took / usual:.1f} × faiss)",
                flush=True,
            )
            for label, rows in has.items():
                allowed = Allowed(rows, (label,))
                filtered, took = asked(
                    lambda q: candidates.nearest("image", "ranking", q, FIRST, allowed).rows,  # noqa: B023
                    queries[:10],
                )
                exact_of_label, usual_of_label = of_label[label]
                print(
                    f"{kind:8} with a label of {LABELS[label]:.0%}: recall {recall(filtered, exact_of_label):.4f}, "
                    f"{took:.0f} ms ({took / usual_of_label:.0f} ×)",
                    flush=True,
                )
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"load {os.getloadavg()[0]:.1f}; at most {held:.1f} GB of memory")


if __name__ == "__main__":
    sys.exit(main())
