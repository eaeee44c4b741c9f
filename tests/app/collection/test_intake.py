"""What is dropped: pictures are taken, and whatever else somebody packed is harmless and said."""

from __future__ import annotations

import io
import shutil
import stat
import struct
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from algcn.kit.errors import InputError
from app.collection import intake as module
from app.collection.intake import Intake, printable

Files = dict[str, bytes]


def picture(colour: str) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (32, 24), colour).save(data, "PNG")
    return data.getvalue()


RED, BLUE, GREEN = picture("red"), picture("blue"), picture("green")


def pack(path: Path, files: Files, packing: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", packing) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def take(tmp_path: Path, files: Files, **arguments) -> Intake:
    """Take an archive of these files."""
    intake = Intake(tmp_path / "taken", arguments.get("known", {}), arguments.get("size", 0))
    intake.take(pack(tmp_path / "upload.bin", files), "my.zip")
    return intake


def names(intake: Intake) -> list[str]:
    return [found.item.file_name for found in intake.found()]


def reasons(intake: Intake) -> dict[str, str]:
    return {entry.name: entry.reason for entry in intake.left_out}


def written(tmp_path: Path) -> set[str]:
    """Every file below the test's folder but the upload itself."""
    return {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()} - {"upload.bin"}


def test_pictures_of_an_archive_keep_their_names(tmp_path: Path) -> None:
    intake = take(tmp_path, {"b.png": RED, "beach/a.png": BLUE, "C.JPEG": GREEN})
    assert names(intake) == ["b.png", "beach/a.png", "C.JPEG"]
    assert intake.left_out == []
    assert all(found.path.is_file() and len(found.digest) == 64 for found in intake.found())
    assert all(found.item.labels is None and found.item.texts == [] for found in intake.found())


def test_loose_pictures_and_a_loose_metadata_file(tmp_path: Path) -> None:
    intake = Intake(tmp_path / "taken", {}, 0)
    for name, data in (("a.png", RED), ("metadata.csv", b"file_name,text,labels\na.png,A red one,red|plain\n")):
        (tmp_path / "upload.bin").write_bytes(data)
        intake.take(tmp_path / "upload.bin", f"C:\\Users\\me\\{name}")
    (found,) = intake.found()
    assert (found.item.file_name, found.item.texts, found.item.labels) == ("a.png", ["A red one"], ["red", "plain"])


def test_metadata_counts_where_it_lies_and_pictures_it_does_not_name_are_taken_too(tmp_path: Path) -> None:
    rows = b"\xef\xbb\xbffile_name,text\na.png,One\na.png,Another\n"  # with the mark that spreadsheets write
    intake = take(tmp_path, {"photos/metadata.csv": rows, "photos/a.png": RED, "photos/b.png": BLUE, "c.png": GREEN})
    found = {entry.item.file_name: entry.item for entry in intake.found()}
    assert set(found) == {"a.png", "b.png", "c.png"}
    assert found["a.png"].texts == ["One", "Another"]


def test_rows_of_pictures_that_were_left_out_are_no_error(tmp_path: Path) -> None:
    rows = b"file_name,text\na.png,One\nb.png,The same\nnotes.txt,None\n"
    intake = take(tmp_path, {"metadata.csv": rows, "a.png": RED, "b.png": RED, "notes.txt": b"..."})
    (found,) = intake.found()
    assert found.item.texts == ["One", "The same"], "what is said about either copy"
    assert len(intake.left_out) == 2
    assert intake.account.left_out("rows") == 1 and intake.account.used["rows"] == 2


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (b"file_name,text\n../a.png,Out\n", "outside the folder"),
        (b"file_name,text\n/etc/passwd,Out\n", "outside the folder"),
        (b"name,words\na.png,One\n", "has no column 'file_name'"),
        (b"file_name,text\na.png,\xff\xfe\n", "is not UTF-8"),
        (b'file_name,text\na.png,"One\n', "is not CSV"),
    ],
)
def test_a_metadata_file_at_fault_is_one_sentence(tmp_path: Path, rows: bytes, sentence: str) -> None:
    intake = take(tmp_path, {"metadata.csv": rows, "a.png": RED})
    with pytest.raises(InputError, match=sentence) as caught:
        intake.found()
    assert "\n" not in str(caught.value)


def test_what_is_no_picture_is_said_and_what_systems_add_is_not_worth_a_word(tmp_path: Path) -> None:
    intake = take(
        tmp_path,
        {
            "a.png": RED,
            "notes.txt": b"hello",
            "IMG_1.DNG": b"II*\0",
            "inner.zip": b"PK",
            "captions.csv": b"a,b",
            "program.png.exe": b"MZ",
            "__MACOSX/._a.png": b"...",
            "photos/.DS_Store": b"...",
            "Thumbs.db": b"...",
        },
    )
    assert names(intake) == ["a.png"]
    assert reasons(intake) == {
        "notes.txt in my.zip": "a table is called metadata.csv, .jsonl or .parquet",
        "IMG_1.DNG in my.zip": "it is a camera's RAW picture, which is not read; save it as JPEG or PNG",
        "inner.zip in my.zip": "an archive inside an archive is not opened",
        "captions.csv in my.zip": "a table is called metadata.csv, .jsonl or .parquet",
        "program.png.exe in my.zip": "it is not a picture",
    }
    assert written(tmp_path) == {"taken/archive-1/a.png"}


@pytest.mark.parametrize(
    "name", ["../out.png", "a/../../out.png", "/tmp/out.png", "..\\out.png", "C:\\out.png", "\\\\host\\share\\out.png"]
)
def test_no_path_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    intake = take(tmp_path, {name: RED, "a.png": BLUE})
    assert names(intake) == ["a.png"]
    assert [entry.reason for entry in intake.left_out] == ["its path leads out of the archive"]
    assert written(tmp_path) == {"taken/archive-1/a.png"}


def test_links_are_not_followed(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    intake = Intake(tmp_path / "taken", {}, 0)
    with zipfile.ZipFile(tmp_path / "upload.bin", "w") as archive:
        archive.writestr(link, "/etc/passwd")
        archive.writestr("link.png/a.png", RED)
    intake.take(tmp_path / "upload.bin", "my.zip")
    assert reasons(intake) == {"link.png in my.zip": "it is a link, not a file"}
    assert not any(path.is_symlink() for path in tmp_path.rglob("*"))


def test_an_encrypted_archive_is_one_sentence(tmp_path: Path) -> None:
    data = bytearray(pack(tmp_path / "upload.bin", {"a.png": RED}).read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "upload.bin").write_bytes(data)
    with pytest.raises(InputError, match=r"my\.zip is encrypted; pack it again without a password"):
        Intake(tmp_path / "taken", {}, 0).take(tmp_path / "upload.bin", "my.zip")


@pytest.mark.parametrize("data", [b"", b"Dear Sir", b"PK\x05\x06" + b"\xff" * 18, b"PK\x03\x04" * 100])
def test_an_archive_that_is_none_is_one_sentence(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "upload.bin").write_bytes(data)
    with pytest.raises(InputError, match=r"my\.zip (is not a zip archive that can be read|lists too many files)"):
        Intake(tmp_path / "taken", {}, 0).take(tmp_path / "upload.bin", "my.zip")


def test_a_damaged_picture_inside_leaves_the_others(tmp_path: Path) -> None:
    path = pack(tmp_path / "upload.bin", {"a.png": RED, "b.png": BLUE}, zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    data[data.index(RED) + 40] ^= 0xFF
    path.write_bytes(data)
    intake = Intake(tmp_path / "taken", {}, 0)
    intake.take(path, "my.zip")
    assert names(intake) == ["b.png"]
    assert reasons(intake) == {"a.png in my.zip": "it is damaged"}
    assert written(tmp_path) == {"taken/archive-1/b.png"}


@pytest.mark.parametrize("packing", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_packings_that_may_need_any_memory_are_not_opened(tmp_path: Path, packing: int) -> None:
    intake = Intake(tmp_path / "taken", {}, 0)
    intake.take(pack(tmp_path / "upload.bin", {"a.png": RED}, packing), "my.zip")
    assert [entry.reason for entry in intake.left_out] == [
        "it is packed in a way that is not read; use an ordinary zip"
    ]


def test_a_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_PICTURE_BYTES", 1 << 20)
    monkeypatch.setattr(module, "MAX_COLLECTION_BYTES", 3 << 20)
    zeros = bytes(1 << 20)
    # One large file, and many that together are: each of the right size to be taken alone.
    files = {"large.png": bytes((1 << 20) + 1), **{f"{n}.png": zeros[n:] for n in range(10)}}
    intake = take(tmp_path, files)
    assert len(intake.found()) == 3
    assert reasons(intake)["large.png in my.zip"] == "it has more than 1 MB"
    assert reasons(intake)["9.png in my.zip"] == "the collection is full (3 MB)"
    assert sum(path.stat().st_size for path in (tmp_path / "taken").rglob("*.png")) <= 3 << 20


def test_the_same_content_over_and_over_is_not_read_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_COLLECTION_BYTES", 10 * len(RED))
    intake = take(tmp_path, {f"{n}.png": RED for n in range(100)})
    assert len(intake.found()) == 1
    told = [entry.reason for entry in intake.left_out]
    assert told[0] == "it is the same picture as 0.png"
    assert told[-1].startswith("the collection is full")
    assert told.count("it is the same picture as 0.png") < 10


def test_a_size_that_is_a_lie_is_not_believed(tmp_path: Path) -> None:
    """A file that claims to be small: no more than it claims is read, and then its checksum is wrong."""
    path = pack(tmp_path / "upload.bin", {"a.png": bytes(1 << 20)})
    data = bytearray(path.read_bytes())
    for at, offset in ((data.index(b"PK\x03\x04"), 22), (data.index(b"PK\x01\x02"), 24)):
        struct.pack_into("<I", data, at + offset, 100)
    path.write_bytes(data)
    intake = Intake(tmp_path / "taken", {}, 0)
    intake.take(path, "my.zip")
    assert reasons(intake) == {"a.png in my.zip": "it is damaged"}
    assert written(tmp_path) == set()


def test_a_list_of_files_without_end_is_not_read(tmp_path: Path) -> None:
    path = pack(tmp_path / "upload.bin", {"a.png": RED})
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, data.index(b"PK\x05\x06") + 12, 100 << 20)
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"my\.zip lists too many files"):
        Intake(tmp_path / "taken", {}, 0).take(path, "my.zip")
    path.write_bytes(path.read_bytes().replace(b"PK\x05\x06", b"PK\x06\x07" + bytes(16) + b"PK\x05\x06"))
    with pytest.raises(InputError, match="format for more than 4 GB"):
        Intake(tmp_path / "taken", {}, 0).take(path, "my.zip")


def test_a_full_collection_and_pictures_that_are_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_PICTURES", 2)
    first = take(tmp_path, {"a.png": RED})
    known = {found.digest: "mine.png" for found in first.found()}
    (tmp_path / "again").mkdir()
    intake = take(tmp_path / "again", {"b.png": RED, "c.png": BLUE, "d.png": GREEN}, known=known)
    assert names(intake) == ["c.png"]
    assert reasons(intake) == {
        "b.png in my.zip": "it is the same picture as mine.png",
        "d.png in my.zip": "the collection is full (2 pictures)",
    }


def test_names_that_name_nothing(tmp_path: Path) -> None:
    intake = take(tmp_path, {".": RED, "./": b"", "./.": BLUE, "a/./b.png": GREEN})
    assert names(intake) == ["a/b.png"]


def test_names_that_no_file_can_have(tmp_path: Path) -> None:
    deep = "x/" * 2000 + "c.png"
    intake = take(tmp_path, {"x" * 300 + ".png": RED, "a.png": BLUE, "a.png/b.png": GREEN, deep: picture("black")})
    assert names(intake) == ["a.png"]
    assert [entry.reason for entry in intake.left_out] == ["its name cannot be used for a file"] * 3
    assert all(len(entry.name) < 150 for entry in intake.left_out)


def test_two_files_of_one_name(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "upload.bin", "w") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("a.png", RED)
        archive.writestr("a.png", BLUE)
    intake = Intake(tmp_path / "taken", {}, 0)
    intake.take(tmp_path / "upload.bin", "my.zip")
    assert names(intake) == ["a.png", "a.png"]
    assert intake.left_out == []


def test_printable() -> None:
    assert printable("a\nb\x00c\u202ed") == "a?b?c?d"
    assert len(printable("x" * 500, 80)) <= 81


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("metadata.csv", b"file_name,text,labels\n" + b"a,,\n" * 1_000_000),
        ("metadata.csv", b"file_name,text\r" + b",,,,\r" * 800_000),
        ("metadata.csv", b"\xff\xfe" + ("file_name,text\n" + "\n" * 2_000_000).encode("utf-16-le")),
        ("metadata.csv", b"\n\nfile_name," + b",".join(b"c%d" % number for number in range(2000)) + b"\n"),
        ("metadata.jsonl", b'{"file_name": "a.png", "text": "x"}\n' * 100_000),
    ],
)
def test_a_table_of_too_many_lines_or_columns_is_left_out_unread(tmp_path: Path, name: str, table: bytes) -> None:
    intake = take(tmp_path, {name: table, "a.png": RED})
    assert names(intake) == ["a.png"]
    assert reasons(intake) == {f"{name} in my.zip": "it has more than 20,000 lines or 1,000 columns"}


def test_all_tables_of_a_drop_are_bounded_together(tmp_path: Path) -> None:
    table = b"file_name,text\n" + b'a.png,"%s"\n' % (b"x" * 100_000) * 20
    intake = take(tmp_path, {f"{number}/metadata.csv": table for number in range(4)} | {"0/a.png": RED})
    assert list(reasons(intake).values()) == ["tables may have 4 MB together"] * 2
    rows = b"file_name,text\n" + b"a.png,x\n" * 9000
    (tmp_path / "more").mkdir()
    intake = take(tmp_path / "more", {f"{number}/metadata.csv": rows for number in range(4)} | {"0/a.png": RED})
    assert len(reasons(intake)) == 2, "lines are counted together as well"


def test_taking_looks_whether_it_should_stop(tmp_path: Path) -> None:
    for stop_at in range(1, 40):
        looks = iter(range(1, stop_at + 1))

        def look(looks: object = looks) -> None:
            if next(looks, None) is None:
                raise InputError("Stopped.")

        shutil.rmtree(tmp_path / "taken", ignore_errors=True)
        intake = Intake(tmp_path / "taken", {}, 0, look)
        try:
            intake.take(
                pack(tmp_path / "upload.bin", {"metadata.csv": b"file_name,text\na.png,x\n", "a.png": RED}), "m.zip"
            )
            intake.found()
        except InputError as error:
            assert str(error) == "Stopped."
        else:
            break
    assert stop_at > 6, "it looks at each file, each piece, before the tables and at each picture"
