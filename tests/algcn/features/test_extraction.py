"""From an image folder to features: what has rows, what is left out and counted, and where a stopped run goes on."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy
import pytest
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from algcn.datasets.features import Features
from algcn.datasets.image_folder import ImageFolder, read_image_folder
from algcn.features import extraction
from algcn.features.bag_of_words import BagOfWords
from algcn.features.extraction import Work, extract_features, extract_file, label_set_of
from algcn.features.sources import Sources
from algcn.kit.account import Account
from algcn.kit.errors import InputError

WORDS = ["dog", "sea"]
TEXTS = ("a dog", "the sea", "", "no word")
UNITS = ("pictures", "captions", "labels")


class Killed(Exception):
    """Stands for the process being killed."""


class Corners:
    """Image features that are exact on every machine: one more than the sum of the colours of each corner."""

    name, width, fingerprint = "corners", 4, "0"

    def __init__(self, limit: int | None = None) -> None:
        self.limit, self.images = limit, 0

    def pixels(self, image: Image.Image) -> Tensor:
        return torch.from_numpy(numpy.asarray(image).copy()).float()

    def encode(self, pixels: Tensor) -> Tensor:
        if self.limit is not None and self.images + len(pixels) > self.limit:
            raise Killed
        self.images += len(pixels)
        return torch.stack([pixels[:, y, x].sum(dim=1) + 1 for y in (0, -1) for x in (0, -1)], dim=1)


def write_folder(folder: Path, count: int) -> Path:
    """A folder of pictures with up to four texts each, one of which has no word of the vocabulary."""
    folder.mkdir()
    rows = ["file_name,text,labels,split"]
    for number in range(count):
        Image.new("RGB", (4, 3), (20 * number, 255 - 9 * number, 7)).save(folder / f"größe {number}.png")
        split = ("train", "train", "validation", "test", "")[number % 5]
        labels = "dog|sea" if number % 2 else "night"
        rows += [f"größe {number}.png,{text},{labels},{split}" for text in TEXTS[: number % 4 + 1]]
    (folder / "metadata.csv").write_text("\n".join(rows), encoding="utf-8")
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "photos", 11)


def damage(folder: Path, numbers: Iterable[int]) -> None:
    for number in numbers:
        picture = folder / f"größe {number}.png"
        picture.write_bytes(picture.read_bytes()[:50])


def work_on(folder: Path, shard: int = 3, limit: int | None = None) -> Work:
    read = read_image_folder(folder)
    sources = Sources(Corners(limit), BagOfWords(WORDS))
    return Work(read, sources, label_set_of(read), batch_size=2, shard_size=shard, progress=False)


@pytest.fixture
def extracted(folder: Path, tmp_path: Path) -> Callable[..., tuple[int, bytes | None]]:
    """Extract the folder; how many images were encoded, and the file where the run was not killed."""

    def run(name: str = "out", *, limit: int | None = None, shard: int = 3) -> tuple[int, bytes | None]:
        work, out = work_on(folder, shard, limit), tmp_path / f"{name}.safetensors"
        try:
            extract_file(work, out)
        except Killed:
            return work.sources.images.images, None
        return work.sources.images.images, out.read_bytes()

    return run


def check_given(account: Account, folder: ImageFolder) -> None:
    """Given is used and left out, of pictures, captions and labels."""
    assert account.given("pictures") == len(folder)
    assert account.given("captions") == sum(len(item.texts) for item in folder)
    assert account.given("labels") == sum(len(item.labels or ()) for item in folder)
    assert [folder.account.given(unit) for unit in UNITS] == [account.given(unit) for unit in UNITS]


@pytest.mark.parametrize("shard", [1, 3, 512])
def test_a_folder_without_damage_makes_the_file_it_always_made(extracted: Callable, shard: int) -> None:
    """The SHA-256 of the file that the first version of this format wrote, before pictures could be left out."""
    _, data = extracted(shard=shard)
    assert hashlib.sha256(data).hexdigest() == "cc0a5c1404e1e257603c994334e4c2a854fdec386894eb9dfc47ccdbfb50cebf"


@pytest.mark.parametrize("damaged", [[0], [10], [3, 4, 5], [0, 2, 4, 6, 8, 10]])
def test_a_damaged_picture_costs_itself(folder: Path, extracted: Callable, tmp_path: Path, damaged: list[int]) -> None:
    extracted("whole")
    whole = Features.load(tmp_path / "whole.safetensors")
    damage(folder, damaged)
    encoded, data = extracted()
    assert encoded == 11 - len(damaged) and data is not None
    features = Features.load(tmp_path / "out.safetensors")
    gone = {f"größe {number}.png" for number in damaged}
    rows = [row for row, name in enumerate(whole.file_names) if name not in gone]
    assert features.file_names == [whole.file_names[row] for row in rows]
    for name in ("image_features", "text_features", "labels"):
        assert torch.equal(getattr(features, name), getattr(whole, name)[rows])
    assert features.split == [whole.split[row] for row in rows]


def test_what_is_left_out_is_counted(folder: Path, tmp_path: Path) -> None:
    damage(folder, [2, 5])
    (folder / "größe 7.png").write_bytes(b"")
    (folder / "größe 8.png").write_text("Dear Sir or Madam", encoding="utf-8")
    with (folder / "metadata.csv").open("a", encoding="utf-8") as stream:
        for name in ("wordless", "mute"):
            shutil.copy(folder / "größe 0.png", folder / f"{name}.png")
            stream.write(f"\n{name}.png,{'nothing known' if name == 'wordless' else ''},night,train")
    work = work_on(folder)
    extract_file(work, tmp_path / "out.safetensors")
    account = work.account()
    check_given(account, work.folder)
    assert account.counts == {
        "damaged pictures": 2,
        "empty files": 1,
        "files that hold no picture": 1,
        "pictures without a usable caption": 2,
        "captions of pictures left out": 2 + 2 + 2 + 1,
        "captions without a word of the vocabulary": 3,
        "labels of pictures left out": 1 + 2 + 2 + 1 + 1 + 1,
    }
    loaded = Features.load(tmp_path / "out.safetensors")
    assert account.used["captions"] == len(loaded) and account.used["pictures"] == len(loaded.first_rows()[0]) == 7
    sentences = "\n".join(account.sentences())
    assert "Damaged pictures: 2, for instance größe 2.png, which is" in sentences
    assert (
        "Captions without a word of the vocabulary: 3, for instance 'no word' of größe 3.png; use another" in sentences
    )
    in_memory = Account()
    features = extract_features(
        work.folder, work.sources, work.label_set, batch_size=2, shard_size=3, progress=False, account=in_memory
    )
    assert in_memory.to_json() == account.to_json()
    assert features.file_names == loaded.file_names and torch.equal(features.image_features, loaded.image_features)


def test_a_folder_made_by_hand_has_an_account_too(folder: Path) -> None:
    read = read_image_folder(folder)
    account = Account()
    extract_features(
        ImageFolder(read.root, read.items), Sources(Corners(), BagOfWords(WORDS)), label_set_of(read), progress=False,
        account=account,
    )  # fmt: skip
    assert [account.given(unit) for unit in UNITS] == [read.account.given(unit) for unit in UNITS]


@pytest.mark.parametrize("damaged", [[], [1], [0, 1, 2], [4, 10]])
def test_a_run_killed_anywhere_ends_with_the_same_bytes(
    folder: Path, extracted: Callable, tmp_path: Path, damaged: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    damage(folder, damaged)
    readable, whole = extracted("whole")
    for limit in range(readable):
        assert extracted(limit=limit)[1] is None
        more, data = extracted()
        assert data == whole and more <= readable, limit
        assert limit < 3 or more < readable, "finished shards are not done again"
    # And while the file is put together from the parts, or after it stands.
    for name in ("FeatureWriter", "file_metadata"):
        with monkeypatch.context() as patch:
            patch.setattr(extraction, name, lambda *_: (_ for _ in ()).throw(Killed))
            assert extracted() == (readable, None)
        assert extracted() == (0, whole)
    with monkeypatch.context() as patch:
        patch.setattr(Work, "drop_parts", lambda work: (_ for _ in ()).throw(Killed))
        assert extracted() == (readable, None)
    assert extracted() == (0, whole)
    assert not list(tmp_path.glob("*.parts"))


def test_a_part_says_what_it_left_out(folder: Path, extracted: Callable, tmp_path: Path) -> None:
    damage(folder, [0, 1, 2, 4])
    extracted(limit=2)  # ends in the third shard
    first, second = sorted((tmp_path / "out.safetensors.parts").glob("*.safetensors"))
    with safe_open(first, framework="pt") as stream:
        assert list(json.loads(stream.metadata()["unreadable"])) == [f"größe {number}.png" for number in range(3)]
    assert load_file(first)["image_features"].shape == (0, 4)
    with safe_open(second, framework="pt") as stream:
        assert json.loads(stream.metadata()["unreadable"]).keys() == {"größe 4.png"}
    work = work_on(folder)
    extract_file(work, tmp_path / "out.safetensors")  # two shards come from their parts
    assert work.sources.images.images == 5 and len(work.unreadable) == 4
    check_given(work.account(), work.folder)


def test_parts_of_an_earlier_version_are_made_anew(folder: Path, extracted: Callable, tmp_path: Path) -> None:
    """They say nothing of what they left out, and their plan knew sizes and times alone."""
    _, whole = extracted("whole")
    extracted(limit=8)
    parts = tmp_path / "out.safetensors.parts"
    first = parts / "00000000.safetensors"
    with safe_open(first, framework="pt") as stream:
        about = stream.metadata()
    save_file(load_file(first), first, {name: about[name] for name in ("plan", "sha256")})
    assert extracted() == (3 + 5, whole)
    extracted(limit=8)
    (parts / "plan.json").write_text("0" * 64, encoding="utf-8")
    assert extracted() == (11, whole)


@pytest.mark.parametrize("spoilt", ['{"a.png": "x"}', "[]", "7", "no JSON"])
def test_a_part_whose_list_was_changed_is_made_anew(extracted: Callable, tmp_path: Path, spoilt: str) -> None:
    _, whole = extracted("whole")
    extracted(limit=8)
    first = tmp_path / "out.safetensors.parts" / "00000000.safetensors"
    with safe_open(first, framework="pt") as stream:
        about = stream.metadata()
    save_file(load_file(first), first, {**about, "unreadable": spoilt})
    assert extracted() == (8 if spoilt != "[]" else 5, whole)  # an empty list leaves out nothing, as was said


def test_a_picture_of_the_same_size_and_time_is_encoded_anew(folder: Path, extracted: Callable, tmp_path: Path) -> None:
    picture = folder / "größe 1.png"
    picture.write_bytes(picture.read_bytes().ljust(300, b"\0"))
    extracted(limit=8)
    status = picture.stat()
    Image.new("RGB", (4, 3), "white").save(picture)
    picture.write_bytes(picture.read_bytes().ljust(300, b"\0"))
    os.utime(picture, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert (picture.stat().st_size, picture.stat().st_mtime_ns) == (status.st_size, status.st_mtime_ns)
    assert extracted()[0] == 11
    row = Features.load(tmp_path / "out.safetensors").file_names.index("größe 1.png")
    assert load_file(tmp_path / "out.safetensors")["image_features"][row].tolist() == [766.0] * 4


def test_where_no_picture_can_be_read_it_says_why(folder: Path, extracted: Callable, tmp_path: Path) -> None:
    damage(folder, range(11))
    with pytest.raises(InputError, match=r"^No picture of .* that has a text can be read\. The file größe 0\.png is"):
        extracted()
    assert not list(tmp_path.glob("out*")), "nothing is kept to go on from"
    read = read_image_folder(folder)
    with pytest.raises(InputError, match="that has a text can be read"):
        extract_features(read, Sources(Corners(), BagOfWords(WORDS)), label_set_of(read), progress=False)


def test_a_picture_that_went_away_is_left_out(folder: Path, tmp_path: Path) -> None:
    work = work_on(folder)
    (folder / "größe 1.png").unlink()
    extract_file(work, tmp_path / "out.safetensors")
    account = work.account()
    check_given(account, work.folder)
    assert account.counts["pictures that cannot be opened"] == 1
    assert "größe 1.png" not in Features.load(tmp_path / "out.safetensors").file_names


def test_a_part_that_is_lost_while_the_file_is_put_together_is_said(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = work_on(folder)
    finished = Work.finished_shards

    def lose(work: Work):
        (work.parts / "00000003.safetensors").unlink()
        return finished(work)

    monkeypatch.setattr(Work, "finished_shards", lose)
    with pytest.raises(InputError, match=r"00000003\.safetensors' was changed or removed .*; start again"):
        extract_file(work, tmp_path / "out.safetensors")
    assert not (tmp_path / "out.safetensors").exists()
