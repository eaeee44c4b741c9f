"""What the browser is sent of a label graph, and what programs get from the tab's endpoints."""

from __future__ import annotations

import base64
import dataclasses
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from algcn.kit.errors import InputError
from app.api import labels as api_labels
from app.components.label_graph import MAX_LABELS, _epochs, edits_value, first_threshold, graph_value, label_value
from app.labels.details import label_details
from app.labels.edits import Edit, edited_classifiers, effect_of
from app.labels.graph import LabelGraph, label_graph_of
from app.search.query import QueryPoint
from app.service import RetrievalService, load_service


@pytest.fixture(scope="module")
def service(tiny_bundle_dir: Path, tiny_gallery_dir: Path) -> RetrievalService:
    return load_service(tiny_bundle_dir, tiny_gallery_dir)


@pytest.fixture(scope="module")
def graph(service: RetrievalService) -> LabelGraph:
    return label_graph_of(service)


@pytest.fixture(scope="module")
def endpoints(service: RetrievalService) -> dict[str, Any]:
    program = SimpleNamespace(named_service=lambda: service)
    return {function.__name__: function for function in api_labels.api(program)}


def unpacked(sent: dict[str, Any]) -> np.ndarray:
    kind = {16: "<i2", 32: "<i4"}[sent["bits"]]
    return np.frombuffer(base64.b64decode(sent["data"]), kind) * sent["scale"]


def test_the_browser_gets_every_matrix_as_it_is(graph: LabelGraph) -> None:
    sent = json.loads(json.dumps(graph_value(graph, "picture/gallery")))
    change = graph.learned_change.numpy()
    assert np.abs(unpacked(sent["change"]).reshape(change.shape) - change).max() <= np.abs(change).max() / 60_000
    assert (unpacked(sent["prior"]).reshape(6, 6) == graph.prior.numpy()).all()
    assert (unpacked(sent["counts"]).reshape(6, 6) == graph.counts.numpy()).all()
    assert sent["order"] == graph.order
    assert len(sent["positions"]) == len(sent["names"]) == len(sent["supports"]) == 6
    assert list(sent["thresholds"]) == sent["stages"] == list(graph.stages)
    assert (sent["directed"], sent["edited"], sent["weights"]) == (None, "adaptive", [0, 2])
    assert sent["epochs"][sent["model_epoch"]] == graph.epochs[graph.model_epoch]


def test_more_labels_than_can_be_drawn_are_one_sentence(graph: LabelGraph) -> None:
    many = dataclasses.replace(graph, names=tuple(map(str, range(MAX_LABELS + 1))))
    assert graph_value(many, "")["sentence"] == "This model has 501 labels; the picture of a graph shows up to 500."


def test_many_epochs_are_thinned_but_not_the_first_the_last_or_the_models() -> None:
    assert _epochs(21, 20, 67) == list(range(21))
    chosen = _epochs(400, 123, 400)
    assert len(chosen) <= 11
    assert {0, 123, 399} <= set(chosen)
    assert chosen == sorted(chosen)


def test_a_stage_starts_with_edges_that_can_be_told_apart(graph: LabelGraph) -> None:
    for stage in graph.stages:
        edges = graph.edges(stage)
        shown = graph.edges(stage, threshold=first_threshold(graph, stage))
        assert len(shown) <= 15
        assert bool(shown) == bool(edges)


def test_answers_are_plain_json_and_never_equal(service: RetrievalService, graph: LabelGraph) -> None:
    details = label_details(service, 2, edited_classifiers(service, graph, ()))
    sent = json.loads(json.dumps(label_value(details, False, 7)))
    assert sent["serial"] == 7
    assert sent["pictures"][0][0] == details.pictures[0].item
    assert sent != label_value(details, False, 8)
    assert label_value(details, False, {"not": "a number"})["serial"] == 0
    point = QueryPoint("a boat", "text", torch.ones(1, 48), torch.ones(1, 32))
    edits = (Edit(0, 3, 2.0),)
    sent = json.loads(json.dumps(edits_value(edits, effect_of(service, graph, edits, point), point.words, 9)))
    assert sent["edits"] == [[0, 3, 2.0]]
    assert sent["effect"]["query"] == "a boat"
    assert len(sent["effect"]["predictions"]) == 6
    assert edits_value((), None, None, 1)["effect"] is None


def test_every_endpoint_answers_plain_json_and_is_described(endpoints: dict[str, Any]) -> None:
    assert list(endpoints) == ["label_graph", "label_neighbours", "describe_graph", "edit_edge"]
    answers = [
        endpoints["label_graph"]("adaptive", -1, 0.0),
        endpoints["label_neighbours"]("dog", "cooccurrence", 3),
        endpoints["describe_graph"](),
        endpoints["edit_edge"]("beach", "street", 1.0),
    ]
    assert json.loads(json.dumps(answers)) == answers
    assert answers[0]["edges"][0]["words"].count(" sends to ") == 1
    assert {edge["label"] for edge in answers[1]["receives_from"]} == {"beach"}
    assert answers[3]["edit"].startswith("beach sends 1 to street instead of 0.0")
    for function in endpoints.values():
        assert "Returns:" in function.__doc__


def test_endpoints_say_in_one_sentence_what_was_wrong(endpoints: dict[str, Any]) -> None:
    for name, arguments, sentence in (
        ("label_graph", ("nothing",), "There is no stage 'nothing'"),
        ("label_graph", ("adaptive", 4), "epoch must be one of 0 to 0"),
        ("label_neighbours", ("unicorn",), "There is no label 'unicorn'"),
        ("edit_edge", ("dog", "dog", 1.0), "An edge joins two labels"),
        ("edit_edge", ("dog", "boat", 9.0), "weight must be a number from 0 to 2"),
    ):
        with pytest.raises(InputError, match=sentence):
            endpoints[name](*arguments)
