"""How many threads compute, and how they wait for each other: what torch, faiss and numpy are told about it.

torch and faiss bring an OpenMP runtime each, numpy and faiss an OpenBLAS each: four pools in one process. A thread that
has no work spins for a while, in case that some comes, and so keeps the pool that has some from its core; where one
query goes through three pools in ten milliseconds, most of the time is lost to that. Threads that sleep instead are
woken in microseconds. Measured by tests/benchmarks/answers.py (the README has its table):

- the page: threads sleep. Queries keep two threads each, since a visitor alone waits least with them;
- a job that a visitor started in the page, of training or of reading pictures: one core, so that searches have another;
- the commands: as the libraries come. One pool works at a time there for minutes, and nothing else waits.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator


def let_idle_threads_sleep() -> None:
    """Have the threads of this process sleep while they have no work; a user's own setting stays.

    OpenMP reads the environment once, when it is loaded: this comes before torch and faiss are imported.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


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
