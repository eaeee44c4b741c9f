"""Read the label rows for the prior C, where more items have labels than features: `--prior-labels FILE`.

A `.mat` file with one matrix, items × labels of 0 and 1 (`label_names.txt` beside it, if it is there, must name the
columns in the order of the labels), or a feature file of the same labels.
"""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from algcn.datasets.authors import NAMES_FILE, read_label_names
from algcn.datasets.features import Features
from algcn.kit.errors import InputError
from algcn.kit.mat import read_variable
from algcn.method.labels import LabelSet


def read_prior_labels(path: str | Path | None, label_set: LabelSet) -> Tensor | None:
    """Read the label rows of a file, N × L of 0 and 1; None where no file is named.

    Raises:
        InputError: The file is missing or damaged, or its columns are not the labels.
    """
    if path is None:
        return None
    path = Path(path)
    if path.suffix == ".mat":
        labels = read_variable(path)
        names = path.with_name(NAMES_FILE)
        columns = read_label_names(names) if names.is_file() else label_set.names
    else:
        features = Features.load(path)
        labels, columns = features.labels[features.first_rows()[0]], features.label_set.names
    if labels.shape[1] != len(label_set) or columns != label_set.names:
        raise InputError(
            f"The columns of the prior labels {str(path)!r} ({labels.shape[1]}) are not the {len(label_set)} labels of "
            "the data in their order; give label rows of the same collection."
        )
    if ((labels != 0) & (labels != 1)).any():
        raise InputError(f"The prior labels {str(path)!r} must be 0 or 1 (1 where the item has the label).")
    return labels
