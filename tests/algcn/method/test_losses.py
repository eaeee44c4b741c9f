import math

import pytest
import torch

from algcn.method.config import ModelConfig, TrainConfig
from algcn.method.losses import (
    algcn_loss,
    classification_loss,
    half_cosine,
    invariance_loss,
    self_supervision_loss,
    self_supervision_targets,
)
from algcn.method.model import ALGCN


def test_classification_is_the_mean_norm_not_squared() -> None:
    labels = torch.tensor([[1, 0], [0, 1]], dtype=torch.uint8)
    image = torch.tensor([[1.0, 3.0], [0.0, 1.0]])  # distances 3 and 0
    text = torch.tensor([[4.0, 4.0], [0.0, 0.0]])  # distances 5 and 1
    assert classification_loss(image, text, labels).item() == pytest.approx(1.5 + 3.0)


def test_half_cosine_stays_below_one_half() -> None:
    features = torch.rand(6, 4)
    theta = half_cosine(features, features)
    torch.testing.assert_close(theta.diagonal(), torch.full((6,), 0.5))
    assert (theta >= 0).all() and (theta <= 0.5 + 1e-6).all()


def test_invariance_by_hand_counts_shared_labels() -> None:
    image, text = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 2.0]])
    labels = torch.tensor([[1, 1, 0]])  # the item shares 2 labels with itself; θ is 0.5, 0 and 0.5
    same, apart = math.log(1 + math.exp(0.5)) - 2 * 0.5, math.log(2)
    assert invariance_loss(image, text, labels).item() == pytest.approx(2 * same + apart)


def test_small_integer_labels_do_not_overflow() -> None:
    labels = torch.ones(1, 300, dtype=torch.uint8)
    features = torch.tensor([[1.0, 0.0]])
    expected = 3 * (math.log(1 + math.exp(0.5)) - 300 * 0.5)
    assert invariance_loss(features, features, labels).item() == pytest.approx(expected)


def test_self_supervision_without_and_with_certain_noise() -> None:
    adjacency, prior = torch.tensor([[0.75, 0.0], [0.5, 1.0]]), torch.tensor([[1.0, 0.0], [0.25, 1.0]])
    # Targets are capped at 0.5: without noise [[.5, 0], [.25, .5]], with a bit everywhere all .5.
    quiet = (0.25**2 + 0 + 0.25**2 + 0.5**2) / 4
    loud = (0.25**2 + 0.5**2 + 0 + 0.5**2) / 4
    certain, everywhere = self_supervision_targets(prior, noise=0.0), self_supervision_targets(prior, 2, noise=1.0)
    assert self_supervision_loss(adjacency, certain).item() == pytest.approx(3 * quiet)
    assert self_supervision_loss(adjacency, everywhere).item() == pytest.approx(2 * loud)


def test_noise_is_drawn_anew_for_each_layer() -> None:
    adjacency, prior = torch.zeros(40, 40), torch.zeros(40, 40)

    def loss(layers: int) -> float:
        generator = torch.Generator().manual_seed(3)
        return self_supervision_loss(adjacency, self_supervision_targets(prior, layers, 0.5, generator)).item()

    assert loss(1) == loss(1)
    assert loss(2) != pytest.approx(2 * loss(1), rel=1e-6)
    assert loss(2) == pytest.approx(2 * loss(1), rel=0.2)


@pytest.fixture
def batch() -> tuple[ALGCN, torch.Tensor, torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    model = ALGCN(ModelConfig(10, 6, 4, common_dim=16, label_dim=5), torch.eye(4))
    return model, torch.randn(8, 10), torch.randn(8, 6), (torch.rand(8, 4) < 0.5).to(torch.uint8)


def test_the_total_is_the_weighted_sum_of_the_parts(batch) -> None:
    model, image, text, labels = batch
    config = TrainConfig(invariance_weight=0.3, self_supervision_weight=0.7, noise=0.0)
    losses = algcn_loss(model(image, text), labels, model.prior, config)
    expected = losses.classification + 0.3 * losses.invariance + 0.7 * losses.self_supervision
    torch.testing.assert_close(losses.total, expected)
    single = algcn_loss(model(image, text), labels, model.prior, config, layers=1)
    torch.testing.assert_close(losses.self_supervision, 3 * single.self_supervision)


def test_without_the_gcn_there_is_nothing_to_supervise(batch) -> None:
    _, image, text, labels = batch
    model = ALGCN(ModelConfig(10, 6, 4, common_dim=16, use_gcn=False), torch.eye(4))
    losses = algcn_loss(model(image, text), labels, model.prior, TrainConfig())
    assert losses.self_supervision.item() == 0
    torch.testing.assert_close(losses.total, losses.classification + 0.2 * losses.invariance)


def test_gradients_stay_finite_for_items_without_labels_or_direction(batch) -> None:
    model, image, text, labels = batch
    labels[0] = 0
    with torch.no_grad():
        model.instance.image.bias.fill_(-1)
    image[1] = 0  # its embedding is ReLU(-1) = 0 everywhere
    losses = algcn_loss(model(image, text), labels, model.prior, TrainConfig())
    losses.total.backward()
    assert torch.isfinite(losses.total)
    for name, parameter in model.named_parameters():
        assert torch.isfinite(parameter.grad).all(), name
