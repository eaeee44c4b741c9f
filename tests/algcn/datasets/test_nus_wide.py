"""Copies of NUS-WIDE name their photos in several ways; all are found by the Flickr id, or it is said that none is."""

from __future__ import annotations

from pathlib import Path

import pytest
from official import write_nus_wide

from algcn.datasets.nus_wide import NusWide
from algcn.kit.account import Account
from algcn.kit.errors import InputError

# A photo's name in a copy, given its row and its Flickr id; some secrets are digits alone.
NAMES = {
    "row and id": "{row:04}_{id}.jpg",
    "id": "{id}.jpg",
    "id, other suffix": "{id}.JPG",
    "id and secret": "{id}_1a2b3c4d5e.jpg",
    "id and a secret of digits": "{id}_0123456789.jpg",
    "id, secret and size": "{id}_1a2b3c4d5e_m.jpg",
    "row, id, secret and size": "{row:04}_{id}_1a2b3c4d5e_m.jpg",
    "row, id, a secret of digits and size": "{row}_{id}_0123456789_z.jpg",
    "concept, row and id": "actor_{row:04}_{id}.jpg",
}


def rename(root: Path, name: str) -> None:
    """Give all photos a name of a copy, in one folder."""
    for path in sorted(root.glob("Flickr/*/*.jpg")):
        number = int(path.stem.rsplit("_", 1)[-1])
        path.rename(root / "Flickr" / name.format(row=number - 7_000_000, id=number))


def read(root: Path) -> tuple[dict[str, str], Account, Account]:
    """The photo of each item that is kept, why others are not, and what else is counted."""
    collection, left_out = NusWide(root), Account()
    kept = {record.file_name: record.image.name for record in collection.records(left_out)}
    return kept, left_out, collection.account


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_photos_of_all_copies_are_found(name: str, tmp_path: Path) -> None:
    root = write_nus_wide(tmp_path)
    rename(root, name)
    kept, left_out, account = read(root)
    assert len(kept) == 37 and left_out.counts["whose photo is not here"] == 1 and not account
    for listed, photo in kept.items():
        number = int(listed.removesuffix(".jpg").rsplit("_", 1)[-1])
        assert photo == name.format(row=number - 7_000_000, id=number)


def test_a_row_that_is_the_id_of_another_photo_is_no_id(tmp_path: Path) -> None:
    root = write_nus_wide(tmp_path)
    listed = root / "ImageList" / "Imagelist.txt"
    listed.write_text(listed.read_text().replace("0007_7000007", "0007_20"))  # an old photo, of a short id
    rename(root, "{row}_{id}_1a2b3c4d5e_m.jpg")
    (root / "Flickr" / "7_7000007_1a2b3c4d5e_m.jpg").rename(root / "Flickr" / "7_20_1a2b3c4d5e_m.jpg")
    kept, _, account = read(root)
    assert len(kept) == 37 and not account
    assert kept["scene1/0007_20.jpg"] == "7_20_1a2b3c4d5e_m.jpg"
    assert kept["scene2/0020_7000020.jpg"] == "20_7000020_1a2b3c4d5e_m.jpg"


def test_photos_that_nothing_names_are_counted_and_hidden_files_are_none(tmp_path: Path) -> None:
    root = write_nus_wide(tmp_path)
    photo = next(root.glob("Flickr/scene0/0000_*.jpg")).read_bytes()
    for name in ("a/holiday.jpg", "b/7000006_secret.jpg", "__MACOSX/._0003_7000003.jpg"):
        (root / "Flickr" / name).parent.mkdir()
        (root / "Flickr" / name).write_bytes(photo)
    kept, left_out, account = read(root)
    assert len(kept) == 37 and kept["scene0/0006_7000006.jpg"] == "0006_7000006.jpg"
    assert left_out.to_json()["left_out"][-1]["example"] == "scene1/0004_7000004.jpg"
    assert account.sentences() == [
        "Photos that Imagelist.txt does not name: 1, for instance a/holiday.jpg.",
        "Photos with the Flickr id of another photo: 1, for instance b/7000006_secret.jpg.",
    ]


@pytest.mark.parametrize(
    ("name", "there"), [("photo{row}.jpg", "holds for instance 'photo0.jpg'"), ("{row}.txt", "no pic")]
)
def test_where_no_photo_matches_it_is_said(name: str, there: str, tmp_path: Path) -> None:
    root = write_nus_wide(tmp_path)
    rename(root, name)
    with pytest.raises(
        InputError, match=r"looked for names such as 'scene0/0000_7000000.jpg', '7000000.jpg' .*" + there
    ):
        read(root)
