"""Extraction: every pair gets the features of its image and text; a stopped run goes on; bad input is one sentence."""

from __future__ import annotations

import shutil

import pytest
import torch

from algcn import extract
from algcn.datasets.features import Features
from algcn.datasets.image_folder import read_image_folder
from algcn.encoders import load_encoder
from algcn.errors import InputError, run_command
from algcn.images import open_image
from algcn.labels import LabelSet, load_concepts


@pytest.fixture(scope="module")
def encoder(tiny_encoder_dir):
    return load_encoder(tiny_encoder_dir)


@pytest.fixture
def folder(tiny_gallery_dir, tmp_path):
    return shutil.copytree(tiny_gallery_dir, tmp_path / "photos")


def test_each_row_is_a_pair(folder, encoder):
    read = read_image_folder(folder)
    label_set = extract.label_set_of(read, load_concepts())
    features = extract.extract_features(read, encoder, label_set, batch_size=2, shard_size=3, progress=False)
    # night/boat.png has no text, beach_dog.webp has two
    assert features.file_names == [
        "beach.png", "beach_dog.webp", "beach_dog.webp", "street.jpg", "night/street.png", "unlabelled.png",
    ]  # fmt: skip
    texts = [text for item in read for text in item.texts]
    assert torch.allclose(features.text_features, encoder.encode_texts(texts), atol=1e-5)
    images = encoder.encode_images([open_image(folder / name) for name in features.file_names])
    assert torch.allclose(features.image_features, images, atol=1e-5)
    assert label_set.decode(features.labels)[1:3] == [["dog", "beach"]] * 2
    assert not features.labels[-1].any()
    assert features.encoder["fingerprint"] == encoder.fingerprint


def test_labels_keep_what_is_known_about_them(folder):
    with (folder / "metadata.csv").open("a", encoding="utf-8") as stream:
        stream.write("street.jpg,again,zeppelin|Car\n")
    label_set = extract.label_set_of(read_image_folder(folder), load_concepts())
    assert label_set.names == ["car", "boat", "dog", "street", "beach", "night", "zeppelin"]
    assert label_set[0].group == "transport" and label_set[0].synonyms
    assert label_set[4].source == "mined" and label_set[6].source == "annotated"


def test_split_by_hash_has_the_shares_and_does_not_move():
    splits = [extract.split_of(f"{number}.jpg") for number in range(5000)]
    assert 0.78 < splits.count("train") / 5000 < 0.82
    assert 0.08 < splits.count("validation") / 5000 < 0.12
    assert extract.split_of("00000.webp") == "validation"


def test_the_split_column_is_kept(folder, encoder):
    path = folder / "metadata.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([lines[0] + ",split", *(line + ",validation" for line in lines[1:])]), encoding="utf-8")
    read = read_image_folder(folder)
    features = extract.extract_features(read, encoder, extract.label_set_of(read), progress=False)
    assert set(features.split) == {"validation"}


class Killed(Exception):
    """Stands for the process being killed."""


class Counting:
    """An encoder that counts the images it is given and dies after so many."""

    def __init__(self, encoder, limit=None):
        self.encoder, self.limit, self.images = encoder, limit, 0
        self.reference, self.fingerprint = encoder.reference, encoder.fingerprint

    def encode_images(self, images):
        if self.limit is not None and self.images + len(images) > self.limit:
            raise Killed
        self.images += len(images)
        return self.encoder.encode_images(images)

    def encode_texts(self, texts):
        return self.encoder.encode_texts(texts)


def test_a_killed_run_goes_on_where_it_was(folder, encoder, tmp_path):
    read = read_image_folder(folder)
    label_set = extract.label_set_of(read)
    settings = {"batch_size": 1, "shard_size": 2, "progress": False}
    whole = extract.extract_features(read, encoder, label_set, **settings)
    parts = tmp_path / "out.parts"
    with pytest.raises(Killed):
        extract.extract_features(read, Counting(encoder, limit=3), label_set, parts=parts, **settings)
    assert len(list(parts.glob("*.safetensors"))) == 1
    second = Counting(encoder)
    resumed = extract.extract_features(read, second, label_set, parts=parts, **settings)
    assert second.images == 3  # of five: the first shard of two was there
    assert torch.equal(resumed.image_features, whole.image_features)
    assert torch.equal(resumed.text_features, whole.text_features)


def test_parts_of_other_work_or_damaged_ones_are_done_again(folder, encoder, tmp_path):
    read = read_image_folder(folder)
    label_set = extract.label_set_of(read)
    settings = {"batch_size": 1, "shard_size": 2, "progress": False, "parts": tmp_path / "out.parts"}
    extract.extract_features(read, encoder, label_set, **settings)
    done = Counting(encoder)
    extract.extract_features(read, done, label_set, **settings)
    assert done.images == 0
    part = next(settings["parts"].glob("*.safetensors"))
    part.write_bytes(part.read_bytes()[:50])
    damaged = Counting(encoder)
    extract.extract_features(read, damaged, label_set, **settings)
    assert 0 < damaged.images <= 2
    shutil.copyfile(folder / "street.jpg", folder / "beach.png")  # an image was replaced
    changed = Counting(encoder)
    extract.extract_features(read, changed, label_set, **settings)
    assert changed.images == 5


def test_command(folder, tiny_bundle_dir, tmp_path, capsys):
    out = tmp_path / "features.safetensors"
    extract.main([str(folder), "--bundle", str(tiny_bundle_dir), "--out", str(out), "--batch-size", "2"])
    features = Features.load(out)
    assert len(features) == 6
    assert "6 pairs of 5 images" in capsys.readouterr().out
    assert not out.with_name(out.name + ".parts").exists()


def test_a_damaged_image_is_named_and_nothing_is_lost(folder, tiny_encoder_dir, tmp_path, capsys):
    (folder / "street.jpg").write_bytes((folder / "street.jpg").read_bytes()[:200])
    out = tmp_path / "features.safetensors"
    arguments = [str(folder), "--encoder", str(tiny_encoder_dir), "--out", str(out)]
    assert run_command(extract.main, arguments) == 2
    error = capsys.readouterr().err
    assert "street.jpg" in error and "Traceback" not in error
    assert not out.exists()


def test_bad_input_is_one_sentence(folder, encoder, tiny_encoder_dir, tmp_path):
    (tmp_path / "labels.json").write_text('["beach", "boat"]')
    base = ["--encoder", str(tiny_encoder_dir), "--out", str(tmp_path / "out.safetensors")]
    with pytest.raises(InputError, match="row 3: there is no label 'dog'"):
        extract.main([str(folder), *base, "--labels", str(tmp_path / "labels.json")])
    with pytest.raises(InputError, match="the device 'toaster' cannot be used here"):
        extract.main([str(folder), *base, "--device", "toaster"])
    with pytest.raises(InputError, match="--batch-size 0"):
        extract.main([str(folder), *base, "--batch-size", "0"])
    (folder / "metadata.csv").write_text("file_name,text\nbeach.png,\nstreet.jpg,\u0007\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"no image of .* has a text"):
        extract.extract_features(read_image_folder(folder), encoder, LabelSet([]), progress=False)
