"""A person who labels their own pictures: a few by hand with suggestions, then a model of their own that finds them."""

from __future__ import annotations

import csv
import re
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from browsing import CARDS, PATIENCE, Browser, Page, ask, expect, open_tab, visit, wait_until_it_fits
from serving import PROJECT, Server, serve

IMAGES = sorted((PROJECT / "assets" / "gallery" / "images").iterdir())
COUNT, BY_HAND = 40, 10
CELLS, TAKE, GIVEN = ".mine-grid > li", ".mine-suggested .mine-take", ".mine-given .chip"
INPUT = ".mine-add input"
QUERY_WORDS = "a couch in a room"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The program on the pocket model with probabilities and a label graph, counted in the bundled gallery."""
    from algcn.bundles.bundle import Bundle
    from algcn.bundles.predictor import LabelPredictor
    from algcn.bundles.saving import save_bundle
    from algcn.evaluation.probabilities import fit_platt
    from algcn.gallery.store import build_gallery
    from algcn.method.label_graph import DirectedGraph, counted_graph

    root = tmp_path_factory.mktemp("labelling")
    bundle = Bundle.load(PROJECT / "weights" / "pocket")
    gallery, predictor = build_gallery(PROJECT / "assets" / "gallery", bundle), LabelPredictor(bundle)
    labels = predictor.known(gallery.items)
    counted = counted_graph(labels)
    save_bundle(
        root / "graph",
        bundle.model,
        bundle.label_set,
        encoder=bundle.encoder_reference,
        thresholds=bundle.thresholds,
        probabilities={
            "image": fit_platt(predictor.scores(gallery.image_embeddings), labels),
            "text": fit_platt(predictor.scores(gallery.text_embeddings), labels[gallery.text_owner]),
        },
        ranking=bundle.ranking,
        directed_graph=DirectedGraph(counted, torch.zeros_like(counted), labels.float().mean(dim=0)),
    )
    (root / "home").mkdir()
    with serve(root / "home", ("--bundle", root / "graph")) as server:
        yield server


@pytest.fixture(scope="module")
def page(browser: Browser, server: Server) -> Iterator[Page]:
    with visit(browser, server.url) as page:
        open_tab(page, "Collections")
        page.set_input_files("#collect-drop input[type=file]", IMAGES[:COUNT])
        expect(page.locator(CELLS)).to_have_count(COUNT, timeout=3 * PATIENCE)
        yield page


def cell(page: Page, row: int):
    return page.locator(CELLS).nth(row)


def choose(page: Page, row: int, **how: object) -> None:
    """Choose pictures, and wait until labels are suggested for them."""
    cell(page, row).click(**how)
    expect(page.locator(TAKE).first).to_be_visible()


def test_a_click_labels_a_picture_and_what_was_said_is_a_reason(page: Page) -> None:
    expect(page.locator(".mine-grid .predicted .chip").first).to_be_visible()
    choose(page, 3)
    expect(page.locator(".mine-panel h3")).to_have_text("1 picture chosen")
    expect(page.locator(".mine-why").first).to_have_text("seen in the picture")
    page.fill(INPUT, "sea")
    page.press(INPUT, "Enter")
    expect(page.locator(GIVEN)).to_have_text(["sea"])
    expect(cell(page, 3).locator(".chips")).to_have_text("sea")
    expect(cell(page, 3).locator(".chips")).not_to_have_class(re.compile("predicted"))
    expect(page.locator(".mine-suggested")).to_contain_text("because you said sea")
    expect(page.locator(".mine-labelled")).to_have_text(", 1 with labels of yours")
    label = page.locator(TAKE).first.get_attribute("title")
    page.locator(".mine-no").first.click()
    expect(page.locator(".mine-refused")).to_contain_text(label)
    expect(page.locator(f'{TAKE}[title="{label}"]')).to_have_count(0)
    page.click("[data-act=undo]")
    expect(page.locator(f'{TAKE}[title="{label}"]')).to_have_count(1)
    page.locator(GIVEN).click()
    expect(page.locator(GIVEN)).to_have_count(0)
    for _ in range(2):
        page.click("[data-act=undo]")
    expect(page.locator("[data-act=undo]")).to_be_disabled()
    expect(cell(page, 3).locator(".chips")).to_have_class(re.compile("predicted"))


def test_everything_goes_by_keyboard(page: Page) -> None:
    cell(page, 3).click()  # lets it go
    expect(page.locator(".mine-panel h3")).to_have_text("Label your pictures")
    cell(page, 3).focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    expect(cell(page, 1)).to_be_focused()
    page.keyboard.press("Space")
    page.keyboard.press("Shift+ArrowRight")
    expect(page.locator(f'{CELLS}[aria-selected="true"]')).to_have_count(2)
    expect(page.locator(TAKE).first).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator(INPUT)).to_be_focused()
    page.keyboard.type("grass")
    page.keyboard.press("Enter")
    expect(page.locator(GIVEN)).to_have_text(["grass"])
    page.keyboard.press("Tab")
    expect(page.locator(TAKE).first).to_be_focused()
    label = page.locator(TAKE).first.get_attribute("title")
    page.keyboard.press("Enter")
    expect(page.locator(f'{GIVEN}[title^="{label}"]')).to_have_count(1)
    expect(page.locator(TAKE).first).to_be_focused()  # that of the suggestion that took its place
    page.keyboard.press("Control+z")
    expect(page.locator(GIVEN)).to_have_text(["grass"])
    page.keyboard.press("Escape")
    expect(cell(page, 2)).to_be_focused()
    page.keyboard.press("Control+z")
    expect(page.locator(GIVEN)).to_have_count(0)
    page.keyboard.press("Control+a")
    expect(page.locator(".mine-panel h3")).to_have_text(f"{COUNT} pictures chosen")
    page.keyboard.press("Escape")
    expect(page.locator(".mine-panel h3")).to_have_text("Label your pictures")


def test_from_forty_dropped_pictures_to_a_search_with_a_model_of_ones_own(
    browser: Browser, server: Server, record_property: Callable[[str, object], None]
) -> None:
    """The whole circle with its defaults, as a newcomer goes it; how long it takes is reported and judged by nobody."""
    with visit(browser, server.url) as page:
        person = Person(page)
        person.click("Collections", open_tab)
        person.acts += 3  # click to choose files, mark all of them, open
        page.set_input_files("#collect-drop input[type=file]", IMAGES[:COUNT])
        expect(page.locator(CELLS)).to_have_count(COUNT, timeout=3 * PATIENCE)
        person.click(page.locator(CELLS).first)
        for row in range(BY_HAND):
            expect(page.locator(CELLS).nth(row)).to_have_attribute("aria-selected", "true")
            expect(page.locator(TAKE).first).to_be_visible()
            expect(page.locator("[data-act=next]")).to_contain_text("Accept")
            person.click(page.locator("[data-act=next]"))
            expect(page.locator(".mine-labelled")).to_have_text(f", {row + 1} with labels of yours")
        expect(page.locator(".mine-told")).to_contain_text("given to 1 picture.")
        person.click(page.locator("#collect-train"))
        expect(page.locator("#train-data")).to_contain_text("8 pictures to learn from, 1 to pick the best epoch")
        person.click(page.locator("#train-start"))
        expect(page.locator("#train-result")).to_contain_text("epochs in", timeout=3 * PATIENCE)
        expect(page.locator("#train-own")).to_have_text(
            f"You are looking at your own model and your own {COUNT} pictures."
        )
        person.click("Search", open_tab)
        expect(page.locator("#model")).to_have_value("your model")
        expect(page.locator("#notice")).to_contain_text("You opened another model")  # it is filled anew
        person.acts += len(QUERY_WORDS) + 1
        ask(page, QUERY_WORDS)
        expect(page.locator(CARDS).first).to_be_visible()
        known = page.locator(CARDS).filter(has=page.locator(".chips:not(.predicted)"))
        expect(known.first).to_be_visible()
        report = person.report()
        record_property("circle", report)
        print(f"\nFrom {COUNT} dropped pictures to a search with a model of one's own: {report}.")


class Person:
    """Somebody at the page, whose clicks and keys are counted: each takes a second, and what the page takes is waited.

    Attributes:
        page: The page.
        acts: How many clicks and keys.
    """

    def __init__(self, page: Page) -> None:
        self.page, self.acts, self._began = page, 0, time.perf_counter()

    def click(self, what: Any, how: Callable[[Page, str], None] | None = None) -> None:
        """Click something; a tab by its name with `open_tab`."""
        self.acts += 1
        what.click() if how is None else how(self.page, what)

    def report(self) -> str:
        """Say how long a person would have taken."""
        waited = time.perf_counter() - self._began
        return f"{self.acts} clicks and keys at 1 s each and {waited:.0f} s of waiting, {self.acts + waited:.0f} s"


def test_ten_by_hand_then_train_then_search(page: Page) -> None:
    page.click("#collect-train")
    expect(page.locator("#train-status")).to_contain_text("Nothing to train on")
    expect(page.locator("#train-status")).to_contain_text("label your own pictures in the Collections tab")
    open_tab(page, "Collections")
    for row in range(BY_HAND):
        choose(page, row)
        page.locator("[data-act=accept]").click()
        expect(page.locator(".mine-told")).to_contain_text("given to 1 picture.")
        expect(page.locator(GIVEN).first).to_be_visible()
    expect(page.locator(".mine-labelled")).to_have_text(f", {BY_HAND} with labels of yours")
    page.click("#collect-train")
    expect(page.locator("#train-data")).to_contain_text("8 pictures to learn from, 1 to pick the best epoch")
    expect(page.locator("#train-data")).to_contain_text("10 pictures are without a caption: their labels stand for it.")
    page.fill("#train-epochs input[type=number]", "5")
    page.keyboard.press("Tab")
    page.click("#train-start")
    expect(page.locator("#train-result")).to_contain_text("5 epochs in", timeout=3 * PATIENCE)
    open_tab(page, "Collections")
    choose(page, BY_HAND + 1)
    page.select_option("#model", "graph")
    expect(page.locator("#collect-own")).to_have_text(f"You are looking at your own {COUNT} pictures.")


def test_a_new_label_is_suggested_before_any_training_and_taken_home(page: Page, tmp_path: Path) -> None:
    open_tab(page, "Collections")
    cell(page, 20).click()
    cell(page, 22).click(modifiers=["Shift"])
    expect(page.locator(".mine-panel h3")).to_have_text("3 pictures chosen")
    page.fill(INPUT, "<b>Grandma's</b>")
    page.press(INPUT, "Enter")
    expect(page.locator(".mine-told")).to_contain_text("is a label of your own now")
    expect(page.locator(".mine-new .chip")).to_contain_text("<b>Grandma's</b>")
    page.fill(INPUT, "zebra crossing")
    page.press(INPUT, "Enter")
    expect(page.locator(".mine-new .chip")).to_have_count(2)
    page.locator(GIVEN).filter(has_text="zebra crossing").click()
    page.locator(".mine-panel [data-act=all]").click()
    expect(page.locator(".mine-panel h3")).to_have_text(f"{COUNT} pictures chosen")
    with page.expect_download() as download:
        page.click("#collect-save")
    download.value.save_as(tmp_path / "mine.zip")
    with zipfile.ZipFile(tmp_path / "mine.zip") as archive:
        rows = list(csv.DictReader(archive.read("my-pictures/metadata.csv").decode().splitlines()))
    given = [row["labels"].split("|") if row["labels"] else [] for row in rows]
    assert sum("<b>Grandma's</b>" in labels for labels in given) == 3
    assert sum(map(bool, given)) == BY_HAND + 3 and "zebra crossing" not in {
        label for labels in given for label in labels
    }
    for row, labels in zip(rows, given, strict=True):
        predicted = row["predicted_labels"].split("|") if row["predicted_labels"] else []
        assert not set(labels) & set(predicted)
        assert len(predicted) == len([part for part in row["predicted_probabilities"].split("|") if part])
    assert not page.evaluate("window.hacked")


def test_filters_know_what_was_said_and_another_visitor_does_not(browser: Browser, server: Server, page: Page) -> None:
    open_tab(page, "Search")
    ask(page, "a photo")
    page.click("#labels input")
    page.fill("#labels input", "Grandma")
    page.locator("#labels [role=option]").filter(has_text="Grandma's").click()
    said = page.locator(CARDS).filter(has=page.locator(".chips:not(.predicted)", has_text="Grandma's"))
    expect(said.nth(2)).to_be_attached()  # all three, also those that are folded behind others
    with visit(browser, server.url) as other:
        open_tab(other, "Collections")
        expect(other.locator("#collect-limits")).to_be_visible()
        expect(other.locator(CELLS)).to_have_count(0)
        open_tab(other, "Search")
        other.click("#labels input")
        expect(other.locator("#labels [role=option]").filter(has_text="boat").first).to_be_visible()
        expect(other.locator("#labels [role=option]").filter(has_text="Grandma's")).to_have_count(0)


def test_a_label_of_ones_own_is_drawn_searched_for_taken_home_and_brought_back(
    browser: Browser, server: Server, tmp_path: Path
) -> None:
    mine = ".mine-new > li"
    with visit(browser, server.url) as page, visit(browser, server.url) as other:
        open_tab(page, "Collections")
        page.set_input_files("#collect-drop input[type=file]", IMAGES[:COUNT])
        expect(page.locator(CELLS)).to_have_count(COUNT, timeout=3 * PATIENCE)
        expect(page.locator(".mine-new-how")).to_contain_text("seen by you alone")
        page.fill(INPUT, "stage & <i>lights")
        page.press(INPUT, "Enter")
        expect(page.locator(mine)).to_contain_text("by its name")
        choose(page, 3)
        page.fill(INPUT, "stage & <i>lights")
        page.press(INPUT, "Enter")
        expect(page.locator(mine)).to_contain_text("1 example")
        with page.expect_download() as download:
            page.click(f"{mine} [data-act=download]")
        assert download.value.suggested_filename == "stage-i-lights.safetensors"
        download.value.save_as(tmp_path / "label.safetensors")

        open_tab(page, "Labels")
        page.locator(".lg-panel .lg-name").filter(has_text="stage & <i>lights").click()
        expect(page.locator(".lg-panel h3")).to_have_text("stage & <i>lights")
        expect(page.locator(".lg-label")).to_contain_text("in 1 example of stage & <i>lights")
        expect(page.locator(".lg-label .lg-pictures small").filter(has_text="you said so")).to_have_count(1)
        page.keyboard.press("Escape")
        expect(page.locator(".lg-panel h3")).to_have_text("Choose a label")
        page.fill(".lg-find input", "stage & <i>lights")
        page.press(".lg-find input", "Enter")
        expect(page.locator(".lg-panel h3")).to_have_text("stage & <i>lights")

        open_tab(page, "Search")
        expect(page.locator("#notice")).to_contain_text("You opened")  # it is filled anew
        ask(page, "stage & <i>lights")
        expect(page.locator(CARDS).first.locator(".chips")).to_contain_text("stage & <i>lights")

        open_tab(page, "Collections")
        page.click(f"{mine} [data-act=forget]")
        expect(page.locator(mine)).to_have_count(0)
        page.set_input_files(".mine-new-part input", tmp_path / "label.safetensors")
        expect(page.locator(".mine-told")).to_have_text("stage & <i>lights is back, as it was made with 1 example.")
        expect(page.locator(mine)).to_contain_text("1 example")
        page.set_input_files(".mine-new-part input", IMAGES[0])
        expect(page.locator(".mine-told.error")).to_contain_text("holds no label of your own")
        expect(page.locator(mine)).to_have_count(1)
        assert not page.evaluate("window.hacked")

        open_tab(other, "Labels")
        expect(other.locator(".lg-panel h3")).to_have_text("Choose a label")
        expect(other.locator(".lg-yours")).to_have_count(0)
        open_tab(other, "Search")
        ask(other, "stage & <i>lights")
        expect(other.locator(CARDS).first).to_be_visible()
        expect(other.locator(f"{CARDS} .chip").filter(has_text="lights")).to_have_count(0)


@pytest.mark.parametrize("width", [390, 1440])
def test_the_board_fits_and_stays_in_sight(browser: Browser, server: Server, width: int) -> None:
    with visit(browser, server.url, width=width, dark=width == 390, touch=width == 390) as page:
        open_tab(page, "Collections")
        page.set_input_files("#collect-drop input[type=file]", IMAGES[:8])
        expect(page.locator(CELLS)).to_have_count(8, timeout=3 * PATIENCE)
        page.locator(CELLS).nth(7).scroll_into_view_if_needed()
        if width == 390:
            for row in (6, 7):  # a tap adds
                page.locator(CELLS).nth(row).tap()
            expect(page.locator(".mine-panel h3")).to_have_text("2 pictures chosen")
        else:
            page.locator(CELLS).nth(7).click()
        page.fill(INPUT, "a label whose name is as long as a label's name may well be")
        page.press(INPUT, "Enter")
        expect(page.locator(GIVEN)).to_have_count(1)
        expect(page.locator(".mine-panel h3")).to_be_in_viewport()
        if width == 390:
            panel = page.locator(".mine-panel").bounding_box()
            assert panel["y"] > 300, "it lies at the foot of the screen"
        wait_until_it_fits(page)
        page.click("#collect-delete")
        expect(page.locator("#collect-status")).to_contain_text("Your pictures are deleted.")
