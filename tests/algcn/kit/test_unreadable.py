"""Pictures that could not be read are counted by what they are, with the reason that opening them gave."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from algcn.kit import images
from algcn.kit.account import Account
from algcn.kit.errors import InputError
from algcn.kit.images import open_image
from algcn.kit.unreadable import count_unreadable


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as refused:
        open_image(path)
    return str(refused.value)


def test_each_kind_has_its_reason_and_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "MAX_PIXELS", 64 * 64)
    monkeypatch.setattr(images, "MAX_BYTES", 100_000)
    Image.effect_noise((60, 60), 90).save(tmp_path / "cut.jpg")
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "cut.jpg").read_bytes()[:-500])
    Image.new("RGB", (80, 80)).save(tmp_path / "wide.png")
    Image.new("RGB", (8, 8)).save(tmp_path / "heavy.bmp")
    (tmp_path / "heavy.bmp").write_bytes((tmp_path / "heavy.bmp").read_bytes().ljust(100_001, b"\0"))
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "letter.jpg").write_text("Dear Sir or Madam. Yours; sincerely", encoding="utf-8")
    (tmp_path / "photo.jxl").write_bytes(b"\xff\x0a" + bytes(60))
    names = ("cut.jpg", "wide.png", "heavy.bmp", "empty.png", "letter.jpg", "photo.jxl", "gone.png")
    account = Account()
    count_unreadable(account, tmp_path, {name: refusal(tmp_path / name) for name in names})
    assert account.counts == {
        "damaged pictures": 1,
        "pictures that are too large": 2,
        "empty files": 1,
        "files that hold no picture": 1,
        "JPEG XL pictures": 1,
        "pictures that cannot be opened": 1,
    }
    assert account.left_out("pictures") == len(names)
    sentences = account.sentences()
    assert sentences[0].startswith("Damaged pictures: 1, for instance cut.jpg, which is damaged or cut off and cannot")
    assert sentences[0].endswith("; save them again or copy them anew.") and sentences[0].count(";") == 1
    assert sentences[1].startswith("Pictures that are too large: 2, for instance wide.png, which has too many pixels")
    assert sentences[2] == "Empty files: 1, for instance empty.png, which is empty (0 bytes); copy them anew."
    assert sentences[3] == (
        "Files that hold no picture: 1, for instance letter.jpg, which is not a picture that can be read; "
        "save them as JPEG or PNG."
    )
    assert sentences[4].startswith("JPEG XL pictures: 1, for instance photo.jxl, which is")
    assert sentences[5] == "Pictures that cannot be opened: 1, for instance gone.png; make them readable."


def test_a_name_with_sentences_in_it_does_not_confuse(tmp_path: Path) -> None:
    name = "a. b; c.png"
    (tmp_path / name).write_bytes(b"")
    account = Account()
    count_unreadable(account, tmp_path, {name: refusal(tmp_path / name)})
    assert account.sentences() == [f"Empty files: 1, for instance {name}, which is empty (0 bytes); copy them anew."]
