"""Write a bundle's folder (`algcn.bundles.bundle`): beside its place, then renamed into it as a whole."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from algcn.bundles.encoder import MODALITIES, check_encodes, save_encoder, share_encoder
from algcn.bundles.manifest import (
    FORMAT,
    HISTORY_NAME,
    LABEL_GRAPH_NAME,
    METRICS_NAME,
    MODEL_NAME,
    NAMES,
    PAPER_NAME,
    README_NAME,
    SPLIT_NAME,
    WITHOUT_GCN_NAME,
    json_text,
    read_config,
    verify,
    write_config,
)
from algcn.bundles.predictor import thresholds_to_json
from algcn.bundles.split import TrainedSplit
from algcn.bundles.weights import save_safetensors
from algcn.evaluation.calibration import Calibration
from algcn.evaluation.probabilities import PlattScale, scales_to_json
from algcn.evaluation.ranking import ENCODER_WEIGHT, Ranking
from algcn.kit import files
from algcn.kit.errors import InputError
from algcn.method.config import ModelConfig, TrainConfig
from algcn.method.label_graph import DirectedGraph
from algcn.method.labels import LabelSet
from algcn.method.model import ALGCN

_OLD = ".old"  # ends the name of the folder that is about to be replaced


def save_bundle(
    path: str | Path,
    model: ALGCN,
    label_set: LabelSet,
    *,
    encoder: str | Path | None = None,
    link_encoder: bool = False,
    encoder_bundle: str | None = None,
    encodes: Collection[str] = MODALITIES,
    half: bool = False,
    training: TrainConfig | None = None,
    thresholds: Mapping[str, Tensor] | None = None,
    probabilities: Mapping[str, PlattScale] | None = None,
    ranking: Ranking | None = None,
    calibration: Calibration | None = None,
    metrics: Mapping[str, Any] | None = None,
    history: Mapping[str, Tensor] | None = None,
    without_gcn: ALGCN | None = None,
    paper: ALGCN | None = None,
    paper_training: TrainConfig | None = None,
    directed_graph: DirectedGraph | None = None,
    split: TrainedSplit | None = None,
    readme: str | None = None,
) -> Path:
    """Write a bundle beside `path` and rename it into place; a bundle that was there is replaced as a whole.

    Files in `path` that are no part of a bundle stay, and so does the model card when `readme` is None.

    Args:
        path: The bundle's folder.
        model: The trained model; its prior C is saved with the weights.
        label_set: L labels, in the order of the model's classifiers.
        encoder: A folder (it is copied in), a pinned "hf-hub:OWNER/NAME@COMMIT", or None.
        link_encoder: Link the files of an encoder folder instead of copying them: for a bundle that stays where it is.
        encoder_bundle: Instead of `encoder`, the name of a bundle beside `path` whose encoder is this one's too.
        encodes: What the encoder reads for the model.
        half: Keep the model's weights in half precision; loaded, they are float32 again.
        training: How the model was trained.
        thresholds: "image" and "text", L scores each.
        probabilities: "image" and "text", from the cosines of labels to their probabilities.
        ranking: What a search ranks by; by default the common space and half as much the encoder.
        calibration: The curves from that ranking's scores to probabilities.
        metrics: The bundle's own numbers, as metrics.json will hold them.
        history: "learned_change" E × L × L and "classifiers" E × L × d, for instance.
        without_gcn: The same training without the GCN; kept in half precision.
        paper: The model of mode "paper" that stands beside one of mode "plus"; kept in half precision. `history` and
            `without_gcn` are this one's.
        paper_training: How that was trained.
        directed_graph: What labels say about one another.
        split: Which picture was in which split.
        readme: The model card.

    Raises:
        InputError: The parts do not fit each other.
        DiskFullError: The bundle does not fit on its disk; one that was there stays.
    """
    path = Path(path)
    if len(label_set) != model.config.num_labels:
        raise InputError(f"The model has {model.config.num_labels} labels; give as many names, not {len(label_set)}.")
    encodes = check_encodes(encodes)
    with files.folder_aside(path) as aside:
        _finish_swap(path)
        state = model.state_dict()
        save_safetensors({n: t.half() for n, t in state.items()} if half else state, aside / MODEL_NAME)
        if history:
            save_safetensors(history, aside / HISTORY_NAME)
        if without_gcn is not None:
            _save_without_gcn(without_gcn, (paper or model).config, aside / WITHOUT_GCN_NAME)
        if paper is not None:
            _check_paper(paper, model.config)
            _save_half(paper, aside / PAPER_NAME)
        if directed_graph is not None:
            save_safetensors(directed_graph._asdict(), aside / LABEL_GRAPH_NAME)
        if split is not None:
            split.save(aside / SPLIT_NAME)
        if metrics is not None:
            files.write_text(aside / METRICS_NAME, json_text(metrics))
        if readme is None and (path / README_NAME).is_file():
            readme = (path / README_NAME).read_text(encoding="utf-8")
        if readme is not None:
            files.write_text(aside / README_NAME, readme)
        config = {
            "format": FORMAT,
            "model": model.config.to_dict(),
            **({"paper": paper.config.to_dict()} if paper is not None else {}),
            "labels": label_set.to_json(),
            "encoder": (
                save_encoder(encoder, aside, model.config, encodes, link=link_encoder)
                if encoder_bundle is None
                else share_encoder(path, encoder_bundle, model.config, encodes)
            ),
            **({"encodes": sorted(encodes)} if encodes != MODALITIES else {}),
            "training": training.to_dict() if training is not None else None,
            **({"paper_training": paper_training.to_dict()} if paper_training is not None else {}),
            "thresholds": thresholds_to_json(thresholds, len(label_set)),
            "label_probabilities": scales_to_json(probabilities),
            "ranking": (ranking or Ranking.of_encoder_weight(ENCODER_WEIGHT, len(label_set))).to_json(),
            "calibration": calibration.to_json() if calibration is not None else None,
        }
        write_config(aside, config)
        _swap(aside, path)
    return path


def update_bundle(
    path: str | Path,
    *,
    thresholds: Mapping[str, Tensor] | None = None,
    probabilities: Mapping[str, PlattScale] | None = None,
    ranking: Ranking | None = None,
    calibration: Calibration | None = None,
    metrics: Mapping[str, Any] | None = None,
    without_gcn: ALGCN | None = None,
    directed_graph: DirectedGraph | None = None,
    readme: str | None = None,
) -> None:
    """Replace the parts of a bundle that are given, and refresh the hashes; the model and its encoder stay.

    All is written before the first file is replaced: where one does not fit, the bundle is as it was.

    Raises:
        InputError: `path` is no bundle, or a file of it is damaged.
    """
    path = Path(path)
    verify(path)
    config = read_config(path)
    if thresholds is not None:
        config["thresholds"] = thresholds_to_json(thresholds, len(config["labels"]))
    if probabilities is not None:
        config["label_probabilities"] = scales_to_json(probabilities)
    if ranking is not None:
        config["ranking"] = ranking.to_json()
    if calibration is not None:
        config["calibration"] = calibration.to_json()
    new: dict[str, Path] = {}
    with contextlib.ExitStack() as stack:

        def aside(name: str) -> Path:
            new[name] = stack.enter_context(files.replacing(path / name))
            return new[name]

        if without_gcn is not None:
            beside = ModelConfig.from_dict(config.get("paper", config["model"]))
            _save_without_gcn(without_gcn, beside, aside(WITHOUT_GCN_NAME))
        if directed_graph is not None:
            save_safetensors(directed_graph._asdict(), aside(LABEL_GRAPH_NAME))
        if metrics is not None:
            files.write_text(aside(METRICS_NAME), json_text(metrics))
        if readme is not None:
            files.write_text(aside(README_NAME), readme)
        write_config(path, config, new)


def _save_without_gcn(model: ALGCN, beside: ModelConfig, path: Path) -> None:
    """Write the model without the GCN in half precision: it is there to be compared with, not to be trained on."""
    if model.config != beside.replace(use_gcn=False):
        raise InputError("The model without the GCN must be of the same sizes as the model, and have no GCN.")
    _save_half(model, path)


def _check_paper(model: ALGCN, beside: ModelConfig) -> None:
    sizes = [(config.image_dim, config.text_dim, config.num_labels) for config in (model.config, beside)]
    if sizes[0] != sizes[1]:
        raise InputError("The model of mode paper must be of the same features and labels as the model beside it.")


def _save_half(model: ALGCN, path: Path) -> None:
    save_safetensors({name: tensor.half() for name, tensor in model.state_dict().items()}, path)


def _swap(aside: Path, path: Path) -> None:
    """Put the finished folder `aside` in the place of `path`, keeping what in `path` is no part of a bundle."""
    if not path.exists():
        aside.rename(path)
        return
    if not path.is_dir():
        raise InputError(f"The path {path} is a file; name a folder for the bundle.")
    old = path.parent / f".{path.name}.{secrets.token_hex(4)}{_OLD}"
    path.rename(old)
    aside.rename(path)
    _clear(old, path)


def _finish_swap(path: Path) -> None:
    """Finish what a writer that was killed in `_swap` had begun, so that nothing of what was there is lost."""
    name = re.compile(rf"\.{re.escape(path.name)}\.[0-9a-f]{{8}}{re.escape(_OLD)}")
    for old in [entry for entry in path.parent.iterdir() if name.fullmatch(entry.name)]:
        if path.exists():
            _clear(old, path)
        else:
            old.rename(path)


def _clear(old: Path, path: Path) -> None:
    """Move what is no part of a bundle from `old` to `path`, and delete the rest."""
    for entry in list(old.iterdir()):
        if entry.name not in NAMES and not os.path.lexists(path / entry.name):
            entry.rename(path / entry.name)
    if all(entry.name in NAMES for entry in old.iterdir()):
        shutil.rmtree(old)
