"""Bundles on the Hugging Face Hub: model repositories with the files of the folder."""

from __future__ import annotations

from pathlib import Path

from algcn.bundles import manifest
from algcn.features.encoder_files import HUB_PATTERNS as ENCODER_PATTERNS
from algcn.kit.hub import Kind, resolve
from algcn.kit.snapshots import Snapshot, Stranger, fetch_snapshot

BUNDLE = Kind(
    name="bundle",
    repo_type="model",
    patterns=(
        *(name for name in manifest.NAMES if name != manifest.ENCODER),
        *(f"{manifest.ENCODER}/{pattern}" for pattern in ENCODER_PATTERNS),
    ),
    damaged=manifest.damaged_files,
    check=manifest.verify,
    whole=manifest.self_contained,
)


# Of a bundle whose encoder is here already.
MODEL_PATTERNS = tuple(name for name in manifest.NAMES if name not in (manifest.ENCODER, manifest.README_NAME))


def fetch_model(reference: str, folder: str | Path, stranger: Stranger) -> Snapshot:
    """Fetch a bundle without its encoder for somebody who is not the user of this machine.

    Args:
        reference: OWNER/NAME[@COMMIT].
        folder: Where it is kept, with nothing of anybody else.
        stranger: What they may fetch.

    Raises:
        HubError: The Hub does not give it, it is damaged or too large.
        InputError: The reference is not of that form, or the repository is no bundle.
    """
    return fetch_snapshot(reference, MODEL_PATTERNS, damaged=_damaged_model_files, cache_dir=folder, stranger=stranger)


def _damaged_model_files(path: Path) -> list[str]:
    return [name for name in manifest.damaged_files(path) if not name.startswith(f"{manifest.ENCODER}/")]


def resolve_bundle(
    reference: str | Path, cache_dir: str | Path | None = None, fallback: str | Path | None = None
) -> tuple[Path, str | None]:
    """Find the folder of a bundle, here or on the Hub; returns it with a line for the user where there is one.

    Args:
        reference: A folder, or OWNER/NAME[@COMMIT] on the Hub (see `snapshots.fetch_snapshot`).
        cache_dir: Cache of huggingface_hub; its own default when None.
        fallback: The folder to use when the Hub does not give the bundle; without one that is an error.

    Raises:
        InputError: There is no such folder, or the Hub does not give the bundle and there is no fallback.
    """
    return resolve(BUNDLE, reference, cache_dir, fallback)
