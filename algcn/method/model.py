"""ALGCN: two projections into a common space, and a graph convolution over labels that makes the classifiers in it.

Qian, Xue, Fang, Xu, "Adaptive Label-Aware Graph Convolutional Networks for Cross-Modal Retrieval",
IEEE Transactions on Multimedia 24 (2022), doi 10.1109/TMM.2021.3101642. Notable:

- Parameters are drawn in the order of the authors' code, so one seed gives both the same start.
- The prior C is a buffer: it is saved with the weights and never trained.
- Embeddings are what follows the ReLU, not normalised; ranking is by cosine.

N is the number of items, L of labels, d the width of the common space.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from algcn.kit.errors import InputError
from algcn.method.config import ModelConfig
from algcn.method.graph import adaptive_correlation, normalise

SCORE_EPS = 1e-6  # added to the product of norms, as the authors do
LEAKY_SLOPE = 0.2
LEARNED_CHANGE_RANGE = 0.02  # D starts as U(0, this)


class ALGCNOutput(NamedTuple):
    """The tensors that a forward pass of `ALGCN` returns.

    Example:
        >>> model = ALGCN(ModelConfig(image_dim=8, text_dim=6, num_labels=3, common_dim=4, label_dim=5, use_gcn=False))
        >>> output = model(torch.randn(2, 8), torch.randn(2, 6))
        >>> output._fields
        ('image', 'text', 'image_scores', 'text_scores', 'classifiers', 'adjacency')
        >>> output.adjacency is None  # without the GCN there is no graph
        True
    """

    image: Tensor  # N × d
    text: Tensor  # N × d
    image_scores: Tensor  # N × L, cosines with the classifiers
    text_scores: Tensor  # N × L
    classifiers: Tensor  # L × d
    adjacency: Tensor | None  # L × L, the normalised Â; None without the GCN


def label_scores(embeddings: Tensor, classifiers: Tensor) -> Tensor:
    """Return the cosine of every embedding (N × d) with every classifier (L × d), N × L; 0 for a zero embedding.

    With k true labels a cosine cannot be high for all of them (about 1/√k): a score is not a probability.
    """
    norms = torch.linalg.vector_norm(embeddings, dim=1)[:, None] * torch.linalg.vector_norm(classifiers, dim=1)
    return embeddings @ classifiers.T / (norms + SCORE_EPS)


def state_shapes(config: ModelConfig) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield the name and the shape of every tensor in a model's state dict.

    What is read from a file is compared with them before a model is built: a config may claim any size.

    Example:
        >>> dict(state_shapes(ModelConfig(image_dim=8, text_dim=6, num_labels=3, common_dim=4)))["instance.text.weight"]
        (4, 6)
    """
    width, labels = config.common_dim, config.num_labels
    for name, dim in (("image", config.image_dim), ("text", config.text_dim)):
        yield f"instance.{name}.weight", (width, dim)
        yield f"instance.{name}.bias", (width,)
    yield "label.prior", (labels, labels)
    if not config.use_gcn:
        yield "label.free_classifiers", (labels, width)
        return
    for layer in range(config.gcn_layers):
        yield f"label.gcn.{layer}", (config.label_dim if layer == 0 else width, width)
    yield "label.head.weight", (width, config.gcn_layers * width)
    yield "label.head.bias", (width,)
    if config.adaptive:
        yield "label.learned_change", (labels, labels)
    yield "label.embeddings", (labels, config.label_dim)


class InstanceBranch(nn.Module):
    """Project image and text features into the common space.

    u = ReLU(W_v x_v + b_v) for images and v = ReLU(W_t x_t + b_t) for texts: a linear layer for each modality, then
    negative entries become 0.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.image = nn.Linear(config.image_dim, config.common_dim)
        self.text = nn.Linear(config.text_dim, config.common_dim)

    @staticmethod
    def project(features: Tensor, projection: nn.Linear, kind: str) -> Tensor:
        """Project features, N × `projection.in_features`, to embeddings, N × d."""
        if features.ndim != 2 or features.shape[1] != projection.in_features:
            raise InputError(
                f"This model takes {kind} features of width {projection.in_features}, "
                f"not an array of shape {tuple(features.shape)}."
            )
        return F.relu(projection(features))


class LabelBranch(nn.Module):
    """Make the classifiers of the labels by graph convolutions over the label graph.

    Z = W_h [H_1 ‖ … ‖ H_n] + b_h with H_l = LeakyReLU(Â H_(l-1) W_l): in each layer a label gathers the vectors of the
    labels that it is related to, and a linear layer reads the outputs of all layers side by side.
    """

    def __init__(self, config: ModelConfig, prior: Tensor, label_embeddings: Tensor | None) -> None:
        super().__init__()
        self.config = config
        width, labels = config.common_dim, config.num_labels
        if config.use_gcn:
            bound = 1.0 / math.sqrt(width)
            self.gcn = nn.ParameterList(
                nn.Parameter(torch.empty(config.label_dim if layer == 0 else width, width).uniform_(-bound, bound))
                for layer in range(config.gcn_layers)
            )
            self.head = nn.Linear(config.gcn_layers * width, width)
            if config.adaptive:
                self.learned_change = nn.Parameter(LEARNED_CHANGE_RANGE * torch.rand(labels, labels))
            if label_embeddings is None:
                label_embeddings = torch.rand(labels, config.label_dim)
            self.embeddings = nn.Parameter(label_embeddings, requires_grad=config.learn_label_embeddings)
        else:
            bound = 1.0 / math.sqrt(width)
            self.free_classifiers = nn.Parameter(torch.empty(labels, width).uniform_(-bound, bound))
        self.register_buffer("prior", prior)

    def adaptive(self) -> Tensor:
        """Return the adaptive correlation, L × L.

        A = ReLU(C + γ D): the prior plus the weighted learned change, without negative weights. Where no change
        is learned it is ReLU(C).
        """
        if self.config.use_gcn and self.config.adaptive:
            return adaptive_correlation(self.prior, self.learned_change, self.config.gamma)
        return torch.relu(self.prior)

    def forward(self, adaptive: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Return the classifiers, L × d, and the Â that they were made with (None without the GCN).

        Args:
            adaptive: Another A, L × L without negative weights, in the place of the learned one.

        Raises:
            InputError: The graph does not fit, or the model has no GCN to make use of it.
        """
        if not self.config.use_gcn:
            if adaptive is not None:
                raise InputError(
                    "This model has no GCN, so its classifiers depend on no label graph; use a model with one."
                )
            return self.free_classifiers, None
        adjacency = normalise(self.adaptive() if adaptive is None else self._checked(adaptive))
        hidden, layers = self.embeddings, []
        for weight in self.gcn:
            hidden = F.leaky_relu(adjacency @ (hidden @ weight), LEAKY_SLOPE)
            layers.append(hidden)
        return self.head(torch.cat(layers, dim=1)), adjacency

    def _checked(self, adaptive: Tensor) -> Tensor:
        adaptive = _matrix(adaptive, "The adaptive correlation", tuple(self.prior.shape)).to(self.prior.device)
        if (adaptive < 0).any():
            raise InputError("The adaptive correlation must not contain negative weights; use 0 for no edge.")
        return adaptive


class ALGCN(nn.Module):
    """The whole model of the paper: two projections into the common space and the classifiers of the labels.

    Args:
        config: The sizes and switches.
        prior: The prior correlation C, L × L, as `algcn.method.graph.label_prior` makes it; without it, no label is
            related to another until D learns it (or `load_state_dict` brings the saved prior).
        label_embeddings: H_0, L × label_dim, word vectors for instance; U(0, 1) without. Learned or frozen as
            `config.learn_label_embeddings` says.

    Raises:
        InputError: The prior or the label embeddings do not fit the config.

    Example:
        >>> model = ALGCN(ModelConfig(image_dim=8, text_dim=6, num_labels=3, common_dim=4, label_dim=5))
        >>> output = model(torch.randn(2, 8), torch.randn(2, 6))
        >>> output.image.shape, output.image_scores.shape, output.classifiers.shape
        (torch.Size([2, 4]), torch.Size([2, 3]), torch.Size([3, 4]))
        >>> sorted(model.label_graph())
        ['adaptive', 'learned_change', 'normalised', 'prior']
    """

    def __init__(
        self, config: ModelConfig, prior: Tensor | None = None, label_embeddings: Tensor | None = None
    ) -> None:
        super().__init__()
        self.config = config
        prior = torch.eye(config.num_labels) if prior is None else prior
        prior = _matrix(prior, "The prior correlation", (config.num_labels, config.num_labels))
        if (prior < 0).any():
            raise InputError("The prior correlation must not contain negative weights; use 0 for no edge.")
        if label_embeddings is not None:
            label_embeddings = _matrix(label_embeddings, "The label embeddings", (config.num_labels, config.label_dim))
        self.instance = InstanceBranch(config)
        self.label = LabelBranch(config, prior, label_embeddings)

    @property
    def prior(self) -> Tensor:
        """The prior correlation C, L × L, as it is stored."""
        return self.label.prior

    def embed_image(self, image_features: Tensor) -> Tensor:
        """Embed image features, N × image_dim, in the common space, N × d; after the ReLU, not normalised."""
        return self.instance.project(image_features, self.instance.image, "image")

    def embed_text(self, text_features: Tensor) -> Tensor:
        """Embed text features, N × text_dim, in the common space, N × d; after the ReLU, not normalised."""
        return self.instance.project(text_features, self.instance.text, "text")

    def classifiers(self, adaptive: Tensor | None = None) -> Tensor:
        """Return a classifier for each label, L × d; classifiers are also points of the common space.

        Args:
            adaptive: Another graph to try, A as `label_graph` has it, L × L without negative weights.

        Raises:
            InputError: The graph does not fit, or the model has no GCN.
        """
        return self.label(adaptive)[0]

    def adjacency(self) -> Tensor:
        """Return the normalised adjacency Â, L × L (that of the prior alone where nothing is learned)."""
        return normalise(self.label.adaptive())

    @torch.no_grad()
    def label_graph(self) -> dict[str, Tensor]:
        """Return every stage of the label graph, each L × L and detached.

        Keys: `prior` C; `learned_change` γ D (zero where nothing is learned); `adaptive` A; `normalised` Â.
        As stored, C and A hold in row i, column j what label i sends to label j (C_ij > 0 where P(i | j) ≥ t);
        Â is turned: its row i gathers from the labels j.
        """
        adaptive = self.label.adaptive()
        if self.config.use_gcn and self.config.adaptive:
            learned_change = self.config.gamma * self.label.learned_change
        else:
            learned_change = torch.zeros_like(self.prior)
        stages = {
            "prior": self.prior,
            "learned_change": learned_change,
            "adaptive": adaptive,
            "normalised": normalise(adaptive),
        }
        return {name: stage.detach().clone() for name, stage in stages.items()}

    def parameter_groups(self, learning_rate: float, adaptive_lr_factor: float = 100.0) -> list[dict]:
        """Group the parameters for a torch optimiser: D learns `adaptive_lr_factor` times as fast as the rest."""
        fast = [p for name, p in self.named_parameters() if name == "label.learned_change"]
        rest = [p for name, p in self.named_parameters() if name != "label.learned_change" and p.requires_grad]
        groups = [{"params": rest, "lr": learning_rate}]
        if fast:
            groups.append({"params": fast, "lr": learning_rate * adaptive_lr_factor})
        return groups

    def forward(self, image_features: Tensor, text_features: Tensor) -> ALGCNOutput:
        """Embed both modalities and score both against the classifiers.

        Args:
            image_features: N × image_dim.
            text_features: N × text_dim.

        Raises:
            InputError: The features have another width.
        """
        image, text = self.embed_image(image_features), self.embed_text(text_features)
        classifiers, adjacency = self.label()
        return ALGCNOutput(
            image, text, label_scores(image, classifiers), label_scores(text, classifiers), classifiers, adjacency
        )


def _matrix(values: Tensor, what: str, shape: tuple[int, int]) -> Tensor:
    """Check the shape and the values of a matrix and return a float32 copy."""
    values = torch.as_tensor(values)
    if tuple(values.shape) != shape:
        raise InputError(f"{what} must be {shape[0]} × {shape[1]}, not of shape {tuple(values.shape)}.")
    if not torch.isfinite(values).all():
        raise InputError(f"{what} must be finite numbers, without NaN or infinity.")
    return values.detach().to(torch.float32).clone()
