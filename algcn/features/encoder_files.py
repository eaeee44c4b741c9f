"""The files of an open_clip encoder: which they are, whether they are there, and their fingerprint."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from algcn.features.vocabulary import WORDS_FILE
from algcn.kit import files
from algcn.kit.errors import InputError

ENCODER_CONFIG = "open_clip_config.json"
WEIGHTS_FILES = ("open_clip_model.safetensors", "open_clip_pytorch_model.safetensors")
HUB_PREFIX = "hf-hub:"
# What a Hub repository may hand us: this config, these weights, the text files of a tokenizer, a list of words. A
# repository often holds the same weights in other formats (model.safetensors of transformers, pickles): those stay.
TEXT_FILES = ("tokenizer*.json", "special_tokens_map.json", "vocab.*", "merges.txt", WORDS_FILE)
HUB_PATTERNS = (ENCODER_CONFIG, *WEIGHTS_FILES, *TEXT_FILES)


def read_encoder_config(folder: str | Path) -> dict[str, Any]:
    """Read the open_clip_config.json of an encoder folder: "model_cfg" and "preprocess_cfg".

    Raises:
        InputError: The folder or the file is missing, is not such a JSON, or names a model that would be downloaded.
    """
    folder = Path(folder)
    path = folder / ENCODER_CONFIG
    if not folder.is_dir():
        raise InputError(
            f"There is no encoder folder at {folder}; name a folder with {ENCODER_CONFIG} and its weights."
        )
    if not path.is_file():
        raise InputError(
            f"The folder {folder} has no {ENCODER_CONFIG}; an encoder is a folder in open_clip's own format."
        )
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        model_cfg = config["model_cfg"]
        if not (isinstance(model_cfg["embed_dim"], int) and isinstance(config.get("preprocess_cfg", {}), dict)):
            raise TypeError
        towers = (model_cfg["vision_cfg"], model_cfg["text_cfg"])
        if not all(isinstance(tower, dict) for tower in towers):
            raise TypeError
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise InputError(
            f"The file {path} must be an open_clip config (model_cfg with embed_dim and two towers)."
        ) from None
    # timm and transformers read such names as places to download from; weights come from this folder only.
    timm_name = str(towers[0].get("timm_model_name") or "")
    if ":" in timm_name or "/" in timm_name:
        raise InputError(f"The file {path} asks for the image tower {timm_name!r}; use one of timm's own model names.")
    if towers[1].get("hf_model_name"):
        raise InputError(
            f"The file {path} asks for a transformers text tower; use an encoder with open_clip's own text tower."
        )
    return config


def weights_path(folder: str | Path) -> Path:
    """Return the path of the safetensors file in an encoder folder.

    Raises:
        InputError: There is no such file; weights in other formats are never read.
    """
    folder = Path(folder)
    for name in WEIGHTS_FILES:
        if (folder / name).is_file():
            return folder / name
    others = sorted(path.name for path in folder.glob("*") if path.suffix in (".bin", ".pt", ".pth", ".ckpt"))
    if others:
        raise InputError(
            f"The folder {folder} has its weights as {others[0]}, a pickle, which is never read; save them as "
            f"{WEIGHTS_FILES[0]}."
        )
    raise InputError(f"The folder {folder} has no {WEIGHTS_FILES[0]}; copy the encoder's weights there as safetensors.")


def encoder_fingerprint(folder: str | Path) -> str:
    """Return the fingerprint of an encoder folder, from its config and its weights (both are read in full)."""
    folder = Path(folder)
    return fingerprint_of(files.sha256(folder / ENCODER_CONFIG), files.sha256(weights_path(folder)))


def missing_files(folder: Path) -> list[str]:
    """Name the files that `load_encoder` reads and a snapshot lacks, after an interrupted download for instance."""
    missing = [] if (folder / ENCODER_CONFIG).is_file() else [ENCODER_CONFIG]
    return missing if any((folder / name).is_file() for name in WEIGHTS_FILES) else [*missing, WEIGHTS_FILES[0]]


def fingerprint_of(config_sha256: str, weights_sha256: str) -> str:
    """Name an encoder by the hashes of its config and its weights: 16 hexadecimal digits."""
    return hashlib.sha256(f"open_clip\n{config_sha256}\n{weights_sha256}\n".encode()).hexdigest()[:16]
