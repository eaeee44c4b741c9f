"""The paper's image features: fc7 of VGG-19 trained on ImageNet, 4096 numbers after their ReLU.

The network is timm's, its weights are safetensors: timm's own (`timm/vgg19.tv_in1k` on the Hub, or a folder with its
`model.safetensors`), or torchvision's names in a safetensors file. Pickles are never read.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from algcn.features.encoder_files import HUB_PREFIX
from algcn.kit import files
from algcn.kit.errors import InputError
from algcn.kit.resizing import limit_aspect_ratio

if TYPE_CHECKING:
    from PIL.Image import Image

ARCHITECTURE = "vgg19"
WEIGHTS = f"{HUB_PREFIX}timm/vgg19.tv_in1k"
WEIGHTS_FILE = "model.safetensors"
WIDTH = 4096
BATCH = 8
# torchvision's layer -> timm's, which makes convolutions of the fully connected layers.
RENAMED = {
    "classifier.0": ("pre_logits.fc1", (WIDTH, 512, 7, 7)),
    "classifier.3": ("pre_logits.fc2", (WIDTH, WIDTH, 1, 1)),
}
HEAD = ("head.", "classifier.6.")  # the 1000 classes, not needed


class VGG19:
    """A source of image features that turns pictures into 4096 features each.

    Attributes:
        name: The name of the features.
        width: 4096.
        fingerprint: Names the function computed.
    """

    name = "vgg19 fc7"
    width = WIDTH

    def __init__(self, model: torch.nn.Module, fingerprint: str, device: str | torch.device = "cpu") -> None:
        from timm.data import create_transform, resolve_model_data_config

        self.device = torch.device(device)
        self.model = model.to(self.device).eval().requires_grad_(False)
        self.preprocess = create_transform(**resolve_model_data_config(model), is_training=False)
        self.fingerprint = fingerprint

    def pixels(self, image: Image) -> Tensor:
        """Turn an RGB picture into the tensor that the network takes, 3 × 224 × 224; several threads may call it."""
        return self.preprocess(limit_aspect_ratio(image))

    @torch.inference_mode()
    def encode(self, pixels: Tensor) -> Tensor:
        """Encode B × 3 × 224 × 224 as B × 4096, float32, not normalised, on the CPU."""
        parts = pixels.split(BATCH) if self.device.type == "cpu" else [pixels]
        return torch.cat([self.model(part.to(self.device)).float().cpu() for part in parts])

    def on(self, device: str) -> VGG19:
        """Return the same network, computing on another device; it moves there."""
        return VGG19(self.model, self.fingerprint, device)


def load_vgg19(weights: str | Path = WEIGHTS, device: str | torch.device = "cpu") -> VGG19:
    """Load VGG-19 with the weights of a safetensors file, of a folder with one, or of "hf-hub:OWNER/NAME[@SHA]".

    Raises:
        InputError: The weights are missing, damaged, of another network, or a pickle.
    """
    import timm

    path = _weights_file(str(weights))
    state = _read(path)
    with torch.device("meta"):  # no random start for 140 million weights
        model = timm.create_model(ARCHITECTURE, pretrained=False, num_classes=0)
    for name, tensor in model.state_dict().items():
        if name not in state or state[name].shape != tensor.shape:
            found = f"has it as {tuple(state[name].shape)}" if name in state else "lacks it"
            raise InputError(
                f"The file {str(path)!r} holds no VGG-19: {name} should be {tuple(tensor.shape)} and the file {found}; "
                f"use the weights of {WEIGHTS.removeprefix(HUB_PREFIX)}."
            )
    wanted = model.state_dict()
    model.load_state_dict({name: tensor.float() for name, tensor in state.items() if name in wanted}, assign=True)
    fingerprint = hashlib.sha256(f"timm {ARCHITECTURE} fc7\n{files.sha256(path)}\n".encode()).hexdigest()[:16]
    return VGG19(model, fingerprint, device)


def _weights_file(weights: str) -> Path:
    path = Path(weights)
    if weights.startswith(HUB_PREFIX):
        from algcn.kit.snapshots import fetch_snapshot

        def damaged(folder: Path) -> list[str]:
            return [] if (folder / WEIGHTS_FILE).is_file() else [WEIGHTS_FILE]

        path = fetch_snapshot(weights.removeprefix(HUB_PREFIX), (WEIGHTS_FILE, "config.json"), damaged=damaged).path
    if path.is_dir():
        path = path / WEIGHTS_FILE
    if not path.is_file():
        raise InputError(
            f"There are no weights {str(path)!r}; give VGG-19's as --weights: a safetensors file, a folder with "
            f"{WEIGHTS_FILE}, or {WEIGHTS}."
        )
    if path.suffix != ".safetensors":
        raise InputError(
            f"The weights {str(path)!r} are no safetensors file, and pickles are never read; convert them."
        )
    return path


def _read(path: Path) -> dict[str, Tensor]:
    """Read the tensors by timm's names, without the layer of classes."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        loaded = load_file(path)
    except (SafetensorError, OSError) as error:
        raise InputError(
            f"The file {str(path)!r} is damaged or cut off ({error}); copy or download it again."
        ) from error
    state = {}
    for name, tensor in loaded.items():
        if name.startswith(HEAD):
            continue
        layer, _, kind = name.rpartition(".")
        if layer in RENAMED:
            layer, shape = RENAMED[layer]
            if kind == "weight" and tensor.numel() == torch.Size(shape).numel():
                tensor = tensor.reshape(shape)
        state[f"{layer}.{kind}"] = tensor
    return state
