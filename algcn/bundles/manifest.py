"""Read, check and write the manifest of a bundle: its config.json, which names the SHA-256 of every other file.

Reading, checking and writing it needs no model: what pulls or pushes a bundle uses this module alone.

Notable: two bundles may share one encoder. The config of the second names the first, a folder beside it, and the
fingerprint of its encoder: {"bundle": NAME, "fingerprint": …}. A name only, never a path.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from algcn.features.encoder_files import ENCODER_CONFIG, fingerprint_of
from algcn.kit import files
from algcn.kit.disk import telling
from algcn.kit.errors import InputError

FORMAT = 1
ENCODER = "encoder"
CONFIG_NAME, MODEL_NAME, HISTORY_NAME = "config.json", "model.safetensors", "history.safetensors"
WITHOUT_GCN_NAME, METRICS_NAME, README_NAME = "without_gcn.safetensors", "metrics.json", "README.md"
PAPER_NAME, LABEL_GRAPH_NAME, SPLIT_NAME = "paper.safetensors", "label_graph.safetensors", "split.safetensors"
HASHED = (MODEL_NAME, PAPER_NAME, LABEL_GRAPH_NAME, HISTORY_NAME, WITHOUT_GCN_NAME, SPLIT_NAME, METRICS_NAME)
# People edit a model card (and a Hub adds to it) without touching the model: it has no hash.
NAMES = (CONFIG_NAME, *HASHED, README_NAME, ENCODER)
_NEIGHBOUR = re.compile(r"[A-Za-z0-9][\w.-]*", re.ASCII)


def verify(path: str | Path) -> list[str]:
    """Check every file of a bundle, the encoder's too, against config.json; returns the names of its own files.

    Raises:
        InputError: A file is missing or damaged, or the bundle beside it whose encoder it uses is.
    """
    path = Path(path)
    config = read_config(path)
    check_hashes(path, config["files"])
    if neighbour_of(config) is not None:
        neighbour_encoder(path, config)
    return sorted(config["files"])


def included_encoder(config: Mapping[str, Any]) -> str | None:
    """Return the fingerprint of the encoder among a bundle's files, by their hashes; None where there is none."""
    hashes = config["files"]
    config_hash = hashes.get(f"{ENCODER}/{ENCODER_CONFIG}")
    weights = [digest for name, digest in hashes.items() if name.endswith(".safetensors") and "/" in name]
    if config.get("encoder") != ENCODER or not config_hash or len(weights) != 1:
        return None
    return fingerprint_of(config_hash, weights[0])


def neighbour_of(config: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return the bundle whose encoder a bundle uses and that encoder's fingerprint; None where it uses none."""
    encoder = config.get("encoder")
    if not isinstance(encoder, dict):
        return None
    name, fingerprint = encoder.get("bundle"), encoder.get("fingerprint")
    return (name, fingerprint) if is_neighbour_name(name) and isinstance(fingerprint, str) else None


def is_neighbour_name(name: object) -> bool:
    """Tell whether `name` can be that of a bundle beside another: a folder's name, and never a path."""
    return isinstance(name, str) and _NEIGHBOUR.fullmatch(name) is not None


def neighbour_path(path: Path, name: str) -> Path:
    """Return where the bundle called `name` lies beside the bundle `path`, whether it is there or not."""
    return path.resolve().parent / name


def neighbour_encoder(path: Path, config: Mapping[str, Any]) -> Path:
    """Find the encoder's folder in the bundle beside `path` that its config names, with every file checked.

    Raises:
        InputError: There is no such bundle, or it is damaged, or has another encoder or none.
    """
    name, fingerprint = neighbour_of(config)
    beside = neighbour_path(path, name)
    if not beside.is_dir():
        raise InputError(f"The bundle {path} uses the encoder of the bundle {name!r} beside it; put it at {beside}.")
    theirs = read_config(beside)
    if included_encoder(theirs) != fingerprint:
        raise InputError(
            f"The bundle {beside} has not the encoder that the bundle {path} was trained with; "
            f"restore the {name!r} that came with it."
        )
    check_hashes(beside, encoder_hashes(theirs))
    return beside / ENCODER


def encoder_hashes(config: Mapping[str, Any]) -> dict[str, str]:
    """Return the files of the encoder in a bundle's folder with their hashes."""
    return {name: digest for name, digest in config["files"].items() if "/" in name}


@contextlib.contextmanager
def self_contained(path: str | Path) -> Iterator[Path]:
    """Yield the bundle's folder, or a temporary copy with the encoder in it where that is in the bundle beside it.

    Raises:
        InputError: That encoder is missing or damaged.
    """
    path = Path(path)
    config = read_config(path)
    if neighbour_of(config) is None:
        yield path
        return
    encoder = neighbour_encoder(path, config)
    with tempfile.TemporaryDirectory() as folder, telling(folder):
        whole = Path(folder) / path.resolve().name
        (whole / ENCODER).mkdir(parents=True)
        for name in encoder_hashes(read_config(encoder.parent)):
            shutil.copyfile(encoder.parent / name, whole / name)
        for name in (*config["files"], README_NAME):
            if (path / name).is_file():
                shutil.copyfile(path / name, whole / name)
        write_config(whole, {**config, "encoder": ENCODER})
        yield whole


def damaged_files(path: str | Path) -> list[str]:
    """Name a bundle's files that are missing or not as config.json says, the encoder's too; empty when it is whole.

    A config.json that cannot be read is itself damaged; one that can but is unusable is for `Bundle.load` to explain.
    """
    path = Path(path)
    try:
        config = json.loads((path / CONFIG_NAME).read_text(encoding="utf-8"))
        hashes = dict(config["files"])
    except (OSError, ValueError, RecursionError):
        return [CONFIG_NAME]
    except (KeyError, TypeError):
        return []
    return [name for name, digest in hashes.items() if _damage(path, name, digest) is not None]


def read_config(path: Path) -> dict[str, Any]:
    """Read config.json of a bundle's folder, and check its format and its list of files.

    Raises:
        InputError: There is no config.json, or it is no bundle's, has another format, or names other files.
    """
    if not path.is_dir():
        raise InputError(f"There is no bundle at {path}; name a folder with a {CONFIG_NAME}, or OWNER/NAME on the Hub.")
    if not (path / CONFIG_NAME).is_file():
        raise InputError(f"The folder {path} is no bundle: it has no {CONFIG_NAME}; name the folder that holds it.")
    config = read_json(path / CONFIG_NAME)
    if "format" not in config or "model" not in config or "labels" not in config:
        raise InputError(
            f"The file {path / CONFIG_NAME} is not a bundle's config (format, model, labels, files); restore it."
        )
    if config["format"] != FORMAT:
        raise InputError(
            f"The bundle {path} was written in bundle format {config['format']!r} and this version reads {FORMAT}; "
            "update the program or save the bundle anew."
        )
    hashes = config.get("files")
    if not isinstance(hashes, dict) or not all(isinstance(digest, str) for digest in hashes.values()):
        raise InputError(f"The file {path / CONFIG_NAME} has no list of files with their hashes; restore it.")
    for name in hashes:
        parts = PurePosixPath(name).parts
        if not 0 < len(parts) <= 2 or parts[0] not in NAMES or ".." in parts or "\\" in name:
            raise InputError(
                f"The file {path / CONFIG_NAME} names the file {name!r}, which is no part of a bundle; restore it."
            )
    if MODEL_NAME not in hashes:
        raise InputError(f"The file {path / CONFIG_NAME} does not name {MODEL_NAME}; restore it.")
    return config


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object from a file.

    Raises:
        InputError: The file is missing or holds something else.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:  # the last where lists are nested too deep
        raise InputError(f"The file {path} is not readable JSON ({error}); restore it.") from None
    if not isinstance(value, dict):
        raise InputError(f"The file {path} must hold a JSON object; restore it.")
    return value


def json_text(value: Mapping[str, Any]) -> str:
    """Return JSON in the layout of a bundle's files."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def check_hashes(path: Path, hashes: Mapping[str, str]) -> None:
    """Compare files of a bundle (names and their SHA-256) with what is in its folder.

    Raises:
        InputError: A file is missing or damaged.
    """
    for name, digest in hashes.items():
        damage = _damage(path, name, digest)
        if damage is not None:
            raise InputError(damage)


def _damage(path: Path, name: str, digest: str) -> str | None:
    """Say what is wrong with a bundle's file; None if nothing is."""
    if not os.path.isfile(path / name):  # False for a name that is too long, too
        return f"The bundle {path} lacks {name}; copy it there or pull the bundle again."
    if files.sha256(path / name) != digest:
        return (
            f"{path / name} is damaged or was changed (its SHA-256 is not the one in {CONFIG_NAME}); "
            "copy it again or pull the bundle again."
        )
    return None


def write_config(path: Path, config: dict[str, Any], new: Mapping[str, Path] | None = None) -> None:
    """Write config.json with the hashes of what is in `path`, or of the files that will take the place of some."""
    new = new or {}
    hashed = {name: new.get(name, path / name) for name in HASHED}
    if config["encoder"] == ENCODER:
        hashed |= {f"{ENCODER}/{file.name}": file for file in sorted((path / ENCODER).iterdir())}
    hashes = {name: files.sha256(file) for name, file in hashed.items() if file.is_file()}
    files.write_text(path / CONFIG_NAME, json_text({**config, "files": hashes}))
