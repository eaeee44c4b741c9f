"""Several results at once: what a browser says is selected, and the file of them."""

from __future__ import annotations

import dataclasses
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest

from algcn.bundles.bundle import Bundle
from algcn.datasets.image_folder import read_image_folder
from algcn.gallery.store import build_gallery
from algcn.kit.errors import InputError
from app.collection import selection
from app.collection.selection import pack, selected_items
from app.service import RetrievalService


@pytest.fixture
def service(tiny_bundle_dir: Path, tiny_gallery_dir: Path, tmp_path: Path) -> RetrievalService:
    bundle = Bundle.load(tiny_bundle_dir)
    return RetrievalService(bundle, build_gallery(shutil.copytree(tiny_gallery_dir, tmp_path / "gallery"), bundle))


def test_each_picture_counts_once_in_the_order_of_the_selection(service: RetrievalService) -> None:
    assert selected_items({"items": [3, 0, 3], "pictures": service.pictures}, service) == (3, 0)


@pytest.mark.parametrize(
    ("what", "sentence"),
    [
        ({}, "Select at least one result"),
        ({"items": []}, "Select at least one result"),
        ({"items": "0"}, "Select at least one result"),
        ({"items": [0]}, "not open any more"),
        ({"items": [0], "pictures": "picture/secret"}, "not open any more"),
        ({"items": [6]}, "There is no such picture"),
        ({"items": ["0"]}, "There is no such picture"),
        ({"items": [0] * 501}, "At most 500"),
    ],
)
def test_what_no_browser_would_send_is_a_sentence(
    service: RetrievalService, what: dict[str, Any], sentence: str
) -> None:
    if "At most" in sentence or "no such" in sentence:
        what = {**what, "pictures": service.pictures}
    with pytest.raises(InputError, match=sentence):
        selected_items(what, service)


def test_the_file_is_read_back_as_it_was(service: RetrievalService, tmp_path: Path) -> None:
    items = (4, 1, 5)
    with zipfile.ZipFile(pack(service, items, tmp_path / "some.zip")) as archive:
        archive.extractall(tmp_path)
    folder = read_image_folder(tmp_path / "some")
    for item, read in zip(items, folder.items, strict=True):
        known = service.gallery.items[item]
        assert (read.file_name, read.texts, read.labels or []) == (known.file_name, known.texts, known.labels or [])
        before, after = (root / known.file_name for root in (service.gallery.root, folder.root))
        assert after.read_bytes() == before.read_bytes()


def test_predicted_labels_stand_apart_from_those_of_the_gallery(service: RetrievalService, tmp_path: Path) -> None:
    items = [dataclasses.replace(item, labels=None) for item in service.gallery.items]
    bare = RetrievalService(service.bundle, dataclasses.replace(service.gallery, items=items))
    with zipfile.ZipFile(pack(bare, (0,), tmp_path / "some.zip")) as archive:
        header, row = archive.read("some/metadata.csv").decode().splitlines()
    values = dict(zip(header.split(","), row.split(","), strict=True))
    assert values["labels"] == "" and values["predicted_labels"] == "|".join(bare.item_labels(0)[0])


def test_too_much_for_one_file_or_a_picture_that_is_gone_is_a_sentence(
    service: RetrievalService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch, pytest.raises(InputError, match="select fewer"):
        patch.setattr(selection, "MAX_COLLECTION_BYTES", 10)
        pack(service, (0, 1), tmp_path / "some.zip")
    service.picture_path(1).unlink()
    with pytest.raises(InputError, match=r"beach_dog\.webp is not there any more"):
        pack(service, (0, 1), tmp_path / "some.zip")
    assert not (tmp_path / "some.zip").exists()
