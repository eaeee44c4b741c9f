"""A person who looks around: every tab opens, at any width and by night, and a link opens the tab that it names."""

from __future__ import annotations

import re

import pytest
from browsing import TABS, Browser, expect, open_tab, visit, wait_until_it_fits
from serving import Server


@pytest.mark.parametrize(("width", "dark"), [(390, False), (1440, True)])
def test_every_tab_opens_and_fits(browser: Browser, pocket_server: Server, width: int, dark: bool) -> None:
    with visit(browser, pocket_server.url, width=width, dark=dark) as page:
        for name, content in TABS.items():
            open_tab(page, name)
            expect(page.locator(content).first).to_be_visible()
            wait_until_it_fits(page)


def test_a_link_opens_its_tab_and_every_tab_is_there_once(browser: Browser, pocket_server: Server) -> None:
    with visit(browser, f"{pocket_server.url}/?tab=benchmark") as page:
        expect(page.locator(TABS["Benchmark"]).first).to_be_visible()
        expect(page.get_by_role("tab").locator("visible=true")).to_have_text(list(TABS))
        open_tab(page, "Labels")
        expect(page.locator(TABS["Labels"])).to_be_visible()
        page.wait_for_function("new URL(location).searchParams.get('tab') === 'labels'")
        open_tab(page, "Search")
        page.wait_for_function("!new URL(location).searchParams.has('tab')")


def test_a_phone_shows_all_tabs(browser: Browser, pocket_server: Server) -> None:
    with visit(browser, pocket_server.url, width=390) as page:
        for name in TABS:
            place = page.get_by_role("tab", name=name, exact=True).bounding_box()
            assert place["x"] >= 0 and place["x"] + place["width"] <= 390, name
        assert page.locator(".overflow-menu:visible").count() == 0


@pytest.mark.parametrize("width", [390, 1440])
def test_the_index_of_the_benchmark_follows(browser: Browser, pocket_server: Server, width: int) -> None:
    with visit(browser, f"{pocket_server.url}/?tab=benchmark", width=width) as page:
        links = page.locator(".page-index button")
        expect(links.last).to_have_text("In plain words")
        headings = page.locator("#tab-benchmark section h2")
        expect(links).to_have_text([re.compile(re.escape(text.strip())) for text in headings.all_inner_texts()])
        expect(links.first).to_have_attribute("aria-current", "true")
        for place in (4, 1):
            links.nth(place).click()
            expect(links.nth(place)).to_have_attribute("aria-current", "true")
            expect(page.locator(".page-index [aria-current]")).to_have_count(1)
            expect(headings.nth(place)).to_be_focused()
            expect(headings.nth(place)).to_be_in_viewport()
            expect(links.nth(place)).to_be_in_viewport()
            index, heading = page.locator(".page-index").bounding_box(), headings.nth(place).bounding_box()
            beside = index["x"] + index["width"] <= heading["x"]
            above = index["y"] + index["height"] <= heading["y"]
            assert beside if width > 820 else above, "the index covers no heading"


@pytest.mark.parametrize("name", ["Train", "Collections"])
def test_an_empty_tab_uses_its_width(browser: Browser, pocket_server: Server, name: str) -> None:
    with visit(browser, pocket_server.url) as page:
        open_tab(page, name)
        frames = page.locator(f"#tab-{name.lower()} .preview-frame")
        expect(frames.first).to_be_visible()
        boxes = [frame.bounding_box() for frame in frames.all()]
        assert max(box["x"] + box["width"] for box in boxes) > 1380
        assert not re.search(r"\d", "".join(frames.all_inner_texts())), "a preview promises no numbers"
