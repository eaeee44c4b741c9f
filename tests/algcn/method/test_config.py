import dataclasses
import json

import pytest

from algcn.kit.errors import InputError
from algcn.method.config import PRESETS, ModelConfig, TrainConfig, preset


def test_presets_are_those_of_the_paper() -> None:
    sizes = {name: (settings.batch_size, settings.epochs) for name, settings in PRESETS.items() if name != "pocket"}
    assert sizes == {"mirflickr": (100, 30), "nus-wide": (1024, 40), "ms-coco": (1024, 50)}
    for name, settings in PRESETS.items():
        assert settings.mode == "paper"
        assert settings.select == "validation", f"{name} would pick its epoch on the test set"


def test_the_defaults_of_training_are_those_of_the_paper() -> None:
    settings = TrainConfig()
    assert (settings.learning_rate, settings.adaptive_lr_factor, settings.betas) == (5e-5, 100.0, (0.5, 0.999))
    assert (settings.threshold, settings.prior_diagonal, settings.noise, settings.seed) == (0.4, 1.0, 0.2, 103)
    assert (settings.invariance_weight, settings.self_supervision_weight) == (0.2, 0.5)


def test_an_unknown_preset_lists_the_known_ones() -> None:
    assert preset("ms-coco") is PRESETS["ms-coco"]
    with pytest.raises(InputError, match=r"'coco'.*mirflickr, nus-wide, ms-coco, pocket"):
        preset("coco")


@pytest.mark.parametrize("settings", [ModelConfig(10, 8, 5, gcn_layers=2), TrainConfig(seed=4, betas=(0.9, 0.99))])
def test_dictionaries_survive_json(settings) -> None:
    assert type(settings).from_dict(json.loads(json.dumps(settings.to_dict()))) == settings


def test_configs_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        TrainConfig().epochs = 3  # type: ignore[misc]


def test_replace_changes_and_checks() -> None:
    assert TrainConfig().replace(epochs=2, betas=(0.1, 0.2)) == TrainConfig(epochs=2, betas=(0.1, 0.2))
    with pytest.raises(InputError, match="setting epochs must be a whole number of at least 1, not 0"):
        TrainConfig().replace(epochs=0)


def test_unknown_keys_are_named_with_the_closest_valid_one() -> None:
    with pytest.raises(InputError, match=r"TrainConfig has no learning_rat. Did you mean learning_rate"):
        TrainConfig.from_dict({"learning_rat": 1e-3})
    with pytest.raises(InputError, match=r"ModelConfig has no qqq. The keys are image_dim"):
        ModelConfig.from_dict({"image_dim": 1, "text_dim": 1, "num_labels": 1, "qqq": 1})


def test_missing_keys_are_named() -> None:
    with pytest.raises(InputError, match="ModelConfig needs text_dim, num_labels"):
        ModelConfig.from_dict({"image_dim": 4})


def test_something_else_than_an_object_is_refused() -> None:
    with pytest.raises(InputError, match="TrainConfig is read from an object"):
        TrainConfig.from_dict([1, 2])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("image_dim", 0),
        ("text_dim", 2.5),
        ("num_labels", True),
        ("common_dim", "32"),
        ("label_dim", None),
        ("gcn_layers", [3]),
        ("gamma", -0.1),
        ("gamma", float("nan")),
        ("use_gcn", 1),
        ("adaptive", "yes"),
    ],
)
def test_model_values_out_of_range(field: str, value: object) -> None:
    good = ModelConfig(10, 8, 5).to_dict()
    with pytest.raises(InputError, match=f"^The setting {field} must be"):
        ModelConfig.from_dict({**good, field: value})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("mode", "fast"),
        ("batch_size", 0),
        ("epochs", -1),
        ("learning_rate", 0),
        ("learning_rate", float("inf")),
        ("adaptive_lr_factor", -1),
        ("betas", (0.5,)),
        ("betas", (0.5, 1.0)),
        ("betas", "ab"),
        ("threshold", 0.0),
        ("threshold", 1.01),
        ("prior_diagonal", -1),
        ("invariance_weight", -0.2),
        ("self_supervision_weight", "high"),
        ("noise", 1.5),
        ("seed", -1),
        ("select", "best"),
    ],
)
def test_training_values_out_of_range(field: str, value: object) -> None:
    with pytest.raises(InputError, match=f"^The setting {field} must be"):
        TrainConfig.from_dict({field: value})
