"""Where a browser finds pictures of a gallery."""

from __future__ import annotations

# Of the gallery that the program started with; a visitor's own has a secret key.
SHARED_KEY = "gallery"


def pictures_prefix(key: str) -> str:
    """Relative to the page; /SIZE/NUMBER follows."""
    return f"picture/{key}"
