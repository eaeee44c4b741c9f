"""Apply a function to many items with a pool of threads, in order and never more than a few items ahead."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def cores() -> int:
    """Return how many processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def bounded_map(
    function: Callable[[_Item], _Result],
    items: Iterable[_Item],
    *,
    workers: int | None = None,
    ahead: int | None = None,
) -> Iterator[_Result]:
    """Map a function over items with threads, in the order of `items`, with at most `ahead` results waiting.

    Unlike `ThreadPoolExecutor.map` it takes only so many from `items`, so memory does not grow with their number.

    Args:
        function: What to do; an exception in it is raised here, in its turn.
        items: Taken as they are needed.
        workers: The number of threads; one for each core by default.
        ahead: How many items may be under way or done at once; four for each thread by default.
    """
    workers = workers or cores()
    ahead = ahead or 4 * workers
    waiting: deque[Future[_Result]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) >= ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)
