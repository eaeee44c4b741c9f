"""A model bundle is a folder (or a Hub repository with the same files) that holds all a search needs.

Notable: `config.json` names the SHA-256 of every other file and each is checked before it is used, so a damaged or
half-copied bundle is one sentence instead of a strange result; the encoder (the largest part) and the model without
the GCN are checked and loaded when they are first asked for; nothing is ever unpickled.

    config.json              format, model sizes, labels, encoder, training settings, thresholds, the encoder's weight
                             in the ranking, calibration, hashes
    model.safetensors        the weights of `algcn.method.model.ALGCN`, the prior C among them
    history.safetensors      learned_change E × L × L and classifiers E × L × d (float16) after every epoch; optional
    without_gcn.safetensors  the same training without the GCN (float16), to compare with; optional
    metrics.json             the bundle's own numbers; optional
    README.md                the model card; optional
    encoder/                 an encoder in open_clip's own format, unless config.json names another (`bundle_encoder`)
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import secrets
import shutil
import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from algcn.bundles.embedding import embed_pictures, embed_texts
from algcn.bundles.encoder import (
    MODALITIES,
    check_encodes,
    check_width,
    encoder_of,
    encodes_of,
    save_encoder,
    share_encoder,
)
from algcn.bundles.manifest import (
    CONFIG_NAME,
    FORMAT,
    HISTORY_NAME,
    METRICS_NAME,
    MODEL_NAME,
    NAMES,
    README_NAME,
    WITHOUT_GCN_NAME,
    check_hashes,
    encoder_hashes,
    json_text,
    neighbour_encoder,
    neighbour_of,
    read_config,
    read_json,
    verify,
    write_config,
)
from algcn.bundles.predictor import LabelPredictor, thresholds_from_json, thresholds_to_json
from algcn.bundles.weights import load_model, load_safetensors, save_safetensors
from algcn.evaluation.calibration import Calibration
from algcn.evaluation.ranking import ENCODER_WEIGHT, check_encoder_weight
from algcn.evaluation.record import Record
from algcn.features.encoder import Encoder, load_encoder
from algcn.kit import files
from algcn.kit.errors import InputError
from algcn.method.config import ModelConfig, TrainConfig
from algcn.method.labels import LabelSet
from algcn.method.model import ALGCN

if TYPE_CHECKING:
    from algcn.bundles.embedding import Picture


@dataclasses.dataclass(eq=False)
class Bundle:
    """A loaded bundle: model, labels, thresholds, and an encoder that is loaded when it is first needed.

    Attributes:
        encoder_reference: A folder, a pinned "hf-hub:OWNER/NAME@COMMIT", or None for a model of ready-made features.
        encodes: What the encoder reads for the model: "image", "text" or both; empty without an encoder. What it does
            not name must not be encoded: the model takes other features there, bags of words for instance.
        config: config.json as it was read.
        metrics: metrics.json as it was read, or None; `record` is the same with types.
        thresholds: "image" and "text": L scores above which a label is predicted; empty when none were saved.
        encoder_weight: How much the encoder's own cosine counts in the ranking (see `algcn.evaluation.ranking`).
        calibration: The curves from ranking scores to probabilities; None without them, or where they were fitted
            for another weight of the encoder.
        fingerprint: A hash of the weights, the labels and the encoder; equal fingerprints, equal embeddings.

    Example:
        >>> bundle = Bundle.load("weights/mirflickr")
        >>> bundle.label_set.names[:3], sorted(bundle.encodes)
        (['animals', 'baby', 'bird'], ['image'])
    """

    model: ALGCN
    label_set: LabelSet
    encoder_reference: Path | str | None
    encodes: frozenset[str]
    config: dict[str, Any]
    metrics: dict[str, Any] | None
    thresholds: dict[str, Tensor]
    encoder_weight: float
    calibration: Calibration | None
    path: Path
    fingerprint: str
    encoder_fingerprint: str | None

    def __post_init__(self) -> None:
        self._encoders: dict[torch.device, Encoder] = {}
        self._encoder_lock = threading.Lock()

    @classmethod
    def load(cls, path: str | Path, device: str | torch.device = "cpu") -> Bundle:
        """Read a bundle folder; every file but those loaded later is checked against its hash first.

        Raises:
            InputError: A file is missing or damaged, or the parts do not fit each other; the message names the file.
        """
        path = Path(path)
        config = read_config(path)
        lazy = {name for name in config["files"] if "/" in name or name == WITHOUT_GCN_NAME}
        check_hashes(path, {name: digest for name, digest in config["files"].items() if name not in lazy})
        model_config = _part(path, lambda: ModelConfig.from_dict(config["model"]))
        label_set = _part(path, lambda: LabelSet.from_json(config["labels"]))
        if len(label_set) != model_config.num_labels:
            raise InputError(
                f"The file {path / CONFIG_NAME} lists {len(label_set)} labels, but its model has "
                f"{model_config.num_labels}; restore the file."
            )
        reference, encoder_fingerprint = encoder_of(path, config)
        encoder_weight = _part(path, lambda: _encoder_weight(config))
        return cls(
            model=load_model(path / MODEL_NAME, model_config).to(device).eval(),
            label_set=label_set,
            encoder_reference=reference,
            encodes=_part(path, lambda: encodes_of(config)),
            config=config,
            metrics=read_json(path / METRICS_NAME) if METRICS_NAME in config["files"] else None,
            thresholds=_part(path, lambda: thresholds_from_json(config.get("thresholds"), len(label_set))),
            encoder_weight=encoder_weight,
            calibration=_part(path, lambda: _calibration(config, encoder_weight)),
            path=path,
            fingerprint=_fingerprint(config, label_set, encoder_fingerprint),
            encoder_fingerprint=encoder_fingerprint,
        )

    @property
    def training(self) -> TrainConfig | None:
        """How the model was trained, where that was saved."""
        return TrainConfig.from_dict(self.config["training"]) if self.config.get("training") else None

    @property
    def selected_on_test(self) -> bool:
        """Whether the test split picked the epoch, as the authors did, so that its numbers are optimistic."""
        training = self.config.get("training")
        return isinstance(training, Mapping) and training.get("select") == "test"

    @cached_property
    def record(self) -> Record:
        """What metrics.json says, typed, read when it is first asked for; empty without one.

        A bundle opens whatever its numbers are: a part that is not understood is None and a sentence in `problems`.
        """
        return Record.read(self.metrics or {})

    @cached_property
    def history(self) -> dict[str, Tensor] | None:
        """The tensors of history.safetensors, read when they are first asked for; None without one."""
        if HISTORY_NAME not in self.config["files"]:
            return None
        return load_safetensors(self.path / HISTORY_NAME)

    @cached_property
    def without_gcn(self) -> ALGCN | None:
        """Load the same training without the GCN on the device of `model`, on the first call; None without one.

        Raises:
            InputError: The file is missing or damaged, or does not fit the config.
        """
        if WITHOUT_GCN_NAME not in self.config["files"]:
            return None
        check_hashes(self.path, {WITHOUT_GCN_NAME: self.config["files"][WITHOUT_GCN_NAME]})
        config = self.model.config.replace(use_gcn=False)
        return load_model(self.path / WITHOUT_GCN_NAME, config).to(self.model.prior.device).eval()

    def encoder(self, device: str | torch.device = "cpu") -> Encoder:
        """Return the bundle's encoder, loaded on the first call for a device and kept; several threads may ask at once.

        Raises:
            InputError: The bundle has no encoder, or the encoder is missing, damaged or of another width.
        """
        with self._encoder_lock:
            device = torch.device(device)
            if device not in self._encoders:
                self._encoders[device] = self._load_encoder(device)
            return self._encoders[device]

    def embed_images(self, images: Iterable[Picture]) -> Tensor:
        """Embed pictures in the common space: N × d, L2-normalised, on the CPU.

        Args:
            images: Paths, bytes of files, or decoded pictures.

        Raises:
            InputError: One cannot be read, or the bundle has no encoder.
        """
        return embed_pictures(self, images)

    def embed_texts(self, texts: Sequence[str]) -> Tensor:
        """Embed texts in the common space: N × d, L2-normalised, on the CPU.

        Raises:
            InputError: One is blank, or the bundle has no encoder that reads texts.
        """
        return embed_texts(self, texts)

    def label_scores(self, embeddings: Tensor) -> Tensor:
        """Return the cosine of each embedding (N × d) with each label's classifier, N × L; not a probability."""
        return LabelPredictor(self).scores(embeddings)

    def predict_labels(self, images: Iterable[Picture]) -> list[list[tuple[str, float]]]:
        """Predict labels: for each picture their names and scores, the farthest above its threshold first.

        A bundle without thresholds gives the three labels of the highest scores.

        Args:
            images: Paths, bytes of files, or decoded pictures.

        Raises:
            InputError: One cannot be read, or the bundle has no encoder.

        Example:
            >>> bundle = Bundle.load("weights/pocket")
            >>> [label for label, score in bundle.predict_labels(["assets/gallery/images/00000-living.webp"])[0]]
            ['couch', 'table', 'computer', 'clock', 'phone', 'chair', 'flower']
        """
        return LabelPredictor(self).clearest_of(self.embed_images(images), "image")

    def predict_labels_of_texts(self, texts: Sequence[str]) -> list[list[tuple[str, float]]]:
        """Predict labels of texts, as `predict_labels` does of pictures.

        Raises:
            InputError: One is blank, or the bundle has no encoder that reads texts.
        """
        return LabelPredictor(self).clearest_of(self.embed_texts(texts), "text")

    def label_graph(self) -> dict[str, Tensor]:
        """Read the label graph, stage by stage, each L × L: `prior`, `learned_change`, `adaptive`, `normalised`.

        What they hold, and in which orientation, is said at `ALGCN.label_graph`.
        """
        return self.model.label_graph()

    def adopt_encoder(self, encoder: Encoder) -> None:
        """Use an encoder that is loaded already, another bundle's for instance, instead of loading a second one.

        Raises:
            InputError: The encoder is not the one that this bundle names.
        """
        if encoder.fingerprint != self.encoder_fingerprint:
            raise InputError(
                f"The encoder {encoder.reference} is not the one that the bundle {self.path} was trained with; give "
                "that one."
            )
        with self._encoder_lock:
            self._encoders[encoder.device] = encoder

    def _load_encoder(self, device: torch.device) -> Encoder:
        if self.encoder_reference is None:
            raise InputError(
                f"The bundle {self.path} has no encoder (its model was trained on ready-made features), so it cannot "
                "take pictures or texts; use a bundle with an encoder."
            )
        if isinstance(self.encoder_reference, Path):
            if neighbour_of(self.config) is not None:
                neighbour_encoder(self.path, self.config)
            check_hashes(self.path, encoder_hashes(self.config))
            encoder = load_encoder(self.encoder_reference, device, fingerprint=self.encoder_fingerprint)
        else:
            encoder = load_encoder(self.encoder_reference, device)
            if encoder.fingerprint != self.encoder_fingerprint:
                raise InputError(
                    f"The encoder {self.encoder_reference} is not the one that the bundle {self.path} was trained "
                    "with; use the bundle with its own encoder."
                )
        check_width(encoder.width, self.model.config, str(self.encoder_reference), self.encodes)
        return encoder


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
    encoder_weight: float = ENCODER_WEIGHT,
    calibration: Calibration | None = None,
    metrics: Mapping[str, Any] | None = None,
    history: Mapping[str, Tensor] | None = None,
    without_gcn: ALGCN | None = None,
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
        encoder_weight: How much the encoder's own cosine counts in the ranking.
        calibration: The curves from that ranking's scores to probabilities.
        metrics: The bundle's own numbers, as metrics.json will hold them.
        history: "learned_change" E × L × L and "classifiers" E × L × d, for instance.
        without_gcn: The same training without the GCN; kept in half precision.
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
        state = model.state_dict()
        save_safetensors({n: t.half() for n, t in state.items()} if half else state, aside / MODEL_NAME)
        if history is not None:
            save_safetensors(history, aside / HISTORY_NAME)
        if without_gcn is not None:
            _save_without_gcn(without_gcn, model.config, aside / WITHOUT_GCN_NAME)
        if metrics is not None:
            files.write_text(aside / METRICS_NAME, json_text(metrics))
        if readme is None and (path / README_NAME).is_file():
            readme = (path / README_NAME).read_text(encoding="utf-8")
        if readme is not None:
            files.write_text(aside / README_NAME, readme)
        config = {
            "format": FORMAT,
            "model": model.config.to_dict(),
            "labels": label_set.to_json(),
            "encoder": (
                save_encoder(encoder, aside, model.config, encodes, link=link_encoder)
                if encoder_bundle is None
                else share_encoder(path, encoder_bundle, model.config, encodes)
            ),
            **({"encodes": sorted(encodes)} if encodes != MODALITIES else {}),
            "training": training.to_dict() if training is not None else None,
            "thresholds": thresholds_to_json(thresholds, len(label_set)),
            "ranking": {"encoder_weight": check_encoder_weight(encoder_weight)},
            "calibration": calibration.to_json() if calibration is not None else None,
        }
        write_config(aside, config)
        _swap(aside, path)
    return path


def update_bundle(
    path: str | Path,
    *,
    thresholds: Mapping[str, Tensor] | None = None,
    encoder_weight: float | None = None,
    calibration: Calibration | None = None,
    metrics: Mapping[str, Any] | None = None,
    without_gcn: ALGCN | None = None,
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
    if encoder_weight is not None:
        config["ranking"] = {"encoder_weight": check_encoder_weight(encoder_weight)}
    if calibration is not None:
        config["calibration"] = calibration.to_json()
    new: dict[str, Path] = {}
    with contextlib.ExitStack() as stack:

        def aside(name: str) -> Path:
            new[name] = stack.enter_context(files.replacing(path / name))
            return new[name]

        if without_gcn is not None:
            _save_without_gcn(without_gcn, ModelConfig.from_dict(config["model"]), aside(WITHOUT_GCN_NAME))
        if metrics is not None:
            files.write_text(aside(METRICS_NAME), json_text(metrics))
        if readme is not None:
            files.write_text(aside(README_NAME), readme)
        write_config(path, config, new)


def _part(path: Path, read: Any) -> Any:
    """Read a part of the config, with the file named in its errors."""
    try:
        return read()
    except InputError as error:
        raise InputError(f"The file {path / CONFIG_NAME} cannot be used. {error}") from None


def _encoder_weight(config: Mapping[str, Any]) -> float:
    ranking = config.get("ranking", {})
    if not isinstance(ranking, dict):
        raise InputError("The ranking must be an object with an encoder_weight; restore it.")
    return check_encoder_weight(ranking.get("encoder_weight", ENCODER_WEIGHT))


def _calibration(config: Mapping[str, Any], encoder_weight: float) -> Calibration | None:
    if config.get("calibration") is None:
        return None
    calibration = Calibration.from_json(config["calibration"])
    return calibration if calibration.encoder_weight == encoder_weight else None


def _save_without_gcn(model: ALGCN, beside: ModelConfig, path: Path) -> None:
    """Write the model without the GCN in half precision: it is there to be compared with, not to be trained on."""
    if model.config != beside.replace(use_gcn=False):
        raise InputError("The model without the GCN must be of the same sizes as the model, and have no GCN.")
    save_safetensors({name: tensor.half() for name, tensor in model.state_dict().items()}, path)


def _swap(aside: Path, path: Path) -> None:
    """Put the finished folder `aside` in the place of `path`, keeping what in `path` is no part of a bundle."""
    if not path.exists():
        aside.rename(path)
        return
    if not path.is_dir():
        raise InputError(f"The path {path} is a file; name a folder for the bundle.")
    old = path.parent / f".{path.name}.{secrets.token_hex(4)}.old"
    path.rename(old)
    aside.rename(path)
    for entry in old.iterdir():
        if entry.name not in NAMES:
            entry.rename(path / entry.name)
    shutil.rmtree(old)


def _fingerprint(config: Mapping[str, Any], label_set: LabelSet, encoder_fingerprint: str | None) -> str:
    parts = (config["files"][MODEL_NAME], json.dumps(label_set.names), encoder_fingerprint or "")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
