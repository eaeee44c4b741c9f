"""A model bundle is a folder (or a Hub repository with the same files) that holds all a search needs.

Notable: `config.json` names the SHA-256 of every other file and each is checked before it is used, so a damaged or
half-copied bundle is one sentence instead of a strange result; the encoder (the largest part) and the model without
the GCN are checked and loaded when they are first asked for; nothing is ever unpickled.

    config.json              format, model sizes, labels, encoder, training settings, thresholds, the scales of the
                             label probabilities, the rule of ranking, calibration, hashes
    model.safetensors        the weights of `algcn.method.model.ALGCN`, the prior C among them
    paper.safetensors        where the model is of mode "plus": that of mode "paper" beside it (float16); optional
    label_graph.safetensors  counted and change L × L, share L: what labels say about one another; optional
    history.safetensors      learned_change E × L × L and classifiers E × L × d (float16) after every epoch; optional
    split.safetensors        which picture was in which split, by hashes of file names; optional
    without_gcn.safetensors  the same training without the GCN (float16), to compare with; optional
    metrics.json             the bundle's own numbers; optional
    README.md                the model card; optional
    encoder/                 an encoder in open_clip's own format, unless config.json names another (`bundle_encoder`)
"""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import json
import threading
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from algcn.bundles.embedding import embed_pictures, embed_texts
from algcn.bundles.encoder import (
    check_width,
    encoder_of,
    encodes_of,
)
from algcn.bundles.manifest import (
    CONFIG_NAME,
    HISTORY_NAME,
    LABEL_GRAPH_NAME,
    METRICS_NAME,
    MODEL_NAME,
    PAPER_NAME,
    SPLIT_NAME,
    WITHOUT_GCN_NAME,
    check_hashes,
    encoder_hashes,
    neighbour_encoder,
    neighbour_of,
    read_config,
    read_json,
)
from algcn.bundles.predictor import LabelPredictor, thresholds_from_json
from algcn.bundles.split import TrainedSplit
from algcn.bundles.weights import load_directed_graph, load_model, load_safetensors
from algcn.evaluation.calibration import Calibration
from algcn.evaluation.probabilities import PlattScale, scales_from_json
from algcn.evaluation.ranking import Ranking
from algcn.evaluation.record import Record
from algcn.features.encoder import Encoder, load_encoder
from algcn.kit.errors import InputError
from algcn.method.config import ModelConfig, TrainConfig
from algcn.method.label_graph import DirectedGraph
from algcn.method.labels import LabelSet
from algcn.method.model import ALGCN

if TYPE_CHECKING:
    from algcn.bundles.embedding import Picture

_LAZY = (WITHOUT_GCN_NAME, PAPER_NAME, LABEL_GRAPH_NAME, SPLIT_NAME)  # checked when they are first asked for


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
        probabilities: "image" and "text": from the cosines of labels to their probabilities; empty when none were
            saved.
        ranking: What a search ranks by (see `algcn.evaluation.ranking`).
        calibration: The curves from evidence to probabilities; None without them, or where they are of the kind that
            went before (`algcn.reliability` fits new ones).
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
    probabilities: dict[str, PlattScale]
    ranking: Ranking
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
        lazy = {name for name in config["files"] if "/" in name or name in _LAZY}
        check_hashes(path, {name: digest for name, digest in config["files"].items() if name not in lazy})
        model_config = _part(path, lambda: ModelConfig.from_dict(config["model"]))
        label_set = _part(path, lambda: LabelSet.from_json(config["labels"]))
        if len(label_set) != model_config.num_labels:
            raise InputError(
                f"The file {path / CONFIG_NAME} lists {len(label_set)} labels, but its model has "
                f"{model_config.num_labels}; restore the file."
            )
        reference, encoder_fingerprint = encoder_of(path, config)
        ranking = _part(path, lambda: Ranking.from_json(config.get("ranking", {}), len(label_set)))
        return cls(
            model=load_model(path / MODEL_NAME, model_config).to(device).eval(),
            label_set=label_set,
            encoder_reference=reference,
            encodes=_part(path, lambda: encodes_of(config)),
            config=config,
            metrics=read_json(path / METRICS_NAME) if METRICS_NAME in config["files"] else None,
            thresholds=_part(path, lambda: thresholds_from_json(config.get("thresholds"), len(label_set))),
            probabilities=_part(path, lambda: scales_from_json(config.get("label_probabilities"), len(label_set))),
            ranking=ranking,
            calibration=_part(path, lambda: _calibration(config)),
            path=path,
            fingerprint=_fingerprint(config, label_set, encoder_fingerprint),
            encoder_fingerprint=encoder_fingerprint,
        )

    @property
    def training(self) -> TrainConfig | None:
        """How the model was trained, where that was saved."""
        return TrainConfig.from_dict(self.config["training"]) if self.config.get("training") else None

    @property
    def paper_training(self) -> TrainConfig | None:
        """How the model of mode "paper" beside it was trained, where there is one and that was saved."""
        saved = self.config.get("paper_training")
        return TrainConfig.from_dict(saved) if saved else None

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
        if not self._is_there(WITHOUT_GCN_NAME):
            return None
        config = self.paper_model.config.replace(use_gcn=False)
        return load_model(self.path / WITHOUT_GCN_NAME, config).to(self.model.prior.device).eval()

    @cached_property
    def paper_model(self) -> ALGCN:
        """The model of mode "paper": that beside a model of mode "plus" where there is one, else the bundle's own.

        Raises:
            InputError: The file is missing or damaged, or does not fit the config.
        """
        if not self._is_there(PAPER_NAME):
            return self.model
        config = _part(self.path, lambda: ModelConfig.from_dict(self.config["paper"]))
        return load_model(self.path / PAPER_NAME, config).to(self.model.prior.device).eval()

    @cached_property
    def directed_graph(self) -> DirectedGraph | None:
        """What labels say about one another (`algcn.method.label_graph`), read on the first call; None without one.

        Raises:
            InputError: The file is missing or damaged, or does not fit the labels.
        """
        if not self._is_there(LABEL_GRAPH_NAME):
            return None
        return load_directed_graph(self.path / LABEL_GRAPH_NAME, len(self.label_set))

    @cached_property
    def split(self) -> TrainedSplit | None:
        """Which picture was in which split of the training, read on the first call; None where that was not saved.

        Raises:
            InputError: The file is missing or damaged.
        """
        return TrainedSplit.load(self.path / SPLIT_NAME) if self._is_there(SPLIT_NAME) else None

    def with_directed_graph(self, graph: DirectedGraph) -> Bundle:
        """The same bundle with other words of labels about one another, to see what they would change; no file does."""
        other = copy.copy(self)
        other.directed_graph = graph
        return other

    def _is_there(self, name: str) -> bool:
        """Tell whether a file that is read later belongs to the bundle, and check it if it does."""
        if name not in self.config["files"]:
            return False
        check_hashes(self.path, {name: self.config["files"][name]})
        return True

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
            ['couch', 'table', 'clock', 'flower', 'computer']
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

        What they hold, and in which orientation, is said at `ALGCN.label_graph`. It is the paper's graph; for that of
        mode "plus" see `directed_graph`.
        """
        return self.paper_model.label_graph()

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


def _part(path: Path, read: Any) -> Any:
    """Read a part of the config, with the file named in its errors."""
    try:
        return read()
    except InputError as error:
        raise InputError(f"The file {path / CONFIG_NAME} cannot be used. {error}") from None


def _calibration(config: Mapping[str, Any]) -> Calibration | None:
    return None if config.get("calibration") is None else Calibration.from_json(config["calibration"])


def _fingerprint(config: Mapping[str, Any], label_set: LabelSet, encoder_fingerprint: str | None) -> str:
    parts = (config["files"][MODEL_NAME], json.dumps(label_set.names), encoder_fingerprint or "")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
