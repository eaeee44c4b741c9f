"""What a row of a table says about its picture: texts, labels and split, by what the whole table holds."""

from __future__ import annotations

from typing import Any

from algcn.datasets.features import SPLITS
from algcn.datasets.folders.spellings import (
    SEPARATOR,
    is_yes,
    read_labels,
    read_text,
    read_texts,
    separator_of,
    yes_columns,
)
from algcn.datasets.folders.tables import FILE, LABELS, SPLIT, TEXT, Table
from algcn.kit.account import Account
from algcn.kit.errors import InputError
from algcn.method.labels import LabelSet

OWN_COLUMNS = frozenset(
    {"predicted_labels", "predicted_probabilities"}
)  # written beside a collection: what a model says is nobody's label
# As the `datasets` library names splits.
_SPLIT_WORDS = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev"),
    "test": ("test", "testing", "eval", "evaluation"),
}
_SPLIT_CALLED = {word: split for split, words in _SPLIT_WORDS.items() for word in words}


def split_called(word: str) -> str | None:
    """Return the split that a word names, None where it names none.

    Example:
        >>> split_called("val"), split_called("Training"), split_called("dog")
        ('validation', 'train', None)
    """
    return _SPLIT_CALLED.get(word.strip().casefold())


class RowReader:
    """Reads the rows of one table.

    Args:
        table: The table.
        account: Where columns that are not read are counted, and what was decided is noted.
        label_set: The labels that are allowed; None for all.

    Raises:
        InputError: The table has neither texts nor labels nor splits, or its labels are separated in two ways.
    """

    def __init__(self, table: Table, account: Account, label_set: LabelSet | None) -> None:
        self._table, self._label_set = table, label_set
        (self._file,) = table.columns_of(FILE)
        self._texts, self._labels, self._splits = (table.columns_of(what) for what in (TEXT, LABELS, SPLIT))
        self._known = {name.casefold() for name in label_set.names} if label_set is not None else set()
        yes = self._find_yes_columns(account) if not self._labels else []
        self._yes = {column: place for place, column in enumerate(yes)}
        if not (self._texts or self._labels or self._splits or self._yes):
            raise InputError(
                f"The file {table.name} has no column 'text' or 'labels' (its columns: {', '.join(table.columns)}); "
                "call the column of captions text, and that of labels labels."
            )
        for column in table.other_columns:
            if column not in self._yes and column not in OWN_COLUMNS:
                remedy = "call it text or labels, if it holds those"
                account.add("columns not read", f"{column!r} of {table.name}", remedy, unit="columns")
        self._separators = {column: self._separator(column, account) for column in self._labels}

    def file_name(self, row: dict[str, Any], number: int) -> str:
        """Return the path of the row's picture from the table's folder; empty where the row has none."""
        return self._read(read_text, row.get(self._file), number, FILE)

    def texts(self, row: dict[str, Any], number: int) -> list[str]:
        """Return the texts of a row."""
        return [text for column in self._texts for text in self._read(read_texts, row.get(column), number, column)]

    def labels(self, row: dict[str, Any], number: int) -> list[str] | None:
        """Return the labels of a row, None where the table has none."""
        if self._yes:
            yes = [column for column, value in row.items() if column in self._yes and is_yes(value)]
            labels = sorted(yes, key=self._yes.__getitem__)
        elif self._labels:
            labels = [label for column in self._labels for label in self._labels_of(row.get(column), number, column)]
        else:
            return None
        labels = list(dict.fromkeys(labels))
        if self._label_set is not None:
            for label in labels:
                check_label(label, self._label_set, f"Row {number} of {self._table.name}")
        return labels

    def split(self, row: dict[str, Any], number: int) -> str | None:
        """Return the split of a row, None where it names none."""
        for column in self._splits:
            value = self._read(read_text, row.get(column), number, column)
            if value and split_called(value) is None:
                raise InputError(
                    f"Row {number} of {self._table.name} has the split {value!r}; use {', '.join(SPLITS)} or leave it "
                    "empty."
                )
            return split_called(value)
        return None

    def _labels_of(self, value: Any, number: int, column: str) -> list[str]:
        if isinstance(value, str) and value.strip().casefold() in self._known:
            return [value.strip()]
        return self._read(read_labels, value, number, self._separators[column])

    def _read(self, read: Any, value: Any, number: int, option: str | None) -> Any:
        try:
            return read(value, option)
        except ValueError as error:
            raise InputError(
                f"Row {number} of {self._table.name} cannot be read: {error}; write a text, or a list of texts."
            ) from error

    def _separator(self, column: str, account: Account) -> str | None:
        fields = [
            value
            for _, row in self._table.rows
            if not (isinstance(value := row.get(column), str) and value.strip().casefold() in self._known)
        ]
        try:
            separator = separator_of(fields, one_each=column.strip().casefold() == "label")
        except ValueError as error:
            raise InputError(f"The column {column!r} of {self._table.name} {error}.") from error
        if separator not in (None, SEPARATOR):
            account.note(f"The labels of {self._table.name} are separated by {separator!r}.")
        return separator

    def _find_yes_columns(self, account: Account) -> list[str]:
        """Find columns of 0 and 1 named by labels; a single one may mean anything."""
        found = yes_columns([row for _, row in self._table.rows], self._table.other_columns)
        if len(found) < 2:
            return []
        listed = ", ".join(found[:3]) + (f" and {len(found) - 3:,} more" if len(found) > 3 else "")
        account.note(f"The columns of 0 and 1 in {self._table.name} are labels: {listed}.")
        return found


def check_label(label: str, label_set: LabelSet, where: str) -> None:
    """Refuse a label that is not in a set.

    Raises:
        InputError: It is not; `where` says where it was found.
    """
    try:
        label_set.index(label)
    except InputError as error:
        raise InputError(f"{where} has a label that is not allowed. {error}") from error
