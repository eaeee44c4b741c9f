"""Extraction: every pair gets the features of its image and text; a stopped run goes on; bad input is one sentence."""

from __future__ import annotations

import json
import multiprocessing
import random
import shutil
import time

import numpy
import pytest
import torch
from PIL import Image

from algcn import extract
from algcn.bundles.bundle import Bundle
from algcn.bundles.saving import save_bundle
from algcn.datasets.concepts import load_concepts
from algcn.datasets.features import Features
from algcn.datasets.image_folder import read_image_folder
from algcn.features import extraction
from algcn.features.bag_of_words import BagOfWords
from algcn.features.encoder import load_encoder
from algcn.features.sources import EncoderImages, EncoderTexts, Sources
from algcn.kit.errors import InputError, run_command
from algcn.kit.images import open_image
from algcn.method.config import ModelConfig
from algcn.method.labels import LabelSet
from algcn.method.model import ALGCN


@pytest.fixture(scope="module")
def encoder(tiny_encoder_dir):
    return load_encoder(tiny_encoder_dir)


@pytest.fixture
def folder(tiny_gallery_dir, tmp_path):
    return shutil.copytree(tiny_gallery_dir, tmp_path / "photos")


def test_each_row_is_a_pair(folder, encoder):
    read = read_image_folder(folder)
    label_set = extraction.label_set_of(read, load_concepts())
    features = extraction.extract_features(read, encoder, label_set, batch_size=2, shard_size=3, progress=False)
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
    label_set = extraction.label_set_of(read_image_folder(folder), load_concepts())
    assert label_set.names == ["car", "boat", "dog", "street", "beach", "night", "zeppelin"]
    assert label_set[0].group == "transport" and label_set[0].synonyms
    assert label_set[4].source == "mined" and label_set[6].source == "annotated"


def test_split_by_hash_has_the_shares_and_does_not_move():
    splits = [extraction.split_of(f"{number}.jpg") for number in range(5000)]
    assert 0.78 < splits.count("train") / 5000 < 0.82
    assert 0.08 < splits.count("validation") / 5000 < 0.12
    assert extraction.split_of("00000.webp") == "validation"


def test_the_split_column_is_kept(folder, encoder):
    path = folder / "metadata.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([lines[0] + ",split", *(line + ",validation" for line in lines[1:])]), encoding="utf-8")
    read = read_image_folder(folder)
    features = extraction.extract_features(read, encoder, extraction.label_set_of(read), progress=False)
    assert set(features.split) == {"validation"}


class Killed(Exception):
    """Stands for the process being killed."""


class Counting(EncoderImages):
    """Image features that count the images and die after so many."""

    def __init__(self, encoder, limit=None):
        super().__init__(encoder)
        self.limit, self.images = limit, 0

    def encode(self, pixels):
        if self.limit is not None and self.images + len(pixels) > self.limit:
            raise Killed
        self.images += len(pixels)
        return super().encode(pixels)


@pytest.fixture
def count(folder, encoder, tmp_path):
    """Extract into one file, in shards of two images; how many images were encoded, and the file."""
    out = tmp_path / "out.safetensors"

    def run(limit=None, path=out):
        read = read_image_folder(folder)
        images = Counting(encoder, limit)
        sources = Sources(images, EncoderTexts(encoder))
        work = extraction.Work(read, sources, extraction.label_set_of(read), batch_size=1, shard_size=2, progress=False)
        try:
            extraction.extract_file(work, path)
        except Killed:
            return images.images, None
        return images.images, path.read_bytes()

    return run


def test_a_killed_run_goes_on_where_it_was(count, tmp_path):
    _, whole = count(path=tmp_path / "whole.safetensors")
    assert count(limit=3) == (3, None)
    parts = tmp_path / "out.safetensors.parts"
    assert len(list(parts.glob("*.safetensors"))) == 1 and not (tmp_path / "out.safetensors").exists()
    encoded, resumed = count()
    assert encoded == 3  # of five: the first shard of two was there
    assert resumed == whole
    assert not parts.exists()


def test_parts_that_are_damaged_or_of_other_work_are_done_again(count, folder, tmp_path):
    part = tmp_path / "out.safetensors.parts" / "00000000.safetensors"
    for spoil in (lambda data: data[:50], lambda data: data[:-1] + bytes([data[-1] ^ 1])):
        count(limit=4)
        part.write_bytes(spoil(part.read_bytes()))
        assert count()[0] == 3  # the damaged shard and the last
    count(limit=4)
    shutil.copyfile(folder / "street.jpg", folder / "beach.png")  # an image was replaced
    assert count()[0] == 5


def test_the_file_is_that_of_the_features_in_memory(count, folder, encoder, tmp_path):
    read = read_image_folder(folder)
    features = extraction.extract_features(
        read, encoder, extraction.label_set_of(read), batch_size=1, shard_size=2, progress=False
    )
    count()
    loaded = Features.load(tmp_path / "out.safetensors")
    for name in ("image_features", "text_features", "labels"):
        assert torch.equal(getattr(loaded, name), getattr(features, name))
    assert (loaded.split, loaded.file_names, loaded.label_set) == (
        features.split,
        features.file_names,
        features.label_set,
    )
    assert loaded.encoder == features.encoder


class Projection:
    """Image features that need no model: a random projection of the pixels, slow enough to be killed in it."""

    name, width, fingerprint = "projection", 16, "0"

    def pixels(self, image):
        return torch.from_numpy(numpy.asarray(image).copy()).float().flatten()

    def encode(self, pixels):
        time.sleep(0.01)
        return pixels @ torch.randn(pixels.shape[1], self.width, generator=torch.Generator().manual_seed(0))


def extract_in_a_process(folder, out):
    """What a child does that is killed."""
    torch.set_num_threads(1)
    read = read_image_folder(folder)
    sources = Sources(Projection(), BagOfWords(["text", "0", "1"]))
    extraction.extract_file(extraction.Work(read, sources, extraction.label_set_of(read), 2, 3, progress=False), out)


def test_killed_at_random_points_it_ends_with_the_same_bytes(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    chance = random.Random(1)
    with (folder / "metadata.csv").open("w", encoding="utf-8") as stream:
        stream.write("file_name,text,labels\n")
        for number in range(90):
            Image.effect_noise((48, 32), 80).convert("RGB").save(folder / f"{number}.png")
            stream.write("".join(f"{number}.png,text {number} {turn},dog\n" for turn in range(1 + number % 2)))
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["algcn.extract"])

    def run(out, seconds=None):
        process = context.Process(target=extract_in_a_process, args=(folder, out))
        started = time.perf_counter()
        process.start()
        process.join(seconds)
        if process.is_alive():
            process.kill()
        process.join()
        return process.exitcode, time.perf_counter() - started

    run(tmp_path / "warm.safetensors")
    code, seconds = run(tmp_path / "whole.safetensors")
    assert code == 0
    out = tmp_path / "out.safetensors"
    resumable = 0
    for _ in range(8):
        code, _ = run(out, chance.uniform(0, seconds))
        assert code in (0, -9)
        resumable += code == -9 and any((tmp_path / "out.safetensors.parts").glob("*.safetensors"))
        if code == 0:
            out.unlink()
    assert run(out)[0] == 0
    assert out.read_bytes() == (tmp_path / "whole.safetensors").read_bytes()
    assert resumable, "no kill came while parts were there; the test shows nothing"
    assert not list(tmp_path.glob("*.parts"))


def test_features_of_the_paper(folder, tmp_path, capsys, vgg_weights):
    out = tmp_path / "features.safetensors"
    (folder / "split.json").write_text('{"format": "algcn-split-1", "name": "photos 1-query seed 3"}', encoding="utf-8")
    paper = ["--image-features", "vgg19", "--weights", str(vgg_weights), "--text-features", "bow", "--min-texts", "2"]
    extract.main([str(folder), *paper, "--out", str(out)])
    features = Features.load(out)
    assert features.image_dim == 4096 and (features.image_features >= 0).all()
    # "Something green" and "Sand, sea & ..." have no word that two texts of the train split have
    assert features.file_names == ["beach.png", "beach_dog.webp", "street.jpg", "night/street.png"]
    assert features.vocabulary == ["a", "on", "street"]
    assert features.text_features.tolist() == [[1, 1, 0], [1, 1, 0], [1, 1, 1], [1, 0, 1]]
    assert features.encoder["image"] == "vgg19 fc7" and features.encoder["text"] == "bag of words"
    assert features.split_name == "photos 1-query seed 3"
    assert "split: photos 1-query seed 3" in capsys.readouterr().out


def test_a_folders_own_vocabulary_and_labels(folder, tiny_encoder_dir, tmp_path):
    (folder / "vocabulary.txt").write_text("street\ndog\nzebra\n", encoding="utf-8")
    names = ["dog", "car", "boat", "beach", "street", "night", "zebra"]
    (folder / "labels.json").write_text(json.dumps(names), encoding="utf-8")
    out = tmp_path / "features.safetensors"
    extract.main([str(folder), "--encoder", str(tiny_encoder_dir), "--text-features", "bow", "--out", str(out)])
    features = Features.load(out)
    assert features.vocabulary == ["street", "dog", "zebra"] and features.label_set.names == names
    assert features.text_features.tolist() == [[0, 1, 0], [1, 0, 0], [1, 0, 0]]
    assert features.image_dim == 32 and features.encoder["image"] == str(tiny_encoder_dir)


def test_command(folder, tiny_bundle_dir, tmp_path, capsys):
    out = tmp_path / "features.safetensors"
    extract.main([str(folder), "--bundle", str(tiny_bundle_dir), "--out", str(out), "--batch-size", "2"])
    features = Features.load(out)
    assert len(features) == 6
    assert "6 pairs of 5 images" in capsys.readouterr().out
    assert not out.with_name(out.name + ".parts").exists()


def test_a_damaged_image_is_named_and_the_others_are_encoded(folder, tiny_encoder_dir, tmp_path, capsys):
    (folder / "street.jpg").write_bytes((folder / "street.jpg").read_bytes()[:200])
    out = tmp_path / "features.safetensors"
    arguments = [str(folder), "--encoder", str(tiny_encoder_dir), "--out", str(out)]
    assert run_command(extract.main, [*arguments, "--quiet", "--json", str(tmp_path / "answer.json")]) == 0
    said, err = capsys.readouterr()
    assert err == "" and "5 pairs of 4 images" in said
    assert "4 pictures, 5 captions, 6 labels, 7 rows used; 2 pictures, 1 caption, 4 labels not used.\n" in said
    assert "Damaged pictures: 1, for instance street.jpg, which is " in said
    assert "Pictures without a usable caption: 1, for instance night/boat.png; give it a text in the folder's" in said
    assert "street.jpg" not in Features.load(out).file_names
    answer = json.loads((tmp_path / "answer.json").read_text(encoding="utf-8"))
    assert (answer["pairs"], answer["images"], answer["left_out"]) == (5, 4, 2)
    assert {kind["kind"] for kind in answer["account"]["left_out"]} >= {
        "damaged pictures", "pictures without a usable caption"
    }  # fmt: skip
    shutil.copyfile(folder / "beach.png", folder / "street.jpg")
    assert run_command(extract.main, arguments) == 0
    assert len(Features.load(out)) == 6
    for picture in (*folder.glob("*.*g"), *folder.glob("*/*"), *folder.glob("*.webp")):
        picture.write_bytes(b"no picture")
    assert run_command(extract.main, arguments) == 2
    assert "error: No picture of " in capsys.readouterr().err


def test_the_labels_found_are_told_before_anything_is_encoded(folder, tiny_encoder_dir, tmp_path, capsys, monkeypatch):
    out = tmp_path / "features.safetensors"
    arguments = [str(folder), "--encoder", str(tiny_encoder_dir), "--out", str(out), "--json", str(tmp_path / "a.json")]
    with (folder / "metadata.csv").open("a", encoding="utf-8") as stream:
        stream.write("beach.png,again," + "|".join(f"rare {number}" for number in range(7)) + "\n")

    def stop(*_):
        raise InputError("Nothing is encoded.")

    with monkeypatch.context() as patch:
        patch.setattr(extract, "extract_file", stop)
        assert run_command(extract.main, arguments) == 2
    line = (
        "13 labels found: beach (2), boat (2), night (2), street (2), car (1), dog (1), rare 0 (1), rare 1 (1), "
        "rare 2 (1), rare 3 (1) and 3 more, the rarest rare 6 (1)."
    )
    assert capsys.readouterr().out == f"{line}\n"
    assert run_command(extract.main, arguments) == 0
    assert capsys.readouterr().out.startswith(f"{line}\n")
    labels = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))["labels"]
    assert labels == {"beach": 2, "boat": 2, "night": 2, "street": 2, "car": 1, "dog": 1} | {
        f"rare {number}": 1 for number in range(7)
    }


def test_bad_input_is_one_sentence(folder, encoder, tiny_encoder_dir, tmp_path):
    (tmp_path / "labels.json").write_text('["beach", "boat"]')
    base = ["--encoder", str(tiny_encoder_dir), "--out", str(tmp_path / "out.safetensors")]
    with pytest.raises(InputError, match=r"Row 3 of .* There is no label 'dog'"):
        extract.main([str(folder), *base, "--labels", str(tmp_path / "labels.json")])
    with pytest.raises(InputError, match="The device 'toaster' cannot be used here"):
        extract.main([str(folder), *base, "--device", "toaster"])
    with pytest.raises(InputError, match="--batch-size 0"):
        extract.main([str(folder), *base, "--batch-size", "0"])
    with pytest.raises(InputError, match=r"No word occurs in 20 of the texts \(the most frequent one in \d\)"):
        extract.main([str(folder), *base, "--text-features", "bow"])
    with pytest.raises(InputError, match="is a folder; name a file"):
        extract.main([str(folder), "--encoder", str(tiny_encoder_dir), "--out", str(tmp_path)])
    with pytest.raises(InputError, match="cannot be written to"):
        extract.main([str(folder), "--encoder", str(tiny_encoder_dir), "--out", str(tmp_path / "labels.json" / "x")])
    with pytest.raises(InputError, match="No encoder is named"):
        extract.main([str(folder), *base[2:]])
    with pytest.raises(InputError, match="use no encoder"):
        extract.main([str(folder), *base, "--text-features", "bow", "--image-features", "vgg19"])
    (folder / "vocabulary.txt").write_text("zebra\n", encoding="utf-8")
    with pytest.raises(InputError, match="with a word of the vocabulary"):
        extract.main([str(folder), *base, "--text-features", "bow"])
    (folder / "metadata.csv").write_text("file_name,text\nbeach.png,\nstreet.jpg,\u0007\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"No image of .* has a text"):
        extraction.extract_features(read_image_folder(folder), encoder, LabelSet([]), progress=False)


def test_a_bundle_whose_encoder_reads_pictures_only(folder, tiny_bundle_dir, tmp_path):
    label_set = Bundle.load(tiny_bundle_dir).label_set
    model = ALGCN(ModelConfig(32, 50, len(label_set), common_dim=16, label_dim=8))
    encoder = tiny_bundle_dir / "encoder"
    bundle = save_bundle(tmp_path / "bags", model, label_set, encoder=encoder, encodes={"image"})
    out = tmp_path / "features.safetensors"
    base = [str(folder), "--bundle", str(bundle), "--out", str(out), "--min-texts", "2"]
    for more in ([], ["--image-features", "vgg19"]):
        with pytest.raises(InputError, match="reads images only; use --text-features bow, or another bundle"):
            extract.main([*base, *more])
    extract.main([*base, "--text-features", "bow"])
    features = Features.load(out)
    assert features.image_encoder["fingerprint"] == Bundle.load(bundle).encoder_fingerprint
    assert features.image_encoder["reference"] == str(bundle / "encoder")
    assert not features.of_one_encoder
