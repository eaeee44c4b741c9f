"""What every request passes before gradio reads it: bodies are bounded, and uploads stop before the disk is full.

Notable: gradio writes an upload to its folder while it arrives, and cleans up after a form that it cannot read but not
after a visitor who hangs up. So a body that is refused or broken off ends as an unreadable form does.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import AbstractContextManager
from typing import Any
from urllib.parse import parse_qs

from starlette.formparsers import MultiPartException

from app.kit.limits import DISK_FULL, MAX_REQUEST_BYTES, MAX_UPLOAD_BYTES, MIN_FREE_BYTES

_Message = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[_Message]]
_Send = Callable[[_Message], Awaitable[None]]

PREFIX = "/gradio_api"
LOOK_BYTES = 16 << 20  # of an upload from one look at the disk to the next
DRAIN_SECONDS = 10.0  # that the rest of a body is read and thrown away, so that its sender gets to read why
TOO_LARGE_STATUS, FULL_STATUS = 413, 507


class Requests:
    """An ASGI application around another.

    Args:
        app: The other.
        free_bytes: Tells how much is free on the disk of the uploads.
        beating: Makes the block within which a session's page is open.
        hung_up: Told the session, or the number of an event without one, whose listener hung up.
        upload_bytes: How much one upload may have.
        request_bytes: How much any other request may have.
        min_free: What must stay free on the disk.
    """

    def __init__(
        self,
        app: Callable[..., Awaitable[None]],
        *,
        free_bytes: Callable[[], int],
        beating: Callable[[str], AbstractContextManager[None]] = lambda session: contextlib.nullcontext(),
        hung_up: Callable[[str], None] = lambda session: None,
        upload_bytes: int = MAX_UPLOAD_BYTES,
        request_bytes: int = MAX_REQUEST_BYTES,
        min_free: int = MIN_FREE_BYTES,
    ) -> None:
        self._app, self._beating, self._hung_up = app, beating, hung_up
        self._free_bytes, self._min_free = free_bytes, min_free
        self._upload_bytes, self._request_bytes = upload_bytes, request_bytes

    async def __call__(self, scope: _Message, receive: _Receive, send: _Send) -> None:
        """Answer a request, or hand it on."""
        path = scope.get("path", "")
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["method"] in ("GET", "HEAD"):
            session = path.removeprefix(f"{PREFIX}/heartbeat/")
            with self._beating(session) if session != path else contextlib.nullcontext():
                await self._listen(scope, receive, send)
        elif path.rstrip("/") == f"{PREFIX}/process_recording":  # gradio's, for videos; this page has none
            await _refuse(404, "This page takes no recordings.", receive, send)
        else:
            body = _Body(self, receive, is_upload=path.rstrip("/") == f"{PREFIX}/upload")
            await body.answer(self._app, scope, send)

    async def _listen(self, scope: _Message, receive: _Receive, send: _Send) -> None:
        """Hand a GET on; whoever hangs up before all of their answers came is noticed."""
        session = _listener(scope)
        has_gone = False

        async def next_message() -> _Message:
            nonlocal has_gone
            message = await receive()
            has_gone = has_gone or message["type"] == "http.disconnect"
            return message

        try:
            await self._app(scope, next_message, send)
        finally:
            if session and has_gone:
                self._hung_up(session)

    def too_large(self, size: int, *, is_upload: bool) -> str | None:
        """Say that a body of this size is not taken, if it is not."""
        limit = self._upload_bytes if is_upload else self._request_bytes
        if size <= limit:
            return None
        return f"The {'upload' if is_upload else 'request'} is too large; send at most {limit / 2**20:g} MB at once."

    def is_full(self, coming: int) -> bool:
        """Whether the disk has no room for so many bytes more."""
        return self._free_bytes() < self._min_free + coming


class _Body:
    """The body of one request."""

    def __init__(self, requests: Requests, receive: _Receive, *, is_upload: bool) -> None:
        self._requests, self._receive, self._is_upload = requests, receive, is_upload
        self._size = self._looked = 0
        self._is_whole = False
        self._refusal: tuple[int, str] | None = None

    async def answer(self, app: Callable[..., Awaitable[None]], scope: _Message, send: _Send) -> None:
        announced = _announced(scope)
        self._judge(announced, announced)
        if self._refusal is not None:
            await _refuse(*self._refusal, self._receive, send)
            return
        has_begun = False

        async def begin(message: _Message) -> None:
            nonlocal has_begun
            if self._refusal is None or has_begun:
                has_begun = True
                await send(message)

        try:
            await app(scope, self._next, begin)
        except MultiPartException:
            if self._refusal is None and self._is_whole:
                raise
        if self._refusal is not None and not has_begun:
            await _refuse(*self._refusal, None if self._is_whole else self._receive, send)

    async def _next(self) -> _Message:
        message = await self._receive()
        if message["type"] == "http.disconnect" and not self._is_whole and self._is_upload:
            raise MultiPartException("The upload broke off.")
        if message["type"] == "http.request":
            self._size += len(message.get("body", b""))
            self._is_whole = not message.get("more_body", False)
            self._judge(self._size, 0)
            if self._refusal is not None:
                raise MultiPartException(self._refusal[1])
        return message

    def _judge(self, size: int, coming: int) -> None:
        """Refuse a body of `size` bytes, of which some are still coming, where it is too large or there is no room."""
        sentence = self._requests.too_large(size, is_upload=self._is_upload)
        if sentence is not None:
            self._refusal = (TOO_LARGE_STATUS, sentence)
        elif self._is_upload and size >= self._looked:
            self._looked = self._size + LOOK_BYTES
            if self._requests.is_full(coming):
                self._refusal = (FULL_STATUS, DISK_FULL)


def _listener(scope: _Message) -> str:
    """Whose answers a request asks for; "" for none: /queue/data?session_hash=SESSION, or /call/NAME/EVENT."""
    path = scope.get("path", "")
    if path == f"{PREFIX}/queue/data":
        return parse_qs(scope.get("query_string", b"").decode("latin-1")).get("session_hash", [""])[0]
    return path.rpartition("/")[2] if path.startswith(f"{PREFIX}/call/") else ""


def _announced(scope: _Message) -> int:
    """The length of the body as its header states it, 0 where it does not."""
    text = dict(scope["headers"]).get(b"content-length", b"")
    return int(text) if text.isdigit() else 0


async def _refuse(status: int, sentence: str, receive: _Receive | None, send: _Send) -> None:
    """Answer with a sentence; with `receive` where some of the body is still to come."""
    if receive is not None:
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(_drain(receive), DRAIN_SECONDS)
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": sentence.encode()})


async def _drain(receive: _Receive) -> None:
    while True:
        message = await receive()
        if message["type"] != "http.request" or not message.get("more_body", False):
            return
