"""A person at the Labels tab: clicks labels, drags the threshold, plays the epochs, edits an edge, searches a name."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from browsing import Browser, Page, ask, expect, visit, wait_until_it_fits
from paper_bundles import write_paper_bundle
from plus_bundles import write_plus_bundle
from serving import PROJECT, Server, serve

PLOT = "#label-graph .plot"
# What is drawn: "source target" of every arrow that answers, from the ids that the curves carry.
DRAWN = """plot => {
  const labels = plot.data.at(-1).customdata.length;
  const ids = new Set(plot.data.flatMap(trace => trace.mode === "lines" ? trace.customdata ?? [] : []));
  ids.delete(null);
  return [...ids].map(id => `${Math.floor(id / labels) - 1} ${id % labels}`).sort();
}"""
PLACES = "plot => plot.data.at(-1).x.map((x, i) => [x, plot.data.at(-1).y[i]])"
# Where a label is on the screen, scrolled to its middle.
SPOT = """(plot, label) => {
  const { xaxis, yaxis } = plot._fullLayout, nodes = plot.data.at(-1);
  const x = xaxis._offset + xaxis.l2p(nodes.x[label]), y = yaxis._offset + yaxis.l2p(nodes.y[label]);
  window.scrollBy(0, plot.getBoundingClientRect().top + y - window.innerHeight / 2);
  const box = plot.getBoundingClientRect();
  return [box.left + x, box.top + y];
}"""


def open_labels(page: Page) -> None:
    page.get_by_role("tab", name="Labels").click()
    expect(page.locator(f"{PLOT}[data-drawn]")).to_be_visible()


@pytest.fixture(scope="module")
def page(browser: Browser, paper_server: Server) -> Iterator[Page]:
    with visit(browser, paper_server.url) as page:
        open_labels(page)
        yield page


@pytest.fixture(autouse=True)
def _fresh(request: pytest.FixtureRequest) -> None:
    """Each test of the shared page starts with nothing chosen and at the model's own epoch."""
    if "page" in request.fixturenames:
        page = request.getfixturevalue("page")
        page.locator(".lg-switch [data-shape=graph]").click()
        page.get_by_role("button", name="Adaptive A").click()
        page.locator("[data-panel=label]").click()
        page.locator(".lg-stages").click(position={"x": 1, "y": 1})
        page.keyboard.press("Escape")
        set_slider(page, ".lg-threshold input", 0.1)
        set_slider(page, ".lg-epochs input", 20)


def set_slider(page: Page, selector: str, value: float) -> None:
    before = page.locator(PLOT).get_attribute("data-drawn")
    slider = page.locator(selector)
    if abs(float(slider.input_value()) - value) < 1e-9:
        return
    slider.fill(str(value))
    page.wait_for_function(
        "([plot, before]) => document.querySelector(plot).dataset.drawn !== before", arg=[PLOT, before]
    )


def number(page: Page) -> int:
    return int(re.match(r"[\d,]+", page.locator(".lg-reading").inner_text()).group().replace(",", ""))


def drawn(page: Page) -> set[tuple[int, int]]:
    return {tuple(map(int, edge.split())) for edge in page.locator(PLOT).evaluate(DRAWN)}


def python_edges(stage: str, epoch: int, threshold: float) -> set[tuple[int, int]]:
    """The same edges from the bundle itself."""
    from types import SimpleNamespace

    from algcn.bundles.bundle import Bundle
    from app.labels.graph import LabelGraph

    shipped = Bundle.load(PROJECT / "weights" / "pocket")
    graph = LabelGraph.of(shipped, SimpleNamespace(items=[]))
    return {(edge.source, edge.target) for edge in graph.edges(stage, epoch, threshold)}


def test_the_browser_draws_the_edges_that_python_knows(page: Page) -> None:
    assert drawn(page) == python_edges("adaptive", -1, 0.1)
    set_slider(page, ".lg-epochs input", 3)
    assert drawn(page) == python_edges("adaptive", 3, 0.1)
    page.get_by_role("button", name="Normalised").click()
    set_slider(page, ".lg-threshold input", 0.07)
    assert drawn(page) == python_edges("normalised", 3, 0.07)
    page.get_by_role("button", name="Learned − prior").click()
    set_slider(page, ".lg-threshold input", 0.2)
    assert drawn(page) == python_edges("difference", 3, 0.2)


def test_stages_thresholds_and_epochs_ask_no_server_and_move_no_label(page: Page) -> None:
    places = page.locator(PLOT).evaluate(PLACES)
    asked: list[str] = []
    listen = lambda request: asked.append(request.url)  # noqa: E731
    page.on("request", listen)
    counts = []
    for threshold in (0.05, 0.2, 0.4):
        set_slider(page, ".lg-threshold input", threshold)
        counts.append(number(page))
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > counts[-1] > 0
    for stage in ("Prior", "Learned change", "Co-occurrence", "Normalised"):
        page.get_by_role("button", name=stage).first.click()
    set_slider(page, ".lg-epochs input", 5)
    page.remove_listener("request", listen)
    assert [url for url in asked if "heartbeat" not in url] == []
    assert page.locator(PLOT).evaluate(PLACES) == places


def test_the_epochs_play_to_the_end(page: Page) -> None:
    set_slider(page, ".lg-epochs input", 16)
    seen = page.locator(".lg-reading").inner_text()
    page.get_by_role("button", name="Play the epochs").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    expect(page.locator(".lg-epochs output")).to_have_text("20 of 20, the model")
    expect(page.get_by_role("button", name="Play the epochs")).to_be_visible()
    assert page.locator(".lg-reading").inner_text() != seen


def test_a_click_on_a_label_tells_its_neighbours_pictures_and_precision(page: Page) -> None:
    names = page.locator("#label-graph datalist option").evaluate_all("options => options.map(option => option.value)")
    x, y = page.locator(PLOT).evaluate(SPOT, names.index("skiing"))
    page.mouse.click(x, y)
    panel = page.locator(".lg-panel")
    expect(panel.get_by_role("heading", name="skiing", exact=True)).to_be_visible()
    receives = panel.locator("section").filter(has=page.get_by_role("heading", name="skiing receives from"))
    expect(receives.locator("tbody tr").first).to_contain_text("snow")
    expect(receives.locator("tbody tr").first).to_contain_text("1.10")
    words = "snow sends to skiing: 0.50 before training, 1.10 after"
    expect(receives.get_by_role("button", name=words)).to_be_visible()
    expect(panel.locator(".lg-pictures img")).to_have_count(9)
    expect(panel.locator(".lg-texts li")).to_have_count(5)
    expect(panel.locator(".lg-facts")).to_contain_text("image → text 0.97")
    expect(page.locator(".lg-reading")).to_contain_text("skiing has 2 coming in and 2 going out")


def test_the_keyboard_alone_finds_a_label_and_walks_to_a_neighbour(page: Page) -> None:
    page.locator(".lg-find input").focus()
    page.keyboard.type("skii")
    page.keyboard.press("Enter")
    heading = page.locator(".lg-chosen h3")
    expect(heading).to_have_text("skiing")
    page.locator(".lg-chosen .lg-neighbours .lg-name").first.focus()
    page.keyboard.press("Enter")
    expect(heading).to_have_text("snow")
    expect(heading).to_be_focused()
    page.keyboard.press("Escape")
    expect(heading).to_have_text("Choose a label")


def test_the_matrix_shows_the_same_and_a_click_chooses_an_edge(page: Page) -> None:
    page.locator(".lg-switch [data-shape=matrix]").click()
    expect(page.locator(".lg-names .lg-row")).to_have_count(67)
    cells = page.locator(PLOT).evaluate("plot => plot.data[0].z.flat().filter(value => value !== null).length")
    assert cells == len(python_edges("adaptive", -1, 0.1)) == number(page)
    order = page.locator(".lg-names .lg-row").all_inner_texts()
    place = page.locator(PLOT).evaluate(
        """(plot, [row, column]) => {
          const { xaxis, yaxis } = plot._fullLayout, box = plot.getBoundingClientRect();
          return [box.left + xaxis._offset + xaxis.l2p(column), box.top + yaxis._offset + yaxis.l2p(row)];
        }""",
        [order.index("snow"), order.index("skiing")],
    )
    page.mouse.click(*place)
    expect(page.locator(".lg-chosen h3")).to_have_text("snow sends to skiing")
    expect(page.locator(".lg-four").last).to_contain_text("AfterA1.10")
    page.locator(".lg-order select").select_option("listed")
    expect(page.locator(".lg-names .lg-row").first).to_have_text("person")
    page.locator(".lg-switch [data-shape=graph]").click()
    expect(page.locator(".lg-names")).to_be_hidden()
    expect(page.locator(".lg-order")).to_be_hidden()


def test_an_edge_is_chosen_by_two_clicks_edited_undone_and_reset(page: Page) -> None:
    names = page.locator("#label-graph datalist option").evaluate_all("options => options.map(option => option.value)")
    page.locator("[data-panel=edge]").click()
    for name in ("snow", "skiing"):
        page.mouse.click(*page.locator(PLOT).evaluate(SPOT, names.index(name)))
    heading = page.locator(".lg-chosen h3")
    expect(heading).to_have_text("snow sends to skiing")
    before = number(page)
    page.locator(".lg-weight input").fill("0")
    page.get_by_role("button", name="Recompute the classifiers").click()
    expect(page.locator(".lg-edits li")).to_contain_text("snow sends 0.00 to skiing learned 1.10")
    expect(page.locator(".lg-moved li").first).to_contain_text("skiing")
    expect(page.locator(".lg-four").last).to_contain_text("AfterA0.00 edited")
    expect(page.locator(".lg-numbers .lg-note")).to_contain_text("Before and change add up to the learned one, 1.10.")
    assert page.locator(PLOT).evaluate("plot => plot.data.flatMap(({ text }) => text ?? []).includes('✎')")
    assert number(page) == before - 1
    expect(page.locator(".lg-effects")).to_contain_text("Search for something in the Search tab")
    page.get_by_role("button", name="Turn the edge around").click()
    expect(heading).to_have_text("skiing sends to snow")
    page.locator(".lg-weight input").fill("1.5")
    page.get_by_role("button", name="Recompute the classifiers").click()
    expect(page.locator(".lg-edits li")).to_have_count(2)
    page.get_by_role("button", name="Undo the last").click()
    expect(page.locator(".lg-edits li")).to_have_count(1)
    page.get_by_role("button", name="Start over").click()
    expect(page.locator(".lg-edits")).to_have_count(0)
    assert number(page) == before


def test_the_table_of_an_edited_label_marks_the_edge_and_explains_its_columns(page: Page) -> None:
    page.locator("[data-panel=edge]").click()
    page.get_by_label("From label").select_option(label="snow")
    page.get_by_label("To label").select_option(label="skiing")
    page.locator(".lg-weight input").fill("0.2")
    page.get_by_role("button", name="Recompute the classifiers").click()
    expect(page.locator(".lg-edits li")).to_have_count(1)
    page.locator("[data-panel=label]").click()
    page.locator(".lg-find input").fill("skiing")
    page.keyboard.press("Enter")
    table = page.locator("section").filter(has=page.get_by_role("heading", name="skiing receives from"))
    expect(table.locator("tr").filter(has_text="snow")).to_contain_text("0.20edited")
    expect(table.locator(".lg-edited")).to_have_count(1)
    expect(table.locator(".lg-note")).to_contain_text("before and change do not add up to it")
    assert table.locator("thead th").all_inner_texts()[1:-1] == [
        "together",
        "before\nC",
        "change\nγD",
        "after\nA",
        "scaled\nÂ",
    ]
    key = page.locator(".lg-key")
    expect(key.locator("dd").first).to_be_hidden()
    key.locator("summary").click()
    expect(key).to_contain_text("The weight that training started from")
    set_slider(page, ".lg-epochs input", 3)  # the panel is made anew, and the edit is of the model's own epoch
    expect(page.locator(".lg-key dd").first).to_be_visible()
    expect(page.locator(".lg-edited")).to_have_count(0)
    page.locator(".lg-key summary").click()
    page.locator("[data-panel=edge]").click()
    page.get_by_role("button", name="Start over").click()
    expect(page.locator(".lg-edits")).to_have_count(0)


def test_the_panel_is_as_tall_as_the_graph_and_begins_at_its_top(page: Page) -> None:
    panel = page.locator(".lg-panel")
    for name in ("skiing", "person"):
        page.locator(".lg-find input").fill(name)
        page.keyboard.press("Enter")
        expect(page.locator(".lg-pictures img").first).to_be_visible()
        assert panel.evaluate("panel => panel.scrollHeight > panel.clientHeight && panel.scrollTop === 0")
        assert abs(panel.bounding_box()["height"] - page.locator(".lg-figure").bounding_box()["height"]) < 1
        panel.evaluate("panel => panel.scrollTo(0, 400)")


def test_sliders_say_what_they_are_and_where_they_stand(page: Page) -> None:
    set_slider(page, ".lg-threshold input", 0.2)
    for name, words in (("Hide edges below", "0.20"), ("Training epoch", "20 of 20, the model")):
        expect(page.get_by_role("slider", name=name, exact=True)).to_have_attribute("aria-valuetext", words)


@pytest.mark.parametrize("width", [390, 1440])
def test_no_number_is_a_negative_zero_and_no_text_is_under_an_arrow(
    browser: Browser, pocket_server: Server, width: int
) -> None:
    with visit(browser, pocket_server.url, width=width, height=900) as page:
        open_labels(page)
        for stage in page.locator("[data-stage]").all():
            stage.click()
            for label in ("person", "skiing", "boat"):
                page.locator(".lg-find input").fill(label)
                page.keyboard.press("Enter")
                expect(page.locator(".lg-chosen h3")).to_have_text(label)
                assert not re.search(r"[-−+]0(\.0+)?(?![\d.])", page.locator(".label-view").inner_text())
        page.locator("[data-panel=edge]").click()
        for select in page.locator(".label-view select:visible").all():
            assert float(select.evaluate("select => parseFloat(getComputedStyle(select).paddingRight)")) >= 28


def test_a_phone_names_the_main_dots(browser: Browser, paper_server: Server) -> None:
    with visit(browser, paper_server.url, width=390, height=844) as page:
        open_labels(page)
        names = page.locator(PLOT).evaluate(
            """plot => {
              const { marker, text } = plot.data.at(-1);
              const order = [...text.keys()].sort((one, two) => marker.size[two] - marker.size[one]);
              return order.map(label => text[label].trim());
            }"""
        )
        assert all(names[:12]), names[:12]
        assert sum(map(bool, names)) == 24


def test_an_empty_plot_says_that_it_is_being_drawn(browser: Browser, paper_server: Server) -> None:
    with visit(browser, paper_server.url) as page:
        held: list = []
        page.route("**/plotly.js", lambda route: held.append(route))
        with page.expect_request("**/plotly.js"):
            page.get_by_role("tab", name="Labels").click()
        waiting = page.locator("#label-graph .plot-wait")
        expect(waiting).to_be_visible()
        expect(waiting).to_have_text("Drawing…")
        held[0].continue_()
        expect(page.locator(f"{PLOT}[data-drawn]")).to_be_visible()
        expect(waiting).to_be_hidden()


def test_edits_are_the_visitors_alone(browser: Browser, page: Page, paper_server: Server) -> None:
    page.locator("[data-panel=edge]").click()
    page.get_by_label("From label").select_option(label="cat")
    page.get_by_label("To label").select_option(label="boat")
    page.locator(".lg-weight input").fill("2")
    page.get_by_role("button", name="Recompute the classifiers").click()
    expect(page.locator(".lg-edits li")).to_have_count(1)
    mine = number(page)
    with visit(browser, paper_server.url, width=390, height=844, dark=True) as other:
        open_labels(other)
        assert number(other) == mine - 1
        wait_until_it_fits(other)
        other.locator(".lg-starts button").first.click()
        expect(other.locator(".lg-pictures img").first).to_be_visible()
        figure, panel = other.locator(".lg-figure").bounding_box(), other.locator(".lg-panel").bounding_box()
        assert panel["y"] > figure["y"] + figure["height"]
        name, table = other.locator(".lg-edges tbody th").first.bounding_box(), other.locator(".lg-edges").first
        assert name["width"] > 0.9 * table.bounding_box()["width"], "a name has a line of its own"
        other.locator("[data-panel=edge]").click()
        expect(other.locator(".lg-edits")).to_have_count(0)
    page.get_by_role("button", name="Start over").click()
    expect(page.locator(".lg-edits")).to_have_count(0)


def test_a_tap_is_one_click(browser: Browser, paper_server: Server) -> None:
    """A browser sends a tap twice, as a finger's and as a mouse's; the second would take back what the first chose."""
    with visit(browser, paper_server.url, width=390, height=844, touch=True) as page:
        open_labels(page)
        names = page.locator("#label-graph datalist option").evaluate_all("options => options.map(({value}) => value)")
        for name in ("cat", "person"):
            page.locator(PLOT).scroll_into_view_if_needed()
            page.touchscreen.tap(*page.locator(PLOT).evaluate(SPOT, names.index(name)))
            page.wait_for_timeout(700)  # the mouse's click comes later
            expect(page.locator(".lg-chosen h3")).to_have_text(name)


def test_what_the_page_did_not_send_is_no_harm(browser: Browser, tiny_server: Server) -> None:
    """A random model without a history, and a browser that asks for labels and edges that there are not."""
    with visit(browser, tiny_server.url) as page:
        open_labels(page)
        expect(page.locator(".lg-epochs")).to_be_hidden()
        assert number(page) > 0
        page.locator("[data-panel=edge]").click()
        page.get_by_label("From label").select_option(label="boat")
        page.get_by_label("To label").select_option(label="dog")
        slider = page.locator(".lg-weight input")
        slider.evaluate("slider => { slider.max = 99; slider.value = 99; }")
        page.get_by_role("button", name="Recompute the classifiers").click()
        expect(page.get_by_role("alert").filter(has_text="weight must be a number from 0 to 2")).to_be_visible()
        slider.fill("1")
        page.get_by_role("button", name="Recompute the classifiers").click()
        expect(page.locator(".lg-edits li")).to_have_count(1)
        assert page.evaluate("window.hacked") is None


@pytest.fixture(scope="module")
def plus_page(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """The program with a bundle of mode plus that has a directed graph, the shipped model beside it."""
    from algcn.bundles.bundle import Bundle
    from algcn.gallery.store import build_gallery

    folder = tmp_path_factory.mktemp("plus")
    paper = Bundle.load(write_paper_bundle(folder / "paper"))
    gallery = build_gallery(PROJECT / "assets" / "gallery", paper)
    bundle = write_plus_bundle(folder / "plus", paper, gallery)
    (folder / "home").mkdir()
    with serve(folder / "home", ("--bundle", bundle)) as server, visit(browser, server.url) as page:
        yield page


def test_an_edit_of_what_one_label_says_moves_labels_and_pictures(plus_page: Page) -> None:
    page = plus_page
    ask(page, "snow")
    open_labels(page)
    stage = page.get_by_role("button", name="What one label says about another")
    expect(stage).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".lg-reading")).to_contain_text("each makes another label likelier")
    page.locator(".lg-find input").fill("snow")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="What others say about snow")).to_be_visible()
    page.get_by_role("button", name="Adaptive A").click()
    expect(page.get_by_role("heading", name="snow receives from")).to_be_visible()
    expect(page.locator(".lg-signs")).to_be_hidden()
    stage.click()

    page.locator("[data-panel=edge]").click()
    page.get_by_label("From label").select_option(label="boat")
    page.get_by_label("To label").select_option(label="snow")
    expect(page.locator(".lg-chosen h3")).to_have_text("boat says about snow")
    slider = page.locator(".lg-weight input")
    slider.fill("4")
    page.get_by_role("button", name="See what changes").click()
    expect(page.locator(".lg-edits li")).to_contain_text("boat says +4.00 about snow")
    expect(page.locator(".lg-reading")).to_contain_text("Your edit is in it.")
    alone = page.locator(".lg-effects section").first
    expect(alone.get_by_role("heading")).to_have_text("Where only boat is known")
    expect(alone.locator("tbody tr").first).to_contain_text("snow")
    expect(page.locator(".lg-effects .lg-places img").first).to_be_visible()
    expect(page.locator(".lg-places .lg-up").first).to_be_visible()

    slider.evaluate("slider => { slider.max = 99; slider.value = 99; }")
    page.get_by_role("button", name="See what changes").click()
    expect(page.get_by_role("alert").filter(has_text="weight must be a number from -4 to 4")).to_be_visible()
    page.locator("[data-panel=label]").click()
    page.locator(".lg-find input").fill("boat")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Where only boat is known")).to_be_visible()
    page.locator("[data-panel=edge]").click()
    page.get_by_role("button", name="Undo the last").click()
    expect(page.locator(".lg-edits")).to_have_count(0)
    expect(page.locator(".lg-effects")).to_have_count(0)
