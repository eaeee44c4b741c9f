"""Bounds on what gradio keeps for clients that never come back: their sessions, and answers that nobody fetches.

Notable: a browser holds a connection open for as long as its page is (the heartbeat). Sessions without one make room
first, so a crowd of clients that do not listen costs those who do nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from app.visitors.visitor import Visitor
from app.visitors.waiting import Waiting, drop

MAX_SESSIONS = 500  # each takes 0.4 MB
SESSION_SECONDS = 3300.0  # that a session is kept without a heartbeat: within an hour, with the time between two looks
MAX_UNHEARD = 64  # sessions whose answers nobody fetches
UNHEARD_SECONDS = 300.0  # that an answer waits for somebody to fetch it
LISTENING_SECONDS = 15.0  # who listens asks again every ten
RETURN_SECONDS = 5.0  # that a page on a busy machine may take to open its next stream
MAX_ANSWERS, MAX_MESSAGES = 16, 256  # of one session that nobody listens to
TOO_MANY = f"Nobody fetched the last {MAX_ANSWERS} answers of this session; fetch them, or wait five minutes."


class Sessions:
    """Which sessions gradio keeps.

    Args:
        holder: gradio's `StateHolder`.
        size: How many sessions are kept.
        seconds: How long one is kept without a heartbeat.
    """

    def __init__(self, holder: Any, size: int = MAX_SESSIONS, seconds: float = SESSION_SECONDS) -> None:
        self._holder, self._size, self._seconds = holder, size, seconds
        self._beating: Counter[str] = Counter()
        self._used: dict[str, float] = {}
        holder.update = self._use

    @contextlib.contextmanager
    def beating(self, session: str) -> Iterator[None]:
        """Within a `with` block the page of the session is open."""
        self._beating[session] += 1
        try:
            yield
        finally:
            self._beating[session] -= 1
            if not self._beating[session]:
                del self._beating[session]
                if session in self._used:
                    self._used[session] = time.monotonic()

    def is_open(self, session: str) -> bool:
        """Whether the page of a session is open."""
        return session in self._beating

    def remove_old(self) -> None:
        """Forget sessions whose page was closed, or that never had one, some time ago."""
        oldest = time.monotonic() - self._seconds
        for session in [name for name, used in list(self._used.items()) if used < oldest]:
            if session not in self._beating:
                self._forget(session)

    def _use(self, session: str) -> None:
        """Stand in for `StateHolder.update`, which is called whenever a session is used."""
        kept = self._holder.session_data
        with self._holder.lock:
            if session in kept:
                kept.move_to_end(session)
            self._used[session] = time.monotonic()
            too_many = len(kept) - self._size
            others = [name for name in kept if name != session] if too_many > 0 else []
        for name in sorted(others, key=lambda name: name in self._beating)[: max(too_many, 0)]:
            self._forget(name)

    def _forget(self, session: str) -> None:
        with self._holder.lock:
            state = self._holder.session_data.pop(session, None)
            self._holder.time_last_used.pop(session, None)
            self._used.pop(session, None)
        for value in list(state.state_data.values()) if state is not None else ():
            if isinstance(value, Visitor):
                value.leave()


class Inbox(asyncio.Queue):
    """Messages for one session, and when somebody last asked for them."""

    def __init__(self) -> None:
        super().__init__()
        self.heard = time.monotonic()
        self._listening = 0

    @property
    def is_heard(self) -> bool:
        """Whether somebody listens at this moment."""
        return self._listening > 0

    @property
    def silence(self) -> float:
        """For how many seconds nobody has listened."""
        return 0.0 if self._listening else time.monotonic() - self.heard

    async def get(self) -> Any:
        """Wait for the next message."""
        self._listening += 1
        try:
            return await super().get()
        finally:
            self._listening -= 1
            self.heard = time.monotonic()


class Answers(dict):
    """Messages by session, in the place of gradio's `Queue.pending_messages_per_session`.

    Args:
        queue: gradio's `Queue`.
        sessions: How many sessions may have messages that nobody fetches.
        seconds: How long those are kept.
        is_open: Tells whether a session's page is open.
        over: Makes the message that an event, of which the number is given, is over with a sentence.
    """

    def __init__(
        self,
        queue: Any,
        over: Callable[[str, str], object],
        sessions: int = MAX_UNHEARD,
        seconds: float = UNHEARD_SECONDS,
        is_open: Callable[[str], bool] = lambda session: False,
    ) -> None:
        super().__init__()
        self._queue, self._sessions, self._seconds = queue, sessions, seconds
        self._push, self._send = queue.push, queue.send_message
        queue.pending_messages_per_session = self
        queue.push, queue.send_message = self._join, self._message
        self._waiting = Waiting(queue, self.silence, is_open, over)

    def __setitem__(self, session: str, messages: object) -> None:
        super().__setitem__(session, messages if isinstance(messages, Inbox) else Inbox())

    def __delitem__(self, session: str) -> None:
        self.pop(session, None)  # gradio's, when a client hangs up; the session may be forgotten by then

    def silence(self, session: str) -> float:
        """For how many seconds nobody has listened to a session; for ever where its client hung up."""
        inbox = self.get(session)
        return inbox.silence if inbox is not None else float("inf")

    def hung_up(self, session: str) -> None:
        """Drop what waits or runs for a client that listened and is gone, unless it comes back soon.

        A page closes its stream when it has all its answers and opens another with the next question, which may be here
        before the old stream's end is noticed.
        """
        inbox = self.get(session)
        if inbox is not None and not inbox.is_heard:
            asyncio.get_running_loop().call_later(RETURN_SECONDS, self._forget_unheard, session, inbox, inbox.heard)

    def _forget_unheard(self, session: str, inbox: Inbox, heard: float) -> None:
        """Forget a session if nobody listened to it, and no question came, since it was last heard."""
        if self.get(session) is inbox and not inbox.is_heard and inbox.heard == heard:
            self._forget(session)

    def end_unheard(self) -> None:
        """End work that nobody waits for; called every second."""
        self._waiting.end_unheard()

    def remove_old(self) -> None:
        """Forget sessions that have all their answers, those unheard for long, and the longest unheard of too many."""
        now, unheard = time.monotonic(), []
        for name, inbox in list(self.items()):
            if inbox.silence > LISTENING_SECONDS:
                if inbox.qsize() or self._queue.pending_event_ids_session.get(name):
                    unheard.append((inbox.heard, name))
                else:
                    self._forget(name)
        too_many = len(unheard) - self._sessions
        for number, (heard, name) in enumerate(sorted(unheard)):
            if number < too_many or now - heard > self._seconds:
                self._forget(name)
        for name in self._queue.pending_event_ids_session.keys() - self.keys():
            self._forget(name)  # gradio keeps the numbers of what ran when its client hung up

    async def _join(self, body: Any, request: Any, username: str | None) -> tuple[bool, Any, str]:
        """Stand in for `Queue.push`: whoever leaves answers lying gets no more of them."""
        self.remove_old()
        inbox = self.get(body.session_hash)
        waiting = self._queue.pending_event_ids_session.get(body.session_hash, ())
        if inbox is not None and inbox.qsize() and len(waiting) >= MAX_ANSWERS:
            return False, TOO_MANY, "queue_full"
        function = self._queue.blocks.fns.get(body.fn_index)
        refusal = self._waiting.refuse(body.session_hash, function, request) if function is not None else None
        if refusal is not None:
            return False, refusal, "queue_full"
        if inbox is not None:
            inbox.heard = time.monotonic()  # it has a moment to begin to listen
        joined, answer, state = await self._push(body, request, username)
        event = self._queue.event_ids_to_events.get(answer) if joined else None
        if event is not None:
            self._waiting.take_turns(event)
        return joined, answer, state

    def _message(self, event: Any, message: Any) -> None:
        """Stand in for `Queue.send_message`: nothing is sent to a session that was forgotten."""
        inbox = self.get(event.session_hash)
        if inbox is None:
            event.alive = False
        elif inbox.qsize() >= MAX_MESSAGES and inbox.silence > LISTENING_SECONDS:
            self._forget(event.session_hash)
        else:
            self._send(event, message)

    def _forget(self, session: str) -> None:
        """Drop a session's messages, and its events that wait or run."""
        self.pop(session, None)
        for number in self._queue.pending_event_ids_session.pop(session, ()):
            event = self._queue.event_ids_to_events.get(number)
            if event is not None:
                drop(self._queue, event)
