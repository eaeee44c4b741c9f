"""The inner loop: the numbers of a plain loop, whatever makes it fast."""

from __future__ import annotations

import pytest
import torch

from algcn.kit.errors import InputError
from algcn.method.config import ModelConfig, TrainConfig
from algcn.method.graph import label_prior
from algcn.method.losses import Losses, algcn_loss
from algcn.method.model import ALGCN
from algcn.training.recipes import Rows, new_optimizer
from algcn.training.steps import Steps

CONFIG = TrainConfig(batch_size=32, learning_rate=1e-3, adaptive_lr_factor=5.0)
EPOCHS = 3
on_a_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")


@pytest.fixture(scope="module")
def rows(make_features):
    features = make_features(150)  # the last batch of an epoch is a smaller one
    return Rows(features.image_features, features.text_features, features.labels)


def _model(rows, **changes):
    sizes = ModelConfig(
        rows.image_features.shape[1], rows.text_features.shape[1], rows.labels.shape[1], common_dim=32, label_dim=8
    )
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return ALGCN(sizes.replace(**changes), label_prior(rows.labels))


def _plain(rows, config, **changes):
    """The loop as anybody would write it: torch's unfused Adam, noise drawn where it is used."""
    model = _model(rows, **changes)
    groups = model.parameter_groups(config.learning_rate, config.adaptive_lr_factor)
    optimizer = torch.optim.Adam(groups, betas=config.betas, foreach=False, fused=False)
    order, noise = torch.Generator().manual_seed(2), torch.Generator().manual_seed(3)
    means = []
    for _ in range(EPOCHS):
        parts = []
        for batch in torch.randperm(len(rows.labels), generator=order).split(config.batch_size):
            output = model(rows.image_features[batch], rows.text_features[batch])
            losses = algcn_loss(output, rows.labels[batch], model.prior, config, noise, layers=model.config.gcn_layers)
            optimizer.zero_grad()
            losses.total.backward()
            optimizer.step()
            parts.append(torch.stack(losses).detach() * len(batch))
        means.append(
            dict(zip(Losses._fields, (torch.stack(parts).sum(dim=0) / len(rows.labels)).tolist(), strict=True))
        )
    return model, means


def _fast(rows, config, *, device="cpu", capture=False, **changes):
    model = _model(rows, **changes).to(device)
    rows = Rows(*(part.to(device) for part in rows))
    order, noise = torch.Generator().manual_seed(2), torch.Generator().manual_seed(3)
    steps = Steps(model, new_optimizer(model, config), rows, config, noise, capture=capture)
    return model, [steps.epoch(torch.randperm(len(rows.labels), generator=order)) for _ in range(EPOCHS)]


def _assert_same(one, other, tolerance=1e-5):
    (first, means), (second, other_means) = one, other
    state = {name: tensor.cpu() for name, tensor in second.state_dict().items()}
    for name, tensor in first.state_dict().items():
        torch.testing.assert_close(state[name], tensor.cpu(), atol=tolerance, rtol=10 * tolerance, msg=name)
    for ours, theirs in zip(means, other_means, strict=True):
        assert ours == pytest.approx(theirs, rel=10 * tolerance)


@pytest.mark.parametrize(
    "changes",
    [{}, {"use_gcn": False}, {"adaptive": False, "gcn_layers": 2}, {"learn_label_embeddings": False}],
    ids=["paper", "without GCN", "fixed graph of two layers", "frozen embeddings"],
)
def test_the_same_as_the_plain_loop(rows, changes):
    plain, fast = _plain(rows, CONFIG, **changes), _fast(rows, CONFIG, **changes)
    _assert_same(plain, fast)
    start = _model(rows, **changes).state_dict()
    moved = [(tensor - start[name]).abs().max() for name, tensor in fast[0].state_dict().items()]
    assert max(moved) > 1e-3  # and something was learned at all


def test_the_same_when_noise_is_drawn_for_few_steps_at_once(rows, monkeypatch):
    whole = _fast(rows, CONFIG)
    monkeypatch.setattr("algcn.training.steps.BLOCK", 2)
    _assert_same(whole, _fast(rows, CONFIG), tolerance=1e-7)


def test_bf16_is_near_and_not_the_same(rows):
    exact, rounded = _fast(rows, CONFIG), _fast(rows, CONFIG.replace(precision="bf16"))
    for ours, theirs in zip(exact[1], rounded[1], strict=True):
        assert theirs == pytest.approx(ours, rel=0.02) and theirs != ours
    assert all(tensor.dtype == torch.float32 for tensor in rounded[0].state_dict().values())


def test_what_this_device_cannot_do_is_said(rows):
    with pytest.raises(InputError, match="captured on one CUDA device only"):
        _fast(rows, CONFIG, capture=True)
    with pytest.raises(InputError, match="tf32 is for NVIDIA GPUs only"):
        _fast(rows, CONFIG.replace(precision="tf32"))


def test_matrix_products_outside_keep_their_precision(rows):
    before = torch.get_float32_matmul_precision()
    _fast(rows, CONFIG)
    assert torch.get_float32_matmul_precision() == before


@on_a_gpu
@pytest.mark.parametrize("capture", [False, True])
@pytest.mark.parametrize("changes", [{}, {"use_gcn": False}], ids=["paper", "without GCN"])
def test_a_gpu_gives_what_the_plain_loop_gives(rows, capture, changes):
    fast = _fast(rows, CONFIG, device="cuda", capture=capture, **changes)
    _assert_same(_plain(rows, CONFIG, **changes), fast, tolerance=1e-4)


@on_a_gpu
@pytest.mark.parametrize("precision", ["tf32", "bf16"])
def test_fewer_bits_on_a_gpu_are_near(rows, precision):
    exact = _plain(rows, CONFIG)[1]
    rounded = _fast(rows, CONFIG.replace(precision=precision), device="cuda", capture=True)[1]
    for ours, theirs in zip(exact, rounded, strict=True):
        assert theirs == pytest.approx(ours, rel=0.02)
