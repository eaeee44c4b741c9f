"""Layouts that are there, kept, or computed in a process of their own."""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import Future
from pathlib import Path

import numpy as np
import pytest
from processes import is_at_work, only_on_linux

from algcn.gallery.layout import cached_layout, read_layout, write_layout
from algcn.kit.errors import InputError
from app.maps import worker as module
from app.maps.layouts import Layouts
from app.maps.worker import LayoutWorker

PROJECT = Path(__file__).resolve().parents[3]
KEY, PATIENCE = "a" * 32, 300
POINTS = np.random.default_rng(0).standard_normal((12, 5)).astype(np.float32)
LAYOUT = {2: POINTS[:, :2] / 4, 3: POINTS[:, :3] / 4}


# Prints the number of the process once it has been at work for a while; the layout would take many minutes.
PAGE = """
import multiprocessing, pathlib, sys, time
import numpy as np
from app.maps.worker import LayoutWorker
LayoutWorker(pathlib.Path(sys.argv[1])).start(lambda: np.random.rand(60000, 64).astype(np.float32), "tsne")
while not multiprocessing.active_children():
    time.sleep(0.1)
time.sleep(10)
print(multiprocessing.active_children()[0].pid, flush=True)
time.sleep(600)
"""


class Slow:
    """A worker that answers when it is told to."""

    def __init__(self) -> None:
        self.future: Future = Future()
        self.started = 0

    def start(self, points: np.ndarray, method: str) -> Future:
        self.started += 1
        return self.future


@pytest.fixture
def slow() -> Slow:
    return Slow()


def test_a_layout_is_waited_for_once_and_kept(slow: Slow, tmp_path: Path) -> None:
    some = Layouts(tmp_path, slow)
    assert some.find(KEY, 12) is None
    assert some.waiting(KEY) is None
    for _ in range(2):
        some.start(KEY, lambda: POINTS, "umap")
    assert slow.started == 1
    assert some.waiting(KEY) >= 0
    assert some.find(KEY, 12) is None
    slow.future.set_result(LAYOUT)
    assert some.waiting(KEY, 1) is None
    assert some.find(KEY, 12) is LAYOUT
    assert np.allclose(Layouts(tmp_path, slow).find(KEY, 12)[2], LAYOUT[2], atol=1e-3), (
        "after the next start it is there"
    )
    assert Layouts(tmp_path, slow).find(KEY, 11) is None


def test_a_visitors_own_leaves_no_file(slow: Slow, tmp_path: Path) -> None:
    own = Layouts(tmp_path, slow, keep=False)
    own.start(KEY, lambda: POINTS, "umap")
    slow.future.set_result(LAYOUT)
    assert own.find(KEY, 12) is LAYOUT
    assert list(tmp_path.iterdir()) == []
    write_layout(cached_layout(tmp_path, KEY), KEY, LAYOUT)
    assert Layouts(tmp_path, slow, keep=False).find(KEY, 12) is None


def test_a_shipped_layout_is_found_first(slow: Slow, tmp_path: Path) -> None:
    write_layout(tmp_path / "shipped", KEY, LAYOUT)
    assert Layouts(tmp_path / "cache", slow, shipped=tmp_path / "shipped").find(KEY, 12) is not None
    assert Layouts(tmp_path / "cache", slow, shipped=tmp_path / "shipped").find("b" * 32, 12) is None


@pytest.mark.parametrize(
    ("error", "sentence"), [(InputError("No luck."), "^No luck"), (MemoryError(), "PCA always works")]
)
def test_what_fails_is_said_and_may_be_tried_again(slow: Slow, tmp_path: Path, error: Exception, sentence: str) -> None:
    some = Layouts(tmp_path, slow)
    some.start(KEY, lambda: POINTS, "umap")
    slow.future.set_exception(error)
    assert some.find(KEY, 12) is None
    with pytest.raises(InputError, match=sentence):
        some.waiting(KEY, 1)
    some.start(KEY, lambda: POINTS, "umap")
    assert slow.started == 2


def test_a_cache_that_cannot_be_written_is_no_reason_to_fail(slow: Slow, tmp_path: Path) -> None:
    (tmp_path / "layouts").write_text("a file in the way")
    some = Layouts(tmp_path, slow)
    some.start(KEY, lambda: POINTS, "umap")
    slow.future.set_result(LAYOUT)
    assert some.find(KEY, 12) is LAYOUT
    assert read_layout(cached_layout(tmp_path, KEY), KEY, 12) is None


def test_the_process_answers_again_and_again_and_after_its_end(tmp_path: Path) -> None:
    worker = LayoutWorker(tmp_path)
    first = worker.start(lambda: POINTS, "tsne").result(PATIENCE)
    assert {name: positions.shape for name, positions in first.items()} == {2: (12, 2), 3: (12, 3)}
    start = time.monotonic()
    again = worker.start(lambda: POINTS, "tsne").result(PATIENCE)
    assert time.monotonic() - start < PATIENCE
    assert all(np.array_equal(first[n], again[n]) for n in (2, 3))
    with pytest.raises(InputError, match=r"could not be computed .*method must be one of"):
        worker.start(lambda: POINTS, "lda").result(PATIENCE)
    worker._connection.close()  # as if it had ended
    assert worker.start(lambda: POINTS, "pca").result(PATIENCE)[2].shape == (12, 2)


def test_a_process_that_dies_of_a_layout_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Dead:
        def send(self, _: object) -> None:
            raise BrokenPipeError

    monkeypatch.setattr(module, "_spawn", lambda cache: Dead())
    with pytest.raises(InputError, match="its process ended"):
        LayoutWorker(tmp_path).start(lambda: POINTS, "umap").result(PATIENCE)


@only_on_linux
def test_the_process_ends_with_a_page_that_is_killed(tmp_path: Path) -> None:
    page = subprocess.Popen([sys.executable, "-c", PAGE, tmp_path], cwd=PROJECT, stdout=subprocess.PIPE, text=True)
    try:
        worker = int(page.stdout.readline())
        assert is_at_work(worker)
    finally:
        page.kill()
        page.communicate()
    until = time.monotonic() + PATIENCE
    while is_at_work(worker) and time.monotonic() < until:
        time.sleep(0.1)
    assert not is_at_work(worker), "it would lay out for nobody"
