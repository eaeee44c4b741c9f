"""Visitors who choose a model: each for themselves, what they opened of their own stays, and the address says it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from conftest import TINY_WIDTH, write_tiny_encoder

from algcn.bundles.bundle import Bundle
from algcn.bundles.saving import save_bundle
from algcn.gallery.store import build_gallery
from algcn.kit.errors import InputError
from algcn.method.labels import LabelSet
from algcn.method.model import ALGCN
from app.service import RetrievalService, load_service
from app.visitors.addresses import Addresses
from app.visitors.catalogue import Catalogue
from app.visitors.choosing import OWN_MODEL, choose, follow, model_of, offered
from app.visitors.derive import with_gallery, with_words
from app.visitors.loading import Loading
from app.visitors.visitor import Visitor


@pytest.fixture(scope="module")
def models(
    tiny_bundle_dir: Path, pictures_bundle_dir: Path, tiny_gallery_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> Catalogue:
    """The program's "tiny", "pictures" on the same encoder, "other" on another one, and a damaged one."""
    folder = tmp_path_factory.mktemp("weights")
    broken = shutil.copytree(tiny_bundle_dir, folder / "broken")
    (broken / "model.safetensors").unlink()
    tiny = Bundle.load(tiny_bundle_dir)
    encoder = write_tiny_encoder(folder / "encoder", seed=5)
    other = save_bundle(folder / "other", tiny.model, tiny.label_set, encoder=encoder)
    loading = Loading(lambda report: load_service(tiny_bundle_dir, tiny_gallery_dir, report))
    return Catalogue(loading, [pictures_bundle_dir, other, broken])


@pytest.fixture
def addresses(models: Catalogue) -> Addresses:
    return Addresses(models.loading)


def answering(visitor: Visitor, models: Catalogue) -> RetrievalService:
    return visitor.service(models.loading)


def own_pictures(visitor: Visitor, models: Catalogue, folder: Path) -> RetrievalService:
    """A gallery of the visitor's own, read with the model that they chose."""
    service = visitor.service(models.loading)
    own = with_gallery(service, build_gallery(folder, models.reading(service).bundle), "secret")
    visitor.open(own)
    return own


def trained_model(models: Catalogue, tmp_path: Path) -> Bundle:
    own = models.default()
    config = own.bundle.model.config.replace(num_labels=2)
    labels = LabelSet(list(own.bundle.label_set)[:2])
    save_bundle(tmp_path / "mine", ALGCN(config, torch.eye(2)), labels, encoder=own.bundle.encoder_reference)
    bundle = Bundle.load(tmp_path / "mine")
    bundle.adopt_encoder(own.encoder)
    return bundle


def test_two_visitors_never_see_each_others_choice(models: Catalogue, addresses: Addresses) -> None:
    one, two = Visitor(), Visitor()
    choose(one, "pictures", models, addresses)
    assert (answering(one, models).name, answering(two, models).name) == ("pictures", "tiny")
    choose(two, "other", models, addresses)
    assert (answering(one, models).name, answering(two, models).name) == ("pictures", "other")
    choose(one, "tiny", models, addresses)
    assert answering(one, models) is models.default()
    assert offered(one, models) == (["tiny", "pictures", "other", "broken"], "tiny", "")
    assert offered(two, models)[1:] == ("other", "other")


@pytest.mark.parametrize(("name", "sentence"), [("broken", "model.safetensors"), ("odd", "no model called 'odd'")])
def test_what_cannot_be_opened_leaves_the_visitor_where_they_were(
    models: Catalogue, addresses: Addresses, name: str, sentence: str
) -> None:
    visitor = Visitor()
    choose(visitor, "pictures", models, addresses)
    with pytest.raises(InputError, match=sentence):
        choose(visitor, name, models, addresses)
    assert answering(visitor, models).name == "pictures"


def test_pictures_of_ones_own_stay_and_get_their_captions_back(
    models: Catalogue, addresses: Addresses, tiny_gallery_dir: Path
) -> None:
    visitor = Visitor()
    choose(visitor, "pictures", models, addresses)
    own = own_pictures(visitor, models, tiny_gallery_dir)
    assert own.gallery.texts == []
    choose(visitor, "tiny", models, addresses)
    again = answering(visitor, models)
    assert (again.key, again.name, len(again.gallery.texts)) == ("secret", "tiny", 6)
    assert again.search_by_text("a dog").texts
    assert addresses.find("secret") is again
    choose(visitor, "pictures", models, addresses)
    assert answering(visitor, models).gallery.texts == []
    visitor.reset()
    assert answering(visitor, models) is models.service("pictures")


def test_pictures_that_another_encoder_read_are_not_mistaken(
    models: Catalogue, addresses: Addresses, tiny_gallery_dir: Path
) -> None:
    visitor = Visitor()
    own = own_pictures(visitor, models, tiny_gallery_dir)
    with pytest.raises(InputError, match=r"another encoder than that of other: go back to the bundled gallery"):
        choose(visitor, "other", models, addresses)
    assert answering(visitor, models) is own


def test_a_trained_model_is_a_choice_of_its_visitor(
    models: Catalogue, addresses: Addresses, tiny_gallery_dir: Path, tmp_path: Path
) -> None:
    visitor = Visitor()
    with pytest.raises(InputError, match="no model called 'your model'"):
        choose(visitor, OWN_MODEL, models, addresses)
    visitor.trained = trained_model(models, tmp_path), models.default()
    choose(visitor, "other", models, addresses)
    assert offered(visitor, models)[0][-1] == OWN_MODEL
    choose(visitor, OWN_MODEL, models, addresses)
    assert answering(visitor, models).bundle is visitor.trained[0]
    assert offered(visitor, models)[1:] == (OWN_MODEL, "")
    own_pictures(visitor, models, tiny_gallery_dir)
    choose(visitor, "pictures", models, addresses)
    choose(visitor, OWN_MODEL, models, addresses)
    service = answering(visitor, models)
    assert (service.bundle, service.key, len(service.gallery.texts)) == (visitor.trained[0], "secret", 6)


def test_training_has_captions_whatever_is_chosen(
    models: Catalogue, addresses: Addresses, tiny_gallery_dir: Path
) -> None:
    visitor = Visitor()
    choose(visitor, "pictures", models, addresses)
    assert with_words(answering(visitor, models), models) is models.default()
    own_pictures(visitor, models, tiny_gallery_dir)
    source = with_words(answering(visitor, models), models)
    assert (source.name, source.key, len(source.gallery.texts)) == ("tiny", "secret", 6)
    assert with_words(models.service("other"), models) is models.service("other")


@pytest.mark.parametrize(
    ("address", "model"),
    [("?model=pictures&q=a", "pictures"), ("model=a%2Fb", "a/b"), ("?q=a", ""), ("", ""), (None, ""), (3, "")],
)
def test_an_address_names_a_model(address: object, model: str) -> None:
    assert model_of(address) == model
    assert model_of("&".join(["a=b"] * 300)) == ""


def test_the_address_is_followed_once(models: Catalogue, addresses: Addresses) -> None:
    visitor = Visitor()
    assert follow(visitor, "?model=pictures", models, addresses) == ""
    assert follow(visitor, "?model=other", models, addresses) == ""
    assert answering(visitor, models).name == "pictures"
    lost = Visitor()
    for _ in range(2):
        assert "no model called '<b>x'" in follow(lost, "?model=<b>x", models, addresses)
    assert answering(lost, models) is models.default()


def test_a_model_that_reads_pictures_only_has_none_of_the_texts(models: Catalogue) -> None:
    service = models.service("pictures")
    assert not service.reads_words
    assert service.bundle.model.config.text_dim != TINY_WIDTH
    assert (service.gallery.texts, len(service.gallery.text_embeddings)) == ([], 0)
    assert any(item.texts for item in service.gallery.items)
