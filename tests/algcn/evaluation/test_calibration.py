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

from algcn.evaluation.calibration import DIGITS, KNOTS, Calibration, fit_curve, reliability
from algcn.evaluation.ranking import Weights
from algcn.kit.errors import InputError


def pairs(count: int = 60_000, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Scores between 0 and 1, relevant with a probability that is their square."""
    rng = np.random.default_rng(seed)
    scores = rng.random(count)
    return scores, rng.random(count) < scores**2


def calibration() -> Calibration:
    return Calibration({"image_to_text": (np.array([0.0, 0.5, 1.0]), np.array([0.0, 0.2, 0.9]))}, Weights(encoder=0.5))


def test_a_curve_finds_the_probability_behind_the_scores() -> None:
    knots, probabilities = fit_curve(*pairs())
    assert 2 <= len(knots) <= KNOTS
    assert (np.diff(knots) > 0).all() and (np.diff(probabilities) >= 0).all()
    assert probabilities[0] >= 0 and probabilities[-1] <= 1
    inside = np.linspace(0.05, 0.95, 50)
    np.testing.assert_allclose(np.interp(inside, knots, probabilities), inside**2, atol=0.05)


def test_few_knots_say_what_isotonic_regression_of_every_pair_says() -> None:
    scores, relevant = pairs()
    whole = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(scores, relevant)
    inside = np.linspace(0.05, 0.95, 200)
    assert np.abs(np.interp(inside, *fit_curve(scores, relevant)) - whole.predict(inside)).max() < 0.05


def test_scores_that_fall_with_relevance_give_a_flat_curve() -> None:
    scores, relevant = pairs()
    _, probabilities = fit_curve(-scores, relevant)
    np.testing.assert_allclose(probabilities, relevant.mean(), atol=10**-DIGITS)


def test_what_cannot_be_fitted_is_one_sentence() -> None:
    with pytest.raises(InputError, match="1 pairs are too few"):
        fit_curve(np.array([0.5]), np.array([True]))
    with pytest.raises(InputError, match="All pairs have the same score"):
        fit_curve(np.full(1000, 0.5), np.arange(1000) % 2 == 0)
    with pytest.raises(InputError, match="do not belong together"):
        fit_curve(np.zeros(3), np.zeros(4, bool))


def test_probabilities_are_interpolated_and_end_where_the_curve_ends() -> None:
    scores = np.array([[-5.0, 0.25], [0.75, 5.0]])
    np.testing.assert_allclose(calibration().probability("image_to_text", scores), [[0.0, 0.1], [0.55, 0.9]])
    with pytest.raises(InputError, match="no curve for text_to_text"):
        calibration().probability("text_to_text", scores)
    with pytest.raises(InputError, match="'sideways' is not known; use one of image_to_text"):
        calibration().probability("sideways", scores)


def test_what_is_stored_is_what_is_read() -> None:
    stored = json.loads(json.dumps(calibration().to_json()))
    read = Calibration.from_json(stored)
    assert read.weights == Weights(common=1.0, labels=0.0, encoder=0.5)
    assert read.to_json() == calibration().to_json()


def test_one_of_before_there_were_labels_in_the_ranking_is_of_a_weight_of_the_encoder() -> None:
    stored = calibration().to_json()
    assert Calibration.from_json({"encoder_weight": 0.5, "curves": stored["curves"]}).to_json() == stored


@pytest.mark.parametrize("weights", [None, [], 0.5, {"encoder": -1}, {"encoder": "x"}, {"mine": 1}, {"common": 0}])
def test_weights_that_are_none_are_one_sentence(weights: object) -> None:
    with pytest.raises(InputError, match=r"in the ranking must be a number|weights of a ranking"):
        Calibration.from_json({**calibration().to_json(), "weights": weights})


@pytest.mark.parametrize(
    ("scores", "probabilities", "sentence"),
    [
        ([0.0], [0.5], "not a rising curve"),
        ([0.0, 0.0], [0.1, 0.2], "not a rising curve"),
        ([0.0, 1.0], [0.2, 0.1], "not a rising curve"),
        ([0.0, 1.0], [0.2, float("nan")], "not a rising curve"),
        ([0.0, 1.0], [0.1, 0.2, 0.3], "not a rising curve"),
        (list(range(KNOTS + 1)), [0.1] * (KNOTS + 1), "not a rising curve"),
        ([0.0, 1.0], [-0.1, 0.5], "outside 0 to 1"),
        ([0.0, 1.0], [0.1, 1.5], "outside 0 to 1"),
        (["a", "b"], [0.1, 0.5], "must be an object with weights and curves"),
        (None, [0.1, 0.5], "not a rising curve"),
    ],
)
def test_a_damaged_curve_is_one_sentence(scores: object, probabilities: object, sentence: str) -> None:
    curve = {"scores": scores, "probabilities": probabilities}
    with pytest.raises(InputError, match=sentence):
        Calibration.from_json({"encoder_weight": 0.5, "curves": {"text_to_image": curve}})


@pytest.mark.parametrize("value", [None, [], {}, {"curves": {}}, {"encoder_weight": 0.5, "curves": []}, "curves"])
def test_what_is_no_calibration_is_one_sentence(value: object) -> None:
    with pytest.raises(InputError, match="must be an object with weights and curves"):
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
    predicted = np.interp(scores, *curve)
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
