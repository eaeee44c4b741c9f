"""What the Search tab does with whatever a browser sends, and when another model or gallery was opened meanwhile."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
import torch
from PIL import Image

from algcn.bundles.bundle import Bundle
from algcn.evaluation.probabilities import PlattScale
from algcn.evaluation.ranking import BALANCED, Ranking, Weights
from algcn.gallery.store import build_gallery
from algcn.kit import images
from algcn.kit.resizing import Resizing
from app.components.query_boxes import Given
from app.components.results import EMPTY
from app.frame import Frame
from app.program import Program
from app.search import reading
from app.search.query import Query
from app.service import RetrievalService, load_service
from app.tabs.search import SearchTab
from app.visitors.loading import Loading
from app.visitors.visitor import Visitor

PATIENCE = 60
PLAIN = ("", Given(), 50, "", 50, [], "any", 0, -1, True, False)


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
    names = (
        "text", "given", "weight", "without", "away", "labels", "match", "cutoff", "subjects", "written", "beside",
    )  # fmt: skip
    return tuple({**dict(zip(names, PLAIN, strict=True)), **values}.values())


def test_the_answered_query_is_the_visitors(tab: SearchTab) -> None:
    visitor = Visitor()
    assert tab.refine(visitor, None, *boxes(text="a boat")) == {tab.notice: gr.skip()}, "nothing was asked yet"
    answer = tab.search(visitor, None, *boxes(text="a boat", labels=["boat"]))
    assert answer[tab.last_query].labels == ("boat",)
    assert (visitor.query.words, visitor.query.modality) == ("a boat", "text")
    tab.search(visitor, None, *boxes(given=Given((0,))))
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
        ({"text": "a", "away": "far"}, "away must be a number"),
        ({"text": "a", "away": 1000}, "away must be a number"),
        ({"given": Given(upload={"path": "/etc/hostname"})}, "image must be an uploaded file"),
        ({"given": Given((99,))}, "There is no such picture"),
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
    assert answer[tab.ask.given] == Given(upload=upload)
    assert answer[tab.last_query].is_mixed
    dropped = tab.drop_picture(Visitor(), answer[tab.last_query], *boxes(text="a boat", given=answer[tab.ask.given]))
    assert dropped[tab.ask.given] == Given()
    assert not dropped[tab.last_query].has_picture


def test_what_is_typed_is_answered_and_what_cannot_be_says_nothing(tab: SearchTab) -> None:
    visitor = Visitor()
    typed = tab.follow_typing(visitor, None, *boxes(text="a boat"))
    assert typed[tab.last_query].text == "a boat" and "data-typed" in typed[tab.results]
    assert set(typed) <= {tab.notice, tab.results, tab.last_query, tab.ask.mix}, "whoever types goes on typing"
    asked = tab.search(visitor, typed[tab.last_query], *boxes(text="a boat"))
    assert "data-typed" not in asked[tab.results]
    again = tab.follow_typing(visitor, asked[tab.last_query], *boxes(text="a boat"))
    assert "data-typed" not in again[tab.results], "it may come in the place of what Enter asked"
    for half in ({"text": "  "}, {"text": "a boat", "cutoff": 100}, {"text": "a boat", "labels": ["no such label"]}):
        assert tab.follow_typing(visitor, None, *boxes(**half)) == {tab.notice: gr.skip()}


def test_an_answer_tells_its_turn(tab: SearchTab) -> None:
    visitor = Visitor()
    first, second = (tab.search(visitor, None, *boxes(text="a boat"))[tab.results] for _ in range(2))
    turns = [re.search(r'data-turn="(\w+)\.(\d+)"', page).groups() for page in (first, second)]
    assert turns[0][0] == turns[1][0] and int(turns[0][1]) < int(turns[1][1])
    (other,) = re.findall(r'data-turn="(\w+)\.1"', tab.search(Visitor(), None, *boxes(text="a boat"))[tab.results])
    assert other != turns[0][0]


def test_a_gallery_without_captions_has_no_column_for_them(tab: SearchTab, other: RetrievalService) -> None:
    visitor = Visitor()
    assert 'aria-label="Captions"' in tab.search(visitor, None, *boxes(text="a boat"))[tab.results]
    visitor.open(other)
    page = tab.search(visitor, None, *boxes(text="a boat"))[tab.results]
    assert 'aria-label="Captions"' not in page and "1 pictures ranked" in " ".join(page.split())


class TestSeveral:
    def ask(self, tab: SearchTab, action: str, items: Any, **values: Any) -> dict[Any, Any]:
        sent = {"action": action, "items": items, "pictures": "picture/gallery"}
        return tab.select_several(gr.EventData(None, sent), Visitor(), None, *boxes(**values))

    def test_the_mean_takes_the_place_of_words_and_what_was_marked_counts_on(self, tab: SearchTab) -> None:
        asked = self.ask(tab, "like", [2, 0, 2], text="a boat")[tab.last_query]
        assert (asked.text, asked.liked) == ("", (2, 0))
        asked = self.ask(tab, "like", [1], given=Given((2, 0), unlike=(1, 3)))
        assert (asked[tab.last_query].liked, asked[tab.last_query].unlike) == ((2, 0, 1), (3,))
        assert asked[tab.ask.given] == Given((2, 0, 1), unlike=(3,))

    def test_words_and_picture_stay_where_they_are_steered(self, tab: SearchTab) -> None:
        asked = self.ask(tab, "unlike", [1, 2], text="a boat", given=Given((2,), unlike=(0,)))
        assert (asked[tab.last_query].text, asked[tab.last_query].liked) == ("a boat", (2,))
        assert asked[tab.last_query].unlike == (0, 1), "what is asked with is not steered away from"
        assert asked[tab.ask.given] == Given((2,), unlike=(0, 1))
        assert tab.ask.text not in asked

    @pytest.mark.parametrize("items", [[], None, "1", [-1], [99], [True], [[0]], {}, [0.0]])
    def test_what_no_browser_would_send_is_one_sentence(self, tab: SearchTab, items: Any) -> None:
        updates = self.ask(tab, "like", items)
        assert set(updates) == {tab.notice} and "<p" in updates[tab.notice]


def test_what_is_written_can_be_switched_off_where_anything_is(
    tab: SearchTab, service: RetrievalService, other: RetrievalService
) -> None:
    visitor = Visitor()
    assert tab.open_page(visitor, "")[tab.ask.written] == gr.update(visible=True)
    off = tab.search(visitor, None, *boxes(text="boat", away=80, without="dog", written=False))
    assert (off[tab.last_query].written, off[tab.last_query].away) == (False, 0.8)
    assert "written=0" in off[tab.results] and "away=0.8" in off[tab.results]
    linked = tab.open_page(visitor, "?q=boat&not=dog&away=0.8&written=0")
    assert (linked[tab.ask.written], linked[tab.ask.away]) == (gr.update(visible=True, value=False), 80)
    visitor.open(other)
    offered = tab.reopen(other, visitor, (id(service), service.key), None)
    assert offered[tab.ask.written] == gr.update(visible=False)


class TestSubjects:
    @pytest.fixture
    def by_labels(self, tiny_bundle_dir: Path, tiny_gallery_dir: Path) -> RetrievalService:
        """One whose model has probabilities of labels."""
        bundle = Bundle.load(tiny_bundle_dir)
        count = len(bundle.label_set)
        scale = PlattScale(torch.full((count,), 3.0), torch.full((count,), -2.0))
        bundle.probabilities = {"image": scale, "text": scale}
        bundle.ranking = Ranking(BALANCED, Weights(0.2, 0.8, 0.3), torch.ones(count))
        return RetrievalService(bundle, build_gallery(tiny_gallery_dir, bundle), key="secret")

    def test_the_slider_is_there_for_models_with_probabilities(
        self, tab: SearchTab, service: RetrievalService, by_labels: RetrievalService
    ) -> None:
        visitor = Visitor()
        assert tab.open_page(visitor, "")[tab.ask.subjects] == gr.update(visible=False, value=-1)
        visitor.open(by_labels)
        offered = tab.reopen(by_labels, visitor, (id(service), service.key), None)[tab.ask.subjects]
        assert offered == gr.update(visible=True, value=BALANCED.labels)

    def test_the_models_own_weight_is_no_part_of_the_query(self, tab: SearchTab, by_labels: RetrievalService) -> None:
        visitor = Visitor()
        visitor.open(by_labels)
        own = tab.search(visitor, None, *boxes(text="boat", subjects=BALANCED.labels))
        assert own[tab.last_query].labels_weight is None and "subjects=" not in own[tab.results]
        early = tab.search(visitor, None, *boxes(text="boat"))
        assert early[tab.last_query].labels_weight is None, "asked before the page was filled"
        other = tab.search(visitor, None, *boxes(text="boat", subjects=3.5))
        assert other[tab.last_query].labels_weight == 3.5 and "subjects=3.5" in other[tab.results]
        wrong = tab.search(visitor, None, *boxes(text="boat", subjects=9))
        assert "labels_weight must be a number from 0 to 4" in wrong[tab.notice]

    def test_a_link_sets_it_and_a_model_without_says_that_it_does_not_count(
        self, tab: SearchTab, service: RetrievalService, by_labels: RetrievalService
    ) -> None:
        visitor = Visitor()
        visitor.open(by_labels)
        opened = tab.open_page(visitor, "?q=boat&subjects=3.5")
        assert opened[tab.ask.subjects] == gr.update(visible=True, value=3.5)
        assert opened[tab.last_query].labels_weight == 3.5
        opened = tab.open_page(Visitor(), "?q=boat&subjects=3.5")
        assert opened[tab.ask.subjects] == gr.update(visible=False, value=3.5)
        assert "This model has no probabilities of labels" in opened[tab.results]
        assert tab.search(Visitor(), None, *boxes(text="boat", subjects=3.5))[tab.last_query].labels_weight is None


@pytest.mark.parametrize("link", ["?tab=benchmark", "?q=a+boat"])
def test_what_was_opened_while_the_page_was_filled_is_what_search_offers(
    tab: SearchTab, service: RetrievalService, other: RetrievalService, link: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor, linked = Visitor(), tab._linked

    def open_other(*values: Any) -> Any:
        visitor.open(other)
        return linked(*values)

    monkeypatch.setattr(tab, "_linked", open_other)
    late = tab.open_page(visitor, link)
    assert tab.seen not in late and tab.ask.examples not in late and tab.results not in late
    filled = tab.reopen(other, visitor, None, None)  # the tab is opened before that answer is there
    assert filled[tab.seen] == (id(other), other.key)
    assert {tab.ask.examples, tab.ask.reads, tab.ask.labels} <= filled.keys()


def test_a_link_to_another_model_that_was_followed_after_the_tab_was_opened_is_seen(
    tab: SearchTab, service: RetrievalService, other: RetrievalService
) -> None:
    """The tab was opened with one model, the link then filled it for another, and the first was chosen again."""
    (opened,) = [fn for fn in tab.frame.blocks.fns.values() if fn.name == "opened" and tab.ask.reads in fn.outputs]
    visitor = Visitor()
    before, *_ = opened.fn(visitor, None, None, None)
    assert before[0]() is service
    updates = dict(zip(opened.outputs, opened.fn(visitor, before, (id(other), other.key), None), strict=True))
    assert updates[tab.ask.reads] != gr.skip() and updates[tab.seen] == (id(service), service.key)


def test_another_gallery_answers_the_same_words(
    tab: SearchTab, service: RetrievalService, other: RetrievalService
) -> None:
    visitor = Visitor()
    asked = tab.search(visitor, None, *boxes(text="a boat", labels=["boat"]))[tab.last_query]
    seen = (id(service), "gallery")
    assert tab.reopen(service, visitor, seen, asked) == {tab.seen: seen}
    visitor.open(other)
    updates = tab.reopen(other, visitor, (id(service), "gallery"), asked)
    assert updates[tab.seen] == (id(other), "secret")
    assert "another model or gallery" in updates[tab.notice]
    assert 'src="picture/secret/card/0"' in updates[tab.results]
    assert 'src="picture/secret/card/0"' in updates[tab.ask.examples]
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
        if asked is None:  # what somebody has begun to type stays
            assert not {tab.ask.given, tab.ask.picture, tab.ask.mix} & updates.keys()
            assert "value" not in updates[tab.ask.text] and "value" not in updates[tab.ask.labels]
            continue
        assert updates[tab.ask.given] == Given()


def test_an_address_is_restored_or_explained(tab: SearchTab) -> None:
    visitor = Visitor()
    opened = tab.open_page(visitor, "?q=a+boat&label=boat&cut=5")
    assert opened[tab.ask.text]["value"] == "a boat"
    assert opened[tab.ask.labels]["value"] == ["boat"]
    assert opened[tab.ask.cutoff]["value"] == 5
    assert opened[tab.last_query].fold
    broken = tab.open_page(visitor, "?like=nothing.png")
    assert "no picture called" in broken[tab.notice]
    assert tab.ask.examples in broken
    assert tab.results not in broken
    assert tab.results not in tab.open_page(visitor, "?tab=labels")


class Held:
    """Holds up the queries that say "slow", and the reading of pictures, until it lets go."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.begun, self.let_go = threading.Semaphore(0), threading.Event()
        search, opened = RetrievalService.search, images.open_image

        def search_held(service: RetrievalService, query: Query) -> Any:
            if query.text == "slow":
                self._wait()
            return search(service, query)

        def open_held(picture: Any, resizing: Resizing) -> Image.Image:
            self._wait()
            return opened(picture)

        patch.setattr(RetrievalService, "search", search_held)
        patch.setattr(reading, "open_image", open_held)

    def start(self, handler: Callable[..., Any], *values: Any) -> Future[Any]:
        """Call a handler in a thread, and return when it is held up."""
        pool = ThreadPoolExecutor(1)
        answer = pool.submit(handler, *values)
        pool.shutdown(wait=False)
        assert self.begun.acquire(timeout=PATIENCE)
        return answer

    def _wait(self) -> None:
        self.begun.release()
        self.let_go.wait(PATIENCE)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    holding = Held(monkeypatch)
    yield holding
    holding.let_go.set()


def test_the_newest_answer_stays_whichever_comes_first(tab: SearchTab, held: Held) -> None:
    visitor, other = Visitor(), Visitor()
    older = held.start(tab.search, visitor, None, *boxes(text="slow"))
    assert tab.search(other, None, *boxes(text="a car"))[tab.last_query].text == "a car", "another visitor"
    assert tab.refine(other, None, *boxes(text="a car")) == {tab.notice: gr.skip()}
    newer = tab.refine(visitor, None, *boxes(text="a boat"))
    assert newer[tab.last_query].text == "a boat", "something was asked, though it is not answered yet"
    held.let_go.set()
    assert older.result(PATIENCE) == {tab.notice: gr.skip()}
    assert visitor.query.words == "a boat"


def test_words_asked_while_a_picture_is_read_are_asked_with_it(tab: SearchTab, held: Held, tmp_path: Path) -> None:
    Image.new("RGB", (64, 64), "red").save(tmp_path / "red.png")
    upload, visitor = {"path": str(tmp_path / "red.png")}, Visitor()
    picture = held.start(tab.take_picture, upload, visitor, None, *boxes())
    with ThreadPoolExecutor(1) as pool:
        both = pool.submit(tab.search, visitor, None, *boxes(text="a boat"))
        while visitor.turns.newest < 2:
            time.sleep(0.01)
        held.let_go.set()
        assert both.result(PATIENCE)[tab.last_query].is_mixed
    assert picture.result(PATIENCE) == {tab.notice: gr.skip(), tab.ask.given: Given(upload=upload)}
    assert visitor.giving is None


@pytest.mark.parametrize("text", ["", "a boat"])
def test_what_is_typed_while_a_picture_is_read_answers_for_the_picture(
    tab: SearchTab, held: Held, tmp_path: Path, text: str
) -> None:
    Image.new("RGB", (64, 64), "red").save(tmp_path / "red.png")
    upload, visitor = {"path": str(tmp_path / "red.png")}, Visitor()
    picture = held.start(tab.take_picture, upload, visitor, None, *boxes(text=text))
    with ThreadPoolExecutor(1) as pool:
        typed = pool.submit(tab.follow_typing, visitor, None, *boxes(text=text))
        while visitor.turns.newest < 2:
            time.sleep(0.01)
        held.let_go.set()
        shown = typed.result(PATIENCE)
    assert tab.results not in picture.result(PATIENCE)
    assert "data-typed" not in shown[tab.results], "the address is that of what is shown"
    typed = tab.follow_typing(visitor, shown[tab.last_query], *boxes(text="a boat with a dog"))
    assert "data-typed" in typed[tab.results]


def test_a_picture_taken_away_before_it_was_read_is_not_searched_for(
    tab: SearchTab, held: Held, tmp_path: Path
) -> None:
    (tmp_path / "letter.png").write_bytes(b"Dear Sir or Madam")
    Image.new("RGB", (64, 64), "red").save(tmp_path / "red.png")
    for name in ("red.png", "letter.png"):
        visitor = Visitor()
        picture = held.start(tab.take_picture, {"path": str(tmp_path / name)}, visitor, None, *boxes())
        assert tab.drop_picture(visitor, None, *boxes())[tab.ask.given] == Given()
        held.let_go.set()
        assert picture.result(PATIENCE) == {tab.notice: gr.skip()}
        held.let_go.clear()


def test_what_is_asked_while_the_tab_is_filled_anew_stays(
    tab: SearchTab, service: RetrievalService, other: RetrievalService, held: Held
) -> None:
    seen = (id(service), "gallery")

    def opened() -> Visitor:
        visitor = Visitor()
        visitor.open(other)
        return visitor

    def leaves_what_was_asked(updates: dict[Any, Any]) -> bool:
        touched = {tab.results, tab.last_query, tab.notice, tab.ask.given, tab.ask.mix, tab.ask.picture}
        values = [updates[box] for box in (tab.ask.text, tab.ask.without, tab.ask.labels)]
        return not touched & set(updates) and not any("value" in value for value in values)

    # Asked while it is filled, answered before or after that.
    visitor = opened()
    refill = held.start(tab.reopen, other, visitor, seen, Query(text="slow"))
    assert tab.search(visitor, None, *boxes(text="a boat"))[tab.last_query].text == "a boat"
    held.let_go.set()
    updates = refill.result(PATIENCE)
    assert leaves_what_was_asked(updates)
    assert updates[tab.seen] == (id(other), "secret")
    held.let_go.clear()
    # Asked of what is open now, just before; also where the browser has not told of the answer yet.
    visitor = opened()
    question = held.start(tab.search, visitor, None, *boxes(text="slow"))
    assert leaves_what_was_asked(tab.reopen(other, visitor, seen, None))
    held.let_go.set()
    assert question.result(PATIENCE)[tab.last_query].text == "slow"
    assert leaves_what_was_asked(tab.reopen(other, visitor, seen, None))
    held.let_go.clear()
    # Asked of what was open before: it is asked again, and the answer of before is dropped.
    visitor = Visitor()
    question = held.start(tab.search, visitor, None, *boxes(text="slow"))
    visitor.open(other)
    held.let_go.set()
    again = tab.reopen(other, visitor, seen, None)
    assert again[tab.last_query].text == "slow"
    assert 'src="picture/secret/card/0"' in again[tab.results]
    assert visitor.query is not None
