"""A gallery that is too large to be ranked whole: what an index names is ranked as all would be."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from algcn.gallery.candidates import Allowed
from algcn.gallery.store import Gallery
from app.search import narrowing, ranker
from app.search.query import Query
from app.service import RetrievalService, load_service
from app.visitors.derive import with_model

PROJECT = Path(__file__).resolve().parents[3]
QUERIES = {
    "words": Query(text="two people skiing down a hill"),
    "a name": Query(text="giraffe"),
    "several names": Query(text="a dog and a cat on a couch"),
    "words that are written nowhere": Query(text="an astronaut in space"),
    "nothing written counts": Query(text="a red bus", written=False),
    "steered": Query(text="a city street", without="car, bus"),
    "steered far": Query(text="a city street", without="car", away=1.0),
    "by labels alone": Query(text="a beach", labels_weight=4.0),
    "some labels": Query(text="an animal", labels=("cat", "dog"), match="any"),
    "no such label": Query(text="an animal", labels=("person",), match="none"),
    "a picture": Query(item=7),
    "several pictures": Query(item=7, also=(9, 40)),
    "words and a picture": Query(text="at night", item=3, weight=0.5),
    "less like": Query(text="a boat", unlike=(11,)),
    "the encoder's": Query(text="a bowl of fruit", space="encoder"),
    "uncut": Query(text="a bowl of fruit", cutoff=0.0),
    "cut": Query(text="a train", cutoff=60.0),
    "many": Query(text="a train", limit=200),
}


@pytest.fixture(scope="module")
def whole() -> RetrievalService:
    return load_service(PROJECT / "weights" / "pocket", PROJECT / "assets" / "gallery")


@pytest.fixture(scope="module")
def narrowed(whole: RetrievalService) -> Iterator[RetrievalService]:
    """The same gallery as if it were too large: an index of it names 600 to be ranked, and few are few."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranker, "EXACT", 100)
        patch.setattr(narrowing, "FEW", 30)
        patch.setattr(narrowing, "MARGIN", 60)
        patch.setattr(narrowing, "WITHIN", 120)
        service = RetrievalService(whole.bundle, whole.gallery, whole.encoder)
        assert service.index is not None
        yield service


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
def test_the_first_are_those_of_an_exact_ranking(
    whole: RetrievalService, narrowed: RetrievalService, query: Query
) -> None:
    expected, found = whole.search(query), narrowed.search(query)
    for ours, theirs in ((found.pictures, expected.pictures), (found.captions, expected.captions)):
        theirs_by_item = {(hit.item, hit.text): hit for hit in theirs.hits}
        same = [hit for hit in ours.hits if (hit.item, hit.text) in theirs_by_item]
        assert len(same) >= 0.85 * len(theirs.hits)
        for hit in same:
            other = theirs_by_item[hit.item, hit.text]
            assert hit.score == pytest.approx(other.score, abs=2e-5)
            assert hit.percentile == pytest.approx(other.percentile, abs=0.1), "the sample is all of so few"
            assert hit.probability == pytest.approx(other.probability, abs=1e-3)
            assert (hit.labels, hit.captions, hit.says, hit.looks) == (
                other.labels,
                other.captions,
                other.says,
                other.looks,
            )
            assert hit.picture_cosines == pytest.approx(other.picture_cosines, abs=2e-6)
            assert sum(hit.shares) == pytest.approx(hit.score, abs=1e-4) or query.space == "encoder"
        assert ours.allowed + ours.left_out == theirs.allowed + theirs.left_out
        assert ours.left_out <= theirs.left_out
        assert (ours.total <= theirs.total) if ours.at_least else (ours.total == theirs.total or ours.left_out)
        assert ours.in_part
        assert not theirs.in_part
    assert found.notice == expected.notice


def test_on_average_99_of_100_are_found(whole: RetrievalService, narrowed: RetrievalService) -> None:
    shares = []
    for query in QUERIES.values():
        expected, found = whole.search(query), narrowed.search(query)
        for ours, theirs in ((found.images, expected.images), (found.texts, expected.texts)):
            there = {(hit.item, hit.text) for hit in ours}
            shares.extend((hit.item, hit.text) in there for hit in theirs)
    assert np.mean(shares) >= 0.99


def test_a_comparison_has_the_ranks_of_both(whole: RetrievalService, narrowed: RetrievalService) -> None:
    query = Query(text="a train at a station", beside=True)
    expected, found = whole.search(query), narrowed.search(query)
    ranks = [{hit.item: hit.other_rank for hit in result.beside[0].hits} for result in (expected, found)]
    shared = ranks[0].keys() & ranks[1].keys()
    assert len(shared) >= 23
    assert sum(ranks[0][item] == ranks[1][item] for item in shared if ranks[0][item] <= 100) >= 10


def test_what_may_not_be_found_is_not_found(narrowed: RetrievalService) -> None:
    index, gallery = narrowed.index, narrowed.gallery
    vector = gallery.image_features[5].numpy()
    mask = np.zeros(len(gallery), bool)
    mask[100:400:3] = True
    rows, scores = index.nearest("image", "encoder", vector, 50, Allowed(mask))
    assert len(rows) == len(scores) >= 50
    assert np.corrcoef(scores, gallery.image_features.numpy()[rows] @ vector)[0, 1] > 0.9
    found = rows[np.argsort(-scores)[:100]]
    assert mask[found].all()
    exact = np.flatnonzero(mask)[np.argsort(-(gallery.image_features.numpy()[mask] @ vector))[:50]]
    assert len(set(exact.tolist()) & set(found.tolist())) >= 45


def test_an_index_is_kept_for_what_it_is_of(
    whole: RetrievalService, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It is found again for the same pictures and labels, and replaced for others."""
    monkeypatch.setenv("ALGCN_CACHE", str(tmp_path))
    monkeypatch.setattr(ranker, "EXACT", 100)

    def kept(gallery: Gallery) -> dict[str, int]:
        assert RetrievalService(whole.bundle, gallery, whole.encoder).index is not None
        return {path.name: path.stat().st_mtime_ns for path in tmp_path.rglob("*.cells")}

    items = [dataclasses.replace(whole.gallery.items[0], labels=("zebra",)), *whole.gallery.items[1:]]
    first = kept(whole.gallery)
    assert len(first) == 4 and kept(whole.gallery) == first
    others = kept(dataclasses.replace(whole.gallery, items=items))
    assert others.keys() == first.keys() and not set(others.values()) & set(first.values())


def test_an_index_that_cannot_be_kept_is_said_and_used(
    whole: RetrievalService, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "indexes").write_text("a file where a folder should be")
    monkeypatch.setenv("ALGCN_CACHE", str(tmp_path))
    monkeypatch.setattr(ranker, "EXACT", 100)
    gallery = dataclasses.replace(whole.gallery, store_notices=[])
    service = RetrievalService(whole.bundle, gallery, whole.encoder)
    assert len(service.search(Query(text="a dog")).images) == 24
    assert [notice.startswith("An index cannot be kept in") for notice in gallery.store_notices] == [True]


def test_an_index_for_a_visitors_own_model_is_not_kept(
    whole: RetrievalService, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ALGCN_CACHE", str(tmp_path))
    monkeypatch.setattr(ranker, "EXACT", 100)
    own = with_model(whole, whole.bundle, "your model")
    assert own.index is not None
    assert len(own.search(Query(text="a dog")).images) == 24
    assert not list(tmp_path.rglob("*.cells"))


def test_an_index_is_found_again_with_another_number_of_threads(
    whole: RetrievalService, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What is computed differs in its last digits then, and is no part of what the index is known by."""
    monkeypatch.setenv("ALGCN_CACHE", str(tmp_path))
    monkeypatch.setattr(ranker, "EXACT", 100)
    written, threads = set(), torch.get_num_threads()
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            moved = dataclasses.replace(
                whole.gallery, image_embeddings=whole.gallery.image_embeddings * (1 + 1e-7 * count)
            )
            assert RetrievalService(whole.bundle, moved, whole.encoder).index is not None
            written.add(tuple(sorted(path.stat().st_mtime_ns for path in tmp_path.rglob("*.cells"))))
    finally:
        torch.set_num_threads(threads)
    assert len(written) == 1
