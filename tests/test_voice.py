"""One voice: every error is a sentence, and what a docstring says of an argument stands alone."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
FILES = sorted(
    str(path.relative_to(PROJECT))
    for path in (PROJECT / "app.py", *(PROJECT / "algcn").rglob("*.py"), *(PROJECT / "app").rglob("*.py"))
)
ERRORS = {"InputError", "HubError", "UnreachableError", "Error"}  # the last one is gradio's
# An entry of Args, Attributes or Returns that leaves its subject to the reader: "seed: Of the split."
RIDDLE = re.compile(r"^ +\w+: (?:[Oo]f|[Bb]eside|[Ll]ikewise) ", re.MULTILINE)


def parts(message: ast.expr) -> list[str | None]:
    """The literal parts of a message in order; None stands for what is filled in."""
    if isinstance(message, ast.Constant) and isinstance(message.value, str):
        return [message.value]
    if isinstance(message, ast.JoinedStr):
        return [part.value if isinstance(part, ast.Constant) else None for part in message.values]
    if isinstance(message, ast.BinOp) and isinstance(message.op, ast.Add):
        return parts(message.left) + parts(message.right)
    return [None]


def messages(source: str) -> list[tuple[int, list[str | None]]]:
    """The messages of all errors that a source file makes, with their lines."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in ERRORS:
            found.append((node.lineno, parts(node.args[0])))
    return found


def fault(message: list[str | None]) -> str | None:
    """What keeps a message from being a sentence, as far as its literal parts tell; it may begin with a flag."""
    first, last = message[0], message[-1]
    if first is not None and not re.match(r"[A-Z\"'(–—]|--[a-z]", first):
        return f"begins with {first[:20]!r}"
    if last is not None and not last.endswith((".", "?", ".…")):
        return f"ends with {last[-20:]!r}"
    return None


def test_the_messages_of_a_file_are_found() -> None:
    source = 'raise InputError(f"the {x} is" " wrong")\nreturn HubError("It is.")\nraise gr.Error(str(e))\n'
    assert messages(source) == [(1, ["the ", None, " is wrong"]), (2, ["It is."]), (3, [None])]
    faults = [fault(message) for _, message in messages(source)]
    assert faults == ["begins with 'the '", None, None]
    assert fault(["It is"]) == "ends with 'It is'"


@pytest.mark.parametrize("file", FILES)
def test_every_error_is_a_sentence(file: str) -> None:
    found = messages((PROJECT / file).read_text(encoding="utf-8"))
    faults = [f"line {line} {fault(message)}" for line, message in found if fault(message)]
    assert not faults, f"{file}: {'; '.join(faults)}; an error begins with a capital and ends with a full stop"


@pytest.mark.parametrize("file", FILES)
def test_what_a_docstring_says_of_an_argument_stands_alone(file: str) -> None:
    tree = ast.parse((PROJECT / file).read_text(encoding="utf-8"))
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = [ast.get_docstring(node) or "" for node in ast.walk(tree) if isinstance(node, documented)]
    riddles = [found.strip() for text in docstrings for found in RIDDLE.findall(text)]
    assert not riddles, f"{file}: {riddles}; name the thing: 'The seed of the split.'"
