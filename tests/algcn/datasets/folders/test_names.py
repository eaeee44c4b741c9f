"""Names from other systems: which file is meant, and which names are a system's own."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from algcn.datasets.folders.names import AmbiguousName, Names, composed, is_system, leads_outside
from algcn.datasets.splits import Split
from algcn.features.extraction import split_of

LETTERS = "aBzé日ñüÅが한ß ._-"
PARTS = st.text(LETTERS, min_size=1, max_size=8).filter(lambda part: part.strip(". ") != "")
PATHS = st.lists(PARTS, min_size=1, max_size=3).map("/".join)


def spellings(name: str) -> list[str]:
    """A name as other systems and editors write it."""
    forms = [unicodedata.normalize(form, name) for form in ("NFC", "NFD")]
    return [*forms, *(form.replace("/", "\\") for form in forms), f"./{name}", forms[1].swapcase()]


@given(st.lists(PATHS, min_size=1, max_size=5, unique_by=lambda name: composed(composed(name).casefold())))
def test_every_spelling_of_a_name_finds_its_file(paths: list[str]) -> None:
    for form in ("NFC", "NFD"):
        there = [unicodedata.normalize(form, path) for path in paths]
        names = Names(there)
        for name in there:
            assert all(names.find(spelling) == name for spelling in spellings(name)[:5])
            assert names.find(name + "x") not in there or name + "x" in there


def test_the_exact_name_comes_before_a_like_one() -> None:
    names = Names(["a.jpg", "A.jpg", "a.JPG", "b\\c.jpg", "b/c.jpg"])
    assert [names.find(name) for name in ("a.jpg", "A.jpg", "b\\c.jpg", "b/c.jpg")] == [
        "a.jpg", "A.jpg", "b\\c.jpg", "b/c.jpg",
    ]  # fmt: skip
    with pytest.raises(AmbiguousName, match=r"'a\.jpg', 'A\.jpg', 'a\.JPG'"):
        names.find("A.JPG")
    assert names.find("missing.jpg") is None


def test_a_file_that_is_not_listed_is_asked_for() -> None:
    assert Names([], {"linked/a.jpg"}.__contains__).find("linked\\a.jpg") == "linked/a.jpg"


@pytest.mark.parametrize(
    "part", [".thumbnails", "@eaDir", "__MACOSX", "._a.jpg", ".DS_Store", "Thumbs.db", "THUMBS.DB"]
)
def test_what_a_system_puts_beside_pictures(part: str) -> None:
    assert is_system(part)
    assert not is_system(f"my {part}")


@pytest.mark.parametrize("name", ["../a", "a/../../b", "/a", "C:\\a", "..\\a", "\\\\host\\a", "a\0b"])
def test_what_leads_outside(name: str) -> None:
    assert leads_outside(name)
    assert not leads_outside("a..b/c...jpg")


@given(PATHS)
def test_the_split_does_not_know_how_a_name_is_written(name: str) -> None:
    forms = [unicodedata.normalize(form, name) for form in ("NFC", "NFD")]
    assert split_of(forms[0]) == split_of(forms[1])
    others = [f"{number}.jpg" for number in range(20)]
    drawn = [Split("mirflickr", "5-query").draw((each, None) for each in [form, *others]) for form in forms]
    assert drawn[0].of(forms[0], None) == drawn[1].of(forms[1], None)


def test_plain_names_keep_their_splits() -> None:
    assert [split_of(f"{number}.jpg") for number in range(12)] == SPLITS_OF_NUMBERS


# As they were drawn before names were compared in NFC.
SPLITS_OF_NUMBERS = [
    "validation",
    "train",
    "train",
    "train",
    "train",
    "train",
    "train",
    "test",
    "train",
    "train",
    "validation",
    "train",
]
