"""What the model gets wrong on a gallery: its own predictions beside what was given, on the page and for programs."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema
import pytest
import torch
from hostile.texts import HOSTILE, Shown, check_harmless
from plus_bundles import write_plus_bundle

from algcn.bundles.bundle import Bundle
from algcn.bundles.split import TrainedSplit
from algcn.datasets.image_folder import Item
from algcn.gallery.store import build_gallery
from algcn.kit.errors import InputError
from app.api import benchmark as api_benchmark
from app.api.answers import LabelMistakes, schema_of
from app.benchmark import figures
from app.benchmark.mistakes import MISSED, TAKEN, mistakes_of
from app.benchmark.mistakes_view import PAGE, render_mistakes
from app.service import RetrievalService

LABELS = ("beach", "boat", "dog", "street", "car", "night")


@pytest.fixture(scope="module")
def plus(tiny_bundle_dir: Path, tiny_gallery_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A random bundle with probabilities and a directed graph, by which known labels would count."""
    paper = Bundle.load(tiny_bundle_dir)
    gallery = build_gallery(tiny_gallery_dir, paper)
    return Bundle.load(write_plus_bundle(tmp_path_factory.mktemp("mistakes") / "plus", paper, gallery))


def served(bundle: Bundle, folder: Path, thresholds: torch.Tensor | None) -> RetrievalService:
    bundle.thresholds = {} if thresholds is None else {"image": thresholds, "text": thresholds}
    return RetrievalService(bundle, build_gallery(folder, bundle))


@pytest.fixture
def service(plus: Bundle, tiny_gallery_dir: Path) -> RetrievalService:
    """Each label is predicted for half of the pictures."""
    blank = served(plus, tiny_gallery_dir, None)
    middle = blank.predictor.scores(blank.gallery.image_embeddings).median(dim=0).values
    return served(plus, tiny_gallery_dir, middle)


def relabelled(service: RetrievalService, labels: dict[str, list[str] | None]) -> RetrievalService:
    """The same pictures with other labels."""
    items = [dataclasses.replace(item, labels=labels.get(item.file_name)) for item in service.gallery.items]
    return RetrievalService(service.bundle, dataclasses.replace(service.gallery, items=items))


def test_predictions_are_the_models_own_whatever_is_known(service: RetrievalService) -> None:
    found = mistakes_of(service)
    scores = service.predictor.scores(service.gallery.image_embeddings[found.positions])
    assert torch.equal(found.mistakes.is_predicted, scores >= service.bundle.thresholds["image"])
    assert 0 < int(found.mistakes.is_predicted.sum()) < scores.numel()
    alone = service.bundle.probabilities["image"](scores)
    torch.testing.assert_close(found.mistakes.certainty, alone)
    known = service.predictor.known(found.items)
    told = service.predictor.probabilities(service.gallery.image_embeddings[found.positions], "image", known)
    assert not torch.allclose(told, alone), "known labels would count elsewhere"
    # Other given labels are other mistakes, and the same predictions.
    other = mistakes_of(relabelled(service, {item.file_name: ["dog"] for item in found.items}))
    assert torch.equal(other.mistakes.is_predicted, found.mistakes.is_predicted)
    assert torch.equal(other.mistakes.certainty, found.mistakes.certainty)


def test_pictures_without_labels_and_labels_without_pictures_say_nothing(service: RetrievalService) -> None:
    found = mistakes_of(service)
    assert "unlabelled.png" not in {item.file_name for item in found.items} and len(found.items) == 5
    only = mistakes_of(relabelled(service, {"beach.png": ["DOG", "unicorn"], "street.jpg": ["unicorn"]}))
    assert [item.file_name for item in only.items] == ["beach.png", "street.jpg"], "labelled, by other names"
    assert only.order == [LABELS.index("dog")]
    assert only.mistakes.counts.given.tolist() == [0, 0, 1, 0, 0, 0]
    with pytest.raises(InputError, match="No picture that is open was given the label 'boat'"):
        only.check_label("boat", LABELS.index("boat"))


def test_labels_with_most_mistakes_come_first(service: RetrievalService) -> None:
    found = mistakes_of(service)
    wrong = [len(found.of(MISSED, label)) + len(found.of(TAKEN, label)) for label in found.order]
    assert wrong == sorted(wrong, reverse=True) and sum(wrong) > 0
    assert mistakes_of(service) is found, "found once"


@pytest.mark.parametrize("labels", [None, [], ["unicorn"]])
def test_a_gallery_without_labels_says_so_and_a_bar_leads_there(
    service: RetrievalService, labels: list[str] | None
) -> None:
    without = relabelled(service, dict.fromkeys((item.file_name for item in service.gallery.items), labels))
    page = Shown(render_mistakes(without, "dog", arrival=5))
    assert "were given no label that this model knows" in page.text and ("data-arrival", "5") in page.attributes
    with pytest.raises(InputError, match="given no label that this model knows"):
        mistakes_of(without)


def test_a_model_without_thresholds_says_so(plus: Bundle, tiny_gallery_dir: Path) -> None:
    assert "This model has no thresholds" in Shown(render_mistakes(served(plus, tiny_gallery_dir, None))).text


def test_a_label_that_is_never_predicted_has_no_precision(plus: Bundle, tiny_gallery_dir: Path) -> None:
    thresholds = torch.zeros(len(LABELS))
    thresholds[LABELS.index("dog")] = torch.nan
    service = served(plus, tiny_gallery_dir, thresholds)
    text = "".join(Shown(render_mistakes(service, "dog")).text.split())
    assert "Predicted0picturesPrecision–bychance.200Recall.000bychance.000" in text
    assert answer(service, "dog")["precision"] is None and answer(service, "dog")["recall"] == 0.0


def test_the_page_shows_the_surest_first_and_more_on_request(service: RetrievalService) -> None:
    many = [Item(f"{number}.png", [f"Caption {number}"], ["dog"]) for number in range(20)]
    gallery = dataclasses.replace(
        service.gallery,
        items=many,
        image_embeddings=torch.nn.functional.normalize(torch.randn(20, 48, generator=torch.manual_seed(3)), dim=1),
        image_features=service.gallery.image_features[:1].expand(20, -1),
        texts=[],
        text_owner=torch.tensor([], dtype=torch.long),
        text_embeddings=service.gallery.text_embeddings[:0],
        text_features=service.gallery.text_features[:0],
    )
    service.bundle.thresholds["image"] = torch.full((len(LABELS),), 2.0)
    service = RetrievalService(service.bundle, gallery)
    for shown, count in (((PAGE, PAGE), PAGE), ((12, PAGE), 12), ((500, PAGE), 20)):
        page = Shown(render_mistakes(service, "dog", shown))
        told = [json.loads(value) for name, value in page.attributes if name == "data-details"]
        assert len(told) == count
        likely = {int(one["file"].removesuffix(".png")): one["labels"] for one in told}
        surest = mistakes_of(service).of(MISSED, LABELS.index("dog"))[:count]
        assert set(likely) == set(surest)
        assert ("data-more", "missed") in page.attributes or count == 20
    for nonsense in (-1, "8", None, 10**9, True):
        page = Shown(render_mistakes(service, "dog", (nonsense, PAGE)))
        assert "The number of pictures must be a whole number from 0 to 500" in page.text


@pytest.mark.parametrize("name", ["unicorn", "", 5, ["dog"], HOSTILE[0]])
def test_another_name_is_a_sentence_and_the_page_stays_useful(service: RetrievalService, name: Any) -> None:
    page = Shown(render_mistakes(service, name))
    assert "There is no label" in page.text or "A label is named by a text" in page.text
    assert ("data-label", LABELS[mistakes_of(service).order[0]]) in page.attributes
    assert "script" not in page.tags


def test_what_a_gallery_says_is_text(service: RetrievalService) -> None:
    labels = ["dog", *HOSTILE]
    items = [
        dataclasses.replace(item, file_name=text, texts=[text], labels=labels)
        for item, text in zip(service.gallery.items, HOSTILE, strict=False)
    ]
    service.bundle.thresholds["image"] = torch.full((len(LABELS),), 2.0)
    hostile = RetrievalService(service.bundle, dataclasses.replace(service.gallery, items=items))
    page = render_mistakes(hostile, "dog")
    check_harmless(page, *HOSTILE[:3])
    details = [json.loads(value) for name, value in Shown(page).attributes if name == "data-details"]
    assert len(details) == len(items)
    assert [row[0] for row in details[0]["labels"] if row[2] == "unknown"] == list(HOSTILE)


def test_it_says_how_many_of_the_pictures_the_model_was_trained_on(
    service: RetrievalService, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "was trained on" not in Shown(render_mistakes(service)).text and answer(service, "dog")["trained_on"] is None
    split = TrainedSplit.of(
        ["beach.png", "street.jpg", "night/boat.png", "elsewhere.png"], ["train", "train", "test", "train"]
    )
    monkeypatch.setitem(vars(service.bundle), "split", split)
    again = RetrievalService(service.bundle, service.gallery)
    assert "was trained on 2 of these pictures" in Shown(render_mistakes(again)).text
    assert answer(again, "dog")["trained_on"] == 2


def test_the_matrix_has_its_names_and_says_when_there_is_none(service: RetrievalService) -> None:
    dog, night = LABELS.index("dog"), LABELS.index("night")
    service.bundle.thresholds["image"][night] = 2.0  # never predicted
    found = mistakes_of(service)
    predicted, files = found.mistakes.is_predicted.tolist(), [item.file_name for item in found.items]
    wrong = {file: ["night"] if row[dog] else ["boat"] for file, row in zip(files, predicted, strict=True)}
    taken = relabelled(service, wrong)
    page = Shown(render_mistakes(taken, "night"))
    assert (night, dog) in mistakes_of(taken).mistakes.confusion.strongest
    assert {("data-mistakes", "night"), ("data-mistakes", "dog")} <= page.attributes and "table" in page.tags
    instead = {one["label"]: one for one in answer(taken, "night")["taken_instead"]}["dog"]
    assert (instead["pictures"], instead["share"]) == (sum(row[dog] for row in predicted), 1.0)
    assert instead["pictures_by_chance"] < instead["pictures"]
    right = {
        file: [name for name, is_there in zip(LABELS, row, strict=True) if is_there]
        for file, row in zip(files, predicted, strict=True)
    }
    page = Shown(render_mistakes(relabelled(service, right)))
    assert "No label is missed where another one is taken wrongly" in page.text
    assert "No picture with this label was missed." in page.text and "table" not in page.tags


def answer(service: RetrievalService, label: str, limit: int = 5) -> dict[str, Any]:
    (endpoint,) = (
        function
        for function in api_benchmark.api(SimpleNamespace(named_service=lambda: service))
        if function.__name__ == "label_mistakes"
    )
    return endpoint(label, limit)


@pytest.mark.parametrize("label", LABELS)
def test_programs_get_what_the_page_shows(service: RetrievalService, label: str) -> None:
    found, number = mistakes_of(service), LABELS.index(label)
    told = answer(service, label.upper())
    jsonschema.validate(told, schema_of(LabelMistakes))
    assert json.loads(json.dumps(told)) == told and told["label"] == label
    for kind, name in ((MISSED, "missed"), (TAKEN, "taken_wrongly")):
        items = found.of(kind, number)
        assert told[f"{name}_in_all"] == len(items)
        assert [one["file"] for one in told[name]] == [found.items[item].file_name for item in items[:5]]
        positions = [found.positions[item] for item in items[:5]]
        assert [one["picture"] for one in told[name]] == [f"picture/gallery/large/{at}" for at in positions]
        assert all((label in one["labels"]) == (kind == MISSED) for one in told[name])
    assert told["given"] == told["right"] + told["missed_in_all"]
    assert told["predicted"] == told["right"] + told["taken_wrongly_in_all"]
    assert len(answer(service, label, 1)["missed"]) <= 1


@pytest.mark.parametrize(
    ("label", "limit", "sentence"),
    [
        ("unicorn", 5, "There is no label 'unicorn'"),
        ("dog", 0, "limit must be a whole number from 1 to 500"),
        (3, 5, "A label is named by a text"),
    ],
)
def test_programs_are_told_what_was_wrong(service: RetrievalService, label: Any, limit: int, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        answer(service, label, limit)


def test_without_probabilities_cosines_say_how_certain_it_is(tiny_bundle_dir: Path, tiny_gallery_dir: Path) -> None:
    service = served(Bundle.load(tiny_bundle_dir), tiny_gallery_dir, torch.zeros(len(LABELS)))
    assert not mistakes_of(service).has_probabilities
    assert "cosine first" in Shown(render_mistakes(service, "dog")).text
    told = [answer(service, label) for label in LABELS]
    assert all(one["probability"] is None for each in told for one in (*each["missed"], *each["taken_wrongly"]))


def test_a_bar_brings_the_number_of_its_label() -> None:
    from algcn.evaluation.results import Both

    per_label = {"algcn": Both({"dog": 0.5, "stranger": 0.9, "beach": 0.7}, {})}
    bars = figures.label_bars(per_label, "image_to_text", LABELS)["data"][0]
    assert bars["customdata"] == [LABELS.index("dog"), LABELS.index("beach"), None], "in the order of the bars"
