"""What is missed, what is taken wrongly and what is taken for what, beside counting item by item."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from algcn.evaluation.mistakes import Mistakes, find_mistakes
from algcn.kit.errors import InputError


def drawn(seed: int, items: int = 60, labels: int = 5) -> tuple[Tensor, Tensor, Tensor]:
    """Certainties with ties, what they predict by a threshold of each label, and labels that have to do with them."""
    generator = torch.Generator().manual_seed(seed)
    certainty = (torch.rand(items, labels, generator=generator) * 10).round() / 10
    predicted = certainty >= torch.rand(labels, generator=generator)
    given = torch.rand(items, labels, generator=generator) < 0.2 + 0.5 * certainty
    return certainty, predicted, given


def one_by_one(certainty: Tensor, predicted: Tensor, given: Tensor) -> tuple[list[set[int]], list[set[int]]]:
    """For each label the items that it is missed on, and taken wrongly on."""
    items, labels = certainty.shape
    missed = [{n for n in range(items) if given[n, i] and not predicted[n, i]} for i in range(labels)]
    taken = [{n for n in range(items) if predicted[n, i] and not given[n, i]} for i in range(labels)]
    return missed, taken


@pytest.mark.parametrize("seed", range(5))
def test_mistakes_are_those_that_are_found_one_by_one(seed: int) -> None:
    certainty, predicted, given = drawn(seed)
    found, (missed, taken) = find_mistakes(certainty, predicted, given), one_by_one(certainty, predicted, given)
    for label in range(certainty.shape[1]):
        rows = found.missed(label).tolist()
        assert set(rows) == missed[label] and len(rows) == len(missed[label])
        assert rows == sorted(rows, key=lambda row: (float(certainty[row, label]), row)), "the surest first"
        rows = found.taken(label).tolist()
        assert set(rows) == taken[label] and len(rows) == len(taken[label])
        assert rows == sorted(rows, key=lambda row: (-float(certainty[row, label]), row)), "the surest first"
        assert int(found.counts.missed[label]) == len(missed[label])
        assert int(found.counts.taken[label]) == len(taken[label])


@pytest.mark.parametrize("seed", range(5))
def test_precision_and_recall_are_shares_and_chance_is_what_a_draw_gives(seed: int) -> None:
    certainty, predicted, given = drawn(seed, items=400)
    counts = find_mistakes(certainty, predicted, given).counts
    generator = torch.Generator().manual_seed(seed)
    for label in range(certainty.shape[1]):
        both = int((predicted[:, label] & given[:, label]).sum())
        assert float(counts.precision[label]) == pytest.approx(both / int(predicted[:, label].sum()))
        assert float(counts.recall[label]) == pytest.approx(both / int(given[:, label].sum()))
    # The same number of predictions, on items drawn at random, again and again.
    orders = (torch.randperm(400, generator=generator) for _ in range(300))
    shuffled = [find_mistakes(certainty, predicted[order], given) for order in orders]
    for name in ("precision", "recall"):
        mean = torch.stack([getattr(one.counts, name) for one in shuffled]).mean(dim=0)
        torch.testing.assert_close(mean, getattr(counts, f"chance_{name}"), atol=0.02, rtol=0)


@pytest.mark.parametrize("seed", range(5))
def test_the_confusion_counts_items_with_both_kinds_of_mistakes(seed: int) -> None:
    certainty, predicted, given = drawn(seed)
    confusion, (missed, taken) = (
        find_mistakes(certainty, predicted, given).confusion,
        one_by_one(certainty, predicted, given),
    )
    for i in range(5):
        for j in range(5):
            together = len(missed[i] & taken[j])
            assert int(confusion.pairs[i, j]) == together
            assert float(confusion.shares[i, j]) == pytest.approx(together / max(1, len(missed[i])))
            assert float(confusion.expected[i, j]) == pytest.approx(len(missed[i]) * len(taken[j]) / 60)
    assert not confusion.pairs.diagonal().any()
    surplus = (confusion.pairs - confusion.expected).tolist()
    pairs = confusion.strongest
    assert set(pairs) == {(i, j) for i in range(5) for j in range(5) if surplus[i][j] > 0 and missed[i] & taken[j]}
    values = [surplus[i][j] for i, j in pairs]
    assert values == sorted(values, reverse=True)


def cats_for_dogs() -> Mistakes:
    """Of ten dogs four are taken for cats; a lamp is seen on every second item, whatever it shows."""
    dog, cat, lamp = range(3)
    given, predicted = torch.zeros(100, 3), torch.zeros(100, 3)
    given[:10, dog] = given[10:30, cat] = 1
    predicted[4:10, dog] = predicted[10:30, cat] = predicted[:4, cat] = 1
    predicted[::2, lamp] = 1
    return find_mistakes(predicted * 0.5, predicted, given)


def test_what_is_taken_wrongly_everywhere_is_no_confusion() -> None:
    confusion = cats_for_dogs().confusion
    assert confusion.pairs[0].tolist() == [0, 4, 2]
    assert confusion.shares[0].tolist() == [0.0, 1.0, 0.5]
    assert confusion.expected[0, 2] == 2.0, "half of four: as often as on all items"
    assert confusion.strongest == [(0, 1)]
    assert confusion.most_confused(8) == [0, 1]
    assert confusion.most_confused(1) == [], "a pair is there with both its labels, or not at all"


def test_the_most_confused_labels_are_few_and_come_in_pairs() -> None:
    certainty, predicted, given = drawn(1, items=300, labels=12)
    confusion = find_mistakes(certainty, predicted, given).confusion
    chosen = confusion.most_confused(6)
    assert len(chosen) == len(set(chosen)) == 6
    assert tuple(chosen[:2]) == confusion.strongest[0]
    assert set(confusion.most_confused(100)) == {label for pair in confusion.strongest for label in pair}


def test_a_label_that_is_never_given_or_never_predicted_has_no_share() -> None:
    predicted, given = torch.tensor([[1, 0], [0, 0]]), torch.tensor([[0, 1], [0, 1]])
    found = find_mistakes(torch.zeros(2, 2), predicted, given)
    assert math.isnan(float(found.counts.precision[1])) and math.isnan(float(found.counts.recall[0]))
    assert found.counts.precision[0] == 0 and found.counts.recall[1] == 0
    assert found.confusion.shares.isfinite().all()
    right = find_mistakes(torch.zeros(2, 2), given, given)
    assert not right.missed(1).numel() and not right.taken(1).numel() and not right.confusion.strongest


@pytest.mark.parametrize(
    ("shapes", "sentence"),
    [
        (((2, 3), (2, 3), (2, 2)), r"must all be N × L, N above 0, not \(2, 3\), \(2, 3\), \(2, 2\)\."),
        (((2, 3), (3, 3), (2, 3)), "must all be N × L"),
        (((3,), (3,), (3,)), "must all be N × L"),
        (((0, 3), (0, 3), (0, 3)), "N above 0"),
    ],
)
def test_sizes_that_do_not_fit_are_said(shapes: tuple[tuple[int, ...], ...], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        find_mistakes(*map(torch.zeros, shapes))


def test_a_certainty_that_is_no_number_is_said() -> None:
    with pytest.raises(InputError, match="is no number"):
        find_mistakes(torch.tensor([[math.nan]]), torch.zeros(1, 1), torch.zeros(1, 1))
