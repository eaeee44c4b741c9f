"""The public names of the library: handed out lazily, and none hides a command."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys

import pytest
from conftest import PROJECT
from test_architecture import COMMANDS

import algcn

SOURCE = (PROJECT / "algcn" / "__init__.py").read_text(encoding="utf-8")


def imported_for_type_checkers() -> dict[str, str]:
    """Each name below `if TYPE_CHECKING`, and its module."""
    (block,) = (node for node in ast.parse(SOURCE).body if isinstance(node, ast.If))
    return {alias.name: node.module for node in block.body for alias in node.names}


def test_importing_the_library_imports_nothing_heavy() -> None:
    program = "import sys, algcn; dir(algcn); print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=True)
    modules = set(done.stdout.split())
    assert {name for name in modules if name.split(".")[0] == "algcn"} == {"algcn"}
    assert not {name.split(".")[0] for name in modules} & {
        "torch",
        "numpy",
        "PIL",
        "safetensors",
        "gradio",
        "app",
        "tests",
    }


@pytest.mark.parametrize("name", algcn.__all__)
def test_every_public_name_is_the_thing_itself(name: str) -> None:
    home = importlib.import_module(imported_for_type_checkers()[name])
    assert getattr(algcn, name) is getattr(home, name)
    assert algcn.__dict__[name] is getattr(home, name), "found once, it is not looked for again"


def test_type_checkers_and_editors_see_the_same_names() -> None:
    assert sorted(imported_for_type_checkers()) == sorted(algcn.__all__) == sorted(set(algcn.__all__))
    assert set(algcn.__all__) <= set(dir(algcn))


def test_no_public_name_hides_a_module() -> None:
    modules = {path.stem for path in (PROJECT / "algcn").iterdir()}
    assert set(COMMANDS) <= modules and not modules & set(algcn.__all__)
    assert importlib.import_module("algcn.train").__name__ == "algcn.train"
    from algcn import train  # a command, not a function

    assert train is sys.modules["algcn.train"]


def test_an_unknown_name_is_answered_with_those_there_are() -> None:
    with pytest.raises(AttributeError, match=r"no load_refrence_checkpoint; did you mean load_reference_checkpoint"):
        _ = algcn.load_refrence_checkpoint
    with pytest.raises(AttributeError, match="did you mean Bundle"):
        _ = algcn.bundle
    with pytest.raises(AttributeError, match=re.escape(", ".join(algcn.__all__))):
        _ = algcn.zzzz
    with pytest.raises(ImportError):
        from algcn import Bundel  # noqa: F401
