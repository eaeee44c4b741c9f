import pytest
import torch

from algcn.kit.errors import InputError
from algcn.method.graph import (
    adaptive_correlation,
    conditional_probability,
    cooccurrence,
    label_prior,
    normalise,
    prior_correlation,
)

# sea is always with sky (4 of 4), sky with sea in 4 of 10; car is alone.
LABELS = torch.tensor([[1, 1, 0]] * 4 + [[1, 0, 0]] * 6 + [[0, 0, 1]] * 3, dtype=torch.uint8)
NAMES = ["sky", "sea", "car"]


def test_cooccurrence_counts_pairs_and_supports() -> None:
    assert cooccurrence(LABELS).tolist() == [[10, 4, 0], [4, 4, 0], [0, 0, 3]]
    assert cooccurrence(LABELS.float() * 2.5).tolist() == cooccurrence(LABELS).tolist()


def test_cooccurrence_does_not_overflow_small_integers() -> None:
    assert cooccurrence(torch.ones(300, 2, dtype=torch.uint8)).tolist() == [[300, 300], [300, 300]]


def test_conditional_probability_is_row_given() -> None:
    probability = conditional_probability(cooccurrence(LABELS))
    torch.testing.assert_close(probability, torch.tensor([[1, 0.4, 0], [1, 1, 0], [0, 0, 1]], dtype=torch.float64))


def test_a_label_without_an_example_is_named() -> None:
    counts = cooccurrence(torch.tensor([[1, 0, 0]]))
    with pytest.raises(InputError, match="No training example has the labels 'sea', 'car'"):
        conditional_probability(counts, NAMES)
    with pytest.raises(InputError, match="No training example has the label number 1"):
        conditional_probability(counts[:2, :2])


def test_the_threshold_itself_is_an_edge() -> None:
    probability = conditional_probability(cooccurrence(LABELS))
    prior = prior_correlation(probability, threshold=0.4)
    assert prior.tolist() == [[1, 0.5, 0], [0.5, 1, 0], [0, 0, 1]]
    assert prior_correlation(probability, threshold=0.41).tolist() == [[1, 0, 0], [0.5, 1, 0], [0, 0, 1]]
    assert prior_correlation(probability, diagonal=1.5).diagonal().tolist() == [1.5, 1.5, 1.5]
    assert prior.dtype == torch.float32


def test_the_prior_of_the_model_makes_a_label_gather_from_those_it_implies() -> None:
    prior = label_prior(LABELS, threshold=0.5)  # P(sky | sea) = 1, P(sea | sky) = 0.4
    adjacency = normalise(prior)
    sky, sea = 0, 1
    assert adjacency[sea, sky] > 0
    assert adjacency[sky, sea] == 0
    with pytest.raises(InputError, match="'car'"):
        label_prior(LABELS[:10], names=NAMES)


def test_adaptive_correlation_by_hand() -> None:
    prior = torch.tensor([[1.0, 0.5], [0.0, 1.0]])
    change = torch.tensor([[1.0, -2.0], [0.5, 0.0]])
    assert adaptive_correlation(prior, change, 0.5).tolist() == [[1.5, 0.0], [0.25, 1.0]]


def test_normalise_by_hand() -> None:
    adaptive = torch.tensor([[3.0, 1.0], [0.0, 1.0]])  # row sums 4 and 1
    assert normalise(adaptive).tolist() == [[0.75, 0.0], [0.5, 1.0]]


def test_a_cut_off_label_is_zero_not_nan() -> None:
    adaptive = torch.tensor([[0.0, 0.0], [1.0, 3.0]], requires_grad=True)
    normalised = normalise(adaptive)
    assert normalised.tolist() == [[0.0, 0.0], [0.0, 0.75]]
    normalised.sum().backward()
    assert torch.isfinite(adaptive.grad).all()


def test_labels_must_be_a_matrix() -> None:
    with pytest.raises(InputError, match="two dimensions"):
        cooccurrence(torch.ones(3))
