"""Peers: adapters run whatever a checkout of the right shape holds, validation picks, a wrong folder is a sentence."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from algcn.datasets.features import Features
from algcn.evaluation.retrieval import group
from algcn.kit.errors import InputError, run_command
from algcn.method.labels import LabelSet
from algcn.study.cells import Key
from algcn.study.peers import checkout, experiment, fitting
from algcn.study.peers.gnn4cmr import P_GNN
from algcn.study.peers.labels import name_vectors, with_cooccurrence
from algcn.study.peers.peer import COCO, MIRFLICKR, Given, Peer, Recipe
from algcn.study.settings import Collection, Settings, Study

LABELS = LabelSet(["person", "dog", "cat", "car"])

# What these files share with the real ones: their names, signatures and outputs, and what no longer runs as it stands.
UTIL = """
import numpy as np
import torch
from scipy.io import loadmat


def gen_A(num_classes, t, adj_file):
    counts = loadmat(adj_file)
    shares = counts["adj"] / counts["nums"]
    return (shares >= t) * 0.5 + np.identity(num_classes, np.float)
"""
GNN_MODEL = """
from torchvision import models
from torch import nn
from util import *


class _Net(nn.Module):
    def __init__(self, img_input_dim, text_input_dim, num_classes, inp):
        super().__init__()
        self.bn = nn.BatchNorm1d(img_input_dim)
        self.img_net = nn.Linear(img_input_dim, 8)
        self.text_net = nn.Linear(text_input_dim, 8)
        self.labels = nn.Linear(inp.shape[1], 8)
        self.modality = nn.Linear(8, 2)
        self.inp = nn.Parameter(inp, requires_grad=False)

    def forward(self, images, texts):
        x, y, z = self.img_net(self.bn(images)), self.text_net(texts), self.labels(self.inp)
        modalities = self.modality(x), self.modality(y), self.modality(x), self.modality(y)
        return (x, y, x @ z.T, y @ z.T, z, *modalities)


class P_GNN(_Net):
    def __init__(self, img_input_dim, text_input_dim, num_classes, in_channel, t, adj_file, inp, GNN, n_layers):
        super().__init__(img_input_dim, text_input_dim, num_classes, inp)
        assert gen_A(num_classes, t, adj_file).shape == (num_classes, num_classes)


class I_GNN(_Net):
    def __init__(self, img_input_dim, text_input_dim, num_classes, in_channel, t, k, inp, GNN, n_layers):
        super().__init__(img_input_dim, text_input_dim, num_classes, inp)
"""
GNN_LOSS = """
import torch
from torch.nn import functional


def cla_loss(x, y, labels_1, labels_2):
    return ((x - labels_1) ** 2).mean() + ((y - labels_2) ** 2).mean()


def soft_con_loss(x, y, labels, t, gamma):
    return ((x - y) ** 2).mean() + 0 * torch.eye(len(x)).cuda().sum()


def gan_loss(*modalities):
    sides = torch.ones(len(modalities[0]), dtype=torch.long).cuda()
    return sum(functional.cross_entropy(modality, sides) for modality in modalities)
"""
DSCMR_MODEL = """
from torch import nn
from torchvision import models


class IDCM_NN(nn.Module):
    def __init__(self, img_input_dim, text_input_dim, output_dim):
        super().__init__()
        self.img_net, self.text_net = nn.Linear(img_input_dim, 8), nn.Linear(text_input_dim, 8)
        self.predict = nn.Linear(8, output_dim)

    def forward(self, images, texts):
        x, y = self.img_net(images), self.text_net(texts)
        return x, y, self.predict(x), self.predict(y)
"""
DSCMR_TRAINING = """
import torchvision
from evaluate import fx_calc_map_label
print("Torchvision Version: ", torchvision.__version__)


def calc_loss(x, y, x_predict, y_predict, labels_1, labels_2, alpha, beta):
    return ((x_predict - labels_1) ** 2).mean() + ((y_predict - labels_2) ** 2).mean() + beta * ((x - y) ** 2).mean()
"""
ALGCN_MODEL = """
from torch import nn
from util import *


class ALGCN(nn.Module):
    def __init__(self, img_input_dim, text_input_dim, num_classes, t, adj_file, gamma):
        super().__init__()
        self.img_net, self.text_net = nn.Linear(img_input_dim, 8), nn.Linear(text_input_dim, 8)
        self.z = nn.Parameter(torch.rand(num_classes, 8))
        self.A = nn.Parameter(torch.FloatTensor(gen_A(num_classes, t, adj_file)), requires_grad=False)

    def forward(self, images, texts):
        x, y = self.img_net(images), self.text_net(texts)
        return x, y, x @ self.z.T, y @ self.z.T, self.z, (self.z**2).mean()

    def get_config_optim(self, lr):
        return [{"params": self.parameters(), "lr": lr}]
"""
ALGCN_TRAINING = """
def calc_loss(x, y, x_predict, y_predict, labels_1, labels_2, alpha):
    return ((x_predict - labels_1) ** 2).mean() + ((y_predict - labels_2) ** 2).mean() + alpha * ((x - y) ** 2).mean()
"""
EVALUATION = "def fx_calc_map_label(image, text, label): ...\n"
FILES = {
    "gnn4cmr": {"model.py": GNN_MODEL, "loss.py": GNN_LOSS, "util.py": UTIL},
    "dscmr": {"model.py": DSCMR_MODEL, "train_model.py": DSCMR_TRAINING, "evaluate.py": EVALUATION},
    "algcn": {"model.py": ALGCN_MODEL, "train_model.py": ALGCN_TRAINING, "util.py": UTIL},
}
MODULES = ("model", "loss", "util", "train_model", "evaluate")


@pytest.fixture
def checkouts(tmp_path: Path) -> dict[str, Path]:
    from scipy.io import savemat

    for name, files in FILES.items():
        (tmp_path / name).mkdir()
        for file, text in files.items():
            (tmp_path / name / file).write_text(text, encoding="utf-8")
    (tmp_path / "gnn4cmr" / "embedding").mkdir()
    vectors = np.random.default_rng(0).standard_normal((80, 6))
    savemat(tmp_path / "gnn4cmr" / "embedding" / "MS-COCO-inp-glove6B.mat", {"inp": vectors})
    return {name: tmp_path / name for name in FILES}


@pytest.fixture(scope="module")
def features() -> Features:
    """161 training rows: with batches of 40, the last has one."""
    generator = torch.Generator().manual_seed(0)
    labels = (torch.rand(281, len(LABELS), generator=generator) < 0.3).to(torch.uint8)
    labels[(labels == 0).all(dim=1), 0] = 1
    sides = [
        labels.float() @ torch.randn(len(LABELS), width, generator=generator)
        + torch.randn(281, width, generator=generator)
        for width in (12, 10)
    ]
    split = ["train"] * 161 + ["validation"] * 60 + ["test"] * 60
    return Features(*sides, labels, split, LABELS, [f"{number}.jpg" for number in range(281)])


@pytest.fixture
def study(features: Features, checkouts: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> Study:
    collection = Collection("drawn", "Drawn", "pocket", "all", "person", in_sight=20, experiments=("peers",))
    for name, peer in experiment.PEERS.items():
        recipe = dataclasses.replace(peer.recipes[COCO], batch_size=40, epochs=3, learning_rate=0.02)
        monkeypatch.setitem(experiment.PEERS, name, dataclasses.replace(peer, recipes={COCO: recipe}))
    settings = dataclasses.replace(
        Settings.load(),
        seeds=(1, 2),
        collections={"drawn": collection},
        graph_strengths=(0.0, 0.25),
        peers=checkouts,
    )
    return Study(collection, settings, features, lambda: pytest.fail("peers ask for no encoder"))


def given(features: Features, folder: Path, kind: str = COCO) -> Given:
    training = features.select("train")
    return Given(folder, kind, LABELS.names, training.image_features, training.text_features, training.labels)


def test_every_peer_of_a_named_checkout_is_measured_with_every_seed(study: Study) -> None:
    named = [(key.what, key.of["method"], key.of["seed"]) for key in experiment.keys(study)]
    assert named == [("peers", method, seed) for method in experiment.PEERS for seed in (1, 2)]
    only = dataclasses.replace(study, settings=dataclasses.replace(study.settings, peers={"dscmr": Path()}))
    assert [key.of["method"] for key in experiment.keys(only)] == ["dscmr", "dscmr"]
    none = dataclasses.replace(study, settings=dataclasses.replace(study.settings, peers={}))
    assert not list(experiment.keys(none))


@pytest.mark.parametrize("method", ["p-gnn", "i-gnn", "dscmr", "authors-algcn"])
def test_a_peer_is_trained_and_measured(study: Study, method: str) -> None:
    key = Key("drawn", "peers", {"method": method, "seed": 1})
    before = torch.get_rng_state()
    cell = json.loads(json.dumps(experiment.measure(study, key)))
    assert torch.equal(torch.get_rng_state(), before)
    assert cell == json.loads(json.dumps(experiment.measure(study, key)))  # the seed decides all
    assert (cell["method"], cell["seed"]) == (method, 1)
    assert set(cell["scales"]) == set(fitting.SCALES)
    assert cell["scale"] == max(cell["scales"], key=lambda name: cell["scales"][name]["map"])
    assert cell["epoch"] == cell["scales"][cell["scale"]]["epoch"] <= cell["epochs"] == 3
    assert cell["cosine"]["test"]["map"] == pytest.approx(cell["scales"][cell["scale"]]["test"])
    for ranking in ("cosine", "rule"):
        test = cell[ranking]["test"]
        assert test["map"]["all"] > test["chance"]["all"] + 0.03
        assert len(cell[ranking]["unseen"]["per_image"]["all"]) == 40
    assert "validation" in cell["done"]


def test_only_labels_that_decide_relevance_are_learned(features: Features) -> None:
    kept = fitting.among(features, torch.tensor([1, 3]))
    assert kept.label_set.names == ["dog", "car"]
    assert torch.equal(kept.labels, features.labels[:, [1, 3]])


class Rising(nn.Module):
    """Ranks as the labels do in its second epoch, and at random in others; an epoch is two calls in training."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))
        self.calls = 0

    def forward(self, images: torch.Tensor, texts: torch.Tensor) -> tuple[torch.Tensor, ...]:
        self.calls += self.training
        sides = tuple((side if self.calls == 4 else torch.randn_like(side)) + self.weight for side in (images, texts))
        return (*sides, *sides)


def rising(epochs: int) -> Peer:
    recipe = Recipe(20, epochs, 1e-9, {})
    return Peer(
        "Rising", "", "", {}, {COCO: recipe}, lambda code, given: Rising(), lambda code, output, *_: output[0].sum(), ""
    )


def test_the_epoch_is_picked_on_validation_and_its_outputs_are_kept(features: Features, tmp_path: Path) -> None:
    rows = given(features, tmp_path)
    rows = rows._replace(images=rows.images[:40], texts=rows.texts[:40], labels=rows.labels[:40])
    items = {split: group(features.select(split)) for split in ("validation", "test")}
    items = {
        split: dataclasses.replace(part, images=part.labels.float(), texts=part.labels.float())
        for split, part in items.items()
    }
    found = fitting.train(rising(6), SimpleNamespace(), rows, items, 1, 0, "cpu")
    assert (found.epoch, found.epochs) == (2, 6)
    assert torch.allclose(found.outputs["test"].images, items["test"].images, atol=1e-6)
    longer = fitting.train(rising(6), SimpleNamespace(), rows, items, 8, 0, "cpu")
    assert longer.epochs == 8
    patient = fitting.train(rising(1000), SimpleNamespace(), rows, items, 1, 0, "cpu")
    assert patient.epochs == 2 + fitting.PATIENCE


def test_losses_that_are_no_numbers_are_a_sentence(features: Features, tmp_path: Path) -> None:
    broken = dataclasses.replace(rising(3), loss=lambda code, output, *_: output[0].sum() * torch.nan)
    with pytest.raises(InputError, match="losses of Rising are no numbers"):
        fitting.on_each_scale(broken, SimpleNamespace(), given(features, tmp_path), features, 1, 0, "cpu")


def test_scales_have_numbers_of_about_one() -> None:
    rows = torch.nn.functional.normalize(torch.rand(50, 512, generator=torch.Generator().manual_seed(0)), dim=1)
    for name in list(fitting.SCALES)[1:]:
        assert float(fitting.SCALES[name](rows)(rows).square().mean()) == pytest.approx(1, abs=1e-4)
    assert torch.equal(fitting.SCALES["as they are"](rows)(rows), rows)


def test_labels_have_the_authors_vectors_or_the_mean_of_their_texts(
    features: Features, checkouts: dict[str, Path]
) -> None:
    from scipy.io import loadmat

    known = given(features, checkouts["gnn4cmr"])
    vectors = loadmat(checkouts["gnn4cmr"] / "embedding" / "MS-COCO-inp-glove6B.mat")["inp"]
    assert name_vectors(known).numpy() == pytest.approx(vectors[[0, 16, 15, 2]], abs=1e-6)
    unknown = name_vectors(known._replace(names=["person", "dog", "cat", "unicorn"]))
    dogs = known.labels[:, 1] == 1
    mean = known.texts[dogs].mean(dim=0) - known.texts.mean(dim=0)
    assert float(torch.cosine_similarity(unknown[1], mean, dim=0)) == pytest.approx(1, abs=1e-5)
    assert float(unknown.std()) == pytest.approx(0.4, abs=1e-5)
    with pytest.raises(InputError, match=r"mirflickr-inp-glove6B\.mat is missing"):
        name_vectors(known._replace(kind=MIRFLICKR, names=["dog", "car", "sea", "sky"]))


def test_counts_are_those_of_the_training_rows_and_no_label_divides_by_zero(tmp_path: Path, features: Features) -> None:
    from scipy.io import loadmat

    labels = torch.tensor([[1, 1, 0], [1, 0, 0], [1, 1, 0]], dtype=torch.uint8)
    counts = with_cooccurrence(given(features, tmp_path)._replace(labels=labels), loadmat)
    assert counts["adj"].tolist() == [[3, 2, 0], [2, 2, 0], [0, 0, 0]]
    assert counts["nums"].tolist() == [[3, 2, 1]]


def test_modules_of_the_same_name_do_not_meet_and_nothing_is_left_behind(
    checkouts: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    before = {name: sys.modules.get(name) for name in MODULES}
    path = list(sys.path)
    one = checkout.load(checkouts["dscmr"], {"model": ["IDCM_NN"], "train_model": ["calc_loss"]}, "x")
    other = checkout.load(checkouts["algcn"], {"model": ["ALGCN"], "train_model": ["calc_loss"]}, "x")
    assert one.calc_loss is not other.calc_loss
    assert {name: sys.modules.get(name) for name in MODULES} == before and sys.path == path
    assert not list(checkouts["dscmr"].rglob("__pycache__"))
    assert not capsys.readouterr().out
    assert checkout.fingerprint(checkouts["dscmr"]) != checkout.fingerprint(checkouts["algcn"])


def test_a_missing_torchvision_is_no_obstacle(checkouts: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkout.importlib.util, "find_spec", lambda name: None)
    installed = sys.modules.pop("torchvision", None)
    try:
        assert checkout.load(checkouts["dscmr"], {"train_model": ["calc_loss"]}, "x").calc_loss
        assert "torchvision" not in sys.modules
    finally:
        if installed is not None:
            sys.modules["torchvision"] = installed


def test_code_for_other_machines_runs_here_and_only_meanwhile() -> None:
    moved = torch.Tensor.cuda
    with checkout.running_on("meta"):
        assert torch.ones(2).cuda().device.type == "meta"
        assert np.identity(2, np.float).dtype == np.float64
    assert torch.Tensor.cuda is moved and not hasattr(np, "float")


def test_a_wrong_checkout_is_a_sentence(checkouts: dict[str, Path]) -> None:
    folder = checkouts["dscmr"]
    wanted = P_GNN.code
    with pytest.raises(InputError, match=r"dscmr has no loss.py; name a folder with the code of .*GNN4CMR\.$"):
        checkout.load(folder, wanted, P_GNN.source)
    (folder / "loss.py").write_text("cla_loss = soft_con_loss = gan_loss = None\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"model\.py has no P_GNN; name"):
        checkout.load(folder, wanted, P_GNN.source)
    (folder / "model.py").write_text("import a_package_that_nobody_has\n", encoding="utf-8")
    with pytest.raises(InputError, match="needs the package 'a_package_that_nobody_has'; install it"):
        checkout.load(folder, wanted, P_GNN.source)
    (folder / "model.py").write_text("def f(:\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"model\.py cannot be run"):
        checkout.load(folder, wanted, P_GNN.source)


def test_the_command_measures_peers_and_a_second_run_measures_nothing(
    checkouts: dict[str, Path],
    tmp_path: Path,
    features: Features,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from algcn.study.__main__ import main

    recipe = Recipe(100, 1, 0.02, {"alpha": 0.1, "beta": 0.1})
    peer = dataclasses.replace(experiment.PEERS["dscmr"], recipes={MIRFLICKR: recipe})
    monkeypatch.setitem(experiment.PEERS, "dscmr", peer)
    monkeypatch.setattr(fitting, "PATIENCE", 2)
    people = dataclasses.replace(features, label_set=LabelSet(["people", "dog", "sea", "car"]))
    people.save(tmp_path / "features.safetensors")
    arguments = ["--features", f"mirflickr={tmp_path / 'features.safetensors'}", "--out", str(tmp_path / "out")]
    arguments += ["--only", "peers", "--seeds", "1", "--peers", f"dscmr={checkouts['dscmr']}"]
    main(arguments)
    (file,) = (tmp_path / "out" / "cells").glob("mirflickr-peers-method=dscmr-seed=1-*.json")
    assert json.loads(file.read_text(encoding="utf-8"))["method"] == "dscmr"
    assert "mirflickr: peers method dscmr, seed 1" in capsys.readouterr().err
    main(arguments)
    assert "dscmr, seed 1" not in capsys.readouterr().err


def test_the_command_refuses_peers_that_it_does_not_know_or_cannot_run(
    checkouts: dict[str, Path], tmp_path: Path, features: Features, capsys: pytest.CaptureFixture[str]
) -> None:
    from algcn.study.__main__ import main

    file = tmp_path / "features.safetensors"
    features.save(file)
    command = ["--features", f"mirflickr={file}", "--out", str(tmp_path / "out")]
    for arguments, said in (
        (["--peers", f"clip={tmp_path}"], "names no checkout; write NAME=FOLDER, gnn4cmr or dscmr or algcn"),
        (["--peers", "dscmr=nowhere"], "'nowhere' is no folder; name a clone of https://github.com/penghu-cs/DSCMR"),
        (["--peers", f"gnn4cmr={checkouts['dscmr']}"], "has no loss.py"),
        (["--only", "peers"], "No peer is named"),
    ):
        assert run_command(main, [*command, *arguments]) == 2
        error = capsys.readouterr().err
        assert said in error and error.count("\n") == 1
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "run with all your rights" in " ".join(capsys.readouterr().out.split())
