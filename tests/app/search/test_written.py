"""What is written of pictures, given labels and captions, counts beside what is seen, and can be told apart from it."""

from __future__ import annotations

import dataclasses
import random
from pathlib import Path

import numpy as np
import pytest
import torch
from likely import with_probabilities

from algcn.bundles.bundle import Bundle
from algcn.gallery.store import Gallery, build_gallery
from algcn.method.labels import Label, LabelSet
from app.search.query import Query
from app.search.results import SearchResult
from app.search.written import COUNTS, Said, Sought, Term, Weights, Written, unit_of, words
from app.service import RetrievalService


@pytest.fixture(scope="module")
def bundle(tiny_bundle_dir: Path) -> Bundle:
    return with_probabilities(tiny_bundle_dir)


@pytest.fixture(scope="module")
def gallery(bundle: Bundle, tiny_gallery_dir: Path) -> Gallery:
    return build_gallery(tiny_gallery_dir, bundle)


def bare(gallery: Gallery, *, labels: bool = False, captions: bool = False) -> Gallery:
    """The same pictures without what is not to stay."""
    items = [
        dataclasses.replace(item, labels=item.labels if labels else None, texts=item.texts if captions else ())
        for item in gallery.items
    ]
    texts = {} if captions else {"texts": [], "text_owner": gallery.text_owner[:0]}
    if not captions:
        texts |= {name: getattr(gallery, name)[:0] for name in ("text_embeddings", "text_features")}
    return dataclasses.replace(gallery, items=items, **texts)


def ranked(result: SearchResult) -> list[tuple[object, ...]]:
    return [(hit.item, hit.text, hit.score, hit.probability, hit.shares) for hit in (*result.images, *result.texts)]


QUERIES = (
    Query("boat"),
    Query("a boat at night"),
    Query("a dog", without="boat"),
    Query("a dog", without="boat, unheard of", away=0.8),
    Query(item=3),
    Query("dog", item=1, weight=0.3),
)


@pytest.mark.parametrize("query", QUERIES)
def test_of_pictures_without_labels_and_captions_nothing_changes(
    bundle: Bundle, gallery: Gallery, query: Query
) -> None:
    service = RetrievalService(bundle, bare(gallery))
    assert not service.has_written
    on, off = (service.search(dataclasses.replace(query, written=written)) for written in (True, False))
    assert ranked(on) == ranked(off), "to the last bit"
    assert all(hit.says == () and hit.shares.written == 0 for hit in on.images)


@pytest.mark.parametrize("query", QUERIES)
def test_what_is_written_counts_for_nothing_where_it_is_switched_off(
    bundle: Bundle, gallery: Gallery, query: Query
) -> None:
    """The pictures of a gallery with labels and captions are ranked as if it had none."""
    off = RetrievalService(bundle, gallery).search(dataclasses.replace(query, written=False))
    none = RetrievalService(bundle, bare(gallery)).search(query)
    assert [(hit.item, hit.score) for hit in off.images] == [(hit.item, hit.score) for hit in none.images]
    assert all(hit.says == () and hit.shares.written == 0 for hit in (*off.images, *off.texts))


@pytest.mark.parametrize("kept", ["labels", "captions"])
@pytest.mark.parametrize("label", ["boat", "dog", "night", "car"])
def test_what_says_so_is_found_first(bundle: Bundle, gallery: Gallery, label: str, kept: str) -> None:
    """The bundle is random: nothing but what is written can put these first."""
    service = RetrievalService(bundle, bare(gallery, **{kept: True}))
    said = {
        number
        for number, item in enumerate(gallery.items)
        if (label in (item.labels or ()) if kept == "labels" else any(label in text.split() for text in item.texts))
    }
    result = service.search(Query(label))
    saying = {hit.item for hit in result.images if hit.says}
    assert saying == said
    by = {"labels": "label", "captions": "caption"}[kept]
    assert {hit.says for hit in result.images if hit.says} <= {(Said(label, by),)}
    for hit in result.images:
        assert (hit.shares.written > 0) == bool(hit.says)
        assert sum(hit.shares) == pytest.approx(hit.score, abs=1e-4)


def of_all(written: Written, sought: Sought, modality: str) -> np.ndarray:
    count = {"image": len(written._labels), "text": len(written._texts)}[modality]
    return written.weights(sought, modality).of(np.arange(count))


class TestWeights:
    def test_those_of_which_most_is_written_are_there_as_long_as_they_are_few(self) -> None:
        terms = [([3, 5, *range(100, 120)], 0.5), ([3, 5, *range(200, 800)], 0.375), ([3, 5], 0.125)]
        weights = Weights([(np.array(rows, np.int32), np.float32(weight)) for rows, weight in terms])
        assert weights.most(50).tolist() == [3, 5, *range(100, 120)]
        mask = np.ones(1000, bool)
        mask[5] = False
        assert weights.most(50, mask).tolist() == [3, *range(100, 120)]
        assert weights.most(1).tolist() == Weights([]).most(3).tolist() == []
        assert Weights([(np.array([4], np.int32), np.float32(-1))]).most(3).tolist() == []

    @pytest.mark.parametrize("seed", range(40))
    def test_they_are_what_a_sum_over_all_says(self, seed: int) -> None:
        draw, count = np.random.default_rng(seed), 400
        terms = [
            (np.flatnonzero(draw.random(count) < draw.random() ** 2).astype(np.int32), np.float32(weight))
            for weight in draw.random(draw.integers(1, 6)) - 0.1
        ]
        weights, whole = Weights(terms), np.zeros(count, np.float32)
        for rows, weight in terms:
            whole[rows] += weight
        among = np.flatnonzero(draw.random(count) < 0.3)
        assert np.array_equal(weights.of(np.arange(count)), whole)
        assert np.array_equal(weights.of(among), whole[among])
        mask = draw.random(count) < 0.5 if seed % 2 else np.ones(count, bool)
        few, values = int(draw.integers(1, 60)), np.where(mask, whole, 0)
        levels = [value for value in np.unique(values) if value > 1e-6 and (values >= value).sum() <= few]
        most = weights.most(few, mask if seed % 2 else None)
        assert most.tolist() == (np.flatnonzero(values >= min(levels)).tolist() if levels else [])


class TestTerms:
    @pytest.fixture
    def written(self, bundle: Bundle, gallery: Gallery) -> Written:
        return Written(gallery, [bundle.label_set])

    @pytest.mark.parametrize(
        ("text", "terms"),
        [
            ("Boats", [Term("boat", False)]),
            ("a photo of the boat", [Term("boat", True)]),
            ("two boats and a dog, the dog!", [Term("dog", True), Term("two", False), Term("boat", False)]),
            ("on the", []),
            ("🐶", []),
            ("", []),
        ],
    )
    def test_are_labels_and_words_that_say_something(self, written: Written, text: str, terms: list[Term]) -> None:
        assert written.terms(text) == terms

    def test_share_the_score_by_how_rare_they_are(self, written: Written) -> None:
        sought = Sought([Term("boat", True), Term("night", True)])
        both, boat, night = (
            of_all(written, Sought(terms), "image") for terms in (sought.wanted, sought.wanted[:1], sought.wanted[1:])
        )
        assert set(np.unique(boat)) == {0, 1} == set(np.unique(night))
        assert both[(boat > 0) & (night > 0)] == pytest.approx(1)
        rarity = np.log1p([len(rows) / rows.sum() for rows in (boat, night)])
        assert both[(boat > 0) & (night == 0)] == pytest.approx(rarity[0] / rarity.sum())

    def test_what_is_written_of_nothing_is_no_term(self, written: Written) -> None:
        assert written.weights(Sought([Term("unheard", False)]), "image") is None
        with_it, without = (
            of_all(written, Sought([Term("boat", True), *more]), "text") for more in ([Term("unheard", False)], [])
        )
        assert np.array_equal(with_it, without)

    def test_what_is_unwanted_counts_against_it(self, written: Written) -> None:
        found = of_all(written, Sought([Term("boat", True)], [Term("night", True)], 0.5, 2.0), "image")
        boat, night = (
            np.isin(np.arange(len(found)), written.of(Term(name, True), "image")) for name in ("boat", "night")
        )
        assert found == pytest.approx(0.5 * boat - 2.0 * night)


def test_texts_name_the_labels_that_are_found_in_them(gallery: Gallery) -> None:
    """Longer phrases hide the shorter ones inside them, in texts of all words and phrases."""
    labels = LabelSet(
        [
            Label("dog", synonyms=("dogs", "puppy")),
            Label("hot dog"),
            Label("dog house", synonyms=("kennel",)),
            Label("house"),
            Label("t-shirt", synonyms=("tee",)),
            Label("shirt"),
            Label("c++"),
            Label("five o'clock"),
            Label("café", synonyms=("coffee house",)),
        ]
    )
    draw = random.Random(5)
    words = sorted({word for phrase in labels.phrases for word in phrase.split(" ")} | {"a", "Dog", "CAFÉ", "hotdog"})
    texts = [
        "".join(
            draw.choice(words) + draw.choice((" ", " ", " ", "-", ", ", "_", "_ ")) for _ in range(draw.randrange(7))
        )
        for _ in range(6000)
    ]
    written = Written(dataclasses.replace(gallery, texts=texts, text_owner=torch.zeros(len(texts)).long()), [labels])
    for name in labels.names:
        naming = [number for number, text in enumerate(texts) if name in labels.find(text)]
        assert len(naming) > 10
        assert written.of(Term(name, True), "text").tolist() == naming, name


def test_a_gallerys_own_label_that_the_model_does_not_know_is_a_word(bundle: Bundle, gallery: Gallery) -> None:
    items = [dataclasses.replace(item, labels=None, texts=()) for item in gallery.items]
    items[4] = dataclasses.replace(items[4], labels=["Hot air balloons"])
    service = RetrievalService(bundle, dataclasses.replace(bare(gallery), items=items))
    (saying,) = (hit for hit in service.search(Query("a balloon")).images if hit.says)
    assert (saying.item, saying.rank, saying.says) == (4, 1, (Said("balloon", "label"),))


def test_a_caption_stands_for_itself(bundle: Bundle, gallery: Gallery) -> None:
    """Of two captions of one picture only the one with the word says so; a given label holds for both."""
    captions = bare(gallery, captions=True)
    captions = dataclasses.replace(captions, texts=["a kite", *captions.texts[1:]])
    result = RetrievalService(bundle, captions).search(Query("kite"))
    assert [hit.text for hit in result.texts if hit.says] == ["a kite"]
    assert len([hit for hit in result.images if hit.says]) == 1


def test_a_unit_is_a_spread_of_what_is_seen() -> None:
    assert unit_of(np.array([0.0, 2.0], np.float32)) == pytest.approx(COUNTS)
    assert unit_of(np.full(3, 0.2, np.float32)) == COUNTS, "nothing is seen to differ"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Dogs, glasses & BOXES", ["dog", "glass", "box"]),
        ("a glass bus is his", ["a", "glass", "bus", "is", "his"]),
        ("cherries and ties", ["cherry", "and", "tie"]),
        ("benches; houses", ["bench", "house"]),
    ],
)
def test_words_have_one_form(text: str, found: list[str]) -> None:
    assert words(text) == found
