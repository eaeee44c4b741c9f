"""Galleries: what is embedded, and what is left out."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
import torch
from conftest import TINY_GALLERY
from PIL import Image
from safetensors.torch import load_file
from torch.nn import functional

from algcn import extract
from algcn.bundles.bundle import Bundle
from algcn.bundles.saving import save_bundle
from algcn.gallery.__main__ import main
from algcn.gallery.files import STORE_NAME
from algcn.gallery.store import build_gallery
from algcn.kit.errors import InputError, run_command
from algcn.kit.images import open_image
from algcn.method.config import ModelConfig
from algcn.method.model import ALGCN


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ALGCN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def folder(tiny_gallery_dir: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(tiny_gallery_dir, tmp_path / "gallery"))


@pytest.fixture
def bundle(tiny_bundle_dir: Path) -> Bundle:
    """Freshly loaded: its encoder is not, until something needs it."""
    return Bundle.load(tiny_bundle_dir)


def test_pictures_and_texts_are_points_of_the_common_space(folder: Path, bundle: Bundle) -> None:
    gallery = build_gallery(folder, bundle)
    assert [item.file_name for item in gallery.items] == [row[0] for row in TINY_GALLERY]
    assert gallery.texts == [text for row in TINY_GALLERY for text in row[3]]
    assert gallery.text_owner.tolist() == [i for i, row in enumerate(TINY_GALLERY) for _ in row[3]]
    assert [tuple(item.labels) for item in gallery.items] == [row[4] for row in TINY_GALLERY]
    pictures = [open_image(folder / item.file_name) for item in gallery.items]
    with torch.inference_mode():
        images = functional.normalize(bundle.model.embed_image(bundle.encoder().encode_images(pictures)), dim=1)
        texts = functional.normalize(bundle.model.embed_text(bundle.encoder().encode_texts(gallery.texts)), dim=1)
    torch.testing.assert_close(gallery.image_embeddings, images, atol=2e-3, rtol=0)  # float16 in between
    torch.testing.assert_close(gallery.text_embeddings, texts, atol=2e-3, rtol=0)
    assert gallery.image_embeddings.dtype == torch.float32
    assert gallery.notices == []


def test_unreadable_pictures_are_left_out_with_a_notice(folder: Path, bundle: Bundle) -> None:
    (folder / "street.jpg").write_bytes((folder / "street.jpg").read_bytes()[:-40])
    (folder / "beach.png").write_bytes(b"")
    gallery = build_gallery(folder, bundle)
    assert [item.file_name for item in gallery.items] == [
        "beach_dog.webp",
        "night/street.png",
        "night/boat.png",
        "unlabelled.png",
    ]
    assert len(gallery.texts) == len(gallery.text_embeddings) == len(gallery.text_owner) == 4
    assert gallery.text_owner.tolist() == [0, 0, 1, 3]
    [notice] = gallery.notices
    assert notice.startswith("2 pictures were left out: The file beach.png is empty")
    assert "street.jpg is damaged or cut off" in notice
    account = gallery.account
    assert (account.used["pictures"], account.used["captions"]) == (4, 4)
    assert (account.given("pictures"), account.given("captions")) == (6, 6)
    assert account.counts == {
        "empty files": 1,
        "damaged pictures": 1,
        "captions of pictures left out": 2,
        "labels of pictures left out": 4,
    }
    [damaged] = [line for line in account.sentences() if line.startswith("Damaged")]
    assert damaged.startswith("Damaged pictures: 1, for instance street.jpg, which is damaged or cut off")


def test_copies_of_a_damaged_picture_are_each_named(folder: Path, bundle: Bundle) -> None:
    for name in ("beach.png", "night/boat.png", "street.jpg"):
        (folder / name).write_bytes(b"")
    gallery = build_gallery(folder, bundle)
    assert len(gallery) == 3 and gallery.account.given("pictures") == 6
    assert gallery.account.counts["empty files"] == 3
    assert all(sentence.startswith(f"The file {name} is empty") for name, sentence in gallery.unreadable.items())
    assert sorted(gallery.unreadable) == ["beach.png", "night/boat.png", "street.jpg"]


def test_names_that_are_no_unicode_are_told_too(
    tmp_path: Path, tiny_bundle_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "odd"
    for name in (b"dog\xff/a\xfe.png", b"cat/b.png", b"cat/c\xfe.png"):
        path = folder / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (40, 40), "red").save(path)
    broken = os.fsdecode(b"cat/c\xfe.png")
    (folder / broken).write_bytes(b"no picture")
    assert run_command(main, ["build", str(folder), "--bundle", str(tiny_bundle_dir), "--json", "-"]) == 0
    out, err = capsys.readouterr()
    answer = json.loads(out)
    assert list(answer["unreadable"]) == [broken] and answer["account"]["used"]["pictures"] == 2
    assert "for instance cat/c\\udcfe.png, which is" in err
    arguments = [str(folder), "--bundle", str(tiny_bundle_dir), "--out", str(tmp_path / "new.safetensors")]
    assert run_command(extract.main, arguments) == 2
    assert "No image of" in capsys.readouterr().err


def test_no_fact_is_told_twice(
    folder: Path, tiny_bundle_dir: Path, images_only: Bundle, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "street.jpg").write_bytes((folder / "street.jpg").read_bytes()[:-40])
    for command in ("build", "layout"):
        assert run_command(main, [command, str(folder), "--bundle", str(images_only.path), "--json", "-"]) == 0
        out, err = capsys.readouterr()
        assert err.count("street.jpg, which is damaged") == 1 and err.count("no texts") + err.count("not read") == 1
        answer = json.loads(out)
        assert {entry["kind"]: entry["count"] for entry in answer["account"]["left_out"]} == {
            "damaged pictures": 1,
            "captions of pictures left out": 1,
            "captions that the encoder of bags does not read": 5,
            "labels of pictures left out": 2,
        }
        assert answer["account"]["used"] == {"rows": 7, "pictures": 5, "captions": 0, "labels": 8}
        assert len(answer["notices"]) == 2 and list(answer["unreadable"]) == ["street.jpg"]


def test_a_folder_of_unreadable_pictures_is_an_error(tmp_path: Path, bundle: Bundle) -> None:
    folder = tmp_path / "broken"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(b"no picture")
    with pytest.raises(
        InputError, match=r"No picture of .*broken can be read\. 1 picture was left out: The file a\.jpg is not"
    ):
        build_gallery(folder, bundle)


def test_texts_that_say_nothing_are_left_out(folder: Path, bundle: Bundle) -> None:
    metadata = 'file_name,text\nbeach.png,"\u200b"\nbeach.png,A beach\nstreet.jpg,\n'
    (folder / "metadata.csv").write_text(metadata, encoding="utf-8")
    gallery = build_gallery(folder, bundle)
    assert (len(gallery), gallery.texts, gallery.text_owner.tolist()) == (2, ["A beach"], [0])
    assert gallery.account.used["captions"] == 1 and gallery.account.given("captions") == 2
    assert gallery.account.counts["captions that say nothing"] == 1


def test_a_folder_of_pictures_alone(folder: Path, bundle: Bundle) -> None:
    (folder / "metadata.csv").unlink()
    gallery = build_gallery(folder, bundle)
    assert (len(gallery), gallery.texts) == (6, [])
    assert gallery.text_embeddings.shape == (0, gallery.image_embeddings.shape[1])


def test_a_bundle_without_an_encoder_is_refused(folder: Path, bundle: Bundle, tmp_path: Path) -> None:
    bare = Bundle.load(save_bundle(tmp_path / "bare", bundle.model, bundle.label_set))
    with pytest.raises(InputError, match="has no encoder"):
        build_gallery(folder, bare)


def test_the_command(folder: Path, tiny_bundle_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["build", str(folder), "--bundle", str(tiny_bundle_dir), "--in-place"]
    assert run_command(main, arguments) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{folder}: 6 pictures and 6 texts",
        "6 pictures, 6 captions, 10 labels, 7 rows used, nothing left out.",
    ]
    assert len(load_file(folder / STORE_NAME)["features"]) == 12
    assert run_command(main, ["build", str(folder / "nothing"), "--bundle", str(tiny_bundle_dir)]) == 2
    assert "error: There is no folder" in capsys.readouterr().err
    assert run_command(main, ["build", str(folder), "--bundle", str(folder / "nothing")]) == 2
    assert "There is no bundle at" in capsys.readouterr().err


def test_each_unreadable_picture_has_its_reason(folder: Path, bundle: Bundle) -> None:
    (folder / "beach.png").write_bytes(b"Dear Sir or Madam")
    assert build_gallery(folder, bundle).unreadable == {
        "beach.png": "The file beach.png is not a picture that can be read. "
        "Use a JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF or HEIC picture."
    }


@pytest.fixture
def images_only(tmp_path: Path, tiny_bundle_dir: Path) -> Bundle:
    """A bundle trained on pictures and bags of words, with the encoder of the bundle beside it."""
    shutil.copytree(tiny_bundle_dir, tmp_path / "weights" / "tiny")
    label_set = Bundle.load(tiny_bundle_dir).label_set
    model = ALGCN(ModelConfig(32, 50, len(label_set), common_dim=24, label_dim=8))
    path = save_bundle(tmp_path / "weights" / "bags", model, label_set, encoder_bundle="tiny", encodes={"image"})
    return Bundle.load(path)


def test_an_encoder_that_reads_no_texts_makes_a_gallery_of_pictures(
    folder: Path, images_only: Bundle, encoded: dict[str, int]
) -> None:
    gallery = build_gallery(folder, images_only)
    assert encoded == {"images": 6, "texts": 0}
    assert gallery.texts == [] and gallery.text_owner.shape == (0,)
    assert gallery.image_features.shape == (6, 32) and gallery.text_features.shape == (0, 32)
    assert gallery.image_embeddings.shape == (6, 24) and gallery.text_embeddings.shape == (0, 24)
    assert gallery.items[0].texts == ["A boat on a sunny beach"]  # still there to be shown
    assert gallery.notices == ["The encoder of bags reads no texts, so only pictures can be searched."]
    assert gallery.projected(images_only.model).text_embeddings.shape == (0, 24)
    build_gallery(folder, images_only)
    assert encoded == {"images": 6, "texts": 0}


def test_it_leaves_the_texts_that_another_bundle_encoded(
    folder: Path, bundle: Bundle, images_only: Bundle, encoded: dict[str, int]
) -> None:
    build_gallery(folder, bundle, in_place=True)
    content = (folder / STORE_NAME).read_bytes()
    encoded.update(images=0, texts=0)
    assert build_gallery(folder, images_only, in_place=True).texts == []
    assert (folder / STORE_NAME).read_bytes() == content
    assert encoded == {"images": 0, "texts": 0}
