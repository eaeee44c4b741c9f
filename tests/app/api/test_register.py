"""Language models as users: the API as tools of the Model Context Protocol, asked by a real client."""

from __future__ import annotations

import ast
import asyncio
import base64
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from mcp.types import CallToolResult, Tool
from serving import ENDPOINTS, Server


def ask(server: Server, *calls: tuple[str, dict[str, Any]]) -> tuple[list[Tool], list[CallToolResult]]:
    """The tools of the server, and what the calls give."""

    async def session() -> tuple[list[Tool], list[CallToolResult]]:
        async with (
            streamable_http_client(f"{server.url}/gradio_api/mcp/") as (read, write, _),
            ClientSession(read, write) as client,
        ):
            await client.initialize()
            return (await client.list_tools()).tools, [await client.call_tool(*call) for call in calls]

    # In a thread of its own: the browser of other tests keeps an event loop in this one.
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, session()).result()


def value(result: CallToolResult) -> Any:
    assert not result.isError, result.content
    return ast.literal_eval(result.content[0].text)


def test_the_tools_say_what_they_do(tiny_server: Server) -> None:
    tools, _ = ask(tiny_server)
    by_name = {tool.name: tool for tool in tools}
    assert set(by_name) == ENDPOINTS
    for tool in tools:
        assert len(tool.description) > 40, tool.name
        for name, schema in tool.inputSchema.get("properties", {}).items():
            assert schema.get("description"), f"{tool.name} does not say what {name} is"


def test_a_model_searches_by_text_and_by_image(tiny_server: Server, tiny_gallery_dir: Path) -> None:
    picture = base64.b64encode((tiny_gallery_dir / "street.jpg").read_bytes()).decode()
    _, (by_text, by_image) = ask(
        tiny_server,
        ("search_by_text", {"text": "a dog on the beach", "limit": 3}),
        ("search_by_image", {"image": f"data:image/jpeg;base64,{picture}", "limit": 1}),
    )
    assert len(value(by_text)["images"]) == 3
    assert [hit["file"] for hit in value(by_image)["images"]] == ["street.jpg"]


def test_a_model_reads_the_label_graph(tiny_server: Server) -> None:
    _, (neighbours, description) = ask(tiny_server, ("label_neighbours", {"label": "dog"}), ("describe_graph", {}))
    assert "dog" in str(value(neighbours))
    assert "label" in str(value(description))


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (("search_by_text", {"text": "   "}), "type at least one word"),
        (("search_by_text", {"text": "dog", "limit": 0}), "whole number from 1 to 500"),
        (("label_neighbours", {"label": "no such label"}), "no such label"),
    ],
)
def test_a_mistake_is_one_sentence(tiny_server: Server, call: tuple[str, dict[str, Any]], sentence: str) -> None:
    _, (result,) = ask(tiny_server, call)
    assert result.isError
    assert sentence in result.content[0].text
    assert "Traceback" not in result.content[0].text
