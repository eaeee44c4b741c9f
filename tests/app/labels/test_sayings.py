"""What one label says about another: the graph of a bundle of mode plus, and what edits of it change."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from plus_bundles import write_plus_bundle

from algcn.bundles.bundle import Bundle
from algcn.bundles.predictor import LabelPredictor
from algcn.gallery.store import build_gallery
from algcn.kit.errors import InputError
from algcn.method.label_graph import with_known
from app.api import labels as api_labels
from app.components.label_graph import graph_value, label_value, sayings_value
from app.kit.cache import Cache
from app.labels.describe import description_answer
from app.labels.details import label_details
from app.labels.edits import Edit, check_edit, edited_classifiers
from app.labels.graph import LEARNED, LabelGraph, label_graph_of
from app.labels.sayings import chances_alone, sayings_of
from app.search.own_labels import OwnLabels
from app.search.query import Query, QueryPoint
from app.search.ranker import Ranker
from app.search.written import Written
from app.service import RetrievalService, load_service


def make(folder: Path, bundle: Path, gallery: Path, **parts: bool) -> RetrievalService:
    paper = Bundle.load(bundle)
    return load_service(write_plus_bundle(folder, paper, build_gallery(gallery, paper), **parts), gallery)


@pytest.fixture(scope="module")
def service(
    tmp_path_factory: pytest.TempPathFactory, tiny_bundle_dir: Path, tiny_gallery_dir: Path
) -> RetrievalService:
    """Of mode plus, with a directed graph whose beach makes a boat likelier, and the model of mode paper beside it."""
    made = make(tmp_path_factory.mktemp("plus") / "plus", tiny_bundle_dir, tiny_gallery_dir)
    label = made.bundle.label_set.index
    counted, change = torch.zeros(6, 6), torch.zeros(6, 6)
    counted[label("beach"), label("boat")], change[label("beach"), label("boat")] = 2.0, 0.25
    change[label("dog"), label("boat")] = -0.75
    made.bundle.directed_graph = made.bundle.directed_graph._replace(
        counted=counted, change=change, share=torch.full((6,), 0.25)
    )
    return made


@pytest.fixture(scope="module")
def graph(service: RetrievalService) -> LabelGraph:
    return label_graph_of(service)


@pytest.fixture(scope="module")
def endpoints(service: RetrievalService) -> dict[str, Any]:
    program = SimpleNamespace(named_service=lambda: service)
    return {function.__name__: function for function in api_labels.api(program)}


def numbers(service: RetrievalService, *names: str) -> list[int]:
    return [service.bundle.label_set.index(name) for name in names]


def test_the_papers_stages_are_those_of_the_model_beside(service: RetrievalService, graph: LabelGraph) -> None:
    paper = service.bundle.paper_model.label_graph()
    assert service.bundle.model.config.use_gcn is False
    assert torch.equal(graph.weights("adaptive"), paper["adaptive"])
    assert torch.equal(graph.weights("normalised"), paper["normalised"].T)
    assert (graph.has_gcn, graph.is_beside, graph.prior_threshold) == (True, True, None)
    assert graph.stages == ("cooccurrence", "prior", *LEARNED, "directed")


def test_the_directed_graph_reads_from_who_says_to_whom(service: RetrievalService, graph: LabelGraph) -> None:
    beach, boat, dog = numbers(service, "beach", "boat", "dog")
    edges = [(edge.source, edge.target, edge.weight) for edge in graph.edges("directed")]
    assert edges == [(beach, boat, 1.25), (dog, boat, -0.75)], "half of what was counted, and what was learned"
    assert graph.edges("directed", threshold=1.0)[0].weight == 1.25


@pytest.mark.parametrize(
    ("parts", "stages", "edited"),
    [
        ({"beside": False}, ("cooccurrence", "directed"), "directed"),
        ({"beside": False, "graph": False}, ("cooccurrence",), None),
        ({"graph": False}, ("cooccurrence", "prior", *LEARNED), None),
    ],
)
def test_a_bundle_offers_the_stages_that_it_has(
    tmp_path: Path,
    tiny_bundle_dir: Path,
    tiny_gallery_dir: Path,
    parts: dict[str, bool],
    stages: tuple[str, ...],
    edited: str | None,
) -> None:
    made = make(tmp_path / "made", tiny_bundle_dir, tiny_gallery_dir, **parts)
    graph = label_graph_of(made)
    assert (graph.stages, graph.edited_stage) == (stages, edited)
    sent = graph_value(graph, "")
    assert (sent["stages"], sent["edited"], list(sent["thresholds"])) == (list(stages), edited, list(stages))
    missing = "adaptive" if "adaptive" not in stages else "directed"
    with pytest.raises(
        InputError, match=rf"^There is no stage '{missing}' with this model and this gallery; there are "
    ):
        graph.edges(missing)
    program = SimpleNamespace(named_service=lambda: made)
    endpoints = {function.__name__: function for function in api_labels.api(program)}
    answer = endpoints["describe_graph"]()
    assert answer["stages"] == list(stages)
    if edited is None:
        with pytest.raises(InputError, match="no edge to edit"):
            endpoints["edit_edge"]("dog", "boat", 1.0)


def test_no_stage_at_all_is_one_sentence(graph: LabelGraph) -> None:
    bare = dataclasses.replace(graph, has_gcn=False, prior=torch.eye(6), pictures=0, directed=None)
    assert bare.stages == ()
    assert graph_value(bare, "")["sentence"].startswith("This model has no label graph")
    with pytest.raises(InputError, match="there is none at all"):
        bare.edges("prior")


def test_a_graph_that_has_nothing_to_say_says_so(service: RetrievalService, graph: LabelGraph) -> None:
    nothing = graph.directed._replace(counted=torch.zeros(6, 6), change=torch.zeros(6, 6))
    silent = dataclasses.replace(graph, directed=nothing)
    other = SimpleNamespace(bundle=service.bundle, gallery=service.gallery, cache=Cache())
    other.cache.get("label_graph", lambda: silent)
    assert "has no edges" in description_answer(other)["description"]
    json.dumps(graph_value(silent, ""), allow_nan=False)


def test_an_edit_is_one_of_the_directed_graph(service: RetrievalService, graph: LabelGraph) -> None:
    assert check_edit(graph, 0, 1, -4) == Edit(0, 1, -4)
    with pytest.raises(InputError, match=r"^The weight must be a number from -4 to 4, not "):
        check_edit(graph, 0, 1, 4.5)
    model = service.bundle.model.classifiers()
    assert torch.equal(edited_classifiers(service, graph, [Edit(0, 1, 2.0)]), model), (
        "its classifiers come from no graph"
    )


def test_where_a_label_is_known_the_others_have_other_odds(service: RetrievalService, graph: LabelGraph) -> None:
    beach, boat, dog = numbers(service, "beach", "boat", "dog")
    first, *others = chances_alone(graph, beach, [Edit(beach, boat, 3.0)])
    base = torch.logit(torch.tensor(0.25))
    assert first.label == boat
    assert first.before == pytest.approx(float((base + 1.25).sigmoid()), abs=1e-6)
    assert first.after == pytest.approx(float((base + 3.0).sigmoid()), abs=1e-6)
    assert beach not in {row.label for row in others}, "what is known is no guess"
    assert all(row.before == row.after == pytest.approx(0.25) for row in others)
    assert chances_alone(graph, dog, [Edit(beach, boat, 3.0)])[0].before == pytest.approx(0.25), (
        "the dog's are the same"
    )


def test_the_labels_of_a_query_and_the_ranking_are_those_of_a_search_with_the_edited_graph(
    service: RetrievalService, graph: LabelGraph
) -> None:
    beach, boat = numbers(service, "beach", "boat")
    edits = [Edit(beach, boat, -4.0), Edit(beach, boat, 4.0)]
    point = service.search(Query(text="a red thing near the water")).point
    sayings = sayings_of(service, graph, edits, point)
    scale = service.bundle.probabilities["text"]
    logits = scale.logits(service.predictor.scores(point.embedding))
    edges = graph.directed.edges.clone()
    edges[beach, boat] = 4.0
    expected = with_known(logits, torch.eye(6)[beach][None], edges).sigmoid()[0]
    told = {row.label: row for row in sayings.query}
    assert sayings.known == beach
    assert told[boat].after == pytest.approx(float(expected[boat]), abs=1e-5)
    assert told[boat].after > told[boat].before

    graphs = graph.directed, graph.directed._replace(counted=torch.zeros(6, 6), change=edges)
    ranks, written = [], Written(service.gallery, [service.bundle.label_set])
    for directed in graphs:
        predictor = LabelPredictor(service.bundle.with_directed_graph(directed))
        ranker = Ranker(service.gallery, predictor, service.bundle.ranking, OwnLabels(), written)
        ranks.append(found_ranks(service, ranker, predictor))
    before, after = ranks
    assert {place.item: (place.before, place.after) for place in sayings.order.first} == {
        item: (before[item], after[item]) for item in before
    }
    moved = {item for item in before if before[item] != after[item]}
    assert {place.item for place in sayings.order.moved} == moved
    assert (sayings.order.moved_count, sayings.order.of) == (len(moved), 6)
    assert sayings.order.known == sum(bool(item.labels) for item in service.gallery.items)


def found_ranks(service: RetrievalService, ranker: Ranker, predictor: LabelPredictor) -> dict[int, int]:
    """The rank of every picture in the program's own search."""
    from app.search.parse import parse_query
    from app.search.reading import Reader

    query = Query(text="a red thing near the water")
    reader = Reader(service.bundle, service.encoder, predictor, OwnLabels())
    parsed = parse_query(query, reader, service.gallery, predictor, service.bundle.ranking, OwnLabels())
    pictures, _ = ranker.answer(parsed, "ranking", None)
    return {hit.item: hit.rank for hit in pictures.hits}


def test_a_search_for_what_the_edge_is_about_moves_the_pictures_that_say_it(
    service: RetrievalService, graph: LabelGraph
) -> None:
    beach, boat = numbers(service, "beach", "boat")
    point = service.search(Query(text="boat")).point
    order = sayings_of(service, graph, [Edit(beach, boat, -4.0)], point).order
    assert order.moved
    has_beach = {number for number, item in enumerate(service.gallery.items) if "beach" in (item.labels or ())}
    assert any(place.item in has_beach and place.after > place.before for place in order.moved)


def test_without_a_query_or_probabilities_the_labels_alone_are_told(
    service: RetrievalService, graph: LabelGraph, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sayings_of(service, graph, [Edit(0, 1, 1.0)]).query is None
    monkeypatch.setattr(service.bundle, "probabilities", {})
    point = QueryPoint("a boat", "image", service.gallery.image_embeddings[:1], service.gallery.image_features[:1])
    found = sayings_of(service, graph, [Edit(0, 1, 1.0)], point)
    assert (found.query, found.order) == (None, None)
    assert found.alone


def test_nothing_of_an_edit_is_kept(service: RetrievalService, graph: LabelGraph) -> None:
    point = service.search(Query(text="boat")).point
    before = graph.directed.edges.clone()
    sayings_of(service, graph, [Edit(0, 1, 4.0)], point)
    assert torch.equal(service.bundle.directed_graph.edges, before)
    assert torch.equal(graph.directed.edges, before)


def test_answers_are_plain_json(service: RetrievalService, graph: LabelGraph) -> None:
    sent = json.loads(json.dumps(graph_value(graph, "picture")))
    assert (sent["edited"], sent["weights"], sent["is_beside"]) == ("directed", [-4, 4], True)
    edits = (Edit(0, 1, 4.0),)
    point = service.search(Query(text="boat")).point
    sent = json.loads(json.dumps(sayings_value(edits, sayings_of(service, graph, edits, point), point.words, 3)))
    assert (sent["edits"], sent["effect"]["known"], sent["effect"]["query"]) == ([[0, 1, 4.0]], 0, "boat")
    assert len(sent["effect"]["order"]["first"]) == 6
    details = label_details(service, 0, service.bundle.model.classifiers().detach())
    assert label_value(details, False, 1)["known"] is None
    assert len(label_value(details, False, 1, chances_alone(graph, 0, edits))["known"]) == 5


def test_programs_are_told_who_says_what(endpoints: dict[str, Any]) -> None:
    answer = endpoints["label_graph"]("directed", -1, 1.0)
    assert answer["edges"] == [
        {
            "source": "beach",
            "target": "boat",
            "weight": 1.25,
            "counted": 1.0,
            "learned": 0.25,
            "words": "beach says +1.25 about boat (odds × 3.5)",
        }
    ]
    found = endpoints["label_neighbours"]("boat", "directed", 5)
    assert [row["label"] for row in found["receives_from"]] == ["beach", "dog"]
    assert found["receives_from"][1] == {"label": "dog", "weight": -0.75, "counted": 0.0, "learned": -0.75}
    described = endpoints["describe_graph"]()
    assert "is of mode plus, whose classifiers no graph makes" in described["description"]
    assert "What makes others likelier: beach says +1.25 about boat (odds × 3.5)." in described["description"]
    assert "What makes others less likely: dog says -0.75 about boat (odds × 0.47)." in described["description"]
    assert (described["edges"]["directed"], len(described["said"])) == (2, 2)


def test_programs_may_ask_what_an_edit_changes(endpoints: dict[str, Any]) -> None:
    for stage in ("", "directed"):
        answer = endpoints["edit_edge"]("dog", "boat", 2.0, stage)
        assert answer["edit"] == "dog says +2 about boat instead of -0.7500"
        assert (answer["stage"], answer["weight_before"], answer["weight_after"]) == ("directed", -0.75, 2.0)
        assert answer["where_the_source_is_known"][0]["label"] == "boat"
    with pytest.raises(
        InputError, match=r"does not depend on the edges of the stage 'adaptive'; edit those of 'directed'"
    ):
        endpoints["edit_edge"]("dog", "boat", 2.0, "adaptive")
    with pytest.raises(InputError, match="There is no stage 'nothing'"):
        endpoints["edit_edge"]("dog", "boat", 2.0, "nothing")
