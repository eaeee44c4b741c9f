"""Galleries on the Hugging Face Hub: dataset repositories with the files of the folder."""

from __future__ import annotations

from pathlib import Path

from algcn.datasets.folders.listing import is_listed, is_table
from algcn.datasets.image_folder import METADATA, read_image_folder
from algcn.gallery.files import BESIDE, pictures
from algcn.kit.hub import Kind, resolve


def _gallery_damage(folder: Path) -> list[str]:
    """Name the table where it is missing and there is no picture; the files that it names are looked for by name."""
    names = (path.relative_to(folder).as_posix() for path in folder.rglob("*"))
    return [] if any(is_table(name) or is_listed(name) for name in names) else [METADATA]


GALLERY = Kind(
    name="gallery",
    repo_type="dataset",
    patterns=BESIDE,
    damaged=_gallery_damage,
    check=read_image_folder,
    further=pictures,
)


def resolve_gallery(
    reference: str | Path, cache_dir: str | Path | None = None, fallback: str | Path | None = None
) -> tuple[Path, str | None]:
    """Find the folder of a gallery, here or in a dataset repository on the Hub, as `resolve_bundle` does."""
    return resolve(GALLERY, reference, cache_dir, fallback)
