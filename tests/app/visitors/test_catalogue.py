"""Several models in one page: named at the start, loaded once for everybody, and the same pictures for each."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import pytest

from algcn.bundles.bundle import Bundle
from algcn.features import encoder as encoders
from algcn.kit.errors import InputError
from app.service import load_service
from app.visitors.catalogue import Catalogue, bundles_in
from app.visitors.loading import Loading


@pytest.fixture
def weights(tiny_bundle_dir: Path, pictures_bundle_dir: Path, tmp_path: Path) -> Path:
    """A folder of three bundles, one of them damaged, and of what is none."""
    folder = tmp_path / "weights"
    for name, bundle in (("tiny", tiny_bundle_dir), ("pictures", pictures_bundle_dir), ("broken", tiny_bundle_dir)):
        shutil.copytree(bundle, folder / name)
    (folder / "broken" / "model.safetensors").write_bytes(b"cut off")
    (folder / "no bundle").mkdir()
    return folder


@pytest.fixture
def models(weights: Path, tiny_gallery_dir: Path) -> Catalogue:
    loading = Loading(lambda report: load_service(weights / "tiny", tiny_gallery_dir, report))
    return Catalogue(loading, bundles_in(weights))


def test_bundles_are_folders_with_a_config(weights: Path, tmp_path: Path) -> None:
    assert [path.name for path in bundles_in(weights)] == ["broken", "pictures", "tiny"]
    assert bundles_in(tmp_path / "nowhere") == []


def test_only_names_are_known_until_somebody_asks(models: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    own = models.default()
    monkeypatch.setattr(Bundle, "load", lambda *_: pytest.fail("nobody asked for it"))
    assert models.names() == ["tiny", "broken", "pictures"]
    assert [models.is_loaded(name) for name in models.names()] == [True, False, False]
    assert models.service("tiny") is own


def test_a_bundle_of_the_same_name_elsewhere_is_called_by_its_folder_too(
    weights: Path, tiny_bundle_dir: Path, tiny_gallery_dir: Path
) -> None:
    loading = Loading(lambda report: load_service(tiny_bundle_dir, tiny_gallery_dir, report))
    assert Catalogue(loading, bundles_in(weights)).names() == ["tiny", "broken", "pictures", "weights/tiny"]
    assert Catalogue(loading).names() == ["tiny"]


def test_two_threads_get_one_service_with_the_encoder_that_is_there(
    models: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, loads, found = models.default(), [], []
    load = Bundle.load
    monkeypatch.setattr(Bundle, "load", lambda path: (loads.append(path), load(path))[1])
    monkeypatch.setattr(encoders, "load_encoder", lambda *_, **__: pytest.fail("a second encoder was loaded"))
    together = threading.Barrier(2)

    def ask() -> None:
        together.wait()
        found.append(models.service("pictures"))

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(loads) == 1
    assert found[0] is found[1] is models.service("pictures")
    assert found[0].encoder is own.encoder
    assert models.is_loaded("pictures")
    assert [item.file_name for item in found[0].gallery.items] == [item.file_name for item in own.gallery.items]


@pytest.mark.parametrize("name", ["mirflickr", "", "../tiny", None, 3, "no bundle", ["tiny"]])
def test_an_unknown_name_lists_the_known_ones(models: Catalogue, name: object) -> None:
    with pytest.raises(InputError, match=r"There is no model called .* here; there is tiny, broken, pictures\."):
        models.find(name)


def test_a_damaged_bundle_is_one_sentence_and_can_be_tried_again(models: Catalogue, weights: Path) -> None:
    for _ in range(2):
        with pytest.raises(InputError, match=r"model\.safetensors is damaged"):
            models.service("broken")
    assert not models.is_loaded("broken")
    shutil.copyfile(weights / "tiny" / "model.safetensors", weights / "broken" / "model.safetensors")
    assert models.service("broken").name == "broken"


def test_a_gallery_that_changed_meanwhile_is_one_sentence(
    weights: Path, tiny_gallery_dir: Path, tmp_path: Path
) -> None:
    gallery = shutil.copytree(tiny_gallery_dir, tmp_path / "gallery")
    models = Catalogue(Loading(lambda report: load_service(weights / "tiny", gallery, report)), bundles_in(weights))
    models.default()
    with (gallery / "metadata.csv").open("a", encoding="utf-8") as stream:
        stream.write("again.png,,\n")
    shutil.copyfile(gallery / "beach.png", gallery / "again.png")
    with pytest.raises(InputError, match="The gallery has changed since the program started"):
        models.service("pictures")


def test_words_are_read_by_a_loaded_model_on_the_same_encoder(models: Catalogue) -> None:
    own, pictures = models.default(), models.service("pictures")
    assert models.reading(own) is own
    assert models.reading(pictures) is own
