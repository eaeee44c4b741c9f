"""What the Search tab does with whatever a browser sends, and when another model or gallery was opened meanwhile."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from PIL import Image

from algcn.bundles.bundle import Bundle
from algcn.gallery.store import build_gallery
from app.components.results import EMPTY
from app.frame import Frame
from app.program import Program
from app.search.query import Query
from app.service import RetrievalService, load_service
from app.tabs.search import Given, SearchTab
from app.visitors.loading import Loading
from app.visitors.visitor import Visitor

PLAIN = ("", Given(), 50, "", [], "any", 0, False)


@pytest.fixture(scope="module")
def service(tiny_bundle_dir: Path, tiny_gallery_dir: Path) -> RetrievalService:
    return load_service(tiny_bundle_dir, tiny_gallery_dir)


@pytest.fixture(scope="module")
def other(tiny_bundle_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> RetrievalService:
    """A gallery of one picture without labels."""
    folder = tmp_path_factory.mktemp("other")
    Image.new("RGB", (64, 64), "red").save(folder / "red.png")
    bundle = Bundle.load(tiny_bundle_dir)
    return RetrievalService(bundle, build_gallery(folder, bundle), key="secret")


@pytest.fixture
def tab(service: RetrievalService, tmp_path: Path) -> SearchTab:
    loading = Loading(lambda report: service)
    with gr.Blocks() as blocks:
        frame = Frame(blocks, Program(loading, tmp_path, tmp_path), gr.State(Visitor()))
        with gr.Tab("Search") as place:
            made = SearchTab(frame, place)
            made.wire()
    return made


def boxes(**values: Any) -> tuple[Any, ...]:
    names = ("text", "given", "weight", "without", "labels", "match", "cutoff", "beside")
    return tuple({**dict(zip(names, PLAIN, strict=True)), **values}.values())


def test_the_answered_query_is_the_visitors(tab: SearchTab) -> None:
    visitor = Visitor()
    assert tab.refine(visitor, None, *boxes(text="a boat")) == {tab.notice: gr.skip()}, "nothing was asked yet"
    answer = tab.search(visitor, None, *boxes(text="a boat", labels=["boat"]))
    assert answer[tab.last_query].labels == ("boat",)
    assert (visitor.query.words, visitor.query.modality) == ("a boat", "text")
    tab.search(visitor, None, *boxes(given=Given(item=0)))
    assert visitor.query.modality == "image"


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"text": "   "}, "type at least one word"),
        ({"text": 7}, "text must be a text"),
        ({"text": "a", "weight": "heavy"}, "weight must be a number"),
        ({"text": "a", "weight": 1000}, "weight must be a number"),
        ({"text": "a", "labels": 7}, "labels must be a list"),
        ({"text": "a", "match": None}, "match must be one of"),
        ({"text": "a", "cutoff": "1"}, "cutoff must be a number"),
        ({"given": Given(upload={"path": "/etc/hostname"})}, "image must be an uploaded file"),
        ({"given": Given(item=99)}, "There is no such picture"),
    ],
)
def test_what_no_browser_would_send_is_one_sentence(tab: SearchTab, values: dict[str, Any], sentence: str) -> None:
    visitor = Visitor()
    updates = tab.search(visitor, None, *boxes(**values))
    assert set(updates) == {tab.notice}, "whatever was found stays"
    assert sentence in updates[tab.notice]
    assert visitor.query is None


def test_a_picture_counts_from_when_it_was_read(tab: SearchTab, tmp_path: Path) -> None:
    (tmp_path / "letter.png").write_bytes(b"Dear Sir or Madam")
    upload = {"path": str(tmp_path / "letter.png")}
    assert set(tab.take_picture(upload, Visitor(), None, *boxes())) == {tab.notice}
    Image.new("RGB", (64, 64), "red").save(tmp_path / "red.png")
    upload = {"path": str(tmp_path / "red.png")}
    answer = tab.take_picture(upload, Visitor(), None, *boxes(text="a boat"))
    assert answer[tab.given] == Given(upload=upload)
    assert answer[tab.last_query].is_mixed
    dropped = tab.drop_picture(Visitor(), answer[tab.last_query], *boxes(text="a boat", given=answer[tab.given]))
    assert dropped[tab.given] == Given()
    assert not dropped[tab.last_query].has_picture


def test_another_gallery_answers_the_same_words(
    tab: SearchTab, service: RetrievalService, other: RetrievalService
) -> None:
    visitor = Visitor()
    asked = tab.search(visitor, None, *boxes(text="a boat", labels=["boat"]))[tab.last_query]
    seen = (id(service), "gallery")
    assert tab.reopen(service, visitor, None, asked) == {tab.seen: seen}, "the tab was opened the first time"
    assert tab.reopen(service, visitor, seen, asked) == {tab.seen: seen}
    visitor.open(other)
    updates = tab.reopen(other, visitor, (id(service), "gallery"), asked)
    assert updates[tab.seen] == (id(other), "secret")
    assert "another model or gallery" in updates[tab.notice]
    assert 'src="picture/secret/card/0"' in updates[tab.results]
    assert 'src="picture/secret/card/0"' in updates[tab.examples]
    assert updates[tab.last_query].labels == (), "nobody has this label here"
    assert visitor.query.words == "a boat"


def test_a_picture_of_another_gallery_cannot_be_asked_again(
    tab: SearchTab, service: RetrievalService, other: RetrievalService
) -> None:
    visitor = Visitor()
    visitor.open(other)
    for asked in (None, Query(item=3), Query(text="boat", item=3)):
        updates = tab.reopen(other, visitor, (id(service), "gallery"), asked)
        assert updates[tab.results] == EMPTY
        assert updates[tab.last_query] is None
        assert updates[tab.given] == Given()


def test_an_address_is_restored_or_explained(tab: SearchTab) -> None:
    visitor = Visitor()
    opened = tab.open_page(visitor, "?q=a+boat&label=boat&cut=5")
    assert opened[tab.text]["value"] == "a boat"
    assert opened[tab.labels]["value"] == ["boat"]
    assert opened[tab.cutoff]["value"] == 5
    assert opened[tab.last_query].fold
    broken = tab.open_page(visitor, "?like=nothing.png")
    assert "no picture called" in broken[tab.notice]
    assert tab.examples in broken
    assert tab.results not in broken
    assert tab.results not in tab.open_page(visitor, "?tab=labels")
