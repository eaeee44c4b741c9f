"""From a ranking score to a probability: how likely a query and a result share a label.

Notable: one curve for each direction, fitted by isotonic regression on pairs whose labels are known
(`algcn.reliability` fits and tests it) and kept as a few knots, so that applying it is `numpy.interp` and nothing more.
Scores of another weighting of the encoder mean something else: the weight it was fitted with is part of it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from algcn.evaluation.ranking import Weights
from algcn.evaluation.results import ALL_DIRECTIONS, Bin, Reliability
from algcn.kit.errors import InputError

DIRECTIONS = tuple(ALL_DIRECTIONS)
KNOTS = 64
DIGITS = 5
# Scores are first averaged in groups of this many pairs: else the ends of a curve hang on a single pair.
GROUP = 500
BINS = 10


@dataclasses.dataclass(frozen=True, eq=False)
class Calibration:
    """Curves from ranking scores to probabilities.

    Attributes:
        curves: By direction: scores, strictly rising, and the probability at each, never falling; 2 to KNOTS of them.
        weights: Those of the ranking whose scores these are (see `algcn.evaluation.ranking`).

    Raises:
        InputError: A curve is none, or the direction is not known.
    """

    curves: Mapping[str, tuple[np.ndarray, np.ndarray]]
    weights: Weights

    def __post_init__(self) -> None:
        for direction, (scores, probabilities) in self.curves.items():
            _check_direction(direction)
            fits = scores.ndim == 1 and scores.shape == probabilities.shape and 2 <= len(scores) <= KNOTS
            finite = np.isfinite(scores).all() and np.isfinite(probabilities).all()
            if not (fits and finite and (np.diff(scores) > 0).all() and (np.diff(probabilities) >= 0).all()):
                raise InputError(
                    f"The calibration of {direction} is not a rising curve of 2 to {KNOTS} knots; fit it anew."
                )
            if probabilities[0] < 0 or probabilities[-1] > 1:
                raise InputError(f"The calibration of {direction} has a probability outside 0 to 1; fit it anew.")

    def probability(self, direction: str, scores: np.ndarray) -> np.ndarray:
        """Say how likely a result with each score shares a label with the query, 0 to 1, in the shape of `scores`.

        Beyond the scores that were seen when it was fitted, the probability is that of the nearest.

        Args:
            direction: One of DIRECTIONS: from what the query is to what the result is.
            scores: Ranking scores, any shape.

        Raises:
            InputError: The direction is not known, or there is no curve for it.
        """
        _check_direction(direction)
        if direction not in self.curves:
            raise InputError(f"This calibration has no curve for {direction}, only for {', '.join(self.curves)}.")
        return np.interp(scores, *self.curves[direction])

    def to_json(self) -> dict[str, Any]:
        """The calibration as a config.json has it."""
        curves = {
            direction: {"scores": scores.tolist(), "probabilities": probabilities.tolist()}
            for direction, (scores, probabilities) in self.curves.items()
        }
        return {"weights": self.weights.to_json(), "curves": curves}

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Read what `to_json` gave.

        Raises:
            InputError: The value is no calibration.
        """
        try:
            curves = {
                direction: tuple(np.array(curve[name], dtype=float) for name in ("scores", "probabilities"))
                for direction, curve in value["curves"].items()
            }
            weights = Weights.from_json(
                value["weights"] if "weights" in value else {"encoder": value["encoder_weight"]}
            )
        except InputError:
            raise
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
            raise InputError("The calibration must be an object with weights and curves; restore it.") from None
        return cls(curves, weights)


def fit_curve(scores: np.ndarray, relevant: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fit the rising curve that says best how likely a pair with a score is relevant.

    Isotonic regression (least squares, weighted by pairs) of groups of about GROUP pairs with neighbouring scores, read
    off at KNOTS scores between the lowest and the highest group.

    Args:
        scores: P ranking scores.
        relevant: P, true where the two share a label.

    Returns:
        Scores and probabilities at the knots.

    Raises:
        InputError: Too few pairs, or all with the same score.
    """
    from sklearn.isotonic import IsotonicRegression  # only who fits a curve needs it

    if scores.ndim != 1 or scores.shape != relevant.shape:
        raise InputError(
            f"{scores.shape} scores and {relevant.shape} marks of relevance do not belong together; give as many."
        )
    order = np.argsort(scores, kind="stable")
    starts = np.arange(0, len(order), min(GROUP, max(1, len(order) // KNOTS)))
    if len(starts) < 2:
        raise InputError(f"{len(order)} pairs are too few to fit a calibration; give more labelled items.")
    counts = np.diff(np.append(starts, len(order)))
    means, shares = (
        np.add.reduceat(values[order].astype(np.float64), starts) / counts for values in (scores, relevant)
    )
    fitted = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(means, shares, counts)
    knots = np.unique(np.round(np.linspace(means[0], means[-1], KNOTS), DIGITS))
    if len(knots) < 2:
        raise InputError(
            "All pairs have the same score, so a score says nothing about relevance; train the model first."
        )
    return knots, np.round(np.maximum.accumulate(fitted.predict(knots)), DIGITS)


def reliability(predicted: np.ndarray, relevant: np.ndarray, bins: int = BINS) -> Reliability:
    """Measure how far probabilities agree with what happens.

    Args:
        predicted: P probabilities.
        relevant: P, true where the pair was relevant.
        bins: Into how many groups of equal count, by rising probability, the pairs are put.

    Returns:
        Its `brier` is the mean of (probability − outcome)², 0 is best; `ece` the mean over all pairs of |predicted −
        observed| of their bin; it has no `first_10`, which is a matter of queries.

    Raises:
        InputError: No pairs, or sizes that do not fit.
    """
    if predicted.ndim != 1 or predicted.shape != relevant.shape or not len(predicted):
        raise InputError(
            f"{predicted.shape} probabilities and {relevant.shape} outcomes do not belong together; "
            "give one of each for every pair, and at least one pair."
        )
    predicted, outcome = predicted.astype(np.float64), relevant.astype(np.float64)
    order = np.argsort(predicted, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    filled = [
        Bin(predicted=float(predicted[part].mean()), observed=float(outcome[part].mean()), count=len(part))
        for part in parts
    ]
    base_rate = float(outcome.mean())
    return Reliability(
        bins=tuple(filled),
        brier=float(np.square(predicted - outcome).mean()),
        ece=sum(abs(part.predicted - part.observed) * part.count for part in filled) / len(predicted),
        base_rate=base_rate,
        brier_of_base_rate=base_rate * (1 - base_rate),
    )


def _check_direction(direction: str) -> None:
    if direction not in DIRECTIONS:
        raise InputError(f"The direction {direction!r} is not known; use one of {', '.join(DIRECTIONS)}.")
