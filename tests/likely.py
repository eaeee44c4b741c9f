"""A bundle that ranks by the labels that two items probably share."""

from __future__ import annotations

from pathlib import Path

import torch

from algcn.bundles.bundle import Bundle
from algcn.evaluation.probabilities import PlattScale
from algcn.evaluation.ranking import BALANCED, Ranking, Weights


def with_probabilities(path: Path) -> Bundle:
    """A bundle with made-up scales of probabilities, and the page's rule."""
    bundle = Bundle.load(path)
    count = len(bundle.label_set)
    scale = PlattScale(torch.full((count,), 3.0), torch.full((count,), -2.0))
    bundle.probabilities = {"image": scale, "text": scale}
    bundle.ranking = Ranking(BALANCED, Weights(0.2, 0.8, 0.3), torch.linspace(0.5, 1.5, count))
    return bundle
