"""Write a feature file piece by piece, so that it may be as large as the disk with only a piece in memory.

The safetensors format: eight bytes with the length of a JSON header, the header, then the tensors one after the other.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import numpy as np
import torch
from torch import Tensor

DTYPES = {torch.float32: "F32", torch.uint8: "U8", torch.int8: "I8"}
SIZES = {"F32": 4, "U8": 1, "I8": 1}
ALIGNMENT = 8


class FeatureWriter:
    """A safetensors file of known shapes that is open for writing; rows are put where they belong.

    Args:
        path: The file to make; the caller renames it into place when all rows are in.
        shapes: The shape and type of each tensor, in the order of the file (the widest type first).
        metadata: The header's strings.
    """

    def __init__(
        self, path: Path, shapes: dict[str, tuple[tuple[int, ...], torch.dtype]], metadata: dict[str, str]
    ) -> None:
        header: dict[str, object] = {"__metadata__": metadata}
        self.starts: dict[str, int] = {}
        self.row_bytes: dict[str, int] = {}
        at = 0
        for name, (shape, dtype) in shapes.items():
            self.row_bytes[name] = int(np.prod(shape[1:])) * SIZES[DTYPES[dtype]]
            end = at + shape[0] * self.row_bytes[name]
            header[name] = {"dtype": DTYPES[dtype], "shape": list(shape), "data_offsets": [at, end]}
            self.starts[name], at = at, end
        text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
        text += b" " * (-len(text) % ALIGNMENT)
        self.offset = 8 + len(text)
        self.stream: BinaryIO = path.open("wb")
        self.stream.write(len(text).to_bytes(8, "little") + text)
        self.stream.truncate(self.offset + at)

    def put(self, name: str, row: int, rows: Tensor) -> None:
        """Write `rows` of the tensor `name`, beginning at its row `row`."""
        self.stream.seek(self.offset + self.starts[name] + row * self.row_bytes[name])
        self.stream.write(rows.contiguous().numpy().tobytes())

    def __enter__(self) -> FeatureWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.stream.flush()
                os.fsync(self.stream.fileno())
        finally:
            self.stream.close()
