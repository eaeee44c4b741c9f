"""Let several processes train one model: `torchrun --nproc-per-node N -m algcn.train …`, on one machine or more.

Every process holds all features and takes its share of each batch. The invariance loss compares all items of a batch
with each other, so embeddings and scores are gathered and every process computes the losses of the whole batch. The
backward pass of the gathering sums over the P processes, which gives each P times the gradient of its own share;
`DistributedDataParallel` then averages, and what is left is the gradient that one process has with the same batch.

The split that picks the epoch is measured together, too: each process embeds its share of the items and ranks its share
of the queries, and all end with the same numbers.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

from algcn.evaluation.sharing import Rows, alone
from algcn.kit.errors import InputError
from algcn.method.model import ALGCNOutput
from algcn.method.plus import PlusOutput

# The parts of an output that have a row for each item.
PER_ITEM = ("image", "text", "image_scores", "text_scores", "image_logits", "text_logits")


OutputT = TypeVar("OutputT", ALGCNOutput, PlusOutput)


@dataclass(frozen=True)
class Processes:
    """The processes that train together: how many, and which of them this one is (`rank`, from 0)."""

    count: int = 1
    rank: int = 0

    @property
    def is_first(self) -> bool:
        """Whether this process is the one that writes and prints."""
        return self.rank == 0

    def wrap(self, model: nn.Module) -> nn.Module:
        """Return the model as training calls it, with gradients averaged over all processes."""
        if self.count == 1:
            return model
        device = next(model.parameters()).device
        return nn.parallel.DistributedDataParallel(model, device_ids=[device] if device.type == "cuda" else None)

    def share(self, batch: Tensor) -> Tensor:
        """Return the rows of a batch (row numbers, B) that this process computes, ceil(B / count).

        Every `count`-th row; where they do not come out even, first rows are taken again, and `gather` drops them.
        """
        if self.count == 1:
            return batch
        size = -(-len(batch) // self.count)
        positions = torch.arange(self.rank, self.rank + size * self.count, self.count, device=batch.device)
        return batch[positions % len(batch)]

    def gather(self, output: OutputT, size: int) -> OutputT:
        """Gather each process's share into the output for the whole batch of `size` rows, in its order."""
        if self.count == 1:
            return output
        parts = {name: getattr(output, name) for name in PER_ITEM if name in output._fields}
        return output._replace(**{name: self._whole(rows, size) for name, rows in parts.items()})

    def shared(self, compute: Callable[[Rows], Tensor], count: int) -> Tensor:
        """Return what `compute` finds for `count` rows, each process for its share of them, in every process.

        Args:
            compute: From row numbers to a tensor with a row for each, n × …, on the processes' device.
            count: How many rows there are, at least 1.
        """
        if self.count == 1:
            return alone(compute, count)
        return self._whole(compute(self.share(torch.arange(count))), count)

    def _whole(self, share: Tensor, size: int) -> Tensor:
        """Gather the processes' shares of `size` rows, in the order of the rows."""
        return _Gather.apply(share, self).transpose(0, 1).flatten(0, 1)[:size]

    def agree(self, value: bool, otherwise: str) -> bool:
        """Return `value` if all processes have the same.

        Raises:
            InputError: The processes differ; `otherwise` is its sentence.
        """
        if self.count > 1:
            found: list[bool] = [False] * self.count
            dist.all_gather_object(found, value)
            if len(set(found)) > 1:
                raise InputError(otherwise)
        return value


class _Gather(torch.autograd.Function):
    """Gathers P tensors of n × … as P × n × … in every process; the gradient is summed over the processes."""

    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, rows: Tensor, processes: Processes) -> Tensor:
        ctx.rank = processes.rank
        parts = [torch.empty_like(rows) for _ in range(processes.count)]
        dist.all_gather(parts, rows.contiguous())
        return torch.stack(parts)

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, gradient: Tensor) -> tuple[Tensor, None]:
        gradient = gradient.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(gradient)
        return gradient[ctx.rank], None


@contextlib.contextmanager
def joined(device: str) -> Iterator[tuple[Processes, str]]:
    """Join the processes that torchrun started, and leave them at the end; alone where there are no others.

    Yields:
        The processes, and the name of this one's device: on GPUs each takes its own, and `device` says "cuda" alone.

    Raises:
        InputError: This machine has fewer GPUs than processes, or a single GPU was named for all.
    """
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        yield Processes(), device
        return
    on_gpus = device.startswith("cuda")
    if on_gpus:
        device = _own_gpu(device)
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if on_gpus else "gloo")
    try:
        yield Processes(count, dist.get_rank()), device
    finally:
        dist.destroy_process_group()


def _own_gpu(device: str) -> str:
    number, there = int(os.environ.get("LOCAL_RANK", "0")), torch.cuda.device_count()
    if device != "cuda":
        raise InputError(f"Several processes cannot share {device!r}; use --device cuda: each takes a GPU of its own.")
    if number >= there:
        raise InputError(
            f"This machine has fewer GPUs ({there}) than processes; start as many with --nproc-per-node, "
            "or use --device cpu."
        )
    return f"cuda:{number}"
