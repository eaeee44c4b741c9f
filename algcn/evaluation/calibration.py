"""From what speaks for a result to the chance that it is what was asked for.

The chance belongs to what was asked. Of words that name labels it is that of showing all of them ("name_to_…"), of
anything else that of sharing a label with it, the most common labels left out (`evidence.counted_labels`).

Notable: one curve for each way from query to result. It weighs the evidence (`algcn.evaluation.evidence`) and goes
through a few knots of an isotonic regression, both fitted on validation (`algcn.evaluation.reliability`), so that
applying it is a sum and `numpy.interp`, whatever a search ranks by.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np

from algcn.evaluation.evidence import Evidence
from algcn.evaluation.results import ALL_DIRECTIONS, NAMED, Bin, Reliability
from algcn.kit import checks
from algcn.kit.errors import InputError

DIRECTIONS = tuple(ALL_DIRECTIONS)
KINDS = (*DIRECTIONS, *NAMED)
KNOTS = 64
DIGITS = 5
# Scores are first averaged in groups of this many pairs: else the ends of a curve hang on a single pair.
GROUP = 500
MOST_WEIGHED = 200_000  # pairs, taken evenly, that the evidence is weighed on
BINS = 10


@dataclasses.dataclass(frozen=True, eq=False)
class Curve:
    """From evidence to a probability.

    Attributes:
        weights: How much each piece of evidence counts; K of at least 0.
        scores: Weighted sums, strictly rising; 2 to KNOTS of them.
        probabilities: That at each of the scores, never falling.
    """

    weights: tuple[float, ...]
    scores: np.ndarray
    probabilities: np.ndarray

    def misfit(self, pieces: int) -> str | None:
        """Say what is wrong with the curve, if anything is; it is to weigh `pieces` of evidence."""
        scores, probabilities = self.scores, self.probabilities
        if len(self.weights) != pieces or not all(0 <= weight < np.inf for weight in self.weights):
            return f"does not weigh {pieces} pieces of evidence by numbers of at least 0"
        fits = scores.ndim == 1 and scores.shape == probabilities.shape and 2 <= len(scores) <= KNOTS
        finite = np.isfinite(scores).all() and np.isfinite(probabilities).all()
        if not (fits and finite and (np.diff(scores) > 0).all() and (np.diff(probabilities) >= 0).all()):
            return f"is not a rising curve of 2 to {KNOTS} knots"
        if probabilities[0] < 0 or probabilities[-1] > 1:
            return "has a probability outside 0 to 1"
        return None

    def __call__(self, evidence: Sequence[np.ndarray]) -> np.ndarray:
        """Say how likely each result is what was asked for, 0 to 1; beyond the curve's ends, as there.

        Args:
            evidence: K arrays of one shape.
        """
        scores = sum(weight * piece for weight, piece in zip(self.weights, evidence, strict=True))
        return np.interp(scores, self.scores, self.probabilities)

    def to_json(self) -> dict[str, Any]:
        """The curve as a config.json has it."""
        return {
            "weights": list(self.weights),
            "scores": self.scores.tolist(),
            "probabilities": self.probabilities.tolist(),
        }


@dataclasses.dataclass(frozen=True, eq=False)
class Calibration:
    """Curves from evidence to probabilities.

    Attributes:
        curves: By kind of question and result, some of KINDS.
        uncounted: Names of the labels that two items do not share anything by having.
        cutoff: The probability below which a result is left out where nobody says otherwise, 0 to 1.

    Raises:
        InputError: A curve is none, its kind is not known, or the cut-off is no probability.
    """

    curves: Mapping[str, Curve]
    uncounted: tuple[str, ...] = ()
    cutoff: float = 0.0

    def __post_init__(self) -> None:
        checks.number(self.cutoff, "calibration's cut-off", 0, 1)
        for kind, curve in self.curves.items():
            _check_kind(kind)
            misfit = curve.misfit(1 if kind in NAMED else len(Evidence._fields))
            if misfit is not None:
                raise InputError(f"The calibration of {kind} {misfit}; fit it anew.")

    def probability(self, kind: str, evidence: Sequence[np.ndarray]) -> np.ndarray:
        """Say how likely each result is what was asked for, 0 to 1, in the shape of the evidence.

        Args:
            kind: One of KINDS: from what the query is to what the result is.
            evidence: What speaks for each result: an `Evidence`, or for NAMED the log-odds alone.

        Raises:
            InputError: The kind is not known, or there is no curve for it.
        """
        _check_kind(kind)
        if kind not in self.curves:
            raise InputError(f"This calibration has no curve for {kind}, only for {', '.join(self.curves)}.")
        return self.curves[kind](evidence)

    def to_json(self) -> dict[str, Any]:
        """The calibration as a config.json has it."""
        return {
            "uncounted_labels": list(self.uncounted),
            "cutoff": self.cutoff,
            "curves": {kind: curve.to_json() for kind, curve in self.curves.items()},
        }

    @classmethod
    def from_json(cls, value: Any) -> Self | None:
        """Read what `to_json` gave; None for a calibration of a former kind, which promised less than is said today.

        Raises:
            InputError: The value is no calibration.
        """
        try:
            if {"weights", "encoder_weight"} & set(value) and "curves" in value:
                return None
            curves = {
                kind: Curve(
                    tuple(float(weight) for weight in curve["weights"]),
                    *(np.array(curve[name], dtype=float) for name in ("scores", "probabilities")),
                )
                for kind, curve in value["curves"].items()
            }
            uncounted = [str(name) for name in value["uncounted_labels"]]
            cutoff = value["cutoff"]
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
            raise InputError(
                "The calibration must be an object with curves, uncounted_labels and a cutoff; restore it."
            ) from None
        return cls(curves, tuple(uncounted), cutoff)


def fit_curve(evidence: np.ndarray, relevant: np.ndarray, counts: np.ndarray | None = None) -> Curve:
    """Fit the curve that says best how likely a pair is relevant: logistic regression, then isotonic regression.

    The first weighs the evidence, no piece of it against; the second (least squares) says what a weighted sum is worth,
    over groups of about GROUP pairs with neighbouring sums, and is read off at KNOTS sums between the lowest and the
    highest group.

    Args:
        evidence: P × K.
        relevant: P, true where the result is what was asked for.
        counts: P, how much each pair counts; all the same by default.

    Raises:
        InputError: Too few pairs, or all with the same evidence.
    """
    from sklearn.isotonic import IsotonicRegression  # only who fits a curve needs it

    if evidence.ndim != 2 or evidence.shape[:1] != relevant.shape:
        raise InputError(
            f"Evidence of shape {evidence.shape} and {relevant.shape} marks of relevance do not belong together; give "
            "a row of evidence for each pair."
        )
    evidence, relevant = evidence.astype(np.float64), relevant.astype(np.float64)
    counts = np.ones(len(evidence)) if counts is None else counts.astype(np.float64)
    if len(evidence) < 2:
        raise InputError(f"{len(evidence)} pairs are too few to fit a calibration; give more labelled items.")
    weights = _weigh(evidence, relevant, counts)
    scores = evidence @ weights
    order = np.argsort(scores, kind="stable")
    starts = np.arange(0, len(order), min(GROUP, max(1, len(order) // KNOTS)))
    sizes = np.add.reduceat(counts[order], starts)
    means, shares = (np.add.reduceat((counts * values)[order], starts) / sizes for values in (scores, relevant))
    fitted = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(means, shares, sizes)
    knots = np.unique(np.round(np.linspace(means[0], means[-1], KNOTS), DIGITS))
    if len(knots) < 2:
        raise InputError(
            "All pairs have the same score, so a score says nothing about relevance; train the model first."
        )
    probabilities = np.round(np.maximum.accumulate(fitted.predict(knots)), DIGITS)
    return Curve(tuple(weights.tolist()), knots, probabilities)


def _weigh(evidence: np.ndarray, relevant: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """How much each piece of evidence counts, by logistic regression with no weight below 0; K, rounded."""
    from scipy.optimize import minimize

    if evidence.shape[1] == 1:
        return np.ones(1)
    evenly = slice(None, None, -(-len(evidence) // MOST_WEIGHED))
    evidence, relevant, counts = evidence[evenly], relevant[evenly], counts[evenly]
    middle, spread = evidence.mean(axis=0), evidence.std(axis=0)
    says = spread > 0  # what is the same for all pairs says nothing
    standard, share = (evidence - middle) / np.where(says, spread, 1.0), counts / counts.sum()

    def loss(found: np.ndarray) -> tuple[float, np.ndarray]:
        logits = standard @ found[:-1] + found[-1]
        error = share * (1 / (1 + np.exp(-logits)) - relevant)
        value = float(share @ (np.logaddexp(0, logits) - relevant * logits))
        return value, np.append(error @ standard, error.sum())

    bounds = [(0.0, None)] * evidence.shape[1] + [(None, None)]
    found = minimize(loss, np.append(np.ones(evidence.shape[1]), 0.0), jac=True, method="L-BFGS-B", bounds=bounds)
    return np.round(np.where(says, found.x[:-1] / np.where(says, spread, 1.0), 0.0), DIGITS)


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


def _check_kind(kind: str) -> None:
    if kind not in KINDS:
        raise InputError(f"The kind {kind!r} is not known; use one of {', '.join(KINDS)}.")
