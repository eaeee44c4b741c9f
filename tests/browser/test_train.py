"""A person who trains a model and brings their own pictures: it is theirs alone, and gone when they say so."""

from __future__ import annotations

import re
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import browsing
import pytest
from browsing import Browser, Page, expect, visit, wait_until_it_fits
from serving import PROJECT, Server, serve

IMAGES = sorted((PROJECT / "assets" / "gallery" / "images").iterdir())


@pytest.fixture(scope="module")
def page(browser: Browser, pocket_server: Server) -> Iterator[Page]:
    with visit(browser, pocket_server.url) as page:
        yield page


def open_tab(page: Page, name: str) -> None:
    browsing.open_tab(page, name)
    expect(page.locator(f"#tab-{name.lower()}")).to_be_visible()


def set_epochs(page: Page, epochs: int) -> None:
    page.fill("#train-epochs input[type=number]", str(epochs))
    page.keyboard.press("Tab")


def test_training_is_watched_live_stopped_and_opened_for_one_visitor(
    browser: Browser,
    page: Page,
    pocket_server: Server,
) -> None:
    open_tab(page, "Train")
    expect(page.locator("#train-data")).to_contain_text("840 pictures to learn from, 180 to pick the best epoch")
    set_epochs(page, 50)
    page.click("#train-start")
    expect(page.locator("#train-start")).to_be_disabled()
    expect(page.locator("#train-status")).to_contain_text(re.compile(r"Epoch ([3-9]|\d\d) of 50 · .* s each · about"))
    page.click("#train-stop")  # what is drawn meanwhile stays
    for plot in ("map", "loss", "change"):
        expect(page.locator(f"#train-{plot} .main-svg").first).to_be_visible()
    expect(page.locator("#train-edges li")).to_have_count(8)
    expect(page.locator("#train-numbers")).to_contain_text("best epoch")
    expect(page.locator("#train-result")).to_contain_text(re.compile(r"Stopped after \d+ of 50 epochs"))
    rows = page.locator("#train-result tbody th").all_inner_texts()
    assert rows == ["your model", "the model before", "the encoder alone", "a random ranking"]
    expect(page.locator("#train-own")).to_have_text("You are looking at your own model.")
    expect(page.locator("#model")).to_have_value("your model")
    expect(page.locator("#train-start")).to_be_enabled()
    with visit(browser, pocket_server.url) as other:
        open_tab(other, "Train")
        expect(other.locator("#train-status")).to_contain_text("Nothing trained yet")
        expect(other.locator("#train-own p")).to_have_count(0)


def test_a_trained_model_is_taken_home_and_put_back(page: Page, tmp_path: Path) -> None:
    open_tab(page, "Train")
    with page.expect_download() as download:
        page.click("#train-save")
    download.value.save_as(tmp_path / "model.zip")
    with zipfile.ZipFile(tmp_path / "model.zip") as archive:
        names = {Path(name).name for name in archive.namelist()}
    assert {"config.json", "model.safetensors", "history.safetensors", "metrics.json", "README.md"} <= names
    page.click("#train-swap")
    expect(page.locator("#train-own p")).to_have_count(0)
    page.click("#train-swap")
    expect(page.locator("#train-own")).to_contain_text("your own model")
    page.click("#train-swap")
    expect(page.locator("#train-own p")).to_have_count(0)


def test_settings_that_make_no_sense_are_one_sentence(page: Page) -> None:
    open_tab(page, "Train")
    page.fill("#train-seed input", "")
    page.click("#train-start")
    expect(page.locator("#train-status")).to_contain_text("seed must be a whole number from 0 to 999999")
    page.fill("#train-seed input", "103")
    page.uncheck("#train-gcn input")
    expect(page.locator("#train-gamma input[type=number]")).to_be_disabled()
    page.check("#train-gcn input")
    expect(page.locator("#train-gamma input[type=number]")).to_be_enabled()


def test_mode_plus_hides_what_it_has_not_and_opens_its_model(page: Page) -> None:
    open_tab(page, "Train")
    for setting in ("gcn", "adaptive", "gamma", "threshold", "epochs"):
        expect(page.locator(f"#train-{setting}")).to_be_visible()
    page.locator("#train-mode").get_by_label("Plus").check()
    for setting in ("gcn", "adaptive", "gamma", "threshold", "epochs"):
        expect(page.locator(f"#train-{setting}")).to_be_hidden()
    expect(page.locator("#train-plus")).to_contain_text("Made for searching")
    page.click("#train-start")
    expect(page.locator("#train-status")).to_contain_text(re.compile(r"Epoch \d+ of 80 · .* s each"))
    expect(page.locator("#train-numbers")).to_contain_text("likelihood")
    expect(page.locator("#train-loss .main-svg").first).to_be_visible()
    expect(page.locator("#train-change")).to_be_hidden()
    page.click("#train-stop")
    expect(page.locator("#train-result")).to_contain_text(re.compile(r"Stopped after \d+ of 80 epochs"))
    expect(page.locator("#model")).to_have_value("your model")
    page.click("#train-swap")
    page.locator("#train-mode").get_by_label("Paper").check()
    expect(page.locator("#train-gamma")).to_be_visible()
    expect(page.locator("#train-plus")).to_be_hidden()


def test_leaving_the_page_stops_the_training(browser: Browser, pocket_server: Server) -> None:
    """Two are trained at once: were these not stopped, a third would wait."""
    for _ in range(2):
        with visit(browser, pocket_server.url) as page:
            open_tab(page, "Train")
            set_epochs(page, 50)
            page.click("#train-start")
            expect(page.locator("#train-status")).to_contain_text("Epoch")
    with visit(browser, pocket_server.url) as page:
        open_tab(page, "Train")
        set_epochs(page, 1)
        page.click("#train-start")
        expect(page.locator("#train-result")).to_contain_text("1 epoch in")


def test_pictures_become_a_collection_that_is_searched_at_once(page: Page, tmp_path: Path) -> None:
    open_tab(page, "Collections")
    limits = page.locator("#collect-limits").inner_text()
    assert "500 pictures" in limits
    assert "512 MB" in limits
    with zipfile.ZipFile(tmp_path / "holiday.zip", "w", strict_timestamps=False) as archive:
        for path in IMAGES[:6]:
            archive.write(path, f"holiday/{path.name}")
        archive.writestr("holiday/notes.txt", "hello")
        archive.writestr("../out.png", "...")
        rows = f"file_name,text,labels\n{IMAGES[0].name},<b>Bold</b> & mine,zebra\ngone.png,Nothing,\n"
        archive.writestr("holiday/metadata.csv", rows)
    page.set_input_files("#collect-drop input[type=file]", tmp_path / "holiday.zip")
    expect(page.locator("#collect-status .added")).to_contain_text("6 pictures, 1 caption, 1 label added")
    expect(page.locator(".read-as")).to_contain_text("5 pictures have no row in a table")
    kinds = page.locator(".not-used .kind")
    expect(kinds).to_have_text(
        [
            re.compile("tables and texts of other names, not read *1"),
            re.compile("files whose path leads out of their archive *1"),
            re.compile("rows whose picture is not there *1"),
        ]
    )
    expect(page.locator(".not-used")).to_contain_text("row 3 of holiday/metadata.csv, 'gone.png'; add the file")
    assert page.locator(".not-used details").count() == 0, "each kind is one file, which is named"
    expect(page.locator(".mine-grid li")).to_have_count(6)
    first = page.locator(".mine-grid li").first
    expect(first.locator(".caption")).to_have_text("<b>Bold</b> & mine")
    expect(first.locator(".chip")).to_have_text("zebra")
    assert page.locator(".mine-grid .predicted .chip").count() > 0
    expect(page.locator("#collect-own")).to_have_text("You are looking at your own 6 pictures.")
    expect(page.locator(".masthead .facts")).to_contain_text("6 pictures")


def test_more_pictures_can_be_added_and_bad_ones_are_said(page: Page, tmp_path: Path) -> None:
    open_tab(page, "Collections")
    for name in ("letter.png", "another.png"):
        (tmp_path / name).write_text(f"Dear Sir or Madam, this is {name}")
    bad = [tmp_path / "letter.png", tmp_path / "another.png"]
    page.set_input_files("#collect-drop input[type=file]", [IMAGES[6], IMAGES[0], *bad])
    expect(page.locator("#collect-status .added")).to_contain_text("1 picture added")
    same, unreadable = page.locator(".not-used > ul > li").all()
    expect(same).to_contain_text("pictures that are there already, byte for byte")
    expect(same).to_contain_text(IMAGES[0].name)
    expect(unreadable).to_contain_text("is not a picture that can be read; save them again as JPEG or PNG.")
    expect(unreadable.locator("details li")).to_be_hidden()
    unreadable.locator("summary").click()
    expect(unreadable.locator("details li")).to_contain_text(".png is not a picture that can be read")
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 and no more")
    page.set_input_files("#collect-drop input[type=file]", tmp_path / "broken.zip")
    expect(page.locator("#collect-status")).to_contain_text("broken.zip is not a zip archive that can be read")
    expect(page.locator(".mine-grid li")).to_have_count(7)


def test_a_collection_is_its_visitors_alone(browser: Browser, page: Page, pocket_server: Server) -> None:
    address = page.locator(".mine-grid img").first.get_attribute("src")
    key = address.split("/")[1]
    assert len(key) >= 22
    assert page.request.get(f"{pocket_server.url}/{address}").status == 200
    assert page.request.get(f"{pocket_server.url}/{address.replace(key, 'x' * len(key))}").status == 404
    with visit(browser, pocket_server.url) as other:
        open_tab(other, "Collections")
        expect(other.locator("#collect-limits")).to_be_visible()
        expect(other.locator(".mine-grid li")).to_have_count(0)
    assert len(list((pocket_server.home / "cache" / "visitors").rglob("pictures/metadata.csv"))) == 1


def test_a_collection_without_enough_labels_says_so_in_the_train_tab(page: Page) -> None:
    open_tab(page, "Train")
    expect(page.locator("#train-status")).to_contain_text("Nothing to train on")
    expect(page.locator("#train-start")).to_be_disabled()


def test_it_is_taken_home_put_back_and_deleted(page: Page, pocket_server: Server, tmp_path: Path) -> None:
    open_tab(page, "Collections")
    with page.expect_download() as download:
        page.click("#collect-save")
    download.value.save_as(tmp_path / "mine.zip")
    with zipfile.ZipFile(tmp_path / "mine.zip") as archive:
        assert sum(name.endswith(".webp") for name in archive.namelist()) == 7
        header = archive.read("my-pictures/metadata.csv").decode().splitlines()[0]
    assert header == "file_name,text,labels,split,predicted_labels,predicted_probabilities"
    page.click("#collect-swap")
    expect(page.locator("#collect-own p")).to_have_count(0)
    page.click("#collect-swap")
    expect(page.locator("#collect-own")).to_contain_text("your own 7 pictures")
    address = page.locator(".mine-grid img").first.get_attribute("src")
    page.click("#collect-delete")
    expect(page.locator("#collect-status")).to_contain_text("Your pictures are deleted.")
    expect(page.locator("#collect-own p")).to_have_count(0)
    expect(page.locator(".masthead .facts")).to_contain_text("1,200 pictures")
    expect(page.locator(".mine-grid")).to_have_count(0)
    assert page.request.get(f"{pocket_server.url}/{address}").status == 404
    visitors = pocket_server.home / "cache" / "visitors"
    assert not list(visitors.rglob("*.webp"))


@pytest.mark.parametrize("width", [390, 1920])
@pytest.mark.parametrize("name", ["Train", "Collections"])
def test_no_sideways_scroll(browser: Browser, pocket_server: Server, name: str, width: int) -> None:
    with visit(browser, pocket_server.url, width=width, dark=width == 390) as page:
        open_tab(page, name)
        expect(page.locator("#train-data b" if name == "Train" else "#collect-limits h2").first).to_be_visible()
        wait_until_it_fits(page)


def test_what_a_visitor_brought_is_deleted_after_the_page_is_closed(
    browser: Browser,
    tmp_path: Path,
    tiny_bundle_dir: Path,
    tiny_gallery_dir: Path,
) -> None:
    (tmp_path / "home").mkdir()
    arguments = ("--bundle", tiny_bundle_dir, "--gallery", tiny_gallery_dir)
    # An hour after the page is closed gradio gives its state up; for its own tests that is a second.
    with serve(tmp_path / "home", arguments, GRADIO_IS_E2E_TEST="1") as server:
        visitors = server.home / "cache" / "visitors"
        with visit(browser, server.url) as page, visit(browser, server.url) as staying:
            for someone in (page, staying):
                open_tab(someone, "Collections")
                someone.set_input_files("#collect-drop input[type=file]", IMAGES[:2])
                expect(someone.locator("#collect-own")).to_contain_text("your own 2 pictures")
            page.close()
            deadline = time.monotonic() + 60
            while len(list(visitors.rglob("metadata.csv"))) > 1:
                assert time.monotonic() < deadline, "the pictures of a visitor who left are still there"
                time.sleep(0.2)
            address = staying.locator(".mine-grid img").first.get_attribute("src")
            assert staying.request.get(f"{server.url}/{address}").status == 200
    assert list(visitors.iterdir()) == []  # the program was told to end: nothing of anybody is left
