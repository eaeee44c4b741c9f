"""The examples in the library's docstrings run, each as a doctest from the project's folder."""

from __future__ import annotations

import ast
import doctest
import importlib
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
# What a user's script imports; each shows how.
WITH_AN_EXAMPLE = {
    "algcn.bundles.bundle": ["Bundle"],
    "algcn.datasets.features": ["Features"],
    "algcn.evaluation.retrieval": ["evaluate_retrieval"],
    "algcn.features.encoder": ["load_encoder"],
    "algcn.gallery.store": ["Gallery", "build_gallery"],
    "algcn.kit.checks": ["number", "whole_number"],
    "algcn.method.authors": ["load_reference_checkpoint", "save_reference_checkpoint"],
    "algcn.method.config": ["ModelConfig", "TrainConfig"],
    "algcn.method.labels": ["LabelSet"],
    "algcn.method.model": ["ALGCN", "ALGCNOutput"],
    "algcn.training.loop": ["train_algcn"],
}


def modules_with_examples() -> list[str]:
    """The modules of the library that have a docstring with a `>>>`; nothing is imported."""
    found = []
    for path in sorted((PROJECT / "algcn").rglob("*.py")):
        nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
        if any(">>>" in (ast.get_docstring(node) or "") for node in nodes if isinstance(node, documented)):
            found.append(str(path.relative_to(PROJECT).with_suffix("")).replace("/", "."))
    return found


@pytest.mark.parametrize("name", modules_with_examples())
def test_the_examples_of_a_module_run(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(PROJECT)  # examples name the project's weights and gallery as a reader would
    monkeypatch.setenv("ALGCN_CACHE", str(tmp_path))
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted
    assert not result.failed, "see the report above"


@pytest.mark.parametrize(
    "module, name", [(module, name) for module in WITH_AN_EXAMPLE for name in WITH_AN_EXAMPLE[module]]
)
def test_what_a_script_calls_has_an_example(module: str, name: str) -> None:
    documentation = getattr(importlib.import_module(module), name).__doc__
    assert "Example:\n" in documentation and ">>> " in documentation
