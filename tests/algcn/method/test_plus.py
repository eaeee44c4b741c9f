"""Mode "plus": its losses against plain NumPy, its gradients, and the ALGCN that a net is folded into."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from algcn.method.config import LEAST_STEPS, ModelConfig, TrainConfig
from algcn.method.plus import (
    BATCH,
    EPOCHS,
    TEMPERATURE,
    PlusNet,
    PlusSettings,
    contrastive_loss,
    likelihood_loss,
    plus_config,
    plus_loss,
)

SIZES = ModelConfig(image_dim=7, text_dim=5, num_labels=4, common_dim=6)


@pytest.fixture
def batch() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    labels = (torch.rand(9, 4, generator=generator) < 0.4).to(torch.uint8)
    labels[0] = torch.tensor([0, 0, 0, 1])
    labels[1:, 3] = 0  # the first shares its label with nobody
    return {
        "image": 3 + 2 * torch.randn(9, 7, generator=generator),
        "text": torch.rand(9, 5, generator=generator) - 4,
        "labels": labels,
    }


@pytest.fixture
def net(batch: dict[str, torch.Tensor]) -> PlusNet:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return PlusNet(SIZES, batch["image"], batch["text"], batch["labels"])


def _contrast(asked: np.ndarray, offered: np.ndarray, labels: np.ndarray, within: bool) -> float:
    """SupCon, item by item."""
    losses = []
    for i, mine in enumerate(asked):
        others = [j for j in range(len(offered)) if not (within and j == i)]
        cosines = {
            j: float(mine @ offered[j] / np.linalg.norm(mine) / np.linalg.norm(offered[j])) / TEMPERATURE
            for j in others
        }
        whole = math.log(sum(math.exp(value) for value in cosines.values()))
        wanted = [j for j in others if (labels[i] * labels[j]).any() or (j == i and not within)]
        if wanted:
            losses.append(-sum(cosines[j] - whole for j in wanted) / len(wanted))
        else:
            assert within
    return sum(losses) / len(losses)


def test_the_contrastive_loss_is_that_of_plain_numpy(batch: dict[str, torch.Tensor], net: PlusNet) -> None:
    output = net(batch["image"], batch["text"])
    image, text = (side.detach().double().numpy() + 0.1 for side in (output.image, output.text))
    labels = batch["labels"].numpy()
    expected = 0.5 * (
        _contrast(image, text, labels, within=False)
        + _contrast(text, image, labels, within=False)
        + _contrast(image, image, labels, within=True)
        + _contrast(text, text, labels, within=True)
    )
    found = contrastive_loss(torch.tensor(image), torch.tensor(text), batch["labels"])
    assert float(found) == pytest.approx(expected, rel=1e-9)


def test_the_likelihood_is_that_of_plain_numpy() -> None:
    generator = torch.Generator().manual_seed(0)
    image, text = torch.randn(2, 6, 3, generator=generator, dtype=torch.float64)
    labels = torch.rand(6, 3, generator=generator, dtype=torch.float64)  # probabilities, where some were imputed

    def entropy(logits: torch.Tensor) -> float:
        chance = 1 / (1 + np.exp(-logits.numpy()))
        truth = labels.numpy()
        return -(truth * np.log(chance) + (1 - truth) * np.log(1 - chance)).sum(axis=1).mean()

    expected = (entropy(image) + entropy(text)) / 2
    assert float(likelihood_loss(image, text, labels)) == pytest.approx(expected)


def test_the_total_is_the_weighted_sum_and_reaches_every_parameter(
    batch: dict[str, torch.Tensor], net: PlusNet
) -> None:
    settings = PlusSettings(likelihood=2.0, classification=0.5, contrast=3.0)
    losses = plus_loss(net(batch["image"], batch["text"]), batch["labels"], settings)
    parts = 2 * losses.likelihood + 0.5 * losses.classification + 3 * losses.contrast
    assert losses.total.item() == pytest.approx(parts.item())
    losses.total.backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name
    soft = batch["labels"].float() * 0.9 + 0.01
    assert plus_loss(net(batch["image"], batch["text"]), soft).total.isfinite()


def test_folded_it_is_an_ordinary_model(batch: dict[str, torch.Tensor], net: PlusNet) -> None:
    model = net.folded()
    assert not model.config.use_gcn and not model.training
    for ours, theirs in (
        (net.embed_image(batch["image"]), model.embed_image(batch["image"])),
        (net.embed_text(batch["text"]), model.embed_text(batch["text"])),
        (net.classifiers(), model.classifiers()),
    ):
        torch.testing.assert_close(theirs, ours, atol=1e-5, rtol=1e-5)
    output, expected = model(batch["image"], batch["text"]), net(batch["image"], batch["text"])
    torch.testing.assert_close(output.image_scores, expected.image_scores, atol=1e-5, rtol=1e-5)


def test_features_are_standardised_and_dropout_keeps_their_mean(net: PlusNet, batch: dict[str, torch.Tensor]) -> None:
    standard = (batch["image"] - net.image.mean) / net.image.size
    assert standard.mean(dim=0).abs().max() < 1e-5 and float(standard.square().mean()) == pytest.approx(1, abs=1e-4)
    kept = torch.ones(9, 7)
    whole = net.image.linear(standard / (1 - net.settings.dropout)).relu()
    torch.testing.assert_close(net.embed_image(batch["image"], kept), whole)
    nothing = net.image.linear.bias.relu().expand(9, -1)
    torch.testing.assert_close(net.embed_image(batch["image"], torch.zeros(9, 7)), nothing)


@pytest.mark.parametrize(("items", "epochs", "batch"), [(300, 200, BATCH), (22_000, EPOCHS, BATCH), (20, 400, 20)])
def test_the_settings_come_from_how_many_items_there_are(items: int, epochs: int, batch: int) -> None:
    config = plus_config(items, seed=5)
    assert (config.mode, config.seed, config.epochs, config.batch_size) == ("plus", 5, epochs, batch)
    assert config.epochs * math.ceil(items / config.batch_size) >= LEAST_STEPS
    assert plus_config(items, epochs=3).epochs == 3
    assert plus_config(300, batch_size=10).epochs == math.ceil(LEAST_STEPS / 30)
    assert TrainConfig.from_dict(config.to_dict()) == config
