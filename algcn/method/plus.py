"""Mode "plus": the common space of ALGCN, trained to rank by label probabilities.

What is kept of the paper is its instance branch (a linear layer and a ReLU for each modality), its label classifiers
as points of the common space, and its classification loss. What differs, and what each is for:

- x̂ = (x − mean) / rms, with dropout: features come centred and of one size, whatever the encoder.
- Classifiers are free: made by a graph convolution they were no better (METHOD.md). The graph of this mode acts on
  labels instead (`algcn.method.label_graph`).
- ℓ_c = e^τ cos(u, z_c) + b_c with its cross-entropy: scores that become probabilities.
- A supervised contrastive loss (Khosla et al. 2020), within and across the modalities: who shares a label attracts.

A trained net is an `ALGCN` without a graph convolution (`PlusNet.folded`): everything that reads a model reads it.
N is the size of a batch, L the number of labels, d the width of the common space.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from algcn.method.config import ModelConfig, TrainConfig, enough
from algcn.method.losses import classification_loss
from algcn.method.model import ALGCN, label_scores

SCALE = 12.0  # e^τ at the start
RARE, COMMON = 1e-4, 0.9  # bounds of a label's share, for the bias that it starts with
FREE_SPREAD = 0.02  # of the classifiers at the start
TEMPERATURE = 0.3  # of the contrastive loss
BATCH, EPOCHS = 256, 12  # at least, of large data
PLUS_WIDTH = 512  # of the common space
PLUS_RATE = 5e-4


class PlusSettings(NamedTuple):
    """How much each part of the loss counts, and what share of the features dropout takes away."""

    likelihood: float = 1.0
    classification: float = 2.0
    contrast: float = 0.3
    dropout: float = 0.4


DEFAULTS = PlusSettings()


def plus_config(items: int, **given: Any) -> TrainConfig:
    """The settings of a run on so many training items; batch and epochs are `enough` for them.

    Args:
        items: The rows of the train split that have a label.
        given: Other values for some of the settings.
    """
    batch, epochs = enough(items, given.get("batch_size") or BATCH, EPOCHS)
    settings = {"epochs": epochs, "learning_rate": PLUS_RATE, "betas": (0.9, 0.999), "batch_size": batch}
    return TrainConfig(mode="plus", **{**settings, **given})


class PlusOutput(NamedTuple):
    """What the net makes of a batch."""

    image: Tensor  # N × d, after the ReLU
    text: Tensor  # N × d
    image_scores: Tensor  # N × L, cosines with the classifiers
    text_scores: Tensor  # N × L
    image_logits: Tensor  # N × L, log-odds
    text_logits: Tensor  # N × L


class PlusLosses(NamedTuple):
    """The unweighted parts of the loss and `total`, their weighted sum; each a scalar."""

    likelihood: Tensor
    classification: Tensor
    contrast: Tensor
    total: Tensor


class PlusNet(nn.Module):
    """Projections of standardised features, and free classifiers with log-odds.

    Args:
        config: Sizes; without a GCN.
        image_features: N × image_dim of the train split, for mean and size.
        text_features: N × text_dim.
        labels: N × L of 0 and 1, or probabilities.
        settings: The weights of the loss, and dropout.
    """

    def __init__(
        self,
        config: ModelConfig,
        image_features: Tensor,
        text_features: Tensor,
        labels: Tensor,
        settings: PlusSettings = DEFAULTS,
    ) -> None:
        super().__init__()
        self.config, self.settings = config.replace(use_gcn=False), settings
        self.image = _Projection(image_features, config.common_dim, settings.dropout)
        self.text = _Projection(text_features, config.common_dim, settings.dropout)
        self.free_classifiers = nn.Parameter(FREE_SPREAD * torch.randn(config.num_labels, config.common_dim))
        self.log_scale = nn.Parameter(torch.tensor(math.log(SCALE)))
        self.bias = nn.Parameter(torch.logit(labels.float().mean(dim=0).clamp(RARE, COMMON)) - 1)

    def embed_image(self, image_features: Tensor, kept: Tensor | None = None) -> Tensor:
        """Embed image features, N × image_dim, in the common space, N × d; `kept` is a dropout mask of 0 and 1."""
        return self.image(image_features, kept)

    def embed_text(self, text_features: Tensor, kept: Tensor | None = None) -> Tensor:
        """Embed text features, N × text_dim, in the common space, N × d; `kept` is a dropout mask of 0 and 1."""
        return self.text(text_features, kept)

    def forward(
        self,
        image_features: Tensor,
        text_features: Tensor,
        image_kept: Tensor | None = None,
        text_kept: Tensor | None = None,
    ) -> PlusOutput:
        """Embed both modalities and score both.

        Args:
            image_features: N × image_dim.
            text_features: N × text_dim.
            image_kept: N × image_dim of 0 and 1, drawn by the caller: what dropout keeps; all without.
            text_kept: N × text_dim.
        """
        image = self.embed_image(image_features, image_kept)
        text = self.embed_text(text_features, text_kept)
        scores = [label_scores(embedding, self.free_classifiers) for embedding in (image, text)]
        logits = [self.log_scale.exp() * score + self.bias for score in scores]
        return PlusOutput(image, text, *scores, *logits)

    def classifiers(self) -> Tensor:
        """Return a classifier for each label, L × d."""
        return self.free_classifiers

    @torch.no_grad()
    def folded(self) -> ALGCN:
        """Make the same embeddings and classifiers an `ALGCN`: the standardisation goes into its linear layers."""
        model = ALGCN(self.config)
        for projection, into in ((self.image, model.instance.image), (self.text, model.instance.text)):
            weight = projection.linear.weight / projection.size
            into.weight.copy_(weight)
            into.bias.copy_(projection.linear.bias - weight @ projection.mean)
        model.label.free_classifiers.copy_(self.free_classifiers)
        return model.to(self.bias.device).eval()


class _Projection(nn.Module):
    """ReLU(W (x − mean) / rms + b); inverted dropout on what is standardised."""

    def __init__(self, features: Tensor, width: int, dropout: float) -> None:
        super().__init__()
        self.dropout = dropout
        mean = features.mean(dim=0)
        size = (features - mean).square().mean().sqrt().clamp(min=torch.finfo(features.dtype).tiny)
        self.register_buffer("mean", mean)
        self.register_buffer("size", size)
        self.linear = nn.Linear(features.shape[1], width)

    def forward(self, features: Tensor, kept: Tensor | None) -> Tensor:
        standard = (features - self.mean) / self.size
        if kept is not None:
            standard = standard * kept / (1 - self.dropout)
        return F.relu(self.linear(standard))


def likelihood_loss(image_logits: Tensor, text_logits: Tensor, labels: Tensor) -> Tensor:
    """½ mean_i Σ_c [BCE(ℓᵛ_ic, y_ic) + BCE(ℓᵗ_ic, y_ic)]: how well the log-odds, N × L, say what the labels are."""
    labels = labels.to(image_logits)
    of_both = torch.stack([image_logits, text_logits])
    entropy = F.binary_cross_entropy_with_logits(of_both, labels.expand_as(of_both), reduction="none")
    return entropy.sum(dim=2).mean()


def contrastive_loss(image: Tensor, text: Tensor, labels: Tensor) -> Tensor:
    """½ [SupCon(u, v) + SupCon(v, u) + SupCon(u, u) + SupCon(v, v)], of embeddings N × d and labels N × L.

    SupCon(a, b) = −mean_i Σ_j t_ij log softmax_j(cos(a_i, b_j) / TEMPERATURE), t_i even over the items that share a
    label with item i and, across the modalities, its own partner (Khosla et al. 2020). Within a modality an item is not
    compared with itself, and one that shares no label with another is left out.
    """
    image, text = F.normalize(image, dim=1), F.normalize(text, dim=1)
    labels = (labels > 0.5).to(image)
    shared = (labels @ labels.T > 0).to(image)
    own = torch.eye(len(image), device=image.device)
    across = _even(torch.maximum(shared, own))
    others = shared * (1 - own)
    within, counted = _even(others), others.any(dim=1).sum().clamp(min=1)  # rows of zeros add nothing
    parts = [_contrast(image, text, across).mean(), _contrast(text, image, across).mean()]
    parts += [_contrast(side, side, within, own).sum() / counted for side in (image, text)]
    return torch.stack(parts).sum() / 2


def plus_loss(output: PlusOutput, labels: Tensor, settings: PlusSettings = DEFAULTS) -> PlusLosses:
    """Compute the loss of a batch: the weighted sum of likelihood, the paper's classification loss, and contrast.

    Args:
        output: What the net returned for a batch of N.
        labels: N × L of 0 and 1, or probabilities where labels were imputed.
        settings: The weights.
    """
    likelihood = likelihood_loss(output.image_logits, output.text_logits, labels)
    classification = classification_loss(output.image_scores, output.text_scores, labels)
    contrast = contrastive_loss(output.image, output.text, labels)
    total = settings.likelihood * likelihood + settings.classification * classification + settings.contrast * contrast
    return PlusLosses(likelihood, classification, contrast, total)


def _even(targets: Tensor) -> Tensor:
    return targets / targets.sum(dim=1, keepdim=True).clamp(min=1)


def _contrast(asked: Tensor, offered: Tensor, targets: Tensor, left_out: Tensor | None = None) -> Tensor:
    logits = asked @ offered.T / TEMPERATURE
    if left_out is not None:
        logits = logits.masked_fill(left_out > 0, torch.finfo(logits.dtype).min)
    return -(targets * F.log_softmax(logits, dim=1)).sum(dim=1)
