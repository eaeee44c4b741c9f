"""How the study's tables write means, differences and what chance alone would give."""

from __future__ import annotations

import math

from algcn.report.document import decimal, signed
from algcn.study.statistics import Change, Mean, Paired


def with_error(mean: Mean, digits: int = 4) -> str:
    """A mean and its standard error, .8619 ± .0002; the mean alone of a single run."""
    error = "" if math.isnan(mean.error) else f" ± {decimal(mean.error, digits)}"
    return decimal(mean.value, digits) + error


def difference(found: Paired) -> str:
    """A difference with its 95 % interval over items and how likely chance alone is; a dash where it is not known."""
    if math.isnan(found.difference):
        return decimal(None)
    if found.low == found.high == 0:
        return "none"
    interval = f"[{signed(found.low)}, {signed(found.high)}]"
    seeds = "" if math.isnan(found.p_seeds) else f", seeds {chance_alone(found.p_seeds)}"
    return f"{signed(found.difference)} {interval}, items {chance_alone(found.p_items)}{seeds}"


def change(found: Change, digits: int = 4) -> str:
    """A difference over seeds or labels with its standard error; a dash for none."""
    if math.isnan(found.mean.value):
        return decimal(None)
    error = "" if math.isnan(found.mean.error) else f" ± {decimal(found.mean.error, digits)}"
    p = "" if math.isnan(found.p) else f", {chance_alone(found.p)}"
    return f"{signed(found.mean.value, digits)}{error}{p}"


def chance_alone(p: float) -> str:
    """How likely chance alone is, p = .030 or p < .001."""
    return "p < .001" if p < 0.001 else f"p = {decimal(p, 3)}"


def percent(share: float) -> str:
    """A share, 30 % for instance."""
    return f"{100 * share:g} %"
