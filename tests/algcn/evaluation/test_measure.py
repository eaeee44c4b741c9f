"""What a bundle's metrics say about a model: the sizes, where features come from, and what is left out."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from algcn.evaluation import measure
from algcn.evaluation.fitting import fit_probabilities, fit_ranking
from algcn.evaluation.ranking import BALANCED, BY_LABELS
from algcn.evaluation.record import FeatureSource, FeatureSources, SplitSizes
from algcn.method.config import ModelConfig
from algcn.method.model import ALGCN


@pytest.fixture(scope="module")
def features(make_features):
    return make_features(60, texts=2)


def test_sizes_count_images_and_texts(features):
    sizes = measure.split_sizes(features)
    assert sizes["test"] == SplitSizes(images=12, texts=24) and sizes["train"] == SplitSizes(images=36, texts=72)


@pytest.mark.parametrize(
    ("encoder", "image", "text"),
    [
        ({}, "unknown", "unknown"),
        ({"reference": "/home/somebody/encoder", "fingerprint": "f"}, "encoder", "encoder"),
        ({"image": "vgg19 fc7", "text": "bag of words", "fingerprint": "f"}, "vgg19 fc7", "bag of words"),
        ({"image": "/home/somebody/encoder", "text": "bag of words"}, "encoder", "bag of words"),
        ({"image": "hf-hub:a/b@c", "text": "bag of words"}, "hf-hub:a/b@c", "bag of words"),
    ],
)
def test_where_features_come_from_without_the_way_to_a_folder(features, encoder, image, text):
    found = measure.feature_sources(dataclasses.replace(features, encoder=encoder))
    assert found == FeatureSources(FeatureSource(image, 16), FeatureSource(text, 12))


def test_measuring_a_model(features):
    model = ALGCN(ModelConfig(16, 12, 6, common_dim=16, label_dim=8), torch.eye(6)).eval()
    scales = fit_probabilities(model, features)
    rule = fit_ranking(model, features, scales, BY_LABELS)
    record = measure.measure_model(model, features, "annotated", ranking=rule, scales=scales)
    assert record.relevance == ("person", "dog", "cat", "beach")
    assert set(record.test_by_all_labels.per_label.image_to_text) == set(features.label_set.names)
    assert record.features.image.width == 16
    assert record.ranking is None, "the features share no space of their own"
    assert record.test.primary == record.test.map.average
    assert "ranking" not in record.to_json()
    by_labels = record.ranked_by_labels
    assert by_labels.test.images == record.test.images and by_labels.validation.primary != record.validation.primary
    plain = measure.measure_model(model, features, "annotated", ranking=rule, scales={})
    assert plain.ranked_by_labels is None and plain.test == record.test


def test_weights_of_labels_and_of_the_encoder_are_tried(features):
    features = dataclasses.replace(
        features, text_features=features.image_features.flip(0), encoder={"reference": "e", "fingerprint": "f"}
    )
    model = ALGCN(ModelConfig(16, 16, 6, common_dim=16, label_dim=8), torch.eye(6)).eval()
    scales = fit_probabilities(model, features)
    rule = fit_ranking(model, features, scales, BALANCED)
    record = measure.measure_model(model, features, "annotated", ranking=rule, scales=scales)
    tried = record.ranking.weights
    assert len(tried) == len(measure.TRIED_WEIGHTS) + 1
    assert [weight.name for weight in tried if weight.is_of(BALANCED)] == ["labels 0.25, encoder 0.5"]
    assert (tried[0].name, tried[0].map.primary) == ("the common space alone", pytest.approx(record.validation.primary))
    assert tried[-1].name == "the encoder alone"
    assert len({weight.map.primary for weight in tried}) > 3
    plain = measure.measure_model(model, features, "annotated", ranking=rule, scales={})
    assert [weight.labels_weight for weight in plain.ranking.weights] == [0.0, 0.0, None]
