"""The lines in which events wait for their turn: fair to every client, and without those to whom nobody listens.

Notable: a client is a session, and an address too, but for those of this machine, where a proxy may stand for everybody
(uvicorn believes what such a proxy says about addresses, and nobody else). A sender who does not stay to listen is
first to make room, whatever it calls itself; a page that is open has room of its own, which no program can take.
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

Event = Any  # gradio's, of its queue
OWN = 8  # of one session in one line
OF_ADDRESS = 24  # of one address in one line: a school has one
LINE = 48  # in one line; pages that are open have half of it for themselves
# In all lines together, of each kind: sessions without an open page that call an endpoint or an event of the page, and
# open pages. Each has a body, of up to 48 MB.
KINDS = {"program": 64, "event": 64, "page": 256}
SETTLE_SECONDS = 1.0  # that a client has to begin to listen
UNHEARD_SECONDS = 10.0  # that work goes on for nobody
OWN_FULL = f"{OWN} of your requests wait for this already: wait until one is answered, then try again."
LINE_FULL = "Too many others are waiting for {name} at the moment; try again in a few seconds."
BUSY = "Too many others are asking at the moment; try again in a few seconds."
NOBODY = "Nobody listened for the answer, so the work was not done; ask again, and fetch the answer while you wait."


class Waiting:
    """Bounds on what waits in gradio's queue.

    Args:
        queue: gradio's `Queue`.
        silence: Tells for how many seconds nobody has listened to a session.
        is_open: Tells whether a session's page is open in a browser.
        over: Makes the message that an event, of which the number is given, is over with a sentence.
    """

    def __init__(
        self,
        queue: Any,
        silence: Callable[[str], float],
        is_open: Callable[[str], bool],
        over: Callable[[str, str], object],
    ) -> None:
        self._queue, self._silence, self._is_open, self._over = queue, silence, is_open, over

    def refuse(self, session: str | None, function: Any, request: Any) -> str | None:
        """Say why an event may not join the line of a function, if it may not; those who do not listen make room."""
        line = self._line(function.concurrency_id)
        client = _Client(session, _address(request))
        mine = [event for event in line if client.is_same(event)]
        if sum(event.session_hash == session for event in mine) >= OWN or len(mine) >= OF_ADDRESS:
            return OWN_FULL
        kind = self._kind(session, function)
        in_line = line if kind == "page" else [event for event in line if self._kind_of(event) != "page"]
        most = LINE if kind == "page" else LINE // 2
        if len(in_line) >= most and not self._make_room(in_line):
            name = "this" if _is_private(function) else f"/{function.api_name}"
            return LINE_FULL.format(name=name)
        alike = [event for event in self._all() if self._kind_of(event) == kind]
        if len(alike) >= KINDS[kind] and not self._make_room(alike):
            return BUSY
        return None

    def take_turns(self, event: Event) -> None:
        """Move an event that joined its line to where it stands if clients take turns."""
        line = self._line(event.concurrency_id)
        if event not in line:
            return
        client = _Client(event.session_hash, _address(event.request))
        own = sum(client.is_same(other) for other in line) - 1
        seen: Counter[str] = Counter()
        for place, other in enumerate(line):
            key = _Client(other.session_hash, _address(other.request)).key
            if seen[key] > own:
                line.remove(event)
                line.insert(place, event)
                return
            seen[key] += 1

    def end_unheard(self) -> None:
        """End the work for those to whom nobody has listened for a while; answers that are there stay."""
        for event in list(self._queue.event_ids_to_events.values()):
            if event.alive and self._silence(event.session_hash) > UNHEARD_SECONDS:
                self.end(event)

    def end(self, event: Event) -> None:
        """End an event that waits or runs, and say so to whoever may listen later."""
        inbox = self._queue.pending_messages_per_session.get(event.session_hash)
        if event.alive and inbox is not None:
            inbox.put_nowait(self._over(event._id, NOBODY))
        drop(self._queue, event)

    def _make_room(self, events: list[Event]) -> bool:
        """End what waits for the one to whom nobody has listened for longest."""
        silence, _, event = max((self._silence(event.session_hash), event._id, event) for event in events)
        if silence < SETTLE_SECONDS:
            return False
        self.end(event)
        return True

    def _line(self, name: str) -> list[Event]:
        line = self._queue.event_queue_per_concurrency_id.get(name)
        return line.queue if line is not None else []

    def _all(self) -> Iterator[Event]:
        for line in self._queue.event_queue_per_concurrency_id.values():
            yield from line.queue

    def _kind(self, session: str | None, function: Any) -> str:
        if session is not None and self._is_open(session):
            return "page"
        return "event" if _is_private(function) else "program"

    def _kind_of(self, event: Event) -> str:
        return self._kind(event.session_hash, event.fn)


def drop(queue: Any, event: Event) -> None:
    """Take an event out of its line, or have its generator closed when it yields."""
    event.alive = False
    line = queue.event_queue_per_concurrency_id[event.concurrency_id].queue
    if event in line:
        line.remove(event)
        queue.event_ids_to_events.pop(event._id, None)


class _Client:
    """Whoever sent an event."""

    def __init__(self, session: str | None, address: str | None) -> None:
        self._session, self._address = session, address

    @property
    def key(self) -> str:
        return self._address or f"session {self._session}"

    def is_same(self, event: Event) -> bool:
        """Whether an event is of this client."""
        if self._address is not None:
            return _address(event.request) == self._address
        return event.session_hash == self._session


def _address(request: Any) -> str | None:
    """Where a request came from; None for this machine, and where it is not known."""
    client = getattr(request, "client", None)
    if client is None:
        return None
    try:
        address = ipaddress.ip_address(client.host)
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None) or address
    if mapped.is_loopback:
        return None
    # Whoever has an IPv6 address has a network of them.
    return str(ipaddress.ip_network((mapped, 64), strict=False)) if mapped.version == 6 else str(mapped)


def _is_private(function: Any) -> bool:
    return getattr(function, "api_visibility", "public") == "private"
