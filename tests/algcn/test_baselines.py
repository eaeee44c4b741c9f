"""The comparison: the probe is a real logistic regression, all methods share one measure, and the numbers add up."""

from __future__ import annotations

import dataclasses
import json
import statistics

import numpy as np
import pytest
import torch

from algcn import baselines
from algcn.bundles.bundle import Bundle
from algcn.bundles.saving import save_bundle
from algcn.evaluation import linear_probe
from algcn.evaluation.metrics import chance_level
from algcn.evaluation.record import MethodComparison, SplitSizes
from algcn.evaluation.results import DIRECTIONS, MEASURES
from algcn.evaluation.retrieval import retrieval_map
from algcn.kit.errors import InputError, run_command
from algcn.method.config import ModelConfig, TrainConfig
from algcn.method.model import ALGCN
from algcn.training import comparison

CONFIG = TrainConfig(batch_size=64, epochs=2, learning_rate=1e-3)
SIZES = {"common_dim": 16, "label_dim": 8}


@pytest.fixture(scope="module")
def report(make_features):
    return comparison.compare(make_features(240), CONFIG, [1, 2, 3], sizes=SIZES)


def test_the_probe_agrees_with_scikit_learn(make_features):
    from sklearn.linear_model import LogisticRegression

    features = make_features(160)
    rows = linear_probe.Standardiser.fit(features.image_features)(features.image_features)
    decay = 1e-2
    weights = linear_probe.fit_linear_probe(rows, features.labels, decay)
    for column in range(3):
        # scikit-learn minimises C · Σ loss + ½ ‖w‖², here it is mean loss + decay/2 · ‖w‖²
        theirs = LogisticRegression(C=1 / (decay * len(rows)), tol=1e-8, max_iter=1000)
        theirs.fit(rows.numpy(), features.labels[:, column].numpy())
        expected = torch.tensor(np.append(theirs.coef_[0], theirs.intercept_)).double()
        assert torch.allclose(weights[:, column].double(), expected, atol=0.02)


def test_the_probe_learns_and_is_measured_on_test(make_features):
    features = make_features(300)
    test, picked = linear_probe.linear_probe(features, torch.arange(6))
    assert len(test.images) == features.split.count("test") and test.images.shape[1] == 6
    assert ((test.images > 0) & (test.images < 1)).all()
    assert retrieval_map(test)["average"] > chance_level(test.labels) + 0.15
    assert set(picked.values()) <= set(linear_probe.WEIGHT_DECAYS)


def test_relevances(make_features):
    label_set = make_features(20).label_set
    both = comparison.relevances(label_set, "annotated", "person")
    assert [item.columns.tolist() for item in both] == [[0, 1, 2, 3], [1, 2, 3]]
    assert [item.name for item in both] == ["annotated labels", "annotated labels without 'person'"]
    assert len(comparison.relevances(label_set, "all", "sea")[1].columns) == 5
    assert len(comparison.relevances(label_set, "annotated", "sea")) == 1
    with pytest.raises(InputError, match="the only label"):
        comparison.relevances(label_set.subset(["person"]), "annotated", "person")


def test_every_method_is_measured_by_every_relevance(report):
    assert list(report.relevance) == ["annotated labels", "annotated labels without 'person'"]
    for block in report.relevance.values():
        assert set(block.methods) == {"linear_probe", "algcn", "algcn_without_gcn"}
        for method, result in block.methods.items():
            runs = 1 if method == "linear_probe" else 3
            assert all(len(result.of(measure).values) == runs for measure in MEASURES)
            for row in range(runs):
                both = (result.image_to_text.values[row] + result.text_to_image.values[row]) / 2
                assert result.average.values[row] == pytest.approx(both)
    assert "person" not in report.relevance["annotated labels without 'person'"].labels
    assert report.items["test"] == SplitSizes(images=48, texts=48)


def test_what_is_written_is_what_is_read(report):
    assert MethodComparison.from_json(json.loads(json.dumps(report.to_json()))) == report


def test_mean_and_spread(report):
    average = report.relevance["annotated labels"].methods["algcn"].average
    assert average.mean == pytest.approx(statistics.fmean(average.values))
    assert average.std == pytest.approx(statistics.stdev(average.values)) and average.std > 0
    assert report.relevance["annotated labels"].methods["linear_probe"].average.std is None


def test_chance_is_that_of_the_test_labels(make_features, report):
    labels = make_features(240).select("test").labels
    assert report.relevance["annotated labels"].chance == pytest.approx(chance_level(labels[:, :4]))
    assert report.relevance["annotated labels without 'person'"].chance == pytest.approx(chance_level(labels[:, 1:4]))


def test_curves_and_labels_of_every_method(report):
    for block in report.relevance.values():
        curves = block.precision_recall
        assert curves.recall[0] == 0 and curves.recall[-1] == 1 and len(curves.recall) == 21
        assert set(curves.methods) == set(block.per_label) == set(block.methods)
        for method, curve in curves.methods.items():
            for direction in DIRECTIONS:
                assert list(curve.of(direction)) == sorted(curve.of(direction), reverse=True)
                assert set(block.per_label[method].of(direction)) == set(block.labels)
                # Interpolation only raises precision: the curve of the first run lies over its mean AP, and not far.
                above = statistics.fmean(curve.of(direction)) - block.methods[method].of(direction).values[0]
                assert 0 < above < 0.1
        assert statistics.fmean(curves.chance.image_to_text) == pytest.approx(block.chance, abs=0.1)


def test_the_comparison_goes_into_a_bundle(make_features, tmp_path, capsys):
    path = tmp_path / "features.safetensors"
    features = make_features(120)
    features.save(path)
    config = ModelConfig(features.image_dim, features.text_dim, 6, common_dim=16, label_dim=8)
    bundle = save_bundle(tmp_path / "bundle", ALGCN(config), features.label_set, metrics={"kept": 1})
    arguments = [str(path), "--preset", "pocket", "--seeds", "1", "--epochs", "1", "--common-dim", "16"]
    baselines.main([*arguments, "--out", str(bundle)])
    assert Bundle.load(bundle).metrics["kept"] == 1
    assert Bundle.load(bundle).metrics["baselines"]["seeds"] == [1]
    assert "--out" not in capsys.readouterr().err
    assert run_command(baselines.main, [*arguments, "--out", str(tmp_path / "nothing")]) == 2
    assert "There is no bundle" in capsys.readouterr().err


def test_the_old_name_of_out_goes_on_and_says_so(make_features, tmp_path, capsys):
    path = tmp_path / "features.safetensors"
    features = make_features(120)
    features.save(path)
    config = ModelConfig(features.image_dim, features.text_dim, 6, common_dim=16, label_dim=8)
    bundle = save_bundle(tmp_path / "bundle", ALGCN(config), features.label_set)
    arguments = [str(path), "--seeds", "1", "--epochs", "1", "--common-dim", "16", "--quiet", "--json", "-"]
    assert run_command(baselines.main, [*arguments, "--bundle", str(bundle)]) == 0
    out, err = capsys.readouterr()
    answered = json.loads(out)
    assert answered.pop("account")["used"] == {"rows": 120}
    assert answered == Bundle.load(bundle).metrics["baselines"]
    assert err.startswith("--bundle is called --out now") and "linear_probe" in err


def test_command(make_features, tmp_path, capsys):
    path = tmp_path / "features.safetensors"
    make_features(150, validation=False).save(path)  # validation is carved
    out = tmp_path / "metrics.json"
    arguments = [str(path), "--preset", "pocket", "--seeds", "1", "2", "--epochs", "1", "--common-dim", "16"]
    baselines.main([*arguments, "--relevance-labels", "all", "--json", str(out)])
    written = json.loads(out.read_text(encoding="utf-8"))
    assert written["seeds"] == [1, 2] and len(written["relevance"]["all labels"]["labels"]) == 6
    assert written["items"]["validation"]["images"] == 12
    assert written["definitions"]["chance"]
    printed = capsys.readouterr().out
    assert "±" in printed and "chance" in printed and "linear_probe" in printed


def test_bad_input_is_one_sentence(make_features, tiny_gallery_dir, tmp_path, capsys):
    features = make_features(40)
    with pytest.raises(InputError, match="test split has no labelled item"):
        comparison.compare(dataclasses.replace(features, split=["train"] * 40), CONFIG, [1], sizes=SIZES)
    with pytest.raises(InputError, match="No seed"):
        comparison.compare(features, CONFIG, [], sizes=SIZES)
    assert run_command(baselines.main, [str(tiny_gallery_dir)]) == 2
    assert "extract features first" in capsys.readouterr().err
