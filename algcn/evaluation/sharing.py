"""Who computes which rows: one process all of them, or several a share each (`algcn.training.processes`)."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

Rows = slice | Tensor  # some of the rows of a matrix, in a form that indexes it
# Takes a function from rows to what it finds for each (n × …), and how many rows there are; returns that of all.
Shared = Callable[[Callable[[Rows], Tensor], int], Tensor]


def alone(compute: Callable[[Rows], Tensor], count: int) -> Tensor:
    """Compute all rows here."""
    return compute(slice(count))
