"""The training command in mode plus and in both modes: what it takes, what it writes, and how it goes on."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from algcn import train
from algcn.bundles.bundle import Bundle
from algcn.bundles.manifest import verify
from algcn.datasets.validation import carve_validation
from algcn.evaluation.record import Record
from algcn.evaluation.retrieval import embed, retrieval_map
from algcn.kit.errors import InputError, run_command
from algcn.training import loop, modes
from algcn.training.table import models_table

SIZES = ("--epochs", "2", "--batch-size", "32", "--common-dim", "16", "--learning-rate", "1e-3", "--quiet")


@pytest.fixture(scope="module")
def features(make_features):
    return make_features(150)


@pytest.fixture(scope="module")
def data(features, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("features") / "features.safetensors"
    features.save(path)
    return str(path)


@pytest.fixture(scope="module")
def both(data: str, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    out = tmp_path_factory.mktemp("both") / "bundle"
    train.main([data, "--mode", "both", "--compare-gcn", "--gamma", "0.3", *SIZES, "--out", str(out)])
    return Bundle.load(out)


def _average(features, model) -> float:
    return retrieval_map(embed(features.select("test"), model).with_labels(torch.arange(4)))["average"]


def test_mode_plus_writes_a_bundle_that_opens_like_any_other(features, data: str, tmp_path: Path, capsys) -> None:
    train.main([data, "--mode", "plus", *SIZES, "--seed", "7", "--half", "--out", str(tmp_path / "b")])
    verify(tmp_path / "b")
    bundle = Bundle.load(tmp_path / "b")
    settings = bundle.training
    assert (settings.mode, settings.epochs, settings.batch_size, settings.seed) == ("plus", 2, 32, 7)
    assert settings.learning_rate == 1e-3 and bundle.model.config.common_dim == 16
    assert not bundle.model.config.use_gcn and bundle.paper_model is bundle.model and bundle.paper_training is None
    assert bundle.history is None and bundle.without_gcn is None
    assert bundle.directed_graph.edges.shape == (6, 6) and bundle.directed_graph.counted.any()
    assert set(bundle.probabilities) == {"image", "text"} and bundle.ranking.weights.labels > 0
    for tensor in bundle.model.state_dict().values():
        assert torch.equal(tensor, tensor.half().float())
    record = bundle.record
    assert record.test.map.average == pytest.approx(_average(features, bundle.model), abs=1e-6)
    assert record.other_modes is None and record.label_embeddings is None and record.problems == ()
    assert len(record.log) == 2 and record.log[0].losses.keys() == {"likelihood", "classification", "contrast", "total"}
    out = capsys.readouterr().out
    assert "mode plus: 2 epochs, batches of 32" in out and "150 rows used, nothing left out." in out
    assert [path.name for path in tmp_path.iterdir()] == ["b"]


def test_several_models_are_compared_in_one_table(both: Bundle, data: str, tmp_path: Path, capsys) -> None:
    lines = models_table(both.record).splitlines()
    names = ["random ranking", "mode plus, by labels", "mode plus", "mode paper", "without the GCN"]
    assert [line[:22].strip() for line in lines] == ["", "mAP@all", *names]
    assert len({len(line) for line in lines[1:]}) == 1, "columns stand below each other"
    measured = both.record.without_gcn.test
    shown = lines[-1][22:].split()
    assert shown[1:4] == [f"{getattr(measured.map, way):.4f}" for way in ("image_to_text", "text_to_image", "average")]
    assert shown[4] == f"{measured.recall.of('image_to_text')['10']:.4f}"
    train.main([data, "--compare-gcn", "--mode", "paper", *SIZES, "--out", str(tmp_path / "b")])
    out = capsys.readouterr().out
    assert out.count("random ranking") == 1 and "R@1 " not in out
    assert models_table(Bundle.load(tmp_path / "b").record) in out


def test_batch_and_epochs_of_mode_plus_come_from_the_rows_that_are_trained_on(make_features) -> None:
    made = carve_validation(make_features(100, validation=False), seed=0)
    run = modes.plus_run(made, {"seed": 4}, {})
    assert (run.config.batch_size, run.config.epochs, run.config.seed) == (72, 400, 4)
    assert run.model_config.common_dim == 512 and not run.model_config.use_gcn
    assert run.checkpoint_bytes < run.bundle_bytes * 4 + 1
    given = modes.plus_run(made, {"epochs": 2, "batch_size": 10, "select": "last"}, {"common_dim": 8})
    assert (given.config.epochs, given.config.select, given.model_config.common_dim) == (2, "last", 8)


def test_both_modes_are_one_bundle(features, data: str, both: Bundle, tmp_path: Path) -> None:
    verify(both.path)
    assert both.training.mode == "plus" and both.paper_training.mode == "paper"
    assert not both.model.config.use_gcn and both.paper_model.config.use_gcn
    assert both.paper_model.config.gamma == 0.3
    assert both.history["classifiers"].shape == (3, 6, 16) and not both.without_gcn.config.use_gcn
    record = both.record
    paper = record.other_modes["paper"]
    assert record.test.map.average == pytest.approx(_average(features, both.model), abs=1e-6)
    assert paper.test.map.average == pytest.approx(_average(features, both.paper_model), abs=1e-6)
    assert record.without_gcn.test.map.average == pytest.approx(_average(features, both.without_gcn), abs=1e-6)
    assert paper.log[0].losses.keys() == {"classification", "invariance", "self_supervision", "total"}
    runs = {"plus": record.test, "algcn": paper.test, "algcn_without_gcn": record.without_gcn.test}
    assert record.runs("test") == runs and Record(test=record.test).runs("test") == {"algcn": record.test}
    # Each is what it would be alone.
    train.main([data, "--mode", "plus", *SIZES, "--out", str(tmp_path / "plus")])
    assert Bundle.load(tmp_path / "plus").fingerprint == both.fingerprint
    train.main([data, "--mode", "paper", "--gamma", "0.3", "--half", *SIZES, "--out", str(tmp_path / "paper")])
    alone = Bundle.load(tmp_path / "paper")
    for name, tensor in alone.model.state_dict().items():
        assert torch.equal(both.paper_model.state_dict()[name], tensor), name
    assert torch.equal(alone.history["classifiers"], both.history["classifiers"])
    assert alone.metrics["test"] == both.metrics["other_modes"]["paper"]["test"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--mode", "plus", "--preset", "pocket"], "The option --preset is for mode paper"),
        (["--mode", "plus", "--gamma", "0.5"], "The option --gamma is for mode paper"),
        (["--mode", "plus", "--compare-gcn"], "The option --compare-gcn is for mode paper"),
        (["--mode", "plus", "--no-gcn"], "The option --no-gcn is for mode paper"),
        (["--mode", "plus", "--label-embeddings", "encoder"], "The option --label-embeddings is for mode paper"),
        (["--mode", "plus", "--capture"], "The option --capture is for mode paper"),
        (["--mode", "both", "--compare-gcn", "--no-gcn"], "leave --no-gcn out"),
        (["--mode", "paper", "--incomplete-labels", "auto"], "The option --incomplete-labels is for mode plus"),
        (["--mode", "plus", "--incomplete-labels", "2"], "must be a number above 0 and at most 1"),
        (["--mode", "plus", "--incomplete-labels", "some"], "cannot be 'some'"),
        (["--mode", "minus"], "use paper, plus or both"),
    ],
)
def test_options_that_say_nothing_are_refused(data: str, tmp_path: Path, capsys, arguments, sentence) -> None:
    try:
        assert run_command(train.main, [data, *arguments, "--out", str(tmp_path / "b")]) == 2
    except SystemExit as ended:
        assert ended.code == 2
    assert sentence in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_every_option_of_mode_paper_is_one_of_the_command() -> None:
    parser = train.build_parser()
    known = {action.dest for action in parser._actions}
    assert set(train.OF_MODE_PAPER) <= known


def test_a_run_of_both_that_was_killed_goes_on(data: str, both: Bundle, tmp_path: Path, monkeypatch, capsys) -> None:
    """Killed after the first epoch of mode plus, the last to be trained: nothing is trained twice."""
    arguments = [data, "--mode", "both", "--compare-gcn", "--gamma", "0.3", *SIZES, "--out", str(tmp_path / "b")]
    save = loop.save_checkpoint

    def then_die(path, *rest):
        save(path, *rest)
        if path == tmp_path / "b.checkpoint.safetensors":
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(loop, "save_checkpoint", then_die)
        assert run_command(train.main, arguments) == 130
    names = {"b.checkpoint.safetensors", "b.paper.checkpoint.safetensors", "b.without_gcn.checkpoint.safetensors"}
    assert {path.name for path in tmp_path.iterdir()} == names
    capsys.readouterr()
    train.main([*arguments, "--resume"])
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("epoch ")]
    assert [line.split()[1] for line in lines] in (["2/2"], [])  # what the bar says when it is quiet
    resumed = Bundle.load(tmp_path / "b")
    assert resumed.fingerprint == both.fingerprint
    for name, tensor in both.paper_model.state_dict().items():
        assert torch.equal(resumed.paper_model.state_dict()[name], tensor)
    assert {path.name for path in tmp_path.iterdir()} == {"b"}


def test_imputed_labels_are_said_and_recorded(make_features, tmp_path: Path, capsys) -> None:
    made = make_features(700)
    generator = torch.Generator().manual_seed(1)
    made.labels[torch.rand(made.labels.shape, generator=generator) < 0.5] = 0
    made.save(tmp_path / "f.safetensors")
    arguments = [str(tmp_path / "f.safetensors"), "--mode", "plus", *SIZES, "--incomplete-labels"]
    train.main([*arguments, "0.5", "--out", str(tmp_path / "given")])
    out = capsys.readouterr().out
    assert "50% of the true labels are taken to be given: about " in out
    record = Bundle.load(tmp_path / "given").record
    assert record.imputed_labels.share_given == 0.5 and not record.imputed_labels.estimated
    assert record.imputed_labels.expected > 20
    train.main([*arguments, "auto", "--out", str(tmp_path / "auto")])
    assert "are estimated to be given" in capsys.readouterr().out
    estimated = Bundle.load(tmp_path / "auto").record.imputed_labels
    assert estimated.estimated and 0.3 < estimated.share_given < 0.8
    written = json.loads((tmp_path / "auto" / "metrics.json").read_text())["imputed_labels"]
    assert written == estimated.to_json() and written["known"] == "estimated"


def test_a_bundle_of_both_needs_room_for_both(data: str, tmp_path: Path, monkeypatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(train, "check_room", lambda _, wanted: asked.append(wanted))
    for mode in ("paper", "plus", "both"):
        train.main([data, "--mode", mode, *SIZES, "--epochs", "1", "--out", str(tmp_path / mode)])
    paper, plus, together = asked
    assert paper > 0 and plus > 0 and together > max(paper, plus) and together < paper + plus + max(paper, plus)
    for mode in ("paper", "plus", "both"):
        written = sum(path.stat().st_size for path in (tmp_path / mode).glob("*.safetensors"))
        assert written < asked[("paper", "plus", "both").index(mode)]


def test_a_validation_split_is_needed_to_impute(make_features, tmp_path: Path) -> None:
    make_features(100, validation=False).save(tmp_path / "f.safetensors")
    with pytest.raises(InputError, match="the validation split needs labelled items"):
        train.main(
            [
                *(str(tmp_path / "f.safetensors"), "--mode", "plus", "--select", "test", "--incomplete-labels", "0.5"),
                *(*SIZES, "--out", str(tmp_path / "b")),
            ]
        )


@pytest.mark.parametrize("mode", ["paper", "plus"])
def test_a_label_without_a_training_picture_is_left_out(features, tmp_path: Path, capsys, mode: str) -> None:
    labels, name = features.labels.clone(), features.label_set.names[2]
    labels[[row for row, split in enumerate(features.split) if split == "train"], 2] = 0
    replace(features, labels=labels).save(tmp_path / "features.safetensors")
    train.main([str(tmp_path / "features.safetensors"), "--mode", mode, *SIZES, "--out", str(tmp_path / "b")])
    bundle = Bundle.load(tmp_path / "b")
    assert bundle.label_set.names == [other for other in features.label_set.names if other != name]
    assert f"no picture in the training split and is left out: {name};" in capsys.readouterr().err


def test_a_test_split_of_one_picture_stops_nothing(features, tmp_path: Path) -> None:
    first, *others = (row for row, split in enumerate(features.split) if split == "test")
    split = ["train" if row in others else name for row, name in enumerate(features.split)]
    made = replace(features, split=split, file_names=[f"{row}.jpg" for row in range(len(features))])
    made.save(tmp_path / "features.safetensors")
    train.main([str(tmp_path / "features.safetensors"), "--mode", "plus", *SIZES, "--out", str(tmp_path / "b")])
    bundle = Bundle.load(tmp_path / "b")
    assert bundle.record.test.images == 1 and bundle.split[f"{first}.jpg"] == "test"


def test_a_best_epoch_that_was_the_last_is_said(data: str, tmp_path: Path, capsys) -> None:
    sizes = ("--epochs", "1", *SIZES[2:])
    train.main([data, "--mode", "both", *sizes, "--out", str(tmp_path / "b")])
    said = capsys.readouterr().err
    assert "Mode paper: The best epoch was the last (1)" in said and "Mode plus: The best epoch was the last" in said
