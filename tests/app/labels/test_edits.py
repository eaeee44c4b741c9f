"""What if an edge were another: who moves, whose neighbours change, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional

from algcn.evaluation.record import Record
from algcn.kit.errors import InputError
from algcn.method.model import label_scores
from app.labels.details import average_precision, label_details
from app.labels.edits import MAX_EDITS, Edit, add_edit, check_edit, edited, edited_classifiers, effect_of
from app.labels.graph import LabelGraph, label_graph_of
from app.search.query import QueryPoint
from app.service import RetrievalService, load_service


@pytest.fixture(scope="module")
def service(tiny_bundle_dir: Path, tiny_gallery_dir: Path) -> RetrievalService:
    return load_service(tiny_bundle_dir, tiny_gallery_dir)


@pytest.fixture(scope="module")
def graph(service: RetrievalService) -> LabelGraph:
    return label_graph_of(service)


def test_an_edit_is_one_entry_of_a_copy(graph: LabelGraph) -> None:
    adaptive = graph.adaptive()
    changed = edited(adaptive, [Edit(1, 2, 0.75), Edit(1, 2, 0.5)])
    assert changed[1, 2] == 0.5
    different = (changed != adaptive).nonzero().tolist()
    assert different == [[1, 2]]


def test_both_ends_of_an_edge_move(service: RetrievalService, graph: LabelGraph) -> None:
    """The receiver has more of the sender in it, and the sender, whose weights are shared out anew, less of itself."""
    for source, target in ((0, 3), (3, 0)):
        edits = [Edit(source, target, 2.0)]
        effect = effect_of(service, graph, edits)
        assert {moved.label for moved in effect.moved[:2]} == {source, target}
        before, after = edited_classifiers(service, graph, ()), edited_classifiers(service, graph, edits)
        expected = functional.cosine_similarity(before, after, dim=1)
        assert [moved.cosine for moved in effect.moved] == pytest.approx(
            expected.sort().values[: len(effect.moved)].tolist(), abs=1e-5
        )


def test_an_edit_to_what_is_there_changes_nothing(service: RetrievalService, graph: LabelGraph) -> None:
    same = Edit(2, 4, float(graph.adaptive()[2, 4]))
    effect = effect_of(service, graph, [same])
    assert (effect.moved, effect.moved_count, effect.neighbourhoods) == ([], 0, [])
    assert torch.equal(edited_classifiers(service, graph, [same]), service.bundle.model.classifiers())


def test_neighbourhoods_are_those_of_the_classifiers(service: RetrievalService, graph: LabelGraph) -> None:
    edits = [Edit(0, 3, 2.0), Edit(5, 3, 2.0)]
    effect = effect_of(service, graph, edits)
    assert effect.neighbourhoods
    for changed in effect.neighbourhoods:
        for classifiers, told in (
            (edited_classifiers(service, graph, ()), changed.before),
            (edited_classifiers(service, graph, edits), changed.after),
        ):
            cosine = functional.cosine_similarity(classifiers[changed.label][None], classifiers, dim=1)
            cosine[changed.label] = -2
            assert told == tuple(cosine.argsort(descending=True)[:3].tolist())


def test_predictions_are_those_of_the_visitors_query(service: RetrievalService, graph: LabelGraph) -> None:
    point = QueryPoint("a boat", "image", service.gallery.image_embeddings[:1], service.gallery.image_features[:1])
    edits = [Edit(0, 3, 2.0)]
    effect = effect_of(service, graph, edits, point)
    after = label_scores(point.embedding, edited_classifiers(service, graph, edits))[0]
    told = {row.label: row for row in effect.predictions}
    assert len(told) == 6
    for label, row in told.items():
        assert row.after == pytest.approx(float(after[label]), abs=1e-6)
        assert row.is_predicted is None, "this bundle has no thresholds"
    assert abs(told[3].after - told[3].before) > 1e-4
    assert effect_of(service, graph, edits).predictions is None


def test_thresholds_decide_what_is_predicted(
    service: RetrievalService, graph: LabelGraph, monkeypatch: pytest.MonkeyPatch
) -> None:
    point = QueryPoint("a boat", "image", service.gallery.image_embeddings[:1], service.gallery.image_features[:1])
    scores = label_scores(point.embedding, edited_classifiers(service, graph, ()))[0]
    thresholds = scores + 0.01
    thresholds[4] = -1
    monkeypatch.setattr(service.bundle, "thresholds", {"image": thresholds})
    first = effect_of(service, graph, [Edit(0, 3, float(graph.adaptive()[0, 3]))], point).predictions[0]
    assert (first.label, first.was_predicted, first.is_predicted) == (4, True, True)


@pytest.mark.parametrize("label", [-1, 6, 1.0, True, None, "0", [0]])
def test_a_label_that_is_none_is_one_sentence(graph: LabelGraph, label: Any) -> None:
    with pytest.raises(InputError, match=r"^There is no such label; the model has 6, counted from 0\.$"):
        check_edit(graph, label, 1, 0.5)
    with pytest.raises(InputError, match="There is no such label"):
        check_edit(graph, 1, label, 0.5)


@pytest.mark.parametrize("weight", [-0.1, 2.1, float("nan"), float("inf"), True, None, "1", {}])
def test_a_weight_that_is_none_is_one_sentence(graph: LabelGraph, weight: Any) -> None:
    with pytest.raises(InputError, match=r"^The weight must be a number from 0 to 2, not "):
        check_edit(graph, 0, 1, weight)


def test_an_edge_joins_two_labels(graph: LabelGraph) -> None:
    with pytest.raises(InputError, match="An edge joins two labels"):
        check_edit(graph, 2, 2, 0.5)


def test_edits_of_one_edge_in_a_row_are_one() -> None:
    edits = add_edit(add_edit(add_edit((), Edit(0, 1, 0.5)), Edit(0, 1, 0.7)), Edit(1, 0, 0.2))
    assert edits == (Edit(0, 1, 0.7), Edit(1, 0, 0.2))
    many: tuple[Edit, ...] = ()
    for number in range(MAX_EDITS):
        many = add_edit(many, Edit(number % 2, 2, 0.5))
    with pytest.raises(InputError, match="There are 50 edits already"):
        add_edit(many, Edit(0, 3, 1.0))


def test_details_are_exact(service: RetrievalService) -> None:
    classifiers = service.bundle.model.classifiers().detach()
    details = label_details(service, 2, classifiers)
    expected = functional.cosine_similarity(service.gallery.image_embeddings, classifiers[2][None], dim=1)
    assert [found.cosine for found in details.pictures] == pytest.approx(
        expected.sort(descending=True)[0].tolist(), abs=1e-5
    )
    assert {found.item: found.has_label for found in details.pictures} == {
        0: False, 1: True, 2: False, 3: False, 4: False, 5: False
    }  # fmt: skip
    assert len(details.texts) == 5
    for found in details.texts:
        assert found.text in service.gallery.items[found.item].texts
    assert 2 not in dict(details.nearest)
    assert [cosine for _, cosine in details.nearest] == sorted((c for _, c in details.nearest), reverse=True)
    assert details.average_precision is None


@pytest.mark.parametrize(
    "metrics",
    [
        {},
        {"test": {"images": 1, "texts": 1}},
        {"test": {"images": 1, "texts": 1, "per_label": {"image_to_text": {"dog": 0.5}, "text_to_image": {}}}},
        {"test": {"images": 1, "texts": 1, "per_label": {"image_to_text": {"dog": 1}, "text_to_image": {"dog": None}}}},
        {"test": {"images": 1, "texts": 1, "per_label": [1]}},
    ],
)
def test_a_label_that_was_not_measured_has_no_average_precision(metrics: Any) -> None:
    assert average_precision(Record.read(metrics), "dog") is None


def test_the_test_report_is_preferred() -> None:
    def report(value: float) -> dict[str, Any]:
        return {
            "images": 1,
            "texts": 1,
            "per_label": {"image_to_text": {"dog": value}, "text_to_image": {"dog": value / 2}},
        }

    found = average_precision(Record.read({"validation": report(0.2), "test_by_all_labels": report(0.8)}), "dog")
    assert (found.report, found.image_to_text, found.text_to_image) == ("test_by_all_labels", 0.8, 0.4)
    assert (
        average_precision(Record.read({"test": report(0.6), "test_by_all_labels": report(0.8)}), "dog").report == "test"
    )
