"""Suggestions from picture, captions and what is known; why; and what is left where a bundle can do less."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
from conftest import TINY_LABELS

from algcn.bundles.bundle import Bundle
from algcn.bundles.predictor import LabelPredictor
from algcn.evaluation.probabilities import PlattScale
from algcn.gallery.store import Gallery
from app.kit.name_features import NameFeatures
from app.labelling.marks import Marks
from app.labelling.suggestions import PERCENTS, Suggester, Suggestion

BEACH, BOAT, DOG, STREET, CAR, NIGHT = range(6)


def unlabelled(gallery: Gallery) -> Gallery:
    return dataclasses.replace(
        gallery, items=[dataclasses.replace(item, labels=None) for item in gallery.items]
    )  # fmt: skip


def suggester(bundle: Bundle, gallery: Gallery, new: tuple[str, ...] = ()) -> Suggester:
    return Suggester(bundle, LabelPredictor(bundle), gallery, new, NameFeatures(bundle.encoder().encode_texts))


def known_of(suggester: Suggester, gallery: Gallery, *pairs: tuple[int, str, bool]) -> torch.Tensor:
    """What is known after saying of pictures that labels are there or not, with nothing given before."""
    marks = Marks()
    for row, label, there in pairs:
        marks.mark([(gallery.items[row].file_name, label)], there)
    items = unlabelled(gallery).items
    return suggester.known(marks.items(items), marks.said())


def by_label(suggestions: list[Suggestion]) -> dict[str, Suggestion]:
    return {suggestion.label: suggestion for suggestion in suggestions}


def test_picture_and_captions_are_averaged_and_the_graph_is_added(graph_bundle: Bundle, pictures: Gallery) -> None:
    asked, predictor = suggester(graph_bundle, pictures), LabelPredictor(graph_bundle)
    of_pictures = predictor.logits(pictures.image_embeddings, "image")
    of_texts = predictor.logits(pictures.text_embeddings, "text")
    nothing = known_of(asked, pictures)
    values = asked.values(nothing)
    two = pictures.text_owner == 1
    assert two.sum() == 2
    assert torch.allclose(values[1], ((of_pictures[1] + of_texts[two].mean(0)) / 2).sigmoid())
    assert not (pictures.text_owner == 4).any(), "one has no caption"
    assert torch.allclose(values[4], of_pictures[4].sigmoid())
    known = known_of(asked, pictures, (1, "beach", True))
    change = asked.values(known)[1].logit() - values[1].logit()
    assert torch.allclose(change, torch.tensor([0.0, 2.0, 0.1, 0, 0, 0]), atol=1e-4)
    assert torch.equal(asked.values(known)[2:], values[2:]), "it says nothing of other pictures"
    refused = known_of(asked, pictures, (1, "beach", False))
    assert torch.equal(asked.values(refused), values), "only labels that are there say something"


def test_why_is_the_known_label_that_says_most_or_what_shows_it(graph_bundle: Bundle, pictures: Gallery) -> None:
    asked = suggester(graph_bundle, pictures)
    before = by_label(asked.suggest([4], known_of(asked, pictures)))
    assert {(one.because, one.seen) for one in before.values()} == {("", "picture")}, "it has no caption"
    after = by_label(asked.suggest([4], known_of(asked, pictures, (4, "beach", True), (4, "car", True))))
    assert set(after) == set(TINY_LABELS) - {"beach", "car"}
    assert (after["boat"].because, after["dog"].because) == ("beach", ""), "0.1 log-odds are no reason"
    assert after["boat"].probability > before["boat"].probability
    against = by_label(asked.suggest([4], known_of(asked, pictures, (4, "car", True))))
    assert against["boat"].because == "", "what speaks against it is no reason for it"
    seen = {one.seen for one in asked.suggest(range(3), known_of(asked, pictures))}
    assert seen <= {"picture", "caption"}
    captions = LabelPredictor(graph_bundle).logits(pictures.text_embeddings[:1], "text")[0]
    picture = LabelPredictor(graph_bundle).logits(pictures.image_embeddings[:1], "image")[0]
    for label, one in by_label(asked.suggest([0], known_of(asked, pictures))).items():
        column = TINY_LABELS.index(label)
        assert one.seen == ("caption" if captions[column] > picture[column] else "picture")


def test_of_several_pictures_the_mean_over_those_that_are_undecided(graph_bundle: Bundle, pictures: Gallery) -> None:
    asked = suggester(graph_bundle, pictures)
    known = known_of(asked, pictures, (0, "boat", True), (1, "night", False), (0, "dog", True), (1, "dog", False))
    values = asked.values(known)
    found = by_label(asked.suggest([0, 1], known))
    assert "dog" not in found, "it is decided of both"
    assert (found["boat"].pictures, found["street"].pictures) == (1, 2)
    assert found["boat"].probability == pytest.approx(float(values[1, BOAT]))
    assert found["night"].probability == pytest.approx(float(values[0, NIGHT]))
    assert found["street"].probability == pytest.approx(float(values[:2, STREET].mean()))
    listed = [one.probability for one in asked.suggest([0, 1], known)]
    assert listed == sorted(listed, reverse=True)
    assert len(asked.suggest([0, 1], known, limit=2)) == 2
    assert asked.suggest([], known) == []


def test_what_passes_is_counted_as_it_is_listed(graph_bundle: Bundle, pictures: Gallery) -> None:
    asked = suggester(graph_bundle, pictures)
    known = known_of(asked, pictures, (0, "beach", True), (2, "car", False))
    rows = [0, 2, 3]
    counts = asked.counts(rows, known)
    assert counts == [len(asked.passing(rows, known, percent / 100)) for percent in PERCENTS]
    assert counts == sorted(counts, reverse=True) and counts[0] > 0
    passing = asked.passing(rows, known, 0.0)
    assert len(passing) == 3 * 6 - 2 and (0, "beach") not in passing and (2, "car") not in passing
    assert asked.passing([], known, 0.0) == [] and asked.counts([], known) == [0] * len(PERCENTS)


def test_without_a_graph_what_is_known_changes_no_other_label(tiny_bundle_dir: Path, pictures: Gallery) -> None:
    bundle = Bundle.load(tiny_bundle_dir)
    scale = Bundle.load(tiny_bundle_dir).thresholds
    assert scale == {} and bundle.directed_graph is None
    bundle.probabilities = {"image": PlattScale(torch.ones(6), torch.zeros(6))}
    asked = suggester(bundle, pictures)
    assert asked.has_probabilities and not asked.has_graph and asked.can_accept
    known = known_of(asked, pictures, (1, "beach", True))
    assert torch.equal(asked.values(known), asked.values(known_of(asked, pictures)))
    assert {one.because for one in asked.suggest([1], known)} == {""}


def test_without_probabilities_labels_are_suggested_by_their_thresholds(
    tiny_bundle_dir: Path, pictures: Gallery
) -> None:
    bundle = Bundle.load(tiny_bundle_dir)
    nan = float("nan")
    bundle.thresholds = {"image": torch.tensor([-1.0, 1.0, -1.0, 1.0, nan, 1.0])}
    asked = suggester(bundle, pictures)
    known = known_of(asked, pictures)
    found = asked.suggest([0, 1], known)
    assert {one.label for one in found} == {"beach", "dog"}
    assert {one.probability for one in found} == {None}
    assert asked.passing([0], known, 0.99) == [(0, "beach"), (0, "dog")], "there is no percentage to go by"
    assert asked.counts([0], known) == [2] * len(PERCENTS)
    assert [label for label, _ in asked.predicted(known)[0]] == ["beach", "dog"]
    decided = known_of(asked, pictures, (0, "beach", False), (0, "dog", False))
    best = {one.label for one in asked.suggest([0], decided)}
    assert len(best) == 3 and not best & {"beach", "dog", "car"}, "nothing stands out, so the best three"
    assert asked.passing([0], decided, 0.5) == []


def test_without_thresholds_the_best_three_are_suggested_and_none_accepted(
    tiny_bundle_dir: Path, pictures: Gallery
) -> None:
    asked = suggester(Bundle.load(tiny_bundle_dir), pictures)
    known = known_of(asked, pictures)
    assert len(asked.suggest([0], known)) == 3
    assert not asked.can_accept and asked.passing([0], known, 0.0) == []
    assert asked.predicted(known) == [[]] * len(pictures)


def test_predicted_are_the_labels_above_thresholds_that_nobody_decided(graph_bundle: Bundle, pictures: Gallery) -> None:
    asked = suggester(graph_bundle, pictures)
    expected = LabelPredictor(graph_bundle).of_pictures(pictures.image_embeddings)
    nothing = known_of(asked, pictures)
    assert [tuple(label for label, _ in found) for found in asked.predicted(nothing)] == expected
    label, other = expected[0][:2]
    known = known_of(asked, pictures, (0, label, True), (0, other, False))
    left = asked.predicted(known)[0]
    assert [name for name, _ in left] == [name for name in expected[0] if name not in (label, other)]
    values = asked.values(known)
    assert all(p == pytest.approx(float(values[0, TINY_LABELS.index(name)])) for name, p in left)


def test_a_new_label_has_a_place_before_any_training(graph_bundle: Bundle, pictures: Gallery) -> None:
    asked = suggester(graph_bundle, pictures, ("lighthouse", "Dog"))
    assert asked.names == [*TINY_LABELS, "lighthouse"], "the model knows dogs"
    # What a random model says of its labels has nothing to do with their names, so a fitted scale is flat.
    asked.__dict__["_scale_of_names"] = PlattScale(torch.ones(1), torch.zeros(1))
    nothing = known_of(asked, pictures)
    values = asked.values(nothing)
    assert values.shape == (6, 7) and bool(((values[:, 6] > 0) & (values[:, 6] < 1)).all())
    assert values[:, 6].std() > 0, "pictures differ"
    found = by_label(asked.suggest([int(values[:, 6].argmax())], nothing))["lighthouse"]
    assert (found.because, found.seen) == ("", "name")
    examples = known_of(asked, pictures, (0, "lighthouse", True), (1, "lighthouse", True))
    assert not torch.allclose(asked.values(examples)[2:, 6], values[2:, 6]), "examples say what it comes with"
    assert "lighthouse" not in by_label(asked.suggest([0], examples))


def test_among_too_few_pictures_a_new_label_is_not_suggested(graph_bundle: Bundle, pictures: Gallery) -> None:
    few = dataclasses.replace(
        pictures,
        items=pictures.items[:2],
        image_features=pictures.image_features[:2],
        image_embeddings=pictures.image_embeddings[:2],
        text_owner=pictures.text_owner[:0],
        text_embeddings=pictures.text_embeddings[:0],
        text_features=pictures.text_features[:0],
    )
    asked = suggester(graph_bundle, few, ("lighthouse",))
    assert "lighthouse" not in by_label(asked.suggest([0, 1], known_of(asked, few), limit=99))


def test_a_new_label_without_probabilities_is_suggested_where_its_name_stands_out(
    tiny_bundle_dir: Path, pictures: Gallery
) -> None:
    bundle = Bundle.load(tiny_bundle_dir)
    asked = suggester(bundle, pictures, ("lighthouse",))
    values = asked.values(known_of(asked, pictures))
    assert values[:, 6].isfinite().all() and values[:, 6].max() < 2.0, "standard deviations, less the two it needs"


def test_names_are_read_once(graph_bundle: Bundle) -> None:
    asked: list[str] = []

    def encode(texts: list[str]) -> torch.Tensor:
        asked.extend(texts)
        return torch.nn.functional.normalize(torch.randn(len(texts), 4), dim=1)

    names = NameFeatures(encode)
    first = names(["sea", "fire_truck"])
    assert asked[3:] == ["a photo of a fire truck", "a picture of fire truck", "fire truck"]
    assert torch.equal(names(["fire_truck", "sea"]), first.flip(0))
    assert len(asked) == 6
    assert torch.allclose(first.norm(dim=1), torch.ones(2))
