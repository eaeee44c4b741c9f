"""The files of a gallery: the names of those that the project writes, and which belong to it on the Hub."""

from __future__ import annotations

from algcn.bundles import manifest
from algcn.datasets.image_folder import METADATA
from algcn.kit.images import SUFFIXES

STORE_NAME = "embeddings.safetensors"  # written by `algcn.gallery`
LAYOUT_NAME = "layout.safetensors"  # written by `algcn.gallery.layout`
PICTURES = tuple(f"*{spelled}" for suffix in sorted(SUFFIXES) for spelled in (suffix, suffix.upper()))
# Patterns of all that a gallery is made of; no other file travels to the Hub or from it.
PATTERNS = (METADATA, STORE_NAME, LAYOUT_NAME, manifest.README_NAME, *PICTURES)
