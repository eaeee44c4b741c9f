"""A Parquet table by a stranger is read in another process, and only what that wrote is read here."""

from __future__ import annotations

from pathlib import Path

import pyarrow
import pytest
from pyarrow import parquet

from algcn.kit.errors import InputError
from app.collection.parquet import MAX_UNPACKED_BYTES, tame

ROWS = [
    {"file_name": "a.png", "text": "é 海", "labels": ["red", "big"], "number": 1.5, "none": None},
    {"file_name": "b.png", "text": None, "labels": [], "number": 2.0, "none": None},
]


def write(path: Path, rows: list[dict]) -> Path:
    parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    return path


def test_a_table_is_the_same_afterwards(tmp_path: Path) -> None:
    path, empty = write(tmp_path / "metadata.parquet", ROWS), tmp_path / "empty.parquet"
    parquet.write_table(pyarrow.table({"file_name": pyarrow.array([], pyarrow.string())}), empty)
    before = path.read_bytes()
    table = parquet.read_table(path)
    tame({path: "metadata.parquet", empty: "empty.parquet"})
    assert parquet.read_table(path).equals(table, check_metadata=True)
    assert parquet.read_table(empty).num_rows == 0
    assert path.read_bytes()[:4] == before[:4] and sorted(tmp_path.iterdir()) == sorted([path, empty])


@pytest.mark.parametrize("data", [b"", b"PAR1", b"Dear Sir", b"PAR1" + bytes(100) + b"PAR1"])
def test_a_file_that_is_none_is_one_sentence_that_names_it(tmp_path: Path, data: bytes) -> None:
    good = write(tmp_path / "good.parquet", ROWS)
    (tmp_path / "bad.parquet").write_bytes(data)
    with pytest.raises(InputError, match=r"^The file x/bad\.parquet is not a Parquet file that can be read; save"):
        tame({good: "good.parquet", tmp_path / "bad.parquet": "x/bad.parquet"})


def test_a_small_file_that_holds_much_is_not_unpacked(tmp_path: Path) -> None:
    path = write(tmp_path / "metadata.parquet", [{"file_name": "a.png", "text": "x" * 3000}] * 15_000)
    assert path.stat().st_size < 100_000 < MAX_UNPACKED_BYTES
    with pytest.raises(InputError, match=r"metadata\.parquet holds more than 32 MB once it is unpacked"):
        tame({path: "metadata.parquet"})
