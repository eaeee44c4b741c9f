"""What features give to a training: labels counted by image, warnings about labels, and the rows that are used."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from algcn.datasets.features import Features
from algcn.kit.errors import InputError
from algcn.method.labels import Label, LabelSet
from algcn.training.given import label_counts, label_warnings, learnable, rows_used

FEATURES = Features(
    image_features=torch.ones(5, 2),
    text_features=torch.ones(5, 2),
    labels=torch.tensor([[1, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 0]]),
    split=["train", "train", "train", "test", "train"],
    label_set=LabelSet(["dog", "sea", "cat"]),
    file_names=["a.jpg", "a.jpg", "b.jpg", "c.jpg", "d.jpg"],
)


def test_each_image_counts_once() -> None:
    assert list(label_counts(FEATURES).items()) == [("dog", 2), ("sea", 2), ("cat", 0)]


def test_labels_that_no_training_picture_has_are_left_out_and_counted() -> None:
    kept, sentence = learnable(FEATURES)
    assert sentence == (
        "1 of 3 labels has no picture in the training split and is left out: cat; give each a training picture to have "
        "it learned."
    )
    assert kept.label_set.names == ["dog", "sea"] and kept.file_names == FEATURES.file_names
    assert torch.equal(kept.labels, FEATURES.labels[:, :2])
    assert learnable(kept) == (kept, None)
    kept, sentence = learnable(dataclasses.replace(FEATURES, split=["test", "test", "train", "test", "train"]))
    assert kept.label_set.names == ["sea"] and sentence.startswith("2 of 3 labels have no picture")
    assert "are left out: dog, cat;" in sentence


def test_nothing_to_learn_from_is_refused() -> None:
    with pytest.raises(InputError, match="No item of the train split has a label"):
        learnable(dataclasses.replace(FEATURES, split=["test"] * 5))


def test_labels_that_look_alike() -> None:
    """One é is a letter, the other a letter and an accent; they are two names to a computer and one to a reader."""
    named = LabelSet([Label("caf\u00e9"), Label("Cafe\u0301"), Label("dog")])
    labels = torch.ones(5, 3, dtype=torch.uint8)
    [warning] = label_warnings(dataclasses.replace(FEATURES, label_set=named, labels=labels))
    assert warning.startswith("Labels that look alike are learned as different ones: 'caf\u00e9' and 'Cafe\u0301';")
    assert label_warnings(dataclasses.replace(FEATURES, labels=labels)) == []


def test_rows_used_and_not() -> None:
    account = rows_used(FEATURES)
    assert account.given("rows") == 5 and account.used["rows"] == 4
    assert account.sentences() == ["Training rows without a label: 1, for instance row 4, d.jpg; give it labels."]
