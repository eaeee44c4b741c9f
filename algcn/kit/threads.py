"""How many threads compute, and how they wait for each other: what torch, faiss and numpy are told about it.

torch and faiss bring an OpenMP runtime each, numpy and faiss an OpenBLAS each: four pools in one process. A thread that
has no work spins for a while, in case that some comes, and so keeps the pool that has some from its core; where one
query goes through three pools in ten milliseconds, most of the time is lost to that. Threads that sleep instead are
woken in microseconds. numpy's OpenBLAS knows no sleep and has the least to do, so it has one thread. Measured by
tests/benchmarks/answers.py (the README has its table), and chosen for each:

- the page's queries of words and of pictures: threads sleep, and torch has all of them. One thread for everything was
  about as fast on two cores that were busy (medians a little slower, best times a little faster);
- what the page builds at its start: the same;
- a job that a visitor starts in the page, training or reading pictures: one core, so that searches have another;
- the commands and the library: as the libraries come. Whoever runs them decides: on a machine that others use too,
  OMP_WAIT_POLICY=PASSIVE before a command was several times as fast. On an idle one it has not been measured.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

SETTINGS = {"OMP_WAIT_POLICY": "PASSIVE", "OPENBLAS_NUM_THREADS": "1"}


def let_idle_threads_sleep() -> None:
    """Have the threads of this process sleep while they have no work; a user's own settings stay.

    OpenMP and OpenBLAS read the environment once, when they are loaded: this comes before torch, numpy and faiss are
    imported.
    """
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)


@contextlib.contextmanager
def one_core() -> Iterator[None]:
    """Let this thread compute on one core, so that others have the rest.

    Where the cores are busy it is even faster than on all of them: no half of a step waits for the other.
    """
    import torch
    from threadpoolctl import threadpool_limits

    torch.get_num_threads()  # torch chooses for each thread when it is first used: before this limit, not after
    with threadpool_limits(1, "openmp"):
        yield
