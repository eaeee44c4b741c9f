"""What features give to a training: their labels with how many images have each, and which rows it uses."""

from __future__ import annotations

import dataclasses
import unicodedata

from algcn.datasets.features import Features
from algcn.kit.account import Account
from algcn.kit.errors import InputError
from algcn.method.labels import LabelSet

SHOWN = 3  # labels that a warning names


def label_counts(features: Features) -> dict[str, int]:
    """Return every label with how many images have it, the most frequent first; each image counts once."""
    first, _ = features.first_rows()
    counts = dict(zip(features.label_set.names, features.labels[first].sum(dim=0, dtype=int).tolist(), strict=True))
    return dict(sorted(counts.items(), key=lambda entry: -entry[1]))


def learnable(features: Features) -> tuple[Features, str | None]:
    """Leave out the labels that no picture of the train split has: nothing can be learned of them.

    Rows stay, also those that have no label then. A graph cannot be made of such labels, nor a classifier be fitted.

    Returns:
        The features with the other labels, and a sentence that counts and names those left out; None where none is.

    Raises:
        InputError: No picture of the train split has a label.
    """
    training = features.labels[[row for row, split in enumerate(features.split) if split == "train"]]
    seen = training.any(dim=0)
    if not seen.any():
        raise InputError("No item of the train split has a label; give labelled items with the split 'train'.")
    if seen.all():
        return features, None
    kept = seen.nonzero().flatten().tolist()
    unseen = [name for name, is_seen in zip(features.label_set.names, seen.tolist(), strict=True) if not is_seen]
    smaller = dataclasses.replace(
        features, labels=features.labels[:, kept], label_set=LabelSet([features.label_set[column] for column in kept])
    )
    have, are = ("has", "is") if len(unseen) == 1 else ("have", "are")
    return smaller, (
        f"{len(unseen):,} of {len(features.label_set):,} labels {have} no picture in the training split and {are} left "
        f"out: {_listed(unseen)}; give each a training picture to have it learned."
    )


def label_warnings(features: Features) -> list[str]:
    """Say which labels are probably one label in two spellings."""
    warnings = []
    spellings: dict[str, list[str]] = {}
    for name in features.label_set.names:
        spellings.setdefault(unicodedata.normalize("NFKC", name).casefold(), []).append(name)
    twice = [" and ".join(map(repr, names)) for names in spellings.values() if len(names) > 1]
    if twice:
        warnings.append(
            f"Labels that look alike are learned as different ones: {_listed(twice)}; if they are one, give both one "
            "spelling and extract the features again."
        )
    return warnings


def rows_used(features: Features) -> Account:
    """Return how many rows are trained on or measured; those without a label have nothing to teach."""
    account = Account()
    for row, (name, split, labelled) in enumerate(
        zip(features.file_names, features.split, features.labels.any(dim=1).tolist(), strict=True)
    ):
        if split == "train" and not labelled:
            account.add("training rows without a label", f"row {row}, {name}", "give it labels", unit="rows")
        else:
            account.use("rows")
    return account


def _listed(names: list[str]) -> str:
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more:,} more" if more > 0 else "")
