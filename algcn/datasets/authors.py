"""Read and write the authors' data folders of `.mat` files.

LivXue/ALGCN on GitHub. A checkpoint is a state dict in a `.pth`, read with `weights_only=True`: nothing is unpickled. A
data folder holds `{train,test}_{img,txt,lab}.mat`, each with one variable of the file's own name, rows being items, and
`adj.mat` with the co-occurrence counts `adj` (L × L) and the supports `nums` (L). `label_names.txt`, one name a
line, is our addition: their format has no names.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from algcn.datasets.features import Features
from algcn.kit.errors import InputError
from algcn.kit.files import replacing, write_text
from algcn.kit.mat import read_variable
from algcn.method.graph import cooccurrence
from algcn.method.labels import LabelSet

SPLITS = ("train", "test")
PARTS = {"img": "image features", "txt": "text features", "lab": "labels"}
NAMES_FILE = "label_names.txt"


def read_reference_folder(folder: str | Path, label_set: LabelSet | None = None) -> Features:
    """Read the authors' data folder.

    Numbers of any type, dense or sparse, become float32 features and 0/1 labels. A matrix stored sideways (a bag of
    words as words × items) is turned when only that fits the other two of its split. File names are made up: one for
    each row, "train/0", "train/1", …

    Args:
        folder: With the six `.mat` files; `adj.mat` is not needed (`read_reference_cooccurrence`).
        label_set: The labels in column order; without, `label_names.txt` if there, else "label 1", "label 2", …

    Raises:
        InputError: A file or variable is missing or unreadable, or sizes do not fit together.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder}; give one with {{train,test}}_{{img,txt,lab}}.mat.")
    parts: dict[str, list[Tensor]] = {part: [] for part in PARTS}
    for split in SPLITS:
        for part, matrix in _read_split(folder, split).items():
            parts[part].append(matrix)
    for part, what in PARTS.items():
        widths = [matrix.shape[1] for matrix in parts[part]]
        if widths[0] != widths[1]:
            raise InputError(
                f"In {folder} the {what} are {widths[0]} wide in train and {widths[1]} in test; both must be equal."
            )
    counts = [len(labels) for labels in parts["lab"]]
    return Features(
        image_features=torch.cat(parts["img"]),
        text_features=torch.cat(parts["txt"]),
        labels=torch.cat(parts["lab"]),
        split=[split for split, count in zip(SPLITS, counts, strict=True) for _ in range(count)],
        label_set=_label_set(folder, label_set, parts["lab"][0].shape[1]),
        file_names=[f"{split}/{row}" for split, count in zip(SPLITS, counts, strict=True) for row in range(count)],
    )


def read_reference_cooccurrence(folder: str | Path) -> Tensor:
    """Read the counts of `adj.mat`, L × L int64, as `algcn.method.graph.cooccurrence` gives them.

    Their script counts the diagonal twice; here the supports (`nums`) are put on it.

    Raises:
        InputError: The file is missing or unreadable, or `adj` and `nums` do not fit together.
    """
    path = Path(folder) / "adj.mat"
    counts, support = read_variable(path, "adj").round().long(), read_variable(path, "nums").flatten().round().long()
    if counts.shape != (len(support), len(support)):
        raise InputError(
            f"In {path}, adj has the shape {tuple(counts.shape)} for the {len(support)} labels of nums; copy it again."
        )
    counts.diagonal().copy_(support)
    return counts


def write_reference_folder(features: Features, folder: str | Path) -> None:
    """Write `features` as the authors' data folder, `adj.mat` and `label_names.txt` included.

    They have two splits: rows of "validation" go to the end of train. File names are not kept.

    Raises:
        InputError: Train or test would be empty.
    """
    folder = Path(folder)
    rows = {
        "train": [i for wanted in ("train", "validation") for i, name in enumerate(features.split) if name == wanted],
        "test": [i for i, name in enumerate(features.split) if name == "test"],
    }
    for split, chosen in rows.items():
        if not chosen:
            raise InputError(
                f"The authors' format needs rows to {split} on, and these features have none; give some that split."
            )
    matrices = {"img": features.image_features, "txt": features.text_features, "lab": features.labels}
    for split, chosen in rows.items():
        for part, matrix in matrices.items():
            name = f"{split}_{part}"
            _write_mat(folder / f"{name}.mat", {name: matrix[chosen].cpu().numpy()})
    counts = cooccurrence(features.labels[rows["train"]])
    _write_mat(folder / "adj.mat", {"adj": counts.cpu().numpy(), "nums": counts.diagonal().cpu().numpy()})
    write_text(folder / NAMES_FILE, "".join(f"{name}\n" for name in features.label_set.names))


def _read_split(folder: Path, split: str) -> dict[str, Tensor]:
    """Read the three matrices of a split, with items as rows."""
    matrices = {part: read_variable(folder / f"{split}_{part}.mat", f"{split}_{part}") for part in PARTS}
    for count in matrices["lab"].shape:
        if all(count in matrix.shape for matrix in matrices.values()):
            return {part: matrix if len(matrix) == count else matrix.T for part, matrix in matrices.items()}
    shapes = ", ".join(f"{split}_{part} {matrix.shape[0]} × {matrix.shape[1]}" for part, matrix in matrices.items())
    raise InputError(f"The files of {split} in {folder} must have the same number of items, but they are {shapes}.")


def _write_mat(path: Path, variables: dict[str, np.ndarray]) -> None:
    from scipy.io import savemat

    with replacing(path) as aside, open(aside, "wb") as stream:
        savemat(stream, variables, do_compression=True, oned_as="row")


def _label_set(folder: Path, label_set: LabelSet | None, count: int) -> LabelSet:
    names_file = folder / NAMES_FILE
    if label_set is None and names_file.is_file():
        try:
            lines = names_file.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError as error:
            raise InputError(f"The file {names_file} is not UTF-8 text; it needs one label name a line.") from error
        label_set = LabelSet(line.strip() for line in lines if line.strip())
    if label_set is None:
        label_set = LabelSet(f"label {number}" for number in range(1, count + 1))
    if len(label_set) != count:
        raise InputError(
            f"The folder {folder} has {count} columns of labels for {len(label_set)} label names; name each column."
        )
    return label_set
