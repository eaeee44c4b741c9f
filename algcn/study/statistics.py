"""Means, errors and paired tests of the study's tables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

DRAWS = 2000


class Mean(NamedTuple):
    """A mean over seeds and its standard error."""

    value: float
    error: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Mean:
        """Of one value for each seed; the error of a single one is not known (NaN)."""
        count = len(values)
        error = float(np.std(values, ddof=1) / math.sqrt(count)) if count > 1 else math.nan
        return cls(float(np.mean(values)), error)


class Paired(NamedTuple):
    """A difference of two methods on the same items: its mean, its 95 % interval, and how likely chance alone is."""

    difference: float
    low: float
    high: float
    p_items: float
    p_seeds: float


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
    others = np.broadcast_to(others, mine.shape)
    known = ~np.isnan(mine).any(axis=0) & ~np.isnan(others).any(axis=0)
    differences = (mine - others)[:, known]
    of_items, of_seeds = differences.mean(axis=0), differences.mean(axis=1)
    drawn = np.random.default_rng(seed).integers(0, len(of_items), (DRAWS, len(of_items)))
    low, high = np.percentile(of_items[drawn].mean(axis=1), [2.5, 97.5])
    p_items = stats.wilcoxon(of_items).pvalue if of_items.any() else 1.0
    spread = len(of_seeds) > 1 and of_seeds.std() > 0
    p_seeds = stats.ttest_1samp(of_seeds, 0).pvalue if spread else math.nan
    return Paired(float(of_items.mean()), float(low), float(high), float(p_items), float(p_seeds))
