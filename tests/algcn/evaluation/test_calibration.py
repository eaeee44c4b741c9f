"""Calibration: curves that rise, probabilities that keep their word, and what is stored is what is read."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from conftest import PROJECT
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import brier_score_loss

from algcn.evaluation.calibration import DIGITS, KNOTS, Calibration, Curve, fit_curve, reliability
from algcn.kit.errors import InputError


def pairs(count: int = 60_000, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Evidence between 0 and 1, relevant with a probability that is its square."""
    rng = np.random.default_rng(seed)
    scores = rng.random((count, 1))
    return scores, rng.random(count) < scores[:, 0] ** 2


def calibration() -> Calibration:
    rising = Curve((1.0, 0.0, 2.0, 0.0), np.array([0.0, 0.5, 1.0]), np.array([0.0, 0.2, 0.9]))
    return Calibration({"image_to_text": rising}, ("person",), 0.25)


def test_a_curve_finds_the_probability_behind_the_evidence() -> None:
    curve = fit_curve(*pairs())
    assert 2 <= len(curve.scores) <= KNOTS and curve.misfit(1) is None
    inside = np.linspace(0.05, 0.95, 50)
    np.testing.assert_allclose(curve((inside,)), inside**2, atol=0.05)


def test_few_knots_say_what_isotonic_regression_of_every_pair_says() -> None:
    scores, relevant = pairs()
    whole = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(scores[:, 0], relevant)
    inside = np.linspace(0.05, 0.95, 200)
    assert np.abs(fit_curve(scores, relevant)((inside,)) - whole.predict(inside)).max() < 0.05


def test_evidence_is_weighed_and_what_says_nothing_counts_nothing() -> None:
    rng = np.random.default_rng(3)
    evidence = np.column_stack([rng.standard_normal((60_000, 2)), np.full(60_000, 7.0)])
    relevant = rng.random(60_000) < 1 / (1 + np.exp(-(2 * evidence[:, 0])))
    strong, weak, constant = fit_curve(evidence, relevant).weights
    assert strong == pytest.approx(2, abs=0.1) and weak == pytest.approx(0, abs=0.05) and constant == 0
    against = fit_curve(-evidence, relevant).weights
    assert against[0] == 0, "no piece of evidence speaks against what it is evidence for"


def test_pairs_count_as_they_are_said_to() -> None:
    evidence, relevant = pairs()
    counts = np.where(relevant, 3.0, 1.0)
    inside = np.linspace(0.2, 0.8, 20)
    expected = 3 * inside**2 / (3 * inside**2 + 1 - inside**2)
    np.testing.assert_allclose(fit_curve(evidence, relevant, counts)((inside,)), expected, atol=0.05)


def test_scores_that_fall_with_relevance_give_a_flat_curve() -> None:
    scores, relevant = pairs()
    np.testing.assert_allclose(fit_curve(-scores, relevant).probabilities, relevant.mean(), atol=10**-DIGITS)


def test_what_cannot_be_fitted_is_one_sentence() -> None:
    with pytest.raises(InputError, match="1 pairs are too few"):
        fit_curve(np.array([[0.5]]), np.array([True]))
    with pytest.raises(InputError, match="All pairs have the same score"):
        fit_curve(np.full((1000, 3), 0.5), np.arange(1000) % 2 == 0)
    with pytest.raises(InputError, match="do not belong together"):
        fit_curve(np.zeros((3, 1)), np.zeros(4, bool))


def test_probabilities_are_interpolated_and_end_where_the_curve_ends() -> None:
    evidence = (
        np.array([[-5.0, 0.25], [0.25, 5.0]]),
        np.full((2, 2), 9.0),
        np.array([[0.0, 0.0], [0.25, 0.0]]),
        np.ones(1),
    )
    np.testing.assert_allclose(calibration().probability("image_to_text", evidence), [[0.0, 0.1], [0.55, 0.9]])
    with pytest.raises(InputError, match="no curve for text_to_text"):
        calibration().probability("text_to_text", evidence)
    with pytest.raises(InputError, match="'sideways' is not known; use one of image_to_text"):
        calibration().probability("sideways", evidence)


def test_what_is_stored_is_what_is_read() -> None:
    stored = json.loads(json.dumps(calibration().to_json()))
    read = Calibration.from_json(stored)
    assert (read.uncounted, read.cutoff) == (("person",), 0.25)
    assert read.to_json() == calibration().to_json()


@pytest.mark.parametrize("weights", [{"encoder_weight": 0.5}, {"weights": {"common": 1.0, "labels": 0.25}}])
def test_one_of_a_former_kind_is_none(weights: dict[str, object]) -> None:
    curve = {"scores": [0.0, 1.0], "probabilities": [0.1, 0.9]}
    assert Calibration.from_json({**weights, "curves": {"text_to_image": curve}}) is None


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"scores": [0.0], "probabilities": [0.5]}, "not a rising curve"),
        ({"scores": [0.0, 0.0]}, "not a rising curve"),
        ({"probabilities": [0.2, 0.1]}, "not a rising curve"),
        ({"probabilities": [0.2, float("nan")]}, "not a rising curve"),
        ({"probabilities": [0.1, 0.2, 0.3]}, "not a rising curve"),
        (
            {"scores": list(range(KNOTS + 1)), "probabilities": [0.1] * (KNOTS + 1)},
            "not a rising curve",
        ),
        ({"probabilities": [-0.1, 0.5]}, "outside 0 to 1"),
        ({"probabilities": [0.1, 1.5]}, "outside 0 to 1"),
        ({"scores": ["a", "b"]}, "must be an object with curves"),
        ({"scores": None}, "not a rising curve"),
        ({"weights": [1.0]}, "does not weigh 4 pieces"),
        ({"weights": [1.0, -1.0, 0.0, 0.0]}, "does not weigh 4 pieces"),
        ({"weights": [1.0, float("inf"), 0.0, 0.0]}, "does not weigh 4 pieces"),
        ({"weights": "abc"}, "must be an object with curves"),
        ({"weights": None}, "must be an object with curves"),
    ],
)
def test_a_damaged_curve_is_one_sentence(changes: dict[str, object], sentence: str) -> None:
    whole = {"weights": [1.0, 0.0, 0.0, 0.0], "scores": [0.0, 1.0], "probabilities": [0.1, 0.5]}
    stored = {"uncounted_labels": [], "cutoff": 0.1, "curves": {"text_to_image": {**whole, **changes}}}
    with pytest.raises(InputError, match=sentence):
        Calibration.from_json(stored)


@pytest.mark.parametrize("cutoff", [-0.1, 1.5, "0.2", None, float("nan")])
def test_a_cutoff_is_a_probability(cutoff: object) -> None:
    with pytest.raises(InputError, match=r"cut-off must be a number"):
        Calibration.from_json({**calibration().to_json(), "cutoff": cutoff})


@pytest.mark.parametrize("value", [None, [], {}, {"curves": {}}, {"cutoff": 0.5, "curves": []}, "curves"])
def test_what_is_no_calibration_is_one_sentence(value: object) -> None:
    with pytest.raises(InputError, match="must be an object with curves"):
        Calibration.from_json(value)


def test_reliability_by_hand() -> None:
    predicted, relevant = np.array([0.9, 0.1, 0.2, 0.8]), np.array([True, False, True, True])
    report = reliability(predicted, relevant, bins=2)
    assert [part.count for part in report.bins] == [2, 2]
    assert [part.predicted for part in report.bins] == pytest.approx([0.15, 0.85])
    assert [part.observed for part in report.bins] == [0.5, 1.0]
    assert report.brier == pytest.approx((0.01 + 0.01 + 0.64 + 0.04) / 4)
    assert report.ece == pytest.approx((0.35 + 0.15) / 2)
    assert (report.base_rate, report.brier_of_base_rate) == (0.75, 0.1875)


def test_reliability_agrees_with_scikit_learn_and_a_good_curve_beats_the_base_rate() -> None:
    curve, (scores, relevant) = fit_curve(*pairs()), pairs(seed=1)
    predicted = curve((scores[:, 0],))
    report = reliability(predicted, relevant)
    assert report.brier == pytest.approx(brier_score_loss(relevant, predicted))
    assert report.brier < report.brier_of_base_rate - 0.05
    assert report.ece < 0.02
    assert len(report.bins) == 10 and sum(part.count for part in report.bins) == len(scores)
    with pytest.raises(InputError, match="do not belong together"):
        reliability(np.empty(0), np.empty(0, bool))


def test_applying_a_calibration_imports_no_scikit_learn() -> None:
    code = "import sys, algcn.bundles.bundle, algcn.evaluation.calibration; print('sklearn' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
