"""A person who looks around: every tab opens, at any width and by night, and a link opens the tab that it names."""

from __future__ import annotations

import pytest
from browsing import Browser, expect, open_tab, visit, wait_until_it_fits
from serving import Server

# Something that only the filled tab has.
TABS = {
    "Search": "#examples .try-words button",
    "Labels": "#label-graph .plot[data-drawn]",
    "Classifiers": "#classifiers-plot-0 .plot[data-drawn]",
    "Gallery map": "#map-plot .plot[data-drawn]",
    "Benchmark": "#benchmark-head table",
    "Train": "#train-data p",
    "Collections": "#tab-collections h2",
}


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
