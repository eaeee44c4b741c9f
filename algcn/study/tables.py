"""The study's tables as Markdown: means over seeds, standard errors, paired differences, chance beside every mAP."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from algcn.study.comparison import METHODS, RANKINGS
from algcn.study.statistics import Mean, Paired, paired

Cell = Mapping[str, Any]


def number(value: float, digits: int = 4) -> str:
    """A number as tables have it, .8619."""
    text = f"{value:.{digits}f}"
    return text.replace("0.", ".", 1) if abs(value) < 1 else text


def with_error(mean: Mean, digits: int = 4) -> str:
    """A mean and its standard error; the mean alone of a single run."""
    error = "" if math.isnan(mean.error) else f" ± {number(mean.error, digits)}"
    return number(mean.value, digits) + error


def difference(found: Paired) -> str:
    """A difference with its 95 % interval over items and what chance alone would give."""
    sign = "+" if found.difference >= 0 else "−"
    interval = ", ".join(f"{value:+.4f}".replace("0.", ".").replace("-", "−") for value in (found.low, found.high))
    seeds = "" if math.isnan(found.p_seeds) else f", seeds {_p(found.p_seeds)}"
    return f"{sign}{number(abs(found.difference))} [{interval}], items {_p(found.p_items)}{seeds}"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [" | ".join(heads), " | ".join(["---"] * len(heads)), *(" | ".join(row) for row in rows)]
    return "\n".join(f"| {line} |" for line in lines)


PARTS = {"test": "All test items", "unseen": "Test items that nobody had looked at"}
PAIRS = (
    ("paper", "rule", "paper", "cosine"),
    ("plus", "rule", "paper", "cosine"),
    ("plus", "rule", "paper", "rule"),
    ("plus", "rule", "probe", "rule"),
    ("plus", "rule-with-graph", "plus", "rule"),
    ("paper", "cosine", "paper-without-gcn", "cosine"),
    ("paper", "rule", "paper-without-gcn", "rule"),
)


def whole(title: str, cells: Sequence[Cell]) -> str:
    """All that the main experiment says of a collection: each method, and what it gains over others."""
    parts = [part for part in PARTS if any(part in cell["cosine"] for cell in cells)]
    sections = [f"## {PARTS[part]}\n\n{main_table(cells, part)}\n\n{comparisons(cells, part, PAIRS)}" for part in parts]
    return "\n\n".join([f"# {title}", *sections]) + "\n"


def main_table(cells: Iterable[Cell], part: str) -> str:
    """Every method by every ranking, on "test" or "unseen"."""
    grouped: dict[tuple[str, str], list[Cell]] = defaultdict(list)
    for cell in cells:
        for ranking in RANKINGS:
            if part in cell.get(ranking, {}):
                grouped[cell["method"], ranking].append(cell[ranking][part])
    first = next(iter(grouped.values()))[0]
    rows = [["random ranking", "", number(first["chance"]["all"]), number(first["chance"]["rest"]), ""]]
    for method in METHODS:
        for ranking in RANKINGS:
            found = grouped.get((method, ranking))
            if found:
                means = [Mean.of([cell["map"][name] for cell in found]) for name in ("all", "rest")]
                recall = Mean.of([cell["recall_at_10"] for cell in found])
                cells_ = (*(with_error(mean) for mean in means), with_error(recall, 3))
                rows.append([METHODS[method], RANKINGS[ranking], *cells_])
    return table(("method", "ranked by", "mAP", "without the commonest label", "R@10"), rows)


def comparisons(cells: Iterable[Cell], part: str, pairs: Sequence[tuple[str, str, str, str]]) -> str:
    """Paired differences of (method, ranking) over (method, ranking), by both definitions of relevance."""
    per_image: dict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for cell in cells:
        for ranking in RANKINGS:
            if part in cell.get(ranking, {}):
                per_image[cell["method"], ranking].append(cell[ranking][part]["per_image"])
    rows = []
    for method, ranking, other, other_ranking in pairs:
        ours, theirs = per_image.get((method, ranking)), per_image.get((other, other_ranking))
        if ours and theirs:
            if len(theirs) not in (1, len(ours)):
                continue  # a study that was stopped
            found = [paired([c[name] for c in ours], [c[name] for c in theirs]) for name in ("all", "rest")]
            what = f"{METHODS[method]}, {RANKINGS[ranking]}"
            against = f"{METHODS[other]}, {RANKINGS[other_ranking]}"
            rows.append([what, against, *map(difference, found)])
    return table(("", "over", "mAP", "without the commonest label"), rows)


def _p(value: float) -> str:
    return "p < .001" if value < 0.001 else f"p = {number(value, 3)}"
