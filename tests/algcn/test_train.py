"""Training: it learns, it can be stopped, and it says what it picked the epoch on."""

from __future__ import annotations

import dataclasses
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from algcn import train as training
from algcn.bundles.bundle import Bundle
from algcn.bundles.encoder import ChosenEncoder
from algcn.datasets.authors import write_reference_folder
from algcn.datasets.validation import carve_validation
from algcn.evaluation.measure import TRIED_WEIGHTS
from algcn.evaluation.ranking import BALANCED
from algcn.evaluation.retrieval import chance, embed, retrieval_map
from algcn.evaluation.thresholds import fit_thresholds
from algcn.kit import tensor_files
from algcn.kit.errors import InputError, run_command
from algcn.method.config import ModelConfig, TrainConfig
from algcn.method.graph import label_prior
from algcn.method.model import label_scores
from algcn.training import loop

CONFIG = TrainConfig(batch_size=32, epochs=4, learning_rate=1e-3, adaptive_lr_factor=5.0)


@pytest.fixture(scope="module")
def features(make_features):
    return make_features(240)


def _sizes(features, **changes):
    return ModelConfig(
        features.image_dim, features.text_dim, len(features.label_set), common_dim=32, label_dim=8, **changes
    )


def _train(features, config=CONFIG, **arguments):
    arguments.setdefault("model_config", _sizes(features))
    return loop.train_algcn(features, config, **arguments)


@pytest.fixture(scope="module")
def result(features):
    return _train(features, CONFIG.replace(epochs=12))


def _same(one, other):
    """Equal to the last bit, but for the seconds it took."""
    ours, theirs = one.model.state_dict(), other.model.state_dict()
    logs = [[dataclasses.replace(entry, seconds=0.0) for entry in run.log] for run in (one, other)]
    return (
        all(torch.equal(ours[name], theirs[name]) for name in ours)
        and all(torch.equal(one.history[name], other.history[name]) for name in one.history)
        and all(torch.equal(one.thresholds[name], other.thresholds[name]) for name in one.thresholds)
        and logs[0] == logs[1]
        and one.best_epoch == other.best_epoch
    )


def test_it_learns(features, result):
    test = embed(features.select("test"), result.model)
    untrained = embed(features.select("test"), _train(features, CONFIG.replace(learning_rate=1e-12, epochs=1)).model)
    learned = retrieval_map(test)["average"]
    assert learned > chance(test) + 0.15
    assert learned > retrieval_map(untrained)["average"] + 0.1
    assert result.log[-1].losses["total"] < result.log[0].losses["total"]


@pytest.mark.parametrize("use_gcn", [True, False])
def test_history_begins_before_training_and_changes(features, use_gcn):
    run = _train(features, model_config=_sizes(features, use_gcn=use_gcn))
    assert run.history["learned_change"].shape == (5, 6, 6)
    assert run.history["classifiers"].shape == (5, 6, 32) and run.history["classifiers"].dtype == torch.float16
    steps = run.history["classifiers"].float().diff(dim=0).abs().amax(dim=(1, 2))
    assert (steps > 0).all()
    changed = run.history["learned_change"].diff(dim=0).abs().amax(dim=(1, 2))
    assert (changed > 0).all() if use_gcn else (changed == 0).all()
    if use_gcn:
        initial = run.history["learned_change"][0]
        assert (initial >= 0).all() and (initial <= 0.01).all()  # γ D with D ~ U(0, 0.02)


def test_the_learned_change_moves_by_the_classification_loss_alone(features):
    config = CONFIG.replace(self_supervision_weight=0.0, invariance_weight=0.0, epochs=1)
    change = _train(features, config).history["learned_change"]
    assert (change[1] - change[0]).abs().max() > 0


def test_the_best_epoch_on_validation_is_what_is_returned(features, result):
    scores = [entry.map["average"] for entry in result.log]
    assert result.best_epoch == scores.index(max(scores)) + 1
    assert retrieval_map(embed(features.select("validation"), result.model))["average"] == pytest.approx(max(scores))
    kept = result.model.classifiers().detach().half()
    assert torch.equal(result.history["classifiers"][result.best_epoch], kept)


def test_selection_modes(features):
    on_test = _train(features, CONFIG.replace(select="test"))
    split = retrieval_map(embed(features.select("test"), on_test.model))["average"]
    assert split == pytest.approx(max(entry.map["average"] for entry in on_test.log))
    assert _train(features, CONFIG.replace(select="last")).best_epoch == CONFIG.epochs


def test_relevance_decides_what_is_picked_on(features):
    columns = training.relevance_columns(features.label_set, "annotated")
    assert columns.tolist() == [0, 1, 2, 3]
    run = _train(features, relevance=columns)
    picked = embed(features.select("validation"), run.model).with_labels(columns)
    assert retrieval_map(picked)["average"] == pytest.approx(max(entry.map["average"] for entry in run.log))


def test_the_same_seed_repeats_and_another_differs(features):
    with torch.random.fork_rng():
        torch.manual_seed(1)
        first = _train(features)
        torch.manual_seed(2)
        state = torch.get_rng_state()
        again = _train(features)
        assert torch.equal(torch.get_rng_state(), state)  # the caller's stream is left alone
    assert _same(first, again)
    assert not _same(first, _train(features, CONFIG.replace(seed=104)))


class Killed(Exception):
    """Stands for the process being killed."""


@pytest.mark.parametrize("use_gcn", [True, False])
def test_killed_and_resumed_is_as_if_it_had_not_been(features, tmp_path, use_gcn):
    arguments = {"model_config": _sizes(features, use_gcn=use_gcn), "checkpoint": tmp_path / "checkpoint.safetensors"}
    whole = _train(features, model_config=arguments["model_config"])

    def kill(report, model):
        if report.epoch == 2:
            raise Killed

    with pytest.raises(Killed):
        _train(features, on_epoch=kill, **arguments)
    epochs = []
    resumed = _train(features, resume=True, on_epoch=lambda report, _: epochs.append(report.epoch), **arguments)
    assert epochs == [3, 4]
    assert _same(whole, resumed)


def test_killed_while_writing_the_checkpoint(features, tmp_path, monkeypatch):
    checkpoint = tmp_path / "checkpoint.safetensors"
    whole = _train(features, checkpoint=checkpoint)
    checkpoint.unlink()
    written, save = [], tensor_files.write_tensors

    def fail_at_third(tensors, where, metadata):
        written.append(where)
        if len(written) == 3:
            where.write_bytes(b"half")
            raise Killed
        save(tensors, where, metadata)

    monkeypatch.setattr(tensor_files, "write_tensors", fail_at_third)
    with pytest.raises(Killed):
        _train(features, checkpoint=checkpoint)
    assert _same(whole, _train(features, checkpoint=checkpoint, resume=True))


def test_a_checkpoint_of_another_run_or_a_damaged_one_is_refused(features, tmp_path):
    checkpoint = tmp_path / "checkpoint.safetensors"
    _train(features, CONFIG.replace(epochs=1), checkpoint=checkpoint)
    with pytest.raises(InputError, match="other data or settings"):
        _train(features, CONFIG.replace(epochs=1, seed=104), checkpoint=checkpoint, resume=True)
    other = dataclasses.replace(features, text_features=features.text_features + 1)
    with pytest.raises(InputError, match="other data or settings"):
        _train(other, CONFIG.replace(epochs=1), checkpoint=checkpoint, resume=True)
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    with pytest.raises(InputError, match="damaged"):
        _train(features, CONFIG.replace(epochs=1), checkpoint=checkpoint, resume=True)


def test_the_prior_comes_from_training_images_alone(features):
    run = _train(features, CONFIG.replace(epochs=1))
    assert torch.equal(run.model.prior, label_prior(features.select("train").labels))
    # The same images with a second text each: P(j | i) counts images.
    doubled = features.rows(list(range(len(features))) * 2)
    repeated = _train(doubled, CONFIG.replace(epochs=1))
    assert torch.equal(repeated.model.prior, run.model.prior)


def test_items_without_labels_are_left_out_of_training(features):
    labels = features.labels.clone()
    rows = [row for row, name in enumerate(features.split) if name == "train"][:9]
    labels[rows] = 0
    unlabelled = dataclasses.replace(features, labels=labels)
    kept = features.rows([row for row in range(len(features)) if row not in rows])
    some, without = _train(unlabelled), _train(kept)
    assert _same(dataclasses.replace(some, thresholds={}), dataclasses.replace(without, thresholds={}))
    assert loop.measure(some, CONFIG, "all").left_out_of_training == 9


def test_a_label_without_a_training_example_is_named(features):
    labels = features.labels.clone()
    labels[[name == "train" for name in features.split], 2] = 0
    with pytest.raises(InputError, match="No training example has the label 'cat'"):
        _train(dataclasses.replace(features, labels=labels))


def test_what_cannot_be_trained_is_said(features):
    with pytest.raises(InputError, match="No item of the train split has a label"):
        _train(features.select("test"))
    with pytest.raises(InputError, match="test split has no labelled item"):
        _train(features.select("train"), CONFIG.replace(select="test"))
    with pytest.raises(InputError, match="the model's configuration takes 3 and 12"):
        _train(features, model_config=dataclasses.replace(_sizes(features), image_dim=3))
    with pytest.raises(InputError, match="lower learning rate"):
        _train(features, CONFIG.replace(learning_rate=1e30))


def test_a_validation_split_is_carved_by_image_and_keeps_every_label_in_train(make_features):
    made = make_features(100, texts=2, validation=False)
    labels = made.labels.clone()
    labels[:, 5] = 0
    labels[:2, 5] = 1  # one training image only
    named = dataclasses.replace(made, labels=labels)
    for seed in range(3):
        carved = carve_validation(named, seed=seed)
        held_out = carved.select("validation")
        assert len(held_out) == 16 and len(set(held_out.file_names)) == 8
        assert not set(held_out.file_names) & set(carved.select("train").file_names)
        assert carved.select("test").file_names == named.select("test").file_names
        assert carved.select("train").labels.any(dim=0).all()
    assert carve_validation(named, seed=0).split != carve_validation(named, seed=1).split


def test_thresholds_maximise_f1(result):
    scores = torch.tensor([[0.9], [0.8], [0.7], [0.6], [0.1]])
    labels = torch.tensor([[1], [0], [1], [0], [0]])
    # Cutting at 0.9 gives F1 2/3, at 0.7 gives 4/5.
    assert fit_thresholds(scores, labels).item() == pytest.approx(0.65)
    assert fit_thresholds(torch.full((4, 1), 0.5), torch.tensor([[1], [0], [0], [0]])).item() == 0.5
    assert fit_thresholds(scores, torch.zeros(5, 1)).isnan().all()
    validation = embed(result.features.select("validation"), result.model)
    predicted = label_scores(validation.images, result.model.classifiers()) >= result.thresholds["image"]

    def f1(predicted):
        wanted = validation.labels.bool()
        return 2 * (predicted & wanted).sum(dim=0) / (predicted.sum(dim=0) + wanted.sum(dim=0))

    assert (f1(predicted) >= f1(torch.ones_like(predicted))).all()
    assert f1(predicted).mean() > 0.6


def _arguments(tmp_path, **changes):
    given = {"preset": "pocket", "epochs": 2, "batch-size": 32, "common-dim": 32, "out": tmp_path / "bundle"} | changes
    return [word for name, value in given.items() for word in (f"--{name}", str(value))]


def test_command(features, tmp_path, capsys):
    path = tmp_path / "features.safetensors"
    features.save(path)
    training.main([str(path), "--mode", "paper", "--device", "cpu", *_arguments(tmp_path, seed=7)])
    bundle = Bundle.load(tmp_path / "bundle")
    assert bundle.training.seed == 7 and bundle.training.select == "validation"
    assert bundle.history["classifiers"].shape == (3, 6, 32)
    assert set(bundle.thresholds) == {"image", "text"}
    metrics = bundle.metrics
    assert metrics["items"]["train"] == {"images": 144, "texts": 144}
    assert metrics["relevance"] == ["person", "dog", "cat", "beach"]
    assert set(metrics["test"]["map"]) == {"image_to_text", "text_to_image", "average", "chance"}
    assert set(metrics["test_by_all_labels"]["per_label"]["image_to_text"]) == set(features.label_set.names)
    assert len(metrics["log"]) == 2 and "warning" not in metrics["selection"]
    measured = retrieval_map(embed(features.select("test"), bundle.model).with_labels(torch.arange(4)))
    assert metrics["test"]["map"]["average"] == pytest.approx(measured["average"])
    lines = capsys.readouterr().out.splitlines()
    assert sum(line.startswith("epoch ") for line in lines) == 2
    counts = dict(zip(features.label_set.names, features.labels.sum(dim=0).tolist(), strict=True))
    assert lines[0].startswith("6 labels found: ") and all(f"{name} ({n})" in lines[0] for name, n in counts.items())
    assert f"{len(features)} rows used, nothing left out." in lines
    assert not any("TEST" in line for line in lines)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["bundle", "features.safetensors"]


def test_command_with_a_second_model_without_the_gcn(features, tmp_path, capsys):
    path = tmp_path / "features.safetensors"
    features.save(path)
    training.main([str(path), *_arguments(tmp_path, out=tmp_path / "alone", seed=7)])
    training.main([str(path), "--compare-gcn", *_arguments(tmp_path, seed=7)])
    alone, both = Bundle.load(tmp_path / "alone"), Bundle.load(tmp_path / "bundle")
    assert both.fingerprint == alone.fingerprint and alone.without_gcn is None
    assert not both.without_gcn.config.use_gcn
    measured = retrieval_map(embed(features.select("test"), both.without_gcn).with_labels(torch.arange(4)))
    assert both.metrics["without_gcn"]["test"]["map"]["average"] == pytest.approx(measured["average"], abs=1e-9)
    assert both.metrics["test"] == alone.metrics["test"] and "without_gcn" not in alone.metrics
    assert sorted(file.name for file in tmp_path.iterdir()) == ["alone", "bundle", "features.safetensors"]
    assert run_command(training.main, [str(path), "--compare-gcn", "--no-gcn", *_arguments(tmp_path)]) == 2
    assert "leave --no-gcn out" in capsys.readouterr().err


def test_the_recall_of_the_encoder_is_carried_on(tmp_path):
    assert ChosenEncoder(None).results() is None and ChosenEncoder("hf-hub:some/where").results() is None
    depths = {"1": 0.25, "5": 0.5, "10": 1.0}
    said = {"test": {"pictures": 9, "texts": 9, "text_to_image": depths, "image_to_text": depths}}
    (tmp_path / "recall.json").write_text(json.dumps(said))
    assert ChosenEncoder(str(tmp_path)).results().to_json() == said
    assert ChosenEncoder(str(tmp_path), frozenset({"image"})).results() is None
    for damaged in ("{", json.dumps({"test": {**said["test"], "pictures": "nine"}})):
        (tmp_path / "recall.json").write_text(damaged)
        with pytest.raises(InputError, match=r"recall\.json does not say the encoder's recall: "):
            ChosenEncoder(str(tmp_path)).results()


def test_picking_on_the_test_set_is_said_aloud(features, tmp_path, capsys):
    path = tmp_path / "features.safetensors"
    features.save(path)
    training.main([str(path), "--select", "test", *_arguments(tmp_path, epochs=1)])
    out = capsys.readouterr().out
    assert "ON THE TEST SET" in out and "TEST mAP" in out
    assert "ON THE TEST SET" in json.loads((tmp_path / "bundle" / "metrics.json").read_text())["selection"]["warning"]


def test_command_on_a_mat_folder_resumes(make_features, tmp_path, monkeypatch, capsys):
    write_reference_folder(make_features(200, validation=False), tmp_path / "mat")
    training.main([str(tmp_path / "mat"), *_arguments(tmp_path, out=tmp_path / "whole")])

    original = loop.save_checkpoint

    def then_die(*arguments):
        original(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(loop, "save_checkpoint", then_die)
        assert run_command(training.main, [str(tmp_path / "mat"), *_arguments(tmp_path)]) == 130
    assert not (tmp_path / "bundle").exists()
    training.main([str(tmp_path / "mat"), "--resume", *_arguments(tmp_path)])
    whole, resumed = Bundle.load(tmp_path / "whole"), Bundle.load(tmp_path / "bundle")
    assert whole.fingerprint == resumed.fingerprint
    assert whole.metrics["items"] == {
        "train": {"images": 144, "texts": 144},
        "validation": {"images": 16, "texts": 16},
        "test": {"images": 40, "texts": 40},
    }
    assert not list(tmp_path.glob("*.checkpoint.safetensors"))


def test_the_bundle_carries_the_encoder_of_the_features(make_features, tiny_encoder_dir, tmp_path, capsys):
    from algcn.features.encoder_files import encoder_fingerprint

    made = make_features(60)
    wide = dataclasses.replace(
        made,
        image_features=made.image_features.repeat(1, 2),
        text_features=made.text_features.repeat(1, 3)[:, :32],
        encoder={"reference": str(tiny_encoder_dir), "fingerprint": encoder_fingerprint(tiny_encoder_dir)},
    )
    path = tmp_path / "features.safetensors"
    wide.save(path)
    training.main([str(path), *_arguments(tmp_path, epochs=1)])
    assert Bundle.load(tmp_path / "bundle").encoder().width == 32
    bundle = Bundle.load(tmp_path / "bundle")
    assert (bundle.ranking.weights, set(bundle.probabilities)) == (BALANCED, {"image", "text"})
    weights = [(tried.labels_weight, tried.encoder_weight) for tried in bundle.record.ranking.weights]
    assert weights == [*((tried.labels, tried.encoder) for tried in TRIED_WEIGHTS), (None, None)]
    assert bundle.record.ranked_by_labels.test.images == bundle.record.test.images
    dataclasses.replace(wide, encoder=wide.encoder | {"fingerprint": "other"}).save(path)
    assert run_command(training.main, [str(path), *_arguments(tmp_path, epochs=1)]) == 2
    assert "were not made by the encoder" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"preset": "imagenet"}, "no preset 'imagenet'"),
        ({"epochs": 0}, "epochs must be a whole number of at least 1"),
        ({"device": "toaster"}, "The device 'toaster' cannot be used here"),
    ],
)
def test_bad_arguments_are_one_sentence(features, tmp_path, capsys, changes, message):
    path = tmp_path / "features.safetensors"
    features.save(path)
    assert run_command(training.main, [str(path), *_arguments(tmp_path, **changes)]) == 2
    assert message in capsys.readouterr().err


def test_an_image_folder_is_sent_to_extract(tiny_gallery_dir, tmp_path, capsys):
    assert run_command(training.main, [str(tiny_gallery_dir), *_arguments(tmp_path)]) == 2
    assert "algcn.extract" in capsys.readouterr().err


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_on_a_gpu(features):
    run = _train(features, CONFIG.replace(epochs=8), device="cuda")
    test = embed(features.select("test"), run.model, "cuda")
    assert retrieval_map(test)["average"] > chance(test) + 0.1


def test_a_stop_drops_the_epoch_at_hand_and_keeps_the_best_so_far(features):
    """Stopped in the third epoch, the result is that of a run of two epochs."""
    asked = []

    def should_stop() -> bool:
        asked.append(None)
        return len(asked) > 2 * steps + 1

    steps = -(-len(features.select("train")) // CONFIG.batch_size)
    stopped = _train(features, should_stop=should_stop)
    assert len(asked) == 2 * steps + 2  # before every step, and never again after a yes
    assert [entry.epoch for entry in stopped.log] == [1, 2]
    assert _same(stopped, _train(features, CONFIG.replace(epochs=2)))


def test_a_stop_before_the_first_epoch_leaves_nothing(features):
    with pytest.raises(InputError, match="stopped before its first epoch was over"):
        _train(features, should_stop=lambda: True)


def test_runs_at_the_same_time_do_not_disturb_each_other(features):
    alone = _train(features)
    with ThreadPoolExecutor(4) as pool:
        for run in pool.map(lambda _: _train(features), range(8)):
            assert _same(run, alone)


def test_weights_kept_in_half_precision_are_measured_as_they_are_kept(features, tmp_path):
    path = tmp_path / "features.safetensors"
    features.save(path)
    for name, more in (("whole", []), ("halved", ["--half"])):
        out = ["--out", str(tmp_path / name)]
        training.main([str(path), *out, "--epochs", "2", "--common-dim", "32", *more])
    whole, halved = (Bundle.load(tmp_path / name) for name in ("whole", "halved"))
    sizes = [(tmp_path / name / "model.safetensors").stat().st_size for name in ("whole", "halved")]
    assert sizes[1] < 0.6 * sizes[0]
    for name, value in whole.model.state_dict().items():
        kept = halved.model.state_dict()[name]
        assert kept.dtype == torch.float32 and torch.equal(kept, value.half().float())
    measured = retrieval_map(embed(features.select("test"), halved.model).with_labels(torch.arange(4)))
    assert halved.metrics["test"]["map"]["average"] == pytest.approx(measured["average"], abs=1e-6)
