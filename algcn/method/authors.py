"""Read and write checkpoints (`.pth`) of the authors' code."""

from __future__ import annotations

import io
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from algcn.kit.errors import InputError
from algcn.kit.files import write_bytes
from algcn.kit.tensors import not_finite
from algcn.method.config import ModelConfig
from algcn.method.model import ALGCN, state_shapes

GCN_LAYERS = 3
SHOWN = 12  # keys that an error names
# Theirs -> ours. Their A is the prior C, their B the learned change D, their inp the label embeddings H_0.
KEYS = {
    "A": "label.prior",
    "B": "label.learned_change",
    "inp": "label.embeddings",
    "img_net.denseL1.weight": "instance.image.weight",
    "img_net.denseL1.bias": "instance.image.bias",
    "text_net.denseL1.weight": "instance.text.weight",
    "text_net.denseL1.bias": "instance.text.bias",
    "gc1.weight": "label.gcn.0",
    "gc2.weight": "label.gcn.1",
    "gc3.weight": "label.gcn.2",
    "hypo.weight": "label.head.weight",
    "hypo.bias": "label.head.bias",
}


def load_reference_checkpoint(path: str | Path, gamma: float = 0.5) -> ALGCN:
    """Read a checkpoint of the authors' code; it decides every size and holds the prior.

    Args:
        path: The `.pth`.
        gamma: γ, which their checkpoint does not hold; 0.5 in all their settings.

    Returns:
        A model in evaluation mode that gives the authors' own outputs.

    Raises:
        InputError: Not a state dict of plain tensors, a missing or unknown key, or shapes that do not fit together.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> model = ALGCN(ModelConfig(image_dim=8, text_dim=6, num_labels=3, common_dim=4, label_dim=5))
        >>> with TemporaryDirectory() as folder:
        ...     save_reference_checkpoint(model, f"{folder}/authors.pth")
        ...     again = load_reference_checkpoint(f"{folder}/authors.pth")
        >>> again.config.image_dim, torch.equal(again.prior, model.prior)
        (8, True)
    """
    path = Path(path)
    state = _read_state(path)
    config = ModelConfig(
        image_dim=state["img_net.denseL1.weight"].shape[1],
        text_dim=state["text_net.denseL1.weight"].shape[1],
        num_labels=state["A"].shape[0],
        common_dim=state["img_net.denseL1.weight"].shape[0],
        label_dim=state["inp"].shape[1],
        gcn_layers=GCN_LAYERS,
        gamma=gamma,
    )
    shapes = dict(state_shapes(config))
    for theirs, name in KEYS.items():
        if state[theirs].shape != shapes[name]:
            raise InputError(
                f"In the checkpoint {path}, {theirs} has the shape {tuple(state[theirs].shape)} "
                f"where the other tensors ask for {shapes[name]}; copy it again."
            )
    model = ALGCN(config, prior=state["A"])
    model.load_state_dict({name: state[theirs] for theirs, name in KEYS.items()})
    return model.eval()


def save_reference_checkpoint(model: ALGCN, path: str | Path) -> None:
    """Write `model` as the authors' code saves it, so that their code can load it.

    Raises:
        InputError: The model is none of theirs (no GCN, another depth, or nothing adaptive).

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> model = ALGCN(ModelConfig(image_dim=8, text_dim=6, num_labels=3, common_dim=4, label_dim=5))
        >>> with TemporaryDirectory() as folder:
        ...     save_reference_checkpoint(model, f"{folder}/authors.pth")
        ...     sorted(torch.load(f"{folder}/authors.pth", weights_only=True))[:3]
        ['A', 'B', 'gc1.weight']
    """
    config = model.config
    if not config.use_gcn or not config.adaptive or config.gcn_layers != GCN_LAYERS:
        raise InputError(
            f"The authors' format holds a model with the GCN, {GCN_LAYERS} layers deep, and the adaptive graph; "
            "save this one as a bundle."
        )
    ours = model.state_dict()
    state = {theirs: ours[name].detach().cpu().clone() for theirs, name in KEYS.items()}
    content = io.BytesIO()  # torch's own writer says of a full disk that a position is unexpected
    torch.save(state, content)
    write_bytes(path, content.getvalue())


def _read_state(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise InputError(f"There is no checkpoint {path}; name the .pth that the authors' code saves.")
    try:
        _check_parts(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pickles and sparse tensors that are refused next
            state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # what torch raises on damaged bytes has nothing in common
        raise InputError(
            f"The file {path} is not a checkpoint of plain tensors; give the .pth that the authors' code saves "
            "(a state dict)."
        ) from error
    if not isinstance(state, Mapping) or not all(isinstance(tensor, Tensor) for tensor in state.values()):
        raise InputError(
            f"The file {path} does not hold a state dict (names and tensors); give the .pth the authors' code saves."
        )
    missing = [key for key in KEYS if key not in state]
    unknown = [str(key) for key in state if key not in KEYS]
    if missing or unknown:
        faults = [f"lacks {_listed(missing)}"] * bool(missing) + [f"has the unknown {_listed(unknown)}"] * bool(unknown)
        raise InputError(
            f"The file {path} is not a checkpoint of the authors' ALGCN: it {' and '.join(faults)}; give one of theirs."
        )
    for key in KEYS:
        wrong = _wrong(state[key], 1 if key.endswith("bias") else 2, path.stat().st_size)
        if wrong is not None:
            raise InputError(f"In the checkpoint {path}, {key} {wrong}; give the .pth that the authors' code saves.")
    return {key: state[key].detach().float() for key in KEYS}


def _check_parts(path: Path) -> None:
    """Refuse an archive whose parts are packed: torch packs none, and a few bytes may be packed gigabytes.

    Raises:
        ValueError: They are.
    """
    with path.open("rb") as stream:
        if stream.read(2) != b"PK":  # the older format is no archive
            return
    with zipfile.ZipFile(path) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > path.stat().st_size:
            raise ValueError("its parts are larger than the file")


def _wrong(tensor: Tensor, dimensions: int, file_bytes: int) -> str | None:
    """Say what is wrong with a tensor, as the rest of a sentence on it; None where all is right.

    A tensor may be larger than the file (a number repeated, or memory that torch made up): its numbers are not looked
    at, which could take all the memory there is.
    """
    if tensor.ndim != dimensions or not tensor.numel():
        return f"has the impossible shape {tuple(tensor.shape)}"
    if tensor.layout is torch.strided and tensor.numel() * tensor.element_size() > file_bytes:
        return f"has the shape {tuple(tensor.shape)}, which is more than the file holds"
    return not_finite(tensor)


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(name if name.isprintable() else ascii(name) for name in names[:SHOWN]) + more
