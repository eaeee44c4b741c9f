"""VGG-19's fc7: which layer it is, which weights are taken, which are refused."""

from __future__ import annotations

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from algcn.features.vgg import load_vgg19
from algcn.kit.errors import InputError


@pytest.fixture(scope="module")
def picture():
    return Image.effect_noise((300, 240), 90).convert("RGB")


def test_fc7_is_what_the_classifier_of_timm_gets(vgg_weights, picture):
    import timm

    vgg = load_vgg19(vgg_weights)
    pixels = vgg.pixels(picture)
    assert pixels.shape == (3, 224, 224)
    features = vgg.encode(pixels[None])
    assert features.shape == (1, 4096) and features.dtype == torch.float32 and (features >= 0).all() and features.any()
    with torch.device("meta"):
        whole = timm.create_model("vgg19", pretrained=False)
    state = {name: tensor.float() for name, tensor in load_file(vgg_weights).items()}
    state |= {"head.fc.weight": torch.ones(1000, 4096), "head.fc.bias": torch.zeros(1000)}
    whole.load_state_dict(state, assign=True)
    with torch.inference_mode():
        logits = whole.eval()(pixels[None])
    assert torch.allclose(logits[0, 0], features.sum(), rtol=1e-4)
    assert torch.equal(load_vgg19(vgg_weights.parent).encode(pixels[None]), features)


def test_torchvisions_names_are_taken(vgg_weights, picture, tmp_path):
    names = {"pre_logits.fc1": "classifier.0", "pre_logits.fc2": "classifier.3"}
    state = {}
    for name, tensor in load_file(vgg_weights).items():
        layer, kind = name.rsplit(".", 1)
        state[f"{names.get(layer, layer)}.{kind}"] = (
            tensor.flatten(1) if layer in names and kind == "weight" else tensor
        )
    state["classifier.6.weight"] = torch.zeros(1000, 8)
    save_file(state, tmp_path / "torchvision.safetensors")
    one, other = load_vgg19(vgg_weights), load_vgg19(tmp_path / "torchvision.safetensors")
    pixels = one.pixels(picture)[None]
    assert torch.equal(one.encode(pixels), other.encode(pixels))
    assert one.fingerprint != other.fingerprint


def test_other_weights_are_refused(tmp_path, tiny_encoder_dir):
    with pytest.raises(InputError, match="There are no weights"):
        load_vgg19(tmp_path)
    (tmp_path / "vgg19.pth").write_bytes(b"x")
    with pytest.raises(InputError, match="pickles are never read"):
        load_vgg19(tmp_path / "vgg19.pth")
    with pytest.raises(InputError, match=r"holds no VGG-19: features\.0\.weight should be"):
        load_vgg19(tiny_encoder_dir / "open_clip_model.safetensors")
    (tmp_path / "model.safetensors").write_bytes(b"\0" * 30)
    with pytest.raises(InputError, match="damaged or cut off"):
        load_vgg19(tmp_path)
    with pytest.raises(InputError):  # the tests have no network
        load_vgg19("hf-hub:timm/vgg19.tv_in1k")
