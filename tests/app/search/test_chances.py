"""A chance belongs to what was asked: named labels are shown or not, and words that nobody knows match nothing."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
from curves import calibration

from algcn.bundles.bundle import Bundle
from algcn.evaluation.evidence import log_odds
from algcn.evaluation.probabilities import PlattScale
from algcn.features.vocabulary import Vocabulary
from algcn.gallery.store import build_gallery
from app.search.query import Query
from app.service import RetrievalService

TAUGHT = ("house", "green", "sun", "beach", "boat", "dog", "street", "car", "night")


def service_of(
    bundle_dir: Path, gallery_dir: Path, vocabulary: Vocabulary | None, **options: object
) -> RetrievalService:
    bundle = Bundle.load(bundle_dir)
    count = len(bundle.label_set)
    scale = PlattScale(torch.full((count,), 3.0), torch.full((count,), -2.0))
    bundle.probabilities = {"image": scale, "text": scale}
    bundle.calibration = calibration(width=14.0, **options)
    encoder = dataclasses.replace(bundle.encoder(), vocabulary=vocabulary)
    return RetrievalService(bundle, build_gallery(gallery_dir, bundle), encoder=encoder)


@pytest.fixture(scope="module")
def service(tiny_bundle_dir: Path, tiny_gallery_dir: Path) -> RetrievalService:
    return service_of(tiny_bundle_dir, tiny_gallery_dir, Vocabulary(TAUGHT), uncounted=("beach",), cutoff=0.2)


def test_a_named_label_is_shown_or_not(service: RetrievalService) -> None:
    result = service.search(Query("a dog by the house"))
    assert result.chance == "of showing dog"
    column = service.bundle.label_set.names.index("dog")
    known = service.predictor.known(service.gallery.items)
    likely = service.predictor.probabilities(service.gallery.image_embeddings, "image", known)[:, column]
    has = {hit.item: "dog" in hit.labels and not hit.labels_are_predicted for hit in result.images}
    assert any(has.values()) and not all(has.values())
    for hit in result.images:
        expected = 1.0 if has[hit.item] else (float(log_odds(likely[hit.item])) + 14) / 28
        assert hit.probability == pytest.approx(expected, abs=1e-5)


def test_of_several_all_must_be_shown(service: RetrievalService) -> None:
    both, dog = (service.search(Query(words)) for words in ("a dog and a boat", "a dog"))
    assert both.chance == "of showing boat and dog"
    alone = {hit.item: hit.probability for hit in dog.images}
    assert all(hit.probability <= alone[hit.item] + 1e-6 for hit in both.images)
    every = service.search(Query("a car, a dog, a boat on the street at night"))
    assert every.chance == "of showing boat, dog, street and 2 more"


def test_other_words_share_a_label_that_counts(service: RetrievalService) -> None:
    result = service.search(Query("something green"))
    assert result.chance == "of sharing a label other than beach with the query"
    assert service.search(Query("a dog", item=1)).chance == "of fitting your words and your picture"
    assert service.search(Query("a dog", space="encoder")).chance is None


@pytest.mark.parametrize(
    "text", ["xyzzy", "un perro en la playa", "собака", "犬が走る", "\U000f0000", "the xyzzy of xyzzy"]
)
def test_words_that_nobody_knows_match_nothing(service: RetrievalService, text: str) -> None:
    usual = service.search(Query(text, cutoff=None))
    assert usual.images == usual.texts == [] and usual.pictures.best == 0
    assert usual.query_labels == [], "what the model makes of letters is no label that is seen in them"
    everything = service.search(Query(text))
    assert len(everything.images) == 6 and {hit.probability for hit in everything.images} == {0.0}
    assert "I do not know th" in everything.notice and "Nothing here matches well" in everything.notice


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a green xyzzy", "I do not know this word: xyzzy."),
        ("a green xyzzy and a plugh", "I do not know these words: xyzzy, plugh."),
        ("green " + " ".join(f"xyzzy{chr(97 + n)}" for n in range(11)), "xyzzyh and 3 more."),
    ],
)
def test_unknown_words_are_said(service: RetrievalService, text: str, said: str) -> None:
    result = service.search(Query(text))
    assert said in result.notice and any(hit.probability > 0 for hit in result.images)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("bech", "beach"),
        ("A Bech at nite", "A beach at nite"),
        ("a (stret), please", "a (street), please"),
        ("a beach", None),
        ("xyzzy", None),
        ("un perro con una bech", "un perro con una beach"),  # a label, whatever stands beside it
        ("un perro con una housse", None),  # not a house: nothing else in it is known
        ("a green housse", "a green house"),
    ],
)
def test_misspelt_words_are_offered_corrected(service: RetrievalService, text: str, meant: str | None) -> None:
    assert service.search(Query(text)).suggestion == meant
    assert service.search(Query(text)).to_dict()["did_you_mean"] == meant


def test_emoji_are_read_as_their_names(service: RetrievalService) -> None:
    assert service.search(Query("🐶")).chance == service.search(Query("dog face")).chance == "of showing dog"
    assert [hit.file for hit in service.search(Query("🐶")).images] == [
        hit.file for hit in service.search(Query("dog face")).images
    ]


def test_an_encoder_without_a_list_of_words_says_nothing(tiny_bundle_dir: Path, tiny_gallery_dir: Path) -> None:
    silent = service_of(tiny_bundle_dir, tiny_gallery_dir, None)
    result = silent.search(Query("xyzzy"))
    assert "I do not know" not in (result.notice or "") and result.suggestion is None
    assert any(hit.probability > 0 for hit in result.images)
