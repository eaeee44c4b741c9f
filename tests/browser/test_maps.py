"""A person at the two maps: classifiers and gallery."""

from __future__ import annotations

import re
from collections.abc import Iterator

import browsing
import pytest
from browsing import Browser, Page, expect, visit, wait_until_it_fits
from serving import Server

CLASSIFIERS, GALLERY = "#classifiers-plot-0 .plot", "#map-plot .plot"
# Where on the screen a point is, by the number that a click on it brings.
PLACE = """
([selector, id]) => {
  const plot = document.querySelector(selector);
  const { left, top } = plot.getBoundingClientRect();
  const { xaxis, yaxis } = plot._fullLayout;
  for (const { customdata, x, y } of plot._fullData) {
    const index = customdata?.indexOf(id) ?? -1;
    if (index < 0) continue;
    return [left + xaxis._offset + xaxis.c2p(x[index]), top + yaxis._offset + yaxis.c2p(y[index])];
  }
}
"""
# Whether the drawing has its place's size, and the points reach across most of its height or its width.
FITS = """
selector => {
  const plot = document.querySelector(selector);
  const { xaxis, yaxis, width, height } = plot._fullLayout;
  const points = plot._fullData.filter((trace) => trace.customdata);
  const reach = (axis, name) => {
    const places = points.flatMap((trace) => [...trace[name]].map((value) => axis.c2p(value)));
    return (Math.max(...places) - Math.min(...places)) / axis._length;
  };
  const fits = Math.abs(width - plot.clientWidth) < 2 && Math.abs(height - plot.clientHeight) < 2;
  return fits && Math.max(reach(xaxis, "x"), reach(yaxis, "y")) > 0.8;
}
"""
COUNT = "plot => plot._fullData.reduce((sum, trace) => sum + (trace.customdata?.length ?? 0), 0)"


@pytest.fixture(scope="module")
def page(browser: Browser, pocket_server: Server) -> Iterator[Page]:
    with visit(browser, pocket_server.url) as page:
        yield page


def open_tab(page: Page, name: str, plot: str) -> None:
    browsing.open_tab(page, name)
    page.wait_for_selector(f"{plot}[data-drawn]")


def drawn(page: Page, plot: str) -> int:
    """How often a plot was drawn."""
    return int(page.eval_on_selector(plot, "plot => plot.dataset.drawn"))


def wait_for_drawing(page: Page, plot: str, before: int) -> None:
    page.wait_for_function(
        "([plot, before]) => Number(document.querySelector(plot).dataset.drawn) > before", arg=[plot, before]
    )


def place_of(page: Page, plot: str, point: int) -> list[float]:
    page.locator(plot).scroll_into_view_if_needed()
    return page.evaluate(PLACE, [plot, point])


def choose(page: Page, group: str, name: str, plot: str) -> None:
    """Click a radio or a check box and wait for the new picture."""
    before = drawn(page, plot)
    page.locator(group).get_by_label(name, exact=True).click()
    wait_for_drawing(page, plot, before)


def test_a_picture_fills_its_place_in_whatever_shape(page: Page) -> None:
    """The left one is drawn before the right one takes half of its place; and windows change their size."""
    open_tab(page, "Classifiers", CLASSIFIERS)
    for size in ((1440, 900), (700, 900), (1440, 900)):
        page.set_viewport_size(dict(zip(("width", "height"), size, strict=True)))
        page.wait_for_function(FITS, arg=CLASSIFIERS)


def test_a_click_on_a_classifier_names_its_true_neighbours(page: Page) -> None:
    open_tab(page, "Classifiers", CLASSIFIERS)
    assert page.eval_on_selector(CLASSIFIERS, COUNT) == 67
    expect(page.locator("#classifiers-fact-0")).to_contain_text(re.compile(r"Silhouette of the groups −?\d\.\d\d in"))
    expect(page.locator("#classifiers-near-0")).to_contain_text("Click a label")
    page.mouse.click(*place_of(page, CLASSIFIERS, 58 - 1))  # a point at the edge, which no other covers
    rows = page.locator("#classifiers-near-0 li button")
    expect(rows).to_have_count(8)
    chosen = page.locator("#classifiers-near-0 h3 em").inner_text()
    expect(page.locator("#classifiers-label input")).to_have_value(chosen)
    cosines = [float(text.replace("−", "-")) for text in rows.locator(".cosine").all_inner_texts()]
    assert cosines == sorted(cosines, reverse=True)
    name = rows.nth(1).locator(".name").inner_text()
    rows.nth(1).click()
    expect(page.locator("#classifiers-near-0 h3 em")).to_have_text(name)


BOLD = """plot => {
  const shown = (element) => { const { width, height } = element.getBoundingClientRect(); return width * height > 0; };
  const texts = [...plot.querySelectorAll(".textpoint text, .annotation-text")].filter(shown);
  return texts.filter((text) => /font-weight/.test(text.innerHTML)).map((text) => text.textContent);
}"""


def test_the_nearest_keep_their_names_and_one_legend_is_for_all(page: Page) -> None:
    open_tab(page, "Classifiers", CLASSIFIERS)
    page.locator("#classifiers-label input").fill("dog")
    page.keyboard.press("Enter")
    expect(page.locator("#classifiers-near-0 h3 em")).to_have_text("dog")
    expect(page.locator("#classifiers-near-0 li .name")).to_have_count(8)
    for number in range(3):
        plot = f"#classifiers-plot-{number} .plot"
        names = {"dog", *page.locator(f"#classifiers-near-{number} li .name").all_inner_texts()}
        page.wait_for_function(
            f"([plot, count]) => ({BOLD})(document.querySelector(plot)).length === count", arg=[plot, len(names)]
        )
        assert set(page.eval_on_selector(plot, BOLD)) == names
        assert page.locator(f"{plot} .legend").count() == 0
    before = drawn(page, CLASSIFIERS)
    group = page.locator("#classifiers-legend button").filter(has_text="animals")
    group.click()
    wait_for_drawing(page, CLASSIFIERS, before)
    expect(group).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#classifiers-near-0 h3 em")).to_have_text("dog")
    group.click()
    expect(group).to_have_attribute("aria-pressed", "false")


def test_epochs_move_the_classifiers_and_nothing_else(browser: Browser, paper_server: Server) -> None:
    with visit(browser, paper_server.url) as page:  # the model of mode plus has no epochs to show
        epochs_move_the_classifiers(page)


def epochs_move_the_classifiers(page: Page) -> None:
    open_tab(page, "Classifiers", CLASSIFIERS)
    state = "plot => [plot._fullData[0].x[0] ?? plot._fullData[1].x[0], plot._fullLayout.xaxis.range]"
    slider = page.locator("#classifiers-epoch input[type=range]")
    before, count = page.eval_on_selector(CLASSIFIERS, state), drawn(page, CLASSIFIERS)
    slider.focus()
    page.keyboard.press("Home")
    wait_for_drawing(page, CLASSIFIERS, count)
    after = page.eval_on_selector(CLASSIFIERS, state)
    assert after[0] != before[0]
    assert after[1] == before[1]


def test_another_method_says_that_it_is_computed_and_then_shows(page: Page) -> None:
    open_tab(page, "Classifiers", CLASSIFIERS)
    choose(page, "#classifiers-method", "t-SNE", CLASSIFIERS)
    expect(page.locator("#classifiers-epoch")).to_be_hidden()
    expect(page.locator("#classifiers-note")).to_contain_text("t-SNE keeps neighbours together")
    before = page.eval_on_selector(CLASSIFIERS, "plot => plot.layout.xaxis.range")
    choose(page, "#classifiers-method", "PCA", CLASSIFIERS)
    assert page.eval_on_selector(CLASSIFIERS, "plot => plot.layout.xaxis.range") != before
    choose(page, "#classifiers-method", "t-SNE", CLASSIFIERS)
    expect(page.locator("#classifiers-note")).to_contain_text("t-SNE keeps", timeout=3000)


def test_a_click_on_the_map_shows_what_is_nearest(page: Page) -> None:
    open_tab(page, "Gallery map", GALLERY)
    assert page.eval_on_selector(GALLERY, COUNT) == 2774
    expect(page.locator("#map-note")).to_contain_text("UMAP keeps neighbours")
    expect(page.locator("#map-note")).to_contain_text("Their centres are 0.")
    where = place_of(page, GALLERY, 0)
    page.mouse.move(*where)
    thumbnail = page.locator("#map-plot .plot-thumbnail")
    expect(thumbnail).to_be_visible()
    assert re.search(r"picture/gallery/card/\d+$", thumbnail.get_attribute("src"))
    page.mouse.click(*where)
    expect(page.locator("#map-chosen .map-focus h3")).to_have_text("Chosen picture")
    expect(page.locator("#map-chosen .map-card")).to_have_count(14)
    card = page.locator("#map-chosen .map-card.is-text").first
    text = card.locator(".map-caption").inner_text()
    card.click()
    expect(page.locator("#map-chosen .map-focus h3")).to_have_text("Chosen caption")
    expect(page.locator("#map-chosen .map-focus p").first).to_have_text(text)


NAMES = """plot => [...plot.querySelectorAll(".annotation")]
  .filter((name) => getComputedStyle(name).visibility !== "hidden")
  .map((name) => {
    const { left, right, top, bottom } = name.querySelector(".annotation-text").getBoundingClientRect();
    return [left, top, right, bottom];
  })"""


def names_apart(page: Page) -> int:
    """How many names of clusters there are; none may touch another."""
    boxes = page.eval_on_selector(GALLERY, NAMES)
    for number, (left, top, right, bottom) in enumerate(boxes):
        for other in boxes[:number]:
            assert left > other[2] or right < other[0] or top > other[3] or bottom < other[1]
    return len(boxes)


def test_clusters_have_names_that_do_not_overlap_on_any_screen(browser: Browser, pocket_server: Server) -> None:
    with visit(browser, pocket_server.url) as page:
        open_tab(page, "Gallery map", GALLERY)
        wide = names_apart(page)
        assert wide > 12
        texts = page.locator(f"{GALLERY} .annotation-text").all_text_contents()
        assert any("snow" in text and "skiing" in text for text in texts)
        page.set_viewport_size({"width": 390, "height": 844})
        page.wait_for_function(FITS, arg=GALLERY)
        assert 4 < names_apart(page) <= wide


def test_words_are_found_on_the_map(page: Page) -> None:
    open_tab(page, "Gallery map", GALLERY)
    box = page.get_by_label("Find on the map")
    before = drawn(page, GALLERY)
    box.fill("two people skiing")
    box.press("Enter")
    expect(page.locator("#map-chosen .selection h3").first).to_have_text("Nearest to “two people skiing”")
    wait_for_drawing(page, GALLERY, before)
    cards = page.locator("#map-chosen .map-card")
    assert cards.count() > 0
    expect(cards.first).to_contain_text("skiing")
    rings = page.eval_on_selector(
        GALLERY,
        "plot => plot._fullData.filter(({ marker }) => marker?.symbol === 'circle-open').map(({ x }) => x.length)",
    )
    assert cards.count() in rings
    names_apart(page)
    cards.first.click()
    expect(page.locator("#map-chosen .map-focus h3")).to_have_text("Chosen picture")
    box.fill("")
    box.press("Enter")
    expect(page.locator("#map-chosen")).to_contain_text("Nothing chosen yet")


def test_a_lasso_shows_what_is_inside(page: Page) -> None:
    open_tab(page, "Gallery map", GALLERY)
    page.locator(GALLERY).scroll_into_view_if_needed()
    box = page.locator(GALLERY).bounding_box()
    corners = [(0.04, 0.1), (0.5, 0.1), (0.5, 0.6), (0.04, 0.6), (0.04, 0.1)]
    path = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in corners]
    page.mouse.move(*path[0])
    page.mouse.down()
    for corner in path[1:]:
        page.mouse.move(*corner, steps=4)
    page.mouse.up()
    expect(page.locator("#map-chosen .selection h3")).to_have_text("Inside the lasso")
    cards = page.locator("#map-chosen .map-card")
    expect(cards).to_have_count(24)
    page.locator("#map-chosen .map-more").click()
    expect(cards).to_have_count(48)


def test_colours_and_methods_change_the_map(page: Page) -> None:
    open_tab(page, "Gallery map", GALLERY)
    expect(page.locator("#map-label")).to_be_hidden()
    before = drawn(page, GALLERY)
    page.locator("#map-colouring input").click()
    page.get_by_role("option", name="one label").click()
    wait_for_drawing(page, GALLERY, before)
    expect(page.locator("#map-label")).to_be_visible()
    names = page.eval_on_selector(GALLERY, "plot => plot._fullData.map(trace => trace.name)")
    assert "has the label" in names
    choose(page, "#map-kinds", "Captions", GALLERY)
    assert page.eval_on_selector(GALLERY, COUNT) == 1200
    choose(page, "#map-method", "PCA", GALLERY)
    expect(page.locator("#map-note")).to_contain_text("PCA looks at the space from one side")
    choose(page, "#map-dimensions", "3D", GALLERY)
    assert page.eval_on_selector(GALLERY, "plot => plot._fullData[0].type") == "scatter3d"


def test_a_phone_in_the_dark_shows_both_without_a_sideways_scroll(browser: Browser, pocket_server: Server) -> None:
    with visit(browser, pocket_server.url, width=390, height=844, dark=True) as page:
        for name, plot in (("Classifiers", CLASSIFIERS), ("Gallery map", GALLERY)):
            open_tab(page, name, plot)
            wait_until_it_fits(page)
            box = page.locator(plot).bounding_box()
            assert box["width"] > 330


def test_a_gallery_that_is_not_to_be_trusted_is_drawn_as_text(browser: Browser, tiny_server: Server) -> None:
    with visit(browser, tiny_server.url) as page:
        open_tab(page, "Gallery map", GALLERY)
        assert page.eval_on_selector(GALLERY, COUNT) == 15
        expect(page.locator("#map-method").get_by_label("PCA")).to_be_checked()
        for point in (6, 13, 14):
            page.mouse.move(*place_of(page, GALLERY, point))
            page.mouse.click(*place_of(page, GALLERY, point))
            expect(page.locator("#map-chosen .map-focus")).to_be_visible()
        expect(page.locator("#map-chosen")).to_contain_text("onerror")
        assert page.evaluate("window.hacked") is None
        assert page.locator("#map-plot svg b, #map-chosen script, #map-chosen img[src='x']").count() == 0
