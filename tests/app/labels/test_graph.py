"""The label graph by stage and epoch, on toy graphs that are not symmetric: a transposed matrix fails here."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from algcn.datasets.image_folder import Item
from algcn.evaluation.record import Record
from algcn.evaluation.results import Both, SplitResult
from algcn.kit.errors import InputError
from algcn.method.config import ModelConfig, TrainConfig
from algcn.method.graph import label_prior
from algcn.method.labels import Label, LabelSet
from algcn.method.model import ALGCN
from app.kit.cache import Cache
from app.labels.describe import description_answer, edit_answer, graph_answer, neighbours_answer
from app.labels.graph import STAGES, LabelGraph, label_graph_of

SKY, SEA, CAR = 0, 1, 2
# The sea is never without sky (4 of 4), the sky has the sea in 4 of 10; the car is alone.
LABELS = torch.tensor([[1, 1, 0]] * 4 + [[1, 0, 0]] * 6 + [[0, 0, 1]] * 3, dtype=torch.uint8)
CONFIG = ModelConfig(image_dim=6, text_dim=6, num_labels=3, common_dim=8, label_dim=4)


def toy(history: bool = True, **changes: Any) -> SimpleNamespace:
    """As much of a service as the label graph looks at.

    The model's sky sends to its sea by the prior, and its car learned to send to its sky.
    """
    torch.manual_seed(0)
    model = ALGCN(CONFIG.replace(**changes), label_prior(LABELS, threshold=0.5))
    steps = torch.zeros(3, 3, 3)
    if model.config.use_gcn and model.config.adaptive:
        # γ is 0.5: D is twice what is added. Row sends to column.
        steps[1, CAR, SKY], steps[1, SKY, SEA] = 0.25, -0.25
        steps[2, CAR, SKY], steps[2, SKY, SEA], steps[2, SEA, CAR] = 0.75, 0.25, -0.5
        with torch.no_grad():
            model.label.learned_change.copy_(2 * steps[2])
    model.eval()
    names = LabelSet([Label("sky", "nature"), Label("sea", "nature"), Label("car", "transport")])
    rows = [
        tuple(label for label, has in zip(("Sky", "sea", "car"), row, strict=True) if has) for row in LABELS.tolist()
    ]
    items = [Item(f"{number}.png", (), row) for number, row in enumerate([*rows, None, ("unheard of",)])]
    bundle = SimpleNamespace(
        model=model,
        paper_model=model,
        directed_graph=None,
        label_set=names,
        history={"learned_change": steps} if history else None,
        training=TrainConfig(threshold=0.5),
        record=Record(test=SplitResult(images=4, texts=4, per_label=Both({"sky": 0.5}, {"sky": 0.7}))),
        thresholds={},
    )
    return SimpleNamespace(bundle=bundle, gallery=SimpleNamespace(items=items), cache=Cache())


@pytest.fixture(scope="module")
def service() -> SimpleNamespace:
    return toy()


@pytest.fixture(scope="module")
def graph(service: SimpleNamespace) -> LabelGraph:
    return label_graph_of(service)


def pairs(graph: LabelGraph, *arguments: Any) -> dict[tuple[int, int], float]:
    return {(edge.source, edge.target): round(edge.weight, 4) for edge in graph.edges(*arguments)}


def test_a_label_is_sent_to_by_those_it_implies(graph: LabelGraph) -> None:
    """P(sky | sea) = 1, so sky sends to sea; P(sea | sky) = 0.4 stays below the threshold."""
    assert pairs(graph, "prior") == {(SKY, SEA): 0.5}


def test_every_stage_reads_in_the_same_direction(graph: LabelGraph) -> None:
    assert pairs(graph, "cooccurrence") == {(SKY, SEA): 1.0, (SEA, SKY): 0.4}
    assert pairs(graph, "learned_change") == {(CAR, SKY): 0.75, (SEA, CAR): -0.5, (SKY, SEA): 0.25}
    assert pairs(graph, "adaptive") == {(SKY, SEA): 0.75, (CAR, SKY): 0.75}
    assert pairs(graph, "difference") == {(CAR, SKY): 0.75, (SKY, SEA): 0.25}
    assert set(pairs(graph, "normalised")) == {(SKY, SEA), (CAR, SKY)}


def test_normalised_is_what_the_convolution_gathers(service: SimpleNamespace, graph: LabelGraph) -> None:
    """In the model's own product Â H, the row of the sea takes from the sky, and the row of the sky nothing from it."""
    adjacency = service.bundle.model.adjacency()
    gathered = adjacency @ torch.eye(3)
    sends = graph.weights("normalised")
    assert gathered[SEA, SKY] > 0
    assert gathered[SKY, SEA] == 0
    assert sends[SKY, SEA] == gathered[SEA, SKY]
    assert sends[CAR, SKY] == gathered[SKY, CAR] > 0


def test_what_a_label_sends_changes_the_classifier_that_receives(graph: LabelGraph) -> None:
    """Directions held against the model: with one convolution, only the car and those it sends to can feel it."""
    adaptive = graph.adaptive()
    one_layer = ALGCN(CONFIG.replace(gcn_layers=1), graph.prior).eval()
    changed = adaptive.clone()
    changed[CAR, CAR] += 1.0
    moved = (one_layer.classifiers(changed) - one_layer.classifiers(adaptive)).abs().amax(dim=1) > 1e-6
    assert moved.tolist() == [True, False, True]


def test_epochs_are_the_histories(graph: LabelGraph) -> None:
    assert graph.epochs == (0, 1, 2)
    assert graph.model_epoch == 2
    assert pairs(graph, "adaptive", 0) == {(SKY, SEA): 0.5}
    assert pairs(graph, "adaptive", 1) == {(SKY, SEA): 0.25, (CAR, SKY): 0.25}
    assert pairs(graph, "adaptive", -1) == pairs(graph, "adaptive", 2) == pairs(graph, "adaptive")
    assert pairs(graph, "difference", 1) == {(SKY, SEA): -0.25, (CAR, SKY): 0.25}


def test_a_threshold_hides_by_magnitude_and_lets_its_own_value_pass(graph: LabelGraph) -> None:
    assert pairs(graph, "learned_change", -1, 0.5) == {(CAR, SKY): 0.75, (SEA, CAR): -0.5}
    assert pairs(graph, "cooccurrence", -1, 0.4) == {(SKY, SEA): 1.0, (SEA, SKY): 0.4}
    assert [edge.weight for edge in graph.edges("cooccurrence")] == pytest.approx([1.0, 0.4])


def test_counts_are_those_of_the_gallery(graph: LabelGraph) -> None:
    assert graph.support == [10, 4, 3]
    assert graph.counts.tolist() == [[10, 4, 0], [4, 4, 0], [0, 0, 3]]
    assert graph.pictures == 14, "one of the fifteen says nothing about its labels"


def test_a_model_picked_on_validation_is_at_its_own_epoch() -> None:
    service = toy()
    with torch.no_grad():
        service.bundle.model.label.learned_change.copy_(2 * service.bundle.history["learned_change"][1])
    graph = label_graph_of(service)
    assert graph.model_epoch == 1
    assert pairs(graph, "adaptive") == {(SKY, SEA): 0.25, (CAR, SKY): 0.25}


def test_a_history_of_something_else_is_followed_by_the_model() -> None:
    service = toy()
    with torch.no_grad():
        service.bundle.model.label.learned_change.fill_(0.125)
    graph = label_graph_of(service)
    assert graph.epochs == (0, 1, 2, 3)
    assert graph.model_epoch == 3
    assert pairs(graph, "adaptive")[SKY, SEA] == 0.5625


def test_without_a_history_there_is_the_model() -> None:
    graph = label_graph_of(toy(history=False))
    assert graph.epochs == (0,)
    assert pairs(graph, "adaptive") == {(SKY, SEA): 0.75, (CAR, SKY): 0.75}


@pytest.mark.parametrize(
    ("changes", "words"), [({"adaptive": False}, "not learned"), ({"use_gcn": False}, "without a")]
)
def test_a_model_that_learned_no_graph_says_so(changes: dict[str, bool], words: str) -> None:
    service = toy(history=False, **changes)
    graph = label_graph_of(service)
    assert not graph.learns
    assert words in description_answer(service)["description"]
    if graph.has_gcn:
        assert graph.edges("learned_change") == graph.edges("difference") == []
        assert pairs(graph, "adaptive") == pairs(graph, "prior")
    else:
        assert graph.stages == ("cooccurrence", "prior")
        assert graph.edited_stage is None
        with pytest.raises(
            InputError, match=r"^There is no stage 'adaptive' with this model and this gallery; there are"
        ):
            graph.edges("adaptive")


def test_a_graph_is_read_once_for_each_service(service: SimpleNamespace, graph: LabelGraph) -> None:
    assert label_graph_of(service) is graph
    assert label_graph_of(toy()) is not graph


@pytest.mark.parametrize("stage", ["", "Prior", "adaptive ", "nothing"])
def test_an_unknown_stage_lists_those_there_are(graph: LabelGraph, stage: str) -> None:
    with pytest.raises(InputError, match=", ".join(STAGES)):
        graph.weights(stage)


@pytest.mark.parametrize("epoch", [3, -2, 0.5, "1", None, True, float("nan"), float("inf")])
def test_an_unknown_epoch_is_one_sentence(graph: LabelGraph, epoch: Any) -> None:
    with pytest.raises(InputError, match=r"^The epoch must be one of 0 to 2, or -1 for the model as it is, not "):
        graph.check_epoch(epoch)


@pytest.mark.parametrize("threshold", [-0.1, float("nan"), float("inf"), "0.1", None, True])
def test_a_threshold_that_is_none_is_one_sentence(graph: LabelGraph, threshold: Any) -> None:
    with pytest.raises(InputError, match=r"^The threshold must be a number of at least 0, not "):
        graph.edges("adaptive", -1, threshold)


def test_programs_are_told_directions_in_words(service: SimpleNamespace) -> None:
    answer = graph_answer(service, "adaptive", -1, 0.1)
    assert answer["edges"][0]["words"] in ("sky sends to sea 0.75", "car sends to sky 0.75")
    assert {(edge["source"], edge["target"]) for edge in answer["edges"]} == {("sky", "sea"), ("car", "sky")}
    assert answer["epoch"] == 2
    assert answer["epochs"] == 3
    assert answer["summary"] == "2 edges of at least 0.1."


def test_programs_are_told_who_receives_and_who_sends(service: SimpleNamespace) -> None:
    answer = neighbours_answer(service, "SKY", "adaptive", 10)
    assert answer["receives_from"] == [{"label": "car", "weight": 0.75}]
    assert answer["sends_to"] == [{"label": "sea", "weight": 0.75}]
    assert answer["average_precision"] == {"image_to_text": 0.5, "text_to_image": 0.7}
    assert answer["gallery_support"] == 10
    with pytest.raises(InputError, match=r"There is no label 'skyy'. Did you mean 'sky'"):
        neighbours_answer(service, "skyy", "adaptive", 10)


def test_the_description_is_the_graph_in_sentences(service: SimpleNamespace) -> None:
    text = description_answer(service)["description"]
    assert "3 labels in 2 groups: nature, transport." in text
    assert "Its prior has 1 edge between different labels." in text
    assert "Most strengthened: car sends to sky +0.75 (0.00 to 0.75); sky sends to sea +0.25 (0.50 to 0.75)." in text
    assert "Strongest edges that the prior did not have: car sends to sky 0.75." in text


def test_a_what_if_is_told_and_not_kept(service: SimpleNamespace, graph: LabelGraph) -> None:
    before = service.bundle.model.classifiers()
    answer = edit_answer(service, "car", "sea", 1.5)
    assert answer["edit"] == "car sends 1.5 to sea instead of 0.0000"
    assert answer["moved_most"][0]["label"] == "sea"
    assert torch.equal(service.bundle.model.classifiers(), before)
    assert pairs(graph, "adaptive") == {(SKY, SEA): 0.75, (CAR, SKY): 0.75}


def test_the_real_bundle_is_read_as_its_card_says() -> None:
    from algcn.bundles.bundle import Bundle

    bundle = Bundle.load(Path(__file__).resolve().parents[3] / "weights" / "pocket")
    graph = LabelGraph.of(bundle, SimpleNamespace(items=[]))
    names = {name: number for number, name in enumerate(graph.names)}
    prior = pairs(graph, "prior")
    # Whoever skis is in the snow, and most pictures of anything have a person, not the other way round.
    assert (names["snow"], names["skiing"]) in prior
    assert (names["person"], names["umbrella"]) in prior
    assert (names["umbrella"], names["person"]) not in prior
    stages = bundle.paper_model.label_graph()
    assert torch.equal(graph.weights("adaptive"), stages["adaptive"])
    assert torch.equal(graph.weights("normalised"), stages["normalised"].T)
    assert graph.model_epoch == len(graph.epochs) - 1 == 20
    assert graph.pictures == 0
    assert "cooccurrence" not in graph.stages
