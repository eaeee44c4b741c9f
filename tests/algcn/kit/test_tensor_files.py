"""Our safetensors files are the library's, with the same bytes each time and in the file that was named."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save

from algcn.kit.tensor_files import _KINDS, write_tensors

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
