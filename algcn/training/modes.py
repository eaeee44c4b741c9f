"""Which models a mode of training trains, and with which settings: "paper", "plus", or "both".

Both are trained on the same items. The bundle's own model is then that of mode "plus"; that of mode "paper" stands
beside it with its history, and with the same without the GCN where that was asked for.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from algcn.bundles.predictor import cosine_scores
from algcn.bundles.weights import graph_bytes, model_bytes
from algcn.datasets.features import Features
from algcn.evaluation.linear_probe import Standardiser
from algcn.evaluation.probabilities import PlattScale
from algcn.evaluation.retrieval import embed
from algcn.method.config import MODES, ModelConfig, TrainConfig
from algcn.method.label_graph import DirectedGraph, learn_graph, scaled_to
from algcn.method.model import ALGCN
from algcn.method.plus import plus_config
from algcn.training.checkpoint import checkpoint_bytes, history_bytes
from algcn.training.loop import default_sizes

BOTH = "both"
CHOICES = (*MODES, BOTH)


@dataclasses.dataclass(frozen=True, eq=False)
class Run:
    """One model to train.

    Attributes:
        name: "paper", "plus" or "without_gcn".
        config: The training settings.
        model_config: Sizes and switches.
        label_embeddings: L × d, frozen; None where they are learned or there are none.
        prior_labels: The label rows of the prior C; None for the train split's.
        capture: Record the step as a CUDA graph.
    """

    name: str
    config: TrainConfig
    model_config: ModelConfig
    label_embeddings: Tensor | None = None
    prior_labels: Tensor | None = None
    capture: bool = False

    @property
    def title(self) -> str:
        """The run's name in a sentence."""
        return "Without the GCN" if self.name == "without_gcn" else f"Mode {self.name}"

    @property
    def is_plus(self) -> bool:
        """Whether the model is of mode "plus"."""
        return self.config.mode == "plus"

    @property
    def checkpoint_bytes(self) -> int:
        """How much the last checkpoint takes; mode "plus" keeps no history."""
        return checkpoint_bytes(self.model_config, None if self.is_plus else self.config.epochs)

    @property
    def bundle_bytes(self) -> int:
        """How much of the bundle is this run's at most: weights in float32, history or directed graph."""
        weights = model_bytes(self.model_config)
        if self.is_plus:
            return weights + graph_bytes(self.model_config.num_labels)
        kept = 0 if self.name == "without_gcn" else history_bytes(self.model_config, self.config.epochs)
        return weights + kept

    def without_gcn(self) -> Run:
        """Return the same training without the GCN."""
        return dataclasses.replace(
            self, name="without_gcn", model_config=self.model_config.replace(use_gcn=False), label_embeddings=None
        )


def plus_run(features: Features, given: Mapping[str, Any], sizes: Mapping[str, Any]) -> Run:
    """Return the run of mode "plus": its batch and epochs come from how many rows of the train split have a label.

    Args:
        features: With the validation split that is used (`algcn.training.loop.with_validation`).
        given: Training settings that are wanted otherwise.
        sizes: Those of the model that are.
    """
    rows = int(features.select("train").labels.any(dim=1).sum())
    return Run("plus", plus_config(rows, **given), default_sizes(features, "plus").replace(**sizes))


def directed_graph(features: Features, model: ALGCN, scales: Mapping[str, PlattScale]) -> DirectedGraph:
    """Learn what labels say about one another from the training pictures that have a label, one row for each.

    Where the model has probabilities it is scaled, on validation, to what it adds to them (`scaled_to`).

    Args:
        features: What the model was trained on.
        model: In evaluation mode.
        scales: From cosines of labels to probabilities; "image" counts.

    Raises:
        InputError: No training picture has a label.
    """
    training = features.select("train")
    first, _ = training.first_rows()
    pictures = training.rows([row for row in first if training.labels[row].any()])
    graph = learn_graph([Standardiser.fit(pictures.image_features)(pictures.image_features)], pictures.labels)
    if "image" not in scales:
        return graph
    held_out = embed(features.select("validation"), model, model.prior.device)
    with torch.no_grad():
        scores = cosine_scores(held_out.images, model.classifiers()).cpu()
    return scaled_to(graph, scales["image"].logits(scores), held_out.labels.cpu())
