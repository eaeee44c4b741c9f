"""Bundles on the Hugging Face Hub: model repositories with the files of the folder."""

from __future__ import annotations

from pathlib import Path

from algcn.bundles import manifest
from algcn.features.encoder_files import HUB_PATTERNS as ENCODER_PATTERNS
from algcn.kit.hub import Kind, resolve

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
