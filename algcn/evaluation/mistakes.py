"""What a model gets wrong, label by label: which items it misses, which it takes wrongly, and what it takes for what.

A label is missed where it was given and not predicted, and taken wrongly where it was predicted and not given. Nothing
here says that it is not there: what people did not give, they may have left out.

N is the number of items, L of labels.
"""

from __future__ import annotations

import dataclasses
from functools import cached_property

from torch import Tensor

from algcn.kit.errors import InputError


@dataclasses.dataclass(frozen=True, eq=False)
class LabelCounts:
    """How often each label was given, predicted, and both; L whole numbers each.

    Attributes:
        given: How many items were given the label.
        predicted: How many it was predicted for.
        right: How many it was predicted for and given.
        items: N.
    """

    given: Tensor
    predicted: Tensor
    right: Tensor
    items: int

    @cached_property
    def missed(self) -> Tensor:
        """How many items were given the label and not predicted to have it."""
        return self.given - self.right

    @cached_property
    def taken(self) -> Tensor:
        """How many items were predicted to have the label and not given it."""
        return self.predicted - self.right

    @cached_property
    def precision(self) -> Tensor:
        """Which share of what was predicted was given, L; NaN for a label that is never predicted."""
        return self.right / self.predicted

    @cached_property
    def recall(self) -> Tensor:
        """Which share of what was given was predicted, L; NaN for a label that no item was given."""
        return self.right / self.given

    @cached_property
    def chance_precision(self) -> Tensor:
        """The precision that is expected of items drawn at random: the share of items that were given the label, L."""
        return self.given / self.items

    @cached_property
    def chance_recall(self) -> Tensor:
        """The recall that is expected of as many items drawn at random as are predicted, L."""
        return self.predicted / self.items


@dataclasses.dataclass(frozen=True, eq=False)
class Confusion:
    """Which label is taken wrongly where which other one is missed.

    C_ij is the number of items on which label i was missed and label j taken wrongly. These are the pairs of the
    multi-label confusion matrix of Heydarian, Doyle and Samavi (IEEE Access 10, 2022, doi 10.1109/ACCESS.2022.3151048)
    that come from items with both kinds of mistakes, its third category. Items with one kind alone have no other label
    that could have been meant, and count nowhere here.

    Attributes:
        pairs: C, L × L, whole numbers; nothing on the diagonal.
        missed: How many items each label was missed on, L.
        taken: How many items each label was taken wrongly on, L.
        items: N.
    """

    pairs: Tensor
    missed: Tensor
    taken: Tensor
    items: int

    @cached_property
    def shares(self) -> Tensor:
        """C_ij / missed_i, L × L: the share of the misses of i on which j was taken; 0 for a label never missed.

        A row need not sum to 1: several labels may be taken on one item, or none.
        """
        return self.pairs / self.missed.clamp(min=1)[:, None]

    @cached_property
    def expected(self) -> Tensor:
        """What C would be if misses and wrong labels fell on items independently: missed_i taken_j / N, L × L.

        A label that is taken wrongly everywhere is no confusion with each label that is ever missed.
        """
        return self.missed[:, None] * self.taken / self.items

    @cached_property
    def strongest(self) -> list[tuple[int, int]]:
        """The pairs (missed, taken) that come together more often than is expected, the largest surplus first."""
        surplus = (self.pairs - self.expected).masked_fill(self.pairs == 0, 0.0).flatten()
        order = surplus.argsort(descending=True, stable=True)[: int((surplus > 0).sum())]
        return [divmod(at, len(self.missed)) for at in order.tolist()]

    def most_confused(self, count: int) -> list[int]:
        """Return at most `count` labels, those of the strongest pairs; both of a pair stand near each other."""
        chosen: dict[int, None] = {}
        for pair in self.strongest:
            if len(chosen.keys() | set(pair)) <= count:
                chosen |= dict.fromkeys(pair)
        return list(chosen)


@dataclasses.dataclass(frozen=True, eq=False)
class Mistakes:
    """The mistakes of a model on N items and L labels; made by `find_mistakes`."""

    certainty: Tensor
    is_given: Tensor
    is_predicted: Tensor

    def missed(self, label: int) -> Tensor:
        """Return the items that label number `label` was missed on, the least certain first: the surest mistakes."""
        return self._ordered(self.is_given & ~self.is_predicted, label, descending=False)

    def taken(self, label: int) -> Tensor:
        """Return the items that label number `label` was taken wrongly on, the most certain first."""
        return self._ordered(self.is_predicted & ~self.is_given, label, descending=True)

    @cached_property
    def counts(self) -> LabelCounts:
        """How often each label was given, predicted, and both."""
        right = self.is_given & self.is_predicted
        given, predicted, both = (of.sum(dim=0) for of in (self.is_given, self.is_predicted, right))
        return LabelCounts(given, predicted, both, len(self.is_given))

    @cached_property
    def confusion(self) -> Confusion:
        """Which label is taken wrongly where which other one is missed."""
        missed = (self.is_given & ~self.is_predicted).float()
        taken = (self.is_predicted & ~self.is_given).float()
        # Whole numbers, which single precision holds up to 16 million.
        return Confusion((missed.T @ taken).long(), self.counts.missed, self.counts.taken, len(missed))

    def _ordered(self, chosen: Tensor, label: int, *, descending: bool) -> Tensor:
        items = chosen[:, label].nonzero().flatten()
        return items[self.certainty[items, label].argsort(descending=descending, stable=True)]


def find_mistakes(certainty: Tensor, predicted: Tensor, given: Tensor) -> Mistakes:
    """Compare what a model predicts with what was given.

    Args:
        certainty: How certain the model is of each label, N × L, probabilities or scores; compared within a label. It
            must be the model's alone: where it was told some of the labels, these are no predictions.
        predicted: Whether it predicts the label, N × L of 0 and 1 (see `algcn.evaluation.thresholds`).
        given: Whether the label was given, N × L of 0 and 1.

    Raises:
        InputError: Sizes that do not fit, no item, or NaN.

    Example:
        >>> import torch
        >>> certainty = torch.tensor([[0.9], [0.2], [0.6]])
        >>> mistakes = find_mistakes(certainty, certainty > 0.5, torch.tensor([[1], [1], [0]]))
        >>> mistakes.missed(0).tolist(), mistakes.taken(0).tolist()
        ([1], [2])
    """
    if certainty.ndim != 2 or not len(certainty) or not certainty.shape == predicted.shape == given.shape:
        shapes = ", ".join(str(tuple(part.shape)) for part in (certainty, predicted, given))
        raise InputError(f"Certainty, predictions and given labels must all be N × L, N above 0, not {shapes}.")
    if certainty.isnan().any():
        raise InputError("A certainty is no number, so mistakes cannot be put in order; check the scores.")
    return Mistakes(certainty, given != 0, predicted != 0)
