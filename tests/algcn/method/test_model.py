import pytest
import torch

from algcn.kit.errors import InputError
from algcn.method.config import ModelConfig
from algcn.method.graph import adaptive_correlation, normalise
from algcn.method.model import ALGCN, label_scores, state_shapes

CONFIG = ModelConfig(image_dim=10, text_dim=6, num_labels=4, common_dim=16, label_dim=5)
PRIOR = torch.tensor([[1, 0.5, 0, 0], [0, 1, 0, 0.5], [0, 0, 1, 0], [0.5, 0, 0, 1]])


def build(seed: int = 0, prior: torch.Tensor | None = PRIOR, **changes: object) -> ALGCN:
    torch.manual_seed(seed)
    return ALGCN(CONFIG.replace(**changes), prior)


def batch(count: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.randn(count, 10), torch.randn(count, 6)


def test_shapes_and_ranges() -> None:
    output = build()(*batch())
    assert output.image.shape == output.text.shape == (3, 16)
    assert output.image_scores.shape == output.text_scores.shape == (3, 4)
    assert output.classifiers.shape == (4, 16)
    assert output.adjacency.shape == (4, 4)
    assert (output.image >= 0).all()
    assert (output.image_scores.abs() <= 1).all()
    assert all(tensor.dtype == torch.float32 for tensor in output)


def test_the_parts_are_those_of_the_forward_pass() -> None:
    model, (image, text) = build(), batch()
    output = model(image, text)
    torch.testing.assert_close(model.embed_image(image), output.image)
    torch.testing.assert_close(model.embed_text(text), output.text)
    torch.testing.assert_close(model.classifiers(), output.classifiers)
    torch.testing.assert_close(model.adjacency(), output.adjacency)


def test_label_graph_has_every_stage_detached() -> None:
    model = build()
    change = model.label.learned_change
    with torch.no_grad():
        change.copy_(torch.linspace(-4, 4, 16).reshape(4, 4))
    graph = model.label_graph()
    assert list(graph) == ["prior", "learned_change", "adaptive", "normalised"]
    torch.testing.assert_close(graph["learned_change"], 0.5 * change.detach())
    torch.testing.assert_close(graph["adaptive"], adaptive_correlation(PRIOR, change.detach(), 0.5))
    torch.testing.assert_close(graph["normalised"], normalise(graph["adaptive"]))
    assert not any(stage.requires_grad for stage in graph.values())
    graph["prior"].zero_()
    torch.testing.assert_close(model.prior, PRIOR)


def test_scores_are_cosines_and_zero_for_a_zero_embedding() -> None:
    scores = label_scores(torch.tensor([[3.0, 4.0], [0.0, 0.0]]), torch.tensor([[1.0, 0.0], [4.0, 3.0]]))
    torch.testing.assert_close(scores, torch.tensor([[0.6, 0.96], [0.0, 0.0]]), atol=1e-5, rtol=0)


def test_the_prior_is_saved_but_not_trained() -> None:
    model = build()
    assert "label.prior" in model.state_dict()
    assert "label.prior" not in dict(model.named_parameters())
    other = ALGCN(CONFIG)
    torch.testing.assert_close(other.prior, torch.eye(4))
    other.load_state_dict(model.state_dict())
    torch.testing.assert_close(other.prior, PRIOR)
    features = batch()
    for mine, theirs in zip(model(*features), other(*features), strict=True):
        torch.testing.assert_close(mine, theirs)


def test_without_the_gcn_the_classifiers_are_free() -> None:
    model = build(use_gcn=False)
    output = model(*batch())
    assert output.adjacency is None
    assert output.classifiers is model.label.free_classifiers
    assert {name for name, _ in model.named_parameters() if name.startswith("label.")} == {"label.free_classifiers"}
    assert len(model.parameter_groups(1e-3)) == 1
    torch.testing.assert_close(model.adjacency(), normalise(PRIOR))
    assert not model.label_graph()["learned_change"].any()


def test_without_adaptation_the_graph_is_the_prior() -> None:
    model = build(adaptive=False)
    torch.testing.assert_close(model(*batch()).adjacency, normalise(PRIOR))
    assert not any("learned_change" in name for name, _ in model.named_parameters())


def test_classifiers_of_another_graph() -> None:
    model = build()
    adaptive = model.label_graph()["adaptive"]
    assert torch.equal(model.classifiers(adaptive), model.classifiers())
    adaptive[0, 2] = 1.0
    changed = model.classifiers(adaptive)
    assert changed.shape == (4, 16)
    assert not torch.allclose(changed[2], model.classifiers()[2]), "label 2 now receives from label 0"
    other = build(prior=adaptive, adaptive=False)
    other.load_state_dict({**model.state_dict(), "label.prior": adaptive}, strict=False)
    torch.testing.assert_close(changed, other.classifiers())


def test_another_graph_that_does_not_fit_is_one_sentence() -> None:
    with pytest.raises(InputError, match="adaptive correlation must be 4 × 4"):
        build().classifiers(torch.eye(3))
    with pytest.raises(InputError, match="negative"):
        build().classifiers(-torch.eye(4))
    with pytest.raises(InputError, match="NaN"):
        build().classifiers(torch.full((4, 4), torch.nan))
    with pytest.raises(InputError, match="has no GCN"):
        build(use_gcn=False).classifiers(torch.eye(4))


def test_only_the_learned_change_is_fast() -> None:
    model = build()
    slow, fast = model.parameter_groups(1e-3, 100.0)
    assert (slow["lr"], fast["lr"]) == (1e-3, 0.1)
    assert fast["params"] == [model.label.learned_change]
    assert len(slow["params"]) == len(list(model.parameters())) - 1


def test_frozen_word_vectors() -> None:
    vectors = torch.arange(20.0).reshape(4, 5)
    model = ALGCN(CONFIG.replace(learn_label_embeddings=False), PRIOR, vectors)
    model(*batch()).image_scores.sum().backward()
    assert model.label.embeddings.grad is None
    assert all(p.requires_grad for group in model.parameter_groups(1e-3) for p in group["params"])
    torch.testing.assert_close(model.label.embeddings.detach(), vectors)


def test_learned_label_embeddings_start_at_the_word_vectors() -> None:
    vectors = torch.arange(20.0).reshape(4, 5)
    model = ALGCN(CONFIG, PRIOR, vectors)
    model(*batch()).image_scores.sum().backward()
    assert model.label.embeddings.grad.abs().sum() > 0
    assert model.label.embeddings.data_ptr() != vectors.data_ptr()


def test_every_parameter_gets_a_gradient() -> None:
    model = build()
    output = model(*batch(8))
    (output.image_scores.sum() + output.text_scores.sum()).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize("layers", [1, 2, 5])
def test_any_depth(layers: int) -> None:
    model = build(gcn_layers=layers)
    assert model.label.head.in_features == layers * 16
    assert model(*batch()).classifiers.shape == (4, 16)


def test_wrong_widths_are_one_sentence() -> None:
    model = build()
    with pytest.raises(InputError, match="takes image features of width 10, not an array of shape \\(3, 9\\)"):
        model(torch.randn(3, 9), torch.randn(3, 6))
    with pytest.raises(InputError, match="takes text features of width 6"):
        model.embed_text(torch.randn(6))


@pytest.mark.parametrize(
    ("prior", "message"),
    [
        (torch.eye(3), "4 × 4, not of shape \\(3, 3\\)"),
        (torch.full((4, 4), float("nan")), "NaN"),
        (-torch.eye(4), "negative"),
    ],
)
def test_a_prior_that_does_not_fit(prior: torch.Tensor, message: str) -> None:
    with pytest.raises(InputError, match=f"The prior correlation must.*{message}"):
        build(prior=prior)


def test_label_embeddings_that_do_not_fit() -> None:
    with pytest.raises(InputError, match="label embeddings must be 4 × 5, not of shape \\(4, 300\\)"):
        ALGCN(CONFIG, PRIOR, torch.zeros(4, 300))


@pytest.mark.parametrize("changes", [{}, {"gcn_layers": 1}, {"gcn_layers": 5}, {"adaptive": False}, {"use_gcn": False}])
def test_shapes_before_a_model_is_built(changes: dict) -> None:
    config = ModelConfig(image_dim=8, text_dim=6, num_labels=3, common_dim=4, label_dim=5).replace(**changes)
    built = {name: tuple(tensor.shape) for name, tensor in ALGCN(config).state_dict().items()}
    assert dict(state_shapes(config)) == built
