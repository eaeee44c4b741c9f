"""Equality with the authors' code, through tensors that their code made (tests/data/README.md)."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from scipy.io import loadmat, savemat
from scipy.sparse import csr_matrix

from algcn.datasets.authors import read_reference_cooccurrence, read_reference_folder, write_reference_folder
from algcn.datasets.features import Features
from algcn.evaluation.metrics import average_precision_per_label, mean_average_precision
from algcn.kit.errors import InputError
from algcn.method.authors import KEYS, load_reference_checkpoint, save_reference_checkpoint
from algcn.method.config import ModelConfig, TrainConfig
from algcn.method.graph import cooccurrence, label_prior
from algcn.method.labels import LabelSet
from algcn.method.losses import algcn_loss
from algcn.method.model import ALGCN

DATA = Path(__file__).resolve().parents[2] / "data"
CHECKPOINT = DATA / "reference.pth"
CONFIG = ModelConfig(image_dim=20, text_dim=12, num_labels=7, common_dim=32, label_dim=10)
STEPS, BATCH, LEARNING_RATE = 6, 10, 2e-3


@pytest.fixture(scope="module")
def golden() -> dict[str, torch.Tensor]:
    return load_file(DATA / "reference.safetensors")


def close(mine: torch.Tensor, theirs: torch.Tensor, atol: float = 1e-5) -> None:
    torch.testing.assert_close(mine, theirs, atol=atol, rtol=0, check_dtype=False)


def starting_model(golden: dict[str, torch.Tensor]) -> ALGCN:
    torch.manual_seed(103)
    return ALGCN(CONFIG, label_prior(golden["train.labels"], diagonal=1.5))


def test_the_prior_is_what_the_authors_make_of_their_counts(golden) -> None:
    close(label_prior(golden["train.labels"], threshold=0.4, diagonal=1.5), golden["initial.A"])
    assert not torch.equal(golden["initial.A"], golden["initial.A"].T), "a symmetric prior would prove little"


def test_one_seed_gives_both_the_same_start(golden) -> None:
    state = starting_model(golden).state_dict()
    for theirs, ours in KEYS.items():
        close(state[ours], golden[f"initial.{theirs}"])


def test_a_checkpoint_gives_the_authors_outputs(golden) -> None:
    model = load_reference_checkpoint(CHECKPOINT, gamma=0.5)
    assert model.config == CONFIG
    assert not model.training
    with torch.no_grad():
        output = model(golden["test.image"], golden["test.text"])
    for name in ("image", "text", "image_scores", "text_scores", "classifiers"):
        close(getattr(output, name), golden[f"out.{name}"])
    assert (model.label_graph()["adaptive"] == 0).any(), "no edge was cut, so the ReLU of A was not tested"


def test_gamma_matters(golden) -> None:
    output = load_reference_checkpoint(CHECKPOINT, gamma=0.1)(golden["test.image"], golden["test.text"])
    assert (output.classifiers - golden["out.classifiers"]).abs().max() > 1e-3


def test_training_follows_the_authors_steps(golden) -> None:
    model, config = starting_model(golden), TrainConfig(learning_rate=LEARNING_RATE)
    optimiser = torch.optim.Adam(model.parameter_groups(LEARNING_RATE, config.adaptive_lr_factor), betas=config.betas)
    for step in range(STEPS):
        rows = torch.arange(step * BATCH, (step + 1) * BATCH) % len(golden["train.labels"])
        torch.manual_seed(step)
        output = model(golden["train.image"][rows], golden["train.text"][rows])
        losses = algcn_loss(output, golden["train.labels"][rows].to(torch.uint8), model.prior, config)
        close(torch.stack(losses).detach(), golden["losses"][step], atol=1e-5 if step == 0 else 1e-4)
        optimiser.zero_grad()
        losses.total.backward()
        optimiser.step()
        if step == 0:
            for theirs, ours in KEYS.items():
                close(model.state_dict()[ours], golden[f"one_step.{theirs}"])
    final = torch.load(CHECKPOINT, weights_only=True)
    for theirs, ours in KEYS.items():
        close(model.state_dict()[ours], final[theirs], atol=1e-4)


def test_mean_average_precision_is_the_authors(golden) -> None:
    image, text, labels = golden["out.image"], golden["out.text"], golden["test.labels"]
    for query, gallery, theirs in ((image, text, golden["map"][0]), (text, image, golden["map"][1])):
        ours = mean_average_precision(query, gallery, labels, labels, ties="index")
        assert ours == pytest.approx(theirs.item(), abs=1e-5)
    close(average_precision_per_label(image, text, labels, labels, ties="index"), golden["map_per_label"])


def test_a_checkpoint_round_trip(tmp_path: Path, golden) -> None:
    path = tmp_path / "again.pth"
    save_reference_checkpoint(load_reference_checkpoint(CHECKPOINT), path)
    mine, theirs = (torch.load(p, weights_only=True) for p in (path, CHECKPOINT))
    assert set(mine) == set(theirs)
    for key in theirs:
        assert torch.equal(mine[key], theirs[key])


@pytest.mark.parametrize("changes", [{"use_gcn": False}, {"adaptive": False}, {"gcn_layers": 2}])
def test_only_their_kind_of_model_fits_their_format(tmp_path: Path, changes: dict) -> None:
    with pytest.raises(InputError, match="save this one as a bundle"):
        save_reference_checkpoint(ALGCN(CONFIG.replace(**changes)), tmp_path / "x.pth")
    assert not list(tmp_path.iterdir())


class Surprise:
    """What a hostile pickle would run."""

    def __reduce__(self):
        return (math.sqrt, (2,))


def test_damaged_and_foreign_checkpoints(tmp_path: Path) -> None:
    path = tmp_path / "bad.pth"
    state = torch.load(CHECKPOINT, weights_only=True)

    def refuses(message: str) -> None:
        with pytest.raises(InputError, match=message):
            load_reference_checkpoint(path)

    refuses("There is no checkpoint")
    for content in (b"", b"not a checkpoint", CHECKPOINT.read_bytes()[:5000]):
        path.write_bytes(content)
        refuses("is not a checkpoint of plain tensors")
    torch.save(Surprise(), path)
    refuses("is not a checkpoint of plain tensors")
    torch.save([1, 2], path)
    refuses("does not hold a state dict")
    torch.save({**state, "A": 3}, path)
    refuses("does not hold a state dict")
    torch.save({key: state[key] for key in state if key != "hypo.bias"} | {"extra": state["A"]}, path)
    refuses("it lacks hypo.bias and has the unknown extra")
    torch.save({**state, "A": state["A"][0]}, path)
    refuses(r"A has the impossible shape \(7,\)")
    for key in ("B", "gc2.weight", "hypo.weight", "text_net.denseL1.bias", "inp"):
        torch.save({**state, key: torch.cat([state[key], state[key]])}, path)
        refuses(f"{key} has the shape .* where the other tensors ask for")
    torch.save({**state, "A": state["A"] * float("nan")}, path)
    refuses("NaN")
    torch.save({**state, "A": state["A"][:0]}, path)
    refuses(r"A has the impossible shape \(0, 7\)")


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda tensor: tensor.to_sparse(), "is sparse"),
        (lambda tensor: tensor.to_sparse_csr(), "is sparse"),
        (lambda tensor: torch.quantize_per_tensor(tensor, 0.1, 0, torch.quint8), "is quantised"),
        (lambda tensor: tensor.to(torch.complex64), "holds complex numbers"),
        (lambda tensor: tensor.to("meta"), "has a shape but no numbers"),
        (lambda tensor: tensor * float("inf"), "holds a NaN, an infinity"),
        (lambda tensor: tensor.double() * 1e300, "a number that is too large"),
        # One number that is repeated 10^10 times: 40 GB for whoever looks at all of them.
        (lambda tensor: torch.zeros(1).expand(100_000, 100_000), "which is more than the file holds"),
    ],
)
@pytest.mark.parametrize("key", ["A", "inp", "gc1.weight"])
def test_tensors_that_are_not_plain(tmp_path: Path, key: str, change: Callable, said: str) -> None:
    state = torch.load(CHECKPOINT, weights_only=True)
    torch.save({**state, key: change(state[key])}, tmp_path / "bad.pth")
    with pytest.raises(InputError, match=rf"{key} .*{said}") as caught:
        load_reference_checkpoint(tmp_path / "bad.pth")
    assert str(caught.value).endswith("; give the .pth that the authors' code saves.")


def test_kinds_of_numbers_that_are_plain(tmp_path: Path) -> None:
    state = torch.load(CHECKPOINT, weights_only=True)
    for changed in (state["A"].double(), state["A"].half(), torch.nn.Parameter(state["A"])):
        torch.save({**state, "A": changed}, tmp_path / "good.pth")
        close(load_reference_checkpoint(tmp_path / "good.pth").prior, state["A"], atol=1e-3)


def test_a_packed_checkpoint_is_not_unpacked(tmp_path: Path) -> None:
    """A few kilobytes that are gigabytes when they are unpacked."""
    path = tmp_path / "bomb.pth"
    with ZipFile(CHECKPOINT) as whole, ZipFile(path, "w", ZIP_DEFLATED) as packed:
        for entry in whole.infolist():
            packed.writestr(entry.filename, whole.read(entry) if entry.file_size < 200 else bytes(1 << 24))
    assert path.stat().st_size < 1 << 20
    with pytest.raises(InputError, match="is not a checkpoint of plain tensors"):
        load_reference_checkpoint(path)


# --- folders of .mat files -------------------------------------------------------------------------------------------


@pytest.fixture
def features(golden) -> Features:
    return Features(
        image_features=torch.cat([golden["train.image"], golden["test.image"]]),
        text_features=torch.cat([golden["train.text"], golden["test.text"]]),
        labels=torch.cat([golden["train.labels"], golden["test.labels"]]),
        split=["train"] * 40 + ["test"] * 30,
        label_set=LabelSet("abcdefg"),
        file_names=[f"{i}.png" for i in range(70)],
    )


def same_data(mine: Features, theirs: Features) -> None:
    close(mine.image_features, theirs.image_features)
    close(mine.text_features, theirs.text_features)
    assert torch.equal(mine.labels, theirs.labels)
    assert list(mine.split) == list(theirs.split)
    assert mine.label_set == theirs.label_set


def test_folder_round_trip(features: Features, tmp_path: Path) -> None:
    write_reference_folder(features, tmp_path)
    names = {f"{split}_{part}.mat" for split in ("train", "test") for part in ("img", "txt", "lab")}
    assert {path.name for path in tmp_path.iterdir()} == names | {"adj.mat", "label_names.txt"}
    again = read_reference_folder(tmp_path)
    same_data(again, features)
    assert again.file_names[:2] == ["train/0", "train/1"] and again.file_names[-1] == "test/29"
    assert loadmat(tmp_path / "train_img.mat")["train_img"].dtype == np.float32, "their code feeds it as it is"


def test_adj_mat_gives_the_authors_prior(features: Features, golden, tmp_path: Path) -> None:
    write_reference_folder(features, tmp_path)
    stored = loadmat(tmp_path / "adj.mat")
    assert stored["nums"].shape == (1, 7), "savemat makes a row of it, and their arithmetic relies on that"
    close(torch.from_numpy(stored["nums"]), golden["nums"])
    # What util.gen_A of the authors does with it, in one line: C holds 0.5 · 1[adj / nums ≥ t] + I.
    prior = 0.5 * (stored["adj"] / stored["nums"] >= 0.4) + np.eye(7)
    close(torch.from_numpy(prior).float(), golden["initial.A"])
    assert torch.equal(read_reference_cooccurrence(tmp_path), cooccurrence(golden["train.labels"]))


def test_the_authors_own_adj_mat_counts_its_diagonal_twice(golden, tmp_path: Path) -> None:
    savemat(tmp_path / "adj.mat", {"adj": golden["adj"].numpy(), "nums": golden["nums"].numpy()})
    assert golden["adj"][0, 0] == 2 * golden["nums"][0, 0]
    assert torch.equal(read_reference_cooccurrence(tmp_path), cooccurrence(golden["train.labels"]))
    savemat(tmp_path / "adj.mat", {"adj": golden["adj"].numpy(), "nums": golden["nums"].numpy()[:, :5]})
    with pytest.raises(InputError, match=r"adj has the shape \(7, 7\) for the 5 labels of nums"):
        read_reference_cooccurrence(tmp_path)


def test_validation_rows_go_to_train(features: Features, tmp_path: Path) -> None:
    split = ["validation"] * 10 + ["train"] * 30 + ["test"] * 30
    carved = Features(
        features.image_features, features.text_features, features.labels, split, features.label_set, features.file_names
    )
    write_reference_folder(carved, tmp_path)
    again = read_reference_folder(tmp_path)
    assert list(again.split) == ["train"] * 40 + ["test"] * 30
    close(again.image_features[:40], features.image_features[[*range(10, 40), *range(10)]])
    with pytest.raises(InputError, match="needs rows to test on"):
        write_reference_folder(carved.select("train"), tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_types_sparse_and_sideways_matrices(features: Features, tmp_path: Path) -> None:
    write_reference_folder(features, tmp_path)
    for split in ("train", "test"):
        for part, change in (
            ("img", lambda x: x.astype(np.float64)),
            ("txt", lambda x: csr_matrix(x.T.astype(np.float64))),  # words × items
            ("lab", lambda x: x.astype(np.int16)),
        ):
            path = tmp_path / f"{split}_{part}.mat"
            savemat(path, {f"{split}_{part}": change(loadmat(path)[f"{split}_{part}"])})
    again = read_reference_folder(tmp_path)
    same_data(again, features)
    assert again.image_features.dtype == torch.float32 and again.labels.dtype == torch.uint8


def test_sideways_labels(features: Features, tmp_path: Path) -> None:
    write_reference_folder(features, tmp_path)
    for split in ("train", "test"):
        path = tmp_path / f"{split}_lab.mat"
        savemat(path, {f"{split}_lab": loadmat(path)[f"{split}_lab"].T})
    same_data(read_reference_folder(tmp_path), features)


def test_label_names(features: Features, tmp_path: Path) -> None:
    write_reference_folder(features, tmp_path)
    assert read_reference_folder(tmp_path, LabelSet("tuvwxyz")).label_set.names == list("tuvwxyz")
    with pytest.raises(InputError, match="7 columns of labels for 3 label names"):
        read_reference_folder(tmp_path, LabelSet("abc"))
    (tmp_path / "label_names.txt").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(InputError, match=r"label_names\.txt is not UTF-8"):
        read_reference_folder(tmp_path)
    (tmp_path / "label_names.txt").unlink()
    assert read_reference_folder(tmp_path).label_set.names[:2] == ["label 1", "label 2"]


def test_folders_that_cannot_be_read(features: Features, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no folder"):
        read_reference_folder(tmp_path / "none")
    write_reference_folder(features, tmp_path)
    good = {path.name: path.read_bytes() for path in tmp_path.glob("*.mat")}

    def refuses(name: str, variables: dict | bytes | None, message: str) -> None:
        path = tmp_path / name
        path.unlink()
        if isinstance(variables, bytes):
            path.write_bytes(variables)
        elif variables is not None:
            savemat(path, variables)
        with pytest.raises(InputError, match=message):
            read_reference_folder(tmp_path)
        path.write_bytes(good[name])

    refuses("test_txt.mat", None, "test_txt.mat is missing")
    refuses("test_txt.mat", b"", "is not a .mat file, or it is damaged")
    refuses("test_txt.mat", b"hello" * 100, "is not a .mat file, or it is damaged")
    refuses("test_txt.mat", good["test_txt.mat"][:-200], "is not a .mat file, or it is damaged")
    refuses("test_txt.mat", b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM", "is of MATLAB 7.3")
    refuses("test_txt.mat", {"train_txt": np.eye(3)}, "a variable called test_txt; it holds train_txt")
    refuses("test_txt.mat", {"test_txt": np.array(["a", "b"])}, "must be a matrix of numbers")
    refuses("test_txt.mat", {"test_txt": np.zeros((0, 4))}, "must be a matrix of numbers")
    refuses("test_txt.mat", {"test_txt": np.ones((29, 12))}, "must have the same number of items.*test_txt 29 × 12")
    refuses("test_txt.mat", {"test_txt": np.ones((30, 13))}, "the text features are 12 wide in train and 13 in test")
    refuses("test_img.mat", {"test_img": np.ones((30, 21))}, "the image features are 20 wide in train and 21 in test")
    refuses("test_lab.mat", {"test_lab": np.ones((30, 8))}, "the labels are 7 wide in train and 8 in test")
    refuses("train_lab.mat", {"train_lab": np.full((40, 7), 2)}, "labels must be 0 or 1")
    refuses("train_img.mat", {"train_img": np.full((40, 20), np.nan)}, "NaN")


def test_the_real_word_vectors_fit(data_root: Path) -> None:
    path = data_root / "label_embeddings" / "mirflickr-inp-glove6B.mat"
    if not path.is_file():
        pytest.skip(f"no word vectors at {path}")
    vectors = torch.from_numpy(loadmat(path)["inp"])
    model = ALGCN(ModelConfig(20, 12, 24, learn_label_embeddings=False), label_embeddings=vectors)
    assert torch.isfinite(model.classifiers()).all()
