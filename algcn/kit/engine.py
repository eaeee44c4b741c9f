"""Who does a long piece of work, task after task: this process, or others (`algcn.cluster.ray_engine`).

Notable: what a task's result is depends on the task alone, so every engine gives the same, in the order of the tasks.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Protocol, Self, TypeVar

from algcn.kit.errors import InputError

_Task = TypeVar("_Task", contravariant=True)
_Result = TypeVar("_Result", covariant=True)
Advance = Callable[[int], None]


class Worker(Protocol[_Task, _Result]):
    """What does one task; it can be sent to other processes, and knows no more than it needs."""

    def __call__(self, task: _Task, advance: Advance) -> _Result:
        """Do a task, and say now and then how much of it is done."""

    def on(self, device: str) -> Self:
        """Return the same one, computing on another device, maybe of another machine."""


Engine = Callable[[Worker[_Task, _Result], Iterable[_Task], Advance], Iterator[_Result]]


def in_this_process(worker: Worker[_Task, _Result], tasks: Iterable[_Task], advance: Advance) -> Iterator[_Result]:
    """Do each task when its result is asked for: the engine of every command that names no other.

    Args:
        worker: What does a task.
        tasks: Taken one by one.
        advance: Told how much of the task that is under way is done.
    """
    for task in tasks:
        yield worker(task, advance)


def check_seen(folder: Path) -> None:
    """Refuse to work on a machine that does not see the pictures: there each of them would count as unreadable.

    Raises:
        InputError: The folder is not there.
    """
    if not folder.is_dir():
        raise InputError(
            f"The machine {platform.node()} does not see the folder {str(folder)!r}; put it where every machine sees "
            "it, and give its whole path."
        )
