"""Labels of the visitor's own have a place in the graph that is free, amid the labels that speak for them."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from algcn.method.new_label import STRENGTH
from app.components.label_graph import graph_value
from app.labels.graph import label_graph_of
from app.labels.own import AGAINST, APART, EDGES, SHOWN, edges_of, free_place, own_labels_of
from app.service import RetrievalService, load_service


def test_edges_are_the_strongest_for_it_and_against_it() -> None:
    edges = torch.tensor([0.0, 2.0, -4.0, 0.01, 8.0, -1.0, -2.0, 1.0, 3.0, 4.0, 5.0])
    found = edges_of(SimpleNamespace(edges=edges, slope=2.0))
    assert len(found) == EDGES and [one for one, _ in found] == [4, 10, 9, 8, 6, 2]
    assert dict(found)[4] == pytest.approx(2 * STRENGTH * 8)
    assert sum(weight < 0 for _, weight in found) == AGAINST
    assert edges_of(SimpleNamespace(edges=torch.zeros(4), slope=1.0)) == []


def test_a_place_is_free_and_near_the_labels_that_speak_for_it() -> None:
    taken = [(100.0, 100.0), (300.0, 100.0), (900.0, 600.0)]
    places = []
    for _ in range(20):
        place = free_place(taken, [((100.0, 100.0), 3.0), ((300.0, 100.0), 1.0)])
        assert min(math.dist(place, other) for other in taken) >= APART - 0.1
        taken.append(place)
        places.append(place)
    assert math.dist(places[0], (150, 100)) < APART
    assert free_place([(0.0, 0.0)], []) == (500.0, 320.0)


def test_what_is_sent_is_what_searches_use(service: RetrievalService, own_service: RetrievalService) -> None:
    graph = label_graph_of(own_service)
    (label,) = own_labels_of(own_service, graph)
    made = own_service.own.labels[0]
    likely = own_service.predictor.probabilities(
        own_service.gallery.image_embeddings, "image", own_service.predictor.known(own_service.gallery.items)
    )
    chances = made.probabilities(own_service.gallery.image_features, likely, "image")
    assert [chance for _, chance, _ in label.pictures] == sorted(chances.tolist(), reverse=True)[:9]
    assert {item for item, _, given in label.pictures if given} == {1}
    assert label.nearest[0][1] == max(cosine for _, cosine in label.nearest)
    sent = graph_value(graph, "pictures", [label] * SHOWN, 30)
    assert len(sent["own"]) == SHOWN and sent["own_count"] == 30 and sent["own"][0]["name"] == "lighthouse"
    assert graph_value(label_graph_of(service), "pictures")["own"] == []


@pytest.fixture(scope="module")
def service(tiny_bundle_dir: Path, tiny_gallery_dir: Path) -> RetrievalService:
    return load_service(tiny_bundle_dir, tiny_gallery_dir)


@pytest.fixture
def own_service(service: RetrievalService) -> RetrievalService:
    """The same pictures for a visitor who made a label of the second."""
    from app.labelling.new_labels import NewLabels

    items = list(service.gallery.items)
    items[1] = dataclasses.replace(items[1], labels=[*(items[1].labels or ()), "Lighthouse"])
    gallery = dataclasses.replace(service.gallery, items=items)

    def make(other: RetrievalService) -> list:
        likely = other.predictor.probabilities(other.gallery.image_embeddings, "image")
        seen = likely if other.predictor.has_probabilities else None
        known = torch.zeros(len(items), 1)
        known[1] = 1
        return NewLabels(other.bundle, gallery, ["lighthouse"], other.names, {}, seen).make(known, likely)

    return RetrievalService(service.bundle, gallery, service.encoder, own_labels=make)
