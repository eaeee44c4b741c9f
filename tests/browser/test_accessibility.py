"""The page for everybody: axe-core finds nothing, the keyboard is never lost and always seen, and stillness is kept."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from browsing import CARDS, PATIENCE, TABS, Browser, Page, ask, expect, open_tab, visit
from serving import PROJECT, Server

AXE = PROJECT / "tests" / "scripts" / "node_modules" / "axe-core" / "axe.min.js"
LOOKS = [(1440, False), (1440, True), (390, False), (390, True)]
NARROW = 820
SETTLED = """() => [...document.querySelectorAll("[data-testid=status-tracker]")].every(
  (cover) => cover.matches(".hide") || cover.getClientRects().length === 0)"""
FOUND = """async () => (await axe.run(document, { resultTypes: ["violations"] })).violations.flatMap(
  ({ id, nodes }) => nodes.map(({ target, failureSummary }) => `${id} at ${target.join(" ")}: ${failureSummary}`))"""
# What stands around an element and can show that it has the focus.
STOP = """() => {
  const look = (element) => {
    const looks = [];
    for (let around = element; around && looks.length < 8; around = around.parentElement) {
      const { outlineStyle, outlineWidth, outlineColor, boxShadow } = getComputedStyle(around);
      looks.push(outlineStyle === "none" || outlineWidth === "0px" ? "" : outlineWidth + outlineColor, boxShadow);
    }
    return looks.join();
  };
  const { stop } = window;
  const unseen = stop?.element && look(stop.element) === stop.look ? stop.element.outerHTML.slice(0, 200) : null;
  const element = document.activeElement;
  const isBody = element === document.body;
  window.stop = isBody ? null : { element, look: look(element) };
  return { isBody, unseen, isLast: element.matches("footer button") };
}"""
ON_BODY = "document.activeElement === document.body"
MOVING = """() => [...document.querySelectorAll("*")].flatMap((element) => ["", "::before", "::after"].map((part) => {
  const { animationName, transitionDuration, scrollBehavior } = getComputedStyle(element, part || null);
  const isStill = animationName === "none" && /^(0s(, )?)+$/.test(transitionDuration) && scrollBehavior === "auto";
  return isStill ? "" : `${element.tagName}.${element.className}${part}`;
})).filter(Boolean)"""


def search(page: Page) -> Iterator[str]:
    yield "before a query"
    ask(page, "a dog on the beach")
    expect(page.locator(CARDS).first).to_be_visible()
    if page.viewport_size["width"] < NARROW:
        page.locator(".refine-switch").click()
    yield "an answer"
    page.locator(CARDS).nth(1).click()
    expect(page.locator("dialog.details img").first).to_be_visible()
    yield "a result up close"
    page.keyboard.press("Escape")


def labels(page: Page) -> Iterator[str]:
    page.fill(".lg-find input", "surfing")
    page.press(".lg-find input", "Enter")
    expect(page.locator(".lg-chosen h3").first).to_have_text(re.compile("surfing"))
    yield "a label"


def classifiers(page: Page) -> Iterator[str]:
    yield "the plots"
    page.locator("#tab-classifiers input[role=combobox]").fill("dog")
    page.keyboard.press("Enter")
    expect(page.locator("#tab-classifiers .neighbours ol").first).to_be_visible()
    yield "neighbours of a label"


def gallery_map(page: Page) -> Iterator[str]:
    yield "the map"


def benchmark(page: Page) -> Iterator[str]:
    expect(page.locator("#benchmark-curve-text_to_image .plot[data-drawn]")).to_be_visible()
    page.locator("[data-study=main]").click()
    expect(page.locator("#benchmark-study [data-section=main] .plot[data-drawn]").first).to_be_attached()
    yield "the study open"


def train(page: Page) -> Iterator[str]:
    expect(page.locator("#train-status h2")).to_be_visible()
    yield "before a run"
    page.fill("#train-epochs input[type=number]", "2")
    page.locator("#train-epochs input[type=number]").blur()
    page.click("#train-start")
    expect(page.locator("#train-result table")).to_be_visible(timeout=3 * PATIENCE)
    yield "after a run"


def collections(page: Page) -> Iterator[str]:
    yield "before the first picture"
    images = sorted((PROJECT / "assets" / "gallery" / "images").iterdir())[::200]
    page.set_input_files("#tab-collections input[type=file]", images)
    expect(page.locator(".mine-grid li").first).to_be_visible(timeout=3 * PATIENCE)
    page.locator(".mine-grid li").first.click()
    yield "a picture chosen"


CONTENTS: dict[str, Callable[[Page], Iterator[str]]] = dict(
    zip(TABS, (search, labels, classifiers, gallery_map, benchmark, train, collections), strict=True)
)


def forget(page: Page) -> None:
    """Delete one's pictures: the server is shared with other tests, and would keep them for an hour."""
    open_tab(page, "Collections")
    page.click("#collect-delete")
    expect(page.locator("#collect-status")).to_contain_text("Your pictures are deleted.")


def fill(page: Page, name: str) -> Iterator[str]:
    """Open a tab and fill it, state by state."""
    open_tab(page, name)
    expect(page.locator(TABS[name]).first).to_be_visible()
    for state in CONTENTS[name](page):
        page.wait_for_function(SETTLED)
        yield state


@pytest.mark.parametrize(("width", "dark"), LOOKS)
def test_axe_finds_nothing(browser: Browser, pocket_server: Server, width: int, dark: bool) -> None:
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: npm ci --prefix tests/scripts")
    faults = []
    with visit(browser, pocket_server.url, width=width, dark=dark) as page:
        page.evaluate(Path(AXE).read_text(encoding="utf-8"))
        for name in sorted(CONTENTS, key="Benchmark".__eq__):  # axe is slow once there are its tables
            for state in fill(page, name):
                faults.extend(f"{name}, {state}: {found}" for found in page.evaluate(FOUND))
        forget(page)
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("name", CONTENTS)
def test_the_keyboard_goes_from_the_first_control_to_the_last_and_is_seen(
    browser: Browser, pocket_server: Server, name: str
) -> None:
    with visit(browser, pocket_server.url) as page:
        for state in fill(page, name):
            if state == "before a run":
                break
        page.locator("#model").focus()
        unseen, stops = [], 0
        stop = page.evaluate(STOP)
        while not stop["isLast"]:
            page.keyboard.press("Tab")
            stop = page.evaluate(STOP)
            stops += 1
            assert not stop["isBody"], f"the focus is nowhere after {stops} stops"
            if stop["unseen"]:
                unseen.append(stop["unseen"])
        assert stops > len(TABS)
        if name == "Collections":
            forget(page)
        assert not unseen, "no focus ring on:\n" + "\n".join(unseen)


def test_the_focus_stays_where_an_answer_replaces_its_place(browser: Browser, pocket_server: Server) -> None:
    with visit(browser, pocket_server.url) as page:
        ask(page, "a dog on the beach")
        chip = page.locator("#results .narrow button").first
        label = chip.get_attribute("data-label")
        chip.focus()
        page.keyboard.press("Enter")
        chosen = page.locator(f"#results .narrow .match[data-label='{label}']")
        expect(chosen).to_be_visible()
        page.wait_for_function(f"!({ON_BODY})")
        assert page.evaluate("document.activeElement.closest('#results') !== null")


def test_the_focus_goes_on_where_a_button_is_switched_off(browser: Browser, pocket_server: Server) -> None:
    with visit(browser, pocket_server.url) as page:
        open_tab(page, "Train")
        expect(page.locator("#train-data p").first).to_be_visible()
        page.locator("#train-start").focus()
        page.keyboard.press("Enter")
        expect(page.locator("#train-stop")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator("#train-start")).to_be_focused(timeout=3 * PATIENCE)


def test_who_clicks_elsewhere_keeps_no_focus(browser: Browser, pocket_server: Server) -> None:
    with visit(browser, pocket_server.url) as page:
        ask(page, "a dog on the beach")
        page.locator("#results .narrow button").first.focus()
        page.locator(".masthead h1").click()
        page.evaluate("document.querySelector('#results .narrow').remove()")
        page.wait_for_timeout(200)
        assert page.evaluate(ON_BODY)


def test_nothing_moves_for_who_asked_for_stillness(browser: Browser, pocket_server: Server) -> None:
    with visit(browser, pocket_server.url) as page:
        ask(page, "a dog on the beach")
        for name in ("Search", "Benchmark", "Train"):
            open_tab(page, name)
            expect(page.locator(TABS[name]).first).to_be_attached()
            assert page.evaluate(MOVING) == []
        page.emulate_media(reduced_motion="no-preference")
        assert page.evaluate(MOVING), "else the page has nothing that could move"
