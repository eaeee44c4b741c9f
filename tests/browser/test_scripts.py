"""The page's scripts in a browser: they may come late, and the page may live under a prefix."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from browsing import CARDS, PATIENCE, Browser, Page, expect, visit
from serving import Server

from app.kit.scripts import SCRIPTS, script_url

SWITCH = ".theme-switch"
# The bytes that came over the network for each script, a number for each time that it was asked for.
FETCHED = """() => {
  const found = {};
  for (const { name, transferSize } of performance.getEntriesByType("resource")) {
    const [, script] = name.match(/(scripts[/].*[.]js)$/) ?? [];
    if (script) (found[script] ??= []).push(transferSize);
  }
  return found;
}"""


@contextlib.contextmanager
def guest(browser: Browser) -> Iterator[tuple[Page, list[str]]]:
    """An empty page, and the list of what goes wrong in it."""
    context = browser.new_context(reduced_motion="reduce", viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    yield page, problems
    context.close()


def test_what_happens_before_a_script_is_there_is_not_lost(browser: Browser, pocket_server: Server) -> None:
    held: list[Any] = []
    released = False

    def hold(route: Any) -> None:
        if released:
            route.continue_()
        else:
            held.append(route)

    with guest(browser) as (page, problems):
        page.route("**/scripts/**", hold)
        page.goto(pocket_server.url)
        # A click, a click that asks Python, and a value that comes for a tab that was opened.
        expect(page.locator(SWITCH)).to_be_visible()
        page.locator(SWITCH).click()
        page.locator(".try-words button").first.click()
        page.get_by_role("tab", name="Labels").click()
        page.wait_for_timeout(500)
        assert held
        assert page.locator("body.dark").count() == 0
        assert page.locator(CARDS).count() == 0
        released = True
        for route in held:
            route.continue_()
        expect(page.locator("body.dark")).to_have_count(1)
        expect(page.locator("#label-graph .plot[data-drawn]")).to_be_visible()
        page.wait_for_function("new URL(location).searchParams.has('q')")
        assert page.evaluate("new URL(location).searchParams.get('tab')") == "labels"
        page.get_by_role("tab", name="Search").click()
        expect(page.locator(CARDS).first).to_be_visible()
        assert problems == []


def test_a_page_under_a_prefix_finds_its_scripts_there(browser: Browser, pocket_server: Server) -> None:
    asked: list[str] = []
    with guest(browser) as (page, problems):
        page.route(
            "**/behind/a/proxy/**", lambda route: route.continue_(url=route.request.url.replace("behind/a/proxy/", ""))
        )
        page.on("request", lambda request: asked.append(request.url) if "/scripts/" in request.url else None)
        page.goto(f"{pocket_server.url}/behind/a/proxy/")
        expect(page.locator(".try-words button").first).to_be_visible()
        page.locator(".try-words button").first.click()
        expect(page.locator(CARDS).first).to_be_visible()
        page.get_by_role("tab", name="Labels").click()
        expect(page.locator("#label-graph .plot[data-drawn]")).to_be_visible()
        assert asked
        assert not [url for url in asked if not url.startswith(f"{pocket_server.url}/behind/a/proxy/scripts/")]
        assert problems == []


def test_a_script_is_fetched_once_and_kept(browser: Browser, pocket_server: Server) -> None:
    with visit(browser, pocket_server.url) as page:
        first = page.evaluate(FETCHED)
        assert set(first) == {script_url(Path(name).stem) for name in SCRIPTS}
        assert all(sizes[0] > 0 for sizes in first.values())
        other = page.context.new_page()
        other.goto(pocket_server.url)
        expect(other.locator(".try-pictures img").first).to_be_attached()
        again = other.evaluate(FETCHED)
        assert set(again) == set(first)
        assert sum(size for sizes in again.values() for size in sizes) == 0
