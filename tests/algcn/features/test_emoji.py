"""Emoji as words: one name for a whole sequence, and nothing that was not written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from algcn.features.emoji import is_symbol, spell_emoji


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("🐶", "dog face"),
        ("a 🐶 on the 🏖️!", "a dog face on the beach with umbrella !"),
        ("👨‍👩‍👧‍👦", "man woman girl boy"),  # a family, joined
        ("🏄🏽‍♂️", "surfer man"),  # with a skin tone
        ("🐈‍⬛", "cat black"),
        ("🇪🇸🇫🇷", "flag flag"),
        ("🏴\U000e0067\U000e0062\U000e007f", "waving black flag"),
        ("❤️ ☀", "heart sun with rays"),  # older symbols, filled
        ("1️⃣", "1"),
        ("🚲🚆", "bicycle train"),
    ],
)
def test_emoji_are_spelt_out(text: str, words: str) -> None:
    assert spell_emoji(text) == words


def test_what_has_no_name_stays() -> None:
    assert spell_emoji("dog \U000f0000") == "dog \U000f0000" and is_symbol("\U000f0000")


@pytest.mark.parametrize("text", ["a dog  on the beach", "Ünïcödé ™ © 24 %", "می‌خواهم", "नमस्ते", "犬が走る", "→ 1 × 2"])
def test_a_text_without_emoji_stays_as_it_is(text: str) -> None:
    assert spell_emoji(text) == text


@given(st.text(max_size=60))
def test_letters_and_digits_are_never_lost(text: str) -> None:
    spelt = spell_emoji(text)
    assert [c for c in text if c.isalnum() and not is_symbol(c)] == [
        c for c in spelt if c in text and c.isalnum()
    ] or any(map(is_symbol, text))
    assert spell_emoji(spelt) == spelt
