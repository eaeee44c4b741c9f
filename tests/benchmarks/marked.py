"""What "less like these" is worth: three results that show something else too are marked, and the search is made again.

    python -m tests.benchmarks.marked [--bundle weights/pocket] [--gallery assets/gallery] [--cases 60]

A case is a label that is asked for by name and another one that 4 to 20 of the first 24 results have; the first three
of these are marked. A picture shows a label if the gallery says so.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

from app.search.query import Query
from app.search.results import SearchResult
from app.service import load_service

FIRST, MARKED, SOME = 24, 3, range(4, 21)
TRIES = 4000


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", type=Path, default="weights/pocket")
    parser.add_argument("--gallery", type=Path, default="assets/gallery")
    parser.add_argument("--cases", type=int, default=60)
    arguments = parser.parse_args()
    service = load_service(arguments.bundle, arguments.gallery)
    labels = [set(item.labels or ()) for item in service.gallery.items]
    counts = {name: sum(name in those for those in labels) for name in service.bundle.label_set.names}
    names = [name for name, count in counts.items() if 30 <= count <= 500]

    def share(result: SearchResult, name: str) -> float:
        return sum(name in labels[hit.item] for hit in result.images[:FIRST]) / FIRST

    chance, rows = random.Random(0), []
    for _ in range(TRIES):
        wanted, other = chance.sample(names, 2)
        plain = service.search(Query(wanted))
        both = [hit.item for hit in plain.images[:FIRST] if other in labels[hit.item]]
        alone = sum(wanted in those and other not in those for those in labels)
        if len(both) not in SOME or alone < FIRST:
            continue
        away = service.search(Query(wanted, unlike=tuple(both[:MARKED])))
        rows.append([share(result, name) for name in (other, wanted) for result in (plain, away)])
        if len(rows) == arguments.cases:
            break
    before, after, wanted_before, wanted_after = (sum(column) / len(rows) for column in zip(*rows, strict=True))
    print(f"{len(rows)} cases, of the first {FIRST}: what was marked {before:.3f} -> {after:.3f}", end=", ")
    print(f"what was asked for {wanted_before:.3f} -> {wanted_after:.3f}")


if __name__ == "__main__":
    main()
