"""The label graph, from co-occurrence counts to the normalised adjacency of the GCN.

    counts ─► P(j | i) ─► prior C ─► adaptive A = ReLU(C + γ D) ─► normalised Â

Section III of Qian et al., "Adaptive Label-Aware Graph Convolutional Networks for Cross-Modal Retrieval" (2022).
Pure functions; L is the number of labels.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from algcn.kit.errors import InputError

EDGE_WEIGHT = 0.5  # of a prior edge, beside a diagonal of 1


def cooccurrence(labels: Tensor) -> Tensor:
    """Count how often two labels are given together.

    Args:
        labels: N × L multi-hot; any non-zero entry counts once.

    Returns:
        L × L int64; the diagonal is each label's support.
    """
    if labels.ndim != 2:
        raise InputError(f"A label matrix has two dimensions, items × labels, not the shape {tuple(labels.shape)}.")
    present = (labels != 0).double()  # exact up to 2^53 items, and a product on every device
    return (present.T @ present).round().long()


def conditional_probability(counts: Tensor, names: Sequence[str] | None = None) -> Tensor:
    """Estimate the probability of a label where another is given, L × L float64.

    P[i, j] = P(j | i) = counts[i, j] / counts[i, i]: of the items with label i, the share that also has label j.

    Raises:
        InputError: A label has no example; named when `names` are given.
    """
    support = counts.diagonal()
    missing = (support == 0).nonzero().flatten().tolist()
    if missing:
        who = ", ".join(repr(names[i]) if names is not None else f"number {i}" for i in missing)
        raise InputError(
            f"No training example has the label{'s' if len(missing) > 1 else ''} {who}; "
            "add examples or leave the label out."
        )
    return counts.double() / support.double()[:, None]


def prior_correlation(probability: Tensor, threshold: float = 0.4, diagonal: float = 1.0) -> Tensor:
    """Turn conditional probabilities into the prior correlation C, L × L float32.

    C = 0.5 · 1[P ≥ threshold] off the diagonal: an edge of weight 0.5 wherever one label often implies the other, and
    `diagonal` for a label with itself.

    A diagonal of 1.5 is what the authors' own script ends with: it thresholds P(i | i) too.
    """
    prior = (probability >= threshold).float() * EDGE_WEIGHT
    return prior.fill_diagonal_(diagonal)


def label_prior(
    labels: Tensor, *, threshold: float = 0.4, diagonal: float = 1.0, names: Sequence[str] | None = None
) -> Tensor:
    """Make the prior C for `algcn.method.model.ALGCN` from an N × L label matrix, as the authors' code stores it.

    Their file format makes the stored ratio P(i | j), and `normalise` transposes, so that in Â row i gathers from
    the labels j with P(j | i) ≥ threshold. This is the only place that knows: C here is the transpose of
    `prior_correlation(P(j | i))`.

    Raises:
        InputError: A label has no example.
    """
    probability = conditional_probability(cooccurrence(labels), names)
    return prior_correlation(probability.T, threshold, diagonal)


def adaptive_correlation(prior: Tensor, learned_change: Tensor, gamma: float = 0.5) -> Tensor:
    """Add the learned change to the prior correlation, L × L.

    A = ReLU(C + γ D): the prior plus γ times the learned change; a negative weight becomes no edge.
    """
    return torch.relu(prior + gamma * learned_change)


def normalise(adaptive: Tensor) -> Tensor:
    """Normalise the adaptive correlation to the adjacency of the graph convolution, L × L.

    Â = D^(-1/2) Aᵀ D^(-1/2), D = diag(row sums of A): each edge is divided by the root of both labels' totals, so that
    labels with many edges do not drown the others.

    A label whose row has no weight left is cut off (zero row and column) instead of becoming NaN.
    """
    row_sums = adaptive.sum(dim=1)
    connected = row_sums > 0
    scale = torch.where(connected, row_sums, torch.ones_like(row_sums)).pow(-0.5) * connected
    return scale[:, None] * adaptive.T * scale[None, :]
