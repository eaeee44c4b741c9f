"""A person who reads the study: the index opens sections, figures are drawn then, tables scroll in their boxes."""

from __future__ import annotations

import pytest
from browsing import Browser, expect, visit, wait_until_it_fits
from serving import Server

MAIN = "#benchmark-study [data-section=main]"
DRAWN = f"{MAIN} .study-plot .plot[data-drawn]"
WIDER = """
[...document.querySelectorAll("#benchmark-study details[open] .scroll")].map((box) => box.scrollWidth > box.clientWidth)
"""


@pytest.mark.parametrize(("width", "dark"), [(390, True), (1440, False)])
def test_a_section_opens_from_the_index(browser: Browser, pocket_server: Server, width: int, dark: bool) -> None:
    with visit(browser, f"{pocket_server.url}/?tab=benchmark", width=width, dark=dark) as page:
        expect(page.locator("#benchmark-study summary").first).to_be_visible()
        assert page.locator(".study-plot [data-drawn]").count() == 0, "nothing is drawn that nobody looks at"
        page.locator("[data-study=main]").click()
        expect(page.locator(f"{MAIN} table").first).to_be_visible()
        expect(page.locator(DRAWN)).to_have_count(page.locator(f"{MAIN} .study-plot").count())
        expect(page.locator(f"{MAIN} summary")).to_be_focused()
        wait_until_it_fits(page)
        assert any(page.evaluate(WIDER)) == (width == 390)
        page.keyboard.press("Enter")
        expect(page.locator(f"{MAIN} table").first).not_to_be_visible()
