"""Settings of a model and of its training as frozen dataclasses, and the presets of the paper.

Both classes check their values when they are made, and read and write plain dictionaries (`from_dict`, `to_dict`),
so that a mistyped key or an impossible value in a `config.json` is one readable sentence.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
from collections.abc import Mapping
from typing import Any, Self

from algcn.kit import checks
from algcn.kit.errors import InputError

MODES = ("paper", "plus")
SELECTIONS = ("validation", "test", "last")
PRECISIONS = ("float32", "tf32", "bf16")
LEAST_STEPS = 400  # of a training whose length follows from its data


@dataclasses.dataclass(frozen=True)
class _Settings:
    """Settings that can be read from a dictionary and written to one; both classes below share this."""

    def to_dict(self) -> dict[str, Any]:
        """Return every field by name, ready for JSON (tuples become lists)."""
        values = dataclasses.asdict(self)
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Read what `to_dict` wrote; fields with a default may be left out.

        Raises:
            InputError: A key is unknown or missing, or a value is out of range.
        """
        if not isinstance(values, Mapping):
            raise InputError(f"{cls.__name__} is read from an object of names and values, not from {values!r}.")
        fields = {field.name: field for field in dataclasses.fields(cls)}
        unknown = sorted(str(key) for key in values if key not in fields)
        if unknown:
            close = difflib.get_close_matches(unknown[0], fields, n=1)
            hint = f"Did you mean {close[0]}?" if close else f"The keys are {', '.join(fields)}."
            raise InputError(f"{cls.__name__} has no {', '.join(unknown)}. {hint}")
        missing = [
            name for name, field in fields.items() if field.default is dataclasses.MISSING and name not in values
        ]
        if missing:
            raise InputError(f"{cls.__name__} needs {', '.join(missing)}; give every field without a default.")
        return cls(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})

    def replace(self, **changes: Any) -> Self:
        """Return a copy with some fields changed, checked again."""
        return type(self).from_dict({**self.to_dict(), **changes})

    def _whole(self, *names: str, low: int = 1) -> None:
        for name in names:
            checks.whole_number(getattr(self, name), f"setting {name}", low, strict=True)

    def _number(self, name: str, low: float, high: float | None = None, *, above: bool = False) -> None:
        checks.number(getattr(self, name), f"setting {name}", low, high, above=above)

    def _flag(self, *names: str) -> None:
        for name in names:
            if not isinstance(getattr(self, name), bool):
                raise InputError(f"The setting {name} must be true or false, not {getattr(self, name)!r}.")

    def _choice(self, name: str, choices: tuple[str, ...]) -> None:
        if getattr(self, name) not in choices:
            raise InputError(f"The setting {name} must be one of {', '.join(choices)}, not {getattr(self, name)!r}.")


@dataclasses.dataclass(frozen=True)
class ModelConfig(_Settings):
    """The sizes and switches of a model: everything needed to build it before its weights are loaded.

    Example:
        >>> config = ModelConfig(image_dim=4096, text_dim=1386, num_labels=24)
        >>> config.common_dim, config.replace(common_dim=512).common_dim
        (1024, 512)
    """

    image_dim: int
    text_dim: int
    num_labels: int
    common_dim: int = 1024
    label_dim: int = 300
    gcn_layers: int = 3
    gamma: float = 0.5  # weight of the learned change D in A = ReLU(C + gamma D)
    use_gcn: bool = True  # False: the classifiers are free parameters
    adaptive: bool = True  # False: the graph stays the prior, D does not exist
    learn_label_embeddings: bool = True  # False: the label embeddings are frozen (word vectors)

    def __post_init__(self) -> None:
        self._whole("image_dim", "text_dim", "num_labels", "common_dim", "label_dim", "gcn_layers")
        self._number("gamma", 0.0)
        self._flag("use_gcn", "adaptive", "learn_label_embeddings")


@dataclasses.dataclass(frozen=True)
class TrainConfig(_Settings):
    """The settings of a training run; the defaults are the paper's, with batch size and epochs for MIRFlickr.

    Example:
        >>> TrainConfig(epochs=5).learning_rate
        5e-05
        >>> TrainConfig(epochs=0)
        Traceback (most recent call last):
        algcn.kit.errors.InputError: The setting epochs must be a whole number of at least 1, not 0.
    """

    mode: str = "paper"
    batch_size: int = 100
    epochs: int = 30
    learning_rate: float = 5e-5
    adaptive_lr_factor: float = 100.0  # the learned change D moves this much faster than the rest
    betas: tuple[float, float] = (0.5, 0.999)
    threshold: float = 0.4  # an edge of the prior needs at least this conditional probability
    prior_diagonal: float = 1.0  # 1.5 is what the authors' co-occurrence script gives
    invariance_weight: float = 0.2
    self_supervision_weight: float = 0.5
    noise: float = 0.2  # probability of a flipped-on edge in the self-supervision target
    seed: int = 103
    select: str = "validation"  # or "last"; "test" is what the authors do, and reports must say so
    precision: str = "float32"  # of matrix products: "tf32" (NVIDIA GPUs) and "bf16" are faster and rounder

    def __post_init__(self) -> None:
        self._choice("mode", MODES)
        self._choice("select", SELECTIONS)
        self._choice("precision", PRECISIONS)
        self._whole("batch_size", "epochs")
        self._whole("seed", low=0)
        self._number("learning_rate", 0.0, above=True)
        self._number("adaptive_lr_factor", 0.0)
        self._number("threshold", 0.0, 1.0, above=True)
        self._number("prior_diagonal", 0.0)
        self._number("invariance_weight", 0.0)
        self._number("self_supervision_weight", 0.0)
        self._number("noise", 0.0, 1.0)
        betas = self.betas
        pair = isinstance(betas, tuple) and len(betas) == 2 and all(isinstance(b, (int, float)) for b in betas)
        if not pair or not all(0.0 <= b < 1.0 for b in betas):
            raise InputError(f"The setting betas must be two numbers of at least 0 and below 1, not {betas!r}.")


PRESETS: dict[str, TrainConfig] = {
    "mirflickr": TrainConfig(batch_size=100, epochs=30),
    "nus-wide": TrainConfig(batch_size=1024, epochs=40),
    "ms-coco": TrainConfig(batch_size=1024, epochs=50),
    "pocket": TrainConfig(batch_size=512, epochs=20),
}


def enough(items: int, batch_size: int, epochs: int) -> tuple[int, int]:
    """Return batch and epochs for so many training items, 300 or 300,000: at least LEAST_STEPS steps.

    Args:
        items: The rows of the train split that have a label.
        batch_size: The batch of large data; it is never larger than the data.
        epochs: The epochs of large data.
    """
    batch = min(batch_size, max(1, items))
    return batch, max(epochs, math.ceil(LEAST_STEPS / math.ceil(max(1, items) / batch)))


def preset(name: str) -> TrainConfig:
    """Return the entry of `PRESETS` with this name.

    Raises:
        InputError: No preset has this name; the message lists them.
    """
    if name not in PRESETS:
        raise InputError(f"There is no preset {name!r}; the presets are {', '.join(PRESETS)}.")
    return PRESETS[name]
