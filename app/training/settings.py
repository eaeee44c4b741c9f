"""The settings that a visitor may choose for a training run; nothing here takes long to import."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from algcn.kit import checks
from algcn.kit.errors import InputError
from algcn.method.config import MODES, ModelConfig, TrainConfig

if TYPE_CHECKING:
    from algcn.datasets.features import Features


GAMMA_RANGE, THRESHOLD_RANGE = (0.0, 2.0), (0.05, 1.0)
EPOCHS_RANGE, SEED_RANGE = (1, 50), (0, 999_999)
PLUS_EPOCHS = 400  # at most, in mode "plus": an epoch of few pictures is one short step
# Half the paper's width and, in mode "paper", smaller batches and larger steps: mAP after seconds is that of minutes
# with the paper's.
COMMON_DIM = 512
BATCH_SIZE, LEARNING_RATE, PAPER_EPOCHS = 64, 2e-4, 20


@dataclasses.dataclass(frozen=True)
class Settings:
    """The settings of a training run in the page; the defaults are the paper's but for the number of epochs.

    Mode "paper" is the default: what the page shows live, and replays in the Labels and Classifiers tabs, is how its
    label graph learns. Mode "plus" is for searching; it has neither the graph's settings nor its history.

    Attributes:
        mode: "paper" or "plus".
        gamma: Weight of what the label graph learns; of mode "paper", like the next three.
        threshold: Conditional probability from which two labels are linked at the start.
        use_gcn: Whether classifiers come from the label graph.
        adaptive: Whether the label graph learns.
        epochs: None for what suits the mode: PAPER_EPOCHS or, in mode "plus", by the number of pictures.
        seed: The seed of the split, the start and the order.

    Raises:
        InputError: A value is out of range, or of another kind: a form may send anything.
    """

    mode: str = MODES[0]
    gamma: float = 0.5
    threshold: float = 0.4
    use_gcn: bool = True
    adaptive: bool = True
    epochs: int | None = None
    seed: int = 103

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise InputError(f"The mode must be one of {', '.join(MODES)}, not {self.mode!r:.40}.")
        for name in ("use_gcn", "adaptive"):
            if not isinstance(getattr(self, name), bool):
                raise InputError(f"The {name} must be true or false, not {getattr(self, name)!r:.40}.")
        object.__setattr__(self, "gamma", checks.number(self.gamma, "γ", *GAMMA_RANGE))
        object.__setattr__(self, "threshold", checks.number(self.threshold, "t", *THRESHOLD_RANGE))
        if self.epochs is not None or self.mode == "paper":
            low, high = EPOCHS_RANGE if self.mode == "paper" else (EPOCHS_RANGE[0], PLUS_EPOCHS)
            epochs = PAPER_EPOCHS if self.epochs is None else self.epochs
            object.__setattr__(self, "epochs", checks.whole_number(epochs, "epochs", low, high))
        object.__setattr__(self, "seed", checks.whole_number(self.seed, "seed", *SEED_RANGE))

    @property
    def learns_graph(self) -> bool:
        """Whether the label graph changes while it trains."""
        return self.mode == "paper" and self.use_gcn and self.adaptive

    def train_config(self, features: Features) -> TrainConfig:
        """Return the settings as `algcn.training.loop.train_algcn` takes them, for some features with a train split."""
        if self.mode == "plus":
            from algcn.method.plus import plus_config

            rows = int(features.select("train").labels.any(dim=1).sum())
            return plus_config(rows, seed=self.seed, **({} if self.epochs is None else {"epochs": self.epochs}))
        return TrainConfig(
            mode=self.mode,
            epochs=self.epochs,
            seed=self.seed,
            threshold=self.threshold,
            batch_size=BATCH_SIZE,
            learning_rate=LEARNING_RATE,
        )

    def model_config(self, features: Features) -> ModelConfig:
        """Return the sizes and switches of a model for some features."""
        return ModelConfig(
            features.image_dim,
            features.text_dim,
            len(features.label_set),
            common_dim=COMMON_DIM,
            gamma=self.gamma,
            use_gcn=self.mode == "paper" and self.use_gcn,
            adaptive=self.adaptive,
        )


DEFAULTS = Settings()
