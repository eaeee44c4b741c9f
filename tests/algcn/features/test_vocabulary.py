"""Words that an encoder was taught: looked up with what English adds to them, in any script, and corrected."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import PROJECT

from algcn.features.encoder_files import HUB_PATTERNS
from algcn.features.vocabulary import FUNCTION_WORDS, WORDS_FILE, Vocabulary, words_of
from algcn.kit.errors import InputError

POCKET = PROJECT / "weights" / "pocket" / "encoder"
NAMES = ("giraffe", "elephant", "fire hydrant", "traffic light", "dog", "motorcycle")


@pytest.fixture(scope="module")
def pocket() -> Vocabulary:
    return Vocabulary.load(POCKET)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Two DOGS, on-board!", ["two", "dogs", "on", "board"]),
        ("the dog's 24 toys", ["the", "dog's", "toys"]),
        ("नमस्ते दुनिया", ["नमस्ते", "दुनिया"]),
        ("犬が走る", ["犬が走る"]),
        ("cafe\u0301", ["café"]),
        ("'' … 42 \ufe0f", []),
    ],
)
def test_words_are_letters_of_any_script(text: str, words: list[str]) -> None:
    assert words_of(text) == words


@pytest.mark.parametrize(
    "word", ["dogs", "running", "stopped", "babies", "leaves", "boxes", "nicest", "dog's", "sunny"]
)
def test_a_form_of_a_known_word_is_known(word: str) -> None:
    assert word in Vocabulary(["dog", "run", "stop", "baby", "leaf", "box", "nice", "sun"])
    assert word not in Vocabulary(["cat"])


def test_what_is_unknown_is_said_once_and_as_it_was_found() -> None:
    known = Vocabulary(["dog", "beach"])
    assert known.unknown("A dog, a perro, a perro on the beach 犬 \U000f0000") == ["perro", "犬", "\U000f0000"]
    assert known.unknown("my Zwergpinscher on the beach", but=["zwergpinscher"]) == []
    assert known.meant("a dog on the beach") == ["dog", "beach"]
    assert not set(known.meant(" ".join(FUNCTION_WORDS)))


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("girafe", "giraffe"),
        ("girrafe", "giraffe"),
        ("elefant", "elephant"),
        ("hydrent", "hydrant"),
        ("trafic", "traffic"),
        ("dgo", "dog"),
        ("motorcicle", "motorcycle"),
        ("umbrela", "umbrella"),
        ("qwxzvk", None),
        ("perro", None),
        ("犬", None),
        ("ab", None),
    ],
)
def test_a_misspelt_word_is_corrected(pocket: Vocabulary, word: str, meant: str | None) -> None:
    assert pocket.correction(word, NAMES) == meant


@pytest.mark.parametrize(
    ("text", "unknown"),
    [
        ("two giraffes grazing near a watering hole", []),
        ("a schnauzer with a guitar", []),
        ("un perro en la playa", ["un", "perro", "en", "la", "playa"]),
        ("asdfghjkl", ["asdfghjkl"]),
        ("собака на пляже", ["собака", "на", "пляже"]),
    ],
)
def test_the_shipped_encoders_words(pocket: Vocabulary, text: str, unknown: list[str]) -> None:
    assert pocket.unknown(text) == unknown


def test_an_encoder_without_a_list_has_none(tmp_path: Path) -> None:
    assert Vocabulary.load(tmp_path) is None
    (tmp_path / WORDS_FILE).write_text("dog\nbeach\n", encoding="utf-8")
    assert len(Vocabulary.load(tmp_path)) == 2
    (tmp_path / WORDS_FILE).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match=r"words\.txt cannot be read"):
        Vocabulary.load(tmp_path)
    assert WORDS_FILE in HUB_PATTERNS, "it travels with the encoder"
