"""The page on an index: it answers as without one, and refuses one of something else."""

from __future__ import annotations

from pathlib import Path

import pytest

from algcn.bundles.bundle import Bundle
from algcn.cluster.address import Address
from algcn.cluster.publish import publish
from algcn.gallery.store import build_gallery
from algcn.kit.errors import InputError
from app.search.query import Query
from app.service import load_service

pytest.importorskip("milvus_lite", reason="algcn/cluster/requirements.txt is not installed")


def test_an_index_gives_what_is_found_without(tmp_path: Path, tiny_bundle_dir: Path, tiny_gallery_dir: Path) -> None:
    index = str(tmp_path / "a.db")
    bundle = Bundle.load(tiny_bundle_dir)
    publish(Address.parse(index), bundle, build_gallery(tiny_gallery_dir, bundle))
    plain, indexed = (load_service(tiny_bundle_dir, tiny_gallery_dir, index=place) for place in (None, index))
    for query in (
        Query(text="a dog on the beach", cutoff=0.0),
        Query(text="a dog on the beach", labels=("Beach", "night"), match="any", cutoff=0.0),
        Query(item=2, labels=("beach",), match="none", cutoff=0.0),
    ):
        before, after = plain.search(query), indexed.search(query)
        assert [hit.file for hit in after.pictures.hits] == [hit.file for hit in before.pictures.hits]
        assert [hit.text for hit in after.captions.hits] == [hit.text for hit in before.captions.hits]


def test_an_index_of_something_else_ends_the_start(
    tmp_path: Path, tiny_bundle_dir: Path, pictures_bundle_dir: Path, tiny_gallery_dir: Path
) -> None:
    index = str(tmp_path / "a.db")
    with pytest.raises(InputError, match="There is no index at"):
        load_service(tiny_bundle_dir, tiny_gallery_dir, index=index)
    assert not Path(index).exists()
    bundle = Bundle.load(tiny_bundle_dir)
    publish(Address.parse(index), bundle, build_gallery(tiny_gallery_dir, bundle))
    with pytest.raises(InputError, match="holds another model's vectors"):
        load_service(pictures_bundle_dir, tiny_gallery_dir, index=index)
