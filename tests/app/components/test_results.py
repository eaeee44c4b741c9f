"""What a gallery, a bundle or a visitor says is shown as text, whatever it looks like."""

from __future__ import annotations

import dataclasses
import json
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hostile.texts import HOSTILE, check_harmless
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from serving import HOSTILE_CAPTIONS, HOSTILE_FILE, HOSTILE_LABEL

from algcn.bundles.predictor import LabelScore, SharedLabel
from app.components.cards import beats, chance, rounded, thumbnail
from app.components.download import csv_download
from app.components.examples import chosen_index, render_examples
from app.components.results import render_error, render_hint, render_results
from app.search.query import Query
from app.search.results import NOTHING, Found, Hit, SearchResult, Shares
from app.search.written import Said


class Page(HTMLParser):
    """Tags with their attributes, and the text between them."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(str(markup))
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
        "picture_cosines": (0.6, 0.3),
        "shares": Shares(common=0.3, labels=0.25, encoder=-0.15, written=0.1),
        "says": (Said(HOSTILE_LABEL, "label"), Said("boat", "caption")),
        "looks": (HOSTILE_LABEL,),
        "shared_labels": (SharedLabel(HOSTILE_LABEL, 0.2),),
    }
    return Hit(rank=rank, **{**defaults, **values})


def found(*hits: Hit, more: bool = False, best: float | None = 99.0, cutoff_by: str = "percentile") -> Found:
    return Found(list(hits), len(hits), len(hits), cutoff_by, best, more)


def answer(*hits: Hit, notice: str | None = HOSTILE_CAPTIONS[1], query: Query | None = None, **values: object) -> str:
    """A page of results, the same for pictures and captions."""
    result = SearchResult(
        query=query or Query(text=HOSTILE_CAPTIONS[1]),
        point=None,
        pictures=values.get("pictures", found(*hits)),
        captions=values.get("captions", found(*hits)),
        beside=values.get("beside"),
        query_labels=values.get("query_labels", [LabelScore(HOSTILE_LABEL, 0.4)]),
        notice=notice,
        remark=values.get("remark"),
        seconds=values.get("seconds", 0.012),
        chance=values.get("chance"),
        suggestion=values.get("suggestion"),
    )
    return render_results(result, "picture/key", (100, 200), 'q="><script>', index=values.get("index", ""))


def test_nothing_that_others_wrote_becomes_markup() -> None:
    query = Query(
        text=HOSTILE_CAPTIONS[1], item=3, without=HOSTILE_CAPTIONS[0], labels=(HOSTILE_LABEL, "boat"), cutoff=10
    )
    folded = hit(3, near_duplicates=(hit(3),), folded=2)
    pages = [
        answer(hit(other_rank=3), hit(2, text="", captions=()), folded, query=query),
        answer(hit(other_rank=3), query=query, beside=(found(hit(other_rank=1)), found())),
        answer(query=query, pictures=found(best=None), captions=found(best=3.0)),
    ]
    allowed = {
        "section", "header", "div", "span", "p", "ul", "li", "button", "h2", "img", "small", "footer", "b", "input",
    }  # fmt: skip
    for page in map(Page, pages):
        assert {tag for tag, _ in page.tags} <= allowed
        assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
        assert {a["src"] for tag, a in page.tags if tag == "img"} <= {"picture/key/card/0", "picture/key/card/3"}
        assert {a["data-address"] for _, a in page.tags if "data-address" in a} == {'q="><script>'}
        assert {a["data-label"] for _, a in page.tags if "data-label" in a} >= {HOSTILE_LABEL}
    page = Page(pages[0])
    for text in (*HOSTILE_CAPTIONS, HOSTILE_LABEL, HOSTILE_FILE):
        assert text in page.text
    alts = {attributes["alt"] for tag, attributes in page.tags if tag == "img"}
    assert alts == {"", HOSTILE_CAPTIONS[0], HOSTILE_FILE}, "a row's picture stands beside its text"


@pytest.mark.parametrize("text", HOSTILE)
def test_a_template_in_the_data_is_text(text: str) -> None:
    one = hit(text=text, file=text, captions=(text,), labels=(text, "boat"), matched_labels=(text,))
    query = Query(text=text, without=text, labels=(text,))
    markup = answer(one, hit(2, labels=("sea",)), query=query, notice=text, query_labels=[LabelScore(text, 0.4)])
    page = Page(markup)
    check_harmless(markup, text, f"“{text}”", f"not “{text}”")
    assert page.text.count(text) >= 8
    details = [json.loads(attributes["data-details"]) for _, attributes in page.tags if "data-details" in attributes]
    assert details[0]["captions"] == [text]


def test_the_details_of_a_result_survive_the_attribute() -> None:
    page = Page(answer(hit(probability=0.873, caption_cosines=(0.7, 0.2))))
    details = [json.loads(attributes["data-details"]) for _, attributes in page.tags if "data-details" in attributes]
    assert len(details) == 2
    assert details[0]["captions"] == list(HOSTILE_CAPTIONS)
    assert details[0]["labels"] == ["boat", HOSTILE_LABEL]
    assert details[0]["file"] == HOSTILE_FILE
    assert details[0]["beats"] == "beats 99.9 %"
    assert details[0]["chance"] == "87 %"
    assert details[0]["picture"] == "picture/key/large/0"
    assert details[0]["cosines"] == [["Picture", "0.600", "0.300"], ["Caption", "0.700", "0.200"]]
    assert details[0]["says"] == [f"{HOSTILE_LABEL} (given label)", "boat (caption)"]
    assert details[0]["looks"] == [HOSTILE_LABEL]
    assert (details[0]["score"], details[0]["shares"]) == (
        "0.500",
        [
            [HOSTILE_LABEL, 0.2],
            ["other labels", 0.05],
            ["common space", 0.3],
            ["encoder", -0.15],
            ["what is written", 0.1],
        ],
    )


def test_a_card_tells_what_says_so_from_what_looks_so() -> None:
    page = Page(answer(hit()))
    assert page.text.count(f"says so {HOSTILE_LABEL}, boat") == page.text.count(f"looks so {HOSTILE_LABEL}") == 2
    neither = Page(answer(hit(says=(), looks=())))
    assert "says so" not in neither.text and "looks so" not in neither.text


def test_where_everything_was_left_out_that_is_said() -> None:
    nothing = dataclasses.replace(found(best=None), left_out=7)
    page = Page(answer(query=Query(text="a", without="b", away=1), pictures=nothing, captions=nothing))
    assert page.text.count("steer less strongly") == 2


def test_of_the_encoder_alone_no_sum_is_shown() -> None:
    page = Page(answer(hit(shares=NOTHING, shared_labels=())))
    details = [json.loads(attributes["data-details"]) for _, attributes in page.tags if "data-details" in attributes]
    assert details[0]["shares"] == []


@given(st.lists(st.floats(-20, 20), min_size=1, max_size=9), st.integers(0, 4))
def test_rounded_values_sum_to_their_rounded_sum(values: list[float], decimals: int) -> None:
    found = rounded(values, decimals)
    assert sum(found) == pytest.approx(round(sum(values) * 10**decimals) / 10**decimals, abs=1e-9)
    assert all(abs(new - old) <= 10**-decimals for new, old in zip(found, values, strict=True))


def test_the_parts_of_a_score_sum_to_what_is_shown() -> None:
    assert rounded([0.3334, 0.3334, 0.3334], 3) == [0.334, 0.333, 0.333]
    assert rounded([1.0, 0.25, -0.05], 3) == [1.0, 0.25, -0.05]


def test_matched_labels_come_first_and_the_rest_is_counted() -> None:
    labels = ("a", "b", "c", "d", "e", "f")
    page = answer(hit(labels=labels, matched_labels=("f",)))
    assert '<span class="chip match">f</span><span class="chip">a</span>' in page
    assert '<span class="chip rest">+2</span>' in page
    assert 'class="chips predicted"' in answer(hit(labels_are_predicted=True))


@pytest.mark.parametrize(("probability", "words"), [(1.0, "99 %"), (0.0, "1 %"), (0.005, "1 %"), (0.503, "50 %")])
def test_nothing_is_certain(probability: float, words: str) -> None:
    assert chance(probability) == words


@pytest.mark.parametrize(("percentile", "words"), [(99.96, "99.9"), (0, "0.0"), (50, "50.0"), (99.99999, "99.9")])
def test_nothing_beats_the_whole_gallery(percentile: float, words: str) -> None:
    assert beats(percentile) == f"beats {words} %"


def test_more_is_offered_only_while_there_is_more() -> None:
    for pictures, captions, offered in ((True, False, True), (False, True, True), (False, False, False)):
        page = answer(pictures=found(hit(), more=pictures), captions=found(hit(), more=captions))
        assert ('data-action="more"' in page) == offered
    assert 'data-action="more"' in answer(hit(), beside=(found(hit(), more=True), found()))


def test_an_answer_without_texts_or_labels_says_so() -> None:
    page = Page(answer(hit(), captions=found(best=None), query_labels=[], seconds=1.5)).text
    assert "This gallery has no captions." in page
    assert "No label of this model stands out" in page
    assert "ranked in 1.5 s" in page
    assert "index" not in page


def test_an_index_that_named_the_results_is_said() -> None:
    words = "an index of 256 cells, which finds 99.7 % of the best 50 of an exact search"
    page = Page(answer(hit(), seconds=0.2, index=words)).text
    assert f"100 pictures and 200 captions searched in 200 ms by {words}" in " ".join(page.split())
    assert "ranked in" not in page


def test_nothing_that_matches_says_why_and_offers_a_way_out() -> None:
    cut = Query(text="x", cutoff=80, labels=("a", "b"), match="all")
    unlikely = dataclasses.replace(found(best=42.4, cutoff_by="probability"), cutoff=80)
    captions = dataclasses.replace(found(best=71.25), cutoff=80)
    page = answer(query=cut, pictures=unlikely, captions=captions, chance="of showing boat")
    text = Page(page).text
    assert "The best has a 42 % chance of showing boat; you asked for 80 %." in text
    assert "The best beats 71.2 % of the gallery; you asked for 80 %." in text
    assert page.count('data-action="uncut"') == 2
    page = answer(query=cut, pictures=found(best=None), captions=found(best=None))
    assert "Nothing to search. No picture has all of: a, b." in Page(page).text
    assert page.count('data-action="unlabel"') == 2


def test_a_cut_off_of_the_models_own_is_named_and_what_is_below_it_offered() -> None:
    usual = Query(text="x", cutoff=None)
    nothing = dataclasses.replace(found(best=12.0, cutoff_by="probability"), cutoff=25)
    page = answer(query=usual, pictures=nothing, captions=nothing, chance="of showing boat")
    assert "The best has a 12 % chance of showing boat; results are shown from 25 % on." in Page(page).text
    some = Found([hit()], 1, 1200, "probability", 90.0, False, 25)
    page = answer(query=usual, pictures=some, captions=some, chance="of showing boat")
    assert "1,199 more pictures are below 25 %." in Page(page).text
    assert page.count('data-action="uncut"') == 1


def test_a_misspelt_query_is_offered_corrected() -> None:
    page = answer(hit(), suggestion='a <i>"giraffe"</i>')
    assert 'Did you mean a <i>"giraffe"</i>?' in Page(page).text and "<i>" not in page
    assert 'data-action="correct"' in page and 'data-action="correct"' not in answer(hit())


def test_near_duplicates_are_counted_and_hidden_behind() -> None:
    page = Page(answer(pictures=found(hit(near_duplicates=(hit(), hit()), folded=5), hit(2))))
    assert "+5 near-duplicates" in page.text
    assert [a for tag, a in page.tags if tag == "li" and a.get("class") == "behind"] == [
        {"class": "behind", "hidden": None}
    ] * 2
    assert "+1 near-duplicate<" in answer(hit(near_duplicates=(hit(),), folded=1))


def test_ranks_beside_the_encoder_say_who_gained() -> None:
    hits = hit(2, other_rank=9), hit(3, other_rank=3), hit(4, other_rank=1)
    text = Page(answer(pictures=found(*hits), beside=(found(), found()))).text
    for words in ("Rank 2, encoder 9 ▲ 7", "Rank 3, encoder 3 =", "Rank 4, encoder 1 ▼ 3"):
        assert words in text
    assert "Rank" not in Page(answer(hit(2, other_rank=9))).text


def test_labels_of_the_results_narrow_and_chosen_ones_can_go() -> None:
    hits = [hit(rank, labels=("sea", "dog") if rank < 3 else ("sea", "cat")) for rank in (1, 2, 3)]
    page = Page(answer(*hits, query=Query(text="x", labels=("Cat",), match="none")))
    chips = [a["data-label"] for _, a in page.tags if a.get("data-action") == "label"]
    assert chips == ["Cat", "dog"], "what all results have narrows nothing, and what was chosen is offered once"
    assert "Without" in page.text


def test_a_picture_of_ones_own_is_not_linked_and_that_is_said(tmp_path: Path) -> None:
    path = tmp_path / "own.png"
    Image.new("RGB", (3000, 20)).save(path)
    alone, mixed = answer(hit(), query=Query(picture=path)), answer(hit(), query=Query(picture=path, text="dog"))
    assert 'data-action="copy"' not in alone
    assert "A picture of your own cannot be linked." in alone
    assert 'data-action="copy"' in mixed
    assert "the rest of the query can" in mixed
    assert "50 % picture, 50 % words" in mixed
    assert "cannot be linked" not in answer(hit())


def test_queries_are_shown_short_and_as_text(tmp_path: Path) -> None:
    shown = Page(answer(query=Query(text="dog " * 2500))).text
    assert "“dog dog" in shown
    assert len(shown) < 800
    path = tmp_path / "own.png"
    Image.new("RGB", (3000, 20)).save(path)
    source = thumbnail(path)
    assert source.startswith("data:image/jpeg;base64,")
    assert len(source) < 20_000
    Image.new("RGB", (20, 300), "red").save(path)
    assert thumbnail(path) != source, "another picture under the same name"
    assert Page(render_error("<b>no</b>")).text == "<b>no</b>"
    assert Page(render_hint("<b>yes</b>")).text == "<b>yes</b>"


def test_examples_are_text_and_their_indices_are_checked() -> None:
    assert "or</span>" not in render_examples([], [4], "picture/key"), "without captions there are no words to try"
    page = Page(render_examples([HOSTILE_CAPTIONS[0]], [4], "picture/key"))
    assert HOSTILE_CAPTIONS[0] in page.text
    assert [a["src"] for tag, a in page.tags if tag == "img"] == ["picture/key/card/4"]
    assert chosen_index({"index": 1}, 2) == 1
    for index in (-1, 2, True, "0", None, 0.0, [0]):
        assert chosen_index({"index": index}, 2) is None


def test_two_equal_downloads_are_two() -> None:
    first, second = csv_download("a.csv", "x"), csv_download("a.csv", "x")
    assert (first["name"], first["text"]) == ("a.csv", "x")
    assert first != second
