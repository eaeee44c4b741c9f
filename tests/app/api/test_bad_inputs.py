"""Every endpoint is given every kind of nonsense for each of its arguments: what comes back is an answer or a sentence.

By plain HTTP, by gradio_client and by the Model Context Protocol, and the same sentence by each of them.
"""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from asking import Tools
from gradio_client import Client
from gradio_client.exceptions import AppError
from serving import ENDPOINTS, Server

from app.kit.words import WENT_WRONG

NONSENSE: dict[str, Any] = {
    "null": None,
    "negative": -1,
    "fraction": 0.5,
    "huge": 10**400,
    "truth": True,
    "blank": "  ",
    "text": "nonsense",
    "long": "x" * 20_000,
    "control characters": "\x00\x1b",
    "list": [1],
    "nested": [[["x"]]],
    "object": {"a": 1},
    "path": {"path": "/etc/hostname", "meta": {"_type": "gradio.FileData"}},
    "address": {"url": "http://127.0.0.1:9/x.png", "meta": {"_type": "gradio.FileData"}},
}
FILES = {"image", "pictures"}
OF_FILES = {"path", "address"}  # the client of gradio uploads what these name, before it asks
TOOLS_EVERY, CLIENT_EVERY = 3, 5  # of the kinds of nonsense
# What an endpoint answers with these, so that each of its arguments alone is at fault.
GOOD: dict[str, dict[str, Any]] = {
    "benchmark": {},
    "classifier_map": {},
    "classifier_neighbours": {"label": "dog"},
    "describe_graph": {},
    "edit_edge": {"source": "dog", "target": "beach", "weight": 1},
    "export_csv": {"text": "a dog"},
    "gallery_map": {},
    "gallery_neighbours": {"file": "beach.png"},
    "gallery_picture": {"file": "beach.png"},
    "label_graph": {},
    "label_mistakes": {"label": "dog"},
    "label_neighbours": {"label": "dog"},
    "label_pictures": {"pictures": None},
    "list_models": {},
    "predict_labels": {"image": None},
    "search_by_image": {"image": None},
    "search_by_item": {"file": "beach.png"},
    "search_by_text": {"text": "a dog"},
    "suggest_labels": {"pictures": None},
    "train": {"epochs": 1},
}
WORDS_OF_PYTHON = re.compile(r"Traceback|NoneType|\bobject at 0x|\bTypeError|\bKeyError|handle_file|\bdict\b")


@pytest.fixture(scope="module")
def arguments(tiny_server: Server) -> dict[str, dict[str, Any]]:
    """The arguments of each endpoint in their order, with their defaults."""
    told = json.loads(fetch(f"{tiny_server.url}/gradio_api/info")[1])["named_endpoints"]
    return {
        name: {one["parameter_name"]: one["parameter_default"] for one in told[f"/{name}"]["parameters"]}
        for name in ENDPOINTS
    }


@pytest.fixture(scope="module")
def upload(client: Client, tiny_gallery_dir: Path) -> dict[str, Any]:
    """A picture that was uploaded, as gradio names one."""
    (path,) = httpx.post(
        f"{client.src}gradio_api/upload", files={"files": (tiny_gallery_dir / "beach.png").open("rb")}
    ).json()
    return {"path": path, "meta": {"_type": "gradio.FileData"}}


@pytest.fixture(scope="module")
def client(tiny_server: Server) -> Client:
    return Client(tiny_server.url, verbose=False, ssl_verify=False)


@pytest.fixture(scope="module")
def tools(tiny_server: Server) -> Iterator[Tools]:
    with Tools(tiny_server.url) as tools:
        yield tools


def fetch(url: str, data: bytes | None = None) -> tuple[int, bytes]:
    request = urllib.request.Request(url, data=data, headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def over_http(server: Server, name: str, values: list[Any]) -> str | None:
    """What a plain POST says is wrong; None where it is answered."""
    status, body = fetch(f"{server.url}/gradio_api/run/{name}", json.dumps({"data": values}).encode())
    told = json.loads(body)
    if status == 200:
        assert len(told["data"]) == 1
        return None
    assert status in (422, 500), (status, told)
    return told["error"]


def over_client(client: Client, name: str, values: list[Any]) -> str | None:
    try:
        client.predict(*values, api_name=f"/{name}")
    except AppError as error:
        return str(error)
    return None


def over_tools(tools: Tools, name: str, arguments: dict[str, Any]) -> str | None:
    result = tools.call(name, arguments)
    return result.content[0].text if result.isError else None


def check(sentence: str | None, said: object) -> None:
    if sentence is None:
        return
    assert isinstance(sentence, str) and len(sentence) > 20, (said, sentence)
    assert sentence[0].isupper() and sentence[-1] in ".?", (said, sentence)
    assert sentence != WENT_WRONG, said
    assert not WORDS_OF_PYTHON.search(sentence), (said, sentence)
    assert "\n" not in sentence, (said, sentence)


def test_there_is_a_good_call_of_every_endpoint() -> None:
    assert set(GOOD) == ENDPOINTS


@pytest.mark.parametrize("name", sorted(ENDPOINTS))
def test_every_argument_takes_nonsense_with_an_answer_or_a_sentence(
    tiny_server: Server,
    client: Client,
    tools: Tools,
    arguments: dict[str, dict[str, Any]],
    upload: dict[str, Any],
    name: str,
) -> None:
    before, refused = len(tiny_server.output), 0
    for row, argument in enumerate(arguments[name]):
        for column, (kind, value) in enumerate(NONSENSE.items()):
            said = (name, argument, kind)
            sent = {**arguments[name], **GOOD[name], argument: value}
            given = {**GOOD[name], argument: value}
            for one in FILES & sent.keys() - {argument}:
                sent[one] = [upload] if one == "pictures" else upload
                given[one] = [upload["path"]] if one == "pictures" else upload["path"]
            by_http = over_http(tiny_server, name, list(sent.values()))
            check(by_http, said)
            refused += by_http is not None
            # The other two ways take their time, so each argument meets some of it there.
            if (row + column) % TOOLS_EVERY == 0:
                by_tool = over_tools(tools, name, given)
                check(by_tool, said)
                # To a tool null is what it does by default, and a file is a text.
                if value is not None and argument not in FILES and kind not in OF_FILES:
                    assert by_tool == by_http, said
            if (row + column) % CLIENT_EVERY == 0:
                by_client = over_client(client, name, list(sent.values()))
                check(by_client, said)
                assert kind in OF_FILES or by_client == by_http, said
    assert refused >= 5 * len(arguments[name]), "most of it is nonsense"
    assert "Traceback" not in tiny_server.output[before:]


@pytest.mark.parametrize("name", sorted(ENDPOINTS))
def test_arguments_that_are_none_or_missing_are_a_sentence(
    tiny_server: Server, tools: Tools, arguments: dict[str, dict[str, Any]], name: str
) -> None:
    for given in ({"no such argument": 1}, {}):
        sentence = over_tools(tools, name, given)
        if given or GOOD[name]:
            check(sentence, (name, given))
        assert sentence is not None or not given
    for values in ([1] * 40, ["x"] * (len(arguments[name]) + 1)):
        check(over_http(tiny_server, name, values), (name, len(values)))
    status, body = fetch(f"{tiny_server.url}/gradio_api/call/v2/{name}", b'{"no_such_argument": 1}')
    assert status == 422
    check(json.loads(body)["error"], name)


def test_a_tool_that_is_none_is_a_sentence(tools: Tools) -> None:
    sentence = over_tools(tools, "no_such_tool", {})
    check(sentence, "no_such_tool")
    assert all(name in sentence for name in ENDPOINTS)
