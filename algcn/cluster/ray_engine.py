"""An engine (`algcn.kit.engine`) on Ray: tasks are rows of a Ray Data set, and actors that hold the encoder do them.

Notable: the worker travels from here to the actors with its weights, so no other machine needs the bundle. An actor
computes with as many threads as this process would, since other numbers may add up in another order: so on one kind of
machine the features are those of `in_this_process`, bit by bit.
"""

from __future__ import annotations

import contextlib
import functools
import os
import secrets
import socket
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from algcn.kit.engine import Advance, Engine, Worker
from algcn.kit.errors import InputError

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
ADDRESS = "RAY_ADDRESS"
TOKEN_BYTES = 32
SECONDS = 5  # for a cluster to answer
DEVICES = ("cpu", "cuda")
# Tasks that are taken at once. Their results wait for their turn, a gallery's each hold a file open, and new actors
# load the encoder for the next ones: seconds for half a million pictures.
WINDOW = 1024
# A machine may be lost, and its tasks are done again by others; but one that ends every process that tries it must end.
RETRIES = 2
# Ray's own, unless somebody has set it otherwise: what it reports of its use, what it logs, how often it tries to join.
SETTINGS = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_DATA_LOG_LEVEL": "CRITICAL", "RAY_NUM_REDIS_GET_RETRIES": "2"}


@contextlib.contextmanager
def ray_engine(device: str = "cpu", actors: int | None = None) -> Iterator[Engine]:
    """Yield an engine on Ray: on this machine, or on the cluster that RAY_ADDRESS names; it starts with its first task.

    Args:
        device: Where actors compute, "cpu" or "cuda"; there each has a GPU of its own.
        actors: How many there are; by default as many as there are GPUs, or as have a processor for each thread.

    Raises:
        InputError: Ray is not installed. Later, where there is something to do: it cannot be joined, or has not enough
            processors or GPUs.
    """
    if device not in DEVICES:
        raise InputError(f"Ray chooses the device of an actor, so --device cannot be {device!r}; use cpu or cuda.")
    ray = _import_ray()
    with contextlib.ExitStack() as stack:

        @functools.cache
        def places() -> tuple[int, int]:
            stack.enter_context(_session(ray))
            nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
            return _places(nodes, _threads(), device, actors)

        def engine(worker: Worker, tasks: Iterable[Any], advance: Advance) -> Iterator[Any]:
            tasks = iter(tasks)
            while window := list(islice(tasks, WINDOW)):
                yield from _persistently(lambda tasks: _map(worker, tasks, device, *places()), window)

        yield engine


def _threads() -> int:
    import torch

    return torch.get_num_threads()


def _import_ray() -> Any:
    settings = dict(SETTINGS)
    if ADDRESS not in os.environ and "ray" not in sys.modules:
        # A Ray of this machine listens on all its addresses and runs what it is sent, so it asks for a token. Ray's own
        # would stay in the home folder.
        settings |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(TOKEN_BYTES)}
    for name, value in settings.items():
        os.environ.setdefault(name, value)
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise InputError(
            f"The engine ray needs a package that is not installed ({error}); pip install -r {REQUIREMENTS}."
        ) from None
    return ray


@contextlib.contextmanager
def _session(ray: Any) -> Iterator[None]:
    """Be connected to Ray: as this program is already, to the cluster it is told of, or to one of this machine."""
    if ray.is_initialized():
        yield
        return
    address = os.environ.get(ADDRESS)
    with contextlib.ExitStack() as stack:
        if address:
            where = {"address": address}
        else:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True))
            where = {"address": "local", "include_dashboard": False, "_temp_dir": folder}
        stack.callback(ray.shutdown)
        try:
            _knock(address or "")
            ray.init(**where, log_to_driver=False, logging_level="CRITICAL")
        except (OSError, RuntimeError, ValueError) as error:
            place = f"The Ray cluster at {address} cannot be joined" if address else "Ray cannot be started here"
            remedy = "leave --engine ray out"
            if address:
                remedy = f"start it, set RAY_AUTH_MODE=token if it asks for one, or unset {ADDRESS} to do without it"
            raise InputError(f"{place} ({_reason(error)}); {remedy}.") from error
        yield


def _knock(address: str) -> None:
    """See that somebody listens at HOST:PORT, since Ray would try for minutes; other addresses are Ray's to understand.

    Raises:
        OSError: Nobody does.
    """
    host, colon, port = address.rpartition(":")
    if colon and port.isdecimal() and "/" not in host:
        socket.create_connection((host.strip("[]"), int(port)), SECONDS).close()


def _places(nodes: Sequence[dict[str, float]], threads: int, device: str, actors: int | None) -> tuple[int, int]:
    """Return how many actors there are, and how many processors each has: one for each thread where they suffice.

    Raises:
        InputError: There are no GPUs, or fewer places than actors: Ray would wait for others for ever.
    """
    processors = [int(node.get("CPU", 0)) for node in nodes]
    if device == "cuda":
        places = sum(int(node.get("GPU", 0)) for node in nodes)
        if not places:
            raise InputError("Ray knows of no GPU; use --device cpu, or join machines that have some.")
        what = "GPUs"
    else:
        places, what = sum(processors), "processors"
    count = actors or (places if device == "cuda" else max(1, sum(node // threads for node in processors)))
    for each in range(threads, 0, -1):
        if count <= places and sum(node // each for node in processors) >= count:
            return count, each
    raise InputError(f"Ray has {places} {what}, too few for {count} actors; use fewer --actors, or join more machines.")


@dataclass(frozen=True)
class _Failure:
    """What a task ended with instead of a result; Ray would wrap and cut what is raised."""

    reason: str
    is_input: bool


class _Actor:
    """Holds a worker in a process of Ray's, and does the tasks that come."""

    def __init__(self, kept: list[Any], device: str, threads: int, here: str) -> None:
        import torch

        with contextlib.suppress(OSError):  # where there is that place too, a relative path means what it means there
            os.chdir(here)
        torch.set_num_threads(threads)
        self._kept, self._device = kept, device

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        import numpy as np

        results = np.empty(len(batch["task"]), dtype=object)
        for position, task in enumerate(batch["task"]):
            try:
                results[position] = self._worker(task, _unheard)
            except Exception as error:
                results[position] = _Failure(_reason(error), isinstance(error, InputError))
        return {"result": results}

    @functools.cached_property
    def _worker(self) -> Worker:
        import ray

        [worker] = ray.get(self._kept)
        return worker.on(self._device)


def _unheard(done: int) -> None:
    """Stands for the progress of a task elsewhere, which is told when it is done."""


def _persistently(do: Callable[[list[Any]], Iterator[Any]], tasks: list[Any]) -> Iterator[Any]:
    """Yield the results of all tasks, going on where an actor is lost unless nothing comes of it again and again."""
    from ray.data.exceptions import SystemException
    from ray.exceptions import RayError

    lost = 0
    while tasks:
        try:
            for result in do(tasks):
                tasks, lost = tasks[1:], 0
                yield result
        except (RayError, SystemException) as error:
            lost += 1
            if lost > RETRIES:
                raise _failed(_reason(error)) from error


def _map(worker: Worker, tasks: Sequence[Any], device: str, actors: int, processors: int) -> Iterator[Any]:
    """Yield the results of some tasks in their order."""
    import ray

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        context.execution_options.preserve_order = True
        rows = ray.data.from_items([{"task": task} for task in tasks], override_num_blocks=len(tasks))
        results = rows.map_batches(
            _Actor,
            batch_size=1,
            compute=ray.data.ActorPoolStrategy(size=min(actors, len(tasks)), max_tasks_in_flight_per_actor=2),
            # In a list, so that Ray hands on where the worker is and not the worker.
            fn_constructor_args=([ray.put(worker)], device, _threads(), os.getcwd()),
            num_cpus=processors,
            num_gpus=1 if device == "cuda" else None,
            max_restarts=0,  # Ray's own way is to try for ever
        )
    for row in results.iter_rows():
        result = row["result"]
        if isinstance(result, _Failure):
            raise InputError(f"{result.reason}.") if result.is_input else _failed(result.reason)
        yield result


def _failed(reason: str) -> InputError:
    return InputError(
        f"An actor of Ray failed ({reason}); what was finished is kept, and the same command goes on from there."
    )


def _reason(error: BaseException) -> str:
    """Return the first line of what an error says, without its full stop."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines or [type(error).__name__])[0].rstrip(".")
