"""What a measure of a ranking is expected to be when equal scores are put in a random order.

Equal scores say nothing of their order. If the order of the files fills in, a model that cannot tell its items apart
scores far above chance on data sorted by label. So each of the orders counts alike, and the mean over them is computed
exactly, without drawing any: F. McSherry and M. Najork, "Computing Information Retrieval Performance Measures
Efficiently in the Presence of Tied Scores", ECIR 2008.

A group of ties has n items at ranks i + 1 … i + n; r of them are relevant, and s items before them are. Its k-th item
is relevant with probability r/n; given that, (k − 1)(r − 1)/(n − 1) of the k − 1 items before it in the group are
expected to be. Only groups with 0 < r < n matter: in all others every order gives the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

TIES = ("expected", "index")


@dataclass(frozen=True)
class TieGroups:
    """Groups of ties with relevant and other items, G of them in all rows together; every tensor is G long, int64."""

    row: Tensor  # rising
    start: Tensor  # i
    size: Tensor  # n
    relevant: Tensor  # r
    before: Tensor  # s

    def __len__(self) -> int:
        return len(self.row)

    def where(self, kept: Tensor) -> TieGroups:
        """Keep some of the groups (a mask, G)."""
        parts = (self.row, self.start, self.size, self.relevant, self.before)
        return TieGroups(*(part[kept] for part in parts))


def tie_groups(equal: Tensor, found: Tensor) -> TieGroups:
    """Find the groups of ties in sorted rows.

    Args:
        equal: Q × (N − 1), bool: whether an item has the score of the one after it.
        found: Q × N: how many of the items up to and with this one are relevant.
    """
    width = found.shape[1]
    row, column = equal.nonzero(as_tuple=True)
    place = row * width + column
    # Neighbours of one group follow each other. Those of two rows never do: the last column is in no `equal`.
    first = torch.ones_like(place, dtype=torch.bool)
    first[1:] = place.diff() != 1
    opening = first.nonzero()[:, 0]
    pairs = torch.diff(opening, append=opening.new_tensor([len(place)]))
    row, start, size = row[opening], column[opening], pairs + 1
    before = torch.where(start > 0, found[row, (start - 1).clamp(min=0)], 0).long()
    relevant = found[row, start + size - 1].long() - before
    return TieGroups(row, start, size, relevant, before).where((relevant > 0) & (relevant < size))


def harmonic_numbers(count: int, device: torch.device) -> Tensor:
    """Compute H_0 … H_count, H_k = 1 + 1/2 + … + 1/k, float64."""
    numbers = torch.arange(1, count + 1, dtype=torch.float64, device=device)
    return torch.cat([numbers.new_zeros(1), (1 / numbers).cumsum(0)])


def average_precision_gain(groups: TieGroups, depth: int, harmonic: Tensor) -> Tensor:
    """Compute what the mean over the orders adds to Σ precision(r) · relevant(r) of the sorted row, G.

    Args:
        groups: Ties, sorted with their relevant items last and none beginning beyond the depth.
        depth: The sum ends at this rank.
        harmonic: `harmonic_numbers` up to the depth at least.
    """
    start, before = groups.start, groups.before
    inside = groups.size.clamp(max=depth - start)
    share, others = groups.relevant.double() / groups.size, (groups.relevant - 1).double() / (groups.size - 1)
    expected = share * _precisions(start, inside, before, others, harmonic)
    # Sorted, the last h of those inside are hits, and the one at rank p has precision (s + p − i − inside + h) / p.
    hits = (groups.relevant - groups.size + inside).clamp(min=0)
    end = start + inside
    sorted_last = hits + (before - end + hits) * (harmonic[end] - harmonic[end - hits])
    return expected - sorted_last


def found_precision(groups: TieGroups, sums: Tensor, depth: int, harmonic: Tensor) -> Tensor:
    """Compute E[Σ precision(r) · relevant(r) / hits] where the depth cuts the row's last group, G.

    How many of the group's relevant items, h, come before the cut is hypergeometric; given h, the items before the
    cut are a group of their own with h relevant items.

    Args:
        groups: Ties that begin before the depth and end after it, at most one in a row; there may be none.
        sums: G; E[Σ precision(r) · relevant(r)] of the rows up to the depth.
        depth: The last rank that counts.
        harmonic: `harmonic_numbers` up to the depth at least.
    """
    start, before, size, relevant = (
        part[:, None] for part in (groups.start, groups.before, groups.size, groups.relevant)
    )
    inside = depth - start
    hits = torch.arange(depth + 1, device=start.device)[None]
    possible = (hits <= inside) & (hits <= relevant) & (inside - hits <= size - relevant)
    drawn = torch.where(possible, hits, (inside - size + relevant).clamp(min=0))
    log = _log_choose(relevant, drawn) + _log_choose(size - relevant, inside - drawn) - _log_choose(size, inside)
    chance = log.exp() * possible
    chance = chance / chance.sum(dim=1, keepdim=True)
    others = (drawn - 1).double() / (inside - 1).clamp(min=1)
    gained = drawn.double() / inside * _precisions(start, inside, before, others, harmonic)
    base = sums[:, None] - (chance * gained).sum(dim=1, keepdim=True)
    return (chance * (base + gained) / (before + drawn).clamp(min=1)).sum(dim=1)


def expected_found(found: Tensor, groups: TieGroups) -> Tensor:
    """Compute how many relevant items are expected up to each rank, Q × N float64: s + k · r/n within a group."""
    expected = found.double()
    rows = groups.row.repeat_interleave(groups.size)
    opening = (groups.size.cumsum(0) - groups.size).repeat_interleave(groups.size)
    within = torch.arange(len(rows), device=found.device) - opening
    columns = groups.start.repeat_interleave(groups.size) + within
    before, relevant, size = (
        part.repeat_interleave(groups.size) for part in (groups.before, groups.relevant, groups.size)
    )
    expected[rows, columns] = before + ((within + 1) * relevant).double() / size
    return expected


def chance_of_a_hit(start: Tensor, size: Tensor, relevant: Tensor, depth: int) -> Tensor:
    """Compute the probability that one of r ≥ 1 relevant items of a group is among the first items, float64.

    It is 1 − C(n − r, m) / C(n, m), where m of the group's n items come before the cut.

    Args:
        start: i, any shape.
        size: n.
        relevant: r.
        depth: How many items are the first.
    """
    inside = (depth - start).clamp(min=0).minimum(size)
    missed = inside <= size - relevant  # so many items may all be others
    drawn = torch.where(missed, inside, 0)
    none = (_log_choose(size - relevant, drawn) - _log_choose(size, drawn)).exp()
    return 1 - torch.where(missed, none, 0.0)


def _precisions(start: Tensor, inside: Tensor, before: Tensor, others: Tensor, harmonic: Tensor) -> Tensor:
    """Σ (s + 1 + (k − 1) · others) / (i + k) for k = 1 … inside: precision at each item, were it relevant."""
    reciprocals = harmonic[start + inside] - harmonic[start]
    return (before + 1) * reciprocals + others * (inside - (start + 1) * reciprocals)


def _log_choose(total: Tensor, drawn: Tensor) -> Tensor:
    """Logarithm of the binomial coefficient, float64; exactly 0 where nothing is drawn."""
    total, drawn = total.double(), drawn.double()
    return torch.lgamma(total + 1) - torch.lgamma(total - drawn + 1) - torch.lgamma(drawn + 1)
