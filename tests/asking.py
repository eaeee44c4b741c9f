"""A language model's side of the Model Context Protocol: the protocol's own client, asked from ordinary code."""

from __future__ import annotations

import asyncio
import base64
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from mcp.types import CallToolResult, InitializeResult, Tool

PATIENCE = 300.0  # seconds for one answer


class Tools:
    """A conversation with the tools of a server; use it as a context manager.

    Notable: it has an event loop in a thread of its own, since the browser of other tests keeps one in theirs.

    Args:
        url: Where the page is.
        query: What follows the address of the tools, ?tools=search_by_text for instance.
    """

    def __init__(self, url: str, query: str = "") -> None:
        self._address = f"{url}/gradio_api/mcp/{query}"
        self._begun: Future[InitializeResult] = Future()

    def __enter__(self) -> Tools:
        self._loop = asyncio.new_event_loop()
        self._over = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._talk(),))
        self._thread.start()
        self.told = self._begun.result(PATIENCE)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(PATIENCE)
        self._loop.close()

    def list(self) -> list[Tool]:
        """What the server offers."""
        return self._wait(self._session.list_tools()).tools

    def call(
        self, name: str, arguments: dict[str, Any] | None = None, told: list[tuple[float, float, str]] | None = None
    ) -> CallToolResult:
        """Call a tool; the client itself holds the answer to the tool's output schema.

        Args:
            name: The tool.
            arguments: What it is given.
            told: Where the progress goes that the server tells of; without, it is not asked to.
        """

        async def note(*progress: Any) -> None:
            told.append(progress)

        callback = {} if told is None else {"progress_callback": note}
        return self._wait(self._session.call_tool(name, arguments or {}, **callback))

    def _wait(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(PATIENCE)

    async def _talk(self) -> None:
        try:
            async with (
                streamable_http_client(self._address) as (read, write, _),
                ClientSession(read, write) as self._session,
            ):
                self._begun.set_result(await self._session.initialize())
                await self._over.wait()
        except BaseException as error:
            if self._begun.done():
                raise
            self._begun.set_exception(error)


def image_text(path: Path) -> str:
    """A file as a language model gives it."""
    return f"data:image/{path.suffix.removeprefix('.')};base64,{base64.b64encode(path.read_bytes()).decode()}"
