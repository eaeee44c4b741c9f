"""Whatever is asked of a running page, what goes wrong is a sentence: no null, no traceback."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import gradio as gr
import pytest
from gradio.state_holder import SessionState
from serving import ENDPOINTS, Server

from app.blocks import Page

JSON = {"Content-Type": "application/json"}
WRONG = {
    "null": None,
    "number": 7,
    "negative": -1,
    "huge": 10**400,
    "truth": True,
    "text": "x",
    "long": "x" * 20_000,
    "half": "\ud800",
    "list": [1],
    "nested": [[["x"]]],
    "object": {"a": 1},
    "path": {"path": "/etc/hostname", "meta": {"_type": "gradio.FileData"}},
    "address": {"url": "http://127.0.0.1:9/x.png", "meta": {"_type": "gradio.FileData"}},
}


def fetch(url: str, data: bytes | None = None) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=data, headers=JSON), timeout=60) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def call(server: Server, name: str, values: list[Any]) -> dict[str, Any] | None:
    """What an endpoint says is wrong; None where it answered."""
    status, body = fetch(f"{server.url}/gradio_api/call/{name}", json.dumps({"data": values}).encode())
    assert status == 200, body
    _, body = fetch(f"{server.url}/gradio_api/call/{name}/{json.loads(body)['event_id']}")
    event, data = body.decode().strip().rpartition("\n\n")[2].splitlines()
    return json.loads(data.removeprefix("data: ")) if event == "event: error" else None


def is_sentence(text: object) -> bool:
    return isinstance(text, str) and len(text) > 20 and text[0].isupper() and text[-1] in ".?"


@pytest.fixture(scope="module")
def arity(tiny_server: Server) -> dict[str, int]:
    """How many arguments each endpoint takes."""
    told = json.loads(fetch(f"{tiny_server.url}/gradio_api/info")[1])["named_endpoints"]
    return {name: len(told[f"/{name}"]["parameters"]) for name in ENDPOINTS}


@pytest.mark.parametrize("name", sorted(ENDPOINTS))
def test_wrong_arguments_are_one_sentence(tiny_server: Server, arity: dict[str, int], name: str) -> None:
    before = len(tiny_server.output)
    for kind, value in WRONG.items():
        answer = call(tiny_server, name, [value] * arity[name])
        if answer is not None:
            assert is_sentence(answer["error"]), (kind, answer)
            assert "Something went wrong" not in answer["error"], (kind, tiny_server.output[before:])
    for count in {0, 1, 40} - {arity[name]}:
        answer = call(tiny_server, name, ["x"] * count)
        assert answer["error"].startswith(f"The endpoint /{name} takes {arity[name]} argument"), answer
        assert is_sentence(answer["error"])
    assert "Traceback" not in tiny_server.output[before:]


@pytest.mark.parametrize("name", sorted(ENDPOINTS))
def test_a_direct_call_fails_with_the_same_sentence(tiny_server: Server, name: str) -> None:
    status, body = fetch(f"{tiny_server.url}/gradio_api/run/{name}", json.dumps({"data": ["x"] * 40}).encode())
    assert status == 500
    assert is_sentence(json.loads(body)["error"])


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"data": 3}', b"null", b"", b"\xff\xfe"])
@pytest.mark.parametrize("path", ["call/search_by_text", "run/search_by_text", "queue/join", "call/v2/search_by_text"])
def test_a_body_that_is_none_is_said(tiny_server: Server, path: str, body: bytes) -> None:
    before = len(tiny_server.output)
    status, answer = fetch(f"{tiny_server.url}/gradio_api/{path}", body)
    assert 400 <= status < 500
    told = json.loads(answer)
    assert is_sentence(told.get("error") or f"{told['detail']}."), told
    assert "Traceback" not in tiny_server.output[before:]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("call/no_such_endpoint", {"data": []}, 404),
        ("run/no_such_endpoint", {"data": []}, 404),
        ("call/v2/no_such_endpoint", {}, 404),
        ("call/v2/search_by_text", {"no_such_argument": 1}, 422),
        ("call/v2/search_by_text", {}, 422),
        ("queue/join", {"data": [], "fn_index": 9999, "session_hash": "somebody"}, 404),
        ("component_server", {"data": [], "component_id": 9999, "session_hash": "somebody", "fn_name": "x"}, 404),
    ],
)
def test_what_is_not_there_is_said(tiny_server: Server, path: str, body: dict[str, Any], status: int) -> None:
    before = len(tiny_server.output)
    answered, answer = fetch(f"{tiny_server.url}/gradio_api/{path}", json.dumps(body).encode())
    assert answered == status
    assert is_sentence(json.loads(answer)["error"])
    assert "Traceback" not in tiny_server.output[before:]


@pytest.mark.parametrize("path", ["monitoring", "monitoring/summary", "monitoring/key"])
def test_nobody_is_told_what_others_ask(tiny_server: Server, path: str) -> None:
    status, body = fetch(f"{tiny_server.url}/{path}")
    assert status == 403
    assert b"functions" not in body


def test_components_are_described_once_for_all_sessions_and_each_writes_its_own_values(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with Page(tools=lambda page: None, analytics_enabled=False) as page:
        box, text = gr.Textbox("at first", label="Box"), gr.HTML("<p>Text</p>")
    described = {
        number: page.default_config.config_for_block(number, [], block) for number, block in page.blocks.items()
    }
    one = SessionState(page)
    assert one.config_values == described and {box._id, text._id} < described.keys()
    monkeypatch.setattr(gr.Textbox, "get_config", lambda *_: pytest.fail("it is described again"))
    one._update_value_in_config(box._id, "written")
    other = SessionState(page)
    assert other.config_values == described
    monkeypatch.undo()
    one[box._id] = gr.Textbox(label="Another", render=False)
    one._update_config(box._id)
    assert one.config_values[box._id]["props"]["label"] == "Another"
    assert SessionState(page).config_values == described
