"""The split that a bundle was trained with: by picture, without the names of the pictures."""

from __future__ import annotations

from pathlib import Path

import pytest

from algcn.bundles.split import TrainedSplit
from algcn.bundles.weights import save_safetensors
from algcn.kit.errors import InputError

NAMES = ["a.jpg", "a.jpg", "caf\u00e9/b.jpg", "c.jpg"]
SPLIT = ["train", "train", "validation", "test"]


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "split.safetensors"
    TrainedSplit.of(NAMES, SPLIT).save(path)
    split = TrainedSplit.load(path)
    assert [split[name] for name in NAMES] == SPLIT
    assert split["cafe\u0301/b.jpg"] == "validation"  # the same name, as a Mac writes it
    assert split["d.jpg"] is None
    assert split.trained_on(["c.jpg", "a.jpg", "a.jpg", "d.jpg"]) == ["a.jpg"]


def test_no_name_is_kept(tmp_path: Path) -> None:
    TrainedSplit.of(NAMES, SPLIT).save(tmp_path / "split.safetensors")
    written = (tmp_path / "split.safetensors").read_bytes()
    assert not any(name.encode() in written for name in NAMES)


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    import torch

    save_safetensors({"train": torch.ones(2)}, tmp_path / "split.safetensors")
    with pytest.raises(InputError, match="does not hold a split; restore it"):
        TrainedSplit.load(tmp_path / "split.safetensors")
