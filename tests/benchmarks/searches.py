"""How often a search finds what it was asked for: every label's name typed, and pictures steered away from a label.

    python -m tests.benchmarks.searches [--bundle weights/pocket] [--gallery assets/gallery] [--pairs 40]

A picture is right if the gallery's own labels say so; each is measured with what is written of the pictures counted, by
captions alone, and by what is seen alone. Steering: of the pairs of labels that are often on one picture, those whose
unwanted label comes most often with the wanted one, each asked for with every strength of "away from".
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
from pathlib import Path
from statistics import mean

from app.search.query import Query
from app.service import RetrievalService, load_service

FIRST = 24
STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)
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
    unlabelled = [dataclasses.replace(item, labels=None) for item in service.gallery.items]
    captions = dataclasses.replace(service.gallery, items=unlabelled)
    captioned = RetrievalService(service.bundle, captions, encoder=service.encoder)
    named("all that is written counts", service, labels, written=True)
    named("captions count", captioned, labels, written=True)
    named("what is seen alone", service, labels, written=False)
    steered("all that is written counts", service, labels, arguments.pairs, written=True)
    steered("what is seen alone", service, labels, arguments.pairs, written=False)


def found(service: RetrievalService, query: Query) -> list[int]:
    """Ask, and return the positions of the pictures."""
    return [hit.item for hit in service.search(query).images]


def precision(items: list[int], labels: list[set[str]], label: str) -> float:
    """The share of the items that have a label."""
    return sum(label in labels[item] for item in items) / max(1, len(items))


def named(title: str, service: RetrievalService, labels: list[set[str]], *, written: bool) -> None:
    """Type every label's name; of a label with fewer than ten pictures as many are looked at."""
    first, ten, worst = [], [], []
    for name in service.bundle.label_set.names:
        count = sum(name in those for those in labels)
        if count:
            items = found(service, Query(name, limit=10, written=written))
            first.append(precision(items[:1], labels, name))
            ten.append(precision(items[: min(10, count)], labels, name))
            worst.append((ten[-1], name))
    print(f"{title}: {len(first)} names, P@1 {mean(first):.3f}, P@10 {mean(ten):.3f}", end="; ")
    print("worst:", ", ".join(f"{name} {share:.1f}" for share, name in sorted(worst)[:6]))


def steered(title: str, service: RetrievalService, labels: list[set[str]], count: int, *, written: bool) -> None:
    """Ask for a label away from another that comes with it."""
    names = service.bundle.label_set.names
    pairs = []
    for wanted, unwanted in itertools.permutations(names, 2):
        both = sum({wanted, unwanted} <= those for those in labels)
        alone = sum(wanted in those and unwanted not in those for those in labels)
        if both >= TOGETHER and alone >= FIRST:
            pairs.append((both / (both + alone), wanted, unwanted))
    pairs = sorted(pairs, reverse=True)[:count]
    print(f"{title}: {len(pairs)} pairs, of the first {FIRST} unwanted / wanted", end="")
    for away in STRENGTHS:
        shares = []
        for _, wanted, unwanted in pairs:
            items = found(service, Query(wanted, without=unwanted, away=away, written=written, limit=FIRST))
            shares.append([precision(items, labels, name) for name in (unwanted, wanted)])
        there, kept = map(mean, zip(*shares, strict=True))
        print(f"{',' if away else ':'} strength {away:g} {there:.2f} / {kept:.2f}", end="")
    print()


if __name__ == "__main__":
    main()
