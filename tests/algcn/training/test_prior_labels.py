"""The prior from more label rows than there are features: read, checked, and part of a run."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from algcn import baselines
from algcn import train as training
from algcn.bundles.bundle import Bundle
from algcn.kit.errors import InputError, run_command
from algcn.method.config import ModelConfig, TrainConfig
from algcn.method.graph import label_prior
from algcn.training import loop
from algcn.training.prior_labels import read_prior_labels

CONFIG = TrainConfig(batch_size=32, epochs=2, learning_rate=1e-3)


@pytest.fixture(scope="module")
def features(make_features):
    return make_features(60)


@pytest.fixture
def rows(make_features) -> np.ndarray:
    return make_features(300, seed=5).labels.numpy()


def write_mat(path: Path, **variables: np.ndarray) -> Path:
    pytest.importorskip("scipy.io").savemat(path, variables)
    return path


def test_from_a_matrix_or_a_feature_file(features, rows, tmp_path):
    path = write_mat(tmp_path / "all.mat", LAll=rows)
    assert read_prior_labels(None, features.label_set) is None
    assert (read_prior_labels(path, features.label_set).numpy() == rows).all()
    (tmp_path / "label_names.txt").write_text("\n".join(features.label_set.names) + "\n")
    assert len(read_prior_labels(path, features.label_set)) == 300
    features.save(tmp_path / "features.safetensors")
    assert torch.equal(read_prior_labels(tmp_path / "features.safetensors", features.label_set), features.labels)


def test_what_does_not_fit_is_one_sentence(features, rows, tmp_path):
    def refused(path: Path, message: str) -> None:
        with pytest.raises(InputError, match=message) as caught:
            read_prior_labels(path, features.label_set)
        assert "\n" not in str(caught.value)

    refused(tmp_path / "none.mat", "none.mat is missing")
    refused(write_mat(tmp_path / "two.mat", a=rows, b=rows), "must hold one variable; it holds a, b")
    refused(write_mat(tmp_path / "wide.mat", a=rows[:, :5]), r"\(5\) are not the 6 labels of the data in their order")
    refused(write_mat(tmp_path / "counts.mat", a=2 * rows), "must be 0 or 1")
    (tmp_path / "label_names.txt").write_text("\n".join(reversed(features.label_set.names)))
    refused(write_mat(tmp_path / "turned.mat", a=rows), "are not the 6 labels of the data in their order")
    refused(tmp_path / "none.safetensors", "none.safetensors")


def test_the_prior_is_that_of_the_rows_and_a_run_with_another_is_another(features, rows, tmp_path):
    given = torch.from_numpy(rows)
    sizes = ModelConfig(features.image_dim, features.text_dim, 6, common_dim=16, label_dim=8)
    checkpoint = tmp_path / "checkpoint.safetensors"
    settings = {"model_config": sizes, "checkpoint": checkpoint}
    result = loop.train_algcn(features, CONFIG, prior_labels=given, **settings)
    assert torch.equal(result.model.prior, label_prior(given))
    longer = CONFIG.replace(epochs=2)
    loop.train_algcn(features, longer, prior_labels=given, resume=True, **settings)
    for other in (None, given[:200]):
        with pytest.raises(InputError, match="belongs to a run with other data or settings"):
            loop.train_algcn(features, longer, prior_labels=other, resume=True, **settings)


def test_by_command(features, rows, tmp_path, capsys):
    features.save(tmp_path / "features.safetensors")
    path = write_mat(tmp_path / "all.mat", LAll=rows)
    base = [str(tmp_path / "features.safetensors"), "--epochs", "1", "--common-dim", "16", "--prior-labels", str(path)]
    training.main([*base, "--out", str(tmp_path / "bundle")])
    bundle = Bundle.load(tmp_path / "bundle")
    assert bundle.metrics["prior_labels"] == {"file": "all.mat", "rows": 300}
    assert torch.equal(bundle.model.prior, label_prior(torch.from_numpy(rows)))
    baselines.main([*base, "--seeds", "1", "--json", str(tmp_path / "report.json")])
    assert json.loads((tmp_path / "report.json").read_text())["prior_labels"] == 300
    path.unlink()
    assert run_command(training.main, [*base, "--out", str(tmp_path / "bundle")]) == 2
    assert "all.mat' is no file; name one that is there." in capsys.readouterr().err


def test_names_that_are_not_utf_8(features, rows, tmp_path):
    path = write_mat(tmp_path / "all.mat", LAll=rows)
    (tmp_path / "label_names.txt").write_bytes("naïve\n".encode("latin-1"))
    with pytest.raises(InputError, match=r"label_names\.txt is not UTF-8 text; it needs one label name a line"):
        read_prior_labels(path, features.label_set)
    (tmp_path / "label_names.txt").write_bytes(
        "".join(f"{n}\r\n" for n in features.label_set.names).encode("utf-8-sig")
    )
    assert read_prior_labels(path, features.label_set).shape == rows.shape
