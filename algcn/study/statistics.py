"""Means, errors and paired tests of the study's tables."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from algcn.kit.checks import is_number

BySeed = Mapping[int | None, float | None]
DRAWS = 2000


class Mean(NamedTuple):
    """A mean over seeds and its standard error."""

    value: float
    error: float

    @classmethod
    def of(cls, values: Iterable[float | None]) -> Mean:
        """Take one value for each seed; the error of a single one is not known (NaN), nor the mean of none."""
        known = [value for value in values if is_number(value)]
        error = float(np.std(known, ddof=1) / math.sqrt(len(known))) if len(known) > 1 else math.nan
        return cls(float(np.mean(known)) if known else math.nan, error)


class Paired(NamedTuple):
    """A difference of two methods on the same items: its mean, its 95 % interval, and how likely chance alone is."""

    difference: float
    low: float
    high: float
    p_items: float
    p_seeds: float


class Change(NamedTuple):
    """A difference of two methods over seeds, or over labels: its mean, and how likely chance alone is."""

    mean: Mean
    p: float


def change(ours: BySeed, theirs: BySeed) -> Change:
    """Subtract seed by seed, with a paired t test; a run without a seed (None) stands for all."""
    pairs = ((ours[seed], theirs[other]) for seed, other in common_seeds(ours, theirs))
    differences = [mine - other for mine, other in pairs if is_number(mine) and is_number(other)]
    return Change(Mean.of(differences), _t_test(differences))


def over_labels(differences: Sequence[float]) -> Change:
    """Average one difference for each label, with a Wilcoxon signed-rank test."""
    from scipy import stats

    p = float(stats.wilcoxon(differences).pvalue) if any(differences) else 1.0
    return Change(Mean.of(differences), p)


def common_seeds(ours: Iterable[int | None], theirs: Iterable[int | None]) -> list[tuple[int | None, int | None]]:
    """Pair the seeds of two methods; where nothing is drawn the seed is None, and that run stands for all."""
    mine, others = list(ours), set(theirs)
    if others == {None}:
        return [(seed, None) for seed in mine]
    if mine == [None]:
        return [(None, seed) for seed in sorted(others - {None})]
    return [(seed, seed) for seed in mine if seed in others]


def paired(ours: Sequence[Sequence[float | None]], theirs: Sequence[Sequence[float | None]], seed: int = 0) -> Paired:
    """Compare two methods over seeds and items.

    Over items: the seeds' mean AP of each item, bootstrapped (percentiles of DRAWS draws), and a Wilcoxon signed-rank
    test. Over seeds: a paired t test of the seeds' means.

    Args:
        ours: For each seed the AP of every item; None where an item has no relevant one.
        theirs: The same of the other method, on the same items; one run stands for all seeds where nothing is drawn.
        seed: The seed of the bootstrap.
    """
    from scipy import stats

    mine, others = (np.array(values, dtype=float) for values in (ours, theirs))
    mine, others = np.broadcast_arrays(mine, others)
    known = ~np.isnan(mine).any(axis=0) & ~np.isnan(others).any(axis=0)
    if not known.any():
        return Paired(*[math.nan] * 5)
    differences = (mine - others)[:, known]
    of_items, of_seeds = differences.mean(axis=0), differences.mean(axis=1)
    drawn = np.random.default_rng(seed).integers(0, len(of_items), (DRAWS, len(of_items)))
    low, high = np.percentile(of_items[drawn].mean(axis=1), [2.5, 97.5])
    p_items = stats.wilcoxon(of_items).pvalue if of_items.any() else 1.0
    return Paired(float(of_items.mean()), float(low), float(high), float(p_items), _t_test(of_seeds))


def _t_test(differences: Sequence[float] | np.ndarray) -> float:
    """How likely it is that the seeds differ from nothing by chance; NaN of one seed, or of seeds that all agree."""
    from scipy import stats

    spread = len(differences) > 1 and np.std(differences) > 0
    return float(stats.ttest_1samp(differences, 0).pvalue) if spread else math.nan
