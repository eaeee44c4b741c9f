"""What a gallery and a bundle say in the Train tab is shown as text."""

from __future__ import annotations

from types import SimpleNamespace

from hostile.texts import HOSTILE, check_harmless

from app.training.view import render_data, render_edges, render_empty


def data(*notes: str, test: int = 0) -> SimpleNamespace:
    pictures = {"train": 1200, "validation": 20, "test": test}
    return SimpleNamespace(pictures=pictures.get, notes=notes, features=SimpleNamespace(label_set=[0] * 24))


def test_names_and_notes_are_text() -> None:
    page = render_data(data(*HOSTILE, test=30), HOSTILE[0], HOSTILE[2])
    check_harmless(page, *HOSTILE, f"{HOSTILE[0]} reads pictures only", f"the encoder of {HOSTILE[2]},")
    for text in HOSTILE:
        check_harmless(render_empty(text), text)
    check_harmless(render_edges([(text, text, -0.5) for text in HOSTILE]), *(f"{text} → {text}" for text in HOSTILE))


def test_what_measures_is_said_where_something_does() -> None:
    sentence = "1,200 pictures to learn from, 20 to pick the best epoch"
    check_harmless(render_data(data(), "a", "a"), sentence + "; 24 labels.")
    check_harmless(render_data(data(test=30), "a", "a"), sentence + ", 30 to measure the result; 24 labels.")
