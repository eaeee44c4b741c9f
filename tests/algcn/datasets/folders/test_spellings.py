"""How labels and captions are spelt: what is read as what, and what is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from algcn.datasets.folders.spellings import agree, is_yes, read_labels, read_texts, separator_of, yes_columns

NAMES = st.text("abcdé xyz", min_size=1, max_size=6).map(lambda name: " ".join(name.split())).filter(bool)
LABELS = st.lists(NAMES, max_size=4, unique=True)


@given(st.lists(LABELS, min_size=1, max_size=6), st.sampled_from(["|", ";", ",", " | ", "; ", ", "]))
def test_labels_joined_by_any_separator_are_read_back(rows: list[list[str]], joint: str) -> None:
    fields = [joint.join(row) for row in rows]
    separator = separator_of(fields)
    assert [read_labels(field, separator) for field in fields] == rows


def numpy_prints(row: list[str]) -> str:
    return str(np.array(row, dtype=object))


@pytest.mark.parametrize(
    "write", [repr, json.dumps, numpy_prints, lambda row: row, tuple, lambda row: repr(tuple(row))]
)
@given(LABELS)
def test_lists_are_read_however_they_are_printed(write: object, row: list[str]) -> None:
    field = write(row)
    assert read_labels(field, separator_of([field])) == row


@pytest.mark.parametrize(
    ("field", "labels"),
    [
        ("dog,cat", ["dog", "cat"]),
        (" dog ;cat; ", ["dog", "cat"]),
        ("[dog, cat]", ["dog", "cat"]),
        ("[]", []),
        ("['dog']", ["dog"]),
        ("", []),
        (None, []),
        (3, ["3"]),
        (3.0, ["3"]),
        (float("nan"), []),
        (["dog", None, " dog "], ["dog"]),
        ("snow  shoe", ["snow shoe"]),
        ("cafe\u0301", ["café"]),
        ("dog|dog |", ["dog"]),
    ],
)
def test_a_field_of_labels(field: object, labels: list[str]) -> None:
    assert read_labels(field, separator_of([field])) == labels


@pytest.mark.parametrize("field", [True, {"a": 1}, [["a"]], ["a|b"], ["a\x00b"], "\ud83d"])
def test_what_is_no_label(field: object) -> None:
    with pytest.raises(ValueError, match="its label"):
        read_labels(field, "|")


def test_the_whole_column_says_how_labels_are_separated() -> None:
    assert separator_of(["dog", "cat"]) is None
    assert separator_of(["salt, pepper", "dog|cat"]) == "|"
    assert separator_of(["['a, b']", "dog; cat"]) == ";"
    with pytest.raises(ValueError, match=r"separates labels by ';' and ','"):
        separator_of(["dog, cat", "dog; cat"])
    # A column called "label" holds one in each field, whose name may have a comma.
    assert separator_of(["salt, pepper", "dog"], one_each=True) is None
    assert separator_of(["dog, cat", "dog"], one_each=True) == ","


@given(st.lists(NAMES, max_size=3))
def test_texts_are_read_from_texts_and_lists(texts: list[str]) -> None:
    for field in (texts, repr(texts), json.dumps(texts), numpy_prints(texts)):
        assert read_texts(field, "text") == texts
    for text in texts:
        assert read_texts(text, "text") == [text]


@pytest.mark.parametrize("text", ["[a dog]", "[sic] 'a dog'", "a dog, [indoors]", "['a', dog]", "[1, 2"])
def test_a_text_in_brackets_is_a_text(text: str) -> None:
    assert read_texts(text, "text") == [text]


def test_columns_of_yes_and_no() -> None:
    rows = [
        {"dog": "1", "cat": "0", "sea": 1.0, "sun": True, "sky": -1, "id": "1", "doubt": -1, "none": ""},
        {"dog": "0", "cat": "", "sea": None, "sun": False, "sky": 1, "id": "2", "doubt": 0, "none": None},
        {"dog": "1", "cat": "0.0", "sea": 0, "sun": "false", "sky": "-1", "id": "3", "doubt": 1, "none": ""},
    ]
    assert yes_columns(rows, rows[0]) == ["dog", "cat", "sea", "sun", "sky"]
    assert [[column for column in ("dog", "sea", "sun", "sky") if is_yes(row[column])] for row in rows] == [
        ["dog", "sea", "sun"], ["sky"], ["dog"],
    ]  # fmt: skip


def test_labels_of_one_name_agree_on_the_usual_spelling() -> None:
    counts = {"dog": 2, "Dog": 3, "cat": 1}
    assert agree(counts) == {"dog": "Dog"}
    assert agree(counts, ["dog", "CAT"]) == {"Dog": "dog", "cat": "CAT"}
    assert agree({"a": 1, "A": 1}) == {"A": "a"}  # the first one of equals
