"""Copies of MIRFlickr name their photos in several ways and put them in several folders."""

from __future__ import annotations

from pathlib import Path

import pytest
from official import write_mirflickr

from algcn.datasets.mirflickr import MirFlickr
from algcn.kit.account import Account
from algcn.kit.errors import InputError

KEPT = [number for number in range(1, 61) if number % 10 and number % 7]


def rename(root: Path, name: str) -> None:
    """Give all photos a name of a copy."""
    for path in sorted(root.glob("mirflickr/im*.jpg")):
        target = root / name.format(number=int(path.stem.removeprefix("im")))
        target.parent.mkdir(parents=True, exist_ok=True)
        path.rename(target)


@pytest.mark.parametrize(
    "name",
    [
        "mirflickr/IM{number}.JPG",
        "mirflickr/im{number:05}.jpg",
        "mirflickr/im{number}.png",
        "mirflickr/images/im{number}.jpg",
        "images/Im{number}.jpeg",
        "im{number}.jpg",
        "mirflickr25k/im{number}.jpg",
    ],
)
def test_photos_of_all_copies_are_found_and_have_one_name(name: str, tmp_path: Path) -> None:
    root = write_mirflickr(tmp_path)
    rename(root, name)
    records = list(MirFlickr(root).records(Account()))
    assert [record.image for record in records] == [root / name.format(number=number) for number in KEPT]
    suffix = Path(name).suffix.lower()
    assert [record.file_name for record in records] == [f"im{number}{suffix}" for number in KEPT]


@pytest.mark.parametrize(
    ("name", "there"),
    [
        ("mirflickr/photo{number}.jpg", "found for instance 'mirflickr/photo1.jpg'"),
        ("{number}.txt", "found no pictures"),
    ],
)
def test_where_no_photo_matches_it_is_said(name: str, there: str, tmp_path: Path) -> None:
    root = write_mirflickr(tmp_path)
    rename(root, name)
    with pytest.raises(InputError, match=r"none of the photos: looked for 'im1.jpg', 'IM1.JPG', .* and " + there):
        list(MirFlickr(root).records(Account()))


def test_one_photo_that_is_missing_is_named(tmp_path: Path) -> None:
    root = write_mirflickr(tmp_path)
    rename(root, "images/IM{number}.JPG")
    (root / "images" / "IM3.JPG").unlink()
    with pytest.raises(InputError, match=r"The photo im3\.jpg is missing"):
        list(MirFlickr(root).records(Account()))
