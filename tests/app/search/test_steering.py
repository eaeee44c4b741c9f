"""How strongly a query is steered away from words: not at all, as a matter of degree, and outright."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from likely import with_probabilities

from algcn.gallery.store import build_gallery
from app.search.query import DEFAULT_AWAY, Query
from app.search.results import SearchResult
from app.service import RetrievalService, load_service

PROJECT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def service(tiny_bundle_dir: Path, tiny_gallery_dir: Path) -> RetrievalService:
    return RetrievalService(bundle := with_probabilities(tiny_bundle_dir), build_gallery(tiny_gallery_dir, bundle))


@pytest.fixture(scope="module")
def pocket() -> RetrievalService:
    return load_service(PROJECT / "weights" / "pocket", PROJECT / "assets" / "gallery")


def share(result: SearchResult, label: str) -> float:
    return sum(label in hit.labels for hit in result.images) / max(1, len(result.images))


def order(result: SearchResult) -> list[tuple[object, ...]]:
    return [(hit.item, hit.text, hit.score, hit.probability) for hit in (*result.images, *result.texts)]


@pytest.mark.parametrize("without", ["boat", "something else", "boat, something else"])
def test_at_0_nothing_changes(service: RetrievalService, without: str) -> None:
    plain = service.search(Query("a dog at night"))
    none = service.search(Query("a dog at night", without=without, away=0))
    assert order(none) == order(plain)
    assert (none.query_labels, none.notice, none.remark) == (plain.query_labels, plain.notice, plain.remark)


def test_the_default_is_the_middle(service: RetrievalService) -> None:
    query = Query("a dog at night", without="boat")
    assert query.away == DEFAULT_AWAY == 0.5
    assert order(service.search(query)) == order(service.search(dataclasses.replace(query, away=0.5)))
    assert service.search(query).pictures.left_out == 0


@pytest.mark.parametrize("space", ["ranking", "encoder"])
@pytest.mark.parametrize(("written", "beyond"), [(True, 0.51), (True, 1.0), (False, 1.0)])
def test_beyond_it_what_has_the_label_is_left_out(
    service: RetrievalService, space: str, written: bool, beyond: float
) -> None:
    """Given labels and captions go at once where they count, the rest by its probability."""
    having = {item.file_name for item in service.gallery.items if "boat" in (item.labels or ())}
    query = Query("a dog", without="boat", away=beyond, written=written, space=space)
    result, plain = service.search(query), service.search(dataclasses.replace(query, away=0.5))
    left = {hit.file for hit in plain.images} - {hit.file for hit in result.images}
    assert len(left) == result.pictures.left_out == plain.pictures.allowed - result.pictures.allowed
    if written:
        assert having <= left
        assert result.remark.startswith("Left out for having or probably showing boat: ")
    assert not {hit.file for hit in result.texts} & left, "a caption goes with its picture"


def test_only_a_label_that_is_named_by_itself_leaves_out(service: RetrievalService) -> None:
    for without, count in (("a small boat", 0), ("sailing", 0)):
        assert service.search(Query("a dog", without=without, away=1)).pictures.left_out == count
    both = service.search(Query("a dog", without="boat and car", away=1))
    assert not {"boat", "car"} & {label for hit in both.images for label in hit.labels}


@pytest.mark.parametrize(
    ("text", "without"),
    [
        ("a city street", "car, bus"),
        ("a city street", "vehicles"),
        ("a beach", "night"),
        ("a dog and a cat on the grass", "cat"),
        ("dog", "dog"),
        ("a bowl of soup on a table", "food"),
    ],
)
@pytest.mark.parametrize("away", [0.1, 0.5, 1.0])
def test_the_header_never_names_what_was_steered_away_from(
    pocket: RetrievalService, text: str, without: str, away: float
) -> None:
    """Not by mention, not by prediction; nor does a result match by it."""
    avoided = {label.name for label in pocket.search(Query(without)).query_labels}
    wanted = set(pocket.bundle.label_set.find(text)) - set(pocket.bundle.label_set.find(without))
    result = pocket.search(Query(text, without=without, away=away))
    assert not {label.name for label in result.query_labels} & (avoided - wanted)
    assert wanted <= {label.name for label in result.query_labels}
    for hit in result.images:
        assert not set(hit.matched_labels) & (avoided - wanted)
        assert not {said.name for said in hit.says} & set(pocket.bundle.label_set.find(without)) or text == without


def test_the_stronger_the_fewer(pocket: RetrievalService) -> None:
    pairs = (("tree", "night"), ("water", "boat"), ("field", "cow"), ("city", "car"), ("table", "cake"))
    for written, wanted_at_least in ((True, 0.9), (False, 0.7)):
        unwanted = []
        for away in (0, 0.25, 0.5, 1):
            found = [
                pocket.search(Query(wanted, without=other, away=away, written=written, limit=24))
                for wanted, other in pairs
            ]
            unwanted.append(sum(share(result, other) for result, (_, other) in zip(found, pairs, strict=True)))
            kept = [share(result, wanted) for result, (wanted, _) in zip(found, pairs, strict=True)]
            assert sum(kept) / len(kept) > wanted_at_least
        assert unwanted == sorted(unwanted, reverse=True)
        assert unwanted[2] < 0.5 * unwanted[0]
        assert unwanted[-1] == 0 if written else unwanted[-1] < 0.3 * unwanted[0]
