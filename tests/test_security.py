"""What SECURITY.md names is there, and its figures are those of the program."""

from __future__ import annotations

import re

import pytest
from conftest import PROJECT

from app.kit import decoders, limits

TEXT = " ".join((PROJECT / "SECURITY.md").read_text(encoding="utf-8").split())
PATHS = sorted(set(re.findall(r"`((?:tests|app|algcn)/[\w/.]+)`", TEXT)))


@pytest.mark.parametrize("path", PATHS)
def test_what_is_named_is_there(path: str) -> None:
    assert (PROJECT / path).exists()


def test_the_figures_are_those_of_the_program() -> None:
    assert f"{decoders.MEMORY / 1e9:g} GB of address space and {decoders.SECONDS:g} seconds for each picture" in TEXT
    assert (
        f"{limits.MAX_PICTURES} pictures of {limits.MAX_PICTURE_BYTES >> 20} MB and "
        f"{limits.MAX_COLLECTION_BYTES >> 20} MB in a collection, tables of {limits.MAX_METADATA_BYTES >> 20} MB, "
        f"{limits.MAX_UPLOAD_BYTES >> 20} MB for an upload, {limits.MAX_REQUEST_BYTES >> 20} MB for any other request; "
        f"uploads stop while {limits.MIN_FREE_BYTES >> 30} GiB is free" in TEXT
    )


def test_the_families_of_pictures_are_counted() -> None:
    from hostile.pictures import FAMILIES

    assert f"{len(FAMILIES)} families of pictures" in TEXT
