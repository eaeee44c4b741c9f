"""The page over a large gallery of real files: seconds to a page that can be used, and every control in the browser.

    python -m tests.benchmarks.large_page --folder FOLDER [--pictures 100000] [--gallery assets/gallery]
        [--parts search labels maps others]

FOLDER gets the gallery (`large_gallery`, about 10 kB a picture) and the program's cache, and keeps them. The program
starts as a user starts it, twice: the first start makes what the second one finds. A headless Chromium then uses every
control that asks the server. For each it prints the milliseconds to the first frame in which the answer is there, when
the page first showed that it is at work, where it did, and the longest time without a frame. Server, browser and this
script share the machine.
"""

from __future__ import annotations

import argparse
import functools
import os
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from algcn.bundles.bundle import Bundle
from tests.benchmarks.large_gallery import large_gallery
from tests.benchmarks.page_latency import CLASSIFIERS, GRAPH, MAP, NODE, PICTURE, POINT, QUERY
from tests.serving import PROJECT, SWITCHES, Server, serve

PATIENCE, LAYOUT_PATIENCE = 180_000, 1_200_000
PARTS = ("search", "labels", "maps", "others")
PAUSE = 700  # between two controls
LIMIT = 200  # milliseconds beyond which the page should say that it is at work
# Starts the clock at the next thing a person does, and stops it at the frame in which `done()` is true.
CLOCK = """
([done, argument, signs]) => {
  const finished = eval(done), deeds = ["keydown", "pointerdown", "input", "change"];
  const visible = (sign) => sign.checkVisibility() && sign.getBoundingClientRect().height > 0;
  const took = { answer: undefined, sign: null, still: 0 };
  window.took = took;
  let start, last;
  const begin = () => {
    if (start !== undefined) return;
    start = last = performance.now();
    deeds.forEach((deed) => removeEventListener(deed, begin, true));
    const look = () => {
      const now = performance.now();
      took.still = Math.max(took.still, now - last);
      last = now;
      if (finished(argument)) {
        requestAnimationFrame(() => {
          took.still = Math.max(took.still, performance.now() - last);
          took.answer = performance.now() - start;
        });
        return;
      }
      if (took.sign === null && [...document.querySelectorAll(signs)].some(visible)) took.sign = now - start;
      requestAnimationFrame(look);
    };
    look();
  };
  deeds.forEach((deed) => addEventListener(deed, begin, true));
}
"""
SIGNS = ", ".join(
    (
        "[data-testid=status-tracker]:not(.hide) *",
        ".map-busy",
        ".lg-loading",
        ".status.running",
        ".plot-wait:not([hidden])",
        ".busy",
        "[aria-busy=true]",
    )
)
TURN, DRAWN, HTML = (
    f"(place) => document.querySelector(place)?.{what} ?? ''" for what in ("dataset.turn", "dataset.drawn", "innerHTML")
)
OTHER, OTHER_DRAWING, OTHER_HTML = (f"([place, before]) => ({now})(place) !== before" for now in (TURN, DRAWN, HTML))
THERE = "(place) => document.querySelector(place)?.checkVisibility()"


class Visit:
    """One visit to the page, and what its controls took."""

    def __init__(self, page: Page) -> None:
        self.page = page
        print(f"{'milliseconds':<46}{'answer':>8}{'at work':>9}{'still':>7}")

    def use(self, name: str, act: Callable[[], object], done: str, argument: object = None, before: str = "") -> None:
        """Do something and print how long the answer took; `before` is what `done` compares with, in JavaScript."""
        page = self.page
        page.wait_for_timeout(PAUSE)
        if before:
            argument = [argument, page.evaluate(before, argument)]
        page.evaluate(CLOCK, [done, argument, SIGNS])
        act()
        page.wait_for_function("window.took.answer !== undefined", timeout=PATIENCE)
        took = page.evaluate("window.took")
        sign = "" if took["sign"] is None else f"{took['sign']:.0f}"
        told = "" if took["answer"] <= LIMIT or took["sign"] is not None else "  nothing says so"
        print(f"{name:<46}{took['answer']:>8.0f}{sign:>9}{took['still']:>7.0f}{told}", flush=True)

    def ask(self, name: str, act: Callable[[], object]) -> None:
        """Something that brings another answer of the search."""
        self.use(name, act, OTHER, "#results .answer", TURN)

    def change(self, name: str, act: Callable[[], object], place: str) -> None:
        """Something that brings other words to a place."""
        self.use(name, act, OTHER_HTML, place, HTML)

    def redraw(self, name: str, act: Callable[[], object], plot: str) -> None:
        """Something that brings another picture."""
        self.use(name, act, OTHER_DRAWING, plot, DRAWN)

    def open(self, name: str, place: str) -> None:
        """Open a tab."""
        self.use(f"{name}: opened", self.page.get_by_role("tab", name=name).click, THERE, place)
        self.page.wait_for_timeout(2 * PAUSE)

    def enter(self, box: str, text: str) -> Callable[[], object]:
        """Fill a box, and return what presses Enter in it."""
        self.page.fill(box, text)
        return functools.partial(self.page.press, box, "Enter")

    def option(self, box: str, name: str) -> Callable[[], object]:
        """Open a list, and return what chooses from it."""
        self.page.locator(f"{box} input").click()
        return self.page.get_by_role("option", name=name, exact=True).click

    def search(self, picture: Path) -> None:
        """The Search tab."""
        page = self.page
        for text in ("a dog on the beach", "two red buses in a city", "people skiing down a hill"):
            self.ask("search: words, as they are typed", functools.partial(page.fill, QUERY, text))
            self.ask("search: words, asked again", functools.partial(page.press, QUERY, "Enter"))
        self.ask("search: Show more", page.locator("#results .more").click)
        for value in (80, 20):
            self.ask("search: cut-off", functools.partial(page.locator("#cutoff input[type=range]").fill, str(value)))
        for name in ("dog", "person"):
            page.fill("#labels input", name)
            self.ask("search: with a label", functools.partial(page.press, "#labels input", "Enter"))
        page.locator("#labels input").blur()
        for name in ("all", "none", "any"):
            self.ask(f"search: match {name}", page.locator("#match").get_by_label(name, exact=True).click)
        for _ in range(2):
            self.ask("search: a label less", page.locator("#labels .token-remove").first.click)
        page.keyboard.press("Escape")
        self.ask("search: steered away", self.enter("#without input", "snow"))
        self.ask("search: not steered away", self.enter("#without input", ""))
        self.ask(
            "search: weight of shared subjects",
            functools.partial(page.locator("#subjects input[type=range]").fill, "0.5"),
        )
        for _ in range(2):
            self.ask("search: what is written", page.locator("#written input").click)
        for _ in range(2):
            self.ask("search: beside the plain encoder", page.locator("#beside input").click)
        page.locator("#results .hit-card").first.click()
        self.ask("search: more like this", page.get_by_role("button", name="More like this").first.click)
        page.locator("#query-picture button[aria-label='Remove Image']").click()
        page.fill(QUERY, "")
        page.wait_for_timeout(2 * PAUSE)
        self.ask("search: a picture", functools.partial(page.set_input_files, PICTURE, picture))
        for number in range(3):
            page.locator("#results .pictures li:not([hidden]) > .pick").nth(number).check(force=True)
        keep = page.locator(".selection-bar").get_by_role("button", name="collection")
        self.change("search: three into the collection", keep.click, "#selection-notice")

    def labels(self, _: Path) -> None:
        """The Labels tab."""
        page = self.page
        self.open("Labels", f"{GRAPH}[data-drawn]")
        names = page.locator("#label-graph datalist option").evaluate_all("all => all.map((one) => one.value)")
        done = """(name) => document.querySelector('.lg-chosen h3').textContent === name
            && document.querySelectorAll('.lg-pictures img').length > 0"""
        for label in (0, 30, 60):
            click = functools.partial(page.mouse.click, *page.evaluate(NODE, [GRAPH, label]))
            self.use("labels: a click on one, with its pictures", click, done, names[label])

    def maps(self, _: Path) -> None:
        """The Classifiers and the Gallery map tabs."""
        page = self.page
        self.open("Classifiers", f"{CLASSIFIERS}[data-drawn]")
        click = functools.partial(page.mouse.click, *page.evaluate(POINT, [CLASSIFIERS, 5]))
        self.change("classifiers: a click on a label", click, "#classifiers-near-0")
        self.open("Gallery map", f"{MAP}[data-drawn]")
        start = time.perf_counter()
        page.wait_for_function("() => !document.querySelector('.map-busy')", timeout=LAYOUT_PATIENCE)
        print(f"map: UMAP was there {time.perf_counter() - start:.0f} s later", flush=True)
        page.locator(MAP).scroll_into_view_if_needed()
        for name in ("PCA", "UMAP"):
            self.redraw(f"map: {name}", page.locator("#map-method").get_by_label(name).check, MAP)
        for name in ("one label", "picture or caption", "folder", "label group"):
            self.redraw(f"map: coloured by {name}", self.option("#map-colouring", name), MAP)
        for name in ("3D", "2D"):
            self.redraw(f"map: {name}", page.locator("#map-dimensions").get_by_label(name).check, MAP)
        for _ in range(2):
            self.redraw("map: captions away, and back", page.locator("#map-kinds label").last.click, MAP)
        self.change("map: words found on it", self.enter("#map-find input", "a dog on the beach"), "#map-chosen")
        point = page.evaluate(
            "(plot) => document.querySelector(plot)._fullData.find((one) => one.customdata).customdata[9]", MAP
        )
        click = functools.partial(page.mouse.click, *page.evaluate(POINT, [MAP, point]))
        self.change("map: a click on a point", click, "#map-chosen")
        self.change("map: a lasso", self._lasso, "#map-chosen")

    def _lasso(self) -> None:
        box = self.page.locator(MAP).bounding_box()
        across, up = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        self.page.mouse.move(across - 60, up - 60)
        self.page.mouse.down()
        for dx, dy in ((60, -60), (60, 60), (-60, 60), (-60, -60)):
            self.page.mouse.move(across + dx, up + dy, steps=4)
        self.page.mouse.up()

    def others(self, picture: Path) -> None:
        """The Benchmark, Train and Collections tabs."""
        page = self.page
        self.open("Benchmark", "#benchmark-mistakes .mistakes")
        for number in (3, 5):
            choose = functools.partial(page.select_option, "#mistakes-label", index=number)
            self.change("benchmark: mistakes of another label", choose, "#benchmark-mistakes")
        self.open("Train", "#train-data p")
        self.use("train: started, until it shows how it goes", page.locator("#train-start").click, THERE, "#train-live")
        page.locator("#train-stop").click()
        self.open("Collections", "#collect-drop")
        give = functools.partial(page.set_input_files, "#collect-drop input[type=file]", picture)
        self.use("collections: a picture more", give, THERE, "#collect-view")
        back = page.locator("#collect-swap").click
        self.change("collections: back to the gallery", back, "#collect-own")
        self.open("Search", QUERY)
        self.ask("search: words, in the gallery again", self.enter(QUERY, "a train in a city"))


def started(server: Server, page: Page, start: float) -> float:
    """Seconds from a program's start to a page in which one can search."""
    page.goto(server.url)
    page.wait_for_selector(".try-pictures img", state="attached", timeout=PATIENCE)
    return time.perf_counter() - start


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--pictures", type=int, default=100_000)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, help="what is used (default: all)")
    parser.add_argument("--bundle", type=Path, default=PROJECT / "weights" / "pocket")
    parser.add_argument("--gallery", type=Path, default=PROJECT / "assets" / "gallery")
    arguments = parser.parse_args(argv)
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        raise SystemExit("there is no chromium on this machine; install it, with apt for instance")
    place = arguments.folder.resolve() / str(arguments.pictures)
    gallery = large_gallery(place / "gallery", arguments.gallery, Bundle.load(arguments.bundle), arguments.pictures)
    home = place / "home"
    home.mkdir(exist_ok=True)
    folders = ("--bundle", arguments.bundle.resolve(), "--gallery", gallery)
    picture = next((arguments.gallery / "images").iterdir())
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(SWITCHES))
        for number in ("first", "next"):
            page = browser.new_page(viewport={"width": 1440, "height": 960})
            page.set_default_timeout(PATIENCE)
            start = time.perf_counter()
            with serve(home, folders, OMP_NUM_THREADS="2") as server:
                print(
                    f"{number} start: {started(server, page, start):.1f} s, load {os.getloadavg()[0]:.1f}", flush=True
                )
                start = time.perf_counter()
                page.reload()
                page.wait_for_selector(".try-pictures img", state="attached")
                print(f"the page of another visitor: {time.perf_counter() - start:.1f} s", flush=True)
                if number == "next":
                    print(page.locator(".masthead .facts").inner_text())
                    visit = Visit(page)
                    for part in arguments.parts:
                        getattr(visit, part)(picture)
                    memory = Path(f"/proc/{server.process.pid}/status").read_text()
                    print(next(line for line in memory.splitlines() if line.startswith("VmRSS")))
                page.close()
        browser.close()
    print(f"load at the end: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
