"""Our safetensors files are the library's, with the same bytes each time and in the file that was named."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save

from algcn.kit.tensor_files import _KINDS, Streamed, write_tensors

TENSORS = {
    **{f"of {str(dtype).removeprefix('torch.')}": torch.arange(7).to(dtype) for dtype in reversed(_KINDS)},
    "a scalar": torch.tensor(3.5),
    "nothing": torch.empty(0, 4),
    "turned": torch.arange(12.0).reshape(3, 4).T,
    "b half": torch.ones(2, 3).half(),
    "a half": torch.zeros(3).half(),
}


@pytest.mark.parametrize("metadata", [None, {"labels": '{"ü": "\\u0007\\n\\"🦊 \x7f"}'}], ids=["none", "a string"])
def test_it_is_what_the_library_writes(metadata: dict[str, str] | None, tmp_path: Path) -> None:
    write_tensors(TENSORS, tmp_path / "ours", metadata)
    whole = {name: tensor.contiguous() for name, tensor in TENSORS.items()}
    assert (tmp_path / "ours").read_bytes() == save(whole, metadata)


def test_it_can_be_read_again_and_strings_keep_their_order(tmp_path: Path) -> None:
    strings = {name: name.upper() for name in ("format", "encoder", "hashes", "stats", "more")}
    write_tensors(TENSORS, tmp_path / "ours", strings)
    read = load_file(tmp_path / "ours")
    assert read.keys() == TENSORS.keys()
    assert all(torch.equal(read[name], tensor) and read[name].dtype == tensor.dtype for name, tensor in TENSORS.items())
    with safe_open(tmp_path / "ours", "pt") as stream:
        assert stream.metadata() == strings
    data = (tmp_path / "ours").read_bytes()
    assert sorted(strings, key=lambda name: data.index(f'"{name}"'.encode())) == list(strings)


def test_it_is_written_into_the_file_that_is_there(tmp_path: Path) -> None:
    (tmp_path / "part").write_bytes(bytes(100_000))
    before = (tmp_path / "part").stat().st_ino
    write_tensors({"a": torch.zeros(3)}, tmp_path / "part")
    assert (tmp_path / "part").stat().st_ino == before
    assert [path.name for path in tmp_path.iterdir()] == ["part"]
    assert load_file(tmp_path / "part")["a"].tolist() == [0, 0, 0]


@pytest.mark.parametrize("size", [1, 2, 5, 12])
def test_what_comes_in_blocks_has_the_same_bytes(size: int, tmp_path: Path) -> None:
    whole = torch.arange(36.0).reshape(12, 3).half()
    write_tensors({"a": whole, "b": torch.ones(2)}, tmp_path / "whole", {"format": "x"})
    streamed = Streamed((12, 3), torch.float16, iter(whole.split(size)))
    assert streamed.nbytes == whole.nbytes
    write_tensors({"a": streamed, "b": torch.ones(2)}, tmp_path / "streamed", {"format": "x"})
    assert (tmp_path / "streamed").read_bytes() == (tmp_path / "whole").read_bytes()


@pytest.mark.parametrize("rows", [0, 11, 13])
def test_blocks_that_are_not_what_was_said_are_refused(rows: int, tmp_path: Path) -> None:
    blocks = [torch.zeros(rows, 3).half()]
    with pytest.raises(ValueError, match="bytes, not 72"):
        write_tensors({"a": Streamed((12, 3), torch.float16, blocks)}, tmp_path / "a")
