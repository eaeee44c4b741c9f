"""A folder on a disk as a place of pictures."""

from __future__ import annotations

from pathlib import Path

import pytest

from algcn.features.places import OnDisk
from algcn.kit.account import Account
from algcn.kit.errors import InputError


def test_a_folder_gives_its_pictures_and_tells_when_one_changed(tiny_gallery_dir: Path, tmp_path: Path) -> None:
    place = OnDisk(tmp_path)
    place.check_seen()
    assert place.state("a.jpg") is None
    (tmp_path / "a.jpg").write_bytes((tiny_gallery_dir / "street.jpg").read_bytes())
    before = place.state("a.jpg")
    assert before is not None and before == place.state("a.jpg")
    assert place.open_picture("a.jpg").mode == "RGB"
    (tmp_path / "a.jpg").write_bytes(b"hello")
    assert place.state("a.jpg") != before
    with pytest.raises(InputError, match=r"^The file a\.jpg is not a picture"):
        place.open_picture("a.jpg")
    account = Account()
    place.count_unreadable(account, {"a.jpg": "The file a.jpg is not a picture that can be read."})
    assert [entry["kind"] for entry in account.to_json()["left_out"]] == ["files that hold no picture"]


def test_a_folder_that_is_not_there_is_not_seen(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not see the folder"):
        OnDisk(tmp_path / "nowhere").check_seen()
