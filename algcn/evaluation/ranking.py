"""What a search ranks by: cosine in the common space and the encoder's own cosine together.

The common space knows labels and forgets much else ("two", "at sunset"); the encoder knows less of labels and more of
the rest. A weight says how much the encoder counts; each bundle has its own (`Bundle.encoder_weight`).
"""

from __future__ import annotations

import torch
from torch import Tensor

from algcn.kit import checks
from algcn.kit.errors import InputError

# On the pocket bundle's validation photos 0.5 takes text→image R@10 from 0.22 to 0.37 and average mAP from 0.863 to
# 0.850; 1.0 would give 0.40 and 0.836. Its metrics.json has the whole trade-off.
ENCODER_WEIGHT = 0.5


def ranking_vectors(embeddings: Tensor, features: Tensor, encoder_weight: float = ENCODER_WEIGHT) -> Tensor:
    """Join embeddings and features to what pictures, texts and queries are ranked by, N × (d + e).

    The inner product of two is (cosine in the common space + w · cosine of the encoder's features) / (1 + w), so it
    stays within -1 and 1.

    Args:
        embeddings: N × d in the common space, L2-normalised.
        features: N × e of the encoder, L2-normalised.
        encoder_weight: The weight w, at least 0; with 0 the encoder says nothing.

    Raises:
        InputError: The two have not the same number of rows, or the weight is not a number of at least 0.
    """
    check_encoder_weight(encoder_weight)
    if len(embeddings) != len(features):
        raise InputError(
            f"{len(embeddings)} embeddings and {len(features)} features are not of the same items; give as many."
        )
    return torch.cat([embeddings, encoder_weight**0.5 * features], dim=1) / (1 + encoder_weight) ** 0.5


def check_encoder_weight(value: object) -> float:
    """`value` as the encoder's weight, whatever a config says.

    Raises:
        InputError: It is not a number of at least 0.
    """
    return checks.number(value, "encoder's weight in the ranking", 0)
