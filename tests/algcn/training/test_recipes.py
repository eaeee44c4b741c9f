"""What a mode does in a step: what it draws, its optimiser, and the learning rate from the start and from half way."""

from __future__ import annotations

import pytest
import torch

from algcn.method.config import ModelConfig, TrainConfig
from algcn.method.graph import label_prior
from algcn.method.losses import Losses
from algcn.method.model import ALGCN
from algcn.method.plus import PlusLosses, PlusNet, PlusSettings, plus_config
from algcn.training.processes import Processes
from algcn.training.recipes import LARGEST_GRADIENT, Rows, new_optimizer, new_schedule, recipe_of

SIZES = ModelConfig(image_dim=6, text_dim=5, num_labels=3, common_dim=4, label_dim=4)


@pytest.fixture
def rows() -> Rows:
    generator = torch.Generator().manual_seed(0)
    labels = torch.eye(3, dtype=torch.uint8).repeat(4, 1)
    return Rows(torch.randn(12, 6, generator=generator), torch.randn(12, 5, generator=generator), labels)


def _net(rows: Rows, **settings: float) -> PlusNet:
    return PlusNet(SIZES, *rows, PlusSettings(**settings))


def test_mode_plus_draws_what_dropout_keeps(rows: Rows) -> None:
    config = plus_config(12)
    recipe = recipe_of(_net(rows, dropout=0.25), config, torch.Generator().manual_seed(4))
    assert recipe.parts == PlusLosses._fields and recipe.largest_gradient == LARGEST_GRADIENT
    drawn = list(recipe.draw([2000, 7]))
    assert [tuple(part.shape for part in masks) for masks in drawn] == [((2000, 6), (2000, 5)), ((7, 6), (7, 5))]
    assert float(drawn[0][0].float().mean()) == pytest.approx(0.75, abs=0.02)
    again = list(recipe_of(_net(rows, dropout=0.25), config, torch.Generator().manual_seed(4)).draw([2000, 7]))
    assert all(torch.equal(one, other) for one, other in zip(drawn[1], again[1], strict=True))


def test_the_loss_of_mode_plus_is_that_of_the_rows_it_names(rows: Rows) -> None:
    net = _net(rows)
    recipe = recipe_of(net, plus_config(12), torch.Generator())
    batch = torch.tensor([3, 1, 8])
    everything = (torch.ones(3, 6, dtype=torch.bool), torch.ones(3, 5, dtype=torch.bool))
    found = recipe.losses(net, rows, batch, everything, Processes())
    scaled = Rows(rows.image_features[batch], rows.text_features[batch], rows.labels[batch])
    expected = recipe.losses(net, scaled, torch.arange(3), everything, Processes())
    assert [part.item() for part in found] == pytest.approx([part.item() for part in expected])


def test_the_papers_step_is_as_it_was(rows: Rows) -> None:
    config = TrainConfig(batch_size=4)
    model = ALGCN(SIZES, label_prior(rows.labels, threshold=0.4))
    recipe = recipe_of(model, config, torch.Generator().manual_seed(1))
    assert recipe.parts == Losses._fields and recipe.largest_gradient is None
    assert [targets.shape for (targets,) in recipe.draw([4, 4])] == [(SIZES.gcn_layers, 3, 3)] * 2
    optimizer = new_optimizer(model, config)
    assert type(optimizer) is torch.optim.Adam and new_schedule(model, optimizer, config, 3, 0) is None
    without = ALGCN(SIZES.replace(use_gcn=False), label_prior(rows.labels, threshold=0.4))
    assert list(recipe_of(without, config, torch.Generator()).draw([4, 4])) == [(), ()]


def test_one_cycle_goes_on_where_a_run_was_stopped(rows: Rows) -> None:
    config = plus_config(12, epochs=5, learning_rate=0.01)
    whole, rates = new_optimizer(_net(rows), config), []
    assert type(whole) is torch.optim.AdamW
    schedule = new_schedule(_net(rows), whole, config, 4, 0)
    for _ in range(20):
        rates.append(whole.param_groups[0]["lr"])
        whole.step()
        schedule.step()
    assert max(rates) == pytest.approx(0.01, rel=0.05) and rates.index(max(rates)) in (3, 4)
    assert rates[0] < 0.001 and rates[-1] < 0.001
    resumed = new_optimizer(_net(rows), config)
    later = new_schedule(_net(rows), resumed, config, 4, 3)
    assert resumed.param_groups[0]["lr"] == rates[12] and later.last_epoch == 12
