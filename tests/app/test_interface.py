"""The page is built without waiting for its service; handlers are methods of tabs, and none is public."""

from __future__ import annotations

import inspect
import threading
from pathlib import Path

import pytest
from serving import ENDPOINTS

from app.interface import TABS, build
from app.program import Program
from app.visitors.loading import Loading


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """A program whose service does not come while the test runs."""
    return Program(Loading(lambda report: threading.Event().wait(600)), tmp_path / "uploads", tmp_path / "cache")


def test_only_the_endpoints_are_public_on_every_page_of_a_process(program: Program) -> None:
    for _ in range(2):
        told = build(program).get_api_info()
        assert set(told["named_endpoints"]) == {f"/{name}" for name in ENDPOINTS}
        assert not told["unnamed_endpoints"]


@pytest.mark.parametrize("tab", [tab for *_, tab in TABS])
def test_a_module_of_tabs_holds_one_tab_and_no_long_function(tab: type) -> None:
    module = inspect.getmodule(tab)
    classes = [
        value for value in vars(module).values() if inspect.isclass(value) and value.__module__ == tab.__module__
    ]
    assert [value for value in classes if hasattr(value, "wire")] == [tab]
    functions = [
        value
        for owner in (module, *classes)
        for value in vars(owner).values()
        if inspect.isfunction(value) and value.__code__.co_filename == module.__file__
    ]
    lengths = {value.__qualname__: len(inspect.getsourcelines(value)[0]) for value in functions}
    assert max(lengths.values()) <= 80, lengths
