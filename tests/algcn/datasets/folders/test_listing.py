"""The files of a folder: what is a picture, what a table, and what is counted instead."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from algcn.datasets.folders.listing import is_listed, is_table, list_folder
from algcn.kit.account import Account

JPEG = b"\xff\xd8\xff\xe0 not opened here"


def make(root: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)


def test_pictures_are_known_by_suffix_or_by_content(tmp_path: Path) -> None:
    names = ["a.jpg", "b.JPE", "c.jfif", "d.pjpeg", "e.HEIC", "f.heif", "deep/g.avif"]
    make(tmp_path, dict.fromkeys(names, b""))
    make(tmp_path, {"photo": JPEG, "x.jpg_large": JPEG, "notes": b"no picture", "deep/data.bin": b"\0" * 99})
    account = Account()
    listing = list_folder(tmp_path, account)
    assert listing.pictures == sorted([*names, "photo", "x.jpg_large"])
    assert account.counts == {"files that are no picture": 2}


def test_each_kind_that_is_not_read_has_its_count(tmp_path: Path) -> None:
    make(
        tmp_path,
        {
            "a.jxl": b"", "b.dat": b"\xff\x0a rest", "c.nef": b"II*\0 a thumbnail", "d.svg": b"<svg/>",
            "captions.csv": b"a", "more.xlsx": b"PK", "old.zip": b"PK\3\4", "clip.mp4": b"\0\0\0\x18ftypmp42",
            "README.md": b"", "labels.json": b"[]", "embeddings.safetensors": b"",
        },
    )  # fmt: skip
    account = Account()
    assert list_folder(tmp_path, account).pictures == []
    assert account.counts == {
        "JPEG XL pictures, which are not read": 2,
        "RAW pictures, which are not read": 1,
        "SVG pictures, which are not read": 1,
        "tables and texts of other names, not read": 2,
        "archives, which are not opened": 1,
        "files that are no picture": 1,
    }
    assert account.given("pictures") == 4 and account.given("files") == 4
    assert all(sentence.endswith(".") and "for instance" in sentence for sentence in account.sentences())


def test_what_is_hidden_or_a_systems_is_passed_over(tmp_path: Path) -> None:
    make(
        tmp_path,
        dict.fromkeys(
            ["a.jpg", ".b.jpg", "._a.jpg", "Thumbs.db", ".thumbnails/a.jpg", "x/@eaDir/a.jpg", "__MACOSX/a.jpg"], JPEG
        ),
    )
    account = Account()
    assert list_folder(tmp_path, account).pictures == ["a.jpg"]
    assert account.counts == {"hidden and system folders, not looked into": 3}


def test_tables_of_any_place_and_case(tmp_path: Path) -> None:
    make(
        tmp_path,
        dict.fromkeys(["metadata.csv", "train/Metadata.JSONL", "b/METADATA.parquet", "c/.x/metadata.csv"], b""),
    )
    assert list_folder(tmp_path, Account()).tables == ["b/METADATA.parquet", "metadata.csv", "train/Metadata.JSONL"]
    assert is_table("x/Metadata.CSV") and not is_table(".x/metadata.csv") and not is_table("my-metadata.csv")


def test_a_link_that_leads_nowhere_and_one_to_a_folder(tmp_path: Path) -> None:
    make(tmp_path / "store", {"a.jpg": JPEG})
    (root := tmp_path / "root").mkdir()
    (root / "gone.jpg").symlink_to(tmp_path / "gone.jpg")
    (root / "b.jpg").symlink_to(tmp_path / "store" / "a.jpg")
    (root / "linked").symlink_to(tmp_path / "store")
    account = Account()
    listing = list_folder(root, account)
    assert listing.pictures == ["b.jpg"] and listing.links == ["linked"]
    assert account.counts == {"links and devices that are no file": 1}


@pytest.mark.parametrize("suffix", sorted(Image.registered_extensions()))
def test_a_suffix_alone_makes_a_picture_of_what_is_read(suffix: str) -> None:
    read = Image.registered_extensions()[suffix] in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "DIB", "TIFF", "AVIF")
    assert is_listed(f"a{suffix}") is read
    assert not is_listed(f".hidden/a{suffix}")
