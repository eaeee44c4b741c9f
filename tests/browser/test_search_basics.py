"""A person at the page: a headless browser that types, uploads, clicks and looks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pillow_heif
import pytest
from browsing import CARDS, QUERY, ROWS, Browser, Page, ask, expect, upload, visit, wait_until_it_fits
from PIL import Image
from serving import HOSTILE_CAPTIONS, HOSTILE_FILE, PROJECT, Server


@pytest.fixture(scope="module")
def tiny_page(browser: Browser, tiny_server: Server) -> Iterator[Page]:
    """One visit for the tests that follow each other; each starts with a query of its own."""
    with visit(browser, tiny_server.url) as page:
        yield page


def test_before_the_first_query_the_page_explains_itself(browser: Browser, tiny_server: Server) -> None:
    with visit(browser, tiny_server.url) as page:
        assert page.title() == "ALGCN Explorer"
        expect(page.locator("#results h2")).to_have_text("Nothing searched yet")
        expect(page.locator(".facts")).to_have_text(re.compile("7 pictures · 8 captions · 6 labels"))
        assert page.locator(CARDS).count() == 0
        expect(page.locator(QUERY)).to_be_focused()
        expect(page.get_by_role("tab", name="Search")).to_be_visible()


def test_words_find_pictures_left_and_captions_right(tiny_page: Page) -> None:
    ask(tiny_page, "a dog on the beach")
    expect(tiny_page.locator(CARDS)).to_have_count(7)
    expect(tiny_page.locator(ROWS)).to_have_count(8)
    seen = tiny_page.locator(".recognised .chip").all_inner_texts()
    assert {text.split("\n")[0].rstrip("0123456789.−") for text in seen} >= {"dog", "beach"}
    dog = tiny_page.locator(CARDS, has_text="A dog runs on the beach")
    assert set(dog.locator(".chip.match").all_inner_texts()) >= {"dog", "beach"}
    assert re.fullmatch(r"beats \d\d?\.\d %", dog.locator(".beats").inner_text())
    assert re.fullmatch(r"−?\d\.\d{3}", dog.locator(".score .number").inner_text())
    assert dog.locator("img").get_attribute("alt") == "A dog runs on the beach"
    tiny_page.wait_for_function(
        "[...document.querySelectorAll('.hit-card img')].every(i => i.complete && i.naturalWidth)"
    )
    pictures, captions = (tiny_page.locator(f".columns > .{name}").bounding_box() for name in ("pictures", "captions"))
    assert pictures["x"] + pictures["width"] < captions["x"]
    assert abs(pictures["y"] - captions["y"]) < 2


def test_markup_in_captions_labels_names_and_queries_is_text(tiny_page: Page) -> None:
    ask(tiny_page, "<img src=x onerror=\"window.hacked='query'\"> boat ${window.hacked='q'}")
    tiny_page.locator(".fold").first.click()  # the file is a copy of another one
    card = tiny_page.locator(CARDS, has_text="a boat").filter(has_text="onerror")
    assert HOSTILE_CAPTIONS[0] in card.inner_text()
    card.click()
    dialog = tiny_page.locator("dialog.details")
    expect(dialog).to_be_visible()
    for text in (*HOSTILE_CAPTIONS, HOSTILE_FILE):
        assert text in dialog.inner_text()
    tiny_page.keyboard.press("Escape")
    assert tiny_page.evaluate("window.hacked") is None
    assert tiny_page.locator("#results script, dialog script, #results img[src='x']").count() == 0


def test_a_photo_gets_labels_and_finds_its_like(tiny_page: Page, tiny_gallery_dir: Path) -> None:
    tiny_page.fill(QUERY, "")
    upload(tiny_page, tiny_gallery_dir / "street.jpg")
    expect(tiny_page.locator(".asked")).to_have_text("Your picture")
    expect(tiny_page.locator(CARDS).first).to_contain_text("A car on a street")
    expect(tiny_page.locator(".recognised .chip")).to_have_count(3)
    assert re.fullmatch(r"−?\d\.\d\d", tiny_page.locator(".recognised .chip small").first.inner_text())
    ask(tiny_page, "a boat")  # the query used last is the one that counts
    expect(tiny_page.locator(".asked-picture")).to_have_count(0)


@pytest.mark.parametrize("name", ["phone.heic", "phone.jpg", "scan.tif"])
def test_a_photo_that_browsers_do_not_show_is_searched_and_shown(
    tiny_page: Page, tiny_gallery_dir: Path, tmp_path: Path, name: str
) -> None:
    pillow_heif.register_heif_opener()
    path = tmp_path / name
    Image.open(tiny_gallery_dir / "street.jpg").save(path, "TIFF" if name.endswith(".tif") else "HEIF")
    tiny_page.fill(QUERY, "")
    upload(tiny_page, path)
    expect(tiny_page.locator(".asked")).to_have_text("Your picture")
    expect(tiny_page.locator(CARDS).first).to_contain_text("A car on a street")
    tiny_page.wait_for_function("document.querySelector('#query-picture img')?.naturalWidth")
    ask(tiny_page, "a boat")


def test_a_picture_that_cannot_be_read_is_one_sentence_and_nothing_is_lost(tiny_page: Page, tmp_path: Path) -> None:
    ask(tiny_page, "a boat at night")
    tiny_page.fill(QUERY, "half a thou")
    expect(tiny_page.locator(".asked")).to_have_text("“half a thou”")
    for name, data, sentence in (
        ("letter.png", b"Dear Sir or Madam", "letter.png is not a picture that can be read"),
        ("nothing.png", b"", "nothing.png is empty"),
    ):
        (tmp_path / name).write_bytes(data)
        upload(tiny_page, tmp_path / name)
        notice = tiny_page.get_by_role("alert").filter(has_text=sentence)
        expect(notice).to_be_visible()
        assert "Traceback" not in tiny_page.content()
        expect(tiny_page.locator(".asked")).to_have_text("“half a thou”")
        assert tiny_page.input_value(QUERY) == "half a thou"
    ask(tiny_page, "a boat")
    expect(tiny_page.locator("#notice .error")).to_be_hidden()


def test_a_blank_query_is_one_sentence_and_nothing_is_lost(tiny_page: Page) -> None:
    ask(tiny_page, "a street")
    tiny_page.fill(QUERY, "   ")
    tiny_page.click("#search-button")
    expect(tiny_page.get_by_role("alert").filter(has_text="type at least one word")).to_be_visible()
    expect(tiny_page.locator(".asked")).to_have_text("“a street”")
    expect(tiny_page.locator(CARDS)).to_have_count(7)


def test_a_very_long_query_is_answered_and_shown_short(tiny_page: Page) -> None:
    tiny_page.fill(QUERY, "dog beach " * 1000)
    tiny_page.click("#search-button")
    expect(tiny_page.locator(".summary .notice")).to_contain_text("The text is long")
    assert len(tiny_page.locator(".asked").inner_text()) < 170
    assert tiny_page.input_value(QUERY).startswith("dog beach dog")


def test_details_open_and_close_by_keyboard_and_lead_to_more_like_this(tiny_page: Page) -> None:
    ask(tiny_page, "a car")
    first, second = tiny_page.locator(CARDS).nth(0), tiny_page.locator(CARDS).nth(1)
    first.focus()
    tiny_page.keyboard.press("Enter")
    dialog = tiny_page.locator("dialog.details")
    expect(dialog.locator(".rank")).to_have_text("Result 1")
    tiny_page.keyboard.press("ArrowRight")
    expect(dialog.locator(".rank")).to_have_text("Result 2")
    tiny_page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(second).to_be_focused()
    second.click()
    file = dialog.locator(".file span").inner_text()
    dialog.get_by_role("button", name="More like this").click()
    expect(dialog).to_be_hidden()
    expect(tiny_page.locator(".asked")).to_have_text("More like this picture")
    expect(tiny_page.locator(CARDS)).to_have_count(6)
    details = tiny_page.eval_on_selector_all(CARDS, "cards => cards.map(card => JSON.parse(card.dataset.details).file)")
    assert file not in details


def test_examples_of_both_kinds_start_a_search(tiny_page: Page) -> None:
    example = tiny_page.locator(".try-words button").first
    example.click()
    expect(tiny_page.locator(".asked")).to_have_text(f"“{example.inner_text()}”")
    expect(tiny_page.locator(QUERY)).to_have_value(example.inner_text())
    tiny_page.locator(".try-pictures button").nth(1).click()
    expect(tiny_page.locator(".asked")).to_have_text("More like this picture")
    expect(tiny_page.locator("#query-picture img")).to_be_visible()


def test_what_the_page_did_not_send_is_no_harm(tiny_page: Page) -> None:
    """Clicks on cards whose numbers somebody changed."""
    for number, item in enumerate(("-1", "99999", "'../../etc/passwd'", "null", "{}")):
        ask(tiny_page, f"boat number {number}")
        expect(tiny_page.locator("#notice .error")).to_be_hidden()
        card = tiny_page.locator(CARDS).first
        change = f"d => JSON.stringify({{ ...JSON.parse(d), item: {item} }})"
        card.evaluate(f"card => {{ card.dataset.details = ({change})(card.dataset.details) }}")
        card.click()
        tiny_page.get_by_role("button", name="More like this").click()
        expect(tiny_page.get_by_role("alert").filter(has_text="There is no such picture")).to_be_visible()


def test_who_goes_on_to_type_when_the_details_close_keeps_the_focus(tiny_page: Page) -> None:
    ask(tiny_page, "a car")
    tiny_page.locator(CARDS).first.click()
    expect(tiny_page.locator("dialog.details")).to_be_visible()
    assert tiny_page.evaluate(
        """async (selector) => {
          const dialog = document.querySelector("dialog.details"), box = document.querySelector(selector);
          const closed = new Promise((resolve) => dialog.addEventListener("close", resolve));
          dialog.close();
          box.focus();
          await closed;
          return document.activeElement === box;
        }""",
        QUERY,
    )


@pytest.mark.parametrize("width", [390, 820, 1920])
def test_every_width_shows_everything_without_a_sideways_scroll(
    browser: Browser, tiny_server: Server, width: int
) -> None:
    with visit(browser, tiny_server.url, width=width) as page:
        ask(page, "a dog")
        wait_until_it_fits(page)
        if width == 390:
            expect(page.locator(CARDS).first).to_be_visible()
            expect(page.locator(ROWS).first).to_be_hidden()
            page.get_by_role("button", name="Captions").click()
            expect(page.locator(ROWS).first).to_be_visible()
            expect(page.locator(CARDS).first).to_be_hidden()
            page.locator(ROWS).first.click()
            box = page.locator("dialog.details").bounding_box()
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= width


def test_dark_is_dark_and_remembered(browser: Browser, tiny_server: Server) -> None:
    def brightness(page: Page) -> int:
        colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
        return max(map(int, re.findall(r"\d+", colour)[:3]))

    with visit(browser, tiny_server.url, dark=True) as page:
        assert brightness(page) < 60
        page.get_by_role("button", name="Switch between light and dark").click()
        assert brightness(page) > 200
        later = page.context.new_page()
        later.goto(tiny_server.url)
        expect(later.locator(".try-pictures img").first).to_be_visible()
        assert brightness(later) > 200


def test_the_real_page_finds_what_is_asked_for(browser: Browser, pocket_server: Server) -> None:
    with visit(browser, pocket_server.url) as page:
        ask(page, "a dog on the beach")
        shown = page.locator(f"{CARDS}:visible")  # near-duplicates are folded behind others
        expect(shown).to_have_count(24)
        best = page.locator(CARDS).filter(has=page.locator(".chip.match"))
        assert best.count() >= 20
        page.get_by_role("button", name="Show more").click()
        expect(page.locator(ROWS)).to_have_count(48)
        assert shown.count() > 40  # what is not likely enough is left out
        details = page.locator(CARDS).first.evaluate("card => JSON.parse(card.dataset.details)")
        page.fill(QUERY, "")
        upload(page, PROJECT / "assets" / "gallery" / details["file"])
        expect(page.locator(".asked")).to_have_text("Your picture")
        found = page.locator(CARDS).first.evaluate("card => JSON.parse(card.dataset.details)")
        assert found["file"] == details["file"]
        predicted = {chip.split("\n")[0] for chip in page.locator(".recognised .chip").all_inner_texts()}
        assert any(label in chip for label in details["labels"] for chip in predicted)


def test_a_picture_is_shown_as_it_was_decoded(tiny_page: Page, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # lying on its side
    Image.new("RGB", (120, 60), "green").save(tmp_path / "phone.jpg", exif=exif)
    tiny_page.fill(QUERY, "")
    upload(tiny_page, tmp_path / "phone.jpg")
    expect(tiny_page.locator(".asked")).to_have_text("Your picture")
    tiny_page.wait_for_function(
        "(({ naturalWidth, naturalHeight }) => naturalWidth === 60 && naturalHeight === 120)"
        "(document.querySelector('.asked-picture'))"
    )
