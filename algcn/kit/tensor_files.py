"""Write safetensors files: in the very file that is named, and with the same bytes each time.

Notable: the library's own writer (0.8) puts the bytes into a `.tmpXXXXXX` of its own and renames it, so a process that
is killed leaves one that nobody knows, and the lock on a part (see `leftovers`) is lost; and it writes the strings of
the header in a random order. Here they keep theirs, and all else has the bytes that the library would write. And what
is larger than the memory can be given block by block (`Streamed`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from math import prod
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

ALIGNMENT = 8
# In the order of a file: the widest first, so that every tensor is aligned.
_KINDS = {
    torch.int64: "I64",
    torch.float64: "F64",
    torch.float32: "F32",
    torch.int32: "I32",
    torch.bfloat16: "BF16",
    torch.float16: "F16",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}
_ORDER = {kind: number for number, kind in enumerate(_KINDS)}


class Streamed(NamedTuple):
    """A tensor that is made block by block while it is written.

    Attributes:
        shape: Its shape.
        dtype: The kind of its numbers.
        blocks: Tensors of that kind, whose numbers one after the other are its own.
    """

    shape: tuple[int, ...]
    dtype: torch.dtype
    blocks: Iterable[Tensor]

    @property
    def nbytes(self) -> int:
        """How many bytes it takes."""
        return prod(self.shape) * self.dtype.itemsize


def write_tensors(
    tensors: Mapping[str, Tensor | Streamed], path: str | Path, metadata: Mapping[str, str] | None = None
) -> None:
    """Write tensors to a safetensors file; whatever is there is overwritten (see `files.replacing`).

    Args:
        tensors: The tensors by name, on any device, or as they come.
        path: The file.
        metadata: Strings for its header.

    Raises:
        OSError: The file cannot be written.
        ValueError: The blocks of one are not as much as its shape says.
    """
    ordered = sorted(tensors.items(), key=lambda entry: (_ORDER[entry[1].dtype], entry[0]))
    header: dict[str, object] = {"__metadata__": dict(metadata)} if metadata else {}
    at = 0
    for name, tensor in ordered:
        end = at + tensor.nbytes
        header[name] = {"dtype": _KINDS[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [at, end]}
        at = end
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % ALIGNMENT)
    with open(path, "wb") as stream:
        stream.write(len(text).to_bytes(8, "little") + text)
        for _, tensor in ordered:
            start = stream.tell()
            for block in tensor.blocks if isinstance(tensor, Streamed) else (tensor,):
                plain = block.detach().cpu().contiguous().reshape(-1)
                stream.write(plain.view(torch.uint8).numpy().data)
            if stream.tell() - start != tensor.nbytes:
                raise ValueError(f"The blocks are {stream.tell() - start} bytes, not {tensor.nbytes}.")
