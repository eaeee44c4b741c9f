"""Mixed and steered queries, near-duplicates, and ranks."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from algcn.evaluation.ranking import BALANCED, Parts, Ranking, Weights, joined
from app.search.duplicates import fold
from app.search.parse import combine
from app.search.scores import Kind, Scores, percentiles, ranking
from app.search.steering import AWAY


def unit(*rows: list[float]) -> torch.Tensor:
    return functional.normalize(torch.tensor(rows), dim=1)


@pytest.fixture
def vectors() -> torch.Tensor:
    return functional.normalize(torch.randn(60, 16, generator=torch.Generator().manual_seed(3)), dim=1)


def test_a_single_part_stays_as_it_is(vectors: torch.Tensor) -> None:
    assert torch.equal(combine([vectors[:1]], [1.0], [], vectors), functional.normalize(vectors[:1], dim=1))
    assert not combine([torch.zeros(1, 16)], [1.0], [], vectors).any()


def test_weights_go_from_one_part_to_the_other(vectors: torch.Tensor) -> None:
    first, second = vectors[:1], vectors[1:2]
    for weights, expected in (((1.0, 0.0), first), ((0.0, 1.0), second)):
        assert torch.allclose(combine([first, second], weights, [], vectors), expected, atol=1e-6)
    nearness = [float(combine([first, second], (1 - w, w), [], vectors) @ second[0]) for w in (0.1, 0.3, 0.5, 0.7, 0.9)]
    assert nearness == sorted(nearness)


def test_a_part_that_varies_less_counts_as_much() -> None:
    """Like texts and pictures: one part's cosines are spread ten times wider, and equal shares are still equal."""
    gallery = torch.zeros(40, 3)
    gallery[:, 0] = torch.linspace(-1, 1, 40)
    gallery[:, 1] = 0.1 * torch.linspace(1, -1, 40)[torch.randperm(40, generator=torch.Generator().manual_seed(0))]
    gallery[:, 2] = 1
    mixed = combine([unit([1.0, 0, 0]), unit([0, 1.0, 0])], (0.5, 0.5), [], gallery)[0]
    assert float(mixed[1] / mixed[0]) == pytest.approx(10, rel=0.05)


def test_what_is_unwanted_is_subtracted(vectors: torch.Tensor) -> None:
    wanted, unwanted = vectors[:1], vectors[1:2]
    steered = combine([wanted], [1.0], [unwanted], vectors)
    assert float(steered @ unwanted[0]) < float(wanted @ unwanted[0]) - 0.3
    assert float(steered @ wanted[0]) > 0.5
    assert float(torch.linalg.vector_norm(steered)) == pytest.approx(1, abs=1e-6)
    same = combine([wanted], [1.0], [wanted], vectors)
    assert AWAY < 1
    assert torch.allclose(same, wanted, atol=1e-6), "it counts less than what is wanted"


def test_a_gallery_of_equals_or_of_one_is_no_division_by_zero() -> None:
    part, other = unit([1.0, 0]), unit([0, 1.0])
    for gallery in (unit([1.0, 0]), unit([1.0, 1], [1.0, 1]), torch.zeros(0, 2)):
        assert torch.isfinite(combine([part, other], (0.5, 0.5), [other], gallery)).all()


def parts_of(rule: Ranking, vectors: torch.Tensor) -> Parts:
    likely = torch.rand(len(vectors), len(rule.rarity), generator=torch.Generator().manual_seed(4))
    return rule.parts(vectors, likely, vectors.flip(0))


def kind_of(items: Parts) -> Kind:
    rows = np.arange(len(items.common))
    return Kind("image", items, rows, torch.zeros(len(rows), 0), rows)


@pytest.mark.parametrize("weights", [BALANCED, Weights(1, 0, 0.5), Weights(0, 3, 0), Weights(0, 0, 1)])
def test_scores_are_those_of_the_bundles_ranking(vectors: torch.Tensor, weights: Weights) -> None:
    rule = Ranking(weights, Weights(0.2, 0.8, 0.3), torch.linspace(0.5, 1.5, 5))
    items = parts_of(rule, vectors)
    query = Parts(*(part[:1] for part in items))
    scores = Scores(kind_of(items), query, rule)
    expected = (rule.weighted(query) @ joined(items).T)[0]
    assert scores.ranking == pytest.approx(expected.numpy(), abs=2e-5)
    assert scores.by("ranking") is scores.ranking
    assert scores.by("encoder") == pytest.approx((items.encoder @ items.encoder[0]).numpy(), abs=1e-6)
    for position in (0, 7, 59):
        shares = scores.shares([position])[0]
        assert sum(shares) == pytest.approx(float(scores.ranking[position]), abs=1e-4)
        assert float(scores.of_labels([position]).sum()) == pytest.approx(shares.labels, abs=1e-4)


def test_a_query_that_is_nothing_to_the_encoder_is_scored_as_if_that_had_no_weight(vectors: torch.Tensor) -> None:
    rule = Ranking.of_encoder_weight(0.5, 5)
    items = parts_of(rule, vectors)._replace(labels=torch.zeros(60, 15))
    query = Parts(items.common[:1], items.labels[:1], torch.zeros(1, 16))
    scores = Scores(kind_of(items), query, rule)
    assert scores.ranking == pytest.approx((vectors @ vectors[0]).numpy(), abs=2e-6)
    assert scores.shares([3])[0] == pytest.approx((scores.ranking[3], 0, 0, 0), abs=1e-5)
    alone = Scores(kind_of(items), query, rule.reweighted(common=0))
    assert not alone.ranking.any(), "nothing ranks where only the encoder counts"


def test_equal_items_have_equal_scores_however_large_these_are(vectors: torch.Tensor) -> None:
    """Single precision sums equal rows differently, by their place in a block; what is left is no order."""
    rule = Ranking(BALANCED, Weights(0.02, 0.05, 0.01), torch.ones(40))
    one = rule.parts(vectors[:1], torch.rand(1, 40, generator=torch.Generator().manual_seed(1)), vectors[1:2])
    many = Parts(*(part.repeat(333, 1) for part in one))
    scores = Scores(kind_of(many), one, rule).ranking
    assert scores[0] > 100
    assert len(set(scores.tolist())) == 1


def test_equal_scores_share_a_percentile_and_are_ranked_by_position() -> None:
    scores = np.array([0.5, 0.9, 0.5, 0.1], np.float32)
    assert percentiles(scores, scores).tolist() == [25, 75, 25, 0]
    assert ranking(scores, np.ones(4, bool)).tolist() == [1, 0, 2, 3]
    assert ranking(scores, np.array([True, False, True, True])).tolist() == [0, 2, 3]
    assert percentiles(scores[:0], scores[:0]).tolist() == []


class TestFold:
    # Three pictures near each other, two near each other, one alone.
    FEATURES = unit([1.0, 0, 0], [1, 0.1, 0], [1, 0, 0.1], [0, 1, 0], [0, 1, 0.1], [0, 0, 1]).numpy()

    def test_near_ones_go_behind_the_best(self) -> None:
        assert fold([1, 3, 0, 5, 2, 4], self.FEATURES, 10) == [[1, 0, 2], [3, 4], [5]]

    def test_nothing_that_is_not_ranked_is_counted(self) -> None:
        assert fold([4, 0, 2], self.FEATURES, 10) == [[4], [0, 2]]
        assert fold([], self.FEATURES, 10) == []

    def test_members_far_down_the_ranking_are_found(self) -> None:
        assert fold([1, 3, 5, 0, 2, 4], self.FEATURES, 1) == [[1, 0, 2]]
        assert fold([1, 3, 5, 0, 2, 4], self.FEATURES, 2) == [[1, 0, 2], [3, 4]]

    def test_it_agrees_with_the_obvious_loop_over_blocks(self) -> None:
        generator = np.random.default_rng(5)
        features = generator.normal(size=(700, 6)).astype(np.float32)
        features /= np.linalg.norm(features, axis=1, keepdims=True)
        order = generator.permutation(700)
        expected: list[list[int]] = []
        for picture in order.tolist():
            home = next((g for g in expected if features[g[0]] @ features[picture] >= 0.9), None)
            if home is None:
                expected.append([picture])
            else:
                home.append(picture)
        assert fold(order, features, 700, 0.9) == expected
        assert fold(order, features, 20, 0.9) == expected[:20]
