"""Calibrations for tests: curves that are as long as a bundle's, and easy to reckon with."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from algcn.evaluation.calibration import KINDS, Calibration, Curve
from algcn.evaluation.results import NAMED


def curve(kind: str, low: float = 0.0, high: float = 1.0, width: float = 1.0) -> Curve:
    """Rises from `low` where the evidence is −width to `high` where it is width; the encoder's cosine, or a name's."""
    weights = (1.0,) if kind in NAMED else (0.0, 0.0, 1.0, 0.0)
    return Curve(weights, np.array([-width, width]), np.array([low, high]))


def calibration(
    kinds: Iterable[str] = KINDS, *, uncounted: tuple[str, ...] = (), cutoff: float = 0.0, **options: float
) -> Calibration:
    """One with such a curve for some kinds."""
    return Calibration({kind: curve(kind, **options) for kind in kinds}, uncounted, cutoff)
