"""What the study needs besides features: the encoder's view of label names, and which captions name a label.

Both are kept in the study's folder, so that it goes on where neither the encoder nor the captions are at hand.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from algcn.datasets.features import Features
from algcn.features.encoder import load_encoder
from algcn.features.names import encode_names
from algcn.kit.errors import InputError
from algcn.method.labels import LabelSet
from algcn.study.cells import Cells, Key

DIGITS = 6
COLUMNS = ("file_name", "text")


class Language(NamedTuple):
    """What is known of labels by language.

    Attributes:
        names: The names of the labels by the encoder of the images, L × e, L2-normalised.
        named: Whether a caption of the image names the label, N × L for the rows of the features; None without
            captions.
    """

    names: Tensor
    named: Tensor | None


def language_of(collection: str, features: Features, cells: Cells, captions: Path | None) -> Language:
    """Read it, from a folder where it is there.

    Args:
        collection: The name of the collection.
        features: Its features.
        cells: The folder.
        captions: A CSV table of file_name and text; the file names are those of the features.

    Raises:
        InputError: The encoder cannot be loaded or is another one than the features are of, or the table is damaged.
    """
    key = Key(collection, "names", {})
    names = cells.get(key, lambda: {"names": _rounded(_names(features))})["names"]
    named = None
    key = Key(collection, "captions", {})
    if captions is not None or cells.read(key) is not None:
        # Without the table there is the measurement.
        lists = cells.get(key, lambda: {"named": _named(features.label_set, captions)})["named"]
        named = torch.zeros(len(features), len(features.label_set), dtype=torch.bool)
        for row, file_name in enumerate(features.file_names):
            named[row, lists.get(file_name, [])] = True
    return Language(torch.tensor(names), named)


def _names(features: Features) -> Tensor:
    known = features.image_encoder
    if "fingerprint" not in known:
        raise InputError(
            "The features do not say which encoder made them, so no label name can be compared with the pictures; "
            "extract them again, or leave out the experiments new and rare."
        )
    encoder = load_encoder(known["reference"])
    if encoder.fingerprint != known["fingerprint"]:
        raise InputError(
            f"The features were made with another encoder than {known['reference']} is now; extract them again."
        )
    return encode_names(encoder.encode_texts, features.label_set.names)


def _rounded(rows: Tensor) -> list[list[float]]:
    return [[round(value, DIGITS) for value in row] for row in rows.tolist()]


def _named(label_set: LabelSet, captions: Path) -> dict[str, Any]:
    """Read the columns of the labels that the captions of each file name."""
    found: dict[str, set[int]] = defaultdict(set)
    with captions.open(encoding="utf-8", newline="") as stream:
        table = csv.DictReader(stream)
        if not set(COLUMNS) <= set(table.fieldnames or ()):
            raise InputError(f"The table {str(captions)!r} has no columns file_name and text; name one with both.")
        for row in table:
            found[row["file_name"]] |= {label_set.index(name) for name in label_set.find(row["text"] or "")}
    return {name: sorted(columns) for name, columns in found.items() if columns}
