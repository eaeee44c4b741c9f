"""Matrices from .mat files: the one that is named, or the only one."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import coo_matrix, csc_matrix, issparse

from algcn.kit.errors import InputError
from algcn.kit.mat import read_variable

scipy_io = pytest.importorskip("scipy.io")


def test_a_matrix_by_its_name_or_the_only_one(tmp_path):
    scipy_io.savemat(tmp_path / "one.mat", {"a": np.eye(2, dtype=np.uint8)})
    for name in ("a", None):
        assert read_variable(tmp_path / "one.mat", name).tolist() == [[1.0, 0.0], [0.0, 1.0]]
    scipy_io.savemat(tmp_path / "two.mat", {"a": np.eye(2), "b": np.array(["x"])})
    assert read_variable(tmp_path / "two.mat", "a").shape == (2, 2)


def test_what_is_none_is_said(tmp_path):
    scipy_io.savemat(tmp_path / "two.mat", {"a": np.eye(2), "b": np.array(["x"])})
    for name, message in (
        (None, "must hold one variable; it holds a, b"),
        ("c", "a variable called c; it holds a, b"),
        ("b", "must be a matrix of numbers"),
    ):
        with pytest.raises(InputError, match=message):
            read_variable(tmp_path / "two.mat", name)
    with pytest.raises(InputError, match="is missing; copy it there or name another"):
        read_variable(tmp_path / "none.mat")
    (tmp_path / "text.mat").write_text("nothing of the kind")
    with pytest.raises(InputError, match=r"is not a \.mat file"):
        read_variable(tmp_path / "text.mat")


# --- what somebody else wrote ----------------------------------------------------------------------------------------

KINDS_4 = ("f8", "f4", "i2", "u2", "i4", "u1", ">f8")  # what level 4 has
SPARSE = csc_matrix(np.eye(3)[[1, 2, 0]])  # its columns start at 0, 1, 2, 3; its rows are 2, 0, 1


def refused(path: Path, message: str, name: str | None = None) -> None:
    with pytest.raises(InputError, match=message) as caught:
        read_variable(path, name)
    assert str(caught.value).endswith(".")


def patched(path: Path, values: object, old: bytes, new: bytes, **options) -> Path:
    """A file in which some bytes are others."""
    scipy_io.savemat(path, {"a": values}, **options)
    content = path.read_bytes()
    assert content.count(old) == 1
    path.write_bytes(content.replace(old, new))
    return path


@pytest.mark.parametrize(
    ("level", "kind"),
    [("4", kind) for kind in KINDS_4] + [("5", kind) for kind in (*KINDS_4, "?", "i8", "u8", "i1", "u4")],
)
@pytest.mark.parametrize("packed", [False, True])
def test_numbers_of_any_kind_are_read_as_scipy_does(tmp_path: Path, kind: str, level: str, packed: bool) -> None:
    matrix = (np.arange(35).reshape(5, 7) % 9).astype(kind)
    stored = [matrix] if kind == ">f8" else [matrix, csc_matrix(matrix), coo_matrix(matrix), csc_matrix(matrix * 0)]
    for values in stored:
        scipy_io.savemat(tmp_path / "a.mat", {"b": np.eye(2), "a": values}, format=level, do_compression=packed)
        theirs = scipy_io.loadmat(tmp_path / "a.mat")["a"]
        theirs = theirs.toarray() if issparse(theirs) else theirs
        assert read_variable(tmp_path / "a.mat", "a").tolist() == theirs.astype(np.float32).tolist()


@pytest.mark.parametrize(
    "values",
    [
        np.eye(2) * 1j,
        csc_matrix(np.eye(2) * 1j),
        np.zeros((2, 3, 4)),
        np.zeros((0, 3)),
        np.array(["x", "y"]),
        np.array([[1], "x"], dtype=object),
        {"b": np.eye(2)},
    ],
    ids=["complex", "complex and sparse", "three sides", "no rows", "text", "cells", "struct"],
)
def test_other_variables_are_no_matrix(tmp_path: Path, values: object) -> None:
    scipy_io.savemat(tmp_path / "a.mat", {"a": values})
    refused(tmp_path / "a.mat", "must be a matrix of numbers with at least one row")


@pytest.mark.parametrize("value", [np.nan, np.inf, -1e300])
@pytest.mark.parametrize("level", ["5", "4"])
def test_numbers_that_are_none_are_named(tmp_path: Path, value: float, level: str) -> None:
    matrix = np.ones((3, 4))
    matrix[1, 2] = value
    for values in (matrix, csc_matrix(matrix)):
        scipy_io.savemat(tmp_path / "a.mat", {"a": values}, format=level)
        refused(tmp_path / "a.mat", "has a NaN, an infinity or a number that is too large in row 2, column 3; write")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ([0, 1, 2, 3], [0, 10**6, 2, 3]),
        ([0, 1, 2, 3], [0, 10**6, 1, 0]),
        ([0, 1, 2, 3], [0, -5, 1, 3]),
        ([0, 1, 2, 3], [0, 1, 2, 10**6]),
        ([0, 1, 2, 3], [1, 1, 2, 3]),
        ([2, 0, 1], [0, 10**6, 2]),
        ([2, 0, 1], [0, -(10**6), 2]),
    ],
)
def test_entries_of_a_sparse_matrix_stay_inside(tmp_path: Path, old: list[int], new: list[int]) -> None:
    old, new = (np.array(numbers, "<i4").tobytes() for numbers in (old, new))
    refused(patched(tmp_path / "a.mat", SPARSE, old, new), "is damaged; copy it again")


def test_sizes_that_no_file_of_that_length_has(tmp_path: Path) -> None:
    three, many = (struct.pack("<2i", size, 3) for size in (3, 2**31 - 1))
    for values in (np.eye(3), SPARSE):
        refused(patched(tmp_path / "a.mat", values, three, many), "is damaged; copy it again")
    refused(patched(tmp_path / "a.mat", np.eye(3), three, many, format="4"), "is damaged; copy it again")
    scipy_io.savemat(tmp_path / "a.mat", {"a": coo_matrix(([1.0], ([0], [0])), (10**9, 10**9))}, format="4")
    refused(tmp_path / "a.mat", "is damaged; copy it again")


def test_a_kind_of_numbers_that_there_is_not(tmp_path: Path) -> None:
    numbers = struct.pack("<2i", 9, 72)  # nine doubles
    for kind in (0, 125, 255, 65535):
        refused(patched(tmp_path / "a.mat", np.eye(3), numbers, struct.pack("<2i", kind, 72)), "is damaged")


def test_true_as_a_byte_that_is_called_a_double(tmp_path: Path) -> None:
    """As MATLAB writes sparse matrices of true and false."""
    numbers = struct.pack("<2i", 9, 24) + np.ones(3).tobytes()
    path = patched(tmp_path / "a.mat", SPARSE, numbers, struct.pack("<2i", 9, 3) + b"\1\1\1" + bytes(21))
    assert read_variable(path).tolist() == SPARSE.toarray().tolist()


def test_the_other_order_of_bytes(tmp_path: Path) -> None:
    def element(kind: int, content: bytes) -> bytes:
        return struct.pack(">2i", kind, len(content)) + content + bytes(-len(content) % 8)

    numbers = np.arange(6, dtype=">f8")
    parts = (
        element(6, struct.pack(">2I", 6, 0)) + element(5, struct.pack(">2i", 2, 3)) + struct.pack(">2H", 1, 1) + b"a   "
    )
    head = b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack(">H", 0x100) + b"MI"
    (tmp_path / "a.mat").write_bytes(head + element(14, parts + element(9, numbers.tobytes())))
    assert read_variable(tmp_path / "a.mat", "a").tolist() == [[0, 2, 4], [1, 3, 5]]


def test_a_packed_variable_with_a_wrong_byte(tmp_path: Path) -> None:
    scipy_io.savemat(tmp_path / "a.mat", {"a": np.random.default_rng(0).random((40, 30))}, do_compression=True)
    content = bytearray((tmp_path / "a.mat").read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "a.mat").write_bytes(content)
    refused(tmp_path / "a.mat", "is damaged; copy it again")


def test_other_formats_of_that_name(tmp_path: Path) -> None:
    for content in (b"\x89HDF\r\n\x1a\n" + bytes(600), b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM"):
        (tmp_path / "a.mat").write_bytes(content)
        refused(tmp_path / "a.mat", "is of MATLAB 7.3, which is not read; save it again with -v7")
    name = patched(tmp_path / "a.mat", np.eye(3), struct.pack("<2H", 1, 1) + b"a", struct.pack("<2H", 1, 1) + b"\n")
    refused(name, "is not a .mat file, or it is damaged; copy it again", "b")
    for content in (b"", b"x", b"MATLAB 5.0 MAT-file", bytes(5000), b"\xff" * 5000):
        (tmp_path / "a.mat").write_bytes(content)
        refused(tmp_path / "a.mat", "is not a .mat file, or it is damaged; copy it again")
