"""A study's measurements: kept, claimed, made by several processes, and gone on with after an end from outside."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from algcn.datasets.features import Features
from algcn.kit.errors import InputError
from algcn.kit.files import sha256
from algcn.method.labels import LabelSet
from algcn.study.cells import Cells, Key
from algcn.study.settings import SETTINGS

PROJECT = Path(__file__).resolve().parents[3]
KEY = Key("drawn", "main", {"seed": 1})
ABSENT = ("faiss", "open_clip", "gradio")
COLLECTION = {
    "title": "Drawn",
    "features": "drawn",
    "preset": "pocket",
    "relevance": "all",
    "without": "person",
    "epochs": 1,
    "experiments": ["main"],
}


def never() -> dict[str, int]:
    raise AssertionError("measured twice")


def test_a_measurement_is_made_once(tmp_path: Path) -> None:
    cells = Cells(tmp_path, {"drawn": "abc"})
    assert cells.read(KEY) is None
    assert cells.get(KEY, lambda: {"a": 1}) == cells.get(KEY, never) == cells.read(KEY) == {"a": 1}
    assert [path.suffix for path in tmp_path.iterdir()] == [".json"]


def test_other_data_or_another_key_are_another_measurement(tmp_path: Path) -> None:
    Cells(tmp_path, {"drawn": "abc"}).get(KEY, lambda: {"a": 1})
    assert Cells(tmp_path, {"drawn": "abd"}).read(KEY) is None
    for other in (KEY._replace(what="known"), KEY._replace(of={"seed": 2}), KEY._replace(collection="photos")):
        assert Cells(tmp_path, {"drawn": "abc"}).read(other) is None


def test_a_damaged_measurement_is_a_sentence(tmp_path: Path) -> None:
    cells = Cells(tmp_path, {})
    cells.get(KEY, lambda: {"a": 1})
    cells.path(KEY).write_text("{")
    with pytest.raises(InputError, match="is damaged; delete it"):
        cells.read(KEY)


def test_two_that_want_the_same_measurement_make_it_once(tmp_path: Path) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slowly() -> dict[str, int]:
        begun.set()
        assert go_on.wait(60)
        return {"a": 1}

    first = threading.Thread(target=lambda: Cells(tmp_path, {}).get(KEY, slowly))
    first.start()
    assert begun.wait(60)
    found: list[dict[str, int]] = []
    second = threading.Thread(target=lambda: found.append(Cells(tmp_path, {}).get(KEY, never)))
    second.start()
    assert not found
    go_on.set()
    first.join(60)
    second.join(60)
    assert found == [{"a": 1}]


def _claim_for_ever(folder: Path, begun: multiprocessing.synchronize.Event) -> None:
    Cells(folder, {}).get(KEY, lambda: begun.set() or threading.Event().wait() or {})


def test_the_claim_of_a_killed_process_ends_with_it(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    begun = context.Event()
    process = context.Process(target=_claim_for_ever, args=(tmp_path, begun))
    process.start()
    assert begun.wait(120)
    os.kill(process.pid, signal.SIGKILL)
    process.join(60)
    assert Cells(tmp_path, {}).get(KEY, lambda: {"a": 2}) == {"a": 2}


def test_a_measurement_that_fails_is_made_again(tmp_path: Path) -> None:
    cells = Cells(tmp_path, {})
    with pytest.raises(AssertionError):
        cells.get(KEY, never)
    assert cells.get(KEY, lambda: {"a": 1}) == {"a": 1}


@pytest.fixture
def features(tmp_path: Path) -> Path:
    generator = torch.Generator().manual_seed(3)
    labels = (torch.rand(200, 4, generator=generator) < 0.4).to(torch.uint8)
    labels[:, 0] |= (labels == 0).all(dim=1).to(torch.uint8)
    shown = labels.float() @ torch.randn(4, 12, generator=generator)
    sides = [shown + torch.randn(200, 12, generator=generator) * 0.5 for _ in range(2)]
    split = ["train"] * 100 + ["validation"] * 50 + ["test"] * 50
    names = [f"{number}.jpg" for number in range(200)]
    place = tmp_path / "drawn.safetensors"
    Features(*sides, labels, split, LabelSet(["person", "sea", "boat", "dog"]), names).save(place)
    return place


PROGRAM = """
import sys
from pathlib import Path
for name in {absent!r}:
    sys.modules[name] = None  # an import of it fails
import algcn.study.settings as settings
settings.Settings.load.__func__.__defaults__ = (Path({settings!r}),)
{more}
if __name__ == "__main__":
    from algcn.kit.errors import run_command
    from algcn.study.__main__ import main
    sys.exit(run_command(main))
"""
INSTEAD = """
import os, threading
from algcn.study import experiments
def measure(study, key):
    {body}
experiments.EXPERIMENTS["main"] = experiments.EXPERIMENTS["main"]._replace(measure=measure)
"""


@pytest.fixture
def start(tmp_path: Path, features: Path) -> Callable[..., subprocess.Popen[str]]:
    """Start the command in a process of its own, on small settings and without what only the page needs."""
    value = json.loads(SETTINGS.read_text(encoding="utf-8"))
    small, program = tmp_path / "settings.json", tmp_path / "small_study.py"
    small.write_text(json.dumps({**value, "collections": {"drawn": COLLECTION}, "seeds": [1, 2]}))

    def run(*arguments: str, instead: str = "") -> subprocess.Popen[str]:
        more = INSTEAD.format(body=instead) if instead else ""
        program.write_text(PROGRAM.format(absent=ABSENT, settings=str(small), more=more))
        words = [sys.executable, str(program), "--features", f"drawn={features}", "--out", str(tmp_path / "out")]
        environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
        return subprocess.Popen([*words, *arguments], stderr=subprocess.PIPE, text=True, env=environment)

    return run


def said(process: subprocess.Popen[str], code: int = 0) -> list[str]:
    """Wait for a command, and return the lines that it said."""
    _, lines = process.communicate(timeout=600)
    assert process.returncode == code, lines
    return lines.splitlines()


def test_several_processes_share_a_study_without_what_only_the_page_needs(start, tmp_path: Path) -> None:
    together = said(start("--only", "main", "--jobs", "2"))
    assert sorted(line.split(" of ")[0] for line in together) == [str(number) for number in range(1, 8)]
    table = (tmp_path / "out" / "study.md").read_text(encoding="utf-8")
    assert "mode plus" in table
    kept = {path: path.read_bytes() for path in (tmp_path / "out" / "cells").iterdir()}
    assert len(kept) == 7  # a probe, and three methods of two seeds; no claim is left
    next(iter(kept)).unlink()
    (tmp_path / "out" / "study.md").unlink()
    (alone,) = said(start("--only", "main"))
    assert alone.startswith("1 of 1  drawn: main method ")
    assert {path: path.read_bytes() for path in kept} == kept  # one process or two: the same measurement
    assert (tmp_path / "out" / "study.md").read_text(encoding="utf-8") == table


def test_a_process_that_is_ended_from_outside_is_a_sentence(start) -> None:
    (line,) = said(start("--only", "main", "--jobs", "2", instead="os.kill(os.getpid(), 9)"), code=2)
    assert line.startswith("error: A process of the study was ended from outside") and "--jobs" in line


def test_the_processes_of_a_killed_study_end_and_let_go_of_what_they_claimed(
    start, features: Path, tmp_path: Path
) -> None:
    begun = tmp_path / "begun"
    study = start(
        "--only", "main", "--jobs", "2", instead=f"open({str(begun)!r}, 'a').close() or threading.Event().wait()"
    )
    waited = threading.Event()
    while not begun.exists():
        assert study.poll() is None, study.stderr.read()
        waited.wait(0.1)
    study.kill()
    study.wait(60)
    cells = Cells(tmp_path / "out" / "cells", {"drawn": sha256(features)})
    first = Key("drawn", "main", {"method": "probe", "seed": None})
    assert cells.get(first, lambda: {"a": 1}) == {"a": 1}  # it would wait for ever for a process that goes on
