"""Files that are replaced are told from those that are not; tensors that are alike give files that are alike."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from algcn.kit import files
from algcn.kit.files import file_state


def set_times(path: Path, like: os.stat_result) -> None:
    os.utime(path, ns=(like.st_atime_ns, like.st_mtime_ns))


def test_an_untouched_file_keeps_its_state(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"one")
    before = file_state(path)
    path.read_bytes()
    assert file_state(path) == file_state(str(path)) == before
    assert len(before) == 4
    assert all(isinstance(part, int) for part in before)


def test_a_file_replaced_by_one_of_its_size_and_mtime_has_another_state(tmp_path: Path) -> None:
    path, other = tmp_path / "a", tmp_path / "b"
    path.write_bytes(b"one")
    other.write_bytes(b"two")
    set_times(other, path.stat())
    before = file_state(path)
    os.replace(other, path)
    after = file_state(path)
    assert after[:2] == before[:2]
    assert after != before


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps no time of change")
def test_a_file_written_in_place_with_its_size_and_mtime_has_another_state(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"one")
    status, before = path.stat(), file_state(path)
    after = before
    while after[2] == before[2]:  # the clock of a file system ticks every few milliseconds
        path.write_bytes(b"two")
        set_times(path, status)
        after = file_state(path)
    assert after[:2] == before[:2]
    assert after != before


def test_a_missing_file_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        file_state(tmp_path / "nothing")


def test_the_same_tensors_give_the_same_bytes(tmp_path: Path) -> None:
    tensors = {"b": torch.arange(3.0), "a": torch.ones(2, 2, dtype=torch.float16)}
    metadata = {name: f'größe\n\x01\u2028"{name}' for name in "hgfedcba"}
    for number in range(8):
        files.save_tensors(tmp_path / str(number), tensors, metadata)
    assert len({(tmp_path / str(number)).read_bytes() for number in range(8)}) == 1
    with safe_open(tmp_path / "0", framework="pt") as stream:
        assert stream.metadata() == metadata
        assert torch.equal(stream.get_tensor("b"), tensors["b"]) and torch.equal(stream.get_tensor("a"), tensors["a"])
    files.save_tensors(tmp_path / "plain", tensors)
    assert set(load_file(tmp_path / "plain")) == {"a", "b"}
