"""Two people at the page at once: what one waits for keeps nobody else waiting, and the newest answer stays."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browsing import CARDS, PATIENCE, QUERY, Browser, ask, expect, visit
from here import serve_here
from PIL import Image

from algcn.kit import images
from app.search import reading
from app.search.query import Query
from app.service import RetrievalService, load_service


@pytest.fixture
def url(tiny_bundle_dir: Path, tiny_gallery_dir: Path, tmp_path: Path) -> Iterator[str]:
    with serve_here(load_service(tiny_bundle_dir, tiny_gallery_dir), tmp_path) as (address, _):
        yield address


@pytest.fixture
def let_go() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def test_the_slow_picture_of_one_visitor_keeps_no_other_waiting(
    browser: Browser, url: str, let_go: threading.Event, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    begun = threading.Event()

    def open_slowly(picture: Any, **_: object) -> Image.Image:
        begun.set()
        let_go.wait(PATIENCE / 1000)
        return images.open_image(picture)

    monkeypatch.setattr(reading, "open_image", open_slowly)
    Image.new("RGB", (64, 64), "red").save(tmp_path / "red.png")
    with visit(browser, url) as one, visit(browser, url) as other:
        one.set_input_files("#query-picture input[type=file]", tmp_path / "red.png")
        one.wait_for_timeout(100)
        assert begun.wait(PATIENCE / 1000)
        for text in ("a boat", "a dog on the beach"):
            ask(other, text)
            expect(other.locator(CARDS).first).to_be_attached()
        assert one.locator(".asked").count() == 0
        let_go.set()
        expect(one.locator(".asked")).to_have_text("Your picture")
        expect(other.locator(".asked")).to_have_text("“a dog on the beach”")


def test_of_two_quick_queries_the_newer_answer_stays(
    browser: Browser, url: str, let_go: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, search = threading.Event(), RetrievalService.search

    def search_slowly(service: RetrievalService, query: Query) -> Any:
        if query.text == "a car":
            begun.set()
            let_go.wait(PATIENCE / 1000)
        return search(service, query)

    monkeypatch.setattr(RetrievalService, "search", search_slowly)
    with visit(browser, url) as page:
        with page.expect_response(lambda answer: "/run/" in answer.url and "a car" in answer.request.post_data):
            page.fill(QUERY, "a car")
            page.press(QUERY, "Enter")
            page.wait_for_timeout(100)
            assert begun.wait(PATIENCE / 1000)
            ask(page, "a boat")
            let_go.set()
        page.wait_for_timeout(500)
        expect(page.locator(".asked")).to_have_text("“a boat”")
        expect(page.locator(QUERY)).to_have_value("a boat")
