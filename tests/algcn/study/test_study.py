"""The study: damage does what it says, measurements are kept, statistics agree with other code, the whole runs."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from algcn.datasets.features import Features
from algcn.evaluation.retrieval import group
from algcn.kit.errors import InputError
from algcn.study import ablations, comparison, damage, known, tables
from algcn.study.cells import Key
from algcn.study.experiments import EXPERIMENTS
from algcn.study.measuring import measured, restricted
from algcn.study.methods import label_ap
from algcn.study.settings import Collection, Settings, Study, unseen
from algcn.study.statistics import Mean, paired
from tests.algcn.study.drawn import LABELS, drawn, language


@pytest.fixture(autouse=True)
def short_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Train mode plus for a few steps: what is tested is the study, not its numbers."""
    monkeypatch.setattr("algcn.method.config.LEAST_STEPS", 40)


@pytest.fixture(scope="module")
def features() -> Features:
    return drawn()


@pytest.fixture
def collection() -> Collection:
    return Collection(
        "drawn", "Drawn", "pocket", "all", "person", epochs=2, in_sight=20, experiments=("main",), rare=("sea", "dog")
    )


@pytest.fixture
def study(collection: Collection, features: Features) -> Study:
    settings = dataclasses.replace(
        Settings.load(),
        seeds=(1, 2),
        collections={"drawn": collection},
        graph_strengths=(0.0, 0.25),
        label_shares=(0.5,),
        missing_shares=(0.6,),
        flipped_shares=(0.3,),
        known_labels=(1,),
        rare_examples=(8,),
    )
    return Study(collection, settings, features, lambda: language(features))


def test_the_committed_settings_can_be_read() -> None:
    settings = Settings.load()
    assert len(settings.seeds) == 5
    assert settings.collections["coco-67"].features == "coco"
    assert settings.collections["mirflickr"].features == "mirflickr"
    assert all(set(collection.experiments) <= set(EXPERIMENTS) for collection in settings.collections.values())
    assert all(collection.rare for collection in settings.collections.values() if "rare" in collection.experiments)


def test_every_method_is_measured_and_the_tables_say_all(study: Study) -> None:
    first = [comparison.measure(study, key) for key in comparison.keys(study)]
    assert [cell["method"] for cell in first] == ["probe", *["paper"] * 2, *["paper-without-gcn"] * 2, *["plus"] * 2]
    assert json.loads(json.dumps(first)) == first
    found = tables.findings({("drawn", "main"): first}, study.settings)
    (table,) = found.sections[0].tables
    assert [row.cells[0] for row in table.rows].count("mode plus, rule") == 1
    assert found.sections[0].gaps == ()
    assert set(found.tables()) == {"drawn main", "drawn paired", "drawn paired unseen"}


def test_damage_leaves_the_test_split_alone_and_takes_the_share_that_it_says(features: Features) -> None:
    test = features.select("test")
    for damaged in (damage.few(features, 0.3, 1), damage.missing(features, 0.6, 1), damage.flipped(features, 0.3, 1)):
        assert torch.equal(damaged.select("test").labels, test.labels)
    assert len(damage.few(features, 0.3, 1).select("train")) == pytest.approx(0.3 * 120, abs=15)
    whole, left = features.select("train").labels, damage.missing(features, 0.6, 1).select("train").labels
    assert ((whole == 0) & (left == 1)).sum() == 0
    assert float(left.sum() / whole.sum()) == pytest.approx(0.4, abs=0.08)
    wrong = damage.flipped(features, 0.3, 1).select("train").labels
    assert float((wrong & whole).sum() / whole.sum()) == pytest.approx(0.75, abs=0.1)


def test_a_damaged_label_keeps_a_training_example(features: Features) -> None:
    for seed in range(3):
        for damaged in (damage.few(features, 0.001, seed), damage.missing(features, 0.999, seed)):
            left = damaged.select("train").labels
            assert left.any(dim=0).all() and left.sum() < 15


def test_damaged_labels_are_trained_on(study: Study) -> None:
    one = dataclasses.replace(study, settings=dataclasses.replace(study.settings, seeds=(1,)))
    found = [damage.measure(one, key) for key in damage.keys(one)]
    assert {cell["damage"] for cell in found} == {"few", "missing", "flipped"}
    assert {cell["method"] for cell in found if cell["damage"] == "missing"} == {*damage.METHODS, *damage.IMPUTED}
    assert len(found) == 3 * len(damage.METHODS) + len(damage.IMPUTED)
    assert all(0 < cell["map"]["all"] < 1 for cell in found)


def test_known_labels_say_what_the_picture_does_not(study: Study) -> None:
    hidden = study.on(drawn(800, unseen_label=LABELS.index("sea")))
    for key in known.keys(hidden):
        found = known.measure(hidden, key)["1"]
        assert found["none"]["chance_of_hit"] < found["none"]["hit"]
        assert found["learned"]["ap"] > found["none"]["ap"] - 0.005


def test_an_ablation_leaves_something_out(study: Study) -> None:
    keys = list(ablations.keys(study))
    assert len(keys) == 2 * len(ablations.NETS)
    whole, without = (
        ablations.measure(study, Key("drawn", "ablation", {"net": net, "seed": 1}))
        for net in ("all", "without the likelihood")
    )
    assert set(whole) == {"seed", "net", *ablations.WEIGHTS, *ablations.RARITIES}
    assert whole["labels 4"]["map"] != without["labels 4"]["map"]


def test_label_ap_is_scikit_learns(features: Features) -> None:
    from sklearn.metrics import average_precision_score

    scores = torch.randn(len(features), len(LABELS), generator=torch.Generator().manual_seed(5))
    expected = average_precision_score(features.labels.numpy(), scores.numpy(), average=None)
    assert label_ap(scores, features.labels).numpy() == pytest.approx(expected)


def test_items_in_sight_are_left_out_with_their_texts(features: Features, collection: Collection) -> None:
    items = group(features.select("test"))
    kept = unseen(collection, features.select("test"))
    left = restricted(items, kept)
    assert len(left.images) == len(left.texts) == 40
    assert torch.equal(left.images, items.images[20:])
    assert left.owner.tolist() == list(range(40))
    columns = collection.columns(features)
    assert set(measured(left, columns)["map"]) == {"all", "rest"}
    with pytest.raises(InputError, match="were in sight"):
        unseen(dataclasses.replace(collection, in_sight=60), features.select("test"))


def test_paired_tests_are_scipys() -> None:
    from scipy import stats

    rng = np.random.default_rng(0)
    theirs = rng.random((5, 40))
    ours = theirs + 0.02 + 0.01 * rng.standard_normal((5, 40))
    found = paired(ours.tolist(), theirs.tolist())
    assert found.difference == pytest.approx((ours - theirs).mean())
    assert found.low < found.difference < found.high
    expected = stats.ttest_rel(ours.mean(axis=1), theirs.mean(axis=1)).pvalue
    assert found.p_seeds == pytest.approx(expected)
    assert Mean.of([1.0, 2.0, 3.0]) == pytest.approx((2.0, 1 / 3**0.5))


def test_items_without_a_relevant_one_are_left_out_of_paired_tests() -> None:
    ours, theirs = [[0.5, None, 0.7]], [[0.4, 0.9, 0.6]]
    found = paired(ours, theirs)
    assert found.difference == pytest.approx(0.1)
    assert np.isnan(found.p_seeds)


def test_the_command_says_what_it_does_not_know(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from algcn.kit.errors import run_command
    from algcn.study.__main__ import main

    empty = tmp_path / "empty.safetensors"
    empty.write_bytes(b"")
    for arguments, said in (
        (["--features", "coco", "--out", "x"], "names no file"),
        (["--features", f"horses={empty}", "--out", str(tmp_path / "out")], "has no collection 'horses'"),
        (
            ["--features", f"coco={empty}", "--collections", "birds", "--out", str(tmp_path)],
            "--collections cannot be 'birds'",
        ),
    ):
        assert run_command(main, arguments) == 2
        assert said in capsys.readouterr().err
