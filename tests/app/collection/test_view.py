"""What a visitor's own files say is shown as text."""

from __future__ import annotations

from types import SimpleNamespace

from hostile.texts import HOSTILE, Shown, check_harmless

from algcn.kit.account import Account
from app.collection.left_out import Reason, leave, unreadable
from app.collection.view import MAX_NAMED, MAX_NOTES, MAX_SENTENCE, render_added, render_collection


def collection(*items: SimpleNamespace, texts: int = 0) -> SimpleNamespace:
    return SimpleNamespace(gallery=SimpleNamespace(items=items, texts=[""] * texts), size=2_500_000)


SERVICE = SimpleNamespace(pictures="picture/key")


def test_names_and_captions_are_text() -> None:
    items = [SimpleNamespace(file_name=f"{text}.png", texts=(text,)) for text in HOSTILE]
    page = render_collection(collection(*items, texts=8), SERVICE, 80, 60)
    check_harmless(page, *HOSTILE, "8 pictures", "8 captions", "2.5 MB", "80 %")
    attributes = Shown(page).attributes
    assert {("alt", f"{text}.png") for text in HOSTILE} <= attributes
    assert {("src", "picture/key/card/7"), ("maxlength", "60"), ("data-row", "7")} <= attributes


def test_without_a_caption_the_name_of_the_file_stands_there() -> None:
    page = render_collection(collection(SimpleNamespace(file_name="a.png", texts=())), SERVICE, 80, 60)
    assert "a.png" in Shown(page).text and "caption" not in Shown(page).text


def test_what_came_of_a_drop_is_counted_by_kind() -> None:
    account, left_out = Account(), []
    for text in HOSTILE:
        leave(text, Reason("it is odd", HOSTILE[0], HOSTILE[1], "files"), left_out, account)
    account.note(HOSTILE[2])
    account.add("rows whose picture is not there", HOSTILE[3], unit="rows")
    page = render_added(account, left_out, 1.0)
    check_harmless(page, "Nothing was added.", *HOSTILE, "7 more", "For instance")
    assert Shown(page).text.count(HOSTILE[7]) == 1, "no file is named twice"


def test_what_was_added_is_said_by_unit() -> None:
    account = Account()
    account.use("pictures", 1)
    account.use("captions", 1200)
    account.use("labels", 0)
    page = Shown(render_added(account, [], 1.23))
    assert page.text == "1 picture, 1,200 captions added in 1.2 s." and "ul" not in page.tags


def test_only_some_files_of_a_kind_are_listed_and_reasons_of_their_own_are_said() -> None:
    account, left_out = Account(), []
    for number in range(MAX_NAMED + 5):
        leave(f"{number}.png", unreadable(f"is cut off at {number}"), left_out, account)
    text = Shown(render_added(account, left_out, 1.0)).text
    assert f"{MAX_NAMED + 4} more" in text and "and 5 others" in text
    assert "0.png is cut off at 0; save them again as JPEG or PNG." in text and "7.png is cut off at 7" in text


def test_sentences_have_an_end() -> None:
    account = Account()
    for number in range(MAX_NOTES + 3):
        account.note(f"Note {number}. " + "x" * 1000)
    account.add("columns not read", "y" * 1000, unit="columns")
    text = Shown(render_added(account, [], 1.0)).text
    assert f"Note {MAX_NOTES - 1}." in text and "3 more such sentences" in text
    assert len(text) < (MAX_NOTES + 2) * MAX_SENTENCE
