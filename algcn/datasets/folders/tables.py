"""The tables of an image folder as rows: metadata.csv, metadata.jsonl or metadata.parquet.

They are read as the `datasets` library reads them for an ImageFolder. A row's number is that of the file: of a CSV as a
spreadsheet shows it (the first line is row 1, blank lines count), of JSON lines the line, of Parquet from 1 on.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from algcn.kit.errors import InputError

FILE, TEXT, LABELS, SPLIT = "file_name", "text", "labels", "split"
_MEANINGS = {
    FILE: (FILE, "filename"),
    TEXT: (TEXT, "texts", "caption", "captions"),
    LABELS: (LABELS, "label"),
    SPLIT: (SPLIT,),
}
_MEANING_OF = {column: meaning for meaning, columns in _MEANINGS.items() for column in columns}
SHOWN = 20  # columns that a sentence lists
_DELIMITERS = ",;\t"
_BATCH_ROWS = 4096
# What a Parquet file may hold once it is unpacked: a few kilobytes can claim to be terabytes.
_MAX_PARQUET_BYTES = 2 << 30


@dataclass
class Table:
    """A table: its path in the folder, its columns, and its rows with the number of each in the file."""

    name: str
    columns: list[str]
    rows: list[tuple[int, dict[str, Any]]]

    @property
    def folder(self) -> str:
        """The folder that its file names start from: empty, or with a "/" at its end."""
        parent = PurePosixPath(self.name).parent.as_posix()
        return "" if parent == "." else f"{parent}/"

    def columns_of(self, meaning: str) -> list[str]:
        """Return the columns that hold file names, texts, labels or splits."""
        return [column for column in self.columns if _meaning(column) == meaning]

    @property
    def other_columns(self) -> list[str]:
        """The columns of no known meaning."""
        return [column for column in self.columns if _meaning(column) is None]


def read_table(root: Path, name: str) -> Table:
    """Read a table of an image folder.

    Args:
        root: The folder.
        name: The table's path in it.

    Raises:
        InputError: It cannot be read, has no column of file names or several, a column twice, or nothing to say.
    """
    read = {".csv": _read_csv, ".jsonl": _read_jsonl, ".parquet": _read_parquet}[PurePosixPath(name).suffix.lower()]
    try:
        columns, rows = read(root / name, name)
    except OSError as error:
        raise InputError(
            f"The file {name} cannot be read ({error.strerror or error}); make it readable, or copy it again."
        ) from error
    table = Table(name, columns, rows)
    found = ", ".join(columns[:SHOWN]) + (", …" if len(columns) > SHOWN else "") if columns else "none"
    named = table.columns_of(FILE)
    if not named:
        raise InputError(
            f"The file {name} has no column {FILE!r} (its columns: {found}); its first line must name {FILE}, {TEXT} "
            f"and, if there are any, {LABELS}."
        )
    spellings = Counter(column.strip().casefold() for column in columns if column.strip())
    twice = next((column for column, count in spellings.items() if count > 1), None)
    if twice is not None or len(named) > 1:
        raise InputError(
            f"The file {name} has more than one column called {twice or FILE!r} (its columns: {found}); leave one, or "
            "give the others names of their own."
        )
    return table


def _meaning(column: str) -> str | None:
    return _MEANING_OF.get(column.strip().casefold().replace(" ", "_"))


def _read_csv(path: Path, name: str) -> tuple[list[str], list[tuple[int, dict[str, Any]]]]:
    text = _decoded(path, name)
    row, rows = 0, []
    header: list[str] = []
    try:
        for row, fields in enumerate(_csv_reader(text), start=1):
            if not any(field.strip() for field in fields):
                continue  # a blank line, or one of commas alone
            if not header:
                header = [field.strip() for field in _trimmed(fields)]
                continue
            if len(_trimmed(fields)) > len(header) or len(fields) < len(header):
                raise InputError(
                    f"Row {row} of {name} has more or fewer fields than the first line; quote texts with commas."
                )
            rows.append((row, dict(zip(header, fields, strict=False))))
    except csv.Error as error:
        raise InputError(
            f"The file {name} is not CSV after row {row} ({error}); quote texts with commas or quotes."
        ) from error
    return header, rows


def _decoded(path: Path, name: str) -> str:
    data = path.read_bytes()
    # utf-8-sig: spreadsheets write a byte order mark, which would otherwise become part of the first column's name
    encoding = "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise InputError(f"The file {name} is not UTF-8 (byte {error.start}); save it in UTF-8.") from error


def _csv_reader(text: str) -> Iterator[list[str]]:
    """Split a CSV at the character that its first line separates columns by; spreadsheets of some countries use ";"."""
    first = next((line for line in io.StringIO(text) if line.strip()), "")
    for delimiter in _DELIMITERS:
        columns = next(csv.reader([first], delimiter=delimiter), [])
        if any(_meaning(column) == FILE for column in columns):
            break
    else:
        delimiter = ","
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)


def _trimmed(fields: list[str]) -> list[str]:
    """Leave out the empty fields at the end of a row, which spreadsheets add."""
    count = len(fields)
    while count and not fields[count - 1].strip():
        count -= 1
    return fields[:count]


def _read_jsonl(path: Path, name: str) -> tuple[list[str], list[tuple[int, dict[str, Any]]]]:
    columns: dict[str, None] = {}
    rows = []
    for number, line in enumerate(_decoded(path, name).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            pairs = json.loads(line, object_pairs_hook=_Pairs)
        except (ValueError, RecursionError) as error:
            raise InputError(
                f"Row {number} of {name} is not JSON ({error}); write an object in each line, such as "
                f'{{"{FILE}": "a.jpg", "{TEXT}": "a dog"}}.'
            ) from error
        if not isinstance(pairs, _Pairs):
            raise InputError(f"Row {number} of {name} is no JSON object; write an object in each line.")
        row = dict(pairs)
        if len(row) < len(pairs):
            raise InputError(f"Row {number} of {name} has a key twice; leave one of each.")
        columns.update(dict.fromkeys(row))
        rows.append((number, row))
    return list(columns), rows


class _Pairs(list):
    """A JSON object as its pairs, so that a key that is there twice is seen."""


def _read_parquet(path: Path, name: str) -> tuple[list[str], list[tuple[int, dict[str, Any]]]]:
    import pyarrow
    from pyarrow import parquet

    rows: list[tuple[int, dict[str, Any]]] = []
    size = 0
    try:
        with parquet.ParquetFile(path) as file:
            schema = file.schema_arrow
            columns = list(schema.names)
            wanted = [column for column in columns if not pyarrow.types.is_nested(schema.field(column).type)
                      or _meaning(column)]  # fmt: skip
            classes = _class_names(schema.metadata)
            for batch in file.iter_batches(_BATCH_ROWS, columns=wanted):
                size += batch.nbytes
                if size > _MAX_PARQUET_BYTES:
                    raise InputError(f"The file {name} holds more than {_MAX_PARQUET_BYTES >> 30} GB; split it.")
                for row in batch.to_pylist():
                    for column, names in classes.items():
                        row[column] = _named(row.get(column), names)
                    rows.append((len(rows) + 1, row))
    except (pyarrow.ArrowException, OSError, ValueError, TypeError, KeyError, OverflowError, MemoryError) as error:
        if isinstance(error, InputError) or getattr(error, "errno", None):  # pyarrow's own have no number
            raise
        raise InputError(
            f"The file {name} is not a Parquet file that can be read ({_first_line(error)}); write it again."
        ) from error
    return columns, rows


def _class_names(metadata: dict[bytes, bytes] | None) -> dict[str, list[str]]:
    """Return the names behind the numbers of each column of classes, as the `datasets` library stores them."""
    try:
        features = json.loads((metadata or {}).get(b"huggingface", b"{}"))["info"]["features"]
    except (ValueError, KeyError, TypeError):
        return {}
    found = {}
    for column, feature in features.items() if isinstance(features, dict) else ():
        if isinstance(feature, list):
            feature = feature[0] if feature else None
        while isinstance(feature, dict) and isinstance(feature.get("feature"), dict):
            feature = feature["feature"]
        names = feature.get("names") if isinstance(feature, dict) and feature.get("_type") == "ClassLabel" else None
        if isinstance(names, list):
            found[column] = [str(each) for each in names]
    return found


def _named(value: Any, names: list[str]) -> Any:
    if isinstance(value, list):
        return [_named(each, names) for each in value]
    return names[value] if isinstance(value, int) and 0 <= value < len(names) else value


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0][:120].rstrip(".") or type(error).__name__
