"""A person who labels their own pictures: a few by hand with suggestions, then a model of their own that finds them."""

from __future__ import annotations

import csv
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from browsing import CARDS, PATIENCE, Browser, Page, ask, expect, open_tab, visit, wait_until_it_fits
from serving import PROJECT, Server, serve

IMAGES = sorted((PROJECT / "assets" / "gallery" / "images").iterdir())
COUNT, BY_HAND = 40, 10
CELLS, TAKE, GIVEN = ".mine-grid > li", ".mine-suggested .mine-take", ".mine-given .chip"
INPUT = ".mine-add input"


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
    expect(page.locator("#train-data")).to_contain_text("8 pictures to learn from, 1 pick the epoch")
    expect(page.locator("#train-data")).to_contain_text("10 pictures are without a caption: their labels stand for it.")
    page.fill("#train-epochs input[type=number]", "5")
    page.keyboard.press("Tab")
    page.click("#train-start")
    expect(page.locator("#train-result")).to_contain_text("5 epochs in", timeout=3 * PATIENCE)
    expect(page.locator("#train-own")).to_have_text(f"You are looking at your own model and your own {COUNT} pictures.")
    open_tab(page, "Search")
    expect(page.locator("#model")).to_have_value("your model")
    expect(page.locator("#notice")).to_contain_text("You opened another model")  # it is filled anew
    ask(page, "a couch in a room")
    expect(page.locator(CARDS).first).to_be_visible()
    known = page.locator(CARDS).filter(has=page.locator(".chips:not(.predicted)"))
    expect(known.first).to_be_visible()
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
    expect(page.locator(".mine-told")).to_contain_text("is a new label")
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
    expect(page.locator(CARDS)).to_have_count(3)
    for card in page.locator(CARDS).all():
        expect(card.locator(".chips:not(.predicted)")).to_contain_text("Grandma's")
    with visit(browser, server.url) as other:
        open_tab(other, "Collections")
        expect(other.locator("#collect-limits")).to_be_visible()
        expect(other.locator(CELLS)).to_have_count(0)
        open_tab(other, "Search")
        other.click("#labels input")
        expect(other.locator("#labels [role=option]").filter(has_text="boat").first).to_be_visible()
        expect(other.locator("#labels [role=option]").filter(has_text="Grandma's")).to_have_count(0)


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
