"""The weights in a bundle: safetensors files, and the models that are made of them.

Notable: a config may claim any size, so the weights are compared with it before memory is taken for a model.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from algcn.bundles.manifest import CONFIG_NAME
from algcn.kit import files
from algcn.kit.errors import InputError
from algcn.kit.tensors import not_finite
from algcn.method.config import ModelConfig
from algcn.method.label_graph import DirectedGraph
from algcn.method.model import ALGCN, state_shapes


def load_safetensors(path: Path) -> dict[str, Tensor]:
    """Read the tensors of a file.

    Raises:
        InputError: It is damaged.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (SafetensorError, OSError, RuntimeError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise InputError(f"The file {path} is damaged or cut off ({error}); copy or download it again.") from None


def save_safetensors(tensors: Mapping[str, Tensor], path: Path) -> None:
    """Write tensors to a file, atomically."""
    files.save_tensors(path, tensors)


def model_bytes(config: ModelConfig) -> int:
    """Return how much a model's weights take, in float32."""
    return sum(math.prod(shape) for _, shape in state_shapes(config)) * torch.float32.itemsize


def graph_bytes(num_labels: int) -> int:
    """Return how much a directed label graph takes: counted and change L × L, share L."""
    return (2 * num_labels + 1) * num_labels * torch.float32.itemsize


def load_model(path: Path, config: ModelConfig) -> ALGCN:
    """Read the weights of a model into one that is made as the config says.

    Raises:
        InputError: They are damaged, or those of another model.
    """
    state = load_safetensors(path)
    wrong = _misfit(state, config)
    if wrong is not None:
        raise InputError(
            f"The file {path} does not fit the model that {CONFIG_NAME} describes ({wrong}); restore the two files "
            "together."
        )
    with torch.random.fork_rng(devices=[]):  # the random start is overwritten: leave the caller's stream alone
        model = ALGCN(config)
    model.load_state_dict(state)
    return model


def _misfit(state: Mapping[str, Tensor], config: ModelConfig) -> str | None:
    """Say what of a state dict is not as the config has it, before memory is taken for a model; None where all fits."""
    known = 0
    for name, shape in state_shapes(config):
        if name not in state:
            return f"it has no {name}"
        if state[name].shape != shape:
            return f"{name} has the shape {tuple(state[name].shape)} and should have {shape}"
        known += 1
        wrong = not_finite(state[name])
        if wrong is not None:
            return f"{name} {wrong}"
    return None if known == len(state) else "it has tensors that no such model has"


def load_directed_graph(path: Path, num_labels: int) -> DirectedGraph:
    """Read what labels say about one another.

    Raises:
        InputError: The file is damaged, or of other labels.
    """
    tensors = load_safetensors(path)
    shapes = {"counted": (num_labels, num_labels), "change": (num_labels, num_labels), "share": (num_labels,)}
    fits = tensors.keys() == shapes.keys() and all(tensors[name].shape == shape for name, shape in shapes.items())
    wrong = None if fits else f"does not hold {', '.join(shapes)} of {num_labels} labels"
    for name in shapes if fits else ():
        said = not_finite(tensors[name])
        wrong = wrong or (said and f"is damaged: {name} {said}")
    if wrong is not None:
        raise InputError(f"The file {path} {wrong}; restore it together with {CONFIG_NAME}.")
    return DirectedGraph(**{name: tensors[name].float() for name in shapes})
