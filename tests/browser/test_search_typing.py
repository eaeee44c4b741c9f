"""Results follow the typing: a pause asks, Enter keeps; nothing flickers, nothing older comes over something newer."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from browsing import CARDS, QUERY, Browser, Page, ask, expect, visit
from serving import Server

RECENT = "#recent .try-words button"


@pytest.fixture
def page(browser: Browser, tiny_server: Server) -> Iterator[Page]:
    with visit(browser, tiny_server.url) as page:
        yield page


def query(page: Page) -> str:
    return urlsplit(page.url).query


def test_a_pause_asks_and_only_enter_goes_into_the_history(page: Page) -> None:
    before = page.evaluate("history.length")
    page.click(QUERY)
    for part in ("a boat", " at", " night"):
        page.keyboard.type(part)
        expect(page.locator(".asked")).to_have_text(f"“{page.input_value(QUERY)}”")
        expect(page.locator(QUERY)).to_be_focused()
    assert (page.evaluate("history.length"), query(page)) == (before, "")
    page.keyboard.press("Enter")
    page.wait_for_function("location.search === '?q=a+boat+at+night'")
    assert page.evaluate("history.length") == before + 1
    expect(page.locator(QUERY)).to_be_focused()
    page.go_back()
    expect(page.locator("#results .empty h2")).to_have_text("Nothing searched yet")


def test_results_are_there_all_the_time_while_somebody_types(page: Page) -> None:
    ask(page, "a dog")
    page.evaluate(
        """(selector) => {
          const results = document.querySelector("#results"), seen = (window.seen = []);
          new MutationObserver(() => seen.push(results.querySelectorAll(selector).length))
            .observe(results, { childList: true, subtree: true, attributes: true, characterData: true });
          window.first = results.querySelector("img");
        }""",
        ".hit-card",
    )
    page.click(QUERY)
    page.keyboard.press("End")
    for part in (" runs", " on the", " beach"):
        page.keyboard.type(part)
        expect(page.locator(".asked")).to_have_text(f"“{page.input_value(QUERY)}”")
    seen = page.evaluate("window.seen")
    assert seen and min(seen) == page.locator(CARDS).count()
    assert page.evaluate("window.first.isConnected"), "a picture changes, its place stays: nothing is drawn anew"


def test_half_a_word_that_cannot_be_asked_says_nothing_and_enter_does(page: Page) -> None:
    ask(page, "a dog")
    page.fill(QUERY, "   ")
    page.wait_for_timeout(600)
    expect(page.locator("#notice .error")).to_be_hidden()
    expect(page.locator(".asked")).to_have_text("“a dog”")
    page.press(QUERY, "Enter")
    expect(page.get_by_role("alert").filter(has_text="type at least one word")).to_be_visible()


def test_an_older_answer_that_comes_late_is_not_shown(page: Page) -> None:
    """The answer to the typing is held up on its way to the browser, until that to Enter is there."""
    held = []

    def hold(route) -> None:
        if not held and "half" in (route.request.post_data or ""):
            held.append((route, route.fetch()))
        else:
            route.continue_()

    ask(page, "a dog")
    page.route("**/gradio_api/run/predict**", hold)
    page.fill(QUERY, "half a boat")
    page.wait_for_timeout(1500)
    assert held, "the typing asked"
    page.fill(QUERY, "a street")
    page.press(QUERY, "Enter")
    expect(page.locator(".asked")).to_have_text("“a street”")
    with page.expect_response(lambda response: "half" in (response.request.post_data or "")):
        route, answer = held[0]
        route.fulfill(response=answer)
    page.wait_for_timeout(300)
    expect(page.locator(".asked")).to_have_text("“a street”")
    page.unroute("**/gradio_api/run/predict**")
    ask(page, "a boat")  # and what comes later is shown


def test_what_is_typed_is_kept_when_its_answer_is_used(page: Page) -> None:
    page.fill(QUERY, "a boat at night")
    expect(page.locator(".asked")).to_have_text("“a boat at night”")
    assert query(page) == ""
    page.locator(CARDS).first.click()
    page.get_by_role("button", name="More like this").click()
    expect(page.locator(".asked")).to_have_text("More like this picture")
    page.go_back()
    expect(page.locator(".asked")).to_have_text("“a boat at night”")


def test_recent_searches_stay_in_the_browser_and_can_be_cleared(
    browser: Browser, page: Page, tiny_server: Server
) -> None:
    expect(page.locator("#recent .try")).to_have_count(0)
    for text in ("a dog", "<b>a boat</b>", "a dog"):
        ask(page, text)
    page.fill(QUERY, "not kept")
    expect(page.locator(".asked")).to_have_text("“not kept”")
    expect(page.locator(RECENT)).to_have_text(["a dog", "<b>a boat</b>"])
    later = page.context.new_page()
    later.goto(tiny_server.url)
    expect(later.locator(RECENT)).to_have_count(2)
    later.locator(RECENT).last.click()
    expect(later.locator(".asked")).to_have_text("“<b>a boat</b>”")
    expect(later.locator(QUERY)).to_have_value("<b>a boat</b>")
    expect(page.locator(RECENT)).to_have_text(["<b>a boat</b>", "a dog"])
    later.locator("#recent").get_by_role("button", name="Clear").click()
    for place in (later, page):
        expect(place.locator("#recent .try")).to_have_count(0)
    with visit(browser, tiny_server.url) as other:
        expect(other.locator("#recent .try")).to_have_count(0)
