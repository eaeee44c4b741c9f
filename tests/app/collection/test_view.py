"""What a visitor's own files say is shown as text."""

from __future__ import annotations

from types import SimpleNamespace

from hostile.texts import HOSTILE, Shown, check_harmless

from app.collection.intake import LeftOut
from app.collection.view import MAX_LABELS, MAX_NAMED, render_added, render_collection, render_left_out


def collection(*items: SimpleNamespace, texts: int = 0) -> SimpleNamespace:
    return SimpleNamespace(gallery=SimpleNamespace(items=items, texts=[""] * texts), size=2_500_000)


SERVICE = SimpleNamespace(pictures="picture/key")


def test_names_captions_and_labels_are_text() -> None:
    items = [SimpleNamespace(file_name=f"{text}.png", texts=(text,), labels=(text,)) for text in HOSTILE]
    page = render_collection(collection(*items, texts=8), SERVICE, [()] * len(items))
    check_harmless(page, *HOSTILE, "8 pictures", "8 captions", "8 with labels of yours")
    attributes = Shown(page).attributes
    assert {("alt", f"{text}.png") for text in HOSTILE} <= attributes
    assert ("src", "picture/key/card/7") in attributes


def test_predicted_labels_say_so_and_only_some_are_shown() -> None:
    labels = tuple(f"label {number}" for number in range(MAX_LABELS + 2))
    page = render_collection(collection(SimpleNamespace(file_name="a.png", texts=(), labels=None)), SERVICE, [labels])
    assert "chips predicted" in page and "label 3" in page and "label 4" not in page and "+2" in page
    assert "a.png" in Shown(page).text, "without a caption the file's name stands there"


def test_what_was_left_out_is_counted_by_reason() -> None:
    entries = [LeftOut(text, HOSTILE[0]) for text in HOSTILE]
    check_harmless(render_left_out(entries), f"8 files were left out: 8 × {HOSTILE[0]}", *HOSTILE)
    assert render_left_out([]) == ""
    many = render_added(0, [LeftOut("a", "too large")] * (MAX_NAMED + 5), 1.0)
    assert "Nothing was added." in many and "and 5 more" in many
    assert "1 picture added in 1.2 s." in render_added(1, [], 1.23)
