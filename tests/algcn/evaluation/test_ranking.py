"""The rule of ranking: one inner product that is the sum of its parts, and each label's share of it."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from algcn.evaluation import ranking as rules
from algcn.evaluation.ranking import (
    BALANCED,
    BY_LABELS,
    Parts,
    Ranking,
    Weights,
    equally_long,
    joined,
    label_shares,
    label_vectors,
    rarity,
    rarity_among,
)
from algcn.kit.errors import InputError

LABELS = 7
RULE = Ranking(BALANCED, Weights(0.2, 1.3, 0.15), torch.linspace(0.4, 1.6, LABELS))
any_weight = st.just(0.0) | st.floats(1e-3, 8)


def items(count: int, seed: int) -> Parts:
    generator = torch.Generator().manual_seed(seed)
    embeddings, features = torch.randn(count, 12, generator=generator), torch.randn(count, 5, generator=generator)
    return RULE.parts(embeddings, torch.rand(count, LABELS, generator=generator), features)


@settings(max_examples=30, deadline=None)
@given(weights=st.tuples(any_weight, any_weight, any_weight).filter(any), seed=st.integers(0, 1000))
def test_the_joint_inner_product_is_the_sum_of_the_three_parts(weights: tuple[float, ...], seed: int) -> None:
    rule = RULE.reweighted(**Weights(*weights)._asdict())
    queries, gallery = items(4, seed), items(9, seed + 1)
    expected = sum(
        weight / sum(weights) / spread * (query @ item.T)
        for weight, spread, query, item in zip(weights, rule.spreads, queries, gallery, strict=True)
    )
    torch.testing.assert_close(rule.weighted(queries) @ joined(gallery).T, expected, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(rule.symmetric(queries) @ rule.symmetric(gallery).T, expected, atol=1e-4, rtol=1e-4)


def test_parts_are_of_one_length_or_nothing() -> None:
    parts = RULE.parts(torch.tensor([[3.0, 4.0], [0, 0]]), torch.zeros(2, LABELS), torch.tensor([[0.0, 2.0], [0, 0]]))
    assert parts.common.flatten().tolist() == pytest.approx([0.6, 0.8, 0, 0])
    assert parts.encoder.tolist() == [[0, 1], [0, 0]]
    assert not parts.labels.any()


def test_shares_of_labels_sum_to_the_labels_part() -> None:
    queries, gallery = items(6, 3), items(6, 4)
    shares = label_shares(queries.labels, gallery.labels)
    assert shares.shape == (6, LABELS)
    torch.testing.assert_close(shares.sum(dim=1), (queries.labels * gallery.labels).sum(dim=1))
    likely = torch.zeros(1, LABELS)
    likely[0, 2] = 1.0
    only = label_shares(label_vectors(likely, RULE.rarity), label_vectors(likely, RULE.rarity))
    assert float(only[0, 2]) == pytest.approx(float(RULE.rarity[2]) * (1 + 1 / 2 + 1 / 3), rel=1e-5)
    assert int((only != 0).sum()) == 1


def test_the_series_comes_nearer_to_the_probability_of_sharing_a_label_from_below(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    generator = torch.Generator().manual_seed(5)
    p, q = (0.95 * torch.rand(50, LABELS, generator=generator, dtype=torch.float64) for _ in range(2))
    weights = RULE.rarity.double()
    exact = -(weights * torch.log1p(-p * q)).sum(dim=1)
    before = torch.zeros(50, dtype=torch.float64)
    for terms in (1, 2, 3, 10, 300):
        monkeypatch.setattr(rules, "TERMS", terms)
        found = (label_vectors(p, weights) * label_vectors(q, weights)).sum(dim=1)
        assert bool((found > before).all() and (found <= exact + 1e-9).all())
        before = found
    torch.testing.assert_close(before, exact, atol=1e-9, rtol=0)
    one = torch.ones(LABELS, dtype=torch.float64)
    found = (label_vectors(p, one) * label_vectors(q, one)).sum(dim=1)
    torch.testing.assert_close(1 - (-found).exp(), 1 - (1 - p * q).prod(dim=1))


def test_the_rarer_a_label_the_more_it_says() -> None:
    labels = torch.zeros(100, 5, dtype=torch.uint8)
    for label, count in enumerate((100, 60, 20, 3, 0)):
        labels[:count, label] = 1
    weights = rarity(labels)
    assert weights.diff().gt(0).all() and bool((weights > 0).all() and weights.isfinite().all())
    assert float(weights.mean()) == pytest.approx(1)
    assert float(weights[3] / weights[2]) == pytest.approx((math.log(100 / 3) / math.log(5)) ** 0.5, rel=1e-5)
    among = rarity_among(weights, torch.tensor([1, 3]))
    assert among.nonzero()[:, 0].tolist() == [1, 3] and float(among.sum()) == pytest.approx(2)
    assert float(among[3] / among[1]) == pytest.approx(float(weights[3] / weights[1]))


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    sizes=st.tuples(st.integers(1, 20), st.integers(1, 20), st.integers(1, 9)),
    scale=st.sampled_from([1e-3, 1.0, 50.0]),
)
def test_equally_long_rows_keep_the_inner_products_between_the_sides(
    seed: int, sizes: tuple[int, int, int], scale: float
) -> None:
    generator = torch.Generator().manual_seed(seed)
    images, texts = (scale * torch.randn(count, sizes[2], generator=generator) for count in sizes[:2])
    long_images, long_texts = equally_long(images, texts)
    products, longest = images @ texts.T, float(torch.cat([images, texts]).norm(dim=1).max())
    torch.testing.assert_close(long_images @ long_texts.T, products, atol=1e-6 * longest**2, rtol=1e-5)
    lengths = torch.cat([long_images, long_texts]).norm(dim=1)
    torch.testing.assert_close(lengths, torch.cat([images, texts]).norm(dim=1).max().expand_as(lengths))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), sizes=st.tuples(st.integers(2, 30), st.integers(1, 30), st.integers(1, 9)))
def test_spreads_are_those_of_all_pairs(seed: int, sizes: tuple[int, int, int]) -> None:
    generator = torch.Generator().manual_seed(seed)
    images, texts = (0.5 + torch.randn(count, sizes[2], generator=generator) for count in sizes[:2])
    products = (images.double() @ texts.double().T).numpy()
    expected = products.std() if products.std() > 1e-6 else 1.0
    assert rules._spread(images, texts) == pytest.approx(expected, rel=1e-6)


def test_parts_that_do_not_vary_have_a_spread_of_one() -> None:
    images, texts = items(8, 1), items(6, 2)
    nothing = torch.zeros(8, 3 * LABELS), torch.zeros(6, 3 * LABELS)
    fitted = Ranking.fit(images._replace(labels=nothing[0]), texts._replace(labels=nothing[1]), RULE.rarity, BALANCED)
    assert fitted.spreads.labels == 1.0
    assert fitted.spreads.common == pytest.approx(np.std((images.common @ texts.common.T).numpy()), rel=1e-4)
    assert fitted.weights == BALANCED


@pytest.mark.parametrize("weight", [0.0, 0.5, 1.0, 7.0])
def test_without_probabilities_it_is_the_weighted_mean_of_both_cosines(weight: float) -> None:
    rule = Ranking.of_encoder_weight(weight, LABELS)
    queries, gallery = items(5, 1), items(7, 2)
    nothing = [torch.zeros(count, 3 * LABELS) for count in (5, 7)]
    found = rule.weighted(queries._replace(labels=nothing[0])) @ joined(gallery._replace(labels=nothing[1])).T
    cosines = queries.common @ gallery.common.T, queries.encoder @ gallery.encoder.T
    torch.testing.assert_close(found, (cosines[0] + weight * cosines[1]) / (1 + weight), atol=1e-6, rtol=1e-5)


class TestJson:
    def test_what_is_stored_is_what_is_read(self) -> None:
        stored = json.loads(json.dumps(RULE.to_json()))
        read = Ranking.from_json(stored, LABELS)
        assert (read.weights, read.spreads, read.to_json()) == (RULE.weights, RULE.spreads, stored)
        torch.testing.assert_close(read.rarity, RULE.rarity, atol=1e-6, rtol=0)

    @pytest.mark.parametrize(("value", "weight"), [({}, 0.5), ({"encoder_weight": 2}, 2.0), ({"encoder_weight": 0}, 0)])
    def test_what_was_stored_before_there_were_probabilities(self, value: dict[str, float], weight: float) -> None:
        read = Ranking.from_json(value, LABELS)
        assert read.weights == Weights(1.0, 0.0, weight)
        assert read.factors == pytest.approx((1 / (1 + weight), 0, weight / (1 + weight)))

    @pytest.mark.parametrize("value", [-0.1, math.nan, math.inf, "0.5", True, None, 10**400])
    def test_a_weight_that_is_none_is_one_sentence(self, value: object) -> None:
        with pytest.raises(InputError, match="weight of the encoder in the ranking must be a number of at least 0"):
            Ranking.from_json({"encoder_weight": value}, LABELS)
        with pytest.raises(InputError, match="weight of the labels in the ranking must be a number of at least 0"):
            Ranking.from_json({**RULE.to_json(), "weights": {"labels": value}}, LABELS)

    @pytest.mark.parametrize(
        ("change", "sentence"),
        [
            ({"weights": {"common": 0}}, "must not all be 0"),
            ({"weights": {"colour": 1}}, "weights of a ranking are those of common, labels, encoder"),
            ({"weights": None}, "weights of a ranking are those of"),
            ({"weights": {"common": 1e308, "labels": 1e308}}, "too far apart"),
            ({"spreads": {"common": 0}}, "spread of common must be a number above 0"),
            ({"spreads": {"common": 1.0, "labels": math.nan}}, "spread of labels must be a number above 0"),
            ({"spreads": {"common": 1.0, "labels": 1e-300, "encoder": 1.0}}, "too far apart"),
            ({"spreads": {"sound": 1}}, "must be an object with weights, spreads and rarity"),
            ({"spreads": 3}, "must be an object with weights, spreads and rarity"),
            ({"rarity": [1.0]}, "rarity must be 7 numbers from 0"),
            ({"rarity": [-1.0] * LABELS}, "rarity must be 7 numbers from 0"),
            ({"rarity": [math.nan] * LABELS}, "rarity must be 7 numbers from 0"),
            ({"rarity": [1e300] * LABELS}, "rarity must be 7 numbers from 0"),
            ({"rarity": "x"}, "must be an object with weights, spreads and rarity"),
        ],
    )
    def test_a_damaged_rule_is_one_sentence(self, change: dict[str, object], sentence: str) -> None:
        with pytest.raises(InputError, match=sentence):
            Ranking.from_json({**RULE.to_json(), **change}, LABELS)

    @pytest.mark.parametrize("value", [None, [], "words", 3, {"weights": {}}, {"rarity": [], "more": 1}])
    def test_what_is_no_rule_is_one_sentence(self, value: object) -> None:
        with pytest.raises(InputError, match="must be an object with weights, spreads and rarity"):
            Ranking.from_json(value, LABELS)


def test_all_weights_at_nought_are_no_ranking() -> None:
    with pytest.raises(InputError, match="must not all be 0"):
        Ranking(BY_LABELS, RULE.spreads, RULE.rarity).reweighted(common=0, labels=0)
