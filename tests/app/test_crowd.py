"""Many at once: quick answers wait behind nothing, a slow picture behind nobody, and floods are bounded."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import torch
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from here import serve_here
from PIL import Image
from serving import ENDPOINTS

from algcn.kit import images
from algcn.kit.resizing import Resizing
from app.api import training
from app.api.table import QUICK
from app.program import Program
from app.search import reading
from app.service import RetrievalService, load_service

PATIENCE = 60
TRAININGS = 4  # two run and two wait
# What each quick endpoint is asked here.
ASKED: dict[str, list[Any]] = {
    "benchmark": ["summary", ""],
    "classifier_neighbours": ["dog", 3, ""],
    "describe_graph": [20, ""],
    "edit_edge": ["dog", "beach", 0.5, "", 5, ""],
    "export_csv": ["a boat", 3, "", 0.5, [], "any", "ranking", 0, None, True, ""],
    "gallery_picture": ["beach.png", ""],
    "label_graph": ["adaptive", -1, 0.1, 20, ""],
    "label_mistakes": ["dog", 3, ""],
    "label_neighbours": ["dog", "adaptive", 3, ""],
    "list_models": [],
    "search_by_item": ["beach.png", 3, "", 0.5, "", 0.5, [], "any", "ranking", 0, None, True, False, ""],
    "search_by_text": ["a boat", 3, "", 0.5, [], "any", "ranking", 0, None, True, False, ""],
}


@pytest.fixture(scope="module")
def service(tiny_bundle_dir: Path, tiny_gallery_dir: Path) -> RetrievalService:
    service = load_service(tiny_bundle_dir, tiny_gallery_dir)
    # Without thresholds it would predict no label, and have none wrong.
    service.bundle.thresholds["image"] = torch.zeros(len(service.bundle.label_set))
    return service


@pytest.fixture
def served(service: RetrievalService, tmp_path: Path) -> Iterator[tuple[str, Program]]:
    with serve_here(service, tmp_path) as here:
        yield here


def ask(url: str, name: str) -> Any:
    """One request, as the page and other programs than gradio_client send it."""
    answer = httpx.post(f"{url}gradio_api/run/{name}", json={"data": ASKED[name]}, timeout=PATIENCE)
    return answer.json()


def test_no_quick_answer_waits_behind_a_training(served: tuple[str, Program], monkeypatch: pytest.MonkeyPatch) -> None:
    url, _ = served
    begun, let_go = threading.Semaphore(0), threading.Event()

    def work_until_let_go(*_: object) -> Any:
        def work(job: object) -> tuple[Any, None]:
            begun.release()
            let_go.wait(PATIENCE)
            return SimpleNamespace(summary=dict), None

        return work

    monkeypatch.setattr(training, "training_work", work_until_let_go)
    assert set(ASKED) == QUICK < ENDPOINTS
    busy, client = Client(url, verbose=False), Client(url, verbose=False)
    try:
        trainings = [busy.submit(api_name="/train") for _ in range(TRAININGS)]
        assert all(begun.acquire(timeout=PATIENCE) for _ in range(2)), "two run at once"
        answered = 0
        for name, values in ASKED.items():
            through_queue = client.submit(*values, api_name=f"/{name}").result(PATIENCE)
            (direct,) = ask(url, name)["data"]
            assert direct == through_queue, name
            answered += 1
        assert answered == len(QUICK)
        assert not any(job.done() for job in trainings)
    finally:
        let_go.set()
    assert [job.result(PATIENCE) for job in trainings] == [{}] * TRAININGS


def test_a_slow_picture_keeps_no_words_waiting(
    served: tuple[str, Program], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    url, _ = served
    begun, let_go = threading.Event(), threading.Event()

    def open_slowly(picture: Any, resizing: Resizing) -> Image.Image:
        begun.set()
        let_go.wait(PATIENCE)
        return images.open_image(picture)

    monkeypatch.setattr(reading, "open_image", open_slowly)
    Image.new("RGB", (64, 64), "red").save(tmp_path / "red.png")
    one, other = Client(url, verbose=False), Client(url, verbose=False)
    try:
        slow = one.submit(handle_file(tmp_path / "red.png"), api_name="/search_by_image")
        assert begun.wait(PATIENCE)
        assert other.submit("a boat", 3, api_name="/search_by_text").result(PATIENCE)["images"]
        assert one.submit("a boat", 3, api_name="/search_by_text").result(PATIENCE)["images"]
        assert not slow.done()
    finally:
        let_go.set()
    assert slow.result(PATIENCE)["images"]


def test_a_flood_is_bounded_and_told_so(
    served: tuple[str, Program], service: RetrievalService, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, program = served
    let_go, at_work, most = threading.Event(), [], []
    search = RetrievalService.search

    def search_slowly(self: RetrievalService, query: Any) -> Any:
        at_work.append(1)
        most.append(len(at_work))
        let_go.wait(PATIENCE)
        at_work.pop()
        return search(self, query)

    monkeypatch.setattr(RetrievalService, "search", search_slowly)
    requests = program.answer_room._most + 5
    try:
        with ThreadPoolExecutor(requests) as pool:
            answers = [pool.submit(ask, url, "search_by_text") for _ in range(requests)]
            refused = [next(_done(answers)) for _ in range(1)]
            with pytest.raises(AppError, match="Too many people are searching"):
                Client(url, verbose=False).predict("a boat", api_name="/search_by_text")
            let_go.set()
            told = [answer.result(PATIENCE) for answer in answers]
    finally:
        let_go.set()
    assert all("Too many people are searching" in answer["error"] for answer in refused)
    sentences = [answer["error"] for answer in told if "error" in answer]
    assert len(sentences) == 5
    assert max(most) <= 4
    assert ask(url, "search_by_text")["data"][0]["images"], "there is room again"


def _done(answers: list[Any]) -> Iterator[Any]:
    from concurrent.futures import as_completed

    for answer in as_completed(answers, PATIENCE):
        yield answer.result()
