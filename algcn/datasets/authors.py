"""Read and write the authors' data folders of `.mat` files.

LivXue/ALGCN on GitHub. A checkpoint is a state dict in a `.pth`, read with `weights_only=True`: nothing is unpickled. A
data folder holds `{train,test}_{img,txt,lab}.mat`, each with one variable of the file's own name, rows being items, and
`adj.mat` with the co-occurrence counts `adj` (L × L) and the supports `nums` (L). `label_names.txt`, one name a
line, is our addition: their format has no names.
"""

from __future__ import annotations

from itertools import combinations
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
Key = tuple[str, str]  # a split and a part: one file


def read_reference_folder(
    folder: str | Path, label_set: LabelSet | None = None, notices: list[str] | None = None
) -> Features:
    """Read the authors' data folder.

    Numbers of any type, dense or sparse, become float32 features and 0/1 labels. Matrices stored sideways (a bag of
    words as words × items) are turned where only that makes all six fit together, and the labels that are known. File
    names are made up: one for each row, "train/0", "train/1", …

    Args:
        folder: With the six `.mat` files; `adj.mat` is not needed (`read_reference_cooccurrence`).
        label_set: The labels in column order; without, `label_names.txt` if there, else "label 1", "label 2", …
        notices: Gets a sentence on the matrices that were turned.

    Raises:
        InputError: A file or variable is missing or unreadable, or sizes fit together in no way or in several.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder}; give one with {{train,test}}_{{img,txt,lab}}.mat.")
    if label_set is None and (folder / NAMES_FILE).is_file():
        label_set = LabelSet(read_label_names(folder / NAMES_FILE))
    stored = {
        (split, part): read_variable(folder / f"{split}_{part}.mat", f"{split}_{part}")
        for split in SPLITS
        for part in PARTS
    }
    turned = _turned(folder, stored, label_set)
    if turned and notices is not None:
        listed = ", ".join(f"{split}_{part}.mat" for split, part in stored if (split, part) in turned)
        notices.append(f"In {folder}, items are the columns of {listed}, and were made the rows.")
    parts = {
        part: [stored[split, part].T if (split, part) in turned else stored[split, part] for split in SPLITS]
        for part in PARTS
    }
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


def read_label_names(path: Path) -> list[str]:
    """Read the names of labels, one a line in the order of the columns, without spaces around them.

    Raises:
        InputError: The file cannot be read.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise InputError(f"The file {path} is not UTF-8 text; it needs one label name a line.") from error
    except OSError as error:
        raise InputError(f"The file {path} cannot be read ({error.strerror or error}); copy it again.") from error
    return [line.strip() for line in lines if line.strip()]


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


def _turned(folder: Path, stored: dict[Key, Tensor], label_set: LabelSet | None) -> frozenset[Key]:
    """Find the matrices that have their items as columns, by the sizes of all six and the number of labels.

    Where several ways fit, both splits are taken to be stored alike, and nothing is turned that need not be: a matrix
    as wide as it is long lies as the other one of its kind does, and upright where all else is.
    """
    fitting = [turned for turned in _ways(alike=False) if _fits(stored, turned)]
    if not fitting:
        raise _misfit(folder, stored)
    known = label_set is not None
    if len({_label_count(stored, turned) for turned in fitting}) > 1:
        count = len(label_set) if known else _stored_label_count(folder)
        fitting = [turned for turned in fitting if _label_count(stored, turned) == count] or fitting
    fitting = [turned for turned in _ways(alike=True) if turned in fitting] or fitting
    needed = [turned for turned in fitting if not any(fewer < turned for fewer in fitting)]
    if len(needed) > 1:
        remedy = "store them as rows" + ("" if known else f", or name the labels in {NAMES_FILE}, one a line")
        raise InputError(
            f"The matrices of {folder} fit together in several ways ({_shapes(stored)}), so it is not clear which side "
            f"the items are on; {remedy}."
        )
    return needed[0]


def _ways(*, alike: bool) -> list[frozenset[Key]]:
    """List the ways to turn matrices; where both splits are stored alike, those of one kind are turned together."""
    groups = [SPLITS] if alike else [(split,) for split in SPLITS]
    units = [{(split, part) for split in group} for group in groups for part in PARTS]
    return [frozenset[Key]().union(*chosen) for count in range(len(units) + 1) for chosen in combinations(units, count)]


def _fits(stored: dict[Key, Tensor], turned: frozenset[Key]) -> bool:
    """Tell whether each split has one number of items, and each part one width."""
    shapes = {key: _shape(stored, key, turned) for key in stored}
    return all(len({shapes[split, part][0] for part in PARTS}) == 1 for split in SPLITS) and all(
        len({shapes[split, part][1] for split in SPLITS}) == 1 for part in PARTS
    )


def _shape(stored: dict[Key, Tensor], key: Key, turned: frozenset[Key]) -> tuple[int, int]:
    rows, columns = stored[key].shape
    return (columns, rows) if key in turned else (rows, columns)


def _label_count(stored: dict[Key, Tensor], turned: frozenset[Key]) -> int:
    return _shape(stored, (SPLITS[0], "lab"), turned)[1]


def _stored_label_count(folder: Path) -> int | None:
    """Return the number of labels that `adj.mat` has counts of; None without one."""
    return len(read_reference_cooccurrence(folder)) if (folder / "adj.mat").is_file() else None


def _misfit(folder: Path, stored: dict[Key, Tensor]) -> InputError:
    """Say which sizes fit in no way: the items of a split or, where those do, the widths of a part."""
    alike: dict[Key, int] = {}
    for split in SPLITS:
        own = {key: matrix for key, matrix in stored.items() if key[0] == split}
        counts = [count for count in own[split, "lab"].shape if all(count in matrix.shape for matrix in own.values())]
        if not counts:
            return InputError(
                f"The files of {split} in {folder} must have the same number of items, but they are {_shapes(own)}."
            )
        for key, matrix in own.items():
            alike[key] = matrix.shape[1] if len(matrix) == counts[0] else len(matrix)
    for part, what in PARTS.items():
        train, test = (alike[split, part] for split in SPLITS)
        if train != test:
            return InputError(
                f"In {folder} the {what} are {train} wide in train and {test} in test; both must be equal."
            )
    return InputError(
        f"The matrices of {folder} do not fit together ({_shapes(stored)}); store the items of each as its rows."
    )


def _shapes(stored: dict[Key, Tensor]) -> str:
    return ", ".join(f"{split}_{part} {len(matrix)} × {matrix.shape[1]}" for (split, part), matrix in stored.items())


def _write_mat(path: Path, variables: dict[str, np.ndarray]) -> None:
    from scipy.io import savemat

    with replacing(path) as aside, open(aside, "wb") as stream:
        savemat(stream, variables, do_compression=True, oned_as="row")


def _label_set(folder: Path, label_set: LabelSet | None, count: int) -> LabelSet:
    if label_set is None:
        label_set = LabelSet(f"label {number}" for number in range(1, count + 1))
    if len(label_set) != count:
        raise InputError(
            f"The folder {folder} has {count} columns of labels for {len(label_set)} label names; name each column."
        )
    return label_set
