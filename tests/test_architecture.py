"""The shape of the project: imports run one way, gradio stays in its corner, no file grows too long."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
LINES = 500
# A module may import those of its own row and of the rows above it. A new module needs a place here.
ORDER = (
    ("kit", "errors", "files", "config", "labels", "manifest", "mat", "memory", "parallel", "snapshots"),
    ("graph", "metrics", "thresholds", "ranking", "calibration", "checkpoint", "images", "index", "projection"),
    ("bag_of_words",),
    ("model", "losses", "processes", "steps"),
    ("encoders", "datasets", "bundle", "bundle_encoder", "vgg", "feature_sources", "gallery_files"),
    ("reference", "label_embeddings", "prior_labels", "ablations", "chosen_encoder", "paper"),
    ("pretrain", "extract", "evaluate", "measure", "reliability", "baselines", "train", "hub", "gallery"),
    ("layout", "report"),
)
WITH_GRADIO = ("app.py", "app/interface.py", "app/tabs/", "app/components/")

PYTHON_IN = ("algcn", "app", "assets")
FILES = sorted(
    str(path.relative_to(PROJECT))
    for path in (PROJECT / "app.py", *(path for top in PYTHON_IN for path in (PROJECT / top).rglob("*.py")))
    if path.is_file()
)
LIBRARY = [name for name in FILES if name.startswith("algcn/")]
ASSETS = [name for name in FILES if name.startswith("assets/")]


def module_of(file: str) -> str:
    """`algcn/datasets/features.py` is `algcn.datasets.features`; a package is its folder."""
    return file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


MODULES = {module_of(name) for name in FILES}


def imports(source: str) -> set[str]:
    """Every module that `source` imports, wherever in the file; `from a import b` is `a.b` when that is a module."""
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


def row(module: str) -> int:
    """Where in `ORDER` the top-level module of the library stands."""
    name = module.split(".")[1]
    rows = [number for number, names in enumerate(ORDER) if name in names]
    assert rows, f"{module} has no place in ORDER of tests/test_architecture.py; give it one"
    return rows[0]


def test_the_project_is_there() -> None:
    assert {"algcn/model.py", "algcn/losses.py", "algcn/metrics.py", "assets/postcards/gallery.py"} <= set(FILES)


def test_imports_are_found_wherever_they_are() -> None:
    source = (
        "import os, gradio as gr\nfrom algcn import files, __version__\n"
        "def f():\n    from algcn.datasets.features import Features\n"
    )
    assert imports(source) == {"os", "gradio", "algcn", "algcn.files", "algcn.datasets.features"}
    with pytest.raises(AssertionError, match="relative imports"):
        imports("from . import files")


@pytest.mark.parametrize("file", LIBRARY)
def test_the_library_imports_downwards_and_nothing_of_the_app(file: str) -> None:
    module = module_of(file)
    for imported in imports_of(file):
        top = imported.split(".")[0]
        assert top not in ("app", "assets", "gradio", "tests"), f"{file} imports {imported}; the library stands alone"
        if top == "algcn" and "." in imported and "." in module:
            assert row(imported) <= row(module), f"{file} imports {imported}, which stands above it"


@pytest.mark.parametrize("file", [name for name in FILES if name not in ASSETS])
def test_nothing_needs_the_program_that_drew_the_gallery(file: str) -> None:
    assert "assets" not in {name.split(".")[0] for name in imports_of(file)}


@pytest.mark.parametrize("file", ASSETS)
def test_the_program_that_drew_the_gallery_needs_the_library_alone(file: str) -> None:
    imported = {name.split(".")[0] for name in imports_of(file)}
    assert not imported & {"app", "gradio", "tests"}, f"{file} imports {sorted(imported)}"


def test_no_import_goes_in_a_circle() -> None:
    graph = {module_of(file): {name for name in imports_of(file) if name in MODULES} for file in FILES}
    TopologicalSorter(graph).prepare()  # raises CycleError with the circle in it


@pytest.mark.parametrize("file", [name for name in FILES if not name.startswith(WITH_GRADIO)])
def test_only_the_page_imports_gradio(file: str) -> None:
    assert "gradio" not in {name.split(".")[0] for name in imports_of(file)}


@pytest.mark.parametrize("file", FILES)
def test_every_file_is_short_enough_to_read(file: str) -> None:
    lines = len((PROJECT / file).read_text(encoding="utf-8").splitlines())
    assert lines < LINES, f"{file} has {lines} lines; split it by idea"
