"""The inner loop of training: an epoch as optimiser steps on features that stay on the device.

Notable:

- What is random in a step, the order of the rows, noise or dropout (`recipes`), is drawn on the processor
  before it: a GPU, several processes and a recorded step see the numbers that one process on a CPU sees.
- Nothing in a step waits for the device; the sums of the losses stay there until the epoch is over.
- `capture` records the step once as a CUDA graph and replays it. With small batches a step is some two hundred kernels
  of a few microseconds each, and to launch them one by one takes longer than to run them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.optim.lr_scheduler import LRScheduler

from algcn.kit.errors import InputError
from algcn.method.config import TrainConfig
from algcn.method.model import ALGCN
from algcn.method.plus import PlusNet
from algcn.training.processes import Processes
from algcn.training.recipes import Rows, recipe_of

BLOCK = 256  # steps whose noise is drawn at once
WARM_UP = 3  # steps before a step is recorded, as torch's notes on CUDA graphs have it


class Steps:
    """The optimiser steps of a run: trains a model an epoch at a time.

    Args:
        model: The model, on its device.
        optimizer: An optimiser made by `new_optimizer`, in the state that the run has reached.
        rows: The training data, on the same device.
        config: The training settings.
        noise: Where what is random in a step comes from; on the processor.
        schedule: What sets the learning rate after every step, in the state that the run has reached.
        processes: The processes that train together.
        capture: Record the step as a CUDA graph.

    Raises:
        InputError: Capture without a CUDA device, with several processes or in mode "plus", or a precision that the
            device does not have.
    """

    def __init__(
        self,
        model: ALGCN | PlusNet,
        optimizer: torch.optim.Optimizer,
        rows: Rows,
        config: TrainConfig,
        noise: torch.Generator,
        *,
        schedule: LRScheduler | None = None,
        processes: Processes | None = None,
        capture: bool = False,
    ) -> None:
        self.model, self.optimizer, self.rows, self.config, self.schedule = model, optimizer, rows, config, schedule
        self.recipe = recipe_of(model, config, noise)
        self.processes = processes or Processes()
        self.device = rows.labels.device
        if capture and (self.device.type != "cuda" or self.processes.count > 1):
            raise InputError(
                "A step can be captured on one CUDA device only; leave --capture out, or use --device cuda."
            )
        if capture and isinstance(model, PlusNet):
            raise InputError("The steps of mode plus change their learning rate, so none is captured; leave it out.")
        if config.precision == "tf32" and self.device.type != "cuda":
            raise InputError(
                "The precision tf32 is for NVIDIA GPUs only; use --precision float32, or bf16, on this device."
            )
        self._forward = self.processes.wrap(model)
        self._sums = torch.zeros(len(self.recipe.parts), device=self.device)
        self._capture = capture
        self._graph: torch.cuda.CUDAGraph | None = None
        self._batch = torch.empty(0)
        self._drawn: tuple[Tensor, ...] = ()

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
                batches = block.to(self.device).split(size)
                for batch, drawn in zip(batches, self.recipe.draw([len(batch) for batch in batches]), strict=True):
                    if should_stop is not None and should_stop():
                        return None
                    self._run(batch, drawn)
        self.model.eval()
        return dict(zip(self.recipe.parts, (self._sums / len(order)).tolist(), strict=True))

    def _run(self, batch: Tensor, drawn: Sequence[Tensor]) -> None:
        if not self._capture or len(batch) != self.config.batch_size:
            self._step(batch, drawn)
            return
        if self._graph is None:
            self._graph = self._record(batch, drawn)
        self._batch.copy_(batch)
        for kept, new in zip(self._drawn, drawn, strict=True):
            kept.copy_(new)
        self._graph.replay()

    def _step(self, batch: Tensor, drawn: Sequence[Tensor]) -> None:
        losses = self.recipe.losses(self._rounded, self.rows, batch, drawn, self.processes)
        self.optimizer.zero_grad(set_to_none=True)
        losses.total.backward()
        if self.recipe.largest_gradient is not None:
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe.largest_gradient)
        self.optimizer.step()
        if self.schedule is not None:
            self.schedule.step()
        self._sums.add_(torch.stack(losses).detach(), alpha=len(batch))

    def _rounded(self, *inputs: Tensor) -> NamedTuple:
        """Run the model in the precision of the settings; its output is float32 again."""
        with _autocast(self.config.precision, self.device):
            output = self._forward(*inputs)
        return type(output)(*(None if tensor is None else tensor.float() for tensor in output))

    def _record(self, batch: Tensor, drawn: Sequence[Tensor]) -> torch.cuda.CUDAGraph:
        """Record the step; the steps that warm up and the recording itself leave no trace in the model."""
        self._batch = batch.clone()
        self._drawn = tuple(tensor.clone() for tensor in drawn)
        # Without a graph: one made on this stream and kept alive would draw the recording's gradients onto it.
        before = [tensor.detach().clone() for tensor in self._state()]
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(WARM_UP):
                self._step(self._batch, self._drawn)
        torch.cuda.current_stream().wait_stream(side)
        self.optimizer.zero_grad(set_to_none=True)  # the recorded step's gradients get memory of the graph's own
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self._step(self._batch, self._drawn)
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
