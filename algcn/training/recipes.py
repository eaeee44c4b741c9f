"""What a mode of training does in a step: what it draws, its forward pass and its loss, its optimiser."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler, OneCycleLR

from algcn.method.config import TrainConfig
from algcn.method.losses import Losses, algcn_loss, self_supervision_targets
from algcn.method.model import ALGCN
from algcn.method.plus import PlusLosses, PlusNet, plus_loss
from algcn.training.processes import Processes

WARM_UP_SHARE = 0.2  # of the steps of mode "plus", in which the learning rate rises
WEIGHT_DECAY = 0.05
LARGEST_GRADIENT = 5.0  # of mode "plus"; longer ones are cut to it


class Rows(NamedTuple):
    """The training data on the device, N rows."""

    image_features: Tensor  # N × image_dim
    text_features: Tensor  # N × text_dim
    labels: Tensor  # N × L


class Recipe(Protocol):
    """A mode of training.

    Attributes:
        parts: The names of the parts of its loss, "total" the last.
        largest_gradient: To what length the gradient of a step is cut; None for no bound.
    """

    parts: tuple[str, ...]
    largest_gradient: float | None

    def draw(self, sizes: Sequence[int]) -> Iterator[Sequence[Tensor]]:
        """Draw what is random in some steps (batches of these sizes), on the processor."""

    def losses(
        self, forward: Callable[..., NamedTuple], rows: Rows, batch: Tensor, drawn: Sequence[Tensor], with_: Processes
    ) -> NamedTuple:
        """Compute the loss of a batch (row numbers), its parts and its total."""


class PaperRecipe:
    """The paper's step; the noise of the self-supervision is what it draws."""

    parts = Losses._fields
    largest_gradient = None

    def __init__(self, model: ALGCN, config: TrainConfig, noise: torch.Generator) -> None:
        self._model, self._config, self._noise = model, config, noise

    def draw(self, sizes: Sequence[int]) -> Iterator[Sequence[Tensor]]:
        """Draw the self-supervision's targets of each step; nothing for a model without the GCN."""
        if not self._model.config.use_gcn:
            yield from ((),) * len(sizes)
            return
        prior, layers = self._model.prior.cpu(), self._model.config.gcn_layers
        drawn = [self_supervision_targets(prior, layers, self._config.noise, self._noise) for _ in sizes]
        yield from ((targets,) for targets in torch.stack(drawn).to(self._model.prior.device))

    def losses(
        self, forward: Callable[..., NamedTuple], rows: Rows, batch: Tensor, drawn: Sequence[Tensor], with_: Processes
    ) -> Losses:
        """Compute the paper's losses of a batch."""
        own = with_.share(batch)
        output = with_.gather(forward(rows.image_features[own], rows.text_features[own]), len(batch))
        targets = drawn[0] if drawn else None
        return algcn_loss(output, rows.labels[batch], self._model.prior, self._config, targets=targets)


class PlusRecipe:
    """The step of mode "plus"; what dropout keeps is what it draws."""

    parts = PlusLosses._fields
    largest_gradient = LARGEST_GRADIENT

    def __init__(self, model: PlusNet, noise: torch.Generator) -> None:
        self._settings, self._noise = model.settings, noise
        self._widths = (model.config.image_dim, model.config.text_dim)

    def draw(self, sizes: Sequence[int]) -> Iterator[Sequence[Tensor]]:
        """Draw which features dropout keeps, for each modality."""
        for size in sizes:
            yield tuple(
                torch.rand(size, width, generator=self._noise) >= self._settings.dropout for width in self._widths
            )

    def losses(
        self, forward: Callable[..., NamedTuple], rows: Rows, batch: Tensor, drawn: Sequence[Tensor], with_: Processes
    ) -> PlusLosses:
        """Compute the losses of mode "plus" of a batch."""
        positions = with_.share(torch.arange(len(batch), device=batch.device))
        own = batch[positions]
        kept = [mask.to(batch.device)[positions] for mask in drawn]
        output = with_.gather(forward(rows.image_features[own], rows.text_features[own], *kept), len(batch))
        return plus_loss(output, rows.labels[batch], self._settings)


def recipe_of(model: ALGCN | PlusNet, config: TrainConfig, noise: torch.Generator) -> Recipe:
    """Return what the mode of a configuration does in a step."""
    return PlusRecipe(model, noise) if isinstance(model, PlusNet) else PaperRecipe(model, config, noise)


def new_optimizer(model: ALGCN | PlusNet, config: TrainConfig) -> torch.optim.Optimizer:
    """Create the paper's Adam or the AdamW of mode "plus", fused; its state lives on the device, to be recorded."""
    device = next(model.parameters()).device.type
    fused = device in ("cpu", "cuda")
    if isinstance(model, PlusNet):
        return torch.optim.AdamW(
            model.parameters(), lr=config.learning_rate, betas=config.betas, weight_decay=WEIGHT_DECAY, fused=fused
        )
    return torch.optim.Adam(
        model.parameter_groups(config.learning_rate, config.adaptive_lr_factor),
        betas=config.betas,
        fused=fused,
        capturable=device == "cuda",
    )


def new_schedule(
    model: nn.Module, optimizer: torch.optim.Optimizer, config: TrainConfig, steps_in_epoch: int, epochs_done: int
) -> LRScheduler | None:
    """Create the one cycle of mode "plus" (Smith 2018), where a run has come to; the paper's rate stays as it is."""
    if not isinstance(model, PlusNet):
        return None
    total = config.epochs * steps_in_epoch
    schedule = OneCycleLR(optimizer, max_lr=config.learning_rate, total_steps=total, pct_start=WARM_UP_SHARE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that the optimiser has made no step: it has, before it stopped
        for _ in range(epochs_done * steps_in_epoch):
            schedule.step()
    return schedule
