"""Which encoder a training run puts into its bundle, and for what."""

from __future__ import annotations

import dataclasses
import shutil

import pytest
import torch
from conftest import write_tiny_encoder

from algcn import train as training
from algcn.bundles.bundle import Bundle
from algcn.bundles.encoder import ChosenEncoder, choose_encoder
from algcn.kit.errors import InputError


@pytest.fixture
def features(make_features, tiny_bundle_dir):
    """Pictures as the tiny bundle's encoder would see them, beside bags of words."""
    made = make_features(60)
    about = {"image": str(tiny_bundle_dir / "encoder"), "text": "bag of words", "fingerprint": "of both"}
    return dataclasses.replace(
        made,
        image_features=made.image_features.repeat(1, 2),
        encoder={**about, "image_fingerprint": Bundle.load(tiny_bundle_dir).encoder_fingerprint},
    )


def test_pictures_of_an_encoder_beside_bags_of_words(features, tiny_bundle_dir, tmp_path):
    chosen = choose_encoder(features, "new")
    assert chosen == ChosenEncoder(str(tiny_bundle_dir / "encoder"), frozenset({"image"}))
    assert chosen.results() is None
    with pytest.raises(InputError, match="were not made by the encoder"):
        choose_encoder(features, "new", encoder=str(write_tiny_encoder(tmp_path / "other", seed=3)))


def test_both_sides_of_one_encoder(features, tiny_bundle_dir):
    reference = str(tiny_bundle_dir / "encoder")
    both = dataclasses.replace(
        features,
        text_features=torch.cat([features.image_features[:, :20], features.text_features], dim=1),
        encoder={"reference": reference, "fingerprint": features.encoder["image_fingerprint"]},
    )
    chosen = choose_encoder(both, "new")
    assert chosen == ChosenEncoder(reference)


def test_features_that_name_no_encoder_or_one_that_is_not_here(features, tmp_path, capsys):
    vgg = dataclasses.replace(features, encoder={"image": "vgg19 fc7", "text": "bag of words", "fingerprint": "x"})
    assert choose_encoder(vgg, "new") == ChosenEncoder(None)
    assert "name no encoder" in choose_encoder(vgg, "new").note
    away = dataclasses.replace(features, encoder=features.encoder | {"image": "some/where"})
    assert "'some/where', the features' encoder, is not here" in choose_encoder(away, "new").note
    path = tmp_path / "features.safetensors"
    away.save(path)
    for quiet, said in (([], 1), (["--quiet"], 0)):
        training.main([str(path), "--out", str(tmp_path / "new"), "--epochs", "1", "--common-dim", "16", *quiet])
        out, err = capsys.readouterr()
        assert err.count("is not here, so the bundle has none") == said and "note" not in out
        assert out.count("epoch 1/1") == said and "picked on validation" in out


def test_the_encoder_of_the_bundle_beside(features, tiny_bundle_dir, tmp_path):
    shutil.copytree(tiny_bundle_dir, tmp_path / "tiny")
    path, out = tmp_path / "features.safetensors", tmp_path / "new"
    features.save(path)
    training.main([str(path), "--out", str(out), "--epochs", "1", "--common-dim", "16", "--encoder-of", "tiny"])
    bundle = Bundle.load(out)
    assert bundle.config["encoder"] == {"bundle": "tiny", "fingerprint": bundle.encoder_fingerprint}
    assert bundle.encodes == {"image"} and bundle.ranking.weights.encoder == 0
    # Nothing to rank by, but whether a label is shown can be said.
    assert set(bundle.calibration.curves) == {"name_to_image", "name_to_text"}
    assert "ranking" not in bundle.metrics and not (out / "encoder").exists()
    for name, message in (("../tiny", "There is no bundle .* beside"), ("nobody", "There is no bundle at")):
        with pytest.raises(InputError, match=message):
            choose_encoder(features, out, encoder_of=name)
