"""Platt scaling: scores become probabilities that keep their word and their order."""

from __future__ import annotations

import json
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from algcn.evaluation.probabilities import PlattScale, fit_platt, scales_from_json, scales_to_json
from algcn.kit.errors import InputError

SLOPES, INTERCEPTS = torch.tensor([4.0, 9.0, 2.0]), torch.tensor([-1.0, -4.0, 0.5])


def drawn(count: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Scores, and labels that follow SLOPES and INTERCEPTS."""
    generator = torch.Generator().manual_seed(seed)
    scores = 0.3 * torch.randn(count, 3, generator=generator)
    likely = (scores * SLOPES + INTERCEPTS).sigmoid()
    return scores, (torch.rand(count, 3, generator=generator) < likely).to(torch.uint8)


def test_it_finds_the_slopes_and_intercepts_behind_the_labels() -> None:
    scale = fit_platt(*drawn(20_000))
    torch.testing.assert_close(scale.slope, SLOPES, rtol=0.08, atol=0)
    torch.testing.assert_close(scale.intercept, INTERCEPTS, rtol=0.08, atol=0.03)


def test_probabilities_keep_their_word_on_other_items() -> None:
    scale = fit_platt(*drawn(3000))
    scores, labels = drawn(20_000, seed=1)
    likely = scale(scores)
    for low in torch.linspace(0, 0.8, 5).tolist():
        for label in range(3):
            among = (likely[:, label] >= low) & (likely[:, label] < low + 0.2)
            if int(among.sum()) > 500:
                promised, happened = likely[among, label].mean(), labels[among, label].float().mean()
                assert float(promised) == pytest.approx(float(happened), abs=0.04)


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10**6), count=st.integers(1, 60), size=st.sampled_from([1e-3, 1.0, 100.0]))
def test_whatever_the_labels_a_higher_score_is_never_less_likely(seed: int, count: int, size: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    scores = size * torch.randn(count, 4, generator=generator)
    labels = torch.randint(2, (count, 4), generator=generator)
    labels[:, 0], labels[:, 1] = scores[:, 0] < 0, 0  # one that goes against its scores, one that nobody has
    scale = fit_platt(scores, labels)
    assert bool(scale.slope.isfinite().all() and scale.intercept.isfinite().all() and (scale.slope > 0).all())
    likely = scale(scores.sort(dim=0).values)
    assert bool(((likely >= 0) & (likely <= 1)).all() and (likely.diff(dim=0) >= -1e-6).all())


def test_a_label_that_nobody_has_is_unlikely_and_keeps_its_order() -> None:
    scores, labels = drawn(300)
    labels[:, 1] = 0
    scale = fit_platt(scores, labels)
    assert float(scale(scores)[:, 1].mean()) < 0.01
    assert float(scale.slope[1]) > 0
    everybody = fit_platt(scores, torch.ones_like(labels))(scores)
    assert float(everybody.mean()) > 0.99


def test_equal_scores_give_the_share_and_nothing_is_sure_of_another_score() -> None:
    labels = torch.tensor([[1], [0], [0], [0]])
    scale = fit_platt(torch.full((4, 1), 0.7), labels)
    likely = scale(torch.tensor([[0.7], [0.8], [-1.0]]))[:, 0]
    assert float(likely[0]) == pytest.approx(0.25, abs=0.01)
    assert 0.02 < float(likely[2]) < float(likely[0]) < float(likely[1]) < 0.3


def test_soft_labels_are_taken() -> None:
    scores, labels = drawn(3000)
    soft = (scores * SLOPES + INTERCEPTS).sigmoid()
    torch.testing.assert_close(fit_platt(scores, soft).slope, SLOPES, rtol=0.02, atol=0)
    assert fit_platt(scores, labels.bool()).slope.tolist() == fit_platt(scores, labels).slope.tolist()


@pytest.mark.parametrize(
    ("scores", "labels", "sentence"),
    [
        (torch.zeros(3, 2), torch.zeros(3, 3), r"Scores \(3, 2\) and labels \(3, 3\) must both be N × L"),
        (torch.zeros(0, 2), torch.zeros(0, 2), "N above 0"),
        (torch.zeros(3), torch.zeros(3), "must both be N × L"),
        (torch.tensor([[math.nan]]), torch.ones(1, 1), "NaN.* no probability can be fitted"),
    ],
)
def test_what_cannot_be_fitted_is_one_sentence(scores: torch.Tensor, labels: torch.Tensor, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        fit_platt(scores, labels)


def test_what_is_stored_is_what_is_read() -> None:
    scales = {"image": fit_platt(*drawn(400)), "text": PlattScale(SLOPES, INTERCEPTS)}
    stored = json.loads(json.dumps(scales_to_json(scales)))
    read = scales_from_json(stored, 3)
    assert scales_to_json(read) == stored
    for modality, scale in scales.items():
        torch.testing.assert_close(read[modality](drawn(50)[0]), scale(drawn(50)[0]), atol=1e-5, rtol=0)
    assert scales_to_json(None) == scales_to_json({}) == {} == scales_from_json(None, 3) == scales_from_json({}, 3)


@pytest.mark.parametrize(
    "value",
    [
        "words",
        [1],
        7,
        {"image": None},
        {"image": {"slope": [1, 2, 3]}},
        {"image": {"slope": [1, 2], "intercept": [1, 2]}},
        {"image": {"slope": [1, 2, "x"], "intercept": [1, 2, 3]}},
        {"image": {"slope": [1, 2, math.nan], "intercept": [1, 2, 3]}},
        {"image": {"slope": [1, 2, 1e300], "intercept": [1, 2, 3]}},
        {"image": {"slope": [1, 2, 10**400], "intercept": [1, 2, 3]}},
        {"image": {"slope": [[1], [2], [3]], "intercept": [1, 2, 3]}},
        {"sound": {"slope": [1, 2, 3], "intercept": [1, 2, 3]}},
    ],
)
def test_damaged_scales_are_one_sentence(value: object) -> None:
    with pytest.raises(InputError, match="probabilities of labels must be 3 slopes and intercepts"):
        scales_from_json(value, 3)
