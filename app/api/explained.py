"""What the docstring of an endpoint says, taken apart: each argument's description whole, however many lines it has.

Notable: gradio reads a docstring line by line and cuts an argument's description at the end of its first one.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Callable
from typing import Any

ARGUMENTS, RETURNS = "Args:", "Returns:"
_ARGUMENT = re.compile(r"    (\w+): (.*)")


@dataclasses.dataclass(frozen=True)
class Explained:
    """The parts of a docstring.

    Attributes:
        summary: The first line.
        more: The paragraphs after it, in one line; "" for none.
        arguments: For each argument what is said of it, in one line.
        returns: What is said of the answer, in one line.
    """

    summary: str
    more: str
    arguments: dict[str, str]
    returns: str

    @property
    def text(self) -> str:
        """What the function does, without its arguments."""
        return " ".join(filter(None, (self.summary, self.more)))

    def with_argument(self, name: str, description: str) -> Explained:
        """Return the same with one more argument."""
        return dataclasses.replace(self, arguments={**self.arguments, name: description})


def explain(function: Callable[..., Any]) -> Explained:
    """Take the docstring of a function apart."""
    lines = (inspect.getdoc(function) or "").splitlines()
    parts: dict[str, list[str]] = {"": [], ARGUMENTS: [], RETURNS: []}
    part = ""
    for line in lines:
        if line in (ARGUMENTS, RETURNS):
            part = line
        else:
            parts[part].append(line)
    summary, *more = parts[""] or [""]
    arguments: dict[str, str] = {}
    name = ""
    for line in filter(str.strip, parts[ARGUMENTS]):
        begins = _ARGUMENT.fullmatch(line)  # a line that goes on is indented further
        if begins:
            name = begins[1]
            arguments[name] = begins[2]
        else:
            arguments[name] = f"{arguments[name]} {line.strip()}"
    return Explained(summary, _one_line(more), arguments, _one_line(parts[RETURNS]))


def _one_line(lines: list[str]) -> str:
    return " ".join(" ".join(lines).split())
