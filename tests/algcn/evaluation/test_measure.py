"""What a bundle's metrics say about a model: the sizes, where features come from, and what is left out."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from algcn.evaluation import measure
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
    record = measure.measure_model(model, features, "annotated")
    assert record.relevance == ("person", "dog", "cat", "beach")
    assert set(record.test_by_all_labels.per_label.image_to_text) == set(features.label_set.names)
    assert record.features.image.width == 16
    assert record.ranking is None, "the features share no space of their own"
    assert record.test.primary == record.test.map.average
    assert "ranking" not in record.to_json()
