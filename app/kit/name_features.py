"""What an encoder says of the names of labels, each read once for everybody who asks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

PROMPTS = ("a photo of a {}", "a picture of {}", "{}")
MAX_KEPT = 500  # names


class NameFeatures:
    """The features of names by one encoder: the mean over PROMPTS; safe to use from several threads.

    Args:
        encode: Encodes texts as rows, L2-normalised.
    """

    def __init__(self, encode: Callable[[Sequence[str]], Tensor]) -> None:
        self._encode = encode
        self._known: dict[str, Tensor] = {}
        self._lock = threading.Lock()

    def __call__(self, names: Sequence[str]) -> Tensor:
        """Return M × e, L2-normalised."""
        with self._lock:
            import torch
            from torch.nn import functional

            missing = [name for name in dict.fromkeys(names) if name not in self._known]
            if missing:
                read = self._encode([prompt.format(name.replace("_", " ")) for name in missing for prompt in PROMPTS])
                mean = functional.normalize(read.reshape(len(missing), len(PROMPTS), -1).mean(dim=1), dim=1)
                self._known |= dict(zip(missing, mean, strict=True))
            found = torch.stack([self._known[name] for name in names])
            for name in list(self._known)[: max(0, len(self._known) - MAX_KEPT)]:
                del self._known[name]
            return found
