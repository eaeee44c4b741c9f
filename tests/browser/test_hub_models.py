"""A model of the Hub in the masthead: typed, fetched, pinned, and alone for its visitor."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from browsing import CARDS, Browser, Page, ask, expect, open_tab, visit, wait_until_it_fits
from gradio_client import Client
from hub_server import HubServer
from serving import Server, serve

MODEL, FACTS, NAME = "#model", ".masthead .facts", "someone/pictures"


@pytest.fixture(scope="module")
def commit(hub: HubServer, pictures_bundle_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The commit of a public bundle; its encoder, which is loaded here, cannot be fetched whole."""
    folder = shutil.copytree(pictures_bundle_dir, tmp_path_factory.mktemp("pushed") / "pictures")
    return hub.add(NAME, folder)


@pytest.fixture(scope="module")
def server(
    hub: HubServer, tmp_path_factory: pytest.TempPathFactory, tiny_bundle_dir: Path, tiny_gallery_dir: Path
) -> Iterator[Server]:
    """The program, whose operator has a token and allows visitors the Hub."""
    home = tmp_path_factory.mktemp("hub") / "home"
    home.mkdir()
    asks = {"HF_ENDPOINT": hub.url, "HF_HUB_OFFLINE": "0", "HF_TOKEN": "hf_of_the_operator", "HF_HUB_DISABLE_XET": "1"}
    arguments = ("--bundle", tiny_bundle_dir, "--gallery", tiny_gallery_dir, "--allow-hub")
    with serve(home, arguments, **asks, HF_HOME=str(home / "huggingface")) as running:
        yield running


def open_from_hub(page: Page, reference: str) -> None:
    page.locator(".hub summary").click()
    page.fill(".hub-form input", reference)
    page.press(".hub-form input", "Enter")


@pytest.mark.parametrize(("width", "dark"), [(1440, False), (390, True)])
def test_a_model_is_opened_from_the_hub_by_one_visitor_alone(
    browser: Browser, server: Server, hub: HubServer, commit: str, width: int, dark: bool
) -> None:
    pinned = f"{NAME}@{commit}"
    with visit(browser, server.url, width=width, dark=dark) as page:
        expect(page.locator(FACTS)).to_contain_text("6 labels")
        open_from_hub(page, NAME)
        expect(page.locator(FACTS)).to_contain_text("5 labels")
        expect(page.locator(MODEL)).to_have_value(pinned)
        expect(page.locator(f"{MODEL} option:checked")).to_have_text(f"{NAME}@{commit[:7]}")
        wait_until_it_fits(page)
        ask(page, "plant life")
        expect(page.locator(CARDS)).to_have_count(6)
        open_tab(page, "Labels")
        expect(page.locator("#label-graph .plot[data-drawn]")).to_be_visible()
        page.select_option(MODEL, server_default(page))
        expect(page.locator(FACTS)).to_contain_text("6 labels")
        page.select_option(MODEL, pinned)
        expect(page.locator(FACTS)).to_contain_text("5 labels")
        with visit(browser, server.url) as stranger:
            expect(stranger.locator(FACTS)).to_contain_text("6 labels")
            expect(stranger.locator(f"{MODEL} option", has_text=NAME)).to_have_count(0)
        with visit(browser, f"{server.url}/?model={quote(pinned, safe='')}") as linked:
            expect(linked.locator(MODEL)).to_have_value(pinned)
            expect(linked.locator(FACTS)).to_contain_text("5 labels")
    models = Client(server.url, verbose=False).predict(api_name="/list_models")["models"]
    assert NAME not in str(models)
    assert not [line for line in hub.requests if "encoder" in line and "resolve" in line], "it is loaded here"
    assert hub.with_token == [], "a visitor is not the operator"


def server_default(page: Page) -> str:
    return page.locator(f"{MODEL} option").first.get_attribute("value")


@pytest.mark.parametrize(
    ("reference", "sentence"),
    [
        ("nobody/nothing", "The Hub has no model repository nobody/nothing that everybody may read."),
        (f"{NAME}@{'0' * 40}", "has no commit, branch or tag"),
        ("someone/photos", "has none of the files that are read"),
        ("someone/broken", "is missing or damaged in it"),
        ("..a/b", "is no repository of the Hub"),
    ],
)
def test_what_cannot_be_opened_is_a_sentence_and_changes_nothing(
    browser: Browser, server: Server, hub: HubServer, commit: str, tmp_path: Path, reference: str, sentence: str
) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "model.pkl").write_bytes(b"never read")
    hub.add("someone/photos", tmp_path / "photos")
    broken = {**hub.repositories["model", NAME].commits[commit], "model.safetensors": b"cut off"}
    if ("model", "someone/broken") not in hub.repositories:
        hub.add("someone/broken", tmp_path / "photos")
        hub.repositories["model", "someone/broken"].commit(broken)
    with visit(browser, server.url) as page:
        open_from_hub(page, reference)
        expect(page.locator(".model-problem")).to_contain_text(sentence)
        expect(page.locator(FACTS)).to_contain_text("6 labels")
        assert str(server.home) not in page.locator(".model-problem").inner_text()
        ask(page, "a dog")
    assert not [line for line in hub.requests if "model.pkl" in line and "resolve" in line]


def test_without_leave_nothing_is_asked_of_the_hub(browser: Browser, tiny_server: Server) -> None:
    with visit(browser, f"{tiny_server.url}/?model={quote(NAME, safe='')}") as page:
        expect(page.locator(".model-problem")).to_contain_text("There is no model called")
        expect(page.locator(".hub")).to_have_count(0)
