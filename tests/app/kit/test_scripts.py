"""The page's JavaScript: tested and linted by node, served under its fingerprint, and kept out of Python."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from types import SimpleNamespace

import pytest
from paper_bundles import write_paper_bundle
from serving import PROJECT, Server

from algcn.bundles.bundle import Bundle
from app.components.label_graph import graph_value
from app.kit.scripts import FOLDER, SCRIPTS, VERSION, mount, preloads, script_url
from app.labels.edits import Edit, edited
from app.labels.graph import STAGES, LabelGraph
from app.search.link import NAMES

TESTS = PROJECT / "tests" / "scripts"
ESLINT = TESTS / "node_modules" / ".bin" / "eslint"
OLDEST_NODE = 20
LONGEST = 120
SOURCES = sorted((*FOLDER.glob("*.js"), *TESTS.glob("*.js")))
# What a string holds that is a script, and how many line breaks it may have.
SCRIPT, LINE_BREAKS = re.compile(r"addEventListener|=>|document\."), 2


def node(*arguments: str, text: str | None = None) -> subprocess.CompletedProcess:
    """Run node in the folder of the scripts' tests; the test is skipped where there is none that is new enough."""
    path = shutil.which("node")
    if path is None:
        pytest.skip("no node on this machine: apt install nodejs")
    version = subprocess.run([path, "--version"], capture_output=True, text=True, check=True, timeout=60).stdout
    if int(version.lstrip("v").split(".")[0]) < OLDEST_NODE:
        pytest.skip(f"node {version.strip()} is older than {OLDEST_NODE}, which the scripts' tests want")
    return subprocess.run([path, *arguments], input=text, cwd=TESTS, capture_output=True, text=True, timeout=300)


def test_the_scripts_pass_their_own_tests() -> None:
    done = node("--test")
    assert done.returncode == 0, done.stdout + done.stderr
    passed = re.search(r"pass (\d+)$", done.stdout, re.MULTILINE)
    assert passed and int(passed.group(1)) > 50, done.stdout


def test_the_linter_finds_nothing() -> None:
    if not ESLINT.is_file():
        pytest.skip("eslint is not installed: npm ci --prefix tests/scripts")
    done = subprocess.run(
        [ESLINT, "--config", TESTS / "eslint.config.js", FOLDER, TESTS],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_lock_file_names_no_registry() -> None:
    packages = json.loads((TESTS / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert len(packages) > 10
    assert not [name for name, package in packages.items() if "resolved" in package]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_lines_are_short(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert not [number for number, line in enumerate(lines, 1) if len(line) > LONGEST]


LABELLED = [SimpleNamespace(labels=labels) for labels in (("person", "dog"), ("dog", "sea"), ("person", "dog", "boat"))]


@pytest.mark.parametrize("mode", ["paper", "plus"])
def test_the_page_finds_the_edges_that_python_knows(tmp_path: Path, mode: str) -> None:
    bundle = PROJECT / "weights" / "pocket" if mode == "plus" else write_paper_bundle(tmp_path / "paper")
    graph = LabelGraph.of(Bundle.load(bundle), SimpleNamespace(items=LABELLED))
    assert tuple(graph.stages) == STAGES
    assert graph.edited_stage == ("directed" if mode == "plus" else "adaptive")
    edits = (Edit(3, 5, 1.25), Edit(5, 3, 0.0))
    history = (0, 3, graph.model_epoch)
    asked = [(stage, epoch, []) for stage in graph.stages for epoch in history]
    changes = [[edit.source, edit.target, edit.weight] for edit in edits]
    asked += [(stage, graph.model_epoch, changes) for stage in graph.stages]
    done = node("edges.js", text=json.dumps({"graph": graph_value(graph, ""), "asked": asked}))
    assert done.returncode == 0, done.stderr
    for (stage, epoch, changes), found in zip(asked, json.loads(done.stdout), strict=True):
        changed = mode == "paper" and changes
        adaptive = edited(graph.adaptive(graph.epochs[epoch]), edits) if changed else None
        weights = graph.weights(stage, graph.epochs[epoch], adaptive).clone()
        if changes and stage == graph.edited_stage == "directed":
            weights = edited(weights, edits)
        weights.fill_diagonal_(0)
        drawn = weights.clone().zero_()
        for source, target, weight in found:
            drawn[source, target] = weight
        # Changes travel as 16-bit numbers.
        assert (drawn - weights).abs().max() < 1e-4 * max(1.0, float(graph.learned_change.abs().max())), (stage, epoch)
        assert [abs(weight) for *_, weight in found] == sorted(abs(weight) for *_, weight in found)


def scripts_in(source: str) -> list[int]:
    """The lines at which a string begins that is a script of more than a line or two; docstrings are none."""
    tree = ast.parse(source)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and ast.get_docstring(node, clean=False) is not None
    }
    found = []
    for node in ast.walk(tree):
        parts = node.values if isinstance(node, ast.JoinedStr) else [node]
        texts = [part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)]
        text = "".join(texts)
        if id(node) not in docstrings and SCRIPT.search(text) and text.count("\n") > LINE_BREAKS:
            found.append(node.lineno)
    return found


def test_a_script_in_a_string_is_found_wherever_it_is() -> None:
    assert scripts_in('a = f"""\nx\n{b} => {{\n}}\n"""') == [1]
    assert scripts_in('def f():\n    return g(js="() =>\\n1\\n2\\n3")') == [2]
    assert scripts_in('def f():\n    """Say.\n\n    a => b\n    """\n    return "a => b\\nc\\nd"') == []


@pytest.mark.parametrize(
    "path", sorted((PROJECT / "app").rglob("*.py")), ids=lambda path: str(path.relative_to(PROJECT))
)
def test_no_script_lives_in_a_python_string(path: Path) -> None:
    assert scripts_in(path.read_text(encoding="utf-8")) == []


def test_every_module_that_is_imported_is_there() -> None:
    for path in FOLDER.glob("*.js"):
        for name in re.findall(r'from "(.*)"', path.read_text(encoding="utf-8")):
            assert name.removeprefix("./") in SCRIPTS, f"{path.name} imports {name}"
    assert preloads().count("modulepreload") == len(SCRIPTS)


def test_python_starts_a_script_in_a_line_or_two() -> None:
    assert mount("results").count("\n") <= 1
    assert script_url("mount") in mount("results")
    with pytest.raises(KeyError, match="no nowhere"):
        mount("nowhere")


def test_an_address_has_the_same_names_in_python_and_in_the_page() -> None:
    (listed,) = re.findall(r"const QUERY = \[([^\]]*)\];", (FOLDER / "address.js").read_text(encoding="utf-8"))
    assert tuple(json.loads(f"[{listed.strip().rstrip(',')}]")) == NAMES


def fetch(url: str) -> tuple[int, bytes, dict[str, str]]:
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:
            return answer.status, answer.read(), dict(answer.headers)
    except urllib.error.HTTPError as error:
        return error.code, error.read(), dict(error.headers)


def test_a_script_is_served_for_good_under_its_own_fingerprint_only(tiny_server: Server) -> None:
    status, body, headers = fetch(f"{tiny_server.url}/{script_url('results')}")
    assert (status, body) == (200, (FOLDER / "results.js").read_bytes())
    assert headers["content-type"].startswith("text/javascript")
    assert headers["x-content-type-options"] == "nosniff"
    assert "immutable" in headers["cache-control"]
    # A page that was open before the program was replaced goes on, and keeps nothing.
    status, body, headers = fetch(f"{tiny_server.url}/scripts/another/results.js")
    assert (status, body) == (200, (FOLDER / "results.js").read_bytes())
    assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "name",
    ["nowhere.js", "package.json", "results", "../style.css", "..%2Fstyle.css", "%2Fetc%2Fpasswd", "results.js%00"],
)
def test_nothing_else_is_served(name: str, tiny_server: Server) -> None:
    status, body, _ = fetch(f"{tiny_server.url}/scripts/{VERSION}/{name}")
    assert status == 404
    assert b"root:" not in body and b"{" not in body.replace(b'{"detail":', b"")
