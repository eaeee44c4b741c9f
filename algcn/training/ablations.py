"""Settings that leave a part of ALGCN out or put another in its place."""

from __future__ import annotations

from torch import Tensor

from algcn.kit.errors import InputError
from algcn.method.config import ModelConfig, TrainConfig


def ablate(
    config: TrainConfig,
    model_config: ModelConfig,
    *,
    use_gcn: bool = True,
    adaptive: bool = True,
    invariance: bool = True,
    self_supervision: bool = True,
    gcn_layers: int | None = None,
    label_embeddings: Tensor | None = None,
) -> tuple[TrainConfig, ModelConfig]:
    """Leave parts of ALGCN out of the settings, or put others in their place.

    Args:
        config: How to train with all parts.
        model_config: What to train with all parts.
        use_gcn: False for free classifiers instead of those that the label graph makes.
        adaptive: False for a graph that stays the prior.
        invariance: False to train without the modality invariance loss.
        self_supervision: False to train without the self-supervision loss.
        gcn_layers: Depth of the graph convolution; as in `model_config` without.
        label_embeddings: L × d, frozen; None where they are learned.

    Raises:
        InputError: A change to a part that is left out.
    """
    if not use_gcn:
        useless = [
            flag
            for flag, given in (
                ("--no-adaptive", not adaptive),
                ("--no-self-supervision", not self_supervision),
                ("--gcn-layers", gcn_layers is not None),
                ("--label-embeddings", label_embeddings is not None),
            )
            if given
        ]
        if useless:
            raise InputError(
                f"The option {useless[0]} changes the label graph, which --no-gcn leaves out; use one of the two."
            )
    model = {"use_gcn": use_gcn, "adaptive": adaptive}
    if gcn_layers is not None:
        model["gcn_layers"] = gcn_layers
    if label_embeddings is not None:
        model |= {"label_dim": label_embeddings.shape[1], "learn_label_embeddings": False}
    weights = {}
    if not invariance:
        weights["invariance_weight"] = 0.0
    if not self_supervision:
        weights["self_supervision_weight"] = 0.0
    return config.replace(**weights), model_config.replace(**model)
