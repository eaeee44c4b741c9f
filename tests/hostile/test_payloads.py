"""A thousand payloads over every endpoint of a program in a process of its own: each is answered, most with a sentence.

Notable: they are the same ones each time; `ALGCN_FUZZ=5000 pytest tests/hostile/test_payloads.py` tries others.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mutations import examples
from serving import ENDPOINTS, PROJECT, Server

from app.api.table import QUICK

PATIENCE = 60
EACH = 55  # payloads of each endpoint
SEARCH = ["", 0.5, "", 0.5, [], "any", "ranking", 0, None, True, False, ""]
FILE = {"path": "nowhere.png", "orig_name": "a.png", "meta": {"_type": "gradio.FileData"}}
# What each endpoint takes.
HONEST: dict[str, list[Any]] = {
    "benchmark": ["summary", ""],
    "classifier_map": ["pca", 2, True, ""],
    "classifier_neighbours": ["dog", 3, ""],
    "describe_graph": [20, ""],
    "edit_edge": ["dog", "beach", 0.5, "", 5, ""],
    "export_csv": ["a boat", 3, "", 0.5, [], "any", "ranking", 0, None, True, ""],
    "gallery_map": ["pca", 2, True, ""],
    "gallery_neighbours": ["beach.png", 3, ""],
    "gallery_picture": ["beach.png", ""],
    "label_graph": ["adaptive", -1, 0.1, 20, ""],
    "label_mistakes": ["dog", 3, ""],
    "label_neighbours": ["dog", "adaptive", 3, ""],
    "label_pictures": [[FILE], ""],
    "list_models": [],
    "predict_labels": [FILE, ""],
    "search_by_image": [FILE, 3, *SEARCH],
    "search_by_item": ["beach.png", 3, *SEARCH],
    "search_by_text": ["a boat", 3, "", 0.5, [], "any", "ranking", 0, None, True, False, ""],
    "suggest_labels": [[FILE], ["dog"], 3, ""],
    "train": ["paper", 0.5, 0.4, True, True, 2, 1, ""],
}


def nested(depth: int, *, as_list: bool) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = [value] if as_list else {"path": value, "meta": {"_type": "gradio.FileData"}}
    return value


def file(path: object, **more: object) -> dict[str, Any]:
    return {"path": path, "meta": {"_type": "gradio.FileData"}, **more}


NUMBERS = [float("nan"), float("inf"), float("-inf"), 10**400, -(10**400), 1e308, -1, 0, 501, 2**63, 0.5, -0.0, 5e-324]
TEXTS = [
    *("", " ", "\0", "\x1b[31m\a\r\n", "\ud800", "a\udfffb", "\u202e\u200b\ufeff", "dog\0.png", "x" * 200_000),
    *(
        "../../../etc/passwd",
        "/etc/passwd",
        "C:\\Windows\\win.ini",
        "~",
        "%s%n{0}{{7*7}}${7*7}",
        "<script>",
        "🌊" * 5000,
    ),
    *("nan", "1e400", "__class__", "null", "[" * 2000, "é" * 3000, "a|b;c,d", "=1+1"),
]
FILES = [
    *(file(path) for path in ("/etc/passwd", "/proc/self/environ", "/dev/zero", "", ".", "../..", "a\0b", "\ud800")),
    *(file(path) for path in (None, 7, [], {}, "http://127.0.0.1:9/x.png", "file:///etc/passwd", "x" * 5000)),
    *(
        file("nowhere.png", **more)
        for more in ({"size": -1}, {"orig_name": 7}, {"url": "/etc/passwd"}, {"is_stream": 1})
    ),
    {"path": "/etc/passwd"},
    {"url": "/etc/passwd", "meta": {"_type": "gradio.FileData"}},
]
NESTED = [nested(depth, as_list=as_list) for depth in (3, 60, 300) for as_list in (True, False)]
WRONG = [None, True, False, [], {}, [None], [[]], {"a": 1}, ["dog"] * 5000, {str(key): key for key in range(2000)}]

values = st.one_of(
    st.sampled_from(NUMBERS),
    st.sampled_from(TEXTS),
    st.sampled_from(FILES),
    st.sampled_from(NESTED),
    st.sampled_from(WRONG),
    st.lists(st.one_of(st.sampled_from(TEXTS), st.sampled_from(NUMBERS), st.sampled_from(FILES)), max_size=3),
    st.integers(),
    st.floats(),
    st.text(st.characters(), max_size=40),
)
# For each argument: to leave it honest, or a value; then how many are missing or too many.
payloads = st.tuples(st.lists(st.tuples(st.integers(0, 12), values), max_size=3), st.sampled_from([0] * 8 + [-1, 1, 9]))

BODIES = [
    *(b"", b"null", b"[]", b"7", b'"x"', b"{", b"\xff\xfe", b"{}", b'{"data": null}', b'{"data": {}}', b'{"data": 7}'),
    *(b'{"data": [NaN]}', b'{"data": [1e999]}', b'{"data": ["\\ud800"]}', b'{"data": ["\0"]}', b'{"data": "dog"}'),
    *(b"[" * 100_000, b'{"data":' * 50_000, b'{"data": ' + b"[" * 5000 + b"]" * 5000 + b"}", b"9" * 6000),
    *(b'{"data": [], "session_hash": 7}', b'{"data": [], "fn_index": -1}', b'{"data": [], "event_data": [1]}'),
    *(b'{"data": [], "trigger_id": "x"}', b'{"data": [], "session_hash": "' + b"s" * 10_000 + b'"}', b'{"data": [[]]}'),
    *(b'{"data": [], "event_id": "x"}', b'{"data": [], "batched": true}', b'{"data": [], "simple_format": "x"}'),
    *(b'{"data": [], "data": [1]}', b'{"data": [],}', b'{"data": ["a"], "request": {"url": "x"}}', b"\xef\xbb\xbf{}"),
]  # fmt: skip


@pytest.fixture(scope="module")
def posts() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=PATIENCE, headers={"Content-Type": "application/json"}) as client:
        yield client


def ask(posts: httpx.Client, server: Server, name: str, body: bytes) -> tuple[bool, Any, str]:
    """Ask an endpoint; returns whether it answered, with what or with which sentence, and all that came."""
    if name in QUICK:
        answer = posts.post(f"{server.url}/gradio_api/run/{name}", content=body)
    else:
        answer = posts.post(f"{server.url}/gradio_api/call/{name}", content=body)
    told = answer.json()
    if answer.status_code == 200 and "event_id" in told:
        answer = posts.get(f"{server.url}/gradio_api/call/{name}/{told['event_id']}")
        kinds, data = ([line.partition(": ")[2] for line in answer.text.splitlines() if line.startswith(start)]
                       for start in ("event: ", "data: "))  # fmt: skip
        told = json.loads(data[-1])
        if kinds[-1] == "complete":
            return True, told, answer.text
    elif answer.status_code == 200:
        return True, told["data"], answer.text
    return False, told.get("error") or told.get("detail"), answer.text


def check(server: Server, answered: bool, told: Any, text: str) -> None:
    """An answer is a result, or a sentence; it tells nothing of the machine that it comes from."""
    if answered:
        assert isinstance(told, list) and len(told) == 1 and told[0] is not None, text[:500]
    else:
        assert isinstance(told, str) and told[:1].isupper() and told.rstrip()[-1:] in ".?!", text[:500]
        assert len(told) < 2000 and "Traceback" not in told, told[:500]
        assert "went wrong in the program" not in told, told
    for place in (server.home, PROJECT, sys.prefix, "root:x:"):
        assert str(place) not in text, text[:500]


def test_every_endpoint_is_asked() -> None:
    assert set(HONEST) == ENDPOINTS


@pytest.mark.parametrize("name", sorted(ENDPOINTS))
def test_no_payload_breaks_an_endpoint(tiny_server: Server, posts: httpx.Client, name: str) -> None:
    before = len(tiny_server.output)

    @examples(EACH)
    @given(payload=payloads)
    def send(payload: tuple[list[tuple[int, Any]], int]) -> None:
        changes, count = payload
        arguments = list(HONEST[name])
        for place, value in changes:
            if arguments:
                arguments[place % len(arguments)] = value
        arguments = arguments[:count] if count < 0 else arguments + ["more"] * count
        body = json.dumps({"data": arguments}).encode()
        check(tiny_server, *ask(posts, tiny_server, name, body))

    send()
    assert "Traceback" not in tiny_server.output[before:]


@pytest.mark.parametrize("name", ["search_by_text", "list_models", "label_pictures", "gallery_map"])
def test_no_body_breaks_a_request(tiny_server: Server, posts: httpx.Client, name: str) -> None:
    before = len(tiny_server.output)
    for body in BODIES:
        check(tiny_server, *ask(posts, tiny_server, name, body))
    assert "Traceback" not in tiny_server.output[before:]


def test_an_ordinary_query_is_answered_afterwards(tiny_server: Server, posts: httpx.Client) -> None:
    body = json.dumps({"data": HONEST["search_by_text"]}).encode()
    answered, told, _ = ask(posts, tiny_server, "search_by_text", body)
    assert answered and told[0]["images"]
    assert posts.get(tiny_server.url).status_code == 200
