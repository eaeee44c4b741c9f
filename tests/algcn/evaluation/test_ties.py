"""Measures with ties, against every order of them one by one."""

import statistics
from collections.abc import Callable, Iterator
from itertools import pairwise, permutations

import pytest
import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity

from algcn.evaluation.metrics import (
    average_precision,
    average_precision_per_label,
    chance_level,
    mean_average_precision,
    precision_recall,
    recall_at_k,
)

Items = tuple[Tensor, Tensor, Tensor, Tensor]
Family = Callable[[torch.Generator], Items]
CLOSE = 1e-12


def labels_of(count: int, generator: torch.Generator) -> Tensor:
    """Two labels, of which an item may have none."""
    return (torch.rand(count, 2, generator=generator) < 0.45).int()


def untied(generator: torch.Generator, queries: int = 3, gallery: int = 6, width: int = 4) -> Items:
    return (
        torch.randn(queries, width, generator=generator),
        torch.randn(gallery, width, generator=generator),
        torch.ones(queries, 2).int(),
        labels_of(gallery, generator),
    )


def constant(generator: torch.Generator) -> Items:
    query, gallery, wanted, offered = untied(generator)
    return query, gallery[:1].expand_as(gallery), wanted, offered


def duplicated(generator: torch.Generator) -> Items:
    query, gallery, wanted, offered = untied(generator)
    return query, gallery[torch.randint(0, 3, (6,), generator=generator)], wanted, offered


def quantised(generator: torch.Generator) -> Items:
    query, gallery, wanted, offered = untied(generator, width=3)
    return query.sign(), gallery.sign(), wanted, offered


def sorted_by_label(generator: torch.Generator) -> Items:
    query, gallery, wanted, offered = duplicated(generator)
    return query, gallery, wanted, offered.sort(dim=0, descending=True).values


def all_relevant(generator: torch.Generator) -> Items:
    query, gallery, wanted, offered = duplicated(generator)
    return query, gallery, wanted, torch.ones_like(offered)


def none_relevant_to_one(generator: torch.Generator) -> Items:
    query, gallery, wanted, offered = duplicated(generator)
    wanted[1] = 0
    offered[0, 0] = 1
    return query, gallery, wanted, offered


def one_item(generator: torch.Generator) -> Items:
    query, gallery, wanted, _ = untied(generator, gallery=1)
    return query, gallery, wanted, torch.ones(1, 2).int()


FAMILIES = [
    untied, constant, duplicated, quantised, sorted_by_label, all_relevant, none_relevant_to_one, one_item,
]  # fmt: skip


def generated(family: Family, seed: int) -> Items:
    query, gallery, wanted, offered = family(torch.Generator().manual_seed(seed))
    offered[-1, 1] = 1  # so that some query has a relevant item
    return query, gallery, wanted, offered


def orders(scores: list[float]) -> Iterator[tuple[int, ...]]:
    """Every order of the items in which no score is below the next; equal to a millionth is equal."""
    for order in permutations(range(len(scores))):
        if all(scores[a] > scores[b] - 1e-6 for a, b in pairwise(order)):
            yield order


def cosines(query: Tensor, gallery: Tensor) -> list[list[float]]:
    return cosine_similarity(query.double()[:, None], gallery.double()[None], dim=2).tolist()


def one_average_precision(ranked: list[bool], k: int | None, denominator: str) -> float:
    """AP of one order, by the textbook."""
    depth = min(k or len(ranked), len(ranked))
    hits = [sum(ranked[:rank]) / rank for rank in range(1, depth + 1) if ranked[rank - 1]]
    divisor = {"capped": min(depth, sum(ranked)), "relevant": sum(ranked), "found": max(len(hits), 1)}[denominator]
    return sum(hits) / divisor


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("family", FAMILIES)
def test_average_precision_is_the_mean_over_every_order(family: Family, seed: int) -> None:
    query, gallery, wanted, offered = generated(family, seed)
    relevant = (wanted @ offered.T > 0).tolist()
    every = [
        [[marks[item] for item in order] for order in orders(row)]
        for row, marks in zip(cosines(query, gallery), relevant, strict=True)
    ]
    for k in (None, 1, 2, 3, 5):
        for denominator in ("capped", "relevant", "found"):
            values = average_precision(query, gallery, wanted, offered, k, denominator=denominator).per_query.tolist()
            for value, marks, ranked in zip(values, relevant, every, strict=True):
                if not any(marks):
                    assert value != value
                    continue
                mean = statistics.fmean(one_average_precision(one, k, denominator) for one in ranked)
                assert value == pytest.approx(mean, abs=CLOSE)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("family", FAMILIES)
def test_recall_is_the_mean_over_every_order(family: Family, seed: int) -> None:
    query, gallery, _, _ = generated(family, seed)
    generator = torch.Generator().manual_seed(seed)
    owner = torch.randint(0, 3, (len(gallery),), generator=generator)
    asking = torch.cat([owner[:1], torch.randint(0, 4, (len(query) - 1,), generator=generator)])
    for k in (1, 2, 3, 6, 9):
        shares = [
            statistics.fmean(any(owner[item] == own for item in order[:k]) for order in orders(row))
            for row, own in zip(cosines(query, gallery), asking, strict=True)
            if own in owner
        ]
        found = recall_at_k(query, gallery, asking, owner, ks=(k,))[k]
        assert found == pytest.approx(statistics.fmean(shares), abs=CLOSE)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("family", FAMILIES)
def test_the_curve_is_drawn_through_the_means_over_every_order(family: Family, seed: int) -> None:
    query, gallery, wanted, offered = generated(family, seed)
    levels, precision = precision_recall(query, gallery, wanted, offered, points=7)
    curves = []
    for row, marks in zip(cosines(query, gallery), (wanted @ offered.T > 0).tolist(), strict=True):
        if not any(marks):
            continue
        every = list(orders(row))
        ranks = range(1, len(marks) + 1)
        found = [statistics.fmean(sum(marks[item] for item in order[:rank]) for order in every) for rank in ranks]
        needed = [max(1, -(-round(level * sum(marks), 6) // 1)) for level in levels.tolist()]
        curves.append([
            max(found[rank - 1] / rank for rank in ranks if found[rank - 1] >= hits - 1e-9) for hits in needed
        ])  # fmt: skip
    expected = torch.tensor(curves, dtype=torch.float64).mean(dim=0)
    torch.testing.assert_close(precision, expected, atol=CLOSE, rtol=0)


def test_without_ties_both_are_the_same_to_the_last_bit() -> None:
    for seed in range(5):
        items = untied(torch.Generator().manual_seed(seed), queries=50, gallery=120, width=16)
        items = (*items[:2], labels_of(50, torch.Generator().manual_seed(seed)), items[3])
        for k, denominator in ((None, "capped"), (10, "capped"), (10, "found"), (10, "relevant")):
            expected, index = (
                average_precision(*items, k, denominator=denominator, ties=ties).per_query
                for ties in ("expected", "index")
            )
            assert torch.equal(expected.nan_to_num(-1), index.nan_to_num(-1))
        assert torch.equal(precision_recall(*items)[1], precision_recall(*items, ties="index")[1])
        assert recall_at_k(*items[:2]) == recall_at_k(*items[:2], ties="index")


def test_one_tied_row_leaves_the_others_alone() -> None:
    query, gallery, wanted, offered = untied(torch.Generator().manual_seed(0), queries=20, gallery=60, width=16)
    # One more dimension, where the gallery is constant and the seventh query lies.
    gallery = torch.cat([torch.nn.functional.normalize(gallery), torch.ones(60, 1)], dim=1)
    query = torch.cat([query, torch.zeros(20, 1)], dim=1)
    query[7] = torch.eye(17)[16]
    expected, index = (
        average_precision(query, gallery, wanted, offered, ties=ties).per_query for ties in ("expected", "index")
    )
    assert (expected != index).nonzero().flatten().tolist() == [7]


def test_a_constant_side_is_at_chance_however_the_data_are_sorted() -> None:
    labels = torch.zeros(300, 3)
    labels[:200, 0], labels[150:260, 1], labels[240:, 2] = 1, 1, 1
    image, text = torch.randn(300, 8, generator=torch.Generator().manual_seed(0)), torch.ones(300, 8)
    for k in (None, 10, 170):
        chance = chance_level(labels, k=k)
        assert mean_average_precision(image, text, labels, labels, k) == pytest.approx(chance, abs=CLOSE)
        assert mean_average_precision(image, text, labels, labels, k, ties="index") > chance + 0.1
    relevant = (labels @ labels.T > 0).double().mean().item()
    torch.testing.assert_close(precision_recall(image, text, labels, labels)[1], torch.full((11,), relevant).double())
    assert recall_at_k(image, text) == {k: pytest.approx(k / 300) for k in (1, 5, 10)}


def test_the_order_of_the_gallery_changes_nothing() -> None:
    generator = torch.Generator().manual_seed(3)
    for family in FAMILIES:
        query, gallery, wanted, offered = generated(family, 1)
        order = torch.randperm(len(gallery), generator=generator)
        shuffled = gallery[order], wanted, offered[order]
        per_label = average_precision_per_label(query, gallery, wanted, offered)
        torch.testing.assert_close(average_precision_per_label(query, *shuffled), per_label, equal_nan=True)
        torch.testing.assert_close(
            precision_recall(query, *shuffled)[1], precision_recall(query, gallery, wanted, offered)[1]
        )
        owner = torch.arange(len(gallery)) % 3
        whole = recall_at_k(query, gallery, gallery_owner=owner, ks=(1, 2, 4))
        assert recall_at_k(query, gallery[order], gallery_owner=owner[order], ks=(1, 2, 4)) == pytest.approx(whole)


def test_right_angles_are_equal() -> None:
    """Codes of ±1, as hashing has them: rounding leaves something of a cosine of 0, and it must not rank them."""
    query, gallery = (
        torch.randn(count, 48, generator=torch.Generator().manual_seed(count)).sign() for count in (20, 400)
    )
    products = query.long() @ gallery.long().T
    assert (products == 0).sum(dim=1).min() > 20
    labels = torch.arange(400)[:, None].lt(200).int()
    values = average_precision(query, gallery, torch.ones(20, 1), labels).per_query
    for row in range(20):
        # The same ranking by whole numbers: a direction for each product, in one plane.
        angles = (1 - products[row] / 48) * 1.5
        plane = torch.stack([angles.cos(), angles.sin()], dim=1)
        alone = average_precision(torch.tensor([[1.0, 0.0]]), plane, torch.ones(1, 1), labels).per_query
        assert values[row].item() == pytest.approx(alone.item(), abs=1e-9)
