"""What a tensor that was read from a file must be before anything is computed with it."""

from __future__ import annotations

import torch
from torch import Tensor

BLOCK = 1 << 20  # numbers that are looked at together: a tensor may be larger than the memory


def not_plain(tensor: Tensor) -> str | None:
    """Say why a tensor is no plain array of real numbers, as the rest of a sentence on it; None where it is."""
    if tensor.layout is not torch.strided or tensor.is_nested:
        return "is sparse or nested"
    if tensor.is_quantized:
        return "is quantised"
    if tensor.is_complex():
        return "holds complex numbers"
    if tensor.is_meta:
        return "has a shape but no numbers"
    try:
        torch.empty(1, dtype=tensor.dtype).float()
    except RuntimeError:  # two numbers in a byte, for instance
        return f"holds numbers of the kind {str(tensor.dtype).removeprefix('torch.')}, which is not read"
    return None


def not_finite(tensor: Tensor) -> str | None:
    """Say why a tensor is no plain array of numbers that float32 holds, as `not_plain` does."""
    said = not_plain(tensor)
    if said is None and not all(map(_is_finite, tensor.reshape(-1).split(BLOCK))):
        return "holds a NaN, an infinity or a number that is too large"
    return said


def _is_finite(numbers: Tensor) -> bool:
    """Tell whether float32 holds all numbers: a sum that is finite says so at once."""
    numbers = numbers.float()
    return bool(torch.isfinite(numbers.sum()) or torch.isfinite(numbers).all())
