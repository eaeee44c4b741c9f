"""Evaluation: numbers that can be worked out by hand, labels the bundle never saw, and the command from files alone."""

from __future__ import annotations

import dataclasses
import json
import shutil

import pytest
import torch

from algcn import evaluate, extract
from algcn.bundles.bundle import Bundle
from algcn.bundles.saving import save_bundle, update_bundle
from algcn.datasets.authors import write_reference_folder
from algcn.datasets.features import SPLITS, Features
from algcn.evaluation import retrieval
from algcn.evaluation.measure import embed_by_labels
from algcn.evaluation.probabilities import PlattScale
from algcn.evaluation.ranking import Ranking
from algcn.kit.errors import InputError, run_command
from algcn.method.config import ModelConfig, TrainConfig
from algcn.method.labels import LabelSet
from algcn.method.model import ALGCN


def _features(images, texts, labels, names=None, split=None):
    """Features from plain lists; labels as strings of 0 and 1."""
    rows = torch.tensor([[int(mark) for mark in row] for row in labels], dtype=torch.uint8)
    return Features(
        torch.tensor(images), torch.tensor(texts), rows, split or ["test"] * len(rows),
        LabelSet([f"label {column}" for column in range(rows.shape[1])]),
        names or [f"{row}.png" for row in range(len(rows))],
    )  # fmt: skip


def test_by_hand():
    # Directions in the plane. Text 0 lies with image 1 and text 1 with image 0: swapped, so the own partner is second.
    images = [[1.0, 0.0], [0.0, 1.0]]
    texts = [[0.1, 1.0], [1.0, 0.1]]
    report = retrieval.evaluate_embedded(retrieval.embed(_features(images, texts, ["10", "01"]), None), ["a", "b"])
    assert report.map.to_json() == {"image_to_text": 0.5, "text_to_image": 0.5, "average": 0.5, "chance": 0.75}
    assert report.primary == 0.5
    assert report.recall.image_to_text == {"1": 0.0, "5": 1.0, "10": 1.0}
    assert report.per_label.image_to_text == {"a": 0.5, "b": 0.5}
    assert (report.images, report.texts) == (2, 2)


def test_precision_recall_beside_that_of_a_random_ranking(make_features):
    features = make_features(200, noise=0.1)
    items = retrieval.group(features)
    report = retrieval.evaluate_embedded(dataclasses.replace(items, images=items.labels.float(),
                                                            texts=items.text_labels.float()))  # fmt: skip
    curves = report.precision_recall
    assert curves.recall == tuple(round(0.05 * level, 2) for level in range(21))
    assert curves.image_to_text[0] == 1.0  # the labels themselves find those with the same first
    relevant = (features.labels.float() @ features.labels.float().T > 0).double().mean()
    assert curves.chance.image_to_text[10] == pytest.approx(float(relevant), abs=0.05)


def test_the_ranking_lies_between_both_spaces(make_features):
    features = make_features(60)
    features = dataclasses.replace(features, text_features=torch.cat([features.text_features, torch.ones(60, 4)], 1))
    model = ALGCN(ModelConfig(16, 16, 6, common_dim=16, label_dim=8)).eval()
    for weight, model_used in ((0.0, model), (1e6, None)):
        mixed = retrieval.retrieval_map(
            retrieval.embed_for_ranking(features, model, Ranking.of_encoder_weight(weight, 6), {})
        )
        alone = retrieval.retrieval_map(retrieval.embed(features, model_used))
        assert mixed["average"] == pytest.approx(alone["average"], abs=1e-3)


def test_several_texts_of_an_image_count_the_image_once():
    images = [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]
    texts = [[1.0, 0.2], [0.1, 1.0], [0.2, 1.0]]
    features = _features(images, texts, ["10", "10", "01"], names=["a.png", "a.png", "b.png"])
    report = retrieval.evaluate_embedded(retrieval.embed(features, None))
    assert (report.images, report.texts) == (2, 3)
    # Image a ranks its texts first and third: AP = (1 + 2/3) / 2. Image b finds its own second: AP = 1/2.
    assert report.map.image_to_text == pytest.approx((5 / 6 + 1 / 2) / 2)
    # Text 1 of image a lies with image b: AP = 1/2; the other two are right.
    assert report.map.text_to_image == pytest.approx((1 + 1 / 2 + 1) / 3)
    assert report.recall.image_to_text["1"] == 0.5
    assert report.recall.text_to_image["1"] == pytest.approx(2 / 3)


def test_items_without_labels_stay_in_the_gallery_but_do_not_ask():
    images = [[1.0, 0.0], [0.9, 0.1]]
    texts = [[0.9, 0.1], [1.0, 0.0]]
    report = retrieval.evaluate_embedded(retrieval.embed(_features(images, texts, ["1", "0"]), None))
    assert report.map.image_to_text == 0.5  # the unlabelled text stands before its own
    assert report.queries_left_out.to_json() == {"image_to_text": 1, "text_to_image": 1}


def test_without_labels_there_is_recall_and_no_map():
    report = retrieval.evaluate_embedded(retrieval.embed(_features([[1.0], [2.0]], [[1.0], [1.0]], ["0", "0"]), None))
    assert set(report.to_json()) == {"images", "texts", "recall"} and report.recall.image_to_text["5"] == 1.0
    assert report.primary is None and "no item has a label" in retrieval.summary(report, "all", "encoder")


def test_encoder_space_needs_equal_widths():
    with pytest.raises(InputError, match=r"2 wide.*1 wide.*--space common"):
        retrieval.embed(_features([[1.0, 0.0]], [[1.0]], ["1"]), None)


@pytest.fixture
def folder(tiny_gallery_dir, tmp_path):
    """The tiny gallery with a label that no bundle has ever heard of."""
    folder = shutil.copytree(tiny_gallery_dir, tmp_path / "photos")
    path = folder / "metadata.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("street|car", "street|zeppelin"), encoding="utf-8")
    return folder


@pytest.fixture
def with_probabilities(tiny_bundle_dir, tmp_path):
    """The tiny bundle with probabilities of its labels, as a model of mode plus has them."""
    path = tmp_path / "bundle"
    shutil.copytree(tiny_bundle_dir, path)
    count = len(Bundle.load(path).label_set)
    scale = PlattScale(torch.full((count,), 4.0), torch.full((count,), -1.0))
    update_bundle(path, probabilities={"image": scale, "text": scale})
    return path


def test_labels_rank_those_that_share_the_labels_of_the_data(folder, with_probabilities, tmp_path, capsys):
    bundle = Bundle.load(with_probabilities)
    features, _, _ = evaluate.load_data(folder, bundle, None, "cpu")
    shared = [name for name in features.label_set.names if name in bundle.label_set.names]
    assert 0 < len(shared) < len(bundle.label_set)
    columns = torch.tensor([bundle.label_set.index(name) for name in shared])
    expected = embed_by_labels(features, bundle.model, bundle.ranking, bundle.probabilities, columns)
    found = evaluate.embed_in("labels", features, bundle, torch.device("cpu"))
    torch.testing.assert_close(found.images, expected.images)
    everything = embed_by_labels(
        features, bundle.model, bundle.ranking, bundle.probabilities, torch.arange(len(bundle.label_set))
    )
    assert not torch.allclose(found.images, everything.images)


def test_each_mode_is_measured_by_what_it_is_made_for(folder, with_probabilities, tiny_bundle_dir, capsys):
    evaluate.main([str(with_probabilities), str(folder)])
    assert "ranked by the common space" in capsys.readouterr().out
    config = json.loads((with_probabilities / "config.json").read_text(encoding="utf-8"))
    config["training"] = {**TrainConfig().to_dict(), "mode": "plus"}
    (with_probabilities / "config.json").write_text(json.dumps(config), encoding="utf-8")
    evaluate.main([str(with_probabilities), str(folder)])
    assert "ranked by the labels that two items probably share" in capsys.readouterr().out
    bundle = Bundle.load(tiny_bundle_dir)
    features, _, _ = evaluate.load_data(folder, bundle, None, "cpu")
    with pytest.raises(InputError, match="use --space common"):
        evaluate.embed_in("labels", features, bundle, torch.device("cpu"))


@pytest.mark.parametrize("space", ["common", "labels", "encoder", "ranking"])
def test_command_from_files_alone(folder, with_probabilities, tmp_path, capsys, space):
    tiny_bundle_dir, out = with_probabilities, tmp_path / "report.json"
    evaluate.main([str(tiny_bundle_dir), str(folder), "--space", space, "--json", str(out)])
    report = json.loads(out.read_text(encoding="utf-8"))
    assert set(report["map"]) == {"image_to_text", "text_to_image", "average", "chance"}
    assert all(0 < value <= 1 for value in report["map"].values())
    assert set(report["recall"]) == {"image_to_text", "text_to_image"}
    assert all(set(shares) == {"1", "5", "10"} for shares in report["recall"].values())
    assert report["split"] == "all" and (report["images"], report["texts"]) == (5, 6)
    assert report["per_label"]["image_to_text"]["zeppelin"] is not None
    assert report["queries_left_out"]["image_to_text"] == 1
    account = report["account"]
    assert account["used"] == {"pictures": 5, "captions": 6, "labels": 8, "rows": 7, "queries": 9}
    left_out = {kind["kind"]: kind["count"] for kind in account["left_out"]}
    assert left_out.pop("queries without a label") == sum(report["queries_left_out"].values()) == 2
    assert left_out == {"pictures without a usable caption": 1, "labels of pictures left out": 2}
    printed = capsys.readouterr().out
    assert "random ranking" in printed and "R@10" in printed


def test_the_spaces_differ_and_are_what_they_say(folder, tiny_bundle_dir):
    bundle = Bundle.load(tiny_bundle_dir)
    features, split, _ = evaluate.load_data(folder, bundle, None, "cpu")
    assert split == "all"
    raw, common = retrieval.embed(features, None), retrieval.embed(features, bundle.model)
    assert raw.images.shape[1] == 32 and common.images.shape[1] == 48
    first, _ = features.first_rows()
    assert torch.equal(common.images, bundle.model.embed_image(features.image_features[first]))


def test_splits(folder, tiny_bundle_dir):
    path = folder / "metadata.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    splits = ["split", "test", "train", "train", "test", "train", "validation", "train"]
    path.write_text("\n".join(map(",".join, zip(lines, splits, strict=True))), encoding="utf-8")
    bundle = Bundle.load(tiny_bundle_dir)
    assert evaluate.load_data(folder, bundle, None, "cpu")[0].file_names == ["beach.png", "street.jpg"]
    assert len(evaluate.load_data(folder, bundle, "all", "cpu")[0]) == 6
    assert evaluate.load_data(folder, bundle, "train", "cpu")[0].file_names[0] == "beach_dog.webp"
    account = evaluate.load_data(folder, bundle, None, "cpu").account
    assert (account.used["pictures"], account.used["captions"]) == (2, 2)
    assert (account.given("pictures"), account.given("captions"), account.given("labels")) == (6, 6, 10)
    assert account.counts["pictures of other splits"] == 4 and account.counts["captions of pictures left out"] == 4
    assert "pictures without a usable caption" not in account.counts  # it is of another split, and counted there


def test_a_folder_that_names_no_split_has_that_of_its_feature_file(folder, tiny_bundle_dir, tmp_path, capsys):
    for number in range(20):
        shutil.copy(folder / "beach.png", folder / f"{number}.png")
    with (folder / "metadata.csv").open("a", encoding="utf-8") as stream:
        stream.writelines(f"{number}.png,a beach,beach\n" for number in range(20))
    extract.main([str(folder), "--bundle", str(tiny_bundle_dir), "--out", str(tmp_path / "features.safetensors")])
    extracted = Features.load(tmp_path / "features.safetensors")
    bundle = Bundle.load(tiny_bundle_dir)
    for split in SPLITS:
        read, chosen, _ = evaluate.load_data(folder, bundle, split, "cpu")
        assert chosen == split and read.file_names == extracted.select(split).file_names != []
    capsys.readouterr()
    evaluate.main([str(tiny_bundle_dir), str(folder), "--split", "test"])
    assert "training split" not in capsys.readouterr().err
    for data in (folder, tmp_path / "features.safetensors"):
        evaluate.main([str(tiny_bundle_dir), str(data), "--split", "all"])
        training = len(set(extracted.select("train").file_names))
        assert f"{training} of these 25 images are in the training split" in capsys.readouterr().err


def test_a_split_that_is_not_there(folder, tiny_bundle_dir, capsys):
    path = folder / "metadata.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    splits = ["split", *["validation"] * (len(lines) - 1)]
    path.write_text("\n".join(map(",".join, zip(lines, splits, strict=True))), encoding="utf-8")
    assert run_command(evaluate.main, [str(tiny_bundle_dir), str(folder), "--split", "train"]) == 2
    assert "No item of the data is in the split 'train' (there are: validation)" in capsys.readouterr().err


def _wide(make_features):
    """Features as wide as the tiny bundle takes them."""
    made = make_features(40)
    return dataclasses.replace(
        made, image_features=made.image_features.repeat(1, 2), text_features=made.text_features.repeat(1, 3)[:, :32]
    )


def test_a_feature_file_and_a_mat_folder_give_the_same(make_features, tiny_bundle_dir, tmp_path):
    features = _wide(make_features)
    features.save(tmp_path / "features.safetensors")
    write_reference_folder(features, tmp_path / "mat")
    reports = []
    for name in ("features.safetensors", "mat"):
        evaluate.main([str(tiny_bundle_dir), str(tmp_path / name), "--json", str(tmp_path / "report.json")])
        reports.append(json.loads((tmp_path / "report.json").read_text(encoding="utf-8")))
    assert reports[0]["images"] == 8 and reports[0]["split"] == "test"
    assert reports[0]["map"] == pytest.approx(reports[1]["map"])
    assert reports[0]["recall"] == reports[1]["recall"]


def test_bad_input_is_one_sentence(make_features, tiny_bundle_dir, tmp_path, capsys):
    path = tmp_path / "features.safetensors"
    make_features(20).save(path)
    assert run_command(evaluate.main, ["no such bundle", str(path)]) == 2
    assert "There is no bundle at no such bundle" in capsys.readouterr().err
    cases = [
        (tmp_path / "missing", "give an image folder, a feature file or a folder of .mat files"),
        (path, r"16 (image) and 12 (text) wide, but the model takes 32 and 32"),
    ]
    for data, message in cases:
        assert run_command(evaluate.main, [str(tiny_bundle_dir), str(data)]) == 2
        assert message in capsys.readouterr().err
    dataclasses.replace(_wide(make_features), encoder={"reference": "x", "fingerprint": "other"}).save(path)
    assert run_command(evaluate.main, [str(tiny_bundle_dir), str(path)]) == 2
    assert "made by another encoder" in capsys.readouterr().err


def test_a_bundle_whose_encoder_reads_pictures_only_is_measured_on_features(
    make_features, tiny_bundle_dir, tiny_gallery_dir, tmp_path
):
    """Its bags of words come from no encoder; a file that says its pictures are another encoder's is refused."""
    made = _wide(make_features)
    features = dataclasses.replace(made, text_features=make_features(40).text_features)
    encoder = tiny_bundle_dir / "encoder"
    model = ALGCN(ModelConfig(32, features.text_dim, 6, common_dim=16, label_dim=8))
    path = save_bundle(tmp_path / "bags", model, features.label_set, encoder=encoder, encodes={"image"})
    bundle = Bundle.load(path)
    with pytest.raises(InputError, match=r"reads no texts, so those of .* have no features; give a feature file"):
        evaluate.load_data(tiny_gallery_dir, bundle, None, "cpu")
    about = {"image": "tiny", "text": "bag of words", "fingerprint": "of both"}
    file = tmp_path / "features.safetensors"
    for image, refused in ((bundle.encoder_fingerprint, False), ("other", True)):
        dataclasses.replace(features, encoder={**about, "image_fingerprint": image}).save(file)
        if refused:
            with pytest.raises(InputError, match="made by another encoder"):
                evaluate.load_data(file, bundle, None, "cpu")
        else:
            evaluate.main([str(path), str(file)])
