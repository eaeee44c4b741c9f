"""A researcher at the Benchmark's mistakes: by a bar, by the choice, by the matrix, by an address, by the keyboard."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from browsing import CARDS, Browser, Page, expect, open_tab, visit, wait_until_it_fits
from serving import Server

PART, BARS = "#benchmark-mistakes .mistakes", "#benchmark-label-plot .plot"
CARD, TITLE = f"{PART} .mistakes-card", f"{PART} h3 em"
# Where the bar of a label is on the screen.
BAR = """
([selector, name]) => {
  const plot = document.querySelector(selector);
  const { left, top } = plot.getBoundingClientRect();
  const { xaxis, yaxis } = plot._fullLayout;
  const row = yaxis.ticktext.indexOf(name);
  return [left + xaxis._offset + xaxis.c2p(0.2), top + yaxis._offset + yaxis.c2p(row)];
}
"""
IN_SIGHT = "part => Math.abs(part.getBoundingClientRect().top) < 100"


@pytest.fixture(scope="module")
def page(browser: Browser, pocket_server: Server) -> Iterator[Page]:
    with visit(browser, f"{pocket_server.url}/?tab=benchmark") as page:
        expect(page.locator(CARD).first).to_be_visible()
        yield page


def numbers(page: Page, strip: str) -> list[float]:
    """The probabilities on the cards of a strip, in percent."""
    return [
        float(text.split("\u00a0")[0]) for text in page.locator(f"[data-strip={strip}] .certainty").all_inner_texts()
    ]


def wait_for_label(page: Page, name: str) -> None:
    """The mistakes are those of a label, in sight, and the keyboard goes on there."""
    expect(page.locator(TITLE)).to_have_text(name)
    page.wait_for_function(f"({IN_SIGHT})(document.querySelector('{PART}'))")
    expect(page.locator(f"{PART} h3").first).to_be_focused()
    expect(page.locator("#mistakes-label")).to_have_value(name)
    assert f"mistakes={name.replace(' ', '+')}" in page.url


def test_a_bar_leads_to_its_label(page: Page) -> None:
    page.wait_for_selector(f"{BARS}[data-drawn]")
    for name in ("dog", "cat", "cat"):  # the second click on one bar leads there again
        page.locator(BARS).scroll_into_view_if_needed()
        page.mouse.click(*page.evaluate(BAR, [BARS, name]))
        wait_for_label(page, name)


def test_the_surest_mistakes_come_first_and_more_on_request(page: Page) -> None:
    page.select_option("#mistakes-label", "bench")
    wait_for_label(page, "bench")
    missed, taken = numbers(page, "missed"), numbers(page, "taken")
    assert missed == sorted(missed) and taken == sorted(taken, reverse=True) and len(missed) == len(taken) == 8
    assert max(missed) < min(taken), "what is predicted is surer than what is not"
    page.locator("[data-more=taken]").click()
    expect(page.locator("[data-strip=taken] .mistakes-card")).to_have_count(16)
    expect(page.locator("[data-strip=taken] .mistakes-card").nth(8)).to_be_focused()
    assert len(numbers(page, "missed")) == 8 and numbers(page, "taken")[:8] == taken


def test_a_cell_of_the_matrix_leads_on_and_back(page: Page) -> None:
    page.select_option("#mistakes-label", "fruit")
    wait_for_label(page, "fruit")
    cell = page.locator(".mistakes-matrix tr.chosen td[title*='pizza taken wrongly']")
    share, pairs = int(cell.inner_text()), int(re.search(r"on (\d+) pictures", cell.get_attribute("title"))[1])
    missed = int(page.locator("#mistakes-missed .count").inner_text())
    assert share == round(100 * pairs / missed) > 20
    page.locator(".mistakes-matrix thead").get_by_role("button", name="pizza", exact=True).click()
    wait_for_label(page, "pizza")
    page.locator("[data-strip=taken]").get_by_role("button", name=re.compile("^fruit")).click()
    wait_for_label(page, "fruit")


def test_a_picture_says_what_it_was_given_and_more_like_it_are_searched(page: Page) -> None:
    page.select_option("#mistakes-label", "cat")
    wait_for_label(page, "cat")
    page.locator(CARD).first.focus()
    page.keyboard.press("Enter")
    words = page.locator("dialog.details[open] .words")
    expect(words.locator(".rank")).to_have_text("cat was missed")
    expect(words.locator("tr.chosen")).to_contain_text("given, not predicted")
    first = words.locator(".file").inner_text()
    page.keyboard.press("ArrowRight")
    expect(words.locator(".file")).not_to_have_text(first)
    page.keyboard.press("Escape")
    expect(page.locator(CARD).nth(1)).to_be_focused()
    page.locator(CARD).first.click()
    page.locator("dialog .similar").click()
    expect(page.locator(CARDS).first).to_be_visible()
    assert f"like={first.replace('/', '%2F')}" in page.url
    open_tab(page, "Benchmark")


@pytest.mark.parametrize(("width", "dark"), [(390, True), (1440, False)])
def test_an_address_leads_to_a_label(browser: Browser, pocket_server: Server, width: int, dark: bool) -> None:
    with visit(browser, f"{pocket_server.url}/?tab=benchmark&mistakes=stop+sign", width=width, dark=dark) as page:
        expect(page.locator(TITLE)).to_have_text("stop sign")
        page.wait_for_function(f"({IN_SIGHT})(document.querySelector('{PART}'))")
        wait_until_it_fits(page)
    with visit(browser, f"{pocket_server.url}/?tab=benchmark&mistakes=unicorn", width=width, dark=dark) as page:
        expect(page.locator(f"{PART} .warning")).to_contain_text("There is no label 'unicorn'")
        expect(page.locator(CARD).first).to_be_visible()


def test_a_model_that_predicts_nothing_says_so_and_is_harmless(browser: Browser, tiny_server: Server) -> None:
    with visit(browser, f"{tiny_server.url}/?tab=benchmark&mistakes=dog") as page:
        expect(page.locator(PART)).to_contain_text("This model has no thresholds")
        assert page.evaluate("window.hacked") is None


def test_a_label_of_the_graph_leads_to_its_mistakes(browser: Browser, pocket_server: Server) -> None:
    with visit(browser, f"{pocket_server.url}/?tab=labels") as page:
        for name in ("sheep", "horse"):  # the Benchmark is filled by the first, and there already for the second
            page.locator("#label-graph .lg-find input").fill(name)
            page.keyboard.press("Enter")
            page.get_by_role("button", name="What the model gets wrong").click()
            wait_for_label(page, name)
            open_tab(page, "Labels")
