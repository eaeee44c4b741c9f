"""The encoder that goes into the bundle of a training run: `--encoder REF`, `--encoder-of NAME`, or the features' own.

Notable: features may be an encoder's on one side only (its pictures beside bags of words); then the bundle's encoder
reads pictures alone.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from algcn.bundle_encoder import MODALITIES, shared_encoder
from algcn.datasets.features import Features
from algcn.encoders import HUB_PREFIX, load_encoder
from algcn.errors import InputError
from algcn.ranking import ENCODER_WEIGHT

ENCODER_RECALL = "recall.json"


@dataclass(frozen=True)
class ChosenEncoder:
    """What a bundle will say about its encoder.

    Attributes:
        reference: a folder or a Hub reference; None for no encoder.
        encodes: what it reads for the model, "image", "text" or both.
        stays_in: the name of the bundle beside the new one that it is in and is not copied from.
    """

    reference: str | None
    encodes: frozenset[str] = MODALITIES
    stays_in: str | None = None

    @property
    def weight(self) -> float:
        """Of the encoder in the ranking: one that reads one side only has no cosine between the two."""
        return ENCODER_WEIGHT if self.encodes == MODALITIES else 0.0

    def for_bundle(self) -> dict[str, Any]:
        """The arguments of `save_bundle` about it."""
        encoder = None if self.stays_in else self.reference
        about = {"encoder": encoder, "encoder_bundle": self.stays_in, "encodes": self.encodes}
        return {**about, "encoder_weight": self.weight}

    def metrics(self) -> dict[str, Any]:
        """Its own recall, where it reads both sides and the folder it comes from (of `algcn.pretrain`) says it."""
        path = Path(self.reference or "") / ENCODER_RECALL
        known = self.encodes == MODALITIES and path.is_file()
        return {"encoder": json.loads(path.read_text(encoding="utf-8"))} if known else {}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The two flags; one excludes the other."""
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--encoder", help="encoder to put into the bundle (default: the one the features name)")
    source.add_argument(
        "--encoder-of", metavar="NAME", help="use the encoder of the bundle NAME beside the new one, without a copy"
    )


def choose_encoder(features: Features, arguments: argparse.Namespace) -> ChosenEncoder:
    """The encoder asked for, or that of a bundle beside the new one, else the one the features name, if it is there.

    Args:
        features: what the model is trained on.
        arguments: of a parser with `add_arguments` and `out`, the new bundle's folder.

    Raises:
        InputError: it is not the one that made the features.
    """
    asked, beside = arguments.encoder, arguments.encoder_of
    if beside is not None:
        asked = str(shared_encoder(Path(arguments.out), beside)[0])
    known = features.image_encoder
    reference = asked or known.get("reference")
    if not reference:
        print("note: the features name no encoder, so the bundle cannot take photos or texts; --encoder REF adds one")
        return ChosenEncoder(None)
    if asked is None and not reference.startswith(HUB_PREFIX) and not Path(reference).is_dir():
        print(
            f"note: {reference!r}, the features' encoder, is not here, so the bundle has none; --encoder REF adds one"
        )
        return ChosenEncoder(None)
    encoder = load_encoder(reference)
    encodes = frozenset({"image"}) if "image_fingerprint" in features.encoder else MODALITIES
    text_width = encoder.width if "text" in encodes else features.text_dim
    features.check_widths(encoder.width, text_width, f"a model on the encoder {reference!r}")
    if known.get("fingerprint", encoder.fingerprint) != encoder.fingerprint:
        raise InputError(
            f"the features were not made by the encoder {reference!r}; extract them with it, or name the other"
        )
    return ChosenEncoder(encoder.reference, encodes, beside)
