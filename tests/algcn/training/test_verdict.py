"""What a training says of itself."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from algcn.bundles.bundle import Bundle
from algcn.evaluation.record import Record, Selection
from algcn.method.config import TrainConfig
from algcn.training.verdict import last_epoch_warning, probe_warning, record_warnings


def test_the_best_epoch_was_the_last() -> None:
    assert last_epoch_warning(20, 20, "validation").startswith("The best epoch was the last (20)")
    assert last_epoch_warning(19, 20, "validation") is None
    assert last_epoch_warning(20, 20, "last") is None  # none was picked


def test_the_probe_is_better() -> None:
    assert "(mAP 0.8830 and 0.6960)" in probe_warning(0.696, 0.883)
    assert "in mode plus" in probe_warning(0.696, 0.883)
    assert probe_warning(0.696, 0.883, "plus").endswith("; train on more pictures.")
    assert probe_warning(0.883, 0.883) is None


@pytest.mark.parametrize(("best", "warned"), [(19, 0), (20, 1)])
def test_a_bundle_says_it_by_its_own_numbers(best: int, warned: int) -> None:
    record, training = Record(selection=Selection("validation", "average mAP@all", best)), TrainConfig(epochs=20)
    assert len(record_warnings(record, training)) == warned
    assert record_warnings(record, None) == record_warnings(Record(), training) == []


def test_a_bundle_that_a_probe_beats_says_so() -> None:
    bundle = Bundle.load(Path(__file__).parents[3] / "weights" / "pocket")
    compared = bundle.record.baselines
    block = compared.first
    methods = {"algcn": block.methods["linear_probe"], "linear_probe": block.methods["algcn"]}
    beaten = dataclasses.replace(compared, relevance={"annotated labels": dataclasses.replace(block, methods=methods)})
    paper = TrainConfig(epochs=99)
    assert record_warnings(Record(baselines=compared), paper) == []
    (warning,) = record_warnings(Record(baselines=beaten), paper)
    assert warning.startswith("A linear probe is better than the model")
    assert record_warnings(Record(baselines=beaten), paper.replace(mode="plus")) == [], "it compares mode paper"
