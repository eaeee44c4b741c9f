"""Drops as people make them: every picture, caption and label is used, or counted with an example."""

from __future__ import annotations

import csv
import io
import json
import tempfile
import unicodedata
from pathlib import Path

import pyarrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ingredients import Given, given_folders
from PIL import Image
from pyarrow import parquet
from zips import UTF8_FLAG, write_zip

from algcn.kit.account import Account
from app.collection.intake import Intake
from app.collection.rows import Found

Files = list[tuple[str, bytes]]


def picture(number: int, kind: str = "PNG") -> bytes:
    """Another picture for each number."""
    data = io.BytesIO()
    Image.new("RGB", (32, 24), (number % 256, 40 * number % 256, 100)).save(data, kind)
    return data.getvalue()


def table(*rows: tuple[str, ...], header: tuple[str, ...] = ("file_name", "text", "labels")) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([header, *rows])
    return text.getvalue().encode()


class Drop:
    """What came of files that were dropped together."""

    def __init__(self, folder: Path, *files: tuple[str, bytes | Files], known: dict[str, str] | None = None) -> None:
        self.intake = Intake(folder / "taken", known or {}, 0)
        for number, (name, data) in enumerate(files):
            path = folder / f"upload-{number}"
            if isinstance(data, list):
                write_zip(path, data, flags=UTF8_FLAG)
            else:
                path.write_bytes(data)
            self.intake.take(path, name)
        self.found: list[Found] = self.intake.found()
        self.account: Account = self.intake.account

    @property
    def texts(self) -> list[tuple[str, list[str]]]:
        return [(found.item.file_name, found.item.texts) for found in self.found]

    @property
    def without_row(self) -> list[str]:
        return [found.item.file_name for found in self.found if found.lacks_row]

    @property
    def kinds(self) -> dict[str, int]:
        return dict(self.account.counts)


@pytest.fixture
def drop(tmp_path: Path):
    return lambda *files, **arguments: Drop(tmp_path, *files, **arguments)


def test_a_stale_row_costs_that_row(drop) -> None:
    rows = table(("a.png", "One", "red"), ("gone.png", "Two", ""), ("", "Three", ""), ("b.png", "Four", ""))
    got = drop(("my.zip", [("metadata.csv", rows), ("a.png", picture(1)), ("b.png", picture(2))]))
    assert got.texts == [("a.png", ["One"]), ("b.png", ["Four"])]
    assert got.kinds == {"rows whose picture is not there": 1, "rows without a file_name": 1}
    assert got.account.given("rows") == 4 and got.account.used["rows"] == 2


def test_a_table_of_stale_rows_alone_costs_no_picture(drop) -> None:
    got = drop(("my.zip", [("metadata.csv", table(("gone.png", "One", ""))), ("a.png", picture(1))]))
    assert got.texts == [("a.png", [])]
    assert got.account.given("rows") == 1 and got.account.used["rows"] == 0
    assert got.without_row == ["a.png"]


def test_pictures_that_no_row_names_are_taken_and_said(drop) -> None:
    files = [(f"{number}.png", picture(number)) for number in range(5)]
    got = drop(("my.zip", [("photos/metadata.csv", table(("0.png", "One", ""))), *_below("photos", files)]))
    assert [name for name, _ in got.texts] == [f"{number}.png" for number in range(5)]
    assert got.without_row == ["1.png", "2.png", "3.png", "4.png"]
    assert not got.account


@pytest.mark.parametrize(
    "name", ["metadata.csv", "Metadata.CSV", "metadata.jsonl", "METADATA.JSONL", "metadata.parquet"]
)
@pytest.mark.parametrize("folder", ["", "photos", "a/b/c"])
def test_tables_of_any_kind_and_case_at_any_depth(drop, tmp_path: Path, name: str, folder: str) -> None:
    row = {"file_name": "a.png", "text": "One", "labels": ["red", "blue, dark"]}
    if name.endswith("parquet"):
        parquet.write_table(pyarrow.Table.from_pylist([row]), tmp_path / "table")
        data = (tmp_path / "table").read_bytes()
    elif name.lower().endswith("csv"):
        data = table(("a.png", "One", '["red", "blue, dark"]'))
    else:
        data = json.dumps(row).encode()
    (got,) = drop(("my.zip", _below(folder, [(name, data), ("a.png", picture(1))]))).found
    assert (got.item.file_name, got.item.texts, got.item.labels) == ("a.png", ["One"], ["red", "blue, dark"])


def test_what_is_a_picture_is_told_by_its_first_bytes(drop) -> None:
    files = [
        ("one.jfif", picture(1, "JPEG")),
        ("two", picture(2, "PNG")),
        ("three.txt", picture(3, "WEBP")),
        ("A day. At the sea", picture(4, "GIF")),
        ("five.png", b"no picture at all"),  # its suffix says so: whoever opens it says what is wrong
        ("six.dng", b"II*\0" + bytes(60)),
        ("seven.jpg", b"\xff\x0a" + bytes(60)),
        ("eight.svg", b"<svg></svg>"),
        ("nine.doc", b"Dear Sir"),
        ("ten", b""),
    ]
    got = drop(("my.zip", files))
    assert [name for name, _ in got.texts] == ["one.jfif", "two", "three.txt", "A day. At the sea", "five.png"]
    assert got.kinds == {
        "RAW pictures, which are not read": 1,
        "JPEG XL pictures, which are not read": 1,
        "SVG pictures, which are not read": 1,
        "files that are no picture": 2,
    }
    assert got.account.left_out("pictures") == 3 and got.account.left_out("files") == 2


def test_what_systems_add_is_skipped_and_hidden_folders_are_counted_once(drop) -> None:
    files = [
        ("a.png", picture(1)),
        ("__MACOSX/._a.png", b"..."),
        (".DS_Store", b"..."),
        ("photos/Thumbs.db", b"..."),
        ("photos/desktop.ini", b"..."),
        ("photos/._b.png", picture(2)),
        ("photos/.thumbnails/1.png", picture(3)),
        ("photos/.thumbnails/2.png", picture(4)),
        ("@eaDir/a.png/thumb.jpg", picture(5, "JPEG")),
    ]
    got = drop(("my.zip", files))
    assert [name for name, _ in got.texts] == ["a.png"]
    assert got.kinds == {"hidden and system folders, not looked into": 2}


def test_names_match_in_any_form(drop) -> None:
    """Rows of a spreadsheet on Windows, pictures from a Mac."""
    mac = unicodedata.normalize("NFD", "Café/Übung.JPG")
    rows = table(("Café\\übung.jpg", "One", ""), ("Café/B.PNG", "Two", ""))
    got = drop(("my.zip", [("metadata.csv", rows), (mac, picture(1)), ("Café\\b.png", picture(2))]))
    assert got.texts == [("Café/Übung.JPG", ["One"]), ("Café/b.png", ["Two"])]
    assert not got.account


def test_two_photos_of_one_name_are_both_kept_and_a_row_is_given_to_neither(drop) -> None:
    got = drop(
        ("a.png", picture(1)),
        ("a.png", picture(2)),
        ("b.png", picture(3)),
        ("metadata.csv", table(("a.png", "Which?", "red"), ("A.PNG", "Which?", ""), ("b.png", "This", ""))),
    )
    assert got.texts == [("a.png", []), ("a.png", []), ("b.png", ["This"])]
    assert got.kinds == {"rows whose file_name fits several files": 2}
    assert "row 2 of metadata.csv (2 files are called 'a.png')" in got.account.sentences()[0]
    assert len({found.path for found in got.found}) == 3 and all(found.path.is_file() for found in got.found)


def test_one_entry_name_twice_in_a_zip(drop) -> None:
    entries = [("x/a.png", picture(1)), ("x/a.png", picture(2)), ("x/metadata.csv", table(("a.png", "Which?", "")))]
    got = drop(("my.zip", entries))
    assert got.texts == [("a.png", []), ("a.png", [])]
    assert got.kinds == {"rows whose file_name fits several files": 1}
    assert got.without_row == ["a.png", "a.png"]


def test_names_that_are_equal_in_nfc_are_of_two_photos(drop) -> None:
    entries = [(unicodedata.normalize(form, "é.png"), picture(number)) for number, form in enumerate(("NFC", "NFD"))]
    got = drop(("my.zip", [*entries, ("metadata.csv", table(("é.png", "Which?", "")))]))
    assert got.texts == [("é.png", []), ("é.png", [])]
    assert got.kinds == {"rows whose file_name fits several files": 1}


def test_letter_case_that_a_row_spells_out_tells_two_photos_apart(drop) -> None:
    rows = table(("A.png", "One", ""), ("a.png", "Two", ""), ("a.PNG", "Which?", ""))
    got = drop(("my.zip", [("A.png", picture(1)), ("a.png", picture(2)), ("metadata.csv", rows)]))
    assert got.texts == [("A.png", ["One"]), ("a.png", ["Two"])]
    assert got.kinds == {"rows whose file_name fits several files": 1}


def test_one_path_in_two_zips_is_told_apart_by_the_table_beside_it(drop) -> None:
    first = [("a.png", picture(1)), ("metadata.csv", table(("a.png", "One", "")))]
    got = drop(("one.zip", first), ("two.zip", [("a.png", picture(2))]))
    assert got.texts == [("a.png", ["One"]), ("a.png", [])]
    assert not got.account and not got.without_row


def test_a_loose_table_names_the_pictures_of_a_zip(drop) -> None:
    rows = table(("a.png", "One", ""), ("photos/b.png", "Two", ""), ("x/photos/c.png", "Three", ""), ("d.png", "?", ""))
    packed = _below("x/photos", [(f"{name}.png", picture(number)) for number, name in enumerate("abc")])
    got = drop(("metadata.csv", rows), ("my.zip", packed))
    assert got.texts == [
        (f"x/photos/{name}.png", [text]) for name, text in zip("abc", ("One", "Two", "Three"), strict=True)
    ]
    assert got.kinds == {"rows whose picture is not there": 1}


def test_a_loose_table_may_speak_of_folders_that_a_drop_of_files_has_lost(drop) -> None:
    rows = table(("images/a.png", "One", ""), ("cat\\b.png", "Which?", ""), ("dog/b.png", "Which?", ""))
    got = drop(("metadata.csv", rows), ("A.png", picture(1)), ("b.png", picture(2)))
    assert got.texts == [("A.png", ["One"]), ("b.png", [])]
    assert got.kinds == {"rows whose picture is not there": 2}


def test_a_loose_table_speaks_of_the_picture_beside_it_first(drop) -> None:
    got = drop(
        ("my.zip", [("a.png", picture(1))]), ("a.png", picture(2)), ("metadata.csv", table(("a.png", "One", "")))
    )
    assert got.texts == [("a.png", ["One"]), ("a.png", [])]  # the loose one comes first
    assert not got.account
    assert got.without_row == ["a.png"]


def test_a_loose_table_and_two_zips_of_one_name(drop) -> None:
    rows = table(("a.png", "Which?", ""), ("b.png", "This", ""))
    got = drop(
        ("one.zip", [("a.png", picture(1))]),
        ("two.zip", [("a.png", picture(2)), ("b.png", picture(3))]),
        ("metadata.csv", rows),
    )
    assert got.texts == [("a.png", []), ("a.png", []), ("b.png", ["This"])]
    assert got.kinds == {"rows whose file_name fits several files": 1}


def test_two_loose_tables_of_one_name_are_both_read(drop) -> None:
    got = drop(
        ("metadata.csv", table(("a.png", "One", ""))),
        ("metadata.csv", table(("a.png", "Two", ""), ("b.png", "Three", ""))),
        ("a.png", picture(1)),
        ("b.png", picture(2)),
    )
    assert got.texts == [("a.png", ["One", "Two"]), ("b.png", ["Three"])]


def test_what_is_said_of_two_copies_is_said_of_the_one_that_stays(drop) -> None:
    header = ("file_name", "text", "labels", "split")
    rows = table(("a.png", "One", "red", "train"), ("b.png", "One", "red|big", "train"), ("c.png", "Two", "", "test"),
                 header=header)  # fmt: skip
    got = drop(("my.zip", [("metadata.csv", rows), *[(f"{name}.png", picture(1)) for name in "abc"]]))
    (found,) = got.found
    assert (found.item.texts, found.item.labels, found.item.split) == (["One", "Two"], ["red", "big"], "train")
    assert got.kinds == {
        "pictures that are there already, byte for byte": 2,
        "captions that their picture has already": 1,
        "labels that their picture has already": 1,
        "splits other than that of the same picture before": 1,
    }


def test_a_table_dropped_later_names_pictures_that_are_there(drop) -> None:
    got = drop(
        ("metadata.csv", table(("Beach/A.png", "One", "red"), ("b.png", "?", ""))), known={"0123": "beach/a.png"}
    )
    (found,) = got.found
    assert (found.path, found.digest, found.item.texts, found.item.labels) == (None, "0123", ["One"], ["red"])
    assert got.kinds == {"rows whose picture is not there": 1}


def test_folders_are_labels_where_no_table_says_otherwise(drop, tmp_path: Path) -> None:
    packed = [("dog/1.png", picture(1)), ("cat/1.png", picture(2)), ("cat/1.png", picture(3))]
    got = drop(("my.zip", packed))
    assert [found.item.labels for found in got.found] == [["dog"], ["cat"], ["cat"]]
    (tmp_path / "again").mkdir()
    got = Drop(tmp_path / "again", ("my.zip", packed), ("metadata.csv", table(("dog/1.png", "One", ""))))
    assert [found.item.labels for found in got.found] == [None, None, None]


def test_a_guess_at_how_names_are_written_is_said(tmp_path: Path) -> None:
    names = ["海边的日落.jpg", "公园里的猫.jpg", "我们的婚礼.jpg", "春节旅行.jpg"]
    write_zip(tmp_path / "upload", [(name, picture(number, "JPEG")) for number, name in enumerate(names)], "gb18030")
    intake = Intake(tmp_path / "taken", {}, 0)
    intake.take(tmp_path / "upload", "my.zip")
    assert [found.item.file_name for found in intake.found()] == names
    assert intake.account.notes == [
        "The names in my.zip do not say how they are written; they were read as Chinese (GBK), for instance "
        "海边的日落.jpg."
    ]
    assert not intake.account


def test_a_table_tells_how_names_are_written(tmp_path: Path) -> None:
    names = ["바다.jpg", "눈.jpg"]
    files = [(name, picture(number, "JPEG")) for number, name in enumerate(names)]
    rows = table(*((name, name, "") for name in names))
    path = write_zip(tmp_path / "upload", [*files, ("metadata.csv", rows)], "cp949")
    intake = Intake(tmp_path / "taken", {}, 0)
    intake.take(path, "my.zip")
    assert [(found.item.file_name, found.item.texts) for found in intake.found()] == [(name, [name]) for name in names]
    assert not intake.account and not intake.account.notes


@settings(max_examples=60, deadline=None, derandomize=True)
@given(given_folders(), st.sampled_from(["/", "\\"]), st.sampled_from(["", "my photos/"]), st.booleans())
def test_given_is_used_and_counted(folder: Given, separator: str, top: str, loose: bool) -> None:
    """A folder of any kind, packed on any system, or dropped file by file."""
    with tempfile.TemporaryDirectory() as place:
        folder.write(Path(place, "folder"))
        paths = sorted(path for path in Path(place, "folder").rglob("*") if path.is_file())
        files = [(path.relative_to(Path(place, "folder")).as_posix(), path.read_bytes()) for path in paths]
        if loose:
            # A person drops what is seen, and an archive that is none is an error.
            seen = [name for name, _ in files if not name.startswith((".", "@", "__")) and not name.endswith(".zip")]
            got = Drop(Path(place), *((name.rpartition("/")[2], data) for name, data in files if name in seen))
        else:
            got = Drop(Path(place), ("my.zip", [((top + name).replace("/", separator), data) for name, data in files]))
    account = got.account
    assert account.given("rows") == len(folder.rows)
    assert len(got.found) + account.left_out("pictures") == len(folder.pictures) + folder.unread
    assert account.left_out("files") == folder.others - (loose and any(name.endswith(".zip") for name in folder.files))
    if not loose:
        assert account.used["rows"] == sum(row.picture is not None for row in folder.rows)
        given_texts = {row.text for row in folder.rows if row.picture is not None}
        assert {text for found in got.found for text in found.item.texts} == given_texts


def _below(folder: str, files: Files) -> Files:
    return [(f"{folder}/{name}".lstrip("/"), data) for name, data in files]
