"""How long a person waits in the page: from the key, the click or the change of a slider to what it brings.

    python -m tests.benchmarks.page_latency [--bundle B] [--gallery G] [--repeat 15]

The program runs as a user starts it and a headless Chromium drives it; server, browser and this script share the
machine. A wait ends with the first frame in which the page has what was asked for, measured in the browser.
"""

from __future__ import annotations

import argparse
import functools
import shutil
import statistics
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.serving import PROJECT, SWITCHES, serve

PATIENCE = 60_000
PAUSE = 500  # between two waits; a second click that comes sooner is a double click
# Starts the clock at the next thing a person does, and stops it at the frame in which `done()` is true.
CLOCK = """
([done, argument]) => {
  const finished = eval(done);
  const deeds = ["keydown", "pointerdown", "input", "change"];
  let start;
  window.waited = undefined;
  const begin = () => {
    if (start !== undefined) return;
    start = performance.now();
    deeds.forEach((deed) => removeEventListener(deed, begin, true));
    const look = () => {
      if (finished(argument)) requestAnimationFrame(() => { window.waited = performance.now() - start; });
      else requestAnimationFrame(look);
    };
    look();
  };
  deeds.forEach((deed) => addEventListener(deed, begin, true));
}
"""
QUERY, PICTURE = "#query-text input", "#query-picture input[type=file]"
GRAPH, CLASSIFIERS, MAP = "#label-graph .plot", "#classifiers-plot-0 .plot", "#map-plot .plot"
# Where a label of the graph, or a point of a map, is on the screen.
NODE = """
([selector, label]) => {
  const plot = document.querySelector(selector), box = plot.getBoundingClientRect();
  const { xaxis, yaxis } = plot._fullLayout, nodes = plot.data.at(-1);
  return [box.left + xaxis._offset + xaxis.l2p(nodes.x[label]), box.top + yaxis._offset + yaxis.l2p(nodes.y[label])];
}
"""
POINT = """
([selector, id]) => {
  const plot = document.querySelector(selector), box = plot.getBoundingClientRect();
  const { xaxis, yaxis } = plot._fullLayout;
  for (const { customdata, x, y } of plot._fullData) {
    const index = customdata?.indexOf(id) ?? -1;
    if (index < 0) continue;
    return [box.left + xaxis._offset + xaxis.c2p(x[index]), box.top + yaxis._offset + yaxis.c2p(y[index])];
  }
}
"""
DRAWN = "(before) => document.querySelector(before[0]).dataset.drawn !== before[1]"


def wait(page: Page, act: Callable[[], object], done: str, argument: object = None) -> float:
    """Milliseconds from what `act` does to `done`, a JavaScript function of `argument`, being true."""
    page.wait_for_timeout(PAUSE)
    page.evaluate(CLOCK, [done, argument])
    act()
    page.wait_for_function("window.waited !== undefined", timeout=PATIENCE)
    return page.evaluate("window.waited")


def redrawn(page: Page, act: Callable[[], object], plot: str) -> float:
    """Milliseconds until a plot is drawn anew."""
    return wait(page, act, DRAWN, [plot, page.get_attribute(plot, "data-drawn")])


def open_tab(page: Page, name: str, plot: str) -> None:
    """Open a tab and wait for its plot."""
    page.get_by_role("tab", name=name).click()
    page.wait_for_selector(f"{plot}[data-drawn]", timeout=PATIENCE)
    page.locator(plot).scroll_into_view_if_needed()
    page.wait_for_timeout(2 * PAUSE)


class Waits:
    """The waits of one visit, by what was done."""

    def __init__(self, page: Page, gallery: Path, repeat: int) -> None:
        self.page, self.repeat = page, repeat
        self.pictures = sorted((gallery / "images").iterdir())[:: 1200 // (repeat + 1)]
        self.found: dict[str, list[float]] = {}

    def note(self, name: str, milliseconds: float) -> None:
        """Remember a wait; the first of its kind warms up and is forgotten."""
        self.found.setdefault(name, []).append(milliseconds)

    def search(self) -> None:
        """Words, then pictures."""
        page, answered = self.page, "(text) => document.querySelector('#results .asked')?.textContent === text"
        for number in range(self.repeat + 1):
            text = f"a dog and {number + 2} boats in the harbor"
            page.fill(QUERY, text)
            self.note("text query", wait(page, lambda: page.press(QUERY, "Enter"), answered, f"“{text}”"))
        page.fill(QUERY, "")
        source = "document.querySelector('#results .asked-picture')?.src"
        new = f"(before) => {source} && {source} !== before"
        for picture in self.pictures[: self.repeat + 1]:
            clear = page.locator("#query-picture button[aria-label='Remove Image']")
            if clear.count():
                clear.click()
                page.wait_for_timeout(PAUSE)
            before = page.evaluate(f"{source} ?? ''")
            give = functools.partial(page.set_input_files, PICTURE, picture)
            self.note("picture query", wait(page, give, new, before))

    def labels(self) -> None:
        """Clicks on labels, the threshold, the epochs, an edge."""
        page = self.page
        open_tab(page, "Labels", GRAPH)
        names = page.locator("#label-graph datalist option").evaluate_all("all => all.map((one) => one.value)")
        heading = "(name) => document.querySelector('.lg-chosen h3').textContent === name"
        pictures = "() => document.querySelectorAll('.lg-pictures img').length > 0"
        for label in range(self.repeat + 1):
            click = functools.partial(page.mouse.click, *page.evaluate(NODE, [GRAPH, label]))
            self.note("label click: neighbours", wait(page, click, heading, names[label]))
            page.wait_for_function(pictures)
            other = label + self.repeat + 1
            click = functools.partial(page.mouse.click, *page.evaluate(NODE, [GRAPH, other]))
            chosen = f"() => ({heading})({names[other]!r}) && ({pictures})()"
            self.note("label click: with its pictures", wait(page, click, chosen))
        page.keyboard.press("Escape")
        for number in range(self.repeat + 1):
            value = f"{0.1 + 0.02 * number:.2f}"
            drag = functools.partial(page.fill, ".lg-threshold input", value)
            self.note("threshold drag", redrawn(page, drag, GRAPH))
        page.fill(".lg-threshold input", "0.1")
        for number in range(self.repeat + 1):
            step = functools.partial(page.fill, ".lg-epochs input", str(number % 19))
            self.note("epoch step", redrawn(page, step, GRAPH))
        page.locator("[data-panel=edge]").click()
        page.get_by_label("From label").select_option(label="snow")
        page.get_by_label("To label").select_option(label="skiing")
        recompute = page.get_by_role("button", name="Recompute the classifiers")
        for number in range(self.repeat + 1):
            weight = f"{0.05 * number:.2f}"
            page.locator(".lg-weight input").fill(weight)
            done = f"() => document.querySelector('.lg-edits li')?.textContent.includes('sends {weight} to')"
            self.note("edge edit", wait(page, recompute.click, done))

    def maps(self) -> None:
        """Clicks on points, the epochs of the classifiers, pictures away from the map."""
        page = self.page
        open_tab(page, "Classifiers", CLASSIFIERS)
        for label in range(0, 3 * (self.repeat + 1), 3):
            click = functools.partial(page.mouse.click, *page.evaluate(POINT, [CLASSIFIERS, label]))
            before = page.locator("#classifiers-near-0").inner_text()
            other = "(before) => document.querySelector('#classifiers-near-0').innerText !== before"
            self.note("classifiers: click on a label", wait(page, click, other, before))
        slider = page.locator("#classifiers-epoch input[type=range]")
        for number in range(self.repeat + 1):
            step = functools.partial(slider.fill, str(number))
            self.note("classifiers: epoch step", redrawn(page, step, CLASSIFIERS))
        open_tab(page, "Gallery map", MAP)
        for point in range(0, 20 * (self.repeat + 1), 20):
            click = functools.partial(page.mouse.click, *page.evaluate(POINT, [MAP, point]))
            before = page.locator("#map-chosen").inner_html()
            other = "(before) => document.querySelector('#map-chosen').innerHTML !== before"
            self.note("map: click on a point", wait(page, click, other, before))
        for _ in range(self.repeat + 1):
            choice = page.locator("#map-kinds label").first
            self.note("map: pictures away, and back", redrawn(page, choice.click, MAP))


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", type=Path, default=PROJECT / "weights" / "pocket")
    parser.add_argument("--gallery", type=Path, default=PROJECT / "assets" / "gallery")
    parser.add_argument("--repeat", type=int, default=15)
    arguments = parser.parse_args(argv)
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        raise SystemExit("there is no chromium on this machine; install it, with apt for instance")
    folders = ("--bundle", arguments.bundle.resolve(), "--gallery", arguments.gallery.resolve())
    with (
        tempfile.TemporaryDirectory() as home,
        serve(Path(home), folders, OMP_NUM_THREADS="2") as server,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium, args=list(SWITCHES))
        page = browser.new_page(viewport={"width": 1440, "height": 960})
        page.set_default_timeout(PATIENCE)
        page.goto(server.url)
        page.wait_for_selector(".try-pictures img")
        waits = Waits(page, arguments.gallery, arguments.repeat)
        waits.search()
        waits.labels()
        waits.maps()
        browser.close()
    print(f"{'milliseconds until it is seen':<34}{'median':>8}{'95 %':>8}{'slowest':>9}")
    for name, (_, *times) in waits.found.items():
        times.sort()
        late = times[int(0.95 * (len(times) - 1))]
        print(f"{name:<34}{statistics.median(times):>8.0f}{late:>8.0f}{times[-1]:>9.0f}")


if __name__ == "__main__":
    main()
