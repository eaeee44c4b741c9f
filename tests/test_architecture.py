"""The shape of the project: packages in floors, commands as leaves, gradio in its corner, no file too long."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
LINES = 500
ROOMS = 20  # at the top of algcn/
# A package may import those before it.
LIBRARY = (
    "kit",
    "method",
    "datasets",
    "features",
    "evaluation",
    "bundles",
    "gallery",
    "training",
    "pretrain",
    "report",
    "study",
    "cluster",
    "command_line",
)
# Arguments in, a sentence or a file out: nobody imports them, and so nobody imports a package's __main__.
COMMANDS = ("train", "extract", "evaluate", "baselines", "reliability", "hub", "quickstart")
CHAIN = "algcn/quickstart.py"  # the commands one after another: it alone calls others
PAGE = (
    "kit",
    "search",
    "service",
    "labels",
    "maps",
    "benchmark",
    "visitors",
    "training",
    "collection",
    "labelling",
    "program",
    "components",
    "frame",
    "api",
    "tabs",
    "blocks",
    "interface",
    "launch",
)
WITH_GRADIO = (
    "app/launch.py",
    "app/blocks.py",
    "app/interface.py",
    "app/frame.py",
    "app/api/",
    "app/tabs/",
    "app/components/",
)

FILES = sorted(
    str(path.relative_to(PROJECT))
    for path in (
        PROJECT / "app.py",
        *(PROJECT / "algcn").rglob("*.py"),
        *(PROJECT / "app").rglob("*.py"),
        *(PROJECT / "assets").rglob("*.py"),
    )
)


def module_of(file: str) -> str:
    """`algcn/datasets/features.py` is `algcn.datasets.features`; a package is its folder."""
    return file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


MODULES = {module_of(name) for name in FILES}


def imports(source: str) -> set[str]:
    """Every module that `source` imports, wherever in the file; `from a import b` is `a.b` when that is a module.

    What stands under `if TYPE_CHECKING` counts too: who reads a file has to know what its annotations mean.
    """
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: relative imports hide the direction; write the whole path"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found.add(inner if inner in MODULES else str(node.module))
    return found


def imports_of(file: str) -> set[str]:
    return imports((PROJECT / file).read_text(encoding="utf-8"))


def runtime_imports(file: str) -> set[str]:
    """Those that are run: modules of one package may name each other's classes in annotations."""
    tree = ast.parse((PROJECT / file).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            node.body = [ast.Pass()]
    return imports(ast.unparse(tree))


def is_command(module: str) -> bool:
    """Whether a module is run, not imported."""
    return module.endswith("__main__") or module in {f"algcn.{name}" for name in COMMANDS}


def floor(module: str, order: tuple[str, ...]) -> int:
    """Where the module's package stands in `order`; a command stands above all."""
    name = module.split(".")[1]
    if is_command(module):
        return len(order)
    assert name in order, f"{module} has no place in the order of tests/test_architecture.py; give it one"
    return order.index(name)


def check_downwards(file: str, order: tuple[str, ...], top: str) -> None:
    module = module_of(file)
    if "." not in module:
        return
    for imported in imports_of(file):
        if imported.startswith(f"{top}."):
            assert floor(imported, order) <= floor(module, order), f"{file} imports {imported}, which stands above it"


def test_the_project_is_there() -> None:
    assert {"algcn/method/model.py", "algcn/method/losses.py", "algcn/evaluation/metrics.py"} <= set(FILES)


def test_imports_are_found_wherever_they_are() -> None:
    source = (
        "import os, gradio as gr\nfrom algcn.kit import files, __version__\n"
        "def f():\n    from algcn.datasets.features import Features\n"
    )
    assert imports(source) == {"os", "gradio", "algcn.kit", "algcn.kit.files", "algcn.datasets.features"}
    with pytest.raises(AssertionError, match="relative imports"):
        imports("from . import files")


def test_the_library_has_few_rooms() -> None:
    rooms = {name.split("/")[1] for name in FILES if name.startswith("algcn/")} - {"__init__.py"}
    assert len(rooms) <= ROOMS, sorted(rooms)


@pytest.mark.parametrize("file", [name for name in FILES if name.startswith("algcn/")])
def test_the_library_imports_downwards_and_nothing_of_the_app(file: str) -> None:
    for imported in imports_of(file):
        top = imported.split(".")[0]
        assert top not in ("app", "gradio", "tests", "assets"), f"{file} imports {imported}; the library stands alone"
    check_downwards(file, LIBRARY, "algcn")


@pytest.mark.parametrize("file", [name for name in FILES if name.startswith("app/")])
def test_the_page_imports_downwards(file: str) -> None:
    assert not any(imported.split(".")[0] in ("tests", "assets") for imported in imports_of(file))
    check_downwards(file, PAGE, "app")


@pytest.mark.parametrize("file", FILES)
def test_nobody_imports_a_command(file: str) -> None:
    commands = {imported for imported in imports_of(file) if imported in MODULES and is_command(imported)}
    assert file == CHAIN or not commands, f"{file} imports {commands}; move what it needs into a package"


def test_no_import_goes_in_a_circle() -> None:
    graph = {module_of(file): {name for name in runtime_imports(file) if name in MODULES} for file in FILES}
    TopologicalSorter(graph).prepare()  # raises CycleError with the circle in it


@pytest.mark.parametrize("file", [name for name in FILES if not name.startswith(WITH_GRADIO)])
def test_only_the_page_imports_gradio(file: str) -> None:
    assert "gradio" not in {name.split(".")[0] for name in imports_of(file)}


@pytest.mark.parametrize("file", FILES)
def test_every_file_is_short_enough_to_read(file: str) -> None:
    lines = len((PROJECT / file).read_text(encoding="utf-8").splitlines())
    assert lines < LINES, f"{file} has {lines} lines; split it by idea"
