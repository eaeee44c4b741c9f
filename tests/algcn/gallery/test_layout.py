"""A gallery's layout: kept by what it was made from, and shipped with the bundled one."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file
from torch.nn import functional

from algcn.bundles.bundle import Bundle
from algcn.gallery import __main__ as command
from algcn.gallery import layout
from algcn.gallery.files import LAYOUT_NAME
from algcn.gallery.layout import gallery_key, gallery_points, points_to_lay_out, read_layout, write_layout
from algcn.gallery.projection import REDUCED, lay_out
from algcn.gallery.store import build_gallery
from algcn.kit.errors import InputError

PROJECT = Path(__file__).resolve().parents[3]
KEY = "0" * 32


@pytest.fixture(scope="module")
def bundle(tiny_bundle_dir: Path) -> Bundle:
    return Bundle.load(tiny_bundle_dir)


def positions(count: int = 5) -> dict[int, np.ndarray]:
    return {n: np.random.default_rng(n).uniform(-1, 1, (count, n)).astype(np.float32) for n in (2, 3)}


def test_a_layout_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_layout(tmp_path / "deep" / "a.safetensors", KEY, positions())
    found = read_layout(tmp_path / "deep" / "a.safetensors", KEY, 5)
    assert set(found) == {2, 3}
    for dimensions, values in positions().items():
        assert np.abs(found[dimensions] - values).max() < 1e-3
        assert found[dimensions].dtype == np.float32


def test_what_does_not_fit_is_not_shown(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    assert read_layout(path, KEY, 5) is None
    write_layout(path, KEY, positions())
    assert read_layout(path, "1" * 32, 5) is None
    assert read_layout(path, KEY, 6) is None
    path.write_bytes(path.read_bytes()[:-9])
    assert read_layout(path, KEY, 5) is None
    save_file({"positions_2d": np.zeros((5, 2), np.float16)}, path, {"format": layout.LAYOUT_FORMAT, "key": KEY})
    assert read_layout(path, KEY, 5) is None
    write_layout(path, KEY, positions() | {2: np.full((5, 2), np.nan)})
    assert read_layout(path, KEY, 5) is None


def test_the_key_changes_with_pictures_texts_and_model(bundle: Bundle, tiny_gallery_dir: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_gallery_dir, tmp_path / "gallery")
    first = gallery_key(build_gallery(folder, bundle), bundle)
    assert first == gallery_key(build_gallery(tiny_gallery_dir, bundle), bundle), "a copy has the same layout"
    other = Bundle.load(bundle.path)
    other.fingerprint = "another"
    assert gallery_key(build_gallery(folder, bundle), other) != first
    metadata = folder / "metadata.csv"
    metadata.write_text(metadata.read_text(encoding="utf-8").replace("sunny", "rainy"), encoding="utf-8")
    second = gallery_key(build_gallery(folder, bundle), bundle)
    assert second != first
    shutil.copyfile(folder / "beach.png", folder / "unlabelled.png")
    assert gallery_key(build_gallery(folder, bundle), bundle) != second


def test_the_command_keeps_a_layout_in_place_or_in_the_cache(
    bundle: Bundle,
    tiny_gallery_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = shutil.copytree(tiny_gallery_dir, tmp_path / "gallery")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("ALGCN_CACHE", "~/cache")
    made = []
    monkeypatch.setattr(command, "lay_out", lambda points, **_: made.append(len(points)) or positions(len(points)))
    gallery = build_gallery(folder, bundle)
    key, count = gallery_key(gallery, bundle), len(gallery_points(gallery))
    for arguments, path in (
        (["--in-place"], folder / LAYOUT_NAME),
        ([], tmp_path / "cache" / "layouts" / f"{key}.safetensors"),
    ):
        for _ in range(2):  # the second time there is nothing to do
            command.main(["layout", str(folder), "--bundle", str(bundle.path), *arguments])
        assert read_layout(path, key, count) is not None
        assert str(path) in capsys.readouterr().out
    assert made == [count, count]


def test_a_folder_that_cannot_be_written_is_one_sentence(
    bundle: Bundle, tiny_gallery_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(command, "lay_out", lambda points, **_: positions(len(points)))
    monkeypatch.setattr(command, "write_layout", refuse)
    with pytest.raises(InputError, match=r"cannot be written to \(Permission denied\)"):
        command.main(["layout", str(tiny_gallery_dir), "--bundle", str(bundle.path), "--in-place"])


def test_the_bundled_gallery_comes_with_the_layout_of_the_bundled_model() -> None:
    gallery_dir = PROJECT / "assets" / "gallery"
    pocket = Bundle.load(PROJECT / "weights" / "pocket")
    gallery = build_gallery(gallery_dir, pocket)
    count = len(gallery.items) + len(gallery.texts)
    found = read_layout(gallery_dir / LAYOUT_NAME, gallery_key(gallery, pocket), count)
    assert found is not None, (
        "make it anew: python -m algcn.gallery layout assets/gallery --bundle weights/pocket --in-place"
    )
    assert (gallery_dir / LAYOUT_NAME).stat().st_size < 100_000
    assert all(values.dtype == np.float16 for values in load_file(gallery_dir / LAYOUT_NAME).values())
    # What is near in the common space is near on the map: half of a picture's nearest lie in its corner.
    points, drawn = gallery_points(gallery), found[2]
    near = np.argsort(-points[:200] @ points.T, axis=1)[:, 1:6]
    distance = np.linalg.norm(drawn[near] - drawn[:200, None], axis=2)
    assert np.median(distance) < 0.1


def test_many_points_are_laid_out_by_their_leading_directions(bundle: Bundle, tiny_gallery_dir: Path) -> None:
    """A block at a time, of half precision too, and with the same picture as all of their directions give."""
    gallery, noise = build_gallery(tiny_gallery_dir, bundle), torch.Generator().manual_seed(0)
    directions = torch.randn(8, 100, generator=noise)
    rows = functional.normalize(torch.randn(500, 8, generator=noise) @ directions, dim=1)
    many = dataclasses.replace(
        gallery,
        items=gallery.items[:1] * 300,
        texts=["a"] * 200,
        image_embeddings=rows[:300].half(),
        text_embeddings=rows[300:].half(),
    )
    assert points_to_lay_out(many, 500).shape == (500, 100), "so many are laid out as they are"
    points = points_to_lay_out(many, 200)
    assert points.shape == (500, REDUCED)
    assert np.abs(points @ points.T - (rows @ rows.T).numpy()).max() < 0.01
    reduced, whole = lay_out(points, "pca", most=200), lay_out(rows, "pca", most=200)
    for dimensions in (2, 3):
        assert np.abs(np.abs(reduced[dimensions]) - np.abs(whole[dimensions])).max() < 0.05
