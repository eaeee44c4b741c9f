"""The feature file: what goes in comes out, and what is wrong with one is said in a sentence."""

from __future__ import annotations

import dataclasses
import json

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from algcn.datasets.features import Features
from algcn.kit.errors import InputError


@pytest.fixture
def features(make_features):
    return dataclasses.replace(make_features(10, texts=2), encoder={"reference": "here", "fingerprint": "abc"})


def test_round_trip(features, tmp_path):
    path = tmp_path / "deep" / "features.safetensors"
    features.save(path)
    loaded = Features.load(path)
    for name in ("image_features", "text_features", "labels"):
        assert torch.equal(getattr(loaded, name), getattr(features, name))
    assert loaded.labels.dtype == torch.uint8 and loaded.image_features.dtype == torch.float32
    assert loaded.split == features.split
    assert loaded.file_names == features.file_names
    assert loaded.label_set == features.label_set
    assert loaded.encoder == features.encoder


def test_the_file_is_plain_safetensors_with_json_metadata(features, tmp_path):
    path = tmp_path / "features.safetensors"
    features.save(path)
    assert set(load_file(path)) == {"image_features", "text_features", "labels", "split"}
    with safe_open(path, framework="pt") as stream:
        metadata = stream.metadata()
    assert [entry["name"] for entry in json.loads(metadata["label_set"])] == features.label_set.names
    assert json.loads(metadata["file_names"]) == features.file_names


def test_select_and_first_rows(features):
    part = features.select("validation")
    assert len(part) == 4 and set(part.split) == {"validation"}
    wanted = [row for row, name in enumerate(features.split) if name == "validation"]
    assert torch.equal(part.text_features, features.text_features[wanted])
    first, owner = features.first_rows()
    assert first == list(range(0, 20, 2))
    assert owner.tolist() == [row // 2 for row in range(20)]
    with pytest.raises(InputError, match="train, validation, test"):
        features.select("dev")


def test_an_empty_split_is_empty(make_features):
    assert len(make_features(20, validation=False).select("validation")) == 0


def _with(features, name, value):
    return dataclasses.replace(features, **{name: value})


def test_sizes_must_fit(features):
    with pytest.raises(InputError, match=r"same number of rows.*text_features 19"):
        _with(features, "text_features", features.text_features[1:])
    with pytest.raises(InputError, match="5 columns for 6 label names"):
        _with(features, "labels", features.labels[:, 1:])
    with pytest.raises(InputError, match="two dimensions"):
        _with(features, "image_features", features.image_features[0])


@pytest.mark.parametrize(("value", "what"), [(float("nan"), "NaN"), (float("inf"), "infinity"), (0.0, "all zero")])
@pytest.mark.parametrize("name", ["image_features", "text_features"])
def test_a_bad_row_is_named(features, name, value, what):
    tensor = getattr(features, name).clone()
    tensor[7] = value
    with pytest.raises(InputError, match=rf"row 7 \('3.png'\).*{what}"):
        _with(features, name, tensor)


def test_rows_of_one_image_must_agree(features):
    labels = features.labels.clone()
    labels[7] = 1 - labels[7]
    with pytest.raises(InputError, match=r"Rows 6 and 7 both belong to '3.png' but differ in their labels"):
        _with(features, "labels", labels)
    with pytest.raises(InputError, match=r"Rows 0 and 1 both belong to '0.png' but differ in their split"):
        _with(features, "split", ["train", *["test"] * 19])


def test_labels_and_splits_are_checked(features):
    with pytest.raises(InputError, match="0 or 1"):
        _with(features, "labels", features.labels * 2)
    with pytest.raises(InputError, match="'dev' is not known"):
        _with(features, "split", ["dev"] * 20)


def test_wrong_width(features):
    features.check_widths(16, 12)
    with pytest.raises(InputError, match=r"16 \(image\) and 12 \(text\) wide, but the model takes 512 and 512"):
        features.check_widths(512, 512)


def test_not_a_feature_file(features, tmp_path):
    with pytest.raises(InputError, match="no feature file"):
        Features.load(tmp_path / "missing.safetensors")
    text = tmp_path / "text.safetensors"
    text.write_text("hello")
    with pytest.raises(InputError, match="not a feature file"):
        Features.load(text)
    other = tmp_path / "other.safetensors"
    save_file({"weights": torch.ones(2)}, other)
    with pytest.raises(InputError, match=r"not a feature file.*algcn\.extract"):
        Features.load(other)


def test_a_damaged_file_is_an_error(features, tmp_path):
    path = tmp_path / "features.safetensors"
    features.save(path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match="damaged"):
        Features.load(path)


@pytest.mark.parametrize(
    ("key", "value"), [("label_set", "{"), ("file_names", None), ("label_set", '[{"group": "x"}]'), ("file_names", "3")]
)
def test_damaged_metadata_is_an_error(features, tmp_path, key, value):
    path = tmp_path / "features.safetensors"
    features.save(path)
    with safe_open(path, framework="pt") as stream:
        metadata = stream.metadata()
    del metadata[key]
    save_file(load_file(path), path, metadata | ({} if value is None else {key: value}))
    with pytest.raises(InputError):
        Features.load(path)


def test_an_interrupted_save_keeps_the_old_file(features, tmp_path, monkeypatch):
    path = tmp_path / "features.safetensors"
    features.save(path)
    before = path.read_bytes()

    def fail(tensors, where, metadata):
        where.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr("algcn.kit.tensor_files.write_tensors", fail)
    with pytest.raises(KeyboardInterrupt):
        features.select("train").save(path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["features.safetensors"]


@pytest.mark.parametrize("name", ["image_features", "labels", "split"])
def test_complex_numbers_are_an_error(features, tmp_path, name):
    path = tmp_path / "features.safetensors"
    features.save(path)
    with safe_open(path, framework="pt") as stream:
        tensors = {key: stream.get_tensor(key) for key in stream.keys()}  # noqa: SIM118 (not a dict)
        metadata = stream.metadata()
    save_file({**tensors, name: tensors[name].to(torch.complex64)}, path, metadata)
    with pytest.raises(InputError, match=f"not a feature file \\({name} holds complex numbers\\)"):
        Features.load(path)
