"""Senders who ask for slow work and disappear: others are answered meanwhile, and nothing of theirs is left waiting."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from gradio_client import Client
from here import serve_here
from serving import Server

from app.api import training as training_api
from app.program import Program
from app.service import RetrievalService, load_service
from app.tabs import training as training_tab
from app.visitors.waiting import LINE, NOBODY, OWN, OWN_FULL

PATIENCE = 60
HTTP = httpx.Client(timeout=PATIENCE)  # making one for each request takes longer than the request
SENT = 80
LONG_TRAINING = ["paper", 0.5, 0.4, True, True, 20, 1, ""]
IN_THE_FORM = [None, None, "paper", True, True, 0.5, 0.4, 20, 1]
SHORT_TRAINING = ["paper", 0.5, 0.4, True, True, 1, 1, ""]


@pytest.fixture(scope="module")
def service(tiny_bundle_dir: Path, tiny_gallery_dir: Path) -> RetrievalService:
    return load_service(tiny_bundle_dir, tiny_gallery_dir)


@pytest.fixture
def served(service: RetrievalService, tmp_path: Path) -> Iterator[tuple[str, Program]]:
    with serve_here(service, tmp_path) as here:
        yield here


class Page:
    """A page as a browser opens it: it keeps a heartbeat, joins the queue, and listens."""

    def __init__(self, url: str, session: str) -> None:
        self.url, self.session = f"{url.rstrip('/')}/gradio_api", session
        self.events = {
            event["api_name"]: event["id"] for event in HTTP.get(f"{url.rstrip('/')}/config").json()["dependencies"]
        }

    def join(self, name: str, values: list[Any]) -> httpx.Response:
        body = {"data": values, "fn_index": self.events[name], "session_hash": self.session}
        return HTTP.post(f"{self.url}/queue/join", json=body)

    def messages(self) -> Iterator[dict[str, Any]]:
        """What comes for as long as somebody listens."""
        address = f"{self.url}/queue/data?session_hash={self.session}"
        with HTTP.stream("GET", address) as stream:
            for line in stream.iter_lines():
                if line.startswith("data:"):
                    yield json.loads(line.removeprefix("data:"))

    def ask(self, name: str, values: list[Any]) -> dict[str, Any]:
        """Join and listen for the end."""
        joined = self.join(name, values)
        assert joined.status_code == 200, joined.text
        return next(message for message in self.messages() if message["msg"] == "process_completed")

    @contextlib.contextmanager
    def is_open(self) -> Iterator[None]:
        with HTTP.stream("GET", f"{self.url}/heartbeat/{self.session}") as stream:
            next(stream.iter_lines())
            yield


def waiting(url: str) -> int:
    return HTTP.get(f"{url.rstrip('/')}/gradio_api/queue/status").json()["queue_size"]


def eventually(condition: Callable[[], bool], seconds: float = PATIENCE) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.1)
    return condition()


def test_a_crowd_that_disappears_closes_nothing(pocket_server: Server) -> None:
    """Against a program in a process of its own: slow work by every way there is to ask for it."""
    page, sender, client = (
        Page(pocket_server.url, "reader"),
        Page(pocket_server.url, "crowd"),
        Client(pocket_server.url),
    )
    told = []
    with page.is_open():
        for number in range(SENT):
            told.append(HTTP.post(f"{sender.url}/call/train", json={"data": LONG_TRAINING}))
            for name, values in (("train", LONG_TRAINING), ("train_model", IN_THE_FORM),
                                 ("switch_graph", [True])):  # fmt: skip
                sender.session = f"crowd {number}"
                told.append(sender.join(name, values))
        refusals = [answer.json()["detail"] for answer in told if answer.status_code == 503]
        assert {answer.status_code for answer in told} <= {200, 503}
        assert waiting(pocket_server.url) <= LINE, "those whom nobody listens to make room for each other"
        assert all(refusal.endswith(("a few seconds.", "try again.")) for refusal in refusals), set(refusals)
        assert page.ask("switch_graph", [True])["success"]
        assert client.predict("a dog", 1, api_name="/search_by_text")["images"]
        assert client.submit(*SHORT_TRAINING, api_name="/train").result(PATIENCE)["best_epoch"] == 1
        assert page.ask("switch_graph", [False])["success"]
    assert eventually(lambda: waiting(pocket_server.url) == 0)
    assert "Traceback" not in pocket_server.output


def test_one_session_is_told_that_enough_of_its_requests_wait(served: tuple[str, Program], work: Work) -> None:
    url, _ = served
    page = Page(url, "one")
    told = [page.join("train", LONG_TRAINING) for _ in range(OWN + 6)]
    refused = [answer.json()["detail"] for answer in told if answer.status_code == 503]
    assert refused and set(refused) == {OWN_FULL}
    assert page.join("switch_graph", [True]).status_code == 200


class Work:
    """Trainings that go on until they are told to stop."""

    def __init__(self) -> None:
        self.begun, self.ended = threading.Semaphore(0), threading.Semaphore(0)
        self.let_go = threading.Event()

    def make(self, *_: object) -> Callable[[Any], tuple[Any, None]]:
        def work(job: Any) -> tuple[Any, None]:
            self.begun.release()
            while not job.stopping() and not self.let_go.wait(0.02):
                pass
            self.ended.release()
            return SimpleNamespace(summary=dict), None

        return work


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Iterator[Work]:
    made = Work()
    monkeypatch.setattr(training_api, "training_work", made.make)
    monkeypatch.setattr(training_tab, "training_work", made.make)
    yield made
    made.let_go.set()


@pytest.mark.parametrize("name", ["train", "train_model"])
def test_who_hangs_up_takes_what_waits_and_what_runs_with_them(
    served: tuple[str, Program], work: Work, name: str
) -> None:
    url, program = served
    page = Page(url, "leaves")
    values = LONG_TRAINING if name == "train" else IN_THE_FORM
    for _ in range(4):
        assert page.join(name, values).status_code == 200
    with contextlib.closing(page.messages()) as messages:
        next(message for message in messages if message["msg"] == "process_starts")
        assert work.begun.acquire(timeout=PATIENCE)
    assert work.ended.acquire(timeout=5), "what ran was told to stop"
    assert eventually(lambda: waiting(url) == 0 and not program.training_jobs._jobs, 5)


def test_who_never_listens_is_not_worked_for_long(
    served: tuple[str, Program], work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, program = served
    monkeypatch.setattr("app.visitors.waiting.UNHEARD_SECONDS", 1.0)
    numbers = [
        HTTP.post(f"{url}gradio_api/call/train", json={"data": LONG_TRAINING}).json()["event_id"] for _ in range(6)
    ]
    assert work.begun.acquire(timeout=PATIENCE)
    assert eventually(lambda: waiting(url) == 0 and not program.training_jobs._jobs, 15)
    for number in (numbers[0], numbers[-1]):  # one that ran, one that waited
        with HTTP.stream("GET", f"{url}gradio_api/call/train/{number}") as late:
            assert NOBODY in "".join(late.iter_text())
