"""A function over many items by a pool of threads, results in order, never more than a few items ahead."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def cores() -> int:
    """How many processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def bounded_map(
    function: Callable[[_Item], _Result],
    items: Iterable[_Item],
    *,
    workers: int | None = None,
    ahead: int | None = None,
) -> Iterator[_Result]:
    """`map` with threads: results come in the order of `items`; at most `ahead` of them wait to be taken.

    Unlike `ThreadPoolExecutor.map` it takes no more from `items` than that, so neither grows with their number.

    Args:
        function: what to do; an exception in it is raised here, in its turn.
        items: taken as they are needed.
        workers: threads; one for each core without.
        ahead: items under way or done at once; four for each thread without.
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
