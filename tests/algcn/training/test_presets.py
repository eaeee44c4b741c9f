"""Which settings mode paper begins with: by the data's collection, by its features, by how many rows it has."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from algcn.kit.errors import InputError
from algcn.method.config import LEAST_STEPS, PRESETS, enough
from algcn.method.labels import Label, LabelSet
from algcn.training.presets import paper_config, preset_of


def of_the_paper(features, labels: int, width: int = 4096):
    return dataclasses.replace(
        features,
        image_features=torch.ones(len(features), width),
        labels=torch.ones(len(features), labels, dtype=torch.uint8),
        label_set=LabelSet([Label(f"label {number}") for number in range(labels)]),
    )


@pytest.mark.parametrize("split", ["mirflickr 2000-query seed 103", "nus-wide official", "ms-coco 5000-query seed 1"])
def test_the_name_of_the_split_says_the_collection(make_features, split: str) -> None:
    assert preset_of(dataclasses.replace(make_features(20), split_name=split)) == split.partition(" ")[0]


@pytest.mark.parametrize(("labels", "name"), [(24, "mirflickr"), (21, "nus-wide"), (80, "ms-coco"), (5, "pocket")])
def test_features_as_the_papers_say_it_by_their_labels(make_features, labels: int, name: str) -> None:
    assert preset_of(of_the_paper(make_features(20), labels)) == name
    assert preset_of(of_the_paper(make_features(20), labels, width=64)) == "pocket"


@pytest.mark.parametrize(("split", "name"), [("", "pocket"), ("mirflickr 9-query", "mirflickr"), ("other", "pocket")])
def test_without_a_name_batch_and_epochs_suit_the_rows(make_features, split: str, name: str) -> None:
    features = dataclasses.replace(make_features(150), split_name=split)
    config, preset = paper_config(features, seed=5), PRESETS[name]
    rows = features.split.count("train")
    assert (config.batch_size, config.epochs) == enough(rows, preset.batch_size, preset.epochs)
    assert config.replace(batch_size=preset.batch_size, epochs=preset.epochs, seed=preset.seed) == preset
    assert paper_config(features, batch_size=10).epochs == -(-LEAST_STEPS // (rows // 10))
    assert paper_config(features, epochs=3).epochs == 3


def test_large_data_keep_their_preset() -> None:
    for preset in PRESETS.values():
        assert enough(18_015, preset.batch_size, preset.epochs) == (preset.batch_size, preset.epochs)
    assert enough(0, 512, 20) == (1, LEAST_STEPS)


def test_a_preset_that_is_named_is_taken_as_it_is(make_features) -> None:
    assert paper_config(make_features(20), "ms-coco") == PRESETS["ms-coco"]
    with pytest.raises(InputError, match="no preset 'imagenet'"):
        paper_config(make_features(20), "imagenet")
