"""Several results at once: selected by mouse and keyboard, downloaded, asked with, steered away from, collected."""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from browsing import CARDS, QUERY, Browser, Page, ask, expect, open_tab, visit, wait_until_it_fits
from serving import Server

from algcn.datasets.image_folder import read_image_folder

SHOWN = "#results .pictures li:not([hidden])"
BAR = ".selection-bar"


@pytest.fixture
def page(browser: Browser, tiny_server: Server) -> Iterator[Page]:
    with visit(browser, tiny_server.url) as page:
        ask(page, "a dog on the beach")
        yield page


def details(page: Page) -> list[dict]:
    cards = page.eval_on_selector_all(f"{SHOWN} > .hit-card", "cards => cards.map(card => card.dataset.details)")
    return [json.loads(card) for card in cards]


def files(page: Page) -> list[str]:
    return [card["file"] for card in details(page)]


def pick(page: Page, number: int, **options: object) -> None:
    page.locator(SHOWN).nth(number).hover()
    page.locator(f"{SHOWN} > .pick").nth(number).click(**options)


def expect_selected(page: Page, count: int) -> None:
    words = f"{count} picture{'s' if count != 1 else ''} selected"
    expect(page.locator(BAR).get_by_role("status")).to_have_text(words)


def test_clicks_shift_and_keys_select(page: Page) -> None:
    expect(page.locator(BAR)).to_have_count(0)
    pick(page, 0)
    expect_selected(page, 1)
    pick(page, 3, modifiers=["Shift"])
    expect_selected(page, 4)
    page.locator(f"{SHOWN} > .pick").nth(1).focus()
    page.keyboard.press("Space")
    expect_selected(page, 3)
    page.locator(f"{SHOWN} > .hit-card").nth(4).focus()
    page.keyboard.press("x")
    expect_selected(page, 4)
    ask(page, "a boat")  # they stay selected wherever they are now
    expect_selected(page, 4)
    assert page.locator(f"{SHOWN} > .pick:checked").count() >= 3
    page.locator(f"{SHOWN} > .hit-card").first.focus()
    page.keyboard.press("Escape")
    expect(page.locator(BAR)).to_have_count(0)
    expect(page.locator(".pick:checked")).to_have_count(0)


def test_they_are_downloaded_with_their_rows_and_read_back(page: Page, tmp_path: Path) -> None:
    chosen = details(page)[:3]
    pick(page, 0)
    pick(page, 2, modifiers=["Shift"])
    with page.expect_download() as download:
        page.locator(BAR).get_by_role("button", name="Download").click()
    assert download.value.suggested_filename == "selected-pictures.zip"
    with zipfile.ZipFile(download.value.path()) as archive:
        archive.extractall(tmp_path)
    folder = read_image_folder(tmp_path / "selected-pictures")
    rows = [(item.file_name, item.texts, item.labels or []) for item in folder.items]
    assert rows == [(card["file"], card["captions"], [] if card["predicted"] else card["labels"]) for card in chosen]


def test_more_like_these_and_less_like_those(browser: Browser, page: Page) -> None:
    chosen = files(page)[:2]
    pick(page, 0)
    pick(page, 1)
    page.get_by_role("button", name="More like these").click()
    expect(page.locator(".asked")).to_have_text("More like these 2 pictures")
    expect(page.locator(BAR)).to_have_count(0)
    expect(page.locator(QUERY)).to_have_value("")
    expect(page.locator("#query-picture img")).to_be_visible()
    assert not set(chosen) & set(files(page))
    assert parse_qs(page.url.split("?")[1]) == {"like": chosen}
    unwanted = files(page)[0]
    pick(page, 0)
    page.get_by_role("button", name="Less like these").click()
    expect(page.locator(".unlike img")).to_have_count(1)
    assert unwanted not in files(page)
    assert parse_qs(page.url.split("?")[1]) == {"like": chosen, "unlike": [unwanted]}
    with visit(browser, page.url) as other:
        expect(other.locator(".unlike img")).to_have_count(1)
        assert files(other) == files(page)
    more = files(page)[0]
    pick(page, 0)
    page.get_by_role("button", name="More like these").click()
    expect(page.locator(".asked")).to_have_text("More like these 3 pictures")
    assert parse_qs(page.url.split("?")[1]) == {"like": [*chosen, more], "unlike": [unwanted]}
    page.get_by_role("button", name="Stop steering away from pictures").click()
    expect(page.locator(".unlike")).to_have_count(0)
    assert unwanted in files(page)
    page.locator("#query-picture button[aria-label='Remove Image']").click()
    ask(page, "a boat")
    expect(page.locator(".asked-picture")).to_have_count(0)


def test_words_are_steered_away_from_pictures(page: Page) -> None:
    unwanted = files(page)[0]
    pick(page, 0)
    page.get_by_role("button", name="Less like these").click()
    expect(page.locator(".unlike img")).to_have_count(1)
    expect(page.locator(".asked")).to_have_text("“a dog on the beach”")
    assert unwanted not in files(page)
    ask(page, "a dog at night")
    expect(page.locator(".unlike img")).to_have_count(1)


def test_they_are_added_to_ones_collection_and_the_search_stays(page: Page) -> None:
    searched = files(page)
    pick(page, 0)
    pick(page, 1)
    page.get_by_role("button", name="Add to my collection").click()
    notice = page.locator("#selection-notice")
    expect(notice).to_contain_text(re.compile(r"2 pictures and \d captions? were added to your collection"))
    assert files(page) == searched
    page.get_by_role("button", name="Add to my collection").click()
    expect(notice).to_contain_text("your collection has these pictures already")
    pick(page, 2)
    expect(notice).to_be_hidden()
    page.get_by_role("button", name="Add to my collection").click()
    expect(notice).to_contain_text("1 picture and")
    open_tab(page, "Collections")
    expect(page.locator("#collect-view img")).to_have_count(3)
    page.get_by_role("button", name="Search my pictures again").click()
    open_tab(page, "Search")
    expect(page.locator(CARDS)).to_have_count(3)
    expect(page.locator(BAR)).to_have_count(0)  # these are other pictures


def test_a_picture_that_is_gone_is_one_sentence(
    browser: Browser, tiny_bundle_dir: Path, tiny_gallery_dir: Path, tmp_path: Path
) -> None:
    from here import serve_here

    from app.service import load_service

    gallery = shutil.copytree(tiny_gallery_dir, tmp_path / "gallery")
    with serve_here(load_service(tiny_bundle_dir, gallery), tmp_path) as (url, _), visit(browser, url) as page:
        ask(page, "a dog")
        gone = gallery / files(page)[0]
        pick(page, 0)
        expect(page.locator(f"{BAR} img")).to_have_js_property("complete", True)
        gone.unlink()
        page.locator(BAR).get_by_role("button", name="Download").click()
        expect(page.locator("#selection-notice")).to_contain_text(f"The picture {gone.name} is not there any more")


def test_on_a_phone_the_checks_are_there_and_the_bar_fits(browser: Browser, tiny_server: Server) -> None:
    with visit(browser, tiny_server.url, width=390, touch=True) as page:
        ask(page, "a dog")
        page.locator(f"{SHOWN} > .pick").first.tap()
        expect_selected(page, 1)
        box = page.locator(BAR).bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= 390
        wait_until_it_fits(page)
