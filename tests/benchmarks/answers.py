"""How the thread pools of torch, faiss and numpy should wait for each other: queries, building and training measured.

    python -m tests.benchmarks.answers [--rounds 5] [--ways "as they come;asleep"] [--works query] [--vit] [--http]

Each way of setting the pools up has a process of its own, since the settings count only before torch is imported. The
processes take turns, one at work while the others sleep, so that a busy machine disturbs them all alike; the best of
all times is nearest to those of an idle one. "as they come" is what the libraries do by themselves; `algcn.kit.threads`
says which way the page goes. With --vit a text query is measured with a whole ViT-B-32 (random weights) too, and with
--http what programs wait for over HTTP, instead of all this.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]
# What the environment says before torch is imported, and whether torch is then told to use one thread.
WAYS: dict[str, tuple[dict[str, str], bool]] = {
    "as they come": ({}, False),
    "asleep": ({"OMP_WAIT_POLICY": "PASSIVE"}, False),
    "asleep, BLAS 1": ({"OMP_WAIT_POLICY": "PASSIVE", "OPENBLAS_NUM_THREADS": "1"}, False),
    "asleep, torch 1": ({"OMP_WAIT_POLICY": "PASSIVE"}, True),
    "torch 1": ({}, True),
    "all 1": ({"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}, False),
}
QUERIES, PICTURES, EPOCHS = 30, 8, 1  # in a round
REQUESTS = 30


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--ways", default=";".join(WAYS), help="names, with ; between them")
    parser.add_argument("--vit", action="store_true")
    parser.add_argument("--works", default="", help="only those with this in their name")
    parser.add_argument("--http", action="store_true")
    arguments = parser.parse_args(argv)
    chosen = [name for name in arguments.ways.split(";") if name in WAYS] or list(WAYS)
    print(f"load before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", flush=True)
    if arguments.http:
        report("over HTTP", dict(over_http()))
        return
    found: dict[str, dict[str, list[float]]] = {}
    with contextlib.ExitStack() as stack:
        connections = {name: stack.enter_context(start(name, arguments.works, vit=arguments.vit)) for name in chosen}
        works = {name: heard(name, connection) for name, connection in connections.items()}
        for number in range(arguments.rounds):
            for work in works[chosen[0]]:
                for name, connection in connections.items():
                    times = heard(name, connection, (work, number))
                    found.setdefault(work, {}).setdefault(name, []).extend(times)
    for work, times in found.items():
        report(work, times)
    print(f"load after: {os.getloadavg()[0]:.1f}")


def report(work: str, found: dict[str, list[float]]) -> None:
    """Print a table: best, median, 95 %, and the median as a multiple of the first row's."""
    print(f"\n{work:<32}{'best':>9}{'median':>9}{'95 %':>9}{'ratio':>8}   milliseconds")
    first = statistics.median(next(iter(found.values())))
    for name, times in found.items():
        times = sorted(times)
        median, late = statistics.median(times), times[round(0.95 * (len(times) - 1))]
        print(f"{name:<32}{times[0]:>9.1f}{median:>9.1f}{late:>9.1f}{median / first:>8.2f}")


def start(way: str, only: str, *, vit: bool) -> Connection:
    """Start a process that measures in this way; it says what it can measure, and ends when nobody talks to it.

    It is no daemon: those may have no processes of their own, and pictures are decoded in some.
    """
    settings, one_thread = WAYS[way]
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    before = dict(os.environ)
    os.environ.update(settings)
    try:
        context.Process(target=answer, args=(theirs, one_thread, only, vit)).start()
    finally:
        os.environ.clear()
        os.environ.update(before)
        theirs.close()  # else its end would not be heard
    return ours


def heard(way: str, connection: Connection, question: tuple[str, int] | None = None) -> list[Any]:
    """What a process says next, where there is a question to that; one that ended is told of by name."""
    try:
        if question is not None:
            connection.send(question)
        return connection.recv()
    except (EOFError, OSError):
        sys.exit(f'The process that measures "{way}" ended, for the reason above.')


def answer(connection: Connection, one_thread: bool, only: str, vit: bool) -> None:
    """What such a process runs: measure what it is asked for, until nobody can ask any more."""
    import torch

    if one_thread:
        torch.set_num_threads(1)
    works = {name: work for name, work in make_works(vit).items() if only in name}
    for work in works.values():
        list(work(0))  # warms up
    connection.send(list(works))
    for name, number in questions(connection):
        connection.send([1000 * seconds for seconds in works[name](number + 1)])


def questions(connection: Connection) -> Iterator[tuple[str, int]]:
    """What is asked, until nobody is there to ask."""
    with contextlib.suppress(EOFError, OSError):
        while True:
            yield connection.recv()


def make_works(vit: bool) -> dict[str, Callable[[int], Iterator[float]]]:
    """What is measured: each gives the seconds of every piece of a round."""
    from app.service import load_service
    from tests.benchmarks.query_latency import random_vit

    service = load_service(PROJECT / "weights" / "pocket", PROJECT / "assets" / "gallery")
    works = {
        "text query": lambda number: text_queries(service, number),
        "picture query": lambda number: picture_queries(service, number),
        "gallery building, a picture": lambda number: building(service, number),
        "training, an epoch": lambda number: training(service),
    }
    if vit:
        beside = random_vit(service.bundle, service.gallery)
        works["text query, ViT-B-32"] = lambda number: text_queries(beside, number)
    return works


def text_queries(service: Any, number: int) -> Iterator[float]:
    """Texts that were not asked before: a text is remembered."""
    from app.search.query import Query

    for position in range(QUERIES):
        text = f"{service.gallery.texts[(37 * position) % len(service.gallery.texts)]} {number}"
        yield timed(lambda text=text: service.search(Query(text=text, fold=True)))


def picture_queries(service: Any, number: int) -> Iterator[float]:
    """The bytes of pictures: opened, encoded, ranked."""
    paths = [service.gallery.root / item.file_name for item in service.gallery.items]
    for position in range(PICTURES):
        data = paths[(number * PICTURES + position) % len(paths)].read_bytes()
        yield timed(lambda data=data: service.search_by_image(data))


def building(service: Any, number: int) -> Iterator[float]:
    """A gallery of a few pictures, from files to embeddings."""
    import shutil

    from algcn.gallery.store import build_gallery

    with tempfile.TemporaryDirectory() as folder:
        names = [item.file_name for item in service.gallery.items]
        for position in range(2 * PICTURES):
            source = service.gallery.root / names[(number * 2 * PICTURES + position) % len(names)]
            shutil.copy(source, folder)
        yield timed(lambda: build_gallery(Path(folder), service.bundle, in_place=True)) / (2 * PICTURES)


def training(service: Any) -> Iterator[float]:
    """Epochs on the bundled gallery, on all the threads that a command has."""
    from algcn.training.loop import train_algcn
    from app.training.data import training_data
    from app.training.settings import Settings

    bundle = service.bundle
    data = training_data(service.gallery, bundle.label_set, bundle.encoder_fingerprint, 0)
    ends: list[float] = []
    config = Settings(epochs=EPOCHS).train_config(data.features)
    train_algcn(data.features, config, on_epoch=lambda epoch, model: ends.append(epoch.seconds))
    yield from ends


def timed(act: Callable[[], object]) -> float:
    """Seconds that something takes."""
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def over_http() -> Iterator[tuple[str, list[float]]]:
    """What programs wait for: gradio_client through the queue, and one request to the same function."""
    import httpx
    from gradio_client import Client

    from tests.serving import serve

    with tempfile.TemporaryDirectory() as folder, serve(Path(folder), OMP_NUM_THREADS="2") as server:
        clients = {
            "gradio_client": Client(server.url, verbose=False),
            # Each call makes two TLS contexts, which an http: address has no use for.
            "gradio_client, ssl_verify=False": Client(server.url, verbose=False, ssl_verify=False),
        }
        direct = httpx.Client(base_url=f"{server.url}/gradio_api/run/", timeout=60)

        def ask(name: str, *values: Any) -> None:
            direct.post(name, json={"data": values}).raise_for_status()

        def search(number: int) -> None:
            ask("search_by_text", f"{number} horses", 24, "", 0.5, [], "any", "ranking", 0, None, True, False, "")

        acts: dict[str, Callable[[int], object]] = {}
        for name, client in clients.items():
            acts[f"list_models, {name}"] = lambda number, client=client: client.predict(api_name="/list_models")
            acts[f"search, {name}"] = lambda number, client=client: client.predict(
                f"{number} boats, {id(client)}", api_name="/search_by_text"
            )
        acts |= {"list_models, POST": lambda number: ask("list_models"), "search, POST": search}
        found: dict[str, list[float]] = {name: [] for name in acts}
        for number in range(REQUESTS + 1):
            for name, act in acts.items():
                found[name].append(1000 * timed(lambda act=act, number=number: act(number)))
        yield from ((name, times[1:]) for name, times in found.items())


if __name__ == "__main__":
    main()
