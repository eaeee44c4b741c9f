"""Training in the page: settings from a form, news, a stop, a bundle that the other tabs can open."""

from __future__ import annotations

import dataclasses
import json
import math
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from algcn.bundles.bundle import Bundle
from algcn.bundles.manifest import verify
from algcn.gallery.store import build_gallery
from algcn.kit.errors import InputError
from algcn.kit.threads import one_core
from algcn.method.config import ModelConfig
from algcn.method.model import ALGCN
from app.kit.jobs import Jobs
from app.service import RetrievalService
from app.training import settings as training_settings
from app.training.charts import change_figure, loss_figure, map_figure
from app.training.data import TrainingData
from app.training.live import Epoch, Trained, chance_level, keep_bundle, run_training, strongest_changes, write_zip
from app.training.run import Phase, Progress, Waiting, training_work
from app.training.settings import Settings
from app.training.view import render_edges, render_numbers, render_progress, render_result
from app.visitors.derive import description, has_own_gallery, has_own_model, with_gallery, with_model


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(training_settings, "COMMON_DIM", 32)
    monkeypatch.setattr(training_settings, "LEARNING_RATE", 1e-3)
    monkeypatch.setattr(training_settings, "BATCH_SIZE", 16)
    with one_core():  # as in a job
        yield


@pytest.fixture
def data(make_features) -> TrainingData:
    features = make_features(120)
    # Both widths are the tiny encoder's, so that the result fits its gallery.
    wide = {
        name: torch.nn.functional.pad(getattr(features, name), (0, 32 - getattr(features, name).shape[1]))
        for name in ("image_features", "text_features")
    }
    return TrainingData(dataclasses.replace(features, **wide), [])


@pytest.fixture
def before(data: TrainingData) -> ALGCN:
    return ALGCN(ModelConfig(32, 32, len(data.features.label_set), common_dim=16))


@pytest.fixture
def service(tiny_bundle_dir: Path, tiny_gallery_dir: Path) -> RetrievalService:
    bundle = Bundle.load(tiny_bundle_dir)
    return RetrievalService(bundle, build_gallery(tiny_gallery_dir, bundle))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"mode": "magic"}, "mode must be one of paper"),
        ({"gamma": -0.1}, "γ must be a number from 0 to 2"),
        ({"gamma": None}, "γ must be a number"),
        ({"gamma": math.nan}, "γ must be a number"),
        ({"threshold": 0.0}, "t must be a number from 0.05 to 1"),
        ({"threshold": "0.4"}, "t must be a number"),
        ({"epochs": 0}, "epochs must be a whole number from 1 to 50"),
        ({"epochs": 10**9}, "epochs must be a whole number from 1 to 50"),
        ({"epochs": 2.5}, "epochs must be a whole number"),
        ({"epochs": True}, "epochs must be a whole number"),
        ({"epochs": math.inf}, "epochs must be a whole number"),
        ({"seed": -1}, "seed must be a whole number from 0 to 999999"),
        ({"seed": None}, "seed must be a whole number"),
        ({"use_gcn": "yes"}, "use_gcn must be true or false"),
        ({"mode": ["paper"]}, "mode must be one of"),
    ],
)
def test_bad_settings_are_one_sentence(changes: dict, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence) as caught:
        Settings(**changes)
    assert "\n" not in str(caught.value)


def test_it_learns_and_tells_of_every_epoch(data: TrainingData, before: ALGCN) -> None:
    news: list[Epoch] = []
    trained = run_training(data, Settings(epochs=12.0, seed=5), before, news.append)
    assert [entry.report.epoch for entry in news] == list(range(1, 13))
    assert all(entry.change.shape == (6, 6) for entry in news)
    assert not torch.equal(news[0].change, news[-1].change)
    assert [entry.elapsed for entry in news] == sorted(entry.elapsed for entry in news)
    assert not trained.stopped
    assert trained.compared["this model"]["average"] > trained.compared["the model before"]["average"]
    assert trained.compared["this model"]["average"] > trained.compared["a random ranking"]["average"]
    assert news[-1].report.map["average"] > chance_level(data)
    summary = trained.summary()
    assert json.loads(json.dumps(summary)) == summary
    assert summary["pictures"] == {"train": 72, "validation": 24, "test": 24}


def test_one_seed_gives_one_result(data: TrainingData, before: ALGCN) -> None:
    one, other = (run_training(data, Settings(epochs=2), before) for _ in range(2))
    assert one.compared == other.compared
    assert run_training(data, Settings(epochs=2, seed=1), before).compared != one.compared


@pytest.mark.parametrize("changes", [{"use_gcn": False}, {"adaptive": False}])
def test_without_a_graph_that_learns_there_is_no_change(data: TrainingData, before: ALGCN, changes: dict) -> None:
    news: list[Epoch] = []
    trained = run_training(data, Settings(epochs=1, **changes), before, news.append)
    assert news[0].change is None
    config = trained.result.model.config
    assert (config.use_gcn, config.adaptive) == (changes.get("use_gcn", True), changes.get("adaptive", True))


def test_mode_plus_is_watched_kept_and_opened(
    data: TrainingData, before: ALGCN, service: RetrievalService, tmp_path: Path
) -> None:
    news: list[Epoch] = []
    settings = Settings("plus", use_gcn=True, epochs=3)
    trained = run_training(data, settings, before, news.append)
    assert len(news) == 3 and all(entry.change is None for entry in news) and not settings.learns_graph
    assert (trained.config.mode, trained.config.epochs) == ("plus", 3) and not trained.stopped
    progress = Progress(3, data.features.label_set, 0.2)
    for entry in news:
        progress.note(entry)
    numbers, log = render_numbers(progress), progress.log
    assert "likelihood" in numbers and "invariance" not in numbers and progress.strongest(5) == []
    drawn = [trace["name"] for trace in loss_figure(log, 3)["data"]]
    assert drawn == ["total", "classification", "likelihood", "contrast"]
    assert json.loads(json.dumps(trained.summary()))["settings"]["epochs"] == 3
    bundle = keep_bundle(trained, service, tmp_path / "own")
    assert bundle.training == trained.config and bundle.history is None
    assert bundle.directed_graph.edges.shape == (6, 6) and not bundle.model.config.use_gcn
    card = (bundle.path / "README.md").read_text()
    assert "ALGCN in plus mode, with free classifiers and a directed label graph, seed 103" in card and "γ" not in card
    own = with_model(service, bundle, "your model")
    assert len(own.search_by_text("a boat").images) == 6
    write_zip(bundle, tmp_path / "own.zip")
    with zipfile.ZipFile(tmp_path / "own.zip") as archive:
        archive.extractall(tmp_path / "home")
    verify(tmp_path / "home" / "own")


def test_epochs_of_mode_plus_come_from_the_pictures(data: TrainingData) -> None:
    assert Settings("plus").epochs is None and Settings().epochs == Settings("paper").epochs == 20
    config = Settings("plus", seed=4).train_config(data.features)
    assert (config.batch_size, config.epochs, config.seed) == (72, 400, 4)
    with pytest.raises(InputError, match="epochs must be a whole number from 1 to 400"):
        Settings("plus", epochs=401)


def test_a_stop_keeps_the_best_so_far(data: TrainingData, before: ALGCN) -> None:
    news: list[Epoch] = []
    trained = run_training(data, Settings(epochs=50), before, news.append, lambda: len(news) == 2)
    assert trained.stopped
    assert len(trained.result.log) == len(news) == 2
    assert trained.record.selection.best_epoch in (1, 2)


def test_a_bundle_of_the_visitor_is_whole_and_opens(
    data: TrainingData, before: ALGCN, service: RetrievalService, tmp_path: Path
) -> None:
    trained = run_training(data, Settings(epochs=2), before)
    bundle = keep_bundle(trained, service, tmp_path / "visitor" / "your-model")
    assert bundle.encoder() is service.encoder  # no second copy in memory
    assert all(file.is_symlink() for file in (bundle.path / "encoder").iterdir())  # nor on disk
    assert bundle.history["learned_change"].shape == (3, 6, 6)
    assert set(bundle.thresholds) == {"image", "text"}
    assert bundle.metrics["test"]["map"]["average"] == pytest.approx(trained.compared["this model"]["average"])
    assert bundle.training.epochs == 2

    own = with_model(service, bundle, "your model")
    assert own.name == "your model"
    assert own.key == service.key
    assert own.gallery.image_embeddings.shape == (6, 32)
    assert len(own.search_by_text("a boat").images) == 6
    assert len(service.search_by_text("a boat").images) == 6  # the shared one is as it was
    assert service.gallery.image_embeddings.shape == (6, 48)

    path = write_zip(bundle, tmp_path / "your-model.zip")
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        archive.extractall(tmp_path / "home")
    assert all(name.endswith((".safetensors", ".json", ".md")) or "/encoder/" in name for name in names)
    assert not any(entry.is_symlink() for entry in (tmp_path / "home").rglob("*"))
    verify(tmp_path / "home" / "your-model")
    assert Bundle.load(tmp_path / "home" / "your-model").fingerprint == bundle.fingerprint
    assert "mAP on pictures it was not trained on" in (tmp_path / "home" / "your-model" / "README.md").read_text()
    encoder = service.bundle.encoder_reference
    shutil.rmtree(bundle.path)
    assert any(encoder.iterdir())


def test_a_model_and_a_gallery_come_and_go_by_themselves(
    data: TrainingData, before: ALGCN, service: RetrievalService, tmp_path: Path
) -> None:
    bundle = keep_bundle(run_training(data, Settings(epochs=1), before), service, tmp_path / "own")
    assert description(service, service) == ""
    model = with_model(service, bundle, "your model")
    assert (has_own_model(model, service), has_own_gallery(model)) == (True, False)
    assert description(model, service) == "your own model"
    both = with_gallery(model, service.gallery, "secret")
    assert description(both, service) == "your own model and your own 6 pictures"
    assert both.gallery.image_embeddings.shape == (6, 32)
    gallery = with_model(both, service.bundle, service.name)
    assert description(gallery, service) == "your own 6 pictures"
    assert torch.equal(gallery.gallery.image_embeddings, service.gallery.image_embeddings)


def test_the_work_of_a_job_tells_a_story(
    data: TrainingData, service: RetrievalService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.training.data.training_data", lambda *_: data)
    settings = Settings(epochs=2)
    job = Jobs(1, "").start("somebody", training_work(service, settings, tmp_path), Waiting)
    news = [entry for some in job.watch(0.05) for entry in some]
    assert [type(entry) for entry in news] == [Progress, Epoch, Epoch, Phase]
    trained, bundle = job.result()
    assert bundle.path == tmp_path / "your-model"
    progress = news[0]
    assert (progress.best_epoch, progress.strongest(5), render_numbers(progress)) == (0, [], "")
    assert "Epoch 1 of 2" in render_progress(progress)
    for entry in news[1:3]:
        progress.note(entry)
    assert progress.best_epoch == trained.result.best_epoch
    assert "Epoch 2 of 2" in render_progress(progress)
    assert "Stopping" in render_progress(progress, stopping=True)
    names = set(data.features.label_set.names)
    strongest = progress.strongest(5)
    assert len(strongest) == 5
    assert all({source, target} <= names and source != target for source, target, _ in strongest)
    sizes = [abs(value) for *_, value in strongest]
    assert sizes == sorted(sizes, reverse=True)
    assert f"<dd>{trained.result.best_epoch}</dd>" in render_numbers(progress)
    assert render_result(trained).count("<tr") == 5

    without = Jobs(1, "").start("program", training_work(service, settings, None), Waiting)
    for _ in without.watch(0.05):
        pass
    assert without.result()[1] is None


def test_figures_are_plain_and_hold_what_happened(data: TrainingData, before: ALGCN) -> None:
    news: list[Epoch] = []
    run_training(data, Settings(epochs=3), before, news.append)
    log, names = [entry.report for entry in news], data.features.label_set.names
    scores, losses = map_figure(log, 3, 0.25), loss_figure(log, 3)
    change = change_figure(news[-1].change, names, [name[:3] for name in names])
    for figure in (scores, losses, change, map_figure([], 3, 0.25), loss_figure([], 3)):
        assert json.loads(json.dumps(figure, allow_nan=False)) == figure
    assert [trace["name"] for trace in scores["data"]] == ["image → text", "text → image", "a random ranking"]
    assert scores["data"][0]["x"] == [1, 2, 3]
    assert scores["data"][2]["y"] == [0.25, 0.25]
    assert all(trace["y"][0] == 1.0 for trace in losses["data"])
    assert losses["data"][0]["text"][1] == f"{log[1].losses['total']:.4f}"
    z = torch.tensor(change["data"][0]["z"])
    assert torch.allclose(z, news[-1].change.clone().fill_diagonal_(0.0), atol=1e-3)
    assert -change["data"][0]["zmin"] == change["data"][0]["zmax"] == pytest.approx(float(z.abs().max()), abs=1e-3)


def test_a_graph_that_did_not_change_has_no_strongest_edge() -> None:
    assert strongest_changes(torch.eye(3), 5) == []
    assert strongest_changes(torch.tensor([[9.0, -2.0], [1.0, 9.0]]), 1) == [(0, 1, -2.0)]


def test_names_of_a_gallery_are_no_markup() -> None:
    edges = [("<img src=x onerror=alert(1)>", "b & c", 0.5)]
    assert "<img" not in render_edges(edges)
    assert "b &amp; c" in render_edges(edges)


def test_waiting_is_said_in_words() -> None:
    assert str(Waiting(1)) == "2 models are being trained at the moment; yours is next."
    assert str(Waiting(3)) == "2 models are being trained at the moment; 2 more are before yours."


def test_the_default_is_the_papers(data: TrainingData) -> None:
    settings = Settings()
    assert (settings.gamma, settings.threshold, settings.learns_graph) == (0.5, 0.4, True)
    assert settings.model_config(data.features).gcn_layers == 3
    assert isinstance(Trained.stopped, property)
