"""The table of endpoints: what programs and language models are offered, and what the README lists."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from asking import Tools
from conftest import PROJECT
from gradio_client import Client
from serving import ENDPOINTS, Server

from app.api.explained import explain
from app.api.register import MODEL_ARGUMENT, explanations, functions
from app.api.table import BY_NAME, QUICK, TABLE
from app.program import Program
from app.visitors.loading import Loading

README = (PROJECT / "README.md").read_text(encoding="utf-8")
HEAD = "| endpoint | what it does |\n|---|---|\n"


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(Loading(lambda report: None), tmp_path / "uploads", tmp_path / "cache")


def readme_table(program: Program) -> str:
    """The README's list of endpoints, as the table has it."""
    told = explanations(program)
    return HEAD + "".join(f"| `/{endpoint.name}` | {told[endpoint.name].summary} |\n" for endpoint in TABLE)


def test_the_endpoints_and_the_tools_are_those_of_the_table_and_no_handler_of_the_page(tiny_server: Server) -> None:
    told = Client(tiny_server.url, verbose=False).view_api(return_format="dict", print_info=False)
    names = [endpoint.name for endpoint in TABLE]
    assert list(told["named_endpoints"]) == [f"/{name}" for name in names]
    assert not told["unnamed_endpoints"]
    with Tools(tiny_server.url) as tools:
        assert [tool.name for tool in tools.list()] == names
    # Written out once more: whoever takes an endpoint away, or renames it, breaks somebody's program.
    assert set(names) == ENDPOINTS and len(names) == len(ENDPOINTS)
    assert BY_NAME.keys() == ENDPOINTS > QUICK


def test_the_readme_lists_them(program: Program) -> None:
    expected = readme_table(program)
    assert expected in README, f"The README's list of endpoints is another; it should be\n\n{expected}"
    named = set(re.findall(r'(?:`|api_name=")/(\w+)["`]', README))
    assert named == ENDPOINTS


def test_every_argument_is_told_whole(program: Program, tiny_server: Server) -> None:
    told = Client(tiny_server.url, verbose=False).view_api(return_format="dict", print_info=False)["named_endpoints"]
    of_tools = explanations(program)
    for name, function in functions(program).items():
        explained = of_tools[name]
        parameters = told[f"/{name}"]["parameters"]
        assert [one["parameter_name"] for one in parameters] == list(explained.arguments), name
        docstring = " ".join(function.__doc__.split())
        for one in parameters:
            said = one["python_type"]["description"]
            assert said == explained.arguments[one["parameter_name"]]
            assert said[0].isupper() or said[0] in '0123456789"', (name, said)
            assert said.endswith("."), (name, said)
            assert said == MODEL_ARGUMENT or f"{one['parameter_name']}: {said}" in docstring
        assert explained.summary.endswith(".") and explained.returns
        assert told[f"/{name}"]["description"] == explained.text
        (answer,) = told[f"/{name}"]["returns"]
        assert answer["python_type"]["description"] == explained.returns
        assert (answer["label"], answer["python_type"]["type"]) == ("answer", "dict(str, Any)")


def test_nothing_of_other_programs_is_told(program: Program) -> None:
    told = json.dumps([vars(explained) for explained in explanations(program).values()])
    assert not re.search(r"handle_file|gradio", told)


def test_a_docstring_is_taken_apart_whatever_its_lines() -> None:
    def function() -> None:
        """Do this.

        And that: in
        two lines.

        Args:
            one: A first: with a colon, and then
                more: of it.
            other: Plain.

        Returns:
            {"a": this,
            "b": that}.
        """

    explained = explain(function)
    assert explained.text == "Do this. And that: in two lines."
    assert explained.arguments == {"one": "A first: with a colon, and then more: of it.", "other": "Plain."}
    assert explained.returns == '{"a": this, "b": that}.'
