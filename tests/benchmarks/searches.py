"""How often a search finds what it was asked for: every label's name typed, and pictures steered away from a label.

    python -m tests.benchmarks.searches [--bundle weights/pocket] [--gallery assets/gallery] [--pairs 40]

A picture is right if the gallery's own labels say so. Steering: of the pairs of labels that are often on one picture,
those whose unwanted label comes most often with the wanted one, each asked for with and without "away from".
"""

from __future__ import annotations

import argparse
import itertools
from pathlib import Path

from app.search.query import Query
from app.service import RetrievalService, load_service

FIRST = 24
TOGETHER = 15  # pictures that have both labels of a pair, at least


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", type=Path, default="weights/pocket")
    parser.add_argument("--gallery", type=Path, default="assets/gallery")
    parser.add_argument("--pairs", type=int, default=40)
    arguments = parser.parse_args()
    service = load_service(arguments.bundle, arguments.gallery)
    labels = [set(item.labels or ()) for item in service.gallery.items]
    named(service, labels)
    steered(service, labels, arguments.pairs)


def found(service: RetrievalService, text: str, limit: int, without: str = "") -> list[int]:
    """Ask, and return the positions of the pictures."""
    return [hit.item for hit in service.search(Query(text, without=without, limit=limit)).images]


def precision(items: list[int], labels: list[set[str]], label: str) -> float:
    """The share of the items that have a label."""
    return sum(label in labels[item] for item in items) / len(items)


def named(service: RetrievalService, labels: list[set[str]]) -> None:
    """Type every label's name; of a label with fewer than ten pictures as many are looked at."""
    first, ten, worst = [], [], []
    for name in service.bundle.label_set.names:
        count = sum(name in those for those in labels)
        if count:
            items = found(service, name, 10)
            first.append(precision(items[:1], labels, name))
            ten.append(precision(items[: min(10, count)], labels, name))
            worst.append((ten[-1], name))
    print(f"{len(first)} names: P@1 {sum(first) / len(first):.3f}, P@10 {sum(ten) / len(ten):.3f}")
    print("worst:", ", ".join(f"{name} {share:.1f}" for share, name in sorted(worst)[:6]))


def steered(service: RetrievalService, labels: list[set[str]], count: int) -> None:
    """Ask for a label away from another that comes with it."""
    names = service.bundle.label_set.names
    pairs = []
    for wanted, unwanted in itertools.permutations(names, 2):
        both = sum({wanted, unwanted} <= those for those in labels)
        alone = sum(wanted in those and unwanted not in those for those in labels)
        if both >= TOGETHER and alone >= FIRST:
            pairs.append((both / (both + alone), wanted, unwanted))
    rows = []
    for _, wanted, unwanted in sorted(pairs, reverse=True)[:count]:
        plain, away = found(service, wanted, FIRST), found(service, wanted, FIRST, unwanted)
        rows.append([precision(items, labels, name) for name in (unwanted, wanted) for items in (plain, away)])
    before, after, wanted_before, wanted_after = (sum(column) / len(rows) for column in zip(*rows, strict=True))
    print(f"{len(rows)} pairs, of the first {FIRST}: unwanted {before:.2f} -> {after:.2f}", end=", ")
    print(f"wanted {wanted_before:.2f} -> {wanted_after:.2f}")


if __name__ == "__main__":
    main()
