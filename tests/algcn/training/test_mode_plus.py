"""Mode "plus" in the loop: it learns, ends the same after a stop and a resume, and takes imputed labels."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from algcn.evaluation.retrieval import chance, embed, retrieval_map
from algcn.kit.errors import InputError
from algcn.method.plus import plus_config
from algcn.training import loop
from algcn.training.loop import TrainResult, default_sizes, train_algcn


@pytest.fixture(scope="module")
def features(make_features):
    return make_features(200)


def _train(features, epochs: int = 4, **arguments) -> TrainResult:
    config = plus_config(120, **{"epochs": epochs, "batch_size": 32, "learning_rate": 2e-3})
    sizes = default_sizes(features, "plus").replace(common_dim=16)
    return train_algcn(features, config, model_config=sizes, **arguments)


def _same(one: TrainResult, other: TrainResult) -> bool:
    ours, theirs = one.model.state_dict(), other.model.state_dict()
    logs = [[dataclasses.replace(entry, seconds=0.0) for entry in run.log] for run in (one, other)]
    return all(torch.equal(ours[name], theirs[name]) for name in ours) and logs[0] == logs[1]


def test_it_learns_and_gives_an_ordinary_model(features) -> None:
    result = _train(features, 40)
    test = embed(features.select("test"), result.model)
    assert retrieval_map(test)["average"] > chance(test) + 0.12
    assert result.log[-1].losses["total"] < result.log[0].losses["total"]
    assert set(result.log[0].losses) == {"likelihood", "classification", "contrast", "total"}
    assert not result.model.config.use_gcn and result.history == {}
    validation = retrieval_map(embed(features.select("validation"), result.model))["average"]
    assert validation == pytest.approx(max(entry.map["average"] for entry in result.log), abs=1e-4)
    assert set(result.probabilities) == {"image", "text"} and result.ranking.weights.labels > 0


def test_stopped_and_resumed_it_ends_bit_equal(features, tmp_path) -> None:
    class Killed(Exception):
        pass

    def kill(report, _) -> None:
        if report.epoch == 2:
            raise Killed

    whole, checkpoint = _train(features), tmp_path / "checkpoint.safetensors"
    with pytest.raises(Killed):
        _train(features, on_epoch=kill, checkpoint=checkpoint)
    with pytest.raises(InputError, match="other data or settings"):
        _train(features, 5, checkpoint=checkpoint, resume=True)
    epochs: list[int] = []
    resumed = _train(
        features, checkpoint=checkpoint, resume=True, on_epoch=lambda report, _: epochs.append(report.epoch)
    )
    assert epochs == [3, 4] and _same(whole, resumed)


def test_a_stop_keeps_the_best_epoch_so_far(features) -> None:
    asked: list[None] = []

    def should_stop() -> bool:
        asked.append(None)
        return len(asked) > 9  # four steps an epoch: in the third

    stopped = _train(features, should_stop=should_stop)
    assert [entry.epoch for entry in stopped.log] == [1, 2]


def test_imputed_labels_are_what_is_trained_on(features) -> None:
    rows = len(features.select("train"))
    labels = features.select("train").labels.float()
    same = _train(features, 2, soft_labels=labels)
    assert _same(same, _train(features, 2))
    half = torch.where(labels > 0, labels, 0.3)
    other = _train(features, 2, soft_labels=half, soft_validation=features.select("validation").labels * 0.5)
    assert not _same(same, other)
    # Half of every probability is what the validation split's labels say now.
    for modality, scale in other.probabilities.items():
        assert scale.intercept.mean() < same.probabilities[modality].intercept.mean()
    with pytest.raises(InputError, match=f"3 rows of labels for {rows} training rows"):
        _train(features, soft_labels=half[:3])
    empty = half.clone()
    empty[:5] = 0
    kept = features.rows([row for row in range(len(features)) if row not in _first_training_rows(features, 5)])
    left_out = _train(features, 1, soft_labels=empty)
    without = _train(kept, 1, soft_labels=half[5:])
    assert left_out.log[0].losses == without.log[0].losses


def _first_training_rows(features, count: int) -> list[int]:
    return [row for row, name in enumerate(features.split) if name == "train"][:count]


def test_what_mode_plus_cannot_do_is_said(features) -> None:
    with pytest.raises(InputError, match="lower learning rate"):
        train_algcn(features, plus_config(120, epochs=2, learning_rate=1e30, batch_size=60))
    assert loop.with_validation(features, 0, "validation") is features
