"""Language models as users: the API as tools of the Model Context Protocol, asked by the protocol's own client."""

from __future__ import annotations

import base64
import io
import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from asking import Tools, image_text
from conftest import PROJECT
from mcp.types import CallToolResult
from PIL import Image
from serving import ENDPOINTS, Server, serve

MOST, MOST_OF_A_SEARCH = 20_000, 4_000  # characters of an answer that nobody asked more of
PICTURE = PROJECT / "assets" / "gallery" / "images" / "00000-living.webp"
# An ordinary question of each tool, with nothing but what it needs.
ORDINARY: dict[str, dict[str, Any]] = {
    "benchmark": {},
    "classifier_map": {},
    "classifier_neighbours": {"label": "dog"},
    "describe_graph": {},
    "edit_edge": {"source": "dog", "target": "beach", "weight": 1},
    "export_csv": {"text": "a dog on the beach"},
    "gallery_map": {},
    "gallery_neighbours": {"file": "images/00000-living.webp"},
    "gallery_picture": {"file": "images/00000-living.webp"},
    "label_graph": {},
    "label_mistakes": {"label": "dog"},
    "label_neighbours": {"label": "dog"},
    "label_pictures": {"pictures": [image_text(PICTURE)]},
    "list_models": {},
    "predict_labels": {"image": image_text(PICTURE)},
    "search_by_image": {"image": image_text(PICTURE)},
    "search_by_item": {"file": "images/00000-living.webp"},
    "search_by_text": {"text": "a dog on the beach"},
    "suggest_labels": {"pictures": [image_text(PICTURE)], "known": ["couch"]},
    "train": {"epochs": 1},
}
# Arguments that ask for more than an ordinary answer.
MORE: dict[str, dict[str, Any]] = {
    "benchmark": {"part": "all"},
    "classifier_map": {"points": True},
    "gallery_map": {"points": True},
    "label_graph": {"limit": 5000, "threshold": 0},
    "search_by_text": {"limit": 100, "details": True},
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The program as it comes, with its tools."""
    home = tmp_path_factory.mktemp("tools") / "home"
    home.mkdir()
    with serve(home, ("--mcp",)) as server:
        yield server


@pytest.fixture(scope="module")
def tools(server: Server) -> Iterator[Tools]:
    with Tools(server.url) as tools:
        yield tools


def value(result: CallToolResult) -> dict[str, Any]:
    """The answer: once for clients that read objects, once as text for those that do not."""
    assert not result.isError, result.content
    assert json.loads(result.content[0].text) == result.structuredContent
    return result.structuredContent


def opened(block: Any) -> Image.Image:
    assert block.type == "image" and block.mimeType.startswith("image/")
    return Image.open(io.BytesIO(base64.b64decode(block.data)))


def test_a_conversation(server: Server, tools: Tools) -> None:
    """What a language model does: looks around, searches, looks at a hit, asks about it, and mends a mistake."""
    assert "search_by_text" in tools.told.instructions and tools.told.serverInfo.name == "ALGCN Explorer"
    offered = {tool.name: tool for tool in tools.list()}
    assert offered.keys() == ENDPOINTS
    question = offered["search_by_text"]
    assert question.inputSchema["required"] == ["text"] and question.annotations.readOnlyHint

    searched = tools.call("search_by_text", {"text": "a dog on the beach", "limit": 3, "show": 2})
    found = value(searched)
    assert {"dog", "beach"} <= {label["label"] for label in found["query_labels"]}
    assert [hit["rank"] for hit in found["images"]] == [1, 2, 3]
    assert [opened(block).width <= 640 for block in searched.content[1:]] == [True, True]

    best = found["images"][0]
    assert best["picture"].startswith(f"{server.url}/picture/")
    with urllib.request.urlopen(best["picture"], timeout=60) as response:
        fetched = Image.open(io.BytesIO(response.read()))
    looked = tools.call("gallery_picture", {"file": best["file"]})
    known = value(looked)
    assert known["picture"] == best["picture"] and known["labels"] == best["labels"]
    assert best["text"] in known["texts"]
    assert opened(looked.content[1]).size == fetched.size

    # The address of a hit is a picture like any other.
    seen = value(tools.call("predict_labels", {"image": best["picture"]}))
    assert {label["label"] for label in seen["labels"]} & set(known["labels"])
    more = value(tools.call("search_by_image", {"image": best["picture"], "limit": 1}))
    assert more["images"][0]["file"] == best["file"]
    label = known["labels"][0]
    assert value(tools.call("label_neighbours", {"label": label, "limit": 2}))["label"] == label

    wrong = tools.call("search_by_text", {"text": "a dog", "labels": ["dogg"]})
    assert wrong.isError and wrong.structuredContent is None
    assert wrong.content[0].text == "No picture here has the label 'dogg'. Did you mean 'dog'?"


@pytest.mark.parametrize("name", sorted(ENDPOINTS))
def test_a_tool_says_what_it_takes_and_gives(tools: Tools, name: str) -> None:
    (tool,) = [tool for tool in tools.list() if tool.name == name]
    told = tool.model_dump_json()
    for word in ("gradio.FileData", "handle_file", "upload_file_to_gradio", "Gradio"):
        assert word not in told
    assert tool.annotations.readOnlyHint is True and tool.annotations.openWorldHint is False
    jsonschema.Draft202012Validator.check_schema(tool.inputSchema)
    jsonschema.Draft202012Validator.check_schema(tool.outputSchema)
    assert tool.outputSchema["type"] == "object" and tool.outputSchema["properties"]
    required = set(tool.inputSchema.get("required", ()))
    for argument, schema in tool.inputSchema["properties"].items():
        assert schema["description"].endswith("."), (name, argument)
        assert {"type", "anyOf", "enum"} & schema.keys(), (name, argument)
        assert ("default" in schema) != (argument in required), (name, argument)
    # Whoever reads only the description learns of every field that the answer has.
    for field in tool.outputSchema["properties"]:
        assert field in tool.description or "same as search_by_text" in tool.description.lower(), (name, field)


@pytest.mark.parametrize("name", sorted(ENDPOINTS))
def test_an_ordinary_answer_is_short_and_of_its_shape(tools: Tools, name: str) -> None:
    (tool,) = [tool for tool in tools.list() if tool.name == name]
    result = tools.call(name, ORDINARY[name])
    answer = value(result)
    jsonschema.validate(answer, tool.outputSchema)
    most = MOST_OF_A_SEARCH if name.startswith("search_by") else MOST
    assert len(result.content[0].text) <= most, name
    blocks = [block.type for block in result.content[1:]]
    assert blocks == (["image"] if name == "gallery_picture" else [])


@pytest.mark.parametrize("name", sorted(MORE))
def test_more_is_there_for_whoever_asks(tools: Tools, name: str) -> None:
    (tool,) = [tool for tool in tools.list() if tool.name == name]
    short = tools.call(name, ORDINARY[name]).content[0].text
    more = value(tools.call(name, {**ORDINARY[name], **MORE[name]}))
    jsonschema.validate(more, tool.outputSchema)
    assert len(json.dumps(more)) > 3 * len(short), name


def test_a_search_for_any_label_is_short(tools: Tools) -> None:
    names = [label["label"] for label in value(tools.call("describe_graph"))["labels"]]
    sizes = {name: len(tools.call("search_by_text", {"text": name}).content[0].text) for name in names}
    assert len(sizes) == 67 and max(sizes.values()) <= MOST_OF_A_SEARCH, max(sizes.items(), key=lambda pair: pair[1])


def test_the_graph_in_short_says_how_much_there_is(tools: Tools) -> None:
    told = value(tools.call("describe_graph", {"limit": 3}))
    assert (len(told["labels"]), told["labels_in_all"]) == (3, 67)
    edges = value(tools.call("label_graph", {"limit": 7, "threshold": 0.05}))
    whole = value(tools.call("label_graph", {"limit": 5000, "threshold": 0.05}))
    assert edges["edges"] == whole["edges"][:7]
    assert edges["edges_in_all"] == len(whole["edges"]) > 7


def test_a_part_of_the_numbers_is_as_it_is(tools: Tools) -> None:
    metrics = json.loads((PROJECT / "weights" / "pocket" / "metrics.json").read_text(encoding="utf-8"))
    summary = value(tools.call("benchmark"))
    assert summary["parts"] == list(metrics)
    assert summary["numbers"]["test"]["map"]["average"] == round(metrics["test"]["map"]["average"], 4)
    assert value(tools.call("benchmark", {"part": "log"}))["numbers"] == {"log": metrics["log"]}
    assert value(tools.call("benchmark", {"part": "all"}))["numbers"] == metrics
    wrong = tools.call("benchmark", {"part": "nothing"})
    assert wrong.isError and "summary, all, " in wrong.content[0].text


def test_a_table_is_named_by_its_text(tools: Tools) -> None:
    table = base64.b64encode(b"file_name,labels\npicture.webp,dog|sea\n").decode()
    given = [image_text(PICTURE), f"data:text/csv;name=metadata.csv;base64,{table}"]
    answer = value(tools.call("label_pictures", {"pictures": given}))
    assert [picture["given_labels"] for picture in answer["pictures"]] == [["dog", "sea"]]


def test_null_is_what_is_done_by_default(tools: Tools) -> None:
    plain = value(tools.call("search_by_text", {"text": "a dog"}))
    nothing = dict.fromkeys(("limit", "without", "labels", "match", "cutoff", "details", "model", "show"))
    assert value(tools.call("search_by_text", {"text": "a dog", **nothing})) == plain


@pytest.mark.parametrize(
    ("name", "arguments", "steps", "last"),
    [
        ("train", {"epochs": 3}, 4, "Measuring what came out…"),
        ("label_pictures", {"pictures": [image_text(PICTURE)]}, 1, "Reading 1 of 1 pictures and captions…"),
        ("suggest_labels", {"pictures": [image_text(PICTURE)]}, 1, "Reading 1 of 1 pictures and captions…"),
    ],
)
def test_what_takes_long_says_how_far_it_is(
    tools: Tools, name: str, arguments: dict[str, Any], steps: int, last: str
) -> None:
    told: list[tuple[float, float, str]] = []
    answer = value(tools.call(name, arguments, told))
    assert answer.keys() == value(tools.call(name, arguments)).keys(), "nobody has to listen"
    done = [progress for progress, _, _ in told]
    assert done == sorted(set(done)), "it grows each time"
    assert told[-1] == (steps, steps, last)
    epochs = [words for _, _, words in told if words.startswith("Epoch ")]
    assert epochs == [
        f"Epoch {number} of 3: validation mAP {epoch['map']['average']:.3f}."
        for number, epoch in enumerate(answer.get("log", ()), 1)
    ]


@pytest.mark.parametrize(
    ("image", "sentence"),
    [
        ("/etc/passwd", "The image must be an uploaded file"),
        ("file:///etc/passwd", "Nothing is fetched from other servers"),
        ("http://127.0.0.1:9/x.png", "Nothing is fetched from other servers"),
        ("{url}/picture/gallery/large/99999", "There is no such picture"),
        ("{url}/picture/secret/large/0", "There are no such pictures"),
        ("{url}/gradio_api/file=/etc/passwd", "The image must be an uploaded file"),
        ("data:image/png;base64,abc", "no base64"),
        ("data:image/png,abc", "must be like data:image/jpeg;base64"),
        ("data:image/png;base64,aGVsbG8=", "is not a picture that can be read"),
        ("", "A file must be given as a text"),
        ({"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}, "A file must be given as a text"),
    ],
)
def test_what_is_no_file_is_said(server: Server, tools: Tools, image: Any, sentence: str) -> None:
    given = image.replace("{url}", server.url) if isinstance(image, str) else image
    result = tools.call("search_by_image", {"image": given})
    assert result.isError and sentence in result.content[0].text, result.content


def test_an_upload_is_a_file_too(server: Server, tools: Tools) -> None:
    body = b"--x\r\nContent-Disposition: form-data; name=files; filename=a.webp\r\n\r\n" + PICTURE.read_bytes()
    request = urllib.request.Request(
        f"{server.url}/gradio_api/upload",
        data=body + b"\r\n--x--\r\n",
        headers={"Content-Type": "multipart/form-data; boundary=x"},
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        (path,) = json.loads(response.read())
    for given in (path, f"{server.url}/gradio_api/file={path}"):
        answer = value(tools.call("search_by_image", {"image": given, "limit": 1}))
        assert answer["images"][0]["labels"]


def test_the_address_of_the_tools_may_name_a_few(server: Server) -> None:
    with Tools(server.url, "?tools=search_by_text,list_models") as few:
        assert [tool.name for tool in few.list()] == ["list_models", "search_by_text"]
        refused = few.call("train", {})
        assert refused.isError and refused.content[0].text.startswith("There is no tool called 'train' here")


def test_what_a_browser_and_a_catalogue_of_tools_read(server: Server) -> None:
    with urllib.request.urlopen(f"{server.url}/gradio_api/mcp/schema", timeout=60) as response:
        listed = json.loads(response.read())
    assert {tool["name"] for tool in listed} == ENDPOINTS
    assert all(argument["description"] for tool in listed for argument in tool["inputSchema"]["properties"].values())
    with urllib.request.urlopen(f"{server.url}/gradio_api/mcp/", timeout=60) as response:
        assert b"MCP" in response.read()


def test_nothing_of_it_left_a_traceback(server: Server, tools: Tools) -> None:
    assert value(tools.call("list_models"))["models"][0]["name"] == "pocket"
    assert "Traceback" not in server.output
