"""A visitor's own pictures: added, added to, labelled, taken home."""

from __future__ import annotations

import csv
import io
import json
import shutil
import unicodedata
import zipfile
import zlib
from pathlib import Path

import pillow_heif
import pytest
import torch
from PIL import Image
from zips import write_zip

from algcn.bundles.bundle import Bundle
from algcn.datasets.image_folder import read_image_folder
from algcn.features.encoder import Encoder
from algcn.kit.errors import InputError
from app.collection.folder import Collection, Dropped
from app.labelling.board import Board
from app.service import RetrievalService


@pytest.fixture
def bundle(tiny_bundle_dir: Path) -> Bundle:
    """With thresholds that some labels pass and some do not."""
    bundle = Bundle.load(tiny_bundle_dir)
    bundle.thresholds = {"image": torch.tensor([-1.0, 1.0, -1.0, 1.0, 1.0, 1.0])}
    return bundle


@pytest.fixture
def collection(tmp_path: Path) -> Collection:
    (tmp_path / "visitor").mkdir()
    return Collection(tmp_path / "visitor")


def dropped(tmp_path: Path, *names: str) -> list[Dropped]:
    """Pictures of the tiny gallery's kind, uploaded under these names."""
    files = []
    for number, name in enumerate(names):
        path = tmp_path / f"upload-{len(list(tmp_path.iterdir()))}-{number}.png"
        colour = tuple((zlib.crc32(name.encode()) >> shift) % 256 for shift in (0, 8, 16))
        Image.new("RGB", (48, 32), colour).save(path)
        files.append(Dropped(path, name))
    return files


def taken_home(collection: Collection, bundle: Bundle, path: Path) -> Path:
    """The collection in a zip, with what a bundle predicts."""
    board, service = Board(), RetrievalService(bundle, collection.gallery)
    return board.write_zip(path, collection, board.sight(service, collection))


def archive(tmp_path: Path, files: dict[str, bytes]) -> Dropped:
    path = tmp_path / "upload.zip"
    with zipfile.ZipFile(path, "w") as stream:
        for name, data in files.items():
            stream.writestr(name, data)
    return Dropped(path, "my.zip")


def test_pictures_are_searchable_and_lie_in_the_visitors_folder_alone(
    collection: Collection, bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALGCN_CACHE", str(tmp_path / "cache"))
    told: list[tuple[int, int]] = []
    assert collection.add(dropped(tmp_path, "a.png", "b.png"), bundle, lambda *done: told.append(done)) == 2
    assert len(collection) == len(collection.gallery) == 2
    assert collection.gallery.image_embeddings.shape == (2, 48)
    assert (told[0], told[-1]) == ((0, 2), (2, 2))
    assert not (tmp_path / "cache").exists()
    assert sorted(path.name for path in collection.root.iterdir()) == [
        "a.png", "b.png", "embeddings.safetensors", "metadata.csv",
    ]  # fmt: skip
    assert [path.name for path in collection.folder.iterdir()] == ["pictures"]
    assert collection.size == sum((collection.root / name).stat().st_size for name in ("a.png", "b.png"))


def test_more_can_be_added_and_only_that_is_encoded(
    collection: Collection, bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    collection.add(dropped(tmp_path, "a.png"), bundle)
    count, encode = [], Encoder.encode_images
    monkeypatch.setattr(
        Encoder, "encode_images", lambda self, images: encode(self, (count.append(1) or image for image in images))
    )
    assert collection.add(dropped(tmp_path, "b.png", "c.png"), bundle) == 2
    assert len(count) == 2
    assert [item.file_name for item in collection.gallery.items] == ["a.png", "b.png", "c.png"]


def test_the_same_name_is_another_picture_and_the_same_picture_is_not(
    collection: Collection, bundle: Bundle, tmp_path: Path
) -> None:
    first = dropped(tmp_path, "a.png")
    collection.add(first, bundle)
    other = [Dropped(file.path, "A.PNG") for file in dropped(tmp_path, "another")]
    assert collection.add([*first, *other], bundle) == 1
    assert [item.file_name for item in collection.gallery.items] == ["a.png", "A-2.png"]
    assert [(entry.name, entry.reason) for entry in collection.left_out] == [
        ("a.png", "it is the same picture as a.png")
    ]


def test_captions_labels_and_splits_are_kept_and_labels_nobody_gave_are_predicted(
    collection: Collection, bundle: Bundle, tmp_path: Path, tiny_gallery_dir: Path
) -> None:
    files = {path.relative_to(tiny_gallery_dir).as_posix(): path.read_bytes() for path in tiny_gallery_dir.rglob("*.*")}
    collection.add([archive(tmp_path, files), *dropped(tmp_path, "plain.png")], bundle)
    items = {item.file_name: item for item in collection.gallery.items}
    assert items["beach_dog.webp"].texts == ["A dog runs on the beach", "Sand, sea & <b>a dog</b>"]
    assert items["night/street.png"].labels == ["street", "night"]
    assert items["unlabelled.png"].labels is None

    home = taken_home(collection, bundle, tmp_path / "home.zip")
    with zipfile.ZipFile(home) as stream:
        stream.extractall(tmp_path / "out")
        rows = list(csv.DictReader(io.StringIO(stream.read("home/metadata.csv").decode())))
    by_name = {row["file_name"]: row for row in rows}
    assert by_name["plain.png"]["labels"] == ""
    assert by_name["plain.png"]["predicted_labels"] == "beach|dog"
    assert by_name["street.jpg"]["labels"] == "street|car"
    assert by_name["street.jpg"]["predicted_labels"] == "beach|dog", "beside those that were given"
    assert {row["predicted_probabilities"] for row in rows} == {""}, "the bundle has none"
    again = read_image_folder(tmp_path / "out" / "home")  # it is an image folder
    assert {item.file_name for item in again} == set(items)


def test_without_thresholds_nothing_is_predicted(collection: Collection, tiny_bundle_dir: Path, tmp_path: Path) -> None:
    bundle = Bundle.load(tiny_bundle_dir)
    collection.add(dropped(tmp_path, "a.png"), bundle)
    with zipfile.ZipFile(taken_home(collection, bundle, tmp_path / "home.zip")) as stream:
        rows = list(csv.DictReader(io.StringIO(stream.read("home/metadata.csv").decode())))
    assert [row["predicted_labels"] for row in rows] == [""]


def test_pictures_that_cannot_be_decoded_are_said_and_removed(
    collection: Collection, bundle: Bundle, tmp_path: Path
) -> None:
    bad = archive(tmp_path, {"letter.png": b"Dear Sir", "metadata.csv": b"file_name,text\nletter.png,A letter\n"})
    assert collection.add([bad, *dropped(tmp_path, "a.png")], bundle) == 1
    assert [(entry.name, entry.reason) for entry in collection.left_out] == [
        ("letter.png", "is not a picture that can be read")
    ]
    assert dict(collection.account.counts) == {
        "pictures that cannot be opened": 1,
        "captions of pictures that cannot be opened": 1,
    }
    assert (collection.account.given("pictures"), collection.account.given("captions")) == (2, 1)
    assert not (collection.root / "letter.png").exists()
    assert "letter" not in (collection.root / "metadata.csv").read_text()
    assert collection.add(dropped(tmp_path, "b.png"), bundle) == 1
    assert collection.left_out == []


@pytest.mark.parametrize("empty", [True, False])
def test_an_error_adds_nothing(collection: Collection, bundle: Bundle, tmp_path: Path, empty: bool) -> None:
    if not empty:
        collection.add(dropped(tmp_path, "a.png"), bundle)
    before = sorted(collection.root.rglob("*")), collection.gallery

    def stop(done: int, total: int) -> None:
        raise InputError("It was stopped.")

    with pytest.raises(InputError, match="It was stopped"):
        collection.add(dropped(tmp_path, "b.png"), bundle, stop)
    with pytest.raises(InputError, match="has no column 'file_name'"):
        rows = archive(tmp_path, {"metadata.csv": b"name,text\nz.png,Gone\n", "c.png": b"..."})
        collection.add([rows], bundle)
    kept = [path for path in sorted(collection.root.rglob("*")) if path.name != "metadata.csv" or not empty]
    assert (kept, collection.gallery) == before
    assert collection.add(dropped(tmp_path, "b.png"), bundle) == 1


def test_nothing_that_can_be_taken_is_one_sentence(collection: Collection, bundle: Bundle, tmp_path: Path) -> None:
    with pytest.raises(
        InputError,
        match=r"No picture can be taken from what was dropped\. "
        r"Files that are no picture: 1, for instance notes\.doc in my\.zip\.$",
    ):
        collection.add([archive(tmp_path, {"notes.doc": b"hello"})], bundle)
    with pytest.raises(InputError, match="is not a picture that can be read"):
        collection.add([archive(tmp_path, {"letter.png": b"Dear Sir"})], bundle)
    assert len(collection) == 0


def test_what_a_drop_added_is_counted_and_what_lacks_a_row_is_said(
    collection: Collection, bundle: Bundle, tmp_path: Path
) -> None:
    pictures = {file.name: file.path.read_bytes() for file in dropped(tmp_path, "a.png", "b.png", "c.png")}
    rows = "file_name,text,labels\na.png,One,red|big\na.png,Two,red\nb.png,,big\ngone.png,Three,\n"
    packed = archive(tmp_path, {**pictures, "broken.png": b"...", "metadata.csv": rows.encode()})
    assert collection.add([packed], bundle) == 3
    used = collection.account.used
    assert (used["pictures"], used["captions"], used["labels"], used["rows"]) == (3, 2, 3, 3)
    assert collection.account.notes == ["1 picture has no row in a table, for instance c.png, and so no caption."]
    assert collection.account.given("rows") == 4 and collection.account.given("pictures") == 4

    # The same again, with one caption more, dropped by itself.
    assert collection.add([packed], bundle) == 0
    assert collection.account.used == {"pictures": 0, "captions": 0, "labels": 0, "rows": 3}
    assert collection.account.left_out("captions") == 2 and collection.account.left_out("labels") == 3
    table = tmp_path / "table"
    table.write_text("file_name,text,labels\nc.png,Four,small\n")
    assert collection.add([Dropped(table, "metadata.csv")], bundle) == 0
    assert collection.account.used == {"pictures": 0, "captions": 1, "labels": 1, "rows": 1} and not collection.account
    assert [item.texts for item in collection.gallery.items] == [["One", "Two"], [], ["Four"]]
    assert collection.gallery.texts == ["One", "Two", "Four"]


def test_two_photos_of_one_name_get_names_of_their_own(collection: Collection, bundle: Bundle, tmp_path: Path) -> None:
    pictures = [Dropped(file.path, "Été.jpg") for file in dropped(tmp_path, "a", "b")]
    mac = unicodedata.normalize("NFD", "été.jpg")
    third = archive(tmp_path, {mac: dropped(tmp_path, "c")[0].path.read_bytes()})
    assert collection.add([*pictures, third], bundle) == 3
    assert [item.file_name for item in collection.gallery.items] == ["Été.jpg", "Été-2.jpg", "été-3.jpg"]


HARD = [
    (["One, two", '["three"]', "[4] and more"], ["salt, pepper", "a;b"], "train"),
    (["A text"], ["plain"], "test"),
    ([], ["(in brackets)", "plain"], None),
    (["Zeile\nzwei", 'He said "no"'], [], "validation"),
]


def test_the_download_packed_again_on_a_mac_comes_back_as_it_was(
    collection: Collection, bundle: Bundle, tmp_path: Path
) -> None:
    """With a folder around it, files of the Mac's own, names in parts, and no word on how they are written."""
    names = ["Café.png", "海边/한글.png", "plain.png", "ü/ö.png"]
    rows = [
        {"file_name": name, "text": texts, "labels": labels, "split": split}
        for name, (texts, labels, split) in zip(names, HARD, strict=True)
    ]
    pictures = dict(zip(names, dropped(tmp_path, *names), strict=True))
    files = {name: file.path.read_bytes() for name, file in pictures.items()}
    jsonl = "\n".join(json.dumps(row) for row in rows).encode()
    collection.add([archive(tmp_path, {**files, "metadata.jsonl": jsonl})], bundle)
    assert {item.file_name: (item.texts, item.labels or [], item.split) for item in collection.gallery.items} == dict(
        zip(names, HARD, strict=True)
    )

    home = taken_home(collection, bundle, tmp_path / "my-pictures.zip")
    entries = [("my-pictures 2/.DS_Store", b"...")]
    with zipfile.ZipFile(home) as stream:
        assert b"predicted_labels" in stream.read("my-pictures/metadata.csv")
        for entry in stream.infolist():
            name = unicodedata.normalize("NFD", f"my-pictures 2/{entry.filename}")
            folder, _, last = name.rpartition("/")
            entries += [(name, stream.read(entry)), (f"__MACOSX/{folder}/._{last}", b"...")]
    again = Collection(tmp_path / "again")
    again.folder.mkdir()
    assert again.add([Dropped(write_zip(tmp_path / "mac.zip", entries), "mac.zip")], bundle) == 4
    assert again.gallery.items == collection.gallery.items
    assert not again.account and again.account.notes == [] and again.left_out == []


def test_pictures_of_phones_and_without_a_suffix_are_taken_as_what_they_are(
    collection: Collection, bundle: Bundle, tmp_path: Path
) -> None:
    pillow_heif.register_heif_opener()
    files = {}
    for number, (name, kind) in enumerate(
        {"IMG_1.jpg": "HEIF", "A day. At the Sea": "AVIF", "scan.TXT": "TIFF"}.items()
    ):
        data = io.BytesIO()
        Image.new("RGB", (48, 32), (80 * number, 90, 100)).save(data, kind)
        files[name] = data.getvalue()
    assert collection.add([archive(tmp_path, files)], bundle) == 3
    assert [item.file_name for item in collection.gallery.items] == list(files)
    assert not collection.account


def test_names_are_made_fit_for_files(collection: Collection, bundle: Bundle, tmp_path: Path) -> None:
    picture = dropped(tmp_path, "a.png")[0].path.read_bytes()
    long = "y" * 200
    collection.add([archive(tmp_path, {f" {long} / a\tb .PNG": picture})], bundle)
    (item,) = collection.gallery.items
    folder, name = item.file_name.split("/")
    assert len(folder) <= 81
    assert name == "a?b.png"
    shutil.rmtree(collection.folder)
