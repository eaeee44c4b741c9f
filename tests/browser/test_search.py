"""A person who refines a search: mixed and steered queries, labels, cut-offs, comparison, links, and a file to keep."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs

import pytest
import torch
from browsing import (
    CARDS,
    QUERY,
    ROWS,
    Browser,
    Page,
    ask,
    drop_picture,
    expect,
    open_tab,
    upload,
    visit,
    wait_until_it_fits,
)
from here import serve_here
from serving import HOSTILE_CAPTIONS, Server

from algcn.bundles.bundle import Bundle
from algcn.bundles.saving import update_bundle
from algcn.evaluation.probabilities import PlattScale
from algcn.evaluation.ranking import BALANCED, Ranking, Weights
from app.service import load_service

SHOWN = "#results .pictures li:not([hidden]) > .hit-card"


@pytest.fixture(scope="module")
def page(browser: Browser, tiny_server: Server) -> Iterator[Page]:
    """One visit; every test starts from a page without refinements."""
    with visit(browser, tiny_server.url) as page:
        yield page


@pytest.fixture(autouse=True)
def _plain(request: pytest.FixtureRequest) -> None:
    if "page" not in request.fixturenames:
        return
    page = request.getfixturevalue("page")
    drop_picture(page)
    page.fill("#without input", "")
    if page.locator("#beside input").is_checked():
        page.locator("#beside input").click()
    page.check("#written input")
    cut(page, 0)
    while page.locator(".narrow .chip.match").count():
        before = page.locator(".narrow .chip.match").count()
        page.locator(".narrow .chip.match").first.click()
        expect(page.locator(".narrow .chip.match")).to_have_count(before - 1)


def cut(page: Page, percent: int) -> None:
    page.fill("#cutoff input[type=number]", str(percent))
    page.press("#cutoff input[type=number]", "Enter")


def address(page: Page) -> dict[str, list[str]]:
    return parse_qs(page.evaluate("window.location.search.slice(1)"))


def details(page: Page) -> list[dict]:
    return page.eval_on_selector_all(SHOWN, "cards => cards.map(card => JSON.parse(card.dataset.details))")


def test_words_and_a_picture_are_mixed_by_a_weight(page: Page, tiny_gallery_dir: Path) -> None:
    ask(page, "a street at night")
    expect(page.locator("#weight")).to_be_hidden()
    upload(page, tiny_gallery_dir / "beach_dog.webp")
    expect(page.locator(".query .fine")).to_have_text("50 % picture, 50 % words")
    expect(page.locator(".asked")).to_have_text("“a street at night”")
    expect(page.locator(".asked-picture")).to_be_visible()
    page.fill("#weight input[type=number]", "100")
    page.press("#weight input[type=number]", "Enter")
    expect(page.locator(".query .fine")).to_have_text("100 % picture, 0 % words")
    assert details(page)[0]["file"] == "beach_dog.webp"
    assert "cannot be linked; the rest" in page.locator(".summary").inner_text()
    assert address(page) == {"q": ["a street at night"]}
    drop_picture(page)
    expect(page.locator(".asked-picture")).to_have_count(0)
    expect(page.locator("#weight")).to_be_hidden()


def test_a_picture_alone_cannot_be_linked_and_that_is_said(page: Page, tiny_gallery_dir: Path) -> None:
    page.fill(QUERY, "")
    upload(page, tiny_gallery_dir / "street.jpg")
    expect(page.locator(".asked")).to_have_text("Your picture")
    expect(page.locator(".aside")).to_contain_text("A picture of your own cannot be linked.")
    expect(page.locator("[data-action=copy]")).to_have_count(0)
    page.wait_for_function("window.location.search === ''")


def test_unwanted_words_are_asked_by_enter_and_shown(page: Page) -> None:
    ask(page, "a boat at night")
    before = [card["score"] for card in details(page)]
    page.fill("#without input", "street, <b>dog</b>")
    page.press("#without input", "Enter")
    expect(page.locator(".away")).to_have_text("not “street, <b>dog</b>”")
    assert [card["score"] for card in details(page)] != before
    assert address(page)["not"] == ["street, <b>dog</b>"]


def test_labels_narrow_and_survive_a_new_search(page: Page) -> None:
    ask(page, "a boat at night")
    page.locator(".narrow .chip", has_text="night").click()
    expect(page.locator(".narrow .chip.match")).to_have_text("night ×")
    expect(page.locator(SHOWN)).to_have_count(2)
    ask(page, "a street")
    expect(page.locator(SHOWN)).to_have_count(2)
    page.locator(".narrow .chip:not(.match)", has_text="boat").click()
    expect(page.locator(".narrow .chip.match")).to_have_text(["night ×", "boat ×"])
    expect(page.locator(".narrow > span")).to_have_text("With any of")
    page.locator("#match label", has_text="all").click()
    expect(page.locator(SHOWN)).to_have_count(1)
    assert details(page)[0]["file"] == "night/boat.png"
    page.locator("#match label", has_text="none").click()
    expect(page.locator(".narrow > span")).to_have_text("Without")
    assert not [card for card in details(page) if {"night", "boat"} & set(card["labels"])]
    assert address(page)["label"] == ["night", "boat"]
    page.locator("#match label", has_text="any").click()
    expect(page.locator(".narrow > span")).to_have_text("With any of")


def test_a_label_in_the_details_narrows_too(page: Page) -> None:
    ask(page, "a car on a street")
    page.locator(SHOWN, has_text="A car on a street").click()
    page.locator("dialog.details .chips button", has_text="car").click()
    expect(page.locator("dialog.details")).to_be_hidden()
    expect(page.locator(SHOWN)).to_have_count(1)
    expect(page.locator("#labels")).to_contain_text("car")


def test_the_details_say_why_it_matched(page: Page) -> None:
    ask(page, "a car on a street")
    page.locator(SHOWN).first.click()
    dialog = page.locator("dialog.details")
    expect(dialog.locator("h3", has_text="Why it matched")).to_be_visible()
    card = details(page)[0]
    names = dialog.locator(".shared .name").all_inner_texts()
    assert names == [name for name, _ in card["shares"]] == ["common space", "encoder", "what is written"]
    shown = [float(text.replace("−", "-")) for text in dialog.locator(".shared small").all_inner_texts()]
    assert sum(shown) == pytest.approx(float(card["score"]), abs=1e-9)
    expect(dialog.locator(".key").first).to_have_text(f"The score {card['score']} is the sum of")
    assert dialog.locator(".cosines th ~ td").all_inner_texts() == [v for _, *values in card["cosines"] for v in values]
    page.keyboard.press("Escape")


def test_a_cut_off_may_leave_nothing_and_says_so(page: Page) -> None:
    ask(page, "a boat at night")
    cut(page, 99)
    expect(page.locator(".pictures .none")).to_contain_text(
        "Nothing here matches. The best beats 85.7 % of the gallery"
    )
    expect(page.locator(CARDS)).to_have_count(0)
    page.locator(".pictures [data-action=uncut]").click()
    expect(page.locator(CARDS)).to_have_count(7)
    expect(page.locator("#cutoff input[type=number]")).to_have_value("0")
    cut(page, 80)
    expect(page.locator(SHOWN)).to_have_count(1)


def test_copies_are_folded_and_can_be_seen(page: Page) -> None:
    ask(page, "a boat on a sunny beach")
    fold = page.locator(".fold").first
    hidden = page.locator(CARDS).count() - page.locator(SHOWN).count()
    assert hidden >= 1, "one file of this gallery is a copy of another"
    assert re.fullmatch(r"\+\d near-duplicates?", fold.inner_text())
    for fold in page.locator(".fold").all():
        fold.click()
    expect(page.locator(SHOWN)).to_have_count(7)
    assert page.locator(".fold").first.get_attribute("aria-expanded") == "true"
    page.locator(".fold").first.click()
    assert page.locator(SHOWN).count() < 7


def test_the_plain_encoder_beside_shows_what_moved(page: Page) -> None:
    ask(page, "a boat at night")
    page.locator("#beside input").click()
    titles = page.locator(".compared.pictures h2")
    expect(titles).to_have_text(["ALGCN 7", "Plain encoder 7"])
    left, right = (
        section.locator(".ranks").all_inner_texts() for section in page.locator(".compared.pictures section").all()
    )
    ours = dict(re.match(r"Rank (\d), encoder (\d)", text).groups() for text in left)
    theirs = dict(re.match(r"Rank (\d), ALGCN (\d)", text).groups() for text in right)
    assert ours == {other: rank for rank, other in theirs.items()}
    expect(page.locator(".compared.captions")).to_be_hidden()
    page.locator(".switch button", has_text="Captions").click()
    expect(page.locator(".compared.captions")).to_be_visible()
    expect(page.locator(ROWS)).to_have_count(16)
    page.locator(".switch button", has_text="Pictures").click()


def test_a_link_restores_the_query_in_another_browser(browser: Browser, page: Page) -> None:
    ask(page, "a boat & <i>more</i>")
    page.fill("#without input", "street")
    page.press("#without input", "Enter")
    expect(page.locator(".away")).to_be_visible()
    page.locator(".narrow .chip", has_text="boat").click()
    expect(page.locator(".narrow .chip.match")).to_have_text("boat ×")
    cut(page, 10)
    page.fill("#away input[type=number]", "85")
    page.press("#away input[type=number]", "Enter")
    page.wait_for_function("location.search.includes('away=0.85')")
    page.locator("#written input").click()
    page.wait_for_function("location.search.includes('written=0')")
    page.locator("#beside input").click()
    expect(page.locator(".compared").first).to_be_visible()
    page.wait_for_function("location.search.includes('cut=10') && location.search.includes('beside=1')")
    there = details(page)
    with visit(browser, page.url) as other:
        expect(other.locator(".compared").first).to_be_visible()
        assert details(other) == there
        expect(other.locator(QUERY)).to_have_value("a boat & <i>more</i>")
        expect(other.locator("#without input")).to_have_value("street")
        expect(other.locator("#away input[type=number]")).to_have_value("85")
        expect(other.locator("#written input")).not_to_be_checked()
        expect(other.locator("#cutoff input[type=number]")).to_have_value("10")
        expect(other.locator("#beside input")).to_be_checked()
        expect(other.locator("#labels")).to_contain_text("boat")
        assert address(other) == address(page)


def test_a_slider_goes_from_the_very_picture_to_the_same_subjects(
    browser: Browser, tiny_bundle_dir: Path, tiny_gallery_dir: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(tiny_bundle_dir, tmp_path / "tiny")
    count = len(Bundle.load(folder).label_set)
    scale = PlattScale(torch.full((count,), 3.0), torch.full((count,), -2.0))
    rule = Ranking(BALANCED, Weights(0.2, 0.8, 0.3), torch.ones(count))
    update_bundle(folder, probabilities={"image": scale, "text": scale}, ranking=rule)
    number = "#subjects input[type=number]"
    with serve_here(load_service(folder, tiny_gallery_dir), tmp_path) as (url, _), visit(browser, url) as page:
        expect(page.locator(number)).to_have_value("0.25")
        ask(page, "a boat at night")
        assert "subjects" not in address(page)
        page.fill(number, "4")
        page.press(number, "Enter")
        page.wait_for_function("location.search.includes('subjects=4')")
        first = {card["file"] for card in details(page)[:3]}
        assert first == {"beach.png", "night/boat.png", "night/street.png"}, "those that are labelled boat or night"
        page.locator(SHOWN).first.click()
        dialog = page.locator("dialog.details")
        shown = [float(text.replace("−", "-")) for text in dialog.locator(".shared small").all_inner_texts()]
        score = details(page)[0]["score"]
        assert sum(shown) == pytest.approx(float(score), abs=1e-9)
        bars = dialog.locator(".shared .bar i").evaluate_all("bars => bars.map(bar => bar.offsetWidth)")
        longest = shown.index(max(shown))
        for width, share in zip(bars, shown, strict=True):
            assert width == pytest.approx(bars[longest] * max(0, share) / shown[longest], abs=1.5)
        page.keyboard.press("Escape")
        with visit(browser, page.url) as other:
            expect(other.locator(number)).to_have_value("4")
            expect(other.locator(SHOWN).first).to_be_visible()
            assert details(other) == details(page)


def test_more_like_this_has_a_link_and_the_way_back_works(browser: Browser, page: Page) -> None:
    ask(page, "a car on a street")
    file = details(page)[0]["file"]
    page.locator(SHOWN).first.click()
    page.get_by_role("button", name="More like this").click()
    expect(page.locator(".asked")).to_have_text("More like this picture")
    expect(page.locator(QUERY)).to_have_value("")
    assert address(page) == {"like": [file]}
    with visit(browser, page.url) as other:
        expect(other.locator(".asked")).to_have_text("More like this picture")
        expect(other.locator("#query-picture img")).to_be_visible()
        assert details(other) == details(page)
    page.go_back()
    expect(page.locator(".asked")).to_have_text("“a car on a street”")
    expect(page.locator(QUERY)).to_have_value("a car on a street")
    page.go_forward()
    expect(page.locator(".asked")).to_have_text("More like this picture")
    open_tab(page, "Labels")
    page.go_back()
    expect(page.locator(".asked")).to_be_visible()
    expect(page.locator(".asked")).to_have_text("“a car on a street”")
    page.wait_for_function("!window.location.search.includes('tab=')")


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("like=../../../etc/passwd", "The gallery has no picture called"),
        ("q=boat&cut=nan", "cutoff must be a number from 0 to 100"),
        ("q=boat&subjects=-1", "labels_weight must be a number from 0 to 4"),
        ("q=boat&label=%3Cimg%20src=x%20onerror=alert(1)%3E", "No picture here has the label '<img src=x"),
    ],
)
def test_a_broken_link_is_one_sentence(browser: Browser, tiny_server: Server, query: str, sentence: str) -> None:
    with visit(browser, f"{tiny_server.url}/?{query}") as page:
        expect(page.get_by_role("alert").filter(has_text=sentence)).to_be_visible()
        expect(page.locator("#results h2")).to_have_text("Nothing searched yet")


def test_a_link_with_markup_is_text(browser: Browser, tiny_server: Server) -> None:
    with visit(browser, f"{tiny_server.url}/?tab=search&q=%3Cimg src=x onerror=window.hacked=1%3E") as page:
        expect(page.locator(".asked")).to_have_text("“<img src=x onerror=window.hacked=1>”")
        assert page.evaluate("window.hacked") is None


def test_the_link_can_be_copied(page: Page) -> None:
    ask(page, "a dog")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator("[data-action=copy]").click()
    expect(page.locator("[data-action=copy]")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == page.url


def test_results_are_saved_as_csv(page: Page) -> None:
    ask(page, "a dog on the beach")
    for _ in range(2):
        with page.expect_download() as download:
            page.locator("[data-action=export]").click()
        assert download.value.suggested_filename == "algcn-results.csv"
    text = Path(download.value.path()).read_bytes().decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["kind"] for row in rows] == ["picture"] * 7 + ["caption"] * 8
    assert {row["text"] for row in rows} >= {HOSTILE_CAPTIONS[0], "Sand, sea & <b>a dog</b>"}
    expect(page.locator(".asked")).to_have_text("“a dog on the beach”")


def test_a_slash_goes_to_the_search_box(page: Page) -> None:
    ask(page, "a dog")
    page.locator(SHOWN).first.focus()
    page.keyboard.press("/")
    expect(page.locator(QUERY)).to_be_focused()
    expect(page.locator(QUERY)).to_have_value("a dog")
    page.keyboard.press("End")
    page.keyboard.press("/")
    expect(page.locator(QUERY)).to_have_value("a dog/")


def test_on_a_phone_the_refinements_open(browser: Browser, tiny_server: Server) -> None:
    with visit(browser, tiny_server.url, width=390, dark=True) as page:
        ask(page, "a dog")
        expect(page.locator("#without input")).to_be_hidden()
        page.get_by_role("button", name="Refine").click()
        expect(page.locator("#without input")).to_be_visible()
        page.locator("#beside input").click()
        expect(page.locator(".compared.pictures")).to_be_visible()
        wait_until_it_fits(page)


def test_what_the_page_did_not_send_is_no_harm(page: Page) -> None:
    ask(page, "a boat")
    for label in ("'no such label'", "'<b>x</b>'"):
        chip = page.locator(".narrow .chip:not(.match)").first
        chip.evaluate(f"chip => {{ chip.dataset.label = {label} }}")
        chip.click()
        expect(page.get_by_role("alert").filter(has_text="No picture here has the label")).to_be_visible()
        ask(page, f"a boat {json.dumps(label)}")
        expect(page.locator("#notice .error")).to_be_hidden()
