"""A query as a point: what search, label predictions and maps need of it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclasses.dataclass(frozen=True, eq=False)
class QueryPoint:
    """What was asked last.

    Attributes:
        words: How to name it to the visitor: their text, or "your picture". Not markup.
        modality: "image" or "text": which of the two projections made the embedding.
        embedding: 1 × d in the common space, L2-normalised (zero if ALGCN sees nothing in it).
        features: 1 × e of the encoder, L2-normalised.
    """

    words: str
    modality: str
    embedding: Tensor
    features: Tensor
