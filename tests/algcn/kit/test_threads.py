"""Idle threads sleep in the page, and nowhere else; one core is one core."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from conftest import PROJECT
from serving import serve

from algcn.kit.threads import SETTINGS, let_idle_threads_sleep, one_core

SPINS = re.compile(r"GOMP_SPINCOUNT = '(\w+)'")  # how often a thread looks for work before it sleeps
TOLD = {"OMP_DISPLAY_ENV": "VERBOSE"}


def test_no_runtime_of_the_page_spins(tmp_path: Path, tiny_bundle_dir: Path, tiny_gallery_dir: Path) -> None:
    (tmp_path / "home").mkdir()
    with serve(tmp_path / "home", ("--bundle", tiny_bundle_dir, "--gallery", tiny_gallery_dir), **TOLD) as server:
        counts = SPINS.findall(server.output)
    assert len(counts) >= 1, "torch brings libgomp; faiss another"
    assert set(counts) == {"0"}, "torch or faiss was imported before the environment said that threads sleep"


def test_the_library_leaves_its_user_s_threads_alone() -> None:
    code = "import algcn; algcn.Bundle; import sys; assert 'torch' in sys.modules"
    told = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | TOLD, cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert SPINS.findall(told.stderr)
    assert "0" not in SPINS.findall(told.stderr)


def test_a_setting_of_the_user_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "2")
    let_idle_threads_sleep()
    assert [os.environ[name] for name in SETTINGS] == ["ACTIVE", "2"]
    for name in SETTINGS:
        monkeypatch.delenv(name)
    let_idle_threads_sleep()
    assert {name: os.environ[name] for name in SETTINGS} == SETTINGS


def test_nothing_of_the_page_imports_numpy_or_torch_before_that() -> None:
    code = "import app.launch, sys; print({'numpy', 'torch', 'faiss'} & set(sys.modules))"
    told = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "set()"


def test_one_core_ends_with_its_block() -> None:
    before = torch.get_num_threads()
    with one_core():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before
