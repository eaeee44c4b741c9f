"""Matrices from .mat files: the one that is named, or the only one."""

from __future__ import annotations

import numpy as np
import pytest

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
