"""The split that a bundle was trained with, by picture, so that what it has seen is known on the same folder later.

A picture is known by its file name: a training reads feature files, which hold names and no pictures, so there is no
content to hash. What is kept of a name is 63 bits of its SHA-256 alone: a bundle travels, and what people call their
pictures is theirs. A picture that was renamed since is one that the bundle does not know.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from algcn.bundles.weights import load_safetensors, save_safetensors
from algcn.datasets.features import SPLITS
from algcn.datasets.folders.names import composed
from algcn.kit.errors import InputError

BITS = 63  # of a name's hash: those of a signed integer


@dataclass(frozen=True)
class TrainedSplit:
    """Which split each picture was in; `by_name` holds a hash of its file name."""

    by_name: Mapping[int, str]

    @classmethod
    def of(cls, file_names: Sequence[str], split: Sequence[str]) -> TrainedSplit:
        """Keep the split of rows; rows of one picture share it."""
        return cls({_hash(name): part for name, part in zip(file_names, split, strict=True)})

    def __getitem__(self, file_name: str) -> str | None:
        """Return the split that a picture was in, None for one that was not there."""
        return self.by_name.get(_hash(file_name))

    def trained_on(self, file_names: Iterable[str]) -> list[str]:
        """Return those of some pictures, each once, that the model was trained on."""
        return [name for name in dict.fromkeys(file_names) if self[name] == "train"]

    def save(self, path: Path) -> None:
        """Write the hashes of each split, sorted: their order says nothing."""
        save_safetensors(
            {part: torch.tensor(sorted(h for h, of in self.by_name.items() if of == part)).long() for part in SPLITS},
            path,
        )

    @classmethod
    def load(cls, path: Path) -> TrainedSplit:
        """Read what `save` wrote.

        Raises:
            InputError: The file is damaged.
        """
        tensors: dict[str, Tensor] = load_safetensors(path)
        if set(tensors) != set(SPLITS) or any(t.dim() != 1 or t.dtype != torch.int64 for t in tensors.values()):
            raise InputError(f"The file {path} does not hold a split; restore it.")
        return cls({number: part for part in SPLITS for number in tensors[part].tolist()})


def _hash(file_name: str) -> int:
    digest = hashlib.sha256(composed(file_name).encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") >> (64 - BITS)
