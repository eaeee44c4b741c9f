"""The lines before functions: bounded for each client, fair, without those to whom nobody listens."""

from __future__ import annotations

import types
from typing import Any

import pytest

from app.visitors.waiting import KINDS, LINE, LINE_FULL, NOBODY, OF_ADDRESS, OWN, OWN_FULL, Waiting

HERE, THERE = "127.0.0.1", "203.0.113.7"


class Crowd:
    """A queue of gradio's without gradio: lines, events, inboxes."""

    def __init__(self) -> None:
        self.event_queue_per_concurrency_id: dict[str, Any] = {}
        self.event_ids_to_events: dict[str, Any] = {}
        self.pending_messages_per_session: dict[str, Any] = {}
        self.silent: dict[str, float] = {}
        self.open: set[str] = set()
        self.told: list[tuple[str, str]] = []
        self.waiting = Waiting(
            self, lambda session: self.silent.get(session, 0.0), self.open.__contains__, lambda *over: over
        )

    def function(self, name: str = "train", visibility: str = "public") -> Any:
        return types.SimpleNamespace(concurrency_id=name, api_name=name, api_visibility=visibility)

    def join(self, session: str, host: str = HERE, function: Any = None) -> str | None:
        """Join a line; returns why not."""
        function = function or self.function()
        request = types.SimpleNamespace(client=types.SimpleNamespace(host=host))
        refusal = self.waiting.refuse(session, function, request)
        if refusal is not None:
            return refusal
        event = types.SimpleNamespace(
            _id=f"{len(self.event_ids_to_events):04}-{session}", session_hash=session, request=request, fn=function,
            concurrency_id=function.concurrency_id, alive=True,
        )  # fmt: skip
        self.event_ids_to_events[event._id] = event
        self.pending_messages_per_session.setdefault(session, types.SimpleNamespace(put_nowait=self.told.append))
        self.line(function.concurrency_id).append(event)
        self.waiting.take_turns(event)
        return None

    def line(self, name: str = "train") -> list[Any]:
        made = types.SimpleNamespace(queue=[])
        return self.event_queue_per_concurrency_id.setdefault(name, made).queue

    def sessions(self) -> list[str]:
        return [event.session_hash for event in self.line()]


@pytest.fixture
def crowd() -> Crowd:
    return Crowd()


def test_one_client_has_so_many_in_a_line_and_others_have_theirs(crowd: Crowd) -> None:
    assert [crowd.join("one") for _ in range(OWN)] == [None] * OWN
    assert crowd.join("one") == OWN_FULL
    assert crowd.join("other") is None
    assert crowd.join("one", function=crowd.function("label_pictures")) is None, "each function has a line of its own"


def test_an_address_is_a_client_however_many_sessions_it_says_it_has(crowd: Crowd) -> None:
    told = [crowd.join(f"session {number}", THERE) for number in range(OF_ADDRESS + 5)]
    assert told.count(OWN_FULL) >= 5
    assert len({event.request.client.host for event in crowd.line()}) == 1
    crowd = Crowd()
    told = [crowd.join(f"session {number}", f"2001:db8::{number}") for number in range(OF_ADDRESS + 5)]
    assert told.count(OWN_FULL) >= 5, "a network of IPv6 is one client"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.3.2.1", "::1", "::ffff:127.0.0.1"])
def test_behind_a_proxy_of_this_machine_sessions_are_told_apart(crowd: Crowd, host: str) -> None:
    assert [crowd.join(f"session {number}", host) for number in range(LINE // 2)] == [None] * (LINE // 2)


def test_clients_take_turns(crowd: Crowd) -> None:
    for session in ("one", "one", "one", "two", "two", "three"):
        assert crowd.join(session) is None
    assert crowd.sessions() == ["one", "two", "three", "one", "two", "one"]


def test_whoever_does_not_listen_makes_room(crowd: Crowd) -> None:
    for number in range(LINE // 2):
        assert crowd.join(f"session {number}") is None
    assert crowd.join("late") == LINE_FULL.format(name="/train")
    crowd.silent["session 3"] = 5.0
    assert crowd.join("late") is None
    assert "session 3" not in crowd.sessions() and "late" in crowd.sessions()
    assert [sentence for _, sentence in crowd.told] == [NOBODY]
    assert crowd.join("later") == LINE_FULL.format(name="/train")


def test_programs_take_no_room_of_open_pages(crowd: Crowd) -> None:
    names = [f"function {number}" for number in range(9)]
    told = [crowd.join(f"program {name} {number}", function=crowd.function(name)) for name in names
            for number in range(LINE)]  # fmt: skip
    assert told.count(None) == KINDS["program"]
    assert crowd.join("programme", function=crowd.function("new")) is not None
    crowd.open.add("page")
    for name in (*names, "event"):
        assert crowd.join("page", function=crowd.function(name, "private")) is None
    assert crowd.join("no page", function=crowd.function("event", "private")) is None, "a page that just opens"


def test_work_that_nobody_waits_for_ends(crowd: Crowd) -> None:
    for session in ("here", "gone"):
        crowd.join(session)
    running = crowd.line().pop(crowd.sessions().index("gone"))
    crowd.join("gone")
    crowd.silent["gone"] = 60.0
    crowd.waiting.end_unheard()
    assert crowd.sessions() == ["here"]
    assert not running.alive
    assert len(crowd.told) == 2
    crowd.waiting.end_unheard()
    assert len(crowd.told) == 2, "it is said once"
