"""Label embeddings from the authors' files, from word vectors, from an encoder; ablations of the training command."""

from __future__ import annotations

import json

import pytest
import torch
from scipy.io import savemat

from algcn import train as training
from algcn.bundles.bundle import Bundle
from algcn.features.encoder import load_encoder
from algcn.kit.errors import InputError
from algcn.method.labels import LabelSet
from algcn.training import loop
from algcn.training.label_embeddings import read_label_embeddings

LABELS = LabelSet(["dog", "plant_life", "traffic light"])
VECTORS = {"dog": [1, 0, 0.5], "plant": [0, 1, 0], "life": [0, 3, 0], "traffic": [2, 2, 2], "light": [0, 0, 1]}
LINES = ["the 9 9 9", *(f"{word} {' '.join(map(str, vector))}" for word, vector in VECTORS.items()), "at home 5 5 5"]
EXPECTED = [[1, 0, 0.5], [0, 2, 0], [1, 1, 1.5]]


def test_word_vectors_are_averaged_over_the_words_of_a_label(tmp_path):
    path = tmp_path / "glove.txt"
    path.write_text("\n".join(LINES) + "\n", encoding="utf-8")
    assert read_label_embeddings(str(path), LABELS).tolist() == EXPECTED
    path.write_text("\n".join([f"{len(LINES)} 3", *LINES]), encoding="utf-8")  # word2vec's and fastText's first line
    assert read_label_embeddings(str(path), LABELS).tolist() == EXPECTED
    assert read_label_embeddings(str(path), LabelSet(["Dog"])).tolist() == EXPECTED[:1]


def test_what_is_wrong_with_word_vectors_is_said(tmp_path):
    path = tmp_path / "glove.txt"
    path.write_text("\n".join(LINES), encoding="utf-8")
    with pytest.raises(InputError, match="has no vector for 'sea', 'unicorn'; use word vectors that have them"):
        read_label_embeddings(str(path), LabelSet(["unicorn", "dog", "sea dog"]))
    path.write_text("\n".join([*LINES[:2], "plant 1 2 x", *LINES[3:]]), encoding="utf-8")
    with pytest.raises(InputError, match=r"Line 3 of .* is no word with its vector"):
        read_label_embeddings(str(path), LabelSet(["plant"]))
    for line in ("plant 1 1e39 2", "plant 1 nan 2"):
        path.write_text("\n".join([*LINES[:2], line, *LINES[3:]]), encoding="utf-8")
        with pytest.raises(InputError, match=r"Line 3 of .* is no word with its vector"):
            read_label_embeddings(str(path), LabelSet(["plant"]))
    for first in (f"4 {'9' * 5000}", "4 0"):
        path.write_text("\n".join([first, *LINES]), encoding="utf-8")
        with pytest.raises(InputError, match=r"no word with its vector|has no vector for"):
            read_label_embeddings(str(path), LabelSet(["dog"]))
    with pytest.raises(InputError, match=r"There are no label embeddings 'nothing\.txt'"):
        read_label_embeddings("nothing.txt", LABELS)


def test_the_authors_mat(tmp_path):
    values = torch.rand(3, 7, dtype=torch.float64)
    savemat(tmp_path / "inp.mat", {"inp": values.numpy()})
    assert torch.equal(read_label_embeddings(str(tmp_path / "inp.mat"), LABELS), values.float())
    with pytest.raises(InputError, match="has 3 label embeddings for 2 labels"):
        read_label_embeddings(str(tmp_path / "inp.mat"), LabelSet(["dog", "cat"]))
    savemat(tmp_path / "other.mat", {"x": values.numpy()})
    with pytest.raises(InputError, match="must hold a variable called inp"):
        read_label_embeddings(str(tmp_path / "other.mat"), LABELS)


def test_the_real_files_share_the_rows_of_labels_they_share(data_root):
    """`sky`, `clouds` and others are labels of two benchmarks: in the right order their vectors are the same."""
    folder = data_root / "label_embeddings"
    names = (data_root / "mirflickr" / "label_names.txt").read_text().split()
    mirflickr = read_label_embeddings(str(folder / "mirflickr-inp-glove6B.mat"), LabelSet(names))
    nus_wide = read_label_embeddings(
        str(folder / "NUS-WIDE-TC21-inp-glove6B.mat"), LabelSet([str(number) for number in range(21)])
    )
    # the rows of NUS-WIDE go by frequency, as algcn.datasets.nus_wide orders the concepts
    for row, name in ((0, "sky"), (1, "clouds"), (3, "water"), (9, "lake"), (13, "sunset"), (18, "tree")):
        assert torch.allclose(nus_wide[row], mirflickr[names.index(name)], atol=1e-5)


def test_the_encoders_own_vectors(tiny_encoder_dir):
    expected = load_encoder(tiny_encoder_dir).encode_texts(["dog", "plant life", "traffic light"])
    for source, encoder in (("encoder", str(tiny_encoder_dir)), (str(tiny_encoder_dir), None)):
        assert torch.equal(read_label_embeddings(source, LABELS, encoder), expected)
    assert read_label_embeddings("learned", LABELS) is None
    with pytest.raises(InputError, match="The features name no encoder"):
        read_label_embeddings("encoder", LABELS)


@pytest.fixture
def run(make_features, tmp_path):
    """Train one epoch by the command with these flags; the bundle."""
    path = tmp_path / "features.safetensors"
    make_features(60, mined=0).save(path)

    def command(*flags):
        base = ["--out", str(tmp_path / "bundle"), "--epochs", "1", "--common-dim", "16"]
        training.main([str(path), *base, *flags])
        return Bundle.load(tmp_path / "bundle")

    return command


def test_frozen_embeddings_stay_as_they_are(run, make_features, tmp_path):
    values = torch.rand(6, 5)
    savemat(tmp_path / "inp.mat", {"inp": values.numpy()})
    bundle = run("--label-embeddings", str(tmp_path / "inp.mat"))
    assert torch.equal(bundle.model.label.embeddings.detach().cpu(), values)
    assert bundle.model.config.label_dim == 5 and not bundle.model.config.learn_label_embeddings
    assert bundle.metrics["label_embeddings"] == "inp.mat"
    assert run().metrics["label_embeddings"] == "learned"


def test_other_embeddings_are_another_run(make_features, tmp_path):
    features = make_features(60)
    config = training.TrainConfig(epochs=2, batch_size=32)
    sizes = training.ModelConfig(features.image_dim, features.text_dim, 6, 16, 5, learn_label_embeddings=False)
    settings = {"model_config": sizes, "checkpoint": tmp_path / "checkpoint.safetensors"}
    loop.train_algcn(features, config, label_embeddings=torch.rand(6, 5), **settings)
    with pytest.raises(InputError, match="other data or settings"):
        loop.train_algcn(features, config, label_embeddings=torch.rand(6, 5), resume=True, **settings)


def test_ablations_reach_the_model_and_the_losses(run):
    bundle = run("--no-adaptive", "--no-invariance", "--no-self-supervision", "--gcn-layers", "2")
    config = bundle.model.config
    assert (config.adaptive, config.gcn_layers, config.use_gcn) == (False, 2, True)
    assert len(bundle.model.label.gcn) == 2
    losses = bundle.metrics["log"][0]["losses"]
    assert losses["total"] == pytest.approx(losses["classification"], rel=1e-6)
    assert losses["invariance"] > 0  # measured, but of no weight
    whole = run()
    losses = whole.metrics["log"][0]["losses"]
    assert losses["total"] > losses["classification"] + 0.1
    saved = json.loads((whole.path / "config.json").read_text())
    assert saved["training"]["invariance_weight"] == 0.2


def test_flags_that_contradict_each_other(run):
    with pytest.raises(InputError, match="--gcn-layers changes the label graph, which --no-gcn leaves out"):
        run("--no-gcn", "--gcn-layers", "2")
    with pytest.raises(InputError, match="gcn_layers must be a whole number"):
        run("--gcn-layers", "0")
    assert not run("--no-gcn").model.config.use_gcn
