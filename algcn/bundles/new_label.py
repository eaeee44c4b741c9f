"""A label that a visitor made beside a bundle's, as a file: safetensors with all that scores an item for it.

Notable: a file comes from anybody, so its size is looked at before it is read, and everything in it is checked against
the bundle that it shall stand beside.

    label = load_new_label("sunset.safetensors", bundle)
    likely = LabelPredictor(bundle).probabilities(embeddings, "image")        # N × L
    label.probabilities(features, likely, "image")                            # N
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from algcn.bundles.weights import load_safetensors
from algcn.kit import files
from algcn.kit.errors import InputError
from algcn.kit.tensors import not_finite
from algcn.method.labels import Label
from algcn.method.new_label import MODALITIES, NewLabel

if TYPE_CHECKING:
    from algcn.bundles.bundle import Bundle

KIND = "algcn.new_label"
MAX_BYTES = 1_000_000
MAX_NAME = 200
TENSORS = ("name_features", "edges", "share", "weights", "vector")
NUMBERS = ("slope", "intercept", "offset")


def save_new_label(path: str | Path, label: NewLabel, bundle: Bundle) -> Path:
    """Write a label to a safetensors file, atomically.

    Args:
        path: The file.
        label: The label.
        bundle: The bundle that it stands beside, whose encoder read what it was made of.
    """
    about = {
        "name": label.name,
        "encoder": bundle.encoder_fingerprint,
        "model": label.model,
        "centre": dict(zip(MODALITIES, label.centre, strict=True)),
        "spread": dict(zip(MODALITIES, label.spread, strict=True)),
        **{name: getattr(label, name) for name in NUMBERS},
        "examples": label.examples,
        "is_calibrated": label.is_calibrated,
    }
    tensors = {name: getattr(label, name).detach().float().cpu().contiguous() for name in TENSORS}
    files.save_tensors(path, tensors, {"format": KIND, "label": json.dumps(about, allow_nan=False)})
    return Path(path)


def load_new_label(path: str | Path, bundle: Bundle) -> NewLabel:
    """Read a label that `save_new_label` wrote, to stand beside the labels of a bundle.

    Args:
        path: The file.
        bundle: The same model that it was made with.

    Raises:
        InputError: It is no such file, it is damaged, or it was made with another model.
    """
    path = Path(path)
    about = _about(path)
    if about.get("encoder") != bundle.encoder_fingerprint or about.get("model") != bundle.fingerprint:
        raise InputError(
            f"The label in {path.name} was made with another model; open the one that it was made with first."
        )
    tensors = load_safetensors(path)
    count, width = len(bundle.label_set), bundle.model.config.image_dim
    shapes = {"name_features": (width,), "edges": (count,), "share": (count,), "weights": (width,)}
    shapes["vector"] = (bundle.model.config.common_dim,)
    for name, shape in shapes.items():
        if name not in tensors or tuple(tensors[name].shape) != shape:
            raise InputError(f"The file {path.name} has no {name} that fits the model; download the label again.")
        wrong = not_finite(tensors[name])
        if wrong is not None:
            raise InputError(f"The file {path.name} is damaged: {name} {wrong}; download the label again.")
    try:
        numbers = {name: _number(about[name]) for name in NUMBERS}
        centre, spread = (tuple(_number(about[part][side]) for side in MODALITIES) for part in ("centre", "spread"))
        name, examples, is_calibrated = about["name"], int(about["examples"]), about["is_calibrated"] is True
        if not isinstance(name, str) or len(name) > MAX_NAME or min(spread) <= 0 or examples < 0:
            raise ValueError
        checked = Label(" ".join(name.split())).name
    except (KeyError, TypeError, ValueError, OverflowError):
        raise InputError(f"What the file {path.name} says of its label is damaged; download the label again.") from None
    return NewLabel(
        name=checked,
        model=bundle.fingerprint,
        centre=centre,
        spread=spread,
        examples=examples,
        is_calibrated=is_calibrated,
        **numbers,
        **{name: tensors[name].float() for name in TENSORS},
    )


def _about(path: Path) -> dict[str, Any]:
    """What a file says of its label, before any tensor is read."""
    from safetensors import SafetensorError, safe_open

    no_label = f"The file {path.name} holds no label of your own; give one that was downloaded here (.safetensors)."
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(no_label)
        with safe_open(path, "pt") as opened:
            metadata = opened.metadata() or {}
        about = json.loads(metadata["label"]) if metadata.get("format") == KIND else None
    except (SafetensorError, OSError, ValueError, KeyError, RecursionError):
        about = None
    if not isinstance(about, dict):
        raise InputError(no_label)
    return about


def _number(value: Any) -> float:
    """A finite number of moderate size.

    Raises:
        ValueError: It is another.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or abs(value) > 1e6:
        raise ValueError
    return float(torch.tensor(value, dtype=torch.float32))
