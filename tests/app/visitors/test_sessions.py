"""Clients that never listen: what gradio keeps for them is bounded, and those who listen do not feel them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
from gradio_client import Client
from serving import Server
from starlette.middleware import Middleware

from app.blocks import over
from app.visitors import sessions
from app.visitors.requests import Requests
from app.visitors.sessions import MAX_ANSWERS, TOO_MANY, Answers, Sessions
from app.visitors.visitor import Visitor

SESSIONS, UNHEARD = 12, 8


class Running:
    """A running page of gradio's with the bounds, and what it keeps."""

    def __init__(self, url: str, blocks: gr.Blocks, kept: Sessions, answers: Answers, seen: list[Visitor]) -> None:
        self.url, self.blocks, self.kept, self.answers = url, blocks, kept, answers
        self.seen = seen  # whoever was answered

    def join(self, session: str | None, value: str = "x", name: str = "echo") -> tuple[int, dict[str, Any]]:
        """Ask for an answer and do not wait for it."""
        body = {"data": [value], "session_hash": session}
        return fetch(f"{self.url}/gradio_api/call/{name}", body)

    @property
    def queue(self) -> Any:
        return self.blocks._queue

    def done(self) -> bool:
        return wait_for(lambda: not self.queue.event_ids_to_events)


def fetch(url: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def wait_for(condition: Callable[[], bool], seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


@pytest.fixture
def left() -> list[Visitor]:
    return []


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch, left: list[Visitor]) -> Iterator[Running]:
    monkeypatch.setattr(sessions, "LISTENING_SECONDS", 0.0)
    monkeypatch.setattr(Visitor, "leave", lambda visitor: left.append(visitor))
    made: dict[str, Any] = {}

    @contextlib.asynccontextmanager
    async def on_duty(app: object) -> AsyncIterator[None]:
        made["kept"] = Sessions(blocks.state_holder, SESSIONS, 1.0)
        made["answers"] = Answers(blocks._queue, over, UNHEARD, 2.0)
        yield

    seen: list[Visitor] = []

    def echo(value: str, visitor: Visitor) -> str:
        seen.append(visitor)
        return value

    async def slow(value: str, visitor: Visitor) -> str:
        await asyncio.sleep(5)
        return value

    with gr.Blocks(analytics_enabled=False) as blocks:
        value, visitor = gr.Textbox(), gr.State(Visitor())
        value.change(echo, [value, visitor], value, api_name="echo")
        value.submit(slow, [value, visitor], value, api_name="slow")
    blocks.queue(max_size=64, default_concurrency_limit=2)
    middleware = Middleware(Requests, free_bytes=lambda: 1 << 40, beating=lambda session: made["kept"].beating(session))
    try:
        _, url, _ = blocks.launch(
            prevent_thread_lock=True, quiet=True, app_kwargs={"lifespan": on_duty, "middleware": [middleware]}
        )
        yield Running(url.rstrip("/"), blocks, made["kept"], made["answers"], seen)
    finally:
        blocks.close(verbose=False)


def test_sessions_that_never_listen_are_forgotten_beyond_the_bound(running: Running, left: list[Visitor]) -> None:
    for number in range(60):
        assert running.join(f"silent {number}")[0] == 200
    assert running.done()
    running.answers.remove_old()
    assert len(running.answers) <= UNHEARD
    assert len(running.queue.pending_event_ids_session) <= UNHEARD
    assert len(running.blocks.state_holder.session_data) <= SESSIONS
    assert len(running.blocks.state_holder.time_last_used) <= SESSIONS
    held = [
        value
        for state in running.blocks.state_holder.session_data.values()
        for value in state.state_data.values()
        if isinstance(value, Visitor)
    ]
    assert {*map(id, left), *map(id, held)} == set(map(id, running.seen)), "what they opened is deleted too"
    assert len(held) <= SESSIONS < len(left)
    assert "silent 59" in running.answers, "the youngest has time to fetch its answer"


def test_calls_without_a_session_count_as_well(running: Running) -> None:
    for _ in range(40):
        assert running.join(None)[0] == 200
    assert running.done()
    running.answers.remove_old()
    assert len(running.answers) <= UNHEARD
    assert len(running.queue.pending_event_ids_session) <= UNHEARD


def test_one_session_is_not_answered_for_ever(running: Running) -> None:
    told = [running.join("one") for _ in range(MAX_ANSWERS + 5)]
    assert [status for status, _ in told] == [200] * MAX_ANSWERS + [503] * 5
    assert told[-1][1]["detail"] == TOO_MANY
    assert running.join("another")[0] == 200


def test_what_nobody_fetched_is_forgotten_in_time(running: Running) -> None:
    assert running.join("late")[0] == 200
    assert running.done()
    running.answers.remove_old()
    assert "late" in running.answers
    time.sleep(2.1)
    running.answers.remove_old()
    assert "late" not in running.answers and "late" not in running.queue.pending_event_ids_session
    assert running.join("late")[0] == 200, "it may come again"


def test_work_for_those_who_are_forgotten_is_dropped(running: Running) -> None:
    for number in range(6):
        assert running.join(f"slow {number}", name="slow")[0] == 200
    time.sleep(2.1)
    running.answers.remove_old()
    assert len(running.queue) == 0, "those in the queue do not run"
    assert running.join("x")[0] == 200


def test_those_who_listen_get_all_their_answers_among_those_who_do_not(running: Running) -> None:
    client = Client(running.url, verbose=False)
    for number in range(30):
        running.join(f"silent {number}")
        if number % 3 == 0:
            assert client.predict(f"hello {number}", api_name="/echo") == f"hello {number}"
    running.answers.remove_old()
    assert len(running.answers) <= UNHEARD


def test_an_answer_can_be_fetched_later(running: Running) -> None:
    _, told = running.join(None, "hello")
    assert running.done()
    with urllib.request.urlopen(f"{running.url}/gradio_api/call/echo/{told['event_id']}", timeout=20) as response:
        assert b'["hello"]' in response.read()
    assert wait_for(lambda: running.answers.remove_old() or not running.answers)
    assert not running.queue.pending_event_ids_session


def test_a_page_that_is_open_is_kept_while_others_go(running: Running, left: list[Visitor]) -> None:
    with urllib.request.urlopen(f"{running.url}/gradio_api/heartbeat/open", timeout=20) as heart:
        heart.readline()
        running.join("open")
        for number in range(3 * SESSIONS):
            running.join(f"silent {number}")
        assert "open" in running.blocks.state_holder
        assert running.done()
        time.sleep(1.1)
        running.kept.remove_old()
        assert list(running.blocks.state_holder.session_data) == ["open"]
        before = len(left)
    assert wait_for(lambda: not running.kept._beating)
    running.kept.remove_old()
    assert "open" in running.blocks.state_holder, "it may come back"
    time.sleep(1.1)
    running.kept.remove_old()
    assert "open" not in running.blocks.state_holder
    assert len(left) == before + 1


def test_a_crowd_that_never_listens_costs_a_program_little(tiny_server: Server) -> None:
    """A real program: its memory stays within a bound, and others are answered meanwhile."""
    status = Path(f"/proc/{tiny_server.process.pid}/status")
    if not status.is_file():
        pytest.skip("no /proc here to read a process's memory from")

    def megabytes() -> float:
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024

    client = Client(tiny_server.url, verbose=False)
    client.predict("a dog", api_name="/search_by_text")
    before = megabytes()
    for number in range(200):
        asked = ["a dog", 500, "", 0.5, [], "any", "ranking", 0, None, True, ""]
        body = {"data": asked, "session_hash": f"crowd {number}"}
        fetch(f"{tiny_server.url}/gradio_api/call/search_by_text", body)
        if number % 50 == 0:
            assert client.predict("a dog", 1, api_name="/search_by_text")["images"]
    assert megabytes() - before < 200


@pytest.mark.parametrize("comes_back", ["asks", "listens", "no"])
def test_a_question_that_comes_as_the_old_stream_ends_is_not_dropped_with_it(
    monkeypatch: pytest.MonkeyPatch, comes_back: str
) -> None:
    """A page closes its stream after each answer, and its next question may be here before that is noticed."""
    monkeypatch.setattr(sessions, "RETURN_SECONDS", 0.05)

    async def push(*_: object) -> tuple[bool, str, str]:
        return True, "2", "success"

    queue = SimpleNamespace(
        push=push,
        send_message=None,
        pending_event_ids_session={"page": {"1"}},
        event_ids_to_events={},
        event_queue_per_concurrency_id={},
        blocks=SimpleNamespace(fns={}),
    )

    async def end_a_stream() -> bool:
        answers = Answers(queue, over)
        answers["page"] = None
        answers.hung_up("page")
        if comes_back == "asks":
            await queue.push(SimpleNamespace(session_hash="page", fn_index=0), None, None)
        listening = asyncio.ensure_future(answers["page"].get()) if comes_back == "listens" else None
        await asyncio.sleep(0.2)
        if listening is not None:
            listening.cancel()
        return "page" in answers and "page" in queue.pending_event_ids_session

    with ThreadPoolExecutor(1) as pool:  # Playwright's loop runs in this thread once a browser has been started
        kept = pool.submit(asyncio.run, end_a_stream()).result()
    assert kept is (comes_back != "no")
