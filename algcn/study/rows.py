"""The parts that tables and figures of rankings share: a line for each method, chance on top, the best in bold."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from algcn.kit.checks import is_number
from algcn.kit.errors import InputError
from algcn.report.document import decimal
from algcn.study import formatting
from algcn.study.document import Figure, Row, Series, Table
from algcn.study.measured import Runs, parts
from algcn.study.settings import Collection
from algcn.study.statistics import Mean, Paired, common_seeds, paired

RELEVANCE = ("all", "rest")
MEASURES = 3  # columns: mAP by both definitions of relevance, and R@10


class Line(NamedTuple):
    """A method in a table.

    Attributes:
        name: What the method is called.
        columns: For each group of columns what `measuring.measure` gave, by seed.
        wanted: How many seeds the study has of it.
        group: Lines of one group are compared with each other.
    """

    name: str
    columns: tuple[Runs, ...]
    wanted: int
    group: str = ""

    def mean(self, *path: str, column: int = -1) -> Mean:
        """Average over seeds, of "map" and "all" for instance."""
        return Mean.of(parts(self.columns[column], *path).values())

    @property
    def found(self) -> int:
        """How many seeds have every value."""
        paths = [("map", name) for name in RELEVANCE] + [("recall_at_10",)]
        counts = [sum(map(is_number, parts(runs, *path).values())) for runs in self.columns for path in paths]
        return min(counts)


def heads(collection: Collection, before: str = "") -> tuple[str, ...]:
    """The heads of a group of columns."""
    return (f"{before}mAP", f"without '{collection.without}'", "R@10")


def line_table(name: str, title: str, columns: Sequence[Sequence[str]], lines: Sequence[Line]) -> Table:
    """A line for each method below that of a random ranking; the best mAP of each group stands out.

    Args:
        name: The table's name in METHOD.md.
        title: What is in it.
        columns: For each group of columns its heads.
        lines: At least one; those without a measurement are left out, the caller says that they are missing.
    """
    lines = [line for line in lines if any(line.columns)]
    of_chance = [cell for group in range(len(columns)) for cell in (*map(decimal, chance(lines, group)), "")]
    rows = [Row(("random ranking", *of_chance))]
    best = _best(lines)
    for line in lines:
        cells = []
        for column in range(len(columns)):
            cells += [formatting.with_error(line.mean("map", name, column=column)) for name in RELEVANCE]
            cells.append(formatting.with_error(line.mean("recall_at_10", column=column), 3))
        rows.append(Row((line.name + seeds_note(line.found, line.wanted), *cells), line in best))
    return Table(name, title, ("", *(head for group in columns for head in group)), tuple(rows))


def seeds_note(found: int, wanted: int) -> str:
    """How many seeds there are, where some are missing."""
    return f" ({found} of {wanted} seeds)" if found < wanted else ""


def chance(lines: Iterable[Line], column: int = -1) -> tuple[float | None, float | None]:
    """What a random ranking reaches by both definitions of relevance; the same for every method."""
    for line in lines:
        for run in line.columns[column].values():
            return tuple(run["chance"].get(name) for name in RELEVANCE)
    return None, None


def _best(lines: Sequence[Line]) -> list[Line]:
    groups: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        if not math.isnan(line.mean("map", "all").value):
            groups[line.group].append(line)
    return [max(group, key=lambda line: line.mean("map", "all").value) for group in groups.values() if len(group) > 1]


def compare(ours: Runs, theirs: Runs, relevance: str) -> tuple[Paired, int]:
    """Compare what `measuring.measure` gave of two methods, seed by seed; also tells how many seeds both have.

    Raises:
        InputError: The two are not of the same items.
    """
    pairs = common_seeds(ours, theirs)
    mine = [ours[seed]["per_image"][relevance] for seed, _ in pairs]
    others = [theirs[seed]["per_image"][relevance] for _, seed in pairs]
    if len({len(values) for values in (*mine, *others)}) > 1:
        raise InputError("Two methods were measured on different items; delete the older measurements.")
    return (paired(mine, others) if pairs else Paired(*[math.nan] * 5)), len(pairs)


def series(name: str, means: Sequence[Mean]) -> Series:
    """Means and errors of a figure; what is not known is None."""
    return Series(name, tuple(_known(mean.value) for mean in means), tuple(_known(mean.error) for mean in means))


def drawn(figure: Figure) -> bool:
    """Whether a figure shows anything."""
    return any(value is not None for line in figure.series for value in line.y)


def level(value: float | None, count: int) -> tuple[float, ...]:
    """The same chance at each of so many places, where it is known."""
    return (value,) * count if is_number(value) else ()


def all_known(values: Sequence[float]) -> tuple[float, ...]:
    """A chance that differs from place to place, where it is known at all of them."""
    return tuple(values) if all(map(is_number, values)) else ()


def _known(value: Any) -> float | None:
    return float(value) if is_number(value) else None
