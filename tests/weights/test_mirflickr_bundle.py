"""The bundle `weights/mirflickr`: the paper's own 24 labels, with the GCN and without, on the pocket encoder."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from algcn.bundles.bundle import Bundle
from algcn.bundles.manifest import verify
from algcn.datasets.mirflickr import GROUPS, NAMES
from algcn.evaluation.results import NAMED
from algcn.method.graph import label_prior
from algcn.training.prior_labels import read_prior_labels

PROJECT = Path(__file__).resolve().parents[2]
PATH = PROJECT / "weights" / "mirflickr"


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return Bundle.load(PATH)


def test_the_files_are_whole_and_the_encoder_is_the_pocket_bundles(bundle: Bundle) -> None:
    verify(PATH)
    assert bundle.encodes == {"image"}
    assert not (PATH / "encoder").exists()
    assert bundle.encoder_fingerprint == Bundle.load(PROJECT / "weights" / "pocket").encoder_fingerprint
    assert bundle.ranking.weights.encoder == 0
    assert set(bundle.calibration.curves) == set(NAMED), "tags are no words that an encoder reads"


def test_the_labels_and_groups_are_those_of_the_papers_figure(bundle: Bundle) -> None:
    assert bundle.label_set.names == NAMES
    groups = {name: group for group, names in GROUPS.items() for name in names}
    assert bundle.label_set.groups == [groups[name] for name in NAMES]
    assert (bundle.model.config.image_dim, bundle.model.config.text_dim) == (512, 1386)


def test_the_history_goes_up_to_the_model(bundle: Bundle) -> None:
    paper = bundle.metrics["other_modes"]["paper"]
    epochs = len(bundle.history["classifiers"]) - 1
    assert epochs == 80
    assert bundle.history["learned_change"].shape == (epochs + 1, 24, 24)
    assert bundle.history["classifiers"].shape == (epochs + 1, 24, 1024)
    best = paper["selection"]["best_epoch"]
    change = bundle.paper_model.label_graph()["learned_change"]
    torch.testing.assert_close(bundle.history["learned_change"][best], change, atol=1e-3, rtol=0)


def test_all_models_are_better_than_chance(bundle: Bundle) -> None:
    assert not bundle.without_gcn.config.use_gcn
    for measured in (bundle.metrics["test"]["map"], bundle.metrics["without_gcn"]["test"]["map"]):
        assert measured["average"] > measured["chance"] + 0.1
    assert bundle.metrics["split_name"] == "mirflickr-subset 500-query-290-validation seed 103"
    assert {split: part["images"] for split, part in bundle.metrics["items"].items()} == {
        "train": 1400,
        "validation": 290,
        "test": 500,
    }
    methods = next(iter(bundle.metrics["baselines"]["relevance"].values()))["methods"]
    assert set(methods) == {"linear_probe", "algcn", "algcn_without_gcn"}


def test_the_prior_is_that_of_all_label_rows(bundle: Bundle, data_root: Path) -> None:
    path = data_root / "mirflickr" / "lall.mat"
    if not path.is_file():
        pytest.skip(f"no MIRFlickr subset at {path.parent}")
    labels = read_prior_labels(path, bundle.label_set)
    assert (
        bundle.metrics["prior_labels"]
        == {"file": "lall.mat", "rows": len(labels)}
        == {"file": "lall.mat", "rows": 20015}
    )
    torch.testing.assert_close(bundle.paper_model.prior, label_prior(labels), atol=0, rtol=0)
