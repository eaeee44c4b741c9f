"""What an encoder says of the names of labels: the mean over a few prompts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor
from torch.nn import functional

PROMPTS = ("a photo of a {}", "a picture of {}", "{}")


def encode_names(encode: Callable[[Sequence[str]], Tensor], names: Sequence[str]) -> Tensor:
    """Encode names as M × e, L2-normalised.

    Args:
        encode: Encodes texts as rows, L2-normalised.
        names: M of them, at least one.
    """
    read = encode([prompt.format(name.replace("_", " ")) for name in names for prompt in PROMPTS])
    return functional.normalize(read.reshape(len(names), len(PROMPTS), -1).mean(dim=1), dim=1)
