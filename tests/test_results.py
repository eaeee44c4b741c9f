"""What a gallery, a bundle or a visitor says is shown as text, whatever it looks like."""

from __future__ import annotations

import html
import json
from html.parser import HTMLParser

import pytest
from PIL import Image
from serving import HOSTILE_CAPTIONS, HOSTILE_FILE, HOSTILE_LABEL

from app.components.results import (
    beats,
    item_query,
    picture_query,
    render_error,
    render_results,
    text_query,
)
from app.service import Hit, LabelScore, SearchResult


class Page(HTMLParser):
    """Tags with their attributes, and the text between them."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def hit(rank: int = 1, **values: object) -> Hit:
    defaults = {
        "item": 0,
        "file": HOSTILE_FILE,
        "text": HOSTILE_CAPTIONS[0],
        "captions": HOSTILE_CAPTIONS,
        "labels": ("boat", HOSTILE_LABEL),
        "matched_labels": (HOSTILE_LABEL,),
        "labels_are_predicted": False,
        "score": 0.5,
        "percentile": 99.96,
    }
    return Hit(rank=rank, **{**defaults, **values})


def answer(*hits: Hit, notice: str | None = HOSTILE_CAPTIONS[1]) -> SearchResult:
    return SearchResult(list(hits), list(hits), [LabelScore(HOSTILE_LABEL, 0.4)], notice, 0.012)


def test_nothing_that_others_wrote_becomes_markup() -> None:
    query = text_query(HOSTILE_CAPTIONS[1])
    page = Page(render_results(answer(hit(), hit(2, text="", captions=())), query, (100, 200), 24))
    allowed = {
        "section", "header", "div", "span", "p", "ul", "li", "button", "h2", "img", "small", "footer",
    }  # fmt: skip
    assert {tag for tag, _ in page.tags} <= allowed
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    sources = {attributes["src"] for tag, attributes in page.tags if tag == "img"}
    assert sources == {"picture/card/0"}
    for text in (*HOSTILE_CAPTIONS[:1], HOSTILE_CAPTIONS[1], HOSTILE_LABEL, HOSTILE_FILE):
        assert text in page.text
    alts = {attributes["alt"] for tag, attributes in page.tags if tag == "img"}
    assert alts == {"", HOSTILE_CAPTIONS[0], HOSTILE_FILE}, "a row's picture stands beside its text"


def test_the_details_of_a_result_survive_the_attribute() -> None:
    page = Page(render_results(answer(hit()), "", (100, 200), 24))
    details = [json.loads(attributes["data-details"]) for _, attributes in page.tags if "data-details" in attributes]
    assert len(details) == 2
    assert details[0]["captions"] == list(HOSTILE_CAPTIONS)
    assert details[0]["labels"] == ["boat", HOSTILE_LABEL]
    assert details[0]["file"] == HOSTILE_FILE
    assert details[0]["beats"] == "beats 99.9 %"


def test_matched_labels_come_first_and_the_rest_is_counted() -> None:
    labels = ("a", "b", "c", "d", "e", "f")
    page = render_results(answer(hit(labels=labels, matched_labels=("f",))), "", (100, 200), 24)
    assert '<span class="chip match">f</span><span class="chip">a</span>' in page
    assert '<span class="chip rest">+2</span>' in page
    assert 'class="chips predicted"' in render_results(answer(hit(labels_are_predicted=True)), "", (1, 1), 24)


@pytest.mark.parametrize(("percentile", "words"), [(99.96, "99.9"), (0, "0.0"), (50, "50.0"), (99.99999, "99.9")])
def test_nothing_beats_the_whole_gallery(percentile: float, words: str) -> None:
    assert beats(percentile) == f"beats {words} %"


def test_more_is_offered_only_while_there_is_more() -> None:
    def offered(sizes: tuple[int, int], limit: int) -> bool:
        return 'data-action="more"' in render_results(answer(hit()), "", sizes, limit)

    assert offered((25, 3), 24)
    assert not offered((24, 24), 24)
    assert not offered((10_000, 0), 500), "as much as the service gives"


def test_an_answer_without_texts_or_labels_says_so() -> None:
    page = Page(render_results(SearchResult([hit()], [], [], None, 1.5), "", (1, 0), 24)).text
    assert "This gallery has no captions." in page
    assert "No label of this model stands out" in page
    assert "ranked in 1.5 s" in page


def test_queries_are_shown_short_and_as_text() -> None:
    assert text_query("<b>") == '<span class="asked">“&lt;b&gt;”</span>'
    assert len(html.unescape(text_query("dog " * 2500))) < 250
    shown = Page(picture_query(Image.new("RGB", (3000, 20)), "<i>"))
    assert shown.text == "<i>"
    assert shown.tags[0][1]["src"].startswith("data:image/jpeg;base64,")
    assert len(shown.tags[0][1]["src"]) < 20_000
    assert Page(item_query(7, "like")).tags[0][1]["src"] == "picture/card/7"
    assert Page(render_error("<b>no</b>")).text == "<b>no</b>"
