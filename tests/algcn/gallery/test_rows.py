"""The rows of a large gallery lie in a file that is mapped, and everything works with them."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest
import torch
from PIL import Image

from algcn.bundles.bundle import Bundle
from algcn.gallery import rows
from algcn.gallery.store import Gallery, build_gallery
from algcn.method.model import ALGCN

KINDS = rows.Rows._fields
CLOSE = 2e-3  # of float16: 2^-11 of a number below 1


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ALGCN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def bundle(tiny_bundle_dir: Path) -> Bundle:
    return Bundle.load(tiny_bundle_dir)


@pytest.fixture
def folder(tiny_gallery_dir: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(tiny_gallery_dir, tmp_path / "gallery"))


@pytest.fixture
def small(folder: Path, bundle: Bundle) -> Gallery:
    """The gallery as one that is held in memory."""
    return build_gallery(folder, bundle)


@pytest.fixture
def large(small: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on, more than three pictures or texts are a large gallery."""
    monkeypatch.setattr(rows, "LARGE", 3)


def test_they_are_those_of_a_small_one_in_half_precision(
    small: Gallery, large: None, folder: Path, bundle: Bundle, cache: Path
) -> None:
    gallery = build_gallery(folder, bundle)
    for name in KINDS:
        ours, theirs = getattr(gallery, name), getattr(small, name)
        assert (ours.dtype, theirs.dtype) == (torch.float16, torch.float32)
        torch.testing.assert_close(ours.float(), theirs, rtol=0, atol=CLOSE)
    assert len(list((cache / "rows").iterdir())) == 1
    assert gallery.items == small.items and gallery.texts == small.texts


def test_the_file_is_found_again_and_not_made_anew(
    small: Gallery, large: None, folder: Path, bundle: Bundle, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = build_gallery(folder, bundle)
    [path] = (cache / "rows").iterdir()
    written = path.stat().st_mtime_ns
    monkeypatch.setattr(rows, "projected_blocks", lambda *_: pytest.fail("it was there"))
    second = build_gallery(folder, bundle)
    assert path.stat().st_mtime_ns == written
    assert all(torch.equal(getattr(first, name), getattr(second, name)) for name in KINDS)


def test_a_gallery_that_changed_has_its_file_replaced(
    small: Gallery, large: None, folder: Path, bundle: Bundle, cache: Path
) -> None:
    before = build_gallery(folder, bundle)
    Image.new("RGB", (20, 20), "orange").save(folder / "beach.png")
    after = build_gallery(folder, bundle)
    assert not torch.equal(before.image_features, after.image_features)
    assert len(list((cache / "rows").iterdir())) == 1
    assert torch.equal(build_gallery(folder, bundle).image_features, after.image_features)


@pytest.mark.parametrize("content", [b"", b"noise" * 100, None], ids=["empty", "noise", "cut"])
def test_a_damaged_file_is_made_anew(
    small: Gallery, large: None, folder: Path, bundle: Bundle, cache: Path, content: bytes | None
) -> None:
    first = {name: getattr(build_gallery(folder, bundle), name).clone() for name in KINDS}
    [path] = (cache / "rows").iterdir()
    whole = path.read_bytes()
    path.unlink()  # what is mapped somewhere is never written into
    path.write_bytes(whole[: len(whole) // 2] if content is None else content)
    second = build_gallery(folder, bundle)
    assert all(torch.equal(first[name], getattr(second, name)) for name in KINDS)
    assert path.read_bytes() == whole


def test_where_they_cannot_be_kept_they_are_held_and_it_is_said(
    small: Gallery, large: None, folder: Path, bundle: Bundle, cache: Path
) -> None:
    (cache / "rows").write_text("a file where a folder should be")
    gallery = build_gallery(folder, bundle)
    [notice] = gallery.notices
    assert notice.startswith(f"The rows of this gallery cannot be kept in {cache / 'rows'}")
    torch.testing.assert_close(gallery.image_embeddings.float(), small.image_embeddings, rtol=0, atol=CLOSE)


def test_another_model_projects_them_in_half_precision(
    small: Gallery, large: None, folder: Path, bundle: Bundle
) -> None:
    with torch.random.fork_rng(devices=[]):
        other = ALGCN(bundle.model.config)
    ours, theirs = build_gallery(folder, bundle).projected(other), small.projected(other)
    for name in ("image_embeddings", "text_embeddings"):
        assert getattr(ours, name).dtype == torch.float16
        torch.testing.assert_close(getattr(ours, name).float(), getattr(theirs, name), rtol=0, atol=CLOSE)


@pytest.mark.parametrize("shape", [(), (2,)], ids=["one", "several"])
def test_inner_products_are_those_of_float32(shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "LARGE", 3)
    draw = torch.Generator().manual_seed(0)
    left, right = torch.randn(10, 8, generator=draw), torch.randn(8, *shape, generator=draw)
    found = rows.inner_products(left.half(), right)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, left.half().float() @ right)
    assert torch.equal(rows.inner_products(left, right), left @ right)


def test_few_stand_for_all_of_a_large_gallery_and_all_for_a_small_one(monkeypatch: pytest.MonkeyPatch) -> None:
    values = torch.arange(100.0)[:, None]
    assert rows.typical(values) is values
    monkeypatch.setattr(rows, "LARGE", 50)
    monkeypatch.setattr(rows, "SAMPLE", 10)
    few = rows.typical(values.half())
    assert few.dtype == torch.float32 and len(few) == 10
    assert torch.equal(few, rows.typical(values.half())) and (few.diff(dim=0) > 0).all()
    assert rows.sample_of(4).tolist() == [0, 1, 2, 3]


def test_a_gallery_without_its_texts_is_as_before(small: Gallery, large: None, folder: Path, bundle: Bundle) -> None:
    gallery = build_gallery(folder, bundle)
    nothing = {"texts": [], "text_owner": gallery.text_owner[:0], "text_features": gallery.text_features[:0]}
    without = dataclasses.replace(gallery, **nothing).projected(bundle.model)
    assert without.text_embeddings.shape == (0, bundle.model.config.common_dim)
    torch.testing.assert_close(without.image_embeddings.float(), small.image_embeddings, rtol=0, atol=CLOSE)
