"""What a trained model ranks by is fitted on held-out items alone, and used as it was fitted."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest
import torch

from algcn.datasets.features import Features
from algcn.evaluation.fitting import fit_probabilities, fit_ranking
from algcn.evaluation.ranking import BALANCED, BY_LABELS, Weights, rarity
from algcn.evaluation.retrieval import embed_for_ranking, parts_of
from algcn.kit.errors import InputError
from algcn.method.config import ModelConfig
from algcn.method.model import ALGCN


@pytest.fixture(scope="module")
def features(make_features: Callable[..., Features]) -> Features:
    return make_features(120, texts=2)


@pytest.fixture(scope="module")
def model() -> ALGCN:
    torch.manual_seed(0)
    return ALGCN(ModelConfig(16, 12, 6, common_dim=16, label_dim=8), torch.eye(6)).eval()


def of_one_encoder(features: Features) -> Features:
    return dataclasses.replace(
        features,
        text_features=features.text_features.repeat(1, 2)[:, :16],
        encoder={"reference": "e", "fingerprint": "f"},
    )


def test_only_validation_makes_probabilities_and_spreads(features: Features, model: ALGCN) -> None:
    others = dataclasses.replace(
        features, image_features=features.image_features.clone(), text_features=features.text_features.clone()
    )
    for row, split in enumerate(features.split):
        if split != "validation":
            others.image_features[row], others.text_features[row] = 1.0, 2.0
    for made in (fit_probabilities(model, features), fit_probabilities(model, others)):
        assert set(made) == {"image", "text"}
        rule = fit_ranking(model, features, made, BY_LABELS)
        assert rule.to_json() == fit_ranking(model, others, made, BY_LABELS).to_json()
    first, again = fit_probabilities(model, features), fit_probabilities(model, others)
    for modality, scale in first.items():
        assert torch.equal(scale.slope, again[modality].slope)


def test_rarity_is_that_of_the_training_pictures(features: Features, model: ALGCN) -> None:
    rule = fit_ranking(model, features, fit_probabilities(model, features), BY_LABELS)
    training = features.select("train")
    first, _ = training.first_rows()
    assert len(first) < len(training), "each picture counts once, however many texts it has"
    assert torch.equal(rule.rarity, rarity(training.labels[first]))


def test_each_part_varies_by_its_spread(features: Features, model: ALGCN) -> None:
    features = of_one_encoder(features)
    model = ALGCN(ModelConfig(16, 16, 6, common_dim=16, label_dim=8), torch.eye(6)).eval()
    scales = fit_probabilities(model, features)
    rule = fit_ranking(model, features, scales, BALANCED)
    validation = features.select("validation")
    images, texts = parts_of(validation, model, rule, scales)
    for name, spread in rule.spreads._asdict().items():
        scores = getattr(images, name) @ getattr(texts, name).T
        assert float(scores.std(correction=0)) == pytest.approx(spread, rel=1e-3)
    items = embed_for_ranking(validation, model, rule, scales)
    expected = sum(
        factor * (getattr(images, name) @ getattr(texts, name).T) for name, factor in rule.factors._asdict().items()
    )
    torch.testing.assert_close(items.images @ items.texts.T, expected, atol=1e-4, rtol=1e-4)


def test_without_labels_there_are_no_probabilities_and_without_validation_no_spreads(
    features: Features, model: ALGCN
) -> None:
    unlabelled = dataclasses.replace(features, labels=torch.zeros_like(features.labels))
    assert fit_probabilities(model, unlabelled) == {}
    rows = [row for row, split in enumerate(features.split) if split != "validation"]
    assert fit_probabilities(model, features.rows(rows)) == {}
    assert fit_ranking(model, features.rows(rows), {}, BY_LABELS).spreads == Weights(1.0, 1.0, 1.0)


def test_features_that_share_no_space_have_no_part_of_the_encoder(features: Features, model: ALGCN) -> None:
    rule = fit_ranking(model, features, {}, BY_LABELS)
    images, texts = parts_of(features.select("test"), model, rule, {})
    assert images.encoder.shape[1] == texts.encoder.shape[1] == 0
    assert not images.labels.any() and not texts.labels.any()
    with pytest.raises(InputError, match="share no space of their own"):
        parts_of(features.select("test"), model, rule.reweighted(encoder=0.5), {})
