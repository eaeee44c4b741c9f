"""Matrices of the authors' folders that lie on their side: all six decide together, and what is turned is said."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from scipy.io import savemat

from algcn.command_line import read_features
from algcn.datasets.authors import read_label_names, read_reference_folder
from algcn.datasets.features import Features
from algcn.kit.errors import InputError
from algcn.method.labels import LabelSet

SPLITS, PARTS = ("train", "test"), ("img", "txt", "lab")
FILES = [f"{split}_{part}" for split in SPLITS for part in PARTS]


def matrices(train: int, test: int, image: int, text: int, labels: int) -> dict[str, np.ndarray]:
    """Six upright matrices; no two entries of features are equal, so none is mistaken for its transpose."""
    generator = np.random.default_rng(0)
    made = {}
    for split, items in (("train", train), ("test", test)):
        made[f"{split}_img"] = generator.random((items, image)) + 0.1
        made[f"{split}_txt"] = generator.random((items, text)) + 0.1
        made[f"{split}_lab"] = (generator.random((items, labels)) > 0.5).astype(np.uint8)
    return made


def write(folder: Path, made: dict[str, np.ndarray], sideways: Iterable[str] = ()) -> Path:
    for name, matrix in made.items():
        savemat(folder / f"{name}.mat", {name: matrix.T if name in sideways else matrix})
    return folder


def is_read(features: Features, made: dict[str, np.ndarray]) -> bool:
    """Whether the features are the upright matrices."""
    return (
        all(
            torch.equal(
                read.float(), torch.from_numpy(np.concatenate([made[f"{split}_{part}"] for split in SPLITS])).float()
            )
            for part, read in (
                ("img", features.image_features),
                ("txt", features.text_features),
                ("lab", features.labels),
            )
            if len(read) == sum(len(made[f"{split}_{part}"]) for split in SPLITS)
            and read.shape[1] == made[f"train_{part}"].shape[1]
        )
        and features.labels.shape[1] == made["train_lab"].shape[1]
    )


@pytest.mark.parametrize(
    ("sizes", "sideways"),
    [
        # Labels on their side, and as many labels as both features are wide: the first count that fits train is 7.
        ((20, 30, 7, 7, 7), ("train_lab", "test_lab")),
        # As many train items as labels: train_lab is square and lies as test_lab does.
        ((7, 30, 20, 12, 7), ("train_txt", "test_txt")),
        ((7, 30, 20, 12, 7), ("train_lab", "test_lab")),
        # As many test items as words, the texts on their side: test_txt is square, and turned with train_txt.
        ((40, 30, 20, 30, 7), ("train_txt", "test_txt")),
        # One file alone.
        ((40, 30, 20, 12, 7), ("test_img",)),
        ((40, 20, 20, 12, 40), ("train_txt",)),
        # All of a split, all there are, and none where everything is square.
        ((40, 30, 20, 12, 7), ("test_img", "test_txt", "test_lab")),
        ((40, 30, 20, 12, 7), FILES),
        ((7, 7, 7, 7, 7), ()),
        ((7, 20, 20, 7, 20), ()),
    ],
)
def test_the_right_side_is_found(tmp_path: Path, sizes: tuple[int, ...], sideways: tuple[str, ...]) -> None:
    made = matrices(*sizes)
    notices: list[str] = []
    features = read_reference_folder(write(tmp_path, made, sideways), notices=notices)
    assert is_read(features, made)
    listed = ", ".join(f"{name}.mat" for name in FILES if name in sideways)
    assert notices == ([f"In {tmp_path}, items are the columns of {listed}, and were made the rows."] if listed else [])


def test_the_number_of_labels_decides_where_sizes_do_not(tmp_path: Path) -> None:
    # 20 items of 7 labels, or 7 items of 20: as many of train as of test, so the widths do not tell.
    made = matrices(20, 20, 7, 7, 7)
    write(tmp_path, made, ("train_lab", "test_lab"))
    with pytest.raises(
        InputError, match=r"several ways \(train_img 20 × 7.*train_lab 7 × 20.*label_names\.txt"
    ) as caught:
        read_reference_folder(tmp_path)
    assert str(caught.value).endswith(".")
    assert is_read(read_reference_folder(tmp_path, LabelSet("abcdefg")), made)
    savemat(tmp_path / "adj.mat", {"adj": np.eye(7), "nums": np.ones(7)})
    assert is_read(read_reference_folder(tmp_path), made)
    (tmp_path / "adj.mat").unlink()
    (tmp_path / "label_names.txt").write_text("".join(f"label{n}\n" for n in range(7)))
    features = read_reference_folder(tmp_path)
    assert is_read(features, made) and features.label_set.names[0] == "label0"
    (tmp_path / "label_names.txt").write_text("".join(f"label{n}\n" for n in range(20)))
    assert len(read_reference_folder(tmp_path)) == 14, "with 20 names, the other way is the right one"


def test_sizes_that_fit_in_no_way(tmp_path: Path) -> None:
    made = matrices(20, 30, 7, 12, 5)
    for name, matrix, message in (
        ("test_txt", np.ones((29, 12)), r"test.*same number of items.*test_txt 29 × 12"),
        ("train_txt", np.ones((20, 13)), "the text features are 13 wide in train and 12 in test"),
        ("train_lab", np.ones((4, 20)), "the labels are 4 wide in train and 5 in test"),
    ):
        write(tmp_path, {**made, name: matrix})
        with pytest.raises(InputError, match=message):
            read_reference_folder(tmp_path)


@settings(max_examples=150, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    sizes=st.tuples(*[st.sampled_from([2, 3, 4])] * 5),
    kinds=st.sets(st.sampled_from(PARTS)),
    alone=st.sampled_from([None, *FILES]),
)
def test_a_reading_is_right_or_refused(
    tmp_path: Path, sizes: tuple[int, ...], kinds: set[str], alone: str | None
) -> None:
    """Sizes from a few, so that most of them are equal; what is stored upright is read as it is, whatever its sizes."""
    train, test, image, text, labels = sizes
    made = matrices(*sizes)
    sideways = {f"{split}_{part}" for split in SPLITS for part in kinds} if alone is None else {alone}
    write(tmp_path, made, sideways)
    stored = {name: matrix.T.shape if name in sideways else matrix.shape for name, matrix in made.items()}
    upright = all(len({stored[f"{split}_{part}"][0] for part in PARTS}) == 1 for split in SPLITS) and all(
        stored[f"train_{part}"][1] == stored[f"test_{part}"][1] for part in PARTS
    )
    try:
        features = read_reference_folder(tmp_path)
    except InputError as error:
        assert "in several ways" in str(error) and not upright
        return
    if upright:
        made = {name: matrix.T if name in sideways else matrix for name, matrix in made.items()}
    else:
        assume(alone is None)  # one square file alone is taken to lie as the other of its kind does
        assume(train != test or not {train} & {image, text, labels})
    assert is_read(features, made)


def test_what_is_turned_is_said_by_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = matrices(20, 30, 8, 12, 5)
    assert read_features(write(tmp_path, made)) is not None
    assert capsys.readouterr().err == ""
    assert read_features(write(tmp_path, made, ["train_txt", "test_txt"])) is not None
    assert "items are the columns of train_txt.mat, test_txt.mat" in capsys.readouterr().err


def test_label_names_are_one_a_line(tmp_path: Path) -> None:
    path = tmp_path / "label_names.txt"
    path.write_bytes("\ufeffdog\r\n  wide sea \r\n\r\nchien\u2028loup\r\n".encode())
    assert read_label_names(path) == ["dog", "wide sea", "chien\u2028loup"]
    path.write_bytes("naïve".encode("latin-1"))
    with pytest.raises(InputError, match="is not UTF-8 text; it needs one label name a line"):
        read_label_names(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_label_names(tmp_path)
