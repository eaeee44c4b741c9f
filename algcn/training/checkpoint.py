"""The state of a training run after an epoch, in one safetensors file: tensors, and the rest as JSON in its metadata.

A run that is stopped and resumed from here ends with the very numbers of one that was not: weights, optimiser state,
generator states, history and the best epoch so far are all in it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from algcn.bundles.weights import model_bytes
from algcn.kit.errors import InputError
from algcn.kit.files import save_tensors
from algcn.method.config import ModelConfig

FORMAT = "algcn-checkpoint-1"
PLAIN = ("epoch", "best_epoch", "best_score", "log")  # the fields of `Progress` that JSON holds


@dataclass
class Progress:
    """How far a run is: what it found, and the label graph and classifiers after every epoch (0: before the first).

    Mode "plus" keeps no such history.
    """

    epoch: int = 0
    best_epoch: int = 0
    best_score: float = -1.0
    log: list[dict[str, Any]] = field(default_factory=list)
    best_state: dict[str, Tensor] = field(default_factory=dict)
    learned_change: list[Tensor] = field(default_factory=list)  # L × L each
    classifiers: list[Tensor] = field(default_factory=list)  # L × d each, float16

    def history(self) -> dict[str, Tensor]:
        """Return `learned_change`, (epochs + 1) × L × L, and `classifiers`, (epochs + 1) × L × d."""
        if not self.classifiers:
            return {}
        return {"learned_change": torch.stack(self.learned_change), "classifiers": torch.stack(self.classifiers)}


def history_bytes(config: ModelConfig, epochs: int) -> int:
    """Return how much `Progress.history` takes at the end."""
    learned_change = config.num_labels**2 * torch.float32.itemsize
    return (epochs + 1) * (learned_change + config.num_labels * config.common_dim * torch.float16.itemsize)


def checkpoint_bytes(config: ModelConfig, epochs: int | None) -> int:
    """Return how much the last checkpoint takes: the model, its best state, Adam's two averages, the history.

    Args:
        config: The model's.
        epochs: How many the history has; None in mode "plus", which keeps none.
    """
    return 4 * model_bytes(config) + (0 if epochs is None else history_bytes(config, epochs))


def save_checkpoint(
    path: str | Path,
    run: str,
    progress: Progress,
    model: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    generators: dict[str, torch.Generator],
) -> None:
    """Write the checkpoint atomically.

    Args:
        path: The file.
        run: A fingerprint of data and settings; only the same run may resume.
        progress: How far the run is.
        model: Its weights are kept.
        optimizer: Its state is kept.
        generators: Named random generators whose states are kept.
    """
    tensors = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
    tensors |= {f"best.{name}": tensor for name, tensor in progress.best_state.items()}
    tensors |= {f"history.{name}": tensor for name, tensor in progress.history().items()}
    tensors |= {f"generator.{name}": generator.get_state() for name, generator in generators.items()}
    for number, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{number}.{name}": tensor for name, tensor in state.items()}
    metadata = {"format": FORMAT, "run": run}
    metadata["progress"] = json.dumps({name: getattr(progress, name) for name in PLAIN})
    save_tensors(path, tensors, metadata)


def load_checkpoint(
    path: str | Path,
    run: str,
    model: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    generators: dict[str, torch.Generator],
) -> Progress:
    """Bring model, optimiser and generators back to where `save_checkpoint` left them.

    Raises:
        InputError: The file is damaged, or of a run with other data or settings.
    """
    try:
        with safe_open(path, framework="pt") as stream:
            metadata = stream.metadata() or {}
            tensors = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118 (not a dict)
    except (SafetensorError, OSError) as error:
        raise InputError(f"The checkpoint {str(path)!r} is damaged ({error}); train without --resume.") from error
    if metadata.get("format") != FORMAT or metadata.get("run") != run:
        raise InputError(
            f"The checkpoint {str(path)!r} belongs to a run with other data or settings; "
            "repeat those, or train without --resume to start over."
        )
    model.load_state_dict(_under(tensors, "model."))
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in _under(tensors, "optimizer.").items():
        number, key = name.split(".", 1)
        state.setdefault(int(number), {})[key] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    for name, generator in generators.items():
        generator.set_state(tensors[f"generator.{name}"])
    history = _under(tensors, "history.")
    return Progress(
        **json.loads(metadata["progress"]),
        best_state=_under(tensors, "best."),
        learned_change=list(history.get("learned_change", ())),
        classifiers=list(history.get("classifiers", ())),
    )


def _under(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
