"""A visit to the page with a headless Chromium, in which nothing may go wrong and no request may leave the machine."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from serving import SWITCHES

playwright_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
from playwright.sync_api import Browser, ConsoleMessage, Page, expect  # noqa: E402  after the skip

PATIENCE = 60_000  # milliseconds on a machine that is busy with something else; an idle one needs a few hundred
QUERY, CARDS, ROWS = "#query-text input", "#results .hit-card", "#results .hit-row"
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
expect.set_options(timeout=PATIENCE)


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """A browser for as long as the block lasts; the test is skipped where there is none."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no chromium on this machine: apt install chromium")
    with playwright_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(SWITCHES))
        yield browser
        browser.close()


@contextlib.contextmanager
def visit(
    browser: Browser, url: str, *, width: int = 1440, height: int = 900, dark: bool = False, touch: bool = False
) -> Iterator[Page]:
    """The page, ready for a query; in the end nothing may have gone wrong or left the machine."""
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if dark else "light",
        reduced_motion="reduce",
        has_touch=touch,
    )
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if is_fault(message) else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on(
        "response", lambda answer: problems.append(f"{answer.status} {answer.url}") if answer.status >= 400 else None
    )
    page.on("request", lambda request: problems.append(f"left: {request.url}") if is_foreign(request.url) else None)
    page.goto(url)
    expect(page.locator(".try-pictures img").first).to_be_attached()
    yield page
    assert not problems, "\n".join(problems)
    context.close()


def open_tab(page: Page, name: str) -> None:
    """Click a tab."""
    page.get_by_role("tab", name=name).click()


def ask(page: Page, text: str) -> None:
    """Type a query without a picture, press Enter, and wait for its answer."""
    drop_picture(page)
    page.fill(QUERY, text)
    page.press(QUERY, "Enter")
    expect(page.locator(".asked")).to_have_text(f"“{text}”")


def upload(page: Page, path: Path) -> None:
    """Give a picture; one that is there already is taken away first."""
    drop_picture(page)
    page.set_input_files("#query-picture input[type=file]", path)


def drop_picture(page: Page) -> None:
    """Take the picture away, if there is one."""
    clear = page.locator("#query-picture button[aria-label='Remove Image']")
    if clear.count():
        clear.click()
        expect(clear).to_have_count(0)


def wait_until_it_fits(page: Page) -> None:
    """The page comes to rest without a sideways scroll."""
    page.wait_for_function("document.documentElement.scrollWidth <= window.innerWidth")


def is_fault(message: ConsoleMessage) -> bool:
    """Whether the console tells of something wrong: an error, or a text of ours that gradio takes for one of its own.

    Other warnings are those of the libraries, about a stream's end or the speed of drawing.
    """
    return message.type == "error" or message.text.startswith("[svelte-i18n]")


def is_foreign(url: str) -> bool:
    """Whether a request for it would leave the machine."""
    parts = urlsplit(url)
    return parts.scheme not in ("data", "blob") and parts.hostname not in ("127.0.0.1", "localhost")
