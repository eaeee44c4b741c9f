"""What speaks for a result: the numbers that its chance is a matter of, whatever it is ranked by.

Of a query and a result there are four: the log-odds that they share a label, by the probabilities of their labels,
p = 1 − Π_c (1 − p_c q_c) over the labels that count; their cosine in the common space; the encoder's own; and of words,
how near the nearest picture is to them by the encoder: where none is, they are about nothing that is here, and the best
of what there is means less than it seems. Of words that name labels and a result there is one: the log-odds that it
shows all of them, p = Π_c p_c. Labels are taken as independent; what that is wrong by, a curve corrects
(`algcn.evaluation.calibration`).

Which labels count is said here alone (`counted_labels`): those on more than a quarter of the training pictures do not.
'person' is on three photos in four, so that to share it says nothing.

N is the number of items, L of labels, d the width of the common space, e of the encoder's.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

MOST_COMMON = 0.25
_CERTAIN = 1e-6  # log-odds end here
_ROWS = 64  # of queries at a time


class Described(NamedTuple):
    """N items as evidence sees them."""

    common: Tensor  # N × d, L2-normalised
    probabilities: Tensor  # N × L
    encoder: Tensor  # N × e, L2-normalised, or of width 0 where no encoder has a space of its own

    def rows(self, chosen: Tensor | slice) -> Described:
        """Some of the items."""
        return Described(*(part[chosen] for part in self))


class Evidence(NamedTuple):
    """What speaks for each of Q × N pairs."""

    labels: Tensor
    common: Tensor
    encoder: Tensor
    nearest: Tensor  # the same for all results of a query


def counted_labels(labels: Tensor) -> Tensor:
    """Tell which labels count where two items are said to share one, L: all but the most common ones.

    Where that would leave less than half of them, all count: there the common ones are what it is about.

    Args:
        labels: N × L of 0 and 1, the training items'.
    """
    counted = (labels != 0).float().mean(dim=0) <= MOST_COMMON
    return counted if 2 * int(counted.sum()) >= len(counted) else torch.ones_like(counted)


def describe(embeddings: Tensor, probabilities: Tensor, features: Tensor) -> Described:
    """Describe items by their embeddings (N × d), probabilities (N × L) and encoder features (N × e)."""
    return Described(functional.normalize(embeddings, dim=1), probabilities, functional.normalize(features, dim=1))


def evidence(queries: Described, items: Described, counted: Tensor, nearest: Tensor | None = None) -> Evidence:
    """What speaks for each pair of a query and an item.

    Args:
        queries: Q of them.
        items: N of them.
        counted: L, true for the labels that count (`counted_labels`).
        nearest: Q, what `nearest` says of words; nothing is said of pictures, which are always about something.
    """
    wanted, given = queries.probabilities[:, counted], items.probabilities[:, counted]
    apart = torch.empty(len(wanted), len(given))
    for start in range(0, len(wanted), _ROWS):
        some = wanted[start : start + _ROWS, None]
        apart[start : start + _ROWS] = torch.log1p(-(some * given).clamp(max=1 - _CERTAIN)).sum(dim=2)
    near = torch.zeros(len(wanted)) if nearest is None else nearest
    return Evidence(
        labels=log_odds(-torch.expm1(apart)),
        common=queries.common @ items.common.T,
        encoder=queries.encoder @ items.encoder.T,
        nearest=near[:, None].expand_as(apart),
    )


def nearest(queries: Described, pictures: Described, hidden: Tensor | None = None) -> Tensor:
    """The encoder's cosine of each of Q queries with the picture nearest to it; Q × M pictures may be hidden."""
    cosines = queries.encoder @ pictures.encoder.T
    return (cosines if hidden is None else cosines.masked_fill(hidden, -1.0)).amax(dim=1)


def shown(probabilities: Tensor) -> Tensor:
    """The log-odds that an item shows all of some labels, N of their probabilities N × K."""
    return log_odds(probabilities.prod(dim=1))


def log_odds(probabilities: Tensor) -> Tensor:
    """The log-odds of probabilities; those of 0 and 1 are finite, too."""
    return torch.logit(probabilities, eps=_CERTAIN)
