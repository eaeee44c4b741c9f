"""The commands that measured a bundle, put together from the settings that it keeps, so that a reader can check them.

A bundle does not say where its features lie on somebody's disk: FEATURES stands for that file.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from algcn.datasets.splits import USUAL
from algcn.evaluation.record import MethodComparison, Record
from algcn.method.config import PRESETS, ModelConfig
from algcn.method.labels import LabelSet
from algcn.method.plus import PLUS_WIDTH, plus_config

FEATURES = "FEATURES"
NEW = "NEW_BUNDLE"
# Settings that `algcn.train` has a flag for, and those that `algcn.baselines` has one for.
TRAIN_FLAGS = ("mode", "epochs", "batch_size", "learning_rate", "seed", "threshold", "select", "precision")
PLUS_FLAGS = ("epochs", "batch_size", "learning_rate", "seed", "select", "precision")
BASELINE_FLAGS = ("epochs", "batch_size")
WITHOUT = "labels without "


def train(
    training: Mapping[str, Any],
    record: Record,
    model: ModelConfig,
    label_set: LabelSet,
    paper_training: Mapping[str, Any] | None = None,
    paper_model: ModelConfig | None = None,
) -> tuple[str, list[str]]:
    """Put together how such a model is trained and measured again, and name the settings that no flag reaches.

    Args:
        training: The settings of the bundle's own model.
        record: The bundle's.
        model: The sizes of its own model.
        label_set: Its labels.
        paper_training: Those of the model of mode "paper" beside one of mode "plus", where there is one.
        paper_model: Its sizes.
    """
    if is_plus(training) and not paper_training:
        return _train_plus(training, record, model, label_set)
    if paper_training:
        training, model = {**paper_training, "mode": "both"}, paper_model or model
    nearest = nearest_preset(training)
    changed = differences(training, nearest)
    parts = ["python -m algcn.train", FEATURES, "--preset", nearest]
    for name in TRAIN_FLAGS:
        if name in changed or name in ("mode", "seed"):
            parts += _flag(name, training.get(name))
    for part, flag in (("invariance_weight", "--no-invariance"), ("self_supervision_weight", "--no-self-supervision")):
        if changed.get(part) == 0:
            del changed[part]
            parts.append(flag)
    parts += _model_flags(model, record.label_embeddings)
    parts += _data_flags(record, label_set)
    if record.prior_labels is not None:
        parts += ["--prior-labels", _quoted(record.prior_labels.file)]
    if record.without_gcn is not None:
        parts.append("--compare-gcn")
    return " ".join([*parts, "--out", NEW]), [name for name in changed if name not in TRAIN_FLAGS]


def _train_plus(
    training: Mapping[str, Any], record: Record, model: ModelConfig, label_set: LabelSet
) -> tuple[str, list[str]]:
    default = plus_default(record)
    changed = [name for name, value in training.items() if value != default.get(name)]
    parts = ["python -m algcn.train", FEATURES, "--mode", "plus"]
    for name in PLUS_FLAGS:
        if name in changed or name == "seed":
            parts += _flag(name, training.get(name))
    if model.common_dim != PLUS_WIDTH:
        parts += _flag("common_dim", model.common_dim)
    parts += _data_flags(record, label_set)
    return " ".join([*parts, "--out", NEW]), [name for name in changed if name not in PLUS_FLAGS]


def _data_flags(record: Record, label_set: LabelSet) -> list[str]:
    """Name what was made of the labels."""
    parts = []
    # Where all labels are annotated, or none is, those that count by default are all.
    if len({label.source for label in label_set}) > 1 and len(record.relevance or ()) == len(label_set):
        parts += ["--relevance-labels", "all"]
    if (imputed := record.imputed_labels) is not None:
        parts += ["--incomplete-labels", "auto" if imputed.estimated else _quoted(imputed.share_given)]
    return parts


def is_plus(training: Mapping[str, Any]) -> bool:
    """Tell whether a model was trained in mode "plus", which has no presets."""
    return training.get("mode") == "plus"


def plus_default(record: Record) -> dict[str, Any]:
    """Return the settings of mode "plus" for as many training rows as a record says; nothing where it does not."""
    if not record.items or "train" not in record.items:
        return {}
    rows = record.items["train"].texts - (record.left_out_of_training or 0)
    return plus_config(max(1, rows)).to_dict()


def new_baselines(reference: str, training: Mapping[str, Any]) -> str:
    """Put together how a comparison is made for a bundle that has none."""
    return f"python -m algcn.baselines {FEATURES} --preset {nearest_preset(training)} --out {_quoted(reference)}"


def baselines(reference: str, compared: MethodComparison, model: ModelConfig) -> tuple[str, list[str]]:
    """Put together how the comparison is measured again, and name the settings that no flag reaches."""
    training = compared.training or {}
    nearest = nearest_preset(training)
    changed = differences(training, nearest)
    parts = ["python -m algcn.baselines", FEATURES, "--preset", nearest]
    for name in BASELINE_FLAGS:
        if name in changed:
            parts += _flag(name, training[name])
    parts += ["--seeds", *(str(seed) for seed in compared.seeds)]
    names = list(compared.relevance)
    if names[0].startswith("all "):
        parts += ["--relevance-labels", "all"]
    left_out = [name.split(WITHOUT, 1)[1] for name in names if WITHOUT in name]
    if left_out:
        parts += ["--without", _quoted(left_out[0].strip("'\""))]
    if model.common_dim != _default("common_dim"):
        parts += _flag("common_dim", model.common_dim)
    beyond = [name for name in changed if name not in (*BASELINE_FLAGS, "seed", "select")]
    return " ".join([*parts, "--out", _quoted(reference)]), beyond


def evaluate(reference: str, split: str) -> str:
    """Put together how the bundle's own model is measured again, by all labels."""
    return f"python -m algcn.evaluate {_quoted(reference)} {FEATURES} --split {split}"


def prepare(split_name: str) -> list[str]:
    """Put together how the items of a named split are laid out; nothing for a name that is no benchmark's."""
    dataset, _, rest = split_name.partition(" ")
    rule, _, seed = rest.partition(" seed ")
    if dataset not in USUAL or not rule or (seed and not seed.isdecimal()):
        return []
    drawn = f" --seed {seed}" if seed else ""
    return [f"python -m algcn.datasets {dataset} --root DIR --out PHOTOS --split {_quoted(rule)}{drawn}"]


def nearest_preset(training: Mapping[str, Any]) -> str:
    """Find the preset that the fewest settings differ from."""
    return min(PRESETS, key=lambda name: len(differences(training, name)))


def differences(training: Mapping[str, Any], preset: str) -> dict[str, Any]:
    """Find the settings that are not those of a preset."""
    default = PRESETS[preset].to_dict()
    return {name: value for name, value in training.items() if value != default.get(name)}


def left_out(training: Mapping[str, Any], model: ModelConfig) -> list[str]:
    """Name what of ALGCN this model does without, or has another way than the paper."""
    if is_plus(training):
        return ["mode plus (free classifiers, a loss of its own)"]
    found = []
    if not model.use_gcn:
        found.append("no graph convolution (free classifiers)")
    elif not model.adaptive:
        found.append("no adaptive graph (the prior stays as it is)")
    if model.use_gcn and model.gcn_layers != _default("gcn_layers"):
        found.append(f"{model.gcn_layers} graph convolution layers instead of {_default('gcn_layers')}")
    if model.use_gcn and not model.learn_label_embeddings:
        found.append("frozen label embeddings")
    if training.get("invariance_weight") == 0:
        found.append("no modality invariance loss")
    if model.use_gcn and training.get("self_supervision_weight") == 0:
        found.append("no self-supervision loss")
    return found


def _model_flags(model: ModelConfig, embeddings: str | None) -> list[str]:
    parts = []
    for name in ("gamma", "common_dim"):
        if getattr(model, name) != _default(name):
            parts += _flag(name, getattr(model, name))
    if not model.use_gcn:
        return [*parts, "--no-gcn"]
    if not model.adaptive:
        parts.append("--no-adaptive")
    if model.gcn_layers != _default("gcn_layers"):
        parts += _flag("gcn_layers", model.gcn_layers)
    if not model.learn_label_embeddings:
        parts += ["--label-embeddings", _quoted(embeddings or "SOURCE")]
    return parts


def _default(name: str) -> Any:
    return ModelConfig.__dataclass_fields__[name].default


def _flag(name: str, value: Any) -> list[str]:
    return [f"--{name.replace('_', '-')}", _quoted(value)]


def _quoted(value: Any) -> str:
    return shlex.quote(f"{value:g}" if isinstance(value, float) else str(value))
