"""Adaptive Label-aware Graph Convolutional Networks for image-text retrieval.

The names below are all that a script needs; each is imported when it is first used, so `import algcn` costs nothing.

Example:
    >>> from algcn import Bundle
    >>> bundle = Bundle.load("weights/pocket")
    >>> [label for label, score in bundle.predict_labels_of_texts(["a dog on the beach"])[0]]
    ['dog', 'beach']
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from algcn.bundles.bundle import Bundle
    from algcn.bundles.predictor import LabelPredictor
    from algcn.bundles.saving import save_bundle
    from algcn.datasets.authors import read_reference_folder
    from algcn.datasets.features import Features
    from algcn.datasets.image_folder import read_image_folder
    from algcn.evaluation.metrics import (
        average_precision,
        chance_level,
        mean_average_precision,
        precision_recall,
        recall_at_k,
    )
    from algcn.evaluation.retrieval import evaluate_retrieval
    from algcn.features.encoder import Encoder, load_encoder
    from algcn.features.extraction import extract_features
    from algcn.gallery.store import Gallery, build_gallery
    from algcn.kit.errors import InputError
    from algcn.method.authors import load_reference_checkpoint, save_reference_checkpoint
    from algcn.method.config import ModelConfig, TrainConfig
    from algcn.method.graph import label_prior
    from algcn.method.labels import Label, LabelSet
    from algcn.method.model import ALGCN, ALGCNOutput
    from algcn.training.loop import TrainResult, train_algcn

# None is called as a command's module is: `algcn.train` is `python -m algcn.train`.
__all__ = [
    "ALGCN", "ALGCNOutput", "Bundle", "Encoder", "Features", "Gallery", "InputError", "Label", "LabelPredictor",
    "LabelSet", "ModelConfig", "TrainConfig", "TrainResult", "average_precision", "build_gallery", "chance_level",
    "evaluate_retrieval", "extract_features", "label_prior", "load_encoder", "load_reference_checkpoint",
    "mean_average_precision", "precision_recall", "read_image_folder", "read_reference_folder", "recall_at_k",
    "save_bundle", "save_reference_checkpoint", "train_algcn",
]  # fmt: skip
_NAMES_OF = {
    "algcn.bundles.bundle": ("Bundle",),
    "algcn.bundles.predictor": ("LabelPredictor",),
    "algcn.bundles.saving": ("save_bundle",),
    "algcn.datasets.authors": ("read_reference_folder",),
    "algcn.datasets.features": ("Features",),
    "algcn.datasets.image_folder": ("read_image_folder",),
    "algcn.evaluation.metrics": (
        "average_precision",
        "chance_level",
        "mean_average_precision",
        "precision_recall",
        "recall_at_k",
    ),
    "algcn.evaluation.retrieval": ("evaluate_retrieval",),
    "algcn.features.encoder": ("Encoder", "load_encoder"),
    "algcn.features.extraction": ("extract_features",),
    "algcn.gallery.store": ("Gallery", "build_gallery"),
    "algcn.kit.errors": ("InputError",),
    "algcn.method.authors": ("load_reference_checkpoint", "save_reference_checkpoint"),
    "algcn.method.config": ("ModelConfig", "TrainConfig"),
    "algcn.method.graph": ("label_prior",),
    "algcn.method.labels": ("Label", "LabelSet"),
    "algcn.method.model": ("ALGCN", "ALGCNOutput"),
    "algcn.training.loop": ("TrainResult", "train_algcn"),
}
_HOMES = {name: module for module, names in _NAMES_OF.items() for name in names}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for (PEP 562)."""
    import importlib

    if name not in _HOMES:
        raise AttributeError(_no_such_name(name), name=name)
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})


def _no_such_name(name: str) -> str:
    import difflib

    close = difflib.get_close_matches(name.casefold(), {known.casefold() for known in _HOMES}, n=3)
    near = [known for known in _HOMES if known.casefold() in close]
    hint = f"did you mean {' or '.join(near)}?" if near else f"it has {', '.join(__all__)}."
    return f"The module algcn has no {name}; {hint}"
