"""The inner loop of training: an epoch as optimiser steps on features that stay on the device.

Notable:

- What is random in a step, the order of the rows and the noise of the self-supervision, is drawn on the processor
  before it: a GPU, several processes and a recorded step see the numbers that one process on a CPU sees.
- Nothing in a step waits for the device; the sums of the losses stay there until the epoch is over.
- `capture` records the step once as a CUDA graph and replays it. With small batches a step is some two hundred kernels
  of a few microseconds each, and to launch them one by one takes longer than to run them.
- Adam is torch's fused one: weights, gradients and moments are read once a step, on a CPU too.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from algcn.kit.errors import InputError
from algcn.method.config import TrainConfig
from algcn.method.losses import Losses, algcn_loss, self_supervision_targets
from algcn.method.model import ALGCN, ALGCNOutput
from algcn.training.processes import Processes

BLOCK = 256  # steps whose noise is drawn at once
WARM_UP = 3  # steps before a step is recorded, as torch's notes on CUDA graphs have it


class Rows(NamedTuple):
    """The training data on the device, N rows."""

    image_features: Tensor  # N × image_dim
    text_features: Tensor  # N × text_dim
    labels: Tensor  # N × L


def new_optimizer(model: ALGCN, config: TrainConfig) -> torch.optim.Adam:
    """Create the paper's Adam, fused; its state lives on the device, so that its step can be recorded."""
    device = model.prior.device.type
    return torch.optim.Adam(
        model.parameter_groups(config.learning_rate, config.adaptive_lr_factor),
        betas=config.betas,
        fused=device in ("cpu", "cuda"),
        capturable=device == "cuda",
    )


class Steps:
    """The optimiser steps of a run: trains a model an epoch at a time.

    Args:
        model: The model, on its device.
        optimizer: An optimiser made by `new_optimizer`, in the state that the run has reached.
        rows: The training data, on the same device.
        config: The training settings.
        noise: Where the noise of the self-supervision comes from; on the processor.
        processes: The processes that train together.
        capture: Record the step as a CUDA graph.

    Raises:
        InputError: Capture without a CUDA device or with several processes, or a precision the device does not have.
    """

    def __init__(
        self,
        model: ALGCN,
        optimizer: torch.optim.Optimizer,
        rows: Rows,
        config: TrainConfig,
        noise: torch.Generator,
        *,
        processes: Processes | None = None,
        capture: bool = False,
    ) -> None:
        self.model, self.optimizer, self.rows, self.config, self.noise = model, optimizer, rows, config, noise
        self.processes = processes or Processes()
        self.device = rows.labels.device
        if capture and (self.device.type != "cuda" or self.processes.count > 1):
            raise InputError(
                "A step can be captured on one CUDA device only; leave --capture out, or use --device cuda."
            )
        if config.precision == "tf32" and self.device.type != "cuda":
            raise InputError(
                "The precision tf32 is for NVIDIA GPUs only; use --precision float32, or bf16, on this device."
            )
        self._forward = self.processes.wrap(model)
        self._sums = torch.zeros(len(Losses._fields), device=self.device)
        self._capture = capture
        self._graph: torch.cuda.CUDAGraph | None = None
        self._batch = self._targets = torch.empty(0)

    def epoch(self, order: Tensor, should_stop: Callable[[], bool] | None = None) -> dict[str, float] | None:
        """Train for one pass over the training rows.

        Args:
            order: Every row number once, on the processor.
            should_stop: Asked before every step.

        Returns:
            The mean of every loss part, weighted by batch size; None if it was stopped.
        """
        size = self.config.batch_size
        self.model.train()
        self._sums.zero_()
        with _matmul(self.config.precision):
            for block in order.split(size * BLOCK):
                targets = self._draw_targets(-(-len(block) // size))
                for batch, target in zip(block.to(self.device).split(size), targets, strict=True):
                    if should_stop is not None and should_stop():
                        return None
                    self._run(batch, target)
        self.model.eval()
        return dict(zip(Losses._fields, (self._sums / len(order)).tolist(), strict=True))

    def _draw_targets(self, count: int) -> list[Tensor] | list[None]:
        """Draw the self-supervision's targets of the next steps; None for a model without the GCN."""
        if not self.model.config.use_gcn:
            return [None] * count
        prior, layers = self.model.prior.cpu(), self.model.config.gcn_layers
        drawn = [self_supervision_targets(prior, layers, self.config.noise, self.noise) for _ in range(count)]
        return list(torch.stack(drawn).to(self.device))

    def _run(self, batch: Tensor, targets: Tensor | None) -> None:
        if not self._capture or len(batch) != self.config.batch_size:
            self._step(batch, targets)
            return
        if self._graph is None:
            self._graph = self._record(batch, targets)
        self._batch.copy_(batch)
        if targets is not None:
            self._targets.copy_(targets)
        self._graph.replay()

    def _step(self, batch: Tensor, targets: Tensor | None) -> None:
        own = self.processes.share(batch)
        with _autocast(self.config.precision, self.device):
            output = self._forward(self.rows.image_features[own], self.rows.text_features[own])
        output = self.processes.gather(_as_float32(output), len(batch))
        losses = algcn_loss(output, self.rows.labels[batch], self.model.prior, self.config, targets=targets)
        self.optimizer.zero_grad(set_to_none=True)
        losses.total.backward()
        self.optimizer.step()
        self._sums.add_(torch.stack(losses).detach(), alpha=len(batch))

    def _record(self, batch: Tensor, targets: Tensor | None) -> torch.cuda.CUDAGraph:
        """Record the step; the steps that warm up and the recording itself leave no trace in the model."""
        self._batch = batch.clone()
        self._targets = None if targets is None else targets.clone()
        before = [tensor.clone() for tensor in self._state()]
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(WARM_UP):
                self._step(self._batch, self._targets)
        torch.cuda.current_stream().wait_stream(side)
        self.optimizer.zero_grad(set_to_none=True)  # the recorded step's gradients get memory of the graph's own
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self._step(self._batch, self._targets)
        with torch.no_grad():
            for number, tensor in enumerate(self._state()):
                # The optimiser's state, zero at first, is made by the first step: then it is not in `before`.
                tensor.copy_(before[number]) if number < len(before) else tensor.zero_()
        return graph

    def _state(self) -> Iterator[Tensor]:
        """Return all tensors that a step changes, the optimiser's last."""
        yield self._sums
        yield from self.model.parameters()
        for state in self.optimizer.state.values():
            yield from state.values()


def _as_float32(output: ALGCNOutput) -> ALGCNOutput:
    return ALGCNOutput(*(None if tensor is None else tensor.float() for tensor in output))


def _autocast(precision: str, device: torch.device) -> contextlib.AbstractContextManager[object]:
    # Without its cache of converted weights: a recorded step must convert them anew at every replay.
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16", cache_enabled=False)


@contextlib.contextmanager
def _matmul(precision: str) -> Iterator[None]:
    """Let matrix products round to tf32 inside this context, if that precision is set."""
    before = torch.get_float32_matmul_precision()
    if precision == "tf32":
        torch.set_float32_matmul_precision("high")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
