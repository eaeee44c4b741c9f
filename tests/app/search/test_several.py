"""Several pictures of the gallery in one query: their mean, and what is steered away from."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from algcn.kit.errors import InputError
from app.search.query import Query
from app.search.reading import Part
from app.search.several import mean_part, nearest, set_apart
from app.service import RetrievalService, load_service


@pytest.fixture(scope="module")
def service(tiny_bundle_dir: Path, tiny_gallery_dir: Path) -> RetrievalService:
    return load_service(tiny_bundle_dir, tiny_gallery_dir)


def part(*values: float) -> Part:
    vector = torch.tensor([values])
    return Part("image", vector, vector, vector)


def test_of_one_picture_the_mean_is_the_picture() -> None:
    one = part(0.6, 0.8)
    assert mean_part([one]) is one


def test_the_mean_has_a_direction_of_length_one_and_mean_probabilities() -> None:
    mean = mean_part([part(1.0, 0.0), part(0.0, 1.0)])
    assert torch.allclose(mean.embedding, torch.tensor([[0.5**0.5, 0.5**0.5]]))
    assert torch.equal(mean.features, mean.embedding)
    assert torch.equal(mean.probabilities, torch.tensor([[0.5, 0.5]]))


def test_none_of_the_pictures_asked_with_or_steered_away_from_is_an_answer(service: RetrievalService) -> None:
    found = service.search(Query(item=0, also=(1,), unlike=(2,)))
    assert {hit.item for hit in found.images} == set(range(len(service.gallery.items))) - {0, 1, 2}
    assert found.point.words == "pictures of the gallery"


def test_the_mean_is_between_its_pictures(service: RetrievalService) -> None:
    points = [service.search(Query(item=item)).point.embedding for item in (0, 3)]
    mean = service.search(Query(item=0, also=(3,))).point.embedding
    apart = float((points[0] * points[1]).sum())
    assert all(float((mean * point).sum()) > apart for point in points)


def test_a_query_that_is_steered_away_from_a_picture_is_farther_from_it(service: RetrievalService) -> None:
    for query in ({"text": "a boat"}, {"item": 0}):
        plain, away = (service.search(Query(**query, unlike=unlike)) for unlike in ((), (1,)))
        for name in ("embedding", "features"):
            unwanted = getattr(service.search(Query(item=1)).point, name)
            before, after = (float((getattr(result.point, name) * unwanted).sum()) for result in (plain, away))
            assert after < before
    with pytest.raises(InputError, match="what to steer away from is not enough"):
        service.search(Query(unlike=(1,)))
    for wrong in ({"also": (99,)}, {"unlike": (-1,)}):
        with pytest.raises(InputError, match="There is no such picture"):
            service.search(Query(item=0, **wrong))


def test_what_is_found_anyway_is_not_steered_away_from() -> None:
    dogs_on_a_beach, dogs = part(0.8, 0.6, 0.0), part(0.8, 0.0, 0.6)
    apart = set_apart(dogs_on_a_beach, dogs)
    assert torch.allclose(apart.probabilities, torch.tensor([[0.0, 0.6, 0.0]])), "the beach, not the dog"
    assert float(apart.embedding[0, 0]) == pytest.approx(0) and float(apart.embedding[0, 1]) > 0.7
    assert not set_apart(dogs, dogs).embedding.any()


def test_the_nearest_are_others_and_no_more_than_there_are() -> None:
    gallery = torch.eye(4)
    assert nearest(torch.tensor([[0.1, 0.9, 0.5, 0.3]]), gallery, (1,)) == [2, 3, 0]
    assert nearest(torch.tensor([[1.0, 0, 0, 0]]), gallery, (0, 1, 2, 3)) == []


def test_where_all_pictures_are_marked_there_is_no_answer_and_no_error(service: RetrievalService) -> None:
    found = service.search(Query(text="a boat", unlike=tuple(range(len(service.gallery.items)))))
    assert not found.images and found.texts
