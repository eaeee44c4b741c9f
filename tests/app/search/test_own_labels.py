"""A visitor's own label is searched for, filtered by and explained as the model's are; for that visitor alone."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
from curves import calibration

from algcn.bundles.bundle import Bundle
from algcn.bundles.predictor import LabelPredictor
from app.search.own_labels import OwnLabels
from app.search.query import Query
from app.service import RetrievalService, load_service
from app.visitors.derive import with_gallery, with_model

GIVEN = 2  # the picture that was said to show it


@pytest.fixture(scope="module")
def service(tiny_bundle_dir: Path, tiny_gallery_dir: Path) -> RetrievalService:
    return load_service(tiny_bundle_dir, tiny_gallery_dir)


@pytest.fixture
def own(service: RetrievalService) -> RetrievalService:
    from app.labelling.new_labels import NewLabels

    items = list(service.gallery.items)
    items[GIVEN] = dataclasses.replace(items[GIVEN], labels=[*(items[GIVEN].labels or ()), "Light house"])
    gallery = dataclasses.replace(service.gallery, items=items)

    def make(other: RetrievalService) -> list:
        likely = other.predictor.probabilities(other.gallery.image_embeddings, "image")
        known = torch.zeros(len(items), 1)
        known[GIVEN] = 1
        seen = likely if other.predictor.has_probabilities else None
        return NewLabels(other.bundle, gallery, ["light house"], other.names, {}, seen).make(known, likely)

    return with_gallery(service, gallery, "a visitor's", make)


def test_its_name_alone_finds_its_point_and_is_a_label_of_the_query(
    service: RetrievalService, own: RetrievalService
) -> None:
    found = own.search(Query(text="a light-house"))
    assert [(label.name, label.mentioned) for label in found.query_labels][:1] == [("light house", True)]
    plain = service.search(Query(text="a light-house"))
    vector = own.own.labels[0].vector
    assert float(found.point.embedding[0] @ vector) > float(plain.point.embedding[0] @ vector)
    hit = next(hit for hit in found.images if hit.item == GIVEN)
    assert hit.matched_labels[-1] == "Light house"
    assert all(label.name != "light house" for label in plain.query_labels)


def test_filters_know_it(own: RetrievalService, service: RetrievalService) -> None:
    assert [hit.item for hit in own.search(Query(text="anything", labels=("light house",))).images] == [GIVEN]
    assert "light house" not in {name.casefold() for name in service.labels.counts}


def test_it_counts_in_the_ranking_as_a_label_of_the_model_does(own: RetrievalService) -> None:
    made = own.own
    rule = made.extended(own.bundle.ranking)
    assert torch.equal(rule.rarity[:-1], own.bundle.ranking.rarity) and rule.rarity[-1] == 1
    likely = torch.rand(6, 6)
    found = made.probabilities(own.gallery.image_features, likely, "image", [["LIGHT house"], *[[]] * 5])
    assert found.shape == (6, 1) and found[0] == 1 and (found[1:] < 1).all()
    shares = torch.tensor([[0.0, 0, 0, 0, 0, 0.2, 0.5]])
    assert [label.name for label in LabelPredictor(own.bundle).shared(shares, made.names)[0]] == [
        "light house",
        "night",
    ]
    assert OwnLabels().probabilities(own.gallery.image_features, likely, "image", [[]] * 6).shape == (6, 0)
    assert OwnLabels().extended(own.bundle.ranking) is own.bundle.ranking


def test_with_another_model_it_is_made_anew(own: RetrievalService, tiny_bundle_dir: Path) -> None:
    other = with_model(own, Bundle.load(tiny_bundle_dir), "other")
    assert other.own.names == ["light house"] and other.own.labels[0] is not own.own.labels[0]
    assert with_gallery(own, own.gallery, "another").own.names == []


def test_chances_that_were_calibrated_without_it_say_so(own: RetrievalService, tiny_bundle_dir: Path) -> None:
    bundle = Bundle.load(tiny_bundle_dir)
    bundle.calibration = calibration()
    calibrated = with_model(own, bundle, "calibrated")
    assert "A label of your own counts" in calibrated.search(Query(text="a light house by the sea")).remark
    assert calibrated.search(Query(text="a house by the sea")).remark is None
