"""The tables of a folder: formats, columns, row numbers, and every way to get them wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet

from algcn.datasets.folders.tables import Table, read_table
from algcn.kit.errors import InputError

ROWS = [{"file_name": "a.jpg", "text": "a dog", "labels": "dog"}, {"file_name": "b.jpg", "text": "", "labels": ""}]


def table_of(folder: Path, data: bytes | str, name: str = "metadata.csv") -> Table:
    (folder / name).write_bytes(data.encode() if isinstance(data, str) else data)
    return read_table(folder, name)


def write_parquet(folder: Path, columns: dict[str, Any], **options: Any) -> Table:
    parquet.write_table(pyarrow.table(columns), folder / "metadata.parquet", **options)
    return read_table(folder, "metadata.parquet")


def test_three_formats_say_the_same(tmp_path: Path) -> None:
    csv = table_of(tmp_path, "file_name,text,labels\na.jpg,a dog,dog\nb.jpg,,\n")
    lines = table_of(tmp_path, "\n".join(map(json.dumps, ROWS)), "metadata.jsonl")
    columns = write_parquet(tmp_path, {key: [row[key] for row in ROWS] for key in ROWS[0]})
    assert csv.rows == [(2, ROWS[0]), (3, ROWS[1])]
    assert lines.rows == columns.rows == [(1, ROWS[0]), (2, ROWS[1])]
    assert csv.columns == lines.columns == columns.columns == list(ROWS[0])


@pytest.mark.parametrize(
    "text",
    [
        "file_name;text;labels\na.jpg;a dog;dog\nb.jpg;;\n",
        "file_name\ttext\tlabels\na.jpg\ta dog\tdog\nb.jpg\t\t\n",
        "\n\nfile_name,text,labels,,\na.jpg,a dog,dog,,\nb.jpg,,,,,,\n,,\n   \n",
        " file_name , text,labels\r\na.jpg,a dog,dog\r\nb.jpg,,\r\n",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_what_spreadsheets_make_of_a_csv(tmp_path: Path, text: str, encoding: str) -> None:
    assert [row for _, row in table_of(tmp_path, text.encode(encoding)).rows] == ROWS


def test_rows_are_numbered_as_in_the_file(tmp_path: Path) -> None:
    text = 'file_name,text\n\na.jpg,"two\nlines"\n\n\nb.jpg,x\n'
    assert [number for number, _ in table_of(tmp_path, text).rows] == [3, 6]
    lines = '{"file_name": "a.jpg", "text": "x"}\n\n\n{"file_name": "b.jpg", "text": "y"}\n'
    assert [number for number, _ in table_of(tmp_path, lines, "metadata.jsonl").rows] == [1, 4]
    with pytest.raises(InputError, match=r"Row 4 of metadata\.jsonl is not JSON"):
        table_of(tmp_path, lines.replace('{"file_name": "b', '{"file_name: "b'), "metadata.jsonl")


def test_columns_by_meaning(tmp_path: Path) -> None:
    table = table_of(tmp_path, "File_Name,Caption,LABEL,Split,width\na.jpg,x,dog,,3\n")
    assert [table.columns_of(meaning) for meaning in ("file_name", "text", "labels", "split")] == [
        ["File_Name"], ["Caption"], ["LABEL"], ["Split"],
    ]  # fmt: skip
    assert table.other_columns == ["width"]
    assert table.folder == ""


def test_a_table_of_a_folder_below(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    assert table_of(tmp_path, "file_name,text\na.jpg,x\n", "train/metadata.csv").folder == "train/"


def test_classes_of_the_datasets_library_have_their_names(tmp_path: Path) -> None:
    classes = {"names": ["cat", "dog"], "_type": "ClassLabel"}
    for feature, values, named in (
        (classes, [1, 0, None], ["dog", "cat", None]),
        ({"feature": classes, "_type": "List"}, [[1, 0], [], None], [["dog", "cat"], [], None]),
        ([classes], [[1], [0], [7]], [["dog"], ["cat"], [7]]),
    ):
        table = pyarrow.table({"file_name": ["a.jpg", "b.jpg", "c.jpg"], "label": values})
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": {"label": feature}}})})
        parquet.write_table(table, tmp_path / "metadata.parquet")
        assert [row["label"] for _, row in read_table(tmp_path, "metadata.parquet").rows] == named


def test_nested_columns_that_mean_nothing_here_are_not_unpacked(tmp_path: Path) -> None:
    table = write_parquet(tmp_path, {"file_name": ["a.jpg"], "text": [["x", "y"]], "objects": [{"bbox": [1.0, 2.0]}]})
    assert table.rows == [(1, {"file_name": "a.jpg", "text": ["x", "y"]})]
    assert table.other_columns == ["objects"]


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("metadata.jsonl", "[1]\n", r"Row 1 of metadata\.jsonl is no JSON object"),
        ("metadata.jsonl", '{"file_name": "a", "file_name": "b"}', "has a key twice"),
        ("metadata.jsonl", "[" * 100_000, "is not JSON"),
        ("metadata.jsonl", b"\xff\xff\xff", "is not UTF-8"),
        ("metadata.jsonl", '{"text": "a"}', "has no column 'file_name'"),
        ("metadata.parquet", b"", "is not a Parquet file"),
        ("metadata.parquet", b"PAR1" + b"\0" * 40 + b"PAR1", "is not a Parquet file"),
        ("metadata.csv", "file_name,text\n\0,x\n\"", "is not CSV after row"),
    ],
)  # fmt: skip
def test_what_is_no_table_is_said(tmp_path: Path, name: str, data: bytes | str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        table_of(tmp_path, data, name)


def test_a_parquet_file_that_unpacks_to_gigabytes_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("algcn.datasets.folders.tables._MAX_PARQUET_BYTES", 1 << 20)
    columns = {"file_name": ["a.jpg"] * 5000, "text": ["x" * 1000] * 5000}
    with pytest.raises(InputError, match="holds more than"):
        write_parquet(tmp_path, columns, compression="zstd")
    assert (tmp_path / "metadata.parquet").stat().st_size < 100_000
