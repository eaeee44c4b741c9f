"""Flags of the training command that leave a part of ALGCN out or put another in its place."""

from __future__ import annotations

import argparse

from torch import Tensor

from algcn.kit.errors import InputError
from algcn.method.config import ModelConfig, TrainConfig
from algcn.training.label_embeddings import LEARNED


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags to a parser, as a group of their own."""
    group = parser.add_argument_group("ablations")
    group.add_argument("--no-gcn", action="store_true", help="free classifiers instead of the label graph")
    group.add_argument("--no-adaptive", action="store_true", help="the graph stays the prior, no change is learned")
    group.add_argument("--no-invariance", action="store_true", help="without the modality invariance loss")
    group.add_argument("--no-self-supervision", action="store_true", help="without the self-supervision loss")
    group.add_argument("--gcn-layers", type=int, metavar="N", help="depth of the graph convolution (default: 3)")
    group.add_argument(
        "--label-embeddings",
        default=LEARNED,
        metavar="SOURCE",
        help="learned; encoder (the text encoder's vectors of the label names); a .mat file with the variable inp, a "
        "text file of word vectors (GloVe), or an encoder's folder: all of these are frozen (default: learned)",
    )


def ablate(
    arguments: argparse.Namespace, config: TrainConfig, model_config: ModelConfig, label_embeddings: Tensor | None
) -> tuple[TrainConfig, ModelConfig]:
    """Return the settings with what the flags change.

    Args:
        arguments: the values that a parser with `add_arguments` read.
        config: the training settings without the flags.
        model_config: the sizes and switches without the flags.
        label_embeddings: L × d, frozen; None where they are learned.

    Raises:
        InputError: a flag for a part that another one leaves out.
    """
    if arguments.no_gcn:
        useless = [
            flag
            for flag, given in (
                ("--no-adaptive", arguments.no_adaptive),
                ("--no-self-supervision", arguments.no_self_supervision),
                ("--gcn-layers", arguments.gcn_layers is not None),
                ("--label-embeddings", label_embeddings is not None),
            )
            if given
        ]
        if useless:
            raise InputError(
                f"The option {useless[0]} changes the label graph, which --no-gcn leaves out; use one of the two."
            )
    model = {"use_gcn": not arguments.no_gcn, "adaptive": not arguments.no_adaptive}
    if arguments.gcn_layers is not None:
        model["gcn_layers"] = arguments.gcn_layers
    if label_embeddings is not None:
        model |= {"label_dim": label_embeddings.shape[1], "learn_label_embeddings": False}
    weights = {}
    if arguments.no_invariance:
        weights["invariance_weight"] = 0.0
    if arguments.no_self_supervision:
        weights["self_supervision_weight"] = 0.0
    return config.replace(**weights), model_config.replace(**model)
