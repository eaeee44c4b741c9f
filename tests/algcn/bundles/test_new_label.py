"""A label as a file: it comes back as it was, and what is no such label is refused in a sentence."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import torch
from torch.nn import functional

from algcn.bundles import new_label
from algcn.bundles.bundle import Bundle
from algcn.bundles.new_label import load_new_label, save_new_label
from algcn.kit import files
from algcn.kit.errors import InputError
from algcn.method.new_label import NewLabel


@pytest.fixture
def bundle(tiny_bundle_dir: Path) -> Bundle:
    return Bundle.load(tiny_bundle_dir)


@pytest.fixture
def label(bundle: Bundle) -> NewLabel:
    config, generator = bundle.model.config, torch.Generator().manual_seed(2)
    draw = lambda count: torch.randn(count, generator=generator)  # noqa: E731
    return NewLabel(
        name="Grandma's <b>",
        model=bundle.fingerprint,
        name_features=functional.normalize(draw(config.image_dim), dim=0),
        centre=(0.2, 0.7),
        spread=(0.1, 0.05),
        edges=draw(config.num_labels),
        share=draw(config.num_labels).sigmoid(),
        slope=1.5,
        intercept=-2.25,
        weights=draw(config.image_dim),
        offset=0.125,
        vector=functional.normalize(draw(config.common_dim), dim=0),
        examples=3,
        is_calibrated=True,
    )


def test_a_label_comes_back_as_it_was(tmp_path: Path, bundle: Bundle, label: NewLabel) -> None:
    back = load_new_label(save_new_label(tmp_path / "label.safetensors", label, bundle), bundle)
    features = functional.normalize(torch.randn(7, bundle.model.config.image_dim), dim=1)
    likely = torch.rand(7, bundle.model.config.num_labels)
    for modality in ("image", "text"):
        found = back.probabilities(features, likely, modality)
        assert torch.allclose(found, label.probabilities(features, likely, modality), atol=1e-5)
    assert dataclasses.replace(back, **{n: None for n in new_label.TENSORS}).__dict__.items() >= {
        "name": "Grandma's <b>", "examples": 3, "is_calibrated": True, "slope": 1.5, "intercept": -2.25,
    }.items()  # fmt: skip


def test_a_label_of_another_model_is_refused(tmp_path: Path, bundle: Bundle, label: NewLabel) -> None:
    path = save_new_label(tmp_path / "label.safetensors", dataclasses.replace(label, model="another"), bundle)
    with pytest.raises(InputError, match="was made with another model; open the one"):
        load_new_label(path, bundle)


def test_what_holds_no_label_is_refused(tmp_path: Path, bundle: Bundle, label: NewLabel) -> None:
    paths = {name: tmp_path / f"{name}.safetensors" for name in ("words", "tensors", "large", "nothing")}
    paths["words"].write_text("no label")
    files.save_tensors(paths["tensors"], {"vector": label.vector})
    paths["large"].write_bytes(bytes(new_label.MAX_BYTES + 1))
    for path in paths.values():
        with pytest.raises(InputError, match=f"{path.name} holds no label of your own"):
            load_new_label(path, bundle)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"weights": torch.zeros(3)}, "no weights that fits the model"),
        ({"edges": torch.full((6,), torch.nan)}, "damaged: edges holds a NaN"),
        ({"slope": "much"}, "says of its label is damaged"),
        ({"spread": (0.0, 1.0)}, "says of its label is damaged"),
        ({"intercept": 1e30}, "says of its label is damaged"),
        ({"examples": -1}, "says of its label is damaged"),
        ({"name": "x" * 201}, "says of its label is damaged"),
        ({"name": "a|b"}, "says of its label is damaged"),
    ],
)
def test_what_does_not_fit_is_refused(
    tmp_path: Path, bundle: Bundle, label: NewLabel, changes: dict, sentence: str
) -> None:
    path = save_new_label(tmp_path / "label.safetensors", dataclasses.replace(label, **changes), bundle)
    with pytest.raises(InputError, match=sentence):
        load_new_label(path, bundle)


def test_metadata_that_says_anything_is_refused(tmp_path: Path, bundle: Bundle, label: NewLabel) -> None:
    tensors = {name: getattr(label, name) for name in new_label.TENSORS}
    for about in ("[]", "{}", "[" * 100_000, json.dumps({"encoder": bundle.encoder_fingerprint})):
        files.save_tensors(tmp_path / "label.safetensors", tensors, {"format": new_label.KIND, "label": about})
        with pytest.raises(InputError):
            load_new_label(tmp_path / "label.safetensors", bundle)
