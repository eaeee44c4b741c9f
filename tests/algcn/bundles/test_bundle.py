"""Bundles: what is saved is what is loaded, and whatever is wrong is said."""

from __future__ import annotations

import json
import os
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import TINY_LABELS, TINY_WIDTH, write_tiny_encoder
from curves import calibration
from safetensors.torch import load_file, save_file

from algcn.bundles.bundle import Bundle
from algcn.bundles.manifest import damaged_files, self_contained, verify, write_config
from algcn.bundles.saving import save_bundle, update_bundle
from algcn.evaluation.probabilities import PlattScale
from algcn.evaluation.ranking import BALANCED, Ranking, Weights
from algcn.features.encoder import load_encoder
from algcn.kit.errors import InputError
from algcn.method.config import ModelConfig, TrainConfig
from algcn.method.labels import LabelSet
from algcn.method.model import ALGCN

LABELS = LabelSet(TINY_LABELS)


@pytest.fixture
def folder(tiny_bundle_dir: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    return Path(shutil.copytree(tiny_bundle_dir, tmp_path / "bundle"))


def make_model(**changes) -> ALGCN:
    sizes = {"image_dim": TINY_WIDTH, "text_dim": TINY_WIDTH, "num_labels": len(LABELS), "common_dim": 16}
    return ALGCN(ModelConfig(**{**sizes, "label_dim": 8, **changes}), torch.eye(len(LABELS)) + 0.25)


def change_config(folder: Path, **changes) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_what_is_saved_is_loaded(tmp_path: Path, tiny_encoder_dir: Path) -> None:
    model = make_model(gcn_layers=2, gamma=0.25)
    history = {"learned_change": torch.rand(3, 6, 6), "classifiers": torch.rand(3, 6, 16).half()}
    thresholds = {"image": torch.linspace(0, 1, 6), "text": torch.linspace(1, 0, 6)}
    training = TrainConfig(epochs=3, seed=5)
    path = save_bundle(
        tmp_path / "deep" / "bundle",
        model,
        LABELS,
        encoder=tiny_encoder_dir,
        training=training,
        thresholds=thresholds,
        metrics={"map": {"average": 0.5}},
        history=history,
        readme="# A card\n",
    )
    loaded = Bundle.load(path)
    assert loaded.model.config == model.config
    assert not loaded.model.training
    for name, value in model.state_dict().items():
        torch.testing.assert_close(loaded.model.state_dict()[name], value, rtol=0, atol=0)
    assert loaded.label_set == LABELS
    assert loaded.training == training
    assert loaded.metrics == {"map": {"average": 0.5}}
    for name in history:
        torch.testing.assert_close(loaded.history[name], history[name], rtol=0, atol=0)
        assert loaded.history[name].dtype == history[name].dtype
    for name in thresholds:
        torch.testing.assert_close(loaded.thresholds[name], thresholds[name], atol=1e-6, rtol=0)
    assert (path / "README.md").read_text() == "# A card\n"
    assert loaded.encoder().fingerprint == loaded.encoder_fingerprint
    assert len(verify(path)) == 5
    assert sorted(os.listdir(path.parent)) == ["bundle"]  # nothing half-written is left beside it


def test_the_smallest_bundle(tmp_path: Path) -> None:
    loaded = Bundle.load(save_bundle(tmp_path / "bundle", make_model(), LABELS))
    assert (loaded.metrics, loaded.history, loaded.training, loaded.thresholds) == (None, None, None, {})
    with pytest.raises(InputError, match="has no encoder"):
        loaded.encoder()


def test_what_a_search_ranks_by(folder: Path) -> None:
    plain = Bundle.load(folder)
    assert (plain.ranking.weights, plain.probabilities) == (Weights(1.0, 0.0, 0.5), {})
    scale = PlattScale(torch.linspace(1, 4, len(LABELS)), torch.linspace(-2, 0, len(LABELS)))
    rule = Ranking(BALANCED, Weights(0.1, 1.5, 0.2), torch.linspace(0.5, 1.5, len(LABELS)))
    update_bundle(folder, probabilities={"image": scale, "text": scale}, ranking=rule)
    loaded = Bundle.load(folder)
    assert (loaded.ranking.weights, loaded.ranking.spreads) == (BALANCED, rule.spreads)
    torch.testing.assert_close(loaded.ranking.rarity, rule.rarity, atol=1e-6, rtol=0)
    for modality in ("image", "text"):
        torch.testing.assert_close(loaded.probabilities[modality].slope, scale.slope, atol=1e-6, rtol=0)
        torch.testing.assert_close(loaded.probabilities[modality].intercept, scale.intercept, atol=1e-6, rtol=0)
    save_bundle(folder, plain.model, LABELS, probabilities=loaded.probabilities, ranking=loaded.ranking)
    again = Bundle.load(folder)
    assert again.ranking.to_json() == rule.to_json() and set(again.probabilities) == {"image", "text"}


def test_bundles_of_before_there_were_probabilities_open(folder: Path) -> None:
    change_config(folder, ranking={"encoder_weight": 2})
    assert Bundle.load(folder).ranking.weights == Weights(1.0, 0.0, 2.0)
    config = json.loads((folder / "config.json").read_text())
    del config["ranking"], config["label_probabilities"]  # as they were before there was a choice
    (folder / "config.json").write_text(json.dumps(config))
    assert Bundle.load(folder).ranking.weights == Weights(1.0, 0.0, 0.5)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"ranking": {"encoder_weight": -1}}, "weight of the encoder"),
        ({"ranking": [1]}, "ranking must be an object"),
        ({"ranking": {"weights": {}}}, "ranking must be an object"),
        ({"label_probabilities": {"image": {"slope": [1.0]}}}, "probabilities of labels must be"),
        ({"label_probabilities": [1]}, "probabilities of labels must be"),
    ],
)
def test_a_damaged_rule_of_ranking_is_one_sentence(folder: Path, values: dict[str, object], sentence: str) -> None:
    change_config(folder, **values)
    with pytest.raises(InputError, match=rf"config\.json cannot be used\. .*{sentence}"):
        Bundle.load(folder)


CALIBRATION = calibration(["text_to_image"], low=0.1, high=0.9)


def test_a_calibration_is_kept_and_one_of_a_former_kind_is_left_out(folder: Path) -> None:
    assert Bundle.load(folder).calibration is None
    update_bundle(folder, calibration=CALIBRATION)
    assert Bundle.load(folder).calibration.probability("text_to_image", np.zeros(4)) == pytest.approx(0.5)
    update_bundle(folder, ranking=Ranking.of_encoder_weight(1.0, len(LABELS)))
    assert Bundle.load(folder).calibration is not None  # chances are no matter of what is ranked by
    former = {"scores": [0.0, 1.0], "probabilities": [0.1, 0.9]}
    change_config(folder, calibration={"encoder_weight": 1.0, "curves": {"text_to_image": former}})
    assert Bundle.load(folder).calibration is None
    change_config(folder, calibration={"cutoff": 1.0})
    with pytest.raises(InputError, match=r"config\.json.* calibration must be an object"):
        Bundle.load(folder)


def test_the_model_without_the_gcn_is_kept_small_and_read_late(folder: Path) -> None:
    without = make_model(use_gcn=False)
    save_bundle(folder, make_model(), LABELS, without_gcn=without)
    size = (folder / "without_gcn.safetensors").stat().st_size
    assert size < 2 * sum(value.numel() for value in without.state_dict().values()) + 1000
    loaded = Bundle.load(folder)
    assert not loaded.without_gcn.config.use_gcn and not loaded.without_gcn.training
    for name, value in without.state_dict().items():
        kept = loaded.without_gcn.state_dict()[name]
        assert kept.dtype == torch.float32
        torch.testing.assert_close(kept, value, atol=1e-3, rtol=1e-3)
    assert loaded.without_gcn is loaded.without_gcn
    with pytest.raises(InputError, match="must be of the same sizes as the model, and have no GCN"):
        save_bundle(folder, make_model(), LABELS, without_gcn=make_model())

    (folder / "without_gcn.safetensors").write_bytes(b"cut off")
    late = Bundle.load(folder)  # a search does without it
    with pytest.raises(InputError, match=r"without_gcn\.safetensors is damaged or was changed"):
        _ = late.without_gcn
    assert damaged_files(folder) == ["without_gcn.safetensors"]


def test_what_is_added_changes_no_embedding_and_so_no_fingerprint(folder: Path) -> None:
    before = Bundle.load(folder)
    assert before.without_gcn is None
    without = ALGCN(before.model.config.replace(use_gcn=False))
    update_bundle(folder, without_gcn=without, calibration=CALIBRATION, metrics={"more": 1})
    after = Bundle.load(folder)
    assert after.without_gcn is not None and after.calibration is not None
    assert (after.fingerprint, after.encoder_fingerprint) == (before.fingerprint, before.encoder_fingerprint)
    assert "without_gcn.safetensors" in verify(folder)


def test_files_are_readable_by_others_as_the_umask_says(folder: Path, tmp_path: Path) -> None:
    ordinary = tmp_path / "ordinary"
    ordinary.touch()
    path = save_bundle(tmp_path / "new", make_model(), LABELS, encoder=folder / "encoder", readme="x")
    assert {f.stat().st_mode & 0o777 for f in path.rglob("*") if f.is_file()} == {ordinary.stat().st_mode & 0o777}


def test_loading_leaves_the_random_stream_alone(tiny_bundle_dir: Path) -> None:
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    Bundle.load(tiny_bundle_dir)
    torch.testing.assert_close(torch.rand(3), expected)


def test_the_encoder_is_loaded_once_even_by_several_threads(tiny_bundle_dir: Path) -> None:
    loaded = Bundle.load(tiny_bundle_dir)
    found: list = []
    threads = [threading.Thread(target=lambda: found.append(loaded.encoder())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len({id(encoder) for encoder in found}) == 1


@pytest.mark.parametrize("moment", range(4))
def test_a_writer_that_is_killed_while_it_replaces_a_bundle_loses_nothing(
    moment: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It dies before the first rename, after it, after the second, and while the old bundle is deleted."""
    (folder / "notes.txt").write_text("mine")
    renames = []
    rename, rmtree = Path.rename, shutil.rmtree

    def dying_rename(self: Path, target: Path) -> Path:
        renames.append(self)
        if len(renames) > moment:
            raise KeyboardInterrupt
        return rename(self, target)

    def dying_rmtree(path: Path, **options: bool) -> None:
        if path.suffix == ".old":
            raise KeyboardInterrupt
        rmtree(path, **options)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Path, "rename", dying_rename)
        patch.setattr("algcn.bundles.saving.shutil.rmtree", dying_rmtree)
        save_bundle(folder, make_model(), LABELS)
    save_bundle(folder, make_model(gamma=0.5), LABELS)
    assert verify(folder)
    assert Bundle.load(folder).model.config.gamma == 0.5
    assert (folder / "notes.txt").read_text() == "mine"
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_saving_again_replaces_the_bundle_and_keeps_what_is_not_its_own(folder: Path) -> None:
    (folder / "notes.txt").write_text("mine")
    (folder / "README.md").write_text("# My card\n")
    before = Bundle.load(folder).fingerprint
    # The encoder that goes in may be the one that is there.
    save_bundle(folder, make_model(), LABELS, encoder=folder / "encoder")
    assert Bundle.load(folder).fingerprint != before
    assert verify(folder)
    assert (folder / "notes.txt").read_text() == "mine"
    assert (folder / "README.md").read_text() == "# My card\n"
    assert sorted(os.listdir(folder.parent)) == ["bundle"]


def test_a_failed_save_leaves_the_old_bundle(folder: Path, tmp_path: Path) -> None:
    before = Bundle.load(folder).fingerprint
    with pytest.raises(InputError, match="There is no encoder folder"):
        save_bundle(folder, make_model(), LABELS, encoder=tmp_path / "nothing")
    assert Bundle.load(folder).fingerprint == before
    assert sorted(os.listdir(folder.parent)) == ["bundle"]


def test_parts_that_do_not_fit_are_not_saved(tmp_path: Path, tiny_encoder_dir: Path) -> None:
    with pytest.raises(InputError, match="model has 6 labels; give as many names, not 5"):
        save_bundle(tmp_path / "b", make_model(), LABELS.subset(TINY_LABELS[:5]))
    with pytest.raises(InputError, match="gives 32 features, but the model takes 64"):
        save_bundle(tmp_path / "b", make_model(image_dim=64), LABELS, encoder=tiny_encoder_dir)
    with pytest.raises(InputError, match="6 numbers each"):
        save_bundle(tmp_path / "b", make_model(), LABELS, thresholds={"image": torch.zeros(5)})
    assert not (tmp_path / "b").exists()


def test_update_changes_metrics_card_and_thresholds(folder: Path) -> None:
    update_bundle(folder, metrics={"seeds": 3}, readme="# New\n", thresholds={"image": torch.ones(6)})
    loaded = Bundle.load(folder)
    assert (loaded.metrics, loaded.thresholds["image"].tolist()) == ({"seeds": 3}, [1.0] * 6)
    assert (folder / "README.md").read_text() == "# New\n"
    assert "metrics.json" in verify(folder)


def test_the_model_card_may_be_edited(folder: Path) -> None:
    (folder / "README.md").write_text("edited on the Hub")
    assert verify(folder)


def test_what_is_no_bundle_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no bundle at"):
        Bundle.load(tmp_path / "nothing")
    with pytest.raises(InputError, match=r"is no bundle: it has no config\.json"):
        Bundle.load(tmp_path)


@pytest.mark.parametrize("content", ["", "{", "[1]", "\x00\x01"])
def test_a_config_that_is_no_json(folder: Path, content: str) -> None:
    (folder / "config.json").write_text(content)
    with pytest.raises(InputError, match=r"config\.json (is not readable JSON|must hold a JSON object)"):
        Bundle.load(folder)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"format": 2}, "written in bundle format 2 and this version reads 1"),
        ({"files": None}, "no list of files"),
        ({"files": {}}, "does not name model.safetensors"),
        ({"files": {"../secret": "0"}}, "is no part of a bundle"),
        ({"files": {"/etc/passwd": "0"}}, "is no part of a bundle"),
        ({"labels": ["one", "two"]}, "lists 2 labels, but its model has 6"),
        ({"labels": "dog"}, "config.json.* The labels must be a list"),
        ({"model": {"image_dim": 32}}, "config.json.* ModelConfig needs"),
        ({"thresholds": {"image": [1, 2]}}, "must be 6 numbers"),
        ({"encoder": "../elsewhere"}, "names no usable encoder"),
        ({"encoder": {"reference": "hf-hub:a/b", "revision": "main"}}, "names no usable encoder"),
    ],
)
def test_a_config_at_fault_is_named(folder: Path, changes: dict, sentence: str) -> None:
    change_config(folder, **changes)
    with pytest.raises(InputError, match=sentence) as caught:
        Bundle.load(folder)
    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["model.safetensors", "metrics.json", "history.safetensors"])
def test_a_missing_or_changed_file_is_named(folder: Path, name: str) -> None:
    save_bundle(folder, make_model(), LABELS, metrics={"a": 1}, history={"x": torch.ones(1)})
    data = (folder / name).read_bytes()
    (folder / name).write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(InputError, match=f"{name} is damaged or was changed"):
        Bundle.load(folder)
    assert damaged_files(folder) == [name]
    (folder / name).unlink()
    with pytest.raises(InputError, match=f"lacks {name}"):
        Bundle.load(folder)
    assert damaged_files(folder) == [name]


def test_a_damaged_encoder_is_found_when_it_is_asked_for(folder: Path) -> None:
    weights = folder / "encoder" / "open_clip_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    loaded = Bundle.load(folder)
    with pytest.raises(InputError, match=r"open_clip_model\.safetensors is damaged or was changed"):
        loaded.encoder()
    with pytest.raises(InputError, match="is damaged or was changed"):
        verify(folder)
    assert damaged_files(folder) == ["encoder/open_clip_model.safetensors"]


def test_damage_that_the_hashes_do_not_show(folder: Path) -> None:
    """A bundle that was saved wrong: the hashes fit, the contents do not."""
    weights = folder / "model.safetensors"
    state = load_file(weights)
    state.pop("instance.image.weight")
    save_file(state, weights)
    config = json.loads((folder / "config.json").read_text())
    write_config(folder, config)
    with pytest.raises(InputError, match="does not fit the model that") as caught:
        Bundle.load(folder)
    assert "\n" not in str(caught.value)
    weights.write_bytes(b"no safetensors")
    write_config(folder, config)
    with pytest.raises(InputError, match=r"model\.safetensors is damaged or cut off"):
        Bundle.load(folder)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda tensor: tensor * float("nan"), r"instance\.image\.bias holds a NaN"),
        (lambda tensor: tensor.to(torch.complex64), r"instance\.image\.bias holds complex numbers"),
        (lambda tensor: tensor[:3], r"instance\.image\.bias has the shape \(3,\) and should have \(\d+,\)"),
    ],
)
def test_weights_that_are_none(folder: Path, change, said: str) -> None:
    state = load_file(folder / "model.safetensors")
    save_file({**state, "instance.image.bias": change(state["instance.image.bias"])}, folder / "model.safetensors")
    write_config(folder, json.loads((folder / "config.json").read_text()))
    with pytest.raises(InputError, match=rf"does not fit the model that config\.json describes \({said}"):
        Bundle.load(folder)


def test_tensors_that_the_model_has_not(folder: Path) -> None:
    save_file({**load_file(folder / "model.safetensors"), "more": torch.ones(2)}, folder / "model.safetensors")
    write_config(folder, json.loads((folder / "config.json").read_text()))
    with pytest.raises(InputError, match="it has tensors that no such model has"):
        Bundle.load(folder)


@pytest.mark.parametrize("name", ["image_dim", "common_dim", "label_dim", "gcn_layers"])
@pytest.mark.parametrize("size", [10**6, 10**12, 10**30])
def test_sizes_that_the_weights_do_not_have(folder: Path, name: str, size: int) -> None:
    """A config may claim any size; no memory is taken for it."""
    change_config(folder, model={**json.loads((folder / "config.json").read_text())["model"], name: size})
    with pytest.raises(InputError, match="does not fit the model that"):
        Bundle.load(folder)


HUGE = {"scores": [10**400] * 2, "probabilities": [0, 1]}


def test_configs_that_are_hardly_json(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    for changes, message in (
        ({"files": {**config["files"], "": ""}}, "names the file '', which is no part of a bundle"),
        ({"files": {**config["files"], "encoder/" + "x" * 300: ""}}, "lacks encoder/xxx"),
        ({"thresholds": {"image": [None] * 6}}, "thresholds of pictures and of texts must be 6 numbers"),
        ({"thresholds": {"image": [10**400] * 6}}, "thresholds of pictures and of texts must be 6 numbers"),
        ({"calibration": {"cutoff": 0, "curves": {"image_to_text": HUGE}}}, "calibration must be an object"),
    ):  # fmt: skip
        change_config(folder, **{**config, **changes})
        with pytest.raises(InputError, match=message):
            verify(folder)
            Bundle.load(folder)
    (folder / "config.json").write_text('{"format": ' + "[" * 100_000)
    with pytest.raises(InputError, match=r"config\.json is not readable JSON"):
        Bundle.load(folder)
    assert damaged_files(folder) == ["config.json"]


def test_another_encoder_of_the_right_width_changes_the_fingerprint(folder: Path, tmp_path: Path) -> None:
    model = Bundle.load(folder).model
    save_bundle(tmp_path / "other", model, LABELS, encoder=write_tiny_encoder(tmp_path / "encoder", seed=3))
    one, other = Bundle.load(folder), Bundle.load(tmp_path / "other")
    assert one.encoder_fingerprint != other.encoder_fingerprint
    assert one.fingerprint != other.fingerprint


def test_an_encoder_may_be_linked_and_shared(tmp_path: Path, tiny_encoder_dir: Path, tiny_bundle_dir: Path) -> None:
    """A bundle beside others on the same encoder costs neither its megabytes on disk nor a second copy in memory."""
    first = Bundle.load(tiny_bundle_dir)
    path = save_bundle(tmp_path / "own", first.model, first.label_set, encoder=tiny_encoder_dir, link_encoder=True)
    assert all(file.is_symlink() for file in (path / "encoder").iterdir())
    verify(path)
    own = Bundle.load(path)
    assert own.fingerprint == first.fingerprint
    own.adopt_encoder(first.encoder())
    assert own.encoder() is first.encoder()
    shutil.rmtree(path)
    assert any(tiny_encoder_dir.iterdir())  # what the links pointed to is still there


def test_an_encoder_of_another_bundle_is_not_adopted(folder: Path, tmp_path: Path) -> None:
    other = load_encoder(write_tiny_encoder(tmp_path / "encoder", seed=3))
    with pytest.raises(InputError, match="is not the one that the bundle"):
        Bundle.load(folder).adopt_encoder(other)


def save_beside(tmp_path: Path, tiny_bundle_dir: Path) -> Path:
    """A bundle of pictures and bags of words beside one whose encoder it uses for the pictures."""
    shutil.copytree(tiny_bundle_dir, tmp_path / "weights" / "tiny")
    model = make_model(text_dim=50)
    return save_bundle(tmp_path / "weights" / "bags", model, LABELS, encoder_bundle="tiny", encodes={"image"})


def test_a_bundle_says_what_its_encoder_reads(tmp_path: Path, tiny_encoder_dir: Path, folder: Path) -> None:
    assert Bundle.load(folder).encodes == {"image", "text"}
    assert Bundle.load(save_bundle(tmp_path / "none", make_model(), LABELS)).encodes == frozenset()
    model = make_model(text_dim=50)
    path = save_bundle(tmp_path / "bags", model, LABELS, encoder=tiny_encoder_dir, encodes={"image"})
    loaded = Bundle.load(path)
    assert loaded.encodes == {"image"} and loaded.encoder().width == TINY_WIDTH
    with pytest.raises(InputError, match="gives 32 features, but the model takes 32 for an image and 50 for a text"):
        save_bundle(tmp_path / "bad", model, LABELS, encoder=tiny_encoder_dir)
    with pytest.raises(InputError, match="must be a list of 'image', 'text' or both"):
        save_bundle(tmp_path / "bad", model, LABELS, encoder=tiny_encoder_dir, encodes=())
    for value in ("image", ["sound"], [], 1, {"image": 1}, [["image"]]):
        change_config(path, encodes=value)
        with pytest.raises(InputError, match=r"config\.json .* What the encoder encodes"):
            Bundle.load(path)


def test_an_encoder_may_stay_in_the_bundle_beside(tmp_path: Path, tiny_bundle_dir: Path) -> None:
    path = save_beside(tmp_path, tiny_bundle_dir)
    beside = Bundle.load(path.parent / "tiny")
    assert not (path / "encoder").exists()
    loaded = Bundle.load(path)
    assert loaded.encoder_fingerprint == beside.encoder_fingerprint
    assert loaded.encoder().fingerprint == beside.encoder_fingerprint
    assert verify(path) == ["model.safetensors"] and damaged_files(path) == []
    with self_contained(path) as whole:
        assert whole != path
        alone = Path(shutil.copytree(whole, tmp_path / "alone"))
    assert Bundle.load(alone).fingerprint == loaded.fingerprint
    assert Bundle.load(alone).encodes == {"image"} and Bundle.load(alone).encoder().width == TINY_WIDTH
    with self_contained(alone) as whole:
        assert whole == alone
    update_bundle(path, metrics={"a": 1})
    assert Bundle.load(path).encoder_fingerprint == beside.encoder_fingerprint


def test_what_is_wrong_with_the_bundle_beside_is_said(tmp_path: Path, tiny_bundle_dir: Path) -> None:
    path = save_beside(tmp_path, tiny_bundle_dir)
    beside = path.parent / "tiny"

    def refused(sentence: str) -> None:
        Bundle.load(path)  # a look at its labels does without the encoder
        for ask in (Bundle.load(path).encoder, lambda: verify(path), lambda: self_contained(path).__enter__()):
            with pytest.raises(InputError, match=sentence) as caught:
                ask()
            assert "\n" not in str(caught.value)

    weights = beside / "encoder" / "open_clip_model.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[:-100])
    refused(r"open_clip_model\.safetensors is damaged or was changed")
    weights.write_bytes(content)
    save_bundle(beside, make_model(), LABELS, encoder=write_tiny_encoder(tmp_path / "other", seed=3))
    refused("has not the encoder that the bundle")
    save_bundle(beside, make_model(), LABELS)
    refused("has not the encoder that the bundle")
    shutil.rmtree(beside)
    refused("uses the encoder of the bundle 'tiny' beside it; put it at")


@pytest.mark.parametrize("name", ["../tiny", "/tiny", "..", ".", "", "a/b", "a\\b", ".hidden", "tiny\n", 5, None])
def test_a_bundle_beside_is_a_name_and_no_path(tmp_path: Path, tiny_bundle_dir: Path, name: object) -> None:
    path = save_beside(tmp_path, tiny_bundle_dir)
    change_config(path, encoder={"bundle": name, "fingerprint": "0" * 16})
    with pytest.raises(InputError, match="names no usable encoder"):
        Bundle.load(path)
    if isinstance(name, str):
        with pytest.raises(InputError, match=r"There is no bundle .* beside"):
            save_bundle(path, make_model(text_dim=50), LABELS, encoder_bundle=name, encodes={"image"})


def test_only_an_encoder_of_ones_own_can_be_shared(tmp_path: Path, tiny_bundle_dir: Path) -> None:
    path = save_beside(tmp_path, tiny_bundle_dir)
    for name in ("bags", "third"):  # itself, and one that borrows
        with pytest.raises(InputError, match=r"There is no bundle .* beside"):
            save_bundle(path.parent / "third", make_model(text_dim=50), LABELS, encoder_bundle=name, encodes={"image"})
    with pytest.raises(InputError, match="There is no bundle at"):
        save_bundle(path, make_model(text_dim=50), LABELS, encoder_bundle="none", encodes={"image"})
    with pytest.raises(InputError, match="gives 32 features"):
        save_bundle(path, make_model(text_dim=50), LABELS, encoder_bundle="tiny")
