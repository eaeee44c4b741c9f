"""What an encoder says of the names of labels, each read once for everybody who asks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

MAX_KEPT = 500  # names


class NameFeatures:
    """The features of names by one encoder: as `encode_names` reads them; safe to use from several threads.

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

            from algcn.features.names import encode_names

            missing = [name for name in dict.fromkeys(names) if name not in self._known]
            if missing:
                self._known |= dict(zip(missing, encode_names(self._encode, missing), strict=True))
            found = torch.stack([self._known[name] for name in names])
            for name in list(self._known)[: max(0, len(self._known) - MAX_KEPT)]:
                del self._known[name]
            return found
