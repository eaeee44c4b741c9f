"""The three losses of ALGCN and their weighted sum.

Section III-D of Qian et al. (2022), as the authors' code computes it; their quirks are kept and named where they are.
N is the size of the batch, L the number of labels, d the width of the common space.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from algcn.method.config import TrainConfig
from algcn.method.model import ALGCNOutput

COSINE_EPS = 1e-6  # lower bound of the product of two norms
TARGET_CEILING = 0.5  # of the self-supervision target


class Losses(NamedTuple):
    """The unweighted parts of the loss and `total`, their weighted sum; each a scalar."""

    classification: Tensor
    invariance: Tensor
    self_supervision: Tensor
    total: Tensor


def classification_loss(image_scores: Tensor, text_scores: Tensor, labels: Tensor) -> Tensor:
    """Compare the label scores of images and texts with their true labels, all N × L.

    mean_i ‖ŷᵛ_i − y_i‖₂ + mean_i ‖ŷᵗ_i − y_i‖₂: the mean distance between scores and labels, for
    images plus for texts. The norm is not squared.
    """
    labels = labels.to(image_scores.dtype)
    distances = [torch.linalg.vector_norm(scores - labels, dim=1) for scores in (image_scores, text_scores)]
    return distances[0].mean() + distances[1].mean()


def half_cosine(a: Tensor, b: Tensor) -> Tensor:
    """Return half the cosine of every pair of rows, N × N.

    θ(a_i, b_j) = cos(a_i, b_j) / 2: after a ReLU it never leaves [0, 0.5]. The half is the authors' scale, kept.
    """
    norms = torch.linalg.vector_norm(a, dim=1)[:, None] * torch.linalg.vector_norm(b, dim=1)
    return a @ b.T / norms.clamp(min=COSINE_EPS) / 2


def invariance_loss(image: Tensor, text: Tensor, labels: Tensor) -> Tensor:
    """Pull embeddings that share labels together, within and across images and texts (N × d, labels N × L).

    Σ over (u, u), (u, v), (v, v) of mean_ij [log(1 + e^θ) − S_ij θ_ij]: the negative log-likelihood that two items are
    alike, summed over image-image, image-text and text-text pairs.

    S = Y Yᵀ counts the labels that two items share; it is not binary.
    """
    labels = labels.to(image.dtype)
    shared = labels @ labels.T
    thetas = [half_cosine(image, image), half_cosine(image, text), half_cosine(text, text)]
    return torch.stack([(F.softplus(theta) - shared * theta).mean() for theta in thetas]).sum()


def self_supervision_targets(
    prior: Tensor, layers: int = 3, noise: float = 0.2, generator: torch.Generator | None = None
) -> Tensor:
    """Draw the noisy targets that the learned graph is compared with, layers × L × L.

    min(C + N, 0.5), N ~ Bernoulli(noise) drawn anew for each layer: the prior with some edges added at random, no
    weight above 0.5.

    Args:
        prior: The prior correlation C, L × L.
        layers: The number of layers of the graph convolution.
        noise: The probability of a flipped-on edge.
        generator: The random generator, on the device of `prior`; torch's own by default.
    """
    chance = torch.full_like(prior, noise)
    drawn = torch.stack([torch.bernoulli(chance, generator=generator) for _ in range(layers)])
    return (prior + drawn).clamp(max=TARGET_CEILING)


def self_supervision_loss(adjacency: Tensor, targets: Tensor) -> Tensor:
    """Compare the learned graph Â (L × L) with the noisy targets (layers × L × L) of `self_supervision_targets`.

    Σ over the layers of MSE(Â, target): the mean squared difference, once for each layer of the graph convolution.

    The normalised Â is compared with an unnormalised target and is the same in every layer: only the noise differs.
    """
    return (adjacency - targets).square().mean(dim=(1, 2)).sum()


def algcn_loss(
    output: ALGCNOutput,
    labels: Tensor,
    prior: Tensor,
    config: TrainConfig,
    generator: torch.Generator | None = None,
    *,
    layers: int = 3,
    targets: Tensor | None = None,
) -> Losses:
    """Compute the loss of a batch: the three parts and their weighted sum.

    Total = classification + invariance_weight · invariance + self_supervision_weight · self-supervision. Without the
    GCN there is no Â and the self-supervision is 0.

    Args:
        output: What the model returned for a batch of N.
        labels: N × L multi-hot.
        prior: The prior correlation C, L × L (`model.prior`).
        config: The weights and the probability of noise.
        generator: Where the noise comes from, on the device of the model; torch's own by default.
        layers: How often the graph is compared: once for each layer of the GCN (`model.config.gcn_layers`).
        targets: layers × L × L, drawn before (`self_supervision_targets`); drawn here without, and then `generator` and
            `layers` count.
    """
    classification = classification_loss(output.image_scores, output.text_scores, labels)
    invariance = invariance_loss(output.image, output.text, labels)
    if output.adjacency is None:
        self_supervision = torch.zeros_like(classification)
    else:
        if targets is None:
            targets = self_supervision_targets(prior, layers, config.noise, generator)
        self_supervision = self_supervision_loss(output.adjacency, targets)
    total = classification + config.invariance_weight * invariance + config.self_supervision_weight * self_supervision
    return Losses(classification, invariance, self_supervision, total)
