"""Find a bundle's encoder: which one config.json names, what it encodes, and how it gets into a bundle.

Notable: the encoder lies in the bundle's own folder, on the Hub, or in another bundle beside it (see
`algcn.bundles.manifest`). It need not read both modalities for the model: one trained on bags of words takes pictures
through its encoder and texts through nothing, so its bundle `encodes` images alone.

    "encoder": "encoder"                                                  the folder of that name
    "encoder": {"reference": "hf-hub:…", "revision": …, "fingerprint": …}
    "encoder": {"bundle": "pocket", "fingerprint": …}                     the encoder of the bundle beside this one
    "encodes": ["image"]                                                  both "image" and "text" where it is not said
"""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from algcn.bundles.manifest import (
    CONFIG_NAME,
    ENCODER,
    included_encoder,
    is_neighbour_name,
    neighbour_of,
    neighbour_path,
    read_config,
)
from algcn.datasets.features import Features
from algcn.evaluation.record import EncoderResults
from algcn.features.encoder import load_encoder
from algcn.features.encoder_files import HUB_PATTERNS, HUB_PREFIX, read_encoder_config, weights_path
from algcn.kit.disk import size_of
from algcn.kit.errors import InputError
from algcn.method.config import ModelConfig

if TYPE_CHECKING:
    from torch import Tensor

MODALITIES = frozenset({"image", "text"})
_ARTICLE = {"image": "an image", "text": "a text"}
_PINNED = re.compile(r"hf-hub:[\w.-]+/[\w.-]+@[0-9a-f]{40}")


def encoder_of(path: Path, config: Mapping[str, Any]) -> tuple[Path | str | None, str | None]:
    """Return reference and fingerprint of the encoder that a bundle's config names; the encoder itself is not read.

    Raises:
        InputError: The config names something else.
    """
    encoder = config.get("encoder")
    if encoder is None:
        return None, None
    fingerprint = included_encoder(config)
    if fingerprint is not None:
        return path / ENCODER, fingerprint
    neighbour = neighbour_of(config)
    if neighbour is not None:
        name, fingerprint = neighbour
        return neighbour_path(path, name) / ENCODER, fingerprint
    if isinstance(encoder, dict):
        reference = f"{encoder.get('reference')}@{encoder.get('revision')}"
        if _PINNED.fullmatch(reference) and isinstance(encoder.get("fingerprint"), str):
            return reference, encoder["fingerprint"]
    raise InputError(
        f"The file {path / CONFIG_NAME} names no usable encoder: it must be {ENCODER!r} with its files, "
        "a Hub reference with commit and fingerprint, the name of a bundle beside it with a fingerprint, or null."
    )


def encodes_of(config: Mapping[str, Any]) -> frozenset[str]:
    """Return what a bundle's encoder reads for the model: "image", "text"; empty without an encoder.

    Raises:
        InputError: The config says something else.
    """
    if config.get("encoder") is None:
        return frozenset()
    return check_encodes(config.get("encodes", sorted(MODALITIES)))


def check_encodes(value: object) -> frozenset[str]:
    """Check what an encoder reads, as a config says it, and return it as a tuple.

    Raises:
        InputError: The value is not "image", "text" or both.
    """
    if isinstance(value, Collection) and not isinstance(value, (str, Mapping)):
        values = list(value)
        if values and all(isinstance(entry, str) for entry in values) and MODALITIES.issuperset(values):
            return frozenset(values)
    raise InputError(f"What the encoder encodes must be a list of 'image', 'text' or both, not {value!r}.")


def save_encoder(
    encoder: str | Path | None, aside: Path, config: ModelConfig, encodes: frozenset[str], *, link: bool
) -> str | dict[str, str] | None:
    """Copy an encoder folder into `aside`, or look a Hub reference up; returns what config.json says about it.

    Raises:
        InputError: The encoder is not there, or its width is not the model's.
    """
    if encoder is None:
        return None
    if str(encoder).startswith(HUB_PREFIX):
        loaded = load_encoder(encoder)
        check_width(loaded.width, config, str(encoder), encodes)
        reference, _, revision = loaded.reference.rpartition("@")
        return {"reference": reference, "revision": revision, "fingerprint": loaded.fingerprint}
    folder = Path(encoder)
    check_width(int(read_encoder_config(folder)["model_cfg"]["embed_dim"]), config, str(folder), encodes)
    (aside / ENCODER).mkdir()
    for source in _copied(folder):
        if link:
            (aside / ENCODER / source.name).symlink_to(source.resolve())
        else:
            shutil.copyfile(source, aside / ENCODER / source.name)
    return ENCODER


def _copied(folder: Path) -> list[Path]:
    """Name the files of an encoder folder that a bundle takes over."""
    wanted = {weights_path(folder)}
    wanted.update(match for pattern in HUB_PATTERNS if "safetensors" not in pattern for match in folder.glob(pattern))
    return sorted(wanted)


def shared_encoder(path: Path, name: str) -> tuple[Path, str]:
    """Find the encoder in the bundle called `name` beside the bundle `path`; returns its folder and fingerprint.

    Raises:
        InputError: There is no such bundle, or it has no encoder in its own folder.
    """
    beside = neighbour_path(path, name)
    fingerprint = None
    if is_neighbour_name(name) and beside != path.resolve():
        fingerprint = included_encoder(read_config(beside))
    if fingerprint is None:
        raise InputError(
            f"There is no bundle {name!r} beside {path} with an encoder in its own folder; name the folder of one, "
            "without its path."
        )
    return beside / ENCODER, fingerprint


def share_encoder(path: Path, name: str, config: ModelConfig, encodes: frozenset[str]) -> dict[str, str]:
    """Return what config.json of the bundle `path` says to use the encoder of the bundle called `name` beside it.

    Raises:
        InputError: As `shared_encoder`, or the encoder's width is not the model's.
    """
    folder, fingerprint = shared_encoder(path, name)
    check_width(int(read_encoder_config(folder)["model_cfg"]["embed_dim"]), config, str(folder), encodes)
    return {"bundle": name, "fingerprint": fingerprint}


def check_width(width: int, config: ModelConfig, encoder: str, encodes: frozenset[str]) -> None:
    """Raise an `InputError` unless an encoder's features are as wide as the model takes what it encodes."""
    sizes = {"image": config.image_dim, "text": config.text_dim}
    if any(sizes[modality] != width for modality in encodes):
        wanted = " and ".join(f"{sizes[modality]} for {_ARTICLE[modality]}" for modality in sorted(encodes))
        raise InputError(
            f"The encoder {encoder} gives {width} features, but the model takes {wanted}; "
            "use the encoder that the model was trained with."
        )


ENCODER_RECALL = "recall.json"


@dataclasses.dataclass(frozen=True)
class ChosenEncoder:
    """What a bundle will say about its encoder.

    Attributes:
        reference: A folder or a Hub reference; None for no encoder.
        encodes: What it reads for the model, "image", "text" or both.
        stays_in: The name of the bundle beside the new one that it is in and is not copied from.
        note: A sentence for the user about why there is none.
    """

    reference: str | None
    encodes: frozenset[str] = MODALITIES
    stays_in: str | None = None
    note: str | None = dataclasses.field(default=None, compare=False)

    def for_bundle(self) -> dict[str, Any]:
        """The arguments of `save_bundle` about it."""
        encoder = None if self.stays_in else self.reference
        return {"encoder": encoder, "encoder_bundle": self.stays_in, "encodes": self.encodes}

    @property
    def copied_bytes(self) -> int:
        """How much a bundle copies of it."""
        is_folder = self.reference is not None and not self.reference.startswith(HUB_PREFIX)
        return sum(map(size_of, _copied(Path(self.reference)))) if is_folder and self.stays_in is None else 0

    def encode_texts(self) -> Callable[[Sequence[str]], Tensor] | None:
        """Load it and return what makes features of texts; None where it is not there or reads no texts."""
        if self.reference is None or "text" not in self.encodes:
            return None
        return load_encoder(self.reference).encode_texts

    def results(self) -> EncoderResults | None:
        """Its own recall, where it reads both sides and the folder it comes from (of `algcn.pretrain`) says it.

        Raises:
            InputError: What the folder says is not understood.
        """
        path = Path(self.reference or "") / ENCODER_RECALL
        if self.encodes != MODALITIES or not path.is_file():
            return None
        try:
            return EncoderResults.from_json(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, RecursionError) as error:
            raise InputError(f"{path} does not say the encoder's recall: {error} Restore it or remove it.") from None


def choose_encoder(
    features: Features, out: str | Path, *, encoder: str | None = None, encoder_of: str | None = None
) -> ChosenEncoder:
    """The encoder asked for, or that of a bundle beside the new one, else the one the features name, if it is there.

    Args:
        features: What the model is trained on.
        out: The new bundle's folder.
        encoder: A folder or a Hub reference.
        encoder_of: The name of a bundle beside the new one, whose encoder is used without a copy.

    Raises:
        InputError: It is not the one that made the features.
    """
    chosen = encoder if encoder_of is None else str(shared_encoder(Path(out), encoder_of)[0])
    known = features.image_encoder
    reference = chosen or known.get("reference")
    if not reference:
        return ChosenEncoder(
            None,
            note="The features name no encoder, so the bundle cannot take photos or texts; --encoder REF adds one.",
        )
    if chosen is None and not reference.startswith(HUB_PREFIX) and not Path(reference).is_dir():
        return ChosenEncoder(
            None,
            note=f"{reference!r}, the features' encoder, is not here, so the bundle has none; --encoder REF adds one.",
        )
    loaded = load_encoder(reference)
    encodes = frozenset({"image"}) if "image_fingerprint" in features.encoder else MODALITIES
    text_width = loaded.width if "text" in encodes else features.text_dim
    features.check_widths(loaded.width, text_width, f"a model on the encoder {reference!r}")
    if known.get("fingerprint", loaded.fingerprint) != loaded.fingerprint:
        raise InputError(
            f"The features were not made by the encoder {reference!r}; extract them with it, or name the other."
        )
    chosen = ChosenEncoder(loaded.reference, encodes, encoder_of)
    chosen.results()  # a file that is not understood is better known before a training than after
    return chosen
