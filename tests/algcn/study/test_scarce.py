"""Labels without or with few examples, what language says of them, and graphs beside the true one."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from algcn.datasets.features import Features
from algcn.evaluation.linear_probe import fit_linear_probe
from algcn.kit.errors import InputError
from algcn.method.labels import Label, LabelSet
from algcn.study import new, rare, truth
from algcn.study.cells import Cells, Key
from algcn.study.language import language_of
from algcn.study.measuring import picked_by_others
from algcn.study.settings import Collection, Settings, Study
from tests.algcn.study.drawn import LABELS, drawn, language


@pytest.fixture(autouse=True)
def short_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("algcn.method.config.LEAST_STEPS", 40)


def study_of(features: Features) -> Study:
    collection = Collection("drawn", "Drawn", "pocket", "all", "person", epochs=2, rare=("sea", "dog"))
    settings = dataclasses.replace(Settings.load(), seeds=(1,), rare_examples=(8,))
    known = language(features)
    return Study(collection, settings, features, lambda: known)


def test_a_new_label_is_found_by_its_name_and_its_own_labels_are_never_seen() -> None:
    study = study_of(drawn(400))
    keys = list(new.keys(study))
    assert [key.of["label"] for key in keys] == LABELS.names and all(key.of["captions"] for key in keys)
    key = Key("drawn", "new", {"label": "boat", "seed": 1, "captions": True})
    found = new.measure(study, key)
    assert found["chance"] < found["zero-shot"]
    assert found["captions"]["ap"] > found["chance"] and found["names"]["ap"] > found["chance"]
    labels = study.features.labels.clone()
    hidden = torch.tensor([split != "test" for split in study.features.split])
    labels[hidden, LABELS.index("boat")] = 1 - labels[hidden, LABELS.index("boat")]
    assert new.measure(study.on(dataclasses.replace(study.features, labels=labels)), key) == found


def test_captions_that_name_a_label_say_what_comes_with_it() -> None:
    features = drawn(800, unseen_label=LABELS.index("sea"))  # no picture shows the sea, but boats are by it
    found = new.measure(study_of(features), Key("drawn", "new", {"label": "sea", "seed": 1, "captions": True}))
    assert found["captions"]["ap"] > found["zero-shot"]
    without = new.measure(study_of(features), Key("drawn", "new", {"label": "sea", "seed": 1, "captions": False}))
    assert "captions" not in without and without["names"] == found["names"]


def test_a_setting_is_picked_by_the_other_labels_alone() -> None:
    ap = torch.tensor([[0.9, 0.1, 0.2], [0.1, 0.5, 0.6]])
    assert picked_by_others(ap) == [1, 0, 0]
    assert picked_by_others(torch.cat([ap, torch.full((1, 3), torch.nan)])) == [1, 0, 0]


def test_few_examples_are_left_and_held_out_items_all() -> None:
    features = drawn(400)
    columns = [LABELS.index("sea"), LABELS.index("dog")]
    left = rare.with_few(features, columns, 8, 1)
    assert left.select("train").labels[:, columns].sum(dim=0).max() == 8
    for split in ("validation", "test"):
        assert left.select(split).file_names == features.select(split).file_names
    nothing = (features.select("train").labels[:, columns] == 0).all(dim=1).sum()
    assert (left.select("train").labels[:, columns] == 0).all(dim=1).sum() == nothing
    assert rare.with_few(features, columns, 8, 2).file_names != left.file_names


def test_a_probe_that_starts_from_the_answer_needs_no_weights() -> None:
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(200, 6, generator=generator)
    labels = (rows[:, :3] + torch.randn(200, 3, generator=generator) > 0).to(torch.uint8)
    plain = fit_linear_probe(rows, labels, 0.01)
    helped = fit_linear_probe(rows, labels, 0.01, rows @ plain[:-1])
    assert helped[:-1].norm() < 0.2 * plain[:-1].norm()


def test_rare_labels_are_measured_by_every_method() -> None:
    study = study_of(drawn(400))
    (key,) = rare.keys(study)
    found = rare.measure(study, key)
    assert list(found["ap"]) == list(rare.METHODS)
    assert all(set(by_label) == {"sea", "dog"} for by_label in found["ap"].values())
    assert found["chance"]["dog"] < found["ap"]["prior"]["dog"] <= 1


def test_edge_auc_is_scikit_learns() -> None:
    from sklearn.metrics import roc_auc_score

    generator = torch.Generator().manual_seed(2)
    edges = torch.randn(8, 8, generator=generator).round(decimals=1)
    true = torch.rand(8, 8, generator=generator) < 0.3
    off = ~torch.eye(8, dtype=torch.bool)
    assert truth.edge_auc(edges, true) == pytest.approx(roc_auc_score(true[off].numpy(), edges[off].numpy()))


def test_a_corrupted_prior_keeps_each_label_as_often_and_half_of_them_in_place() -> None:
    labels = drawn(400).labels
    corrupted = truth.corrupt(labels, 1)
    assert torch.equal(corrupted.sum(dim=0), labels.sum(dim=0))
    assert int((corrupted != labels).any(dim=0).sum()) == len(LABELS) // 2


def test_scenes_are_parted_whatever_their_split_was_with_all_their_texts() -> None:
    features = drawn(400)
    pairs = dataclasses.replace(
        features.rows([*range(400), *range(400)]), split=["train"] * 800, file_names=features.file_names * 2
    )
    parted = truth.parted(pairs, 3)
    assert [len(parted.select(split)) for split in ("train", "validation", "test")] == [400, 80, 320]
    assert parted.split[:400] == parted.split[400:]


def test_damage_takes_the_counted_graph_from_the_true_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("algcn.study.truth.TRUE_LIFT", 0.3)  # drawn labels come together less strictly than scenes do
    study = study_of(drawn(800))
    assert [key.of["damage"] for key in truth.keys(study)] == list(truth.DAMAGES)
    keys = {damage: Key("drawn", "truth", {"damage": damage, "seed": 5}) for damage in truth.DAMAGES}
    found = {damage: truth.measure(study, key)["auc"] for damage, key in keys.items()}
    assert all(set(auc) == set(truth.GRAPHS) for auc in found.values())
    assert found["corrupted"]["counted"] < found["whole"]["counted"]
    assert found["corrupted"]["learned"] > found["corrupted"]["counted"]


@pytest.fixture
def photos() -> Features:
    labels = LabelSet(["dog", Label("sea", synonyms=("ocean",)), "plant_life"])
    rows = torch.rand(3, 32, generator=torch.Generator().manual_seed(0))
    return Features(rows, rows, torch.eye(3), ["train"] * 3, labels, ["a.jpg", "b.jpg", "c.jpg"], encoder={})


def test_language_is_read_once_and_goes_on_without_encoder_and_captions(
    photos: Features, tiny_encoder_dir: Path, tmp_path: Path
) -> None:
    from algcn.features.encoder import load_encoder

    encoder = load_encoder(tiny_encoder_dir)
    known = {"reference": str(tiny_encoder_dir), "fingerprint": encoder.fingerprint}
    features = dataclasses.replace(photos, encoder=known)
    table = tmp_path / "captions.csv"
    table.write_text("file_name,text\nb.jpg,A dog looks at the ocean.\nb.jpg,Plant life!\nd.jpg,A dog\n", "utf-8")
    cells = Cells(tmp_path / "cells", {})
    alone = language_of("other", features, cells, None)
    assert alone.named is None
    first = language_of("photos", features, cells, table)
    assert first.named.tolist() == [[False] * 3, [True] * 3, [False] * 3]
    assert first.names.norm(dim=1).tolist() == pytest.approx([1] * 3, abs=1e-3)
    wanted = encoder.encode_texts(["a photo of a plant life", "a picture of plant life", "plant life"]).mean(dim=0)
    assert torch.allclose(first.names[2], wanted / wanted.norm(), atol=1e-4)
    gone = dataclasses.replace(features, encoder={**known, "reference": "nowhere"})
    again = language_of("photos", gone, cells, None)
    assert torch.equal(again.names, first.names) and torch.equal(again.named, first.named)


def test_language_refuses_what_it_cannot_compare(photos: Features, tiny_encoder_dir: Path, tmp_path: Path) -> None:
    cells = Cells(tmp_path / "cells", {})
    with pytest.raises(InputError, match="do not say which encoder"):
        language_of("photos", photos, cells, None)
    other = dataclasses.replace(photos, encoder={"reference": str(tiny_encoder_dir), "fingerprint": "0"})
    with pytest.raises(InputError, match="another encoder"):
        language_of("photos", other, cells, None)
    table = tmp_path / "captions.csv"
    table.write_text("file,text\n", "utf-8")
    cells.get(Key("photos", "names", {}), lambda: {"names": torch.rand(3, 4).tolist()})
    with pytest.raises(InputError, match="no columns file_name and text"):
        language_of("photos", photos, cells, table)
