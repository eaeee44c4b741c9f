"""The CSV file: what RFC 4180 says, and no formula in it."""

from __future__ import annotations

import csv
import io

import pytest

from app.search.export import COLUMNS, to_csv
from app.search.query import Query
from app.search.results import NOTHING, Found, Hit, SearchResult, Shares
from app.search.written import Said


def hit(**values: object) -> Hit:
    defaults = {
        "rank": 1,
        "item": 0,
        "file": "a.png",
        "text": "a dog",
        "captions": ("a dog",),
        "labels": ("dog", "beach"),
        "matched_labels": ("dog",),
        "labels_are_predicted": False,
        "score": -0.25,
        "percentile": 12.5,
        "picture_cosines": (-0.5, 0.25),
        "shares": Shares(common=-0.5, labels=0.125, encoder=0.0625, written=0.0625),
        "says": (Said("dog", "label"), Said("=1", "caption")),
        "looks": ("beach",),
    }
    return Hit(**{**defaults, **values})


def exported(*hits: Hit) -> str:
    found = Found(list(hits), len(hits), len(hits), "percentile", 50.0, False)
    return to_csv(SearchResult(Query(text="x"), None, found, found, None, [], None, None, 0.1))


def test_it_is_a_table_with_a_header_and_two_kinds_of_rows() -> None:
    text = exported(hit(), hit(rank=2, probability=0.5))
    assert text.count("\r\n") == text.count("\n") == 5
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert tuple(rows[0]) == COLUMNS
    assert [(row["kind"], row["rank"], row["probability"]) for row in rows] == [
        ("picture", "1", ""),
        ("picture", "2", "0.5000"),
        ("caption", "1", ""),
        ("caption", "2", "0.5000"),
    ]
    assert rows[0]["labels"] == "dog|beach"
    assert float(rows[0]["score"]) == -0.25, "a number is no formula, even below zero"
    assert (float(rows[0]["picture_common"]), float(rows[0]["picture_encoder"])) == (-0.5, 0.25)
    shares = [float(rows[0][f"share_{name}"]) for name in ("common", "labels", "encoder", "written")]
    assert sum(shares) == float(rows[0]["score"])
    assert (rows[0]["says"], rows[0]["looks"]) == ("dog|=1", "beach")
    row = next(csv.DictReader(io.StringIO(exported(hit(shares=NOTHING)), newline="")))
    assert row["share_common"] == row["share_labels"] == row["share_encoder"] == "", "the encoder alone has no shares"


@pytest.mark.parametrize("text", ['say "hi", all', "two\nlines", "two\r\nlines", "  spaces  ", "ünï 🐕", ""])
def test_odd_texts_come_back_as_they_were(text: str) -> None:
    row = next(csv.DictReader(io.StringIO(exported(hit(text=text)), newline="")))
    assert row["text"] == text


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "  =", "＝", "＋", "－", "＠"])
def test_what_a_spreadsheet_would_run_is_quoted(start: str) -> None:
    text = f"{start}HYPERLINK(1)"
    row = next(csv.DictReader(io.StringIO(exported(hit(text=text, file=text, labels=(text,))), newline="")))
    assert row["text"] == row["file"] == row["labels"] == f"'{text}"
