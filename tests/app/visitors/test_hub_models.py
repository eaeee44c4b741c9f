"""Models of the Hub that visitors open: each alone, bounded, checked, and gone with its visitor."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import write_tiny_encoder

from algcn.bundles import hub
from algcn.bundles.bundle import Bundle
from algcn.bundles.saving import save_bundle
from algcn.kit.errors import InputError
from algcn.kit.snapshots import HubError, Snapshot, Stranger
from app.service import load_service
from app.visitors import hub_models
from app.visitors.addresses import Addresses
from app.visitors.catalogue import Catalogue
from app.visitors.choosing import choose, follow, offered
from app.visitors.files import VisitorFiles
from app.visitors.hub_models import FULL, MAX_BYTES, OF_A_VISITOR, TOO_MANY, HubModels
from app.visitors.loading import Loading
from app.visitors.visitor import Visitor

COMMIT = "0123456789abcdef0123456789abcdef01234567"
NAME = "someone/pictures"


@pytest.fixture(scope="module")
def models(tiny_bundle_dir: Path, tiny_gallery_dir: Path) -> Catalogue:
    return Catalogue(Loading(lambda report: load_service(tiny_bundle_dir, tiny_gallery_dir, report)))


@pytest.fixture
def files(tmp_path: Path) -> VisitorFiles:
    return VisitorFiles(tmp_path / "cache")


@pytest.fixture
def opened(models: Catalogue, files: VisitorFiles) -> Iterator[HubModels]:
    models.hub = HubModels(models, files)
    yield models.hub
    models.hub = None


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch, pictures_bundle_dir: Path) -> list[str]:
    """What is fetched; the Hub has one bundle under every name."""
    references = []

    def fetch(reference: str, folder: Path, stranger: Stranger) -> Snapshot:
        references.append(reference)
        assert stranger.max_bytes == MAX_BYTES
        stranger.told(5, 10)
        path = folder / "snapshot"
        shutil.copytree(pictures_bundle_dir, path, ignore=shutil.ignore_patterns("encoder"))
        return Snapshot(path, reference.partition("@")[0], COMMIT)

    monkeypatch.setattr(hub, "fetch_model", fetch)
    return references


def folders(tmp_path: Path) -> list[Path]:
    return [path for path in (tmp_path / "cache").glob("visitors/*/*") if path.is_dir()]


def test_a_visitor_opens_one_and_nobody_else_has_it(
    models: Catalogue, opened: HubModels, fetched: list[str], tmp_path: Path
) -> None:
    visitor, other, addresses = Visitor(), Visitor(), Addresses(models.loading)
    choose(visitor, NAME, models, addresses)
    service, pinned = visitor.service(models.loading), f"{NAME}@{COMMIT}"
    assert (service.name, len(service.bundle.label_set)) == (pinned, 5)
    assert service.encoder is models.default().encoder, "it is not loaded again"
    assert service.search_by_text("dog").pictures.hits
    assert offered(visitor, models) == (["tiny", pinned], pinned, pinned)
    assert offered(other, models) == (["tiny"], "tiny", "")
    assert other.service(models.loading) is models.default() and pinned not in models.names()

    choose(visitor, "tiny", models, addresses)
    for again in (NAME, pinned):  # what was typed, and the name in the list
        choose(visitor, again, models, addresses)
        assert visitor.service(models.loading) is service
    assert fetched == [NAME] and len(folders(tmp_path)) == 1
    visitor.leave()
    assert folders(tmp_path) == [] and offered(visitor, models)[0] == ["tiny"]


def test_a_link_names_it(models: Catalogue, opened: HubModels, fetched: list[str]) -> None:
    visitor = Visitor()
    assert follow(visitor, f"?model={NAME}%40{COMMIT}&q=dog", models, Addresses(models.loading)) == ""
    assert visitor.service(models.loading).name == f"{NAME}@{COMMIT}"
    assert fetched == [f"{NAME}@{COMMIT}"]


def test_it_is_off_unless_the_operator_allows_it(models: Catalogue, fetched: list[str]) -> None:
    with pytest.raises(InputError, match=f"There is no model called '{NAME}' here; there is tiny"):
        choose(Visitor(), NAME, models, Addresses(models.loading))
    assert fetched == []


def test_a_visitor_has_so_many_and_one_that_failed_does_not_count(
    models: Catalogue, opened: HubModels, fetched: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    visitor = Visitor()
    with monkeypatch.context() as broken:
        broken.setattr(hub, "fetch_model", lambda *_: (_ for _ in ()).throw(HubError("The Hub is down.")))
        for _ in range(2):
            with pytest.raises(InputError, match="The Hub is down"):
                opened.find(visitor, NAME).service()
    assert folders(tmp_path) == []
    for number in range(OF_A_VISITOR):
        opened.find(visitor, f"someone/model{number}").service()
    with pytest.raises(InputError) as told:
        opened.find(visitor, NAME)
    assert str(told.value) == TOO_MANY and len(folders(tmp_path)) == OF_A_VISITOR


def test_all_together_have_so_many(opened: HubModels, fetched: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_models, "OF_ALL", 2)
    visitors = [Visitor() for _ in range(3)]
    for visitor in visitors[:2]:
        opened.find(visitor, NAME).service()
    with pytest.raises(InputError) as told:
        opened.find(visitors[2], NAME)
    assert str(told.value) == FULL
    visitors[0].leave()
    assert opened.find(visitors[2], NAME).service().name.startswith(NAME)


def test_what_comes_after_the_visitor_left_is_deleted(
    opened: HubModels, fetched: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    arrived, go_on, fetch = threading.Event(), threading.Event(), hub.fetch_model

    def slow(*values: Any) -> Snapshot:
        arrived.set()
        go_on.wait(60)
        return fetch(*values)

    monkeypatch.setattr(hub, "fetch_model", slow)
    visitor = Visitor()
    loading = opened.find(visitor, NAME)
    assert arrived.wait(60)
    assert loading.state == f"looking for {NAME} on the Hub"
    visitor.leave()
    go_on.set()
    loading.done(timeout=60)
    assert folders(tmp_path) == []


def test_how_far_it_is_can_be_shown(opened: HubModels, monkeypatch: pytest.MonkeyPatch) -> None:
    told, go_on = threading.Event(), threading.Event()

    def slow(reference: str, folder: Path, stranger: Stranger) -> Snapshot:
        stranger.told(3_100_000, 21_000_000)
        told.set()
        go_on.wait(60)
        raise HubError("The Hub is down.")

    monkeypatch.setattr(hub, "fetch_model", slow)
    loading = opened.find(Visitor(), NAME)
    assert told.wait(60)
    assert loading.state == f"fetching {NAME}, 3.1 MB of 21.0 MB"
    go_on.set()
    assert loading.done(timeout=60) and loading.failed()


@pytest.mark.parametrize("kind", ["another encoder", "no encoder", "too many labels", "damaged"])
def test_what_cannot_be_opened_is_said_without_a_path(
    kind: str,
    models: Catalogue,
    opened: HubModels,
    tiny_bundle_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made, tiny = tmp_path / "made", Bundle.load(tiny_bundle_dir)
    encoder = {"another encoder": lambda: write_tiny_encoder(tmp_path / "encoder", seed=5), "no encoder": lambda: None}
    save_bundle(made, tiny.model, tiny.label_set, encoder=encoder.get(kind, lambda: tiny_bundle_dir / "encoder")())
    if kind == "damaged":
        (made / "model.safetensors").write_bytes(b"cut off")
    if kind == "too many labels":
        monkeypatch.setattr(hub_models, "MAX_LABELS", 5)

    def fetch(reference: str, folder: Path, stranger: Stranger) -> Snapshot:
        return Snapshot(shutil.copytree(made, folder / "snapshot"), reference, COMMIT)

    monkeypatch.setattr(hub, "fetch_model", fetch)
    with pytest.raises(InputError) as told:
        opened.find(Visitor(), NAME).service()
    sentence = str(told.value)
    expected = {"too many labels": "has 6 labels, and 5 are the most", "damaged": "is damaged"}
    assert expected.get(kind, "was trained with an encoder that is not loaded here") in sentence
    assert f"{NAME}@{COMMIT}" in sentence and str(tmp_path) not in sentence
    assert folders(tmp_path) == []


@pytest.mark.parametrize(
    "name", ["a/b/c", "../pocket", "/etc/passwd", "a/b@c d", "a//b", "hf-hub:a/b", "a/" + "b" * 200]
)
def test_what_is_no_name_of_the_hub_is_said(name: str, opened: HubModels, fetched: list[str]) -> None:
    assert opened.takes(name)
    with pytest.raises(InputError, match="is no repository of the Hub; write OWNER/NAME or OWNER/NAME@COMMIT"):
        opened.find(Visitor(), name)
    assert fetched == [] and not opened.takes("tiny") and not opened.takes(["a/b"])
