"""Choosing another model in the masthead: every tab answers with it at once, a link opens it, nobody else sees it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import (
    CARDS,
    PATIENCE,
    QUERY,
    ROWS,
    Browser,
    Page,
    ask,
    expect,
    open_tab,
    upload,
    visit,
    wait_until_it_fits,
)
from gradio_client import Client, handle_file
from serving import PROJECT, Server, serve

MODEL, FACTS = "#model", ".masthead .facts"
# Something that only the tab has when it is filled.
FILLED = {
    "Labels": "#label-graph .plot[data-drawn]",
    "Classifiers": "#classifiers-plot-1 .plot[data-drawn]",
    "Gallery map": "#map-plot .plot[data-drawn]",
    "Benchmark": "#benchmark-foot table",
    "Train": "#train-start",
    "Collections": "#tab-collections h2",
}


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, pictures_bundle_dir: Path, tiny_gallery_dir: Path
) -> Iterator[Server]:
    """The program, started with a model that reads pictures only; the bundled ones can be chosen."""
    home = tmp_path_factory.mktemp("models") / "home"
    home.mkdir()
    with serve(home, ("--bundle", pictures_bundle_dir, "--gallery", tiny_gallery_dir)) as running:
        yield running


def parameter(page: Page, name: str) -> str | None:
    return page.evaluate(f"new URL(location).searchParams.get('{name}')")


@pytest.mark.parametrize(("width", "dark"), [(1440, False), (390, True)])
def test_a_choice_fills_every_tab_and_a_link_opens_it_elsewhere(
    browser: Browser, server: Server, width: int, dark: bool
) -> None:
    with visit(browser, server.url, width=width, dark=dark) as page:
        expect(page.locator(MODEL)).to_have_value("pictures")
        expect(page.locator("#reads")).to_contain_text("pictures reads pictures only")
        page.locator(MODEL).focus()
        page.keyboard.press("p")  # as a list does: the next choice that begins so
        expect(page.locator(FACTS)).to_contain_text("67 labels")
        expect(page.locator(MODEL)).to_have_value("pocket")
        expect(page.locator(MODEL)).to_be_focused()
        expect(page.locator("#reads")).to_be_hidden()
        assert parameter(page, "model") == "pocket"
        ask(page, "a dog on the beach")
        expect(page.locator(ROWS).first).to_be_attached()
        for name, content in FILLED.items():
            open_tab(page, name)
            expect(page.locator(content).first).to_be_visible()
            wait_until_it_fits(page)
        open_tab(page, "Labels")
        expect(page.locator("#label-graph")).to_contain_text("traffic light")
        page.wait_for_function("new URL(location).searchParams.get('tab') === 'labels'")
        link = page.url
        with visit(browser, link, width=width, dark=dark) as other:
            expect(other.locator(MODEL)).to_have_value("pocket")
            expect(other.locator("#label-graph")).to_contain_text("traffic light")
            open_tab(other, "Search")
            expect(other.locator(".asked")).to_have_text("“a dog on the beach”")
        with visit(browser, server.url, width=width, dark=dark) as stranger:
            expect(stranger.locator(MODEL)).to_have_value("pictures")


def test_the_tab_that_is_open_is_filled_anew(browser: Browser, server: Server) -> None:
    with visit(browser, f"{server.url}/?tab=benchmark&model=pocket") as page:
        expect(page.locator("#benchmark-head")).to_contain_text("How good is pocket?")
        page.select_option(MODEL, "pictures")
        expect(page.locator("#benchmark-head")).to_contain_text("no numbers of its own")
        assert parameter(page, "model") is None
        assert parameter(page, "tab") == "benchmark"
        open_tab(page, "Search")
        expect(page.locator("#reads")).to_be_visible()


def test_a_model_that_reads_pictures_only(browser: Browser, server: Server, tiny_gallery_dir: Path) -> None:
    with visit(browser, server.url) as page:
        expect(page.locator("#results")).to_contain_text("Or name a label")
        page.fill(QUERY, "a dog that sleeps")
        page.press(QUERY, "Enter")
        expect(page.locator("#notice .error")).to_contain_text("of words it knows the names of its 5 labels")
        ask(page, "plant life")
        expect(page.locator(CARDS)).to_have_count(6)
        expect(page.locator(".recognised .chip")).to_have_count(1)
        expect(page.locator(ROWS)).to_have_count(0)
        expect(page.locator("#results").get_by_text("caption")).to_have_count(0)
        page.check("#beside input")
        expect(page.locator(".summary .notice")).to_contain_text("The plain encoder knows no labels")
        page.uncheck("#beside input")
        page.fill("#without input", "dog")
        page.press("#without input", "Enter")
        expect(page.locator(".away")).to_have_text("not “dog”")
        page.fill("#without input", "")
        page.fill(QUERY, "")
        upload(page, tiny_gallery_dir / "street.jpg")
        expect(page.locator(".asked")).to_have_text("Your picture")
        expect(page.locator(CARDS).first).to_contain_text("A car on a street")
        page.check("#beside input")
        expect(page.locator(".compared")).to_have_count(1)
        page.uncheck("#beside input")
        open_tab(page, "Labels")
        expect(page.locator(FILLED["Labels"])).to_be_visible()
        page.fill(".lg-find input", "dog")
        page.press(".lg-find input", "Enter")
        panel = page.locator(".lg-findings")
        expect(panel).to_contain_text("None: this model reads pictures only")
        expect(panel.locator(".lg-pictures img").first).to_be_visible()
        open_tab(page, "Classifiers")
        expect(page.locator(FILLED["Classifiers"])).to_be_visible()
        open_tab(page, "Gallery map")
        expect(page.locator(FILLED["Gallery map"])).to_be_visible()
        expect(page.locator("#map-kinds")).to_be_hidden()
        open_tab(page, "Train")
        expect(page.locator("#train-status")).to_contain_text("Training needs at least 10 pictures")


@pytest.mark.parametrize("name", ["nowhere", "<img src=x onerror=window.hacked=1>", "../pocket"])
def test_an_unknown_model_in_a_link_is_ignored_with_a_sentence(browser: Browser, server: Server, name: str) -> None:
    from urllib.parse import quote

    with visit(browser, f"{server.url}/?model={quote(name, safe='')}") as page:
        problem = page.get_by_role("alert").filter(has_text="There is no model called")
        expect(problem).to_contain_text(name)
        expect(page.locator(MODEL)).to_have_value("pictures")
        assert parameter(page, "model") is None
        assert page.evaluate("window.hacked") is None


def test_programs_name_the_model_that_answers(server: Server, tiny_gallery_dir: Path) -> None:
    client = Client(server.url, verbose=False)
    listed = client.predict(api_name="/list_models")["models"]
    assert (listed[0]["name"], listed[0]["is_default"], listed[0]["is_loaded"]) == ("pictures", True, True)
    assert "pocket" in {model["name"] for model in listed}
    found = client.predict("a dog", model="pocket", api_name="/search_by_text")
    assert found["texts"]
    assert len(client.predict(model="pocket", api_name="/label_graph")["labels"]) == 67
    assert len(client.predict(api_name="/label_graph")["labels"]) == 5
    assert client.predict("relevance", model="pocket", api_name="/benchmark")["numbers"]["relevance"]
    labels = client.predict(handle_file(tiny_gallery_dir / "beach.png"), api_name="/predict_labels")
    assert {label["label"] for label in labels["labels"]} <= {"beach", "boat", "dog", "plant_life", "sky"}
    assert client.predict("sky", api_name="/search_by_text")["texts"] == []
    for arguments, sentence in (
        ({"text": "a dog that sleeps"}, "This model reads pictures only"),
        ({"text": "sky", "space": "encoder"}, "The plain encoder knows no labels"),
        ({"text": "sky", "model": "none"}, "There is no model called 'none'"),
    ):
        with pytest.raises(Exception, match=re.escape(sentence)):
            client.predict(**arguments, api_name="/search_by_text")


@pytest.mark.skipif(not (PROJECT / "weights" / "mirflickr").is_dir(), reason="there is no weights/mirflickr")
def test_what_is_ones_own_stays_whatever_is_chosen(browser: Browser, pocket_server: Server, tmp_path: Path) -> None:
    with visit(browser, f"{pocket_server.url}/?model=mirflickr&tab=train") as page:
        expect(page.locator(FACTS)).to_contain_text("24 labels")
        expect(page.locator("#train-data")).to_contain_text("mirflickr reads pictures only")
        page.fill("#train-epochs input[type=number]", "1")
        page.click("#train-start")
        expect(page.locator("#train-result")).to_contain_text("mAP (1 is perfect) on", timeout=3 * PATIENCE)
        open_tab(page, "Search")
        expect(page.locator(MODEL)).to_have_value("your model")
        expect(page.locator("#notice")).to_contain_text("You opened another model")  # it is filled anew
        ask(page, "a dog on the beach")
        page.select_option(MODEL, "mirflickr")
        expect(page.locator("#notice .error")).to_contain_text("This model reads pictures only")
        open_tab(page, "Collections")
        photo = tmp_path / "photo.webp"
        shutil.copyfile(next((PROJECT / "assets" / "gallery" / "images").glob("*.webp")), photo)
        (tmp_path / "metadata.csv").write_text("file_name,text\nphoto.webp,A lonely zebra\n", encoding="utf-8")
        page.set_input_files("#collect-drop input[type=file]", [photo, tmp_path / "metadata.csv"])
        expect(page.locator("#collect-pictures img")).to_have_count(1)
        for name in ("your model", "pocket"):
            page.select_option(MODEL, name)
            expect(page.locator(FACTS)).to_contain_text("1 caption ")
            expect(page.locator("#collect-own")).to_contain_text("your own picture")
        open_tab(page, "Search")
        expect(page.locator("#notice")).to_contain_text("You opened another model")
        ask(page, "a zebra")
        expect(page.locator(ROWS)).to_contain_text("A lonely zebra")
        page.select_option(MODEL, "mirflickr")
        expect(page.locator("#reads")).to_be_visible()
        ask(page, "sky")
        expect(page.locator(CARDS)).to_have_count(1)
        open_tab(page, "Collections")
        page.click("#collect-delete")  # the server is shared with other tests, and keeps what is left for an hour
        expect(page.locator("#collect-status")).to_contain_text("Your pictures are deleted.")
        expect(page.locator(FACTS)).to_contain_text("1,200 pictures")
