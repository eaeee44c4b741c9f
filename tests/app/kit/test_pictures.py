"""Pictures sent to browsers: as they are where a browser shows them so, and as previews where not."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from icc import SRGB, rgb_profile, srgb_of
from PIL import Image

from algcn.kit.errors import InputError
from app.kit.pictures import ORIGINAL, media_type, picture_file

pillow_heif.register_heif_opener()  # for the encoder

COLOUR = (180, 90, 40)


def write(path: Path, kind: str, colour: tuple[int, int, int] = COLOUR, **options) -> Path:
    Image.new("RGB", (64, 48), colour).save(path, kind, **options)
    return path


def sent(path: Path, cache: Path) -> tuple[str, np.ndarray]:
    """What a browser is told and given."""
    file = picture_file(path, "card", cache)
    image = Image.open(io.BytesIO(file.read_bytes()))
    assert media_type(file) == Image.MIME[image.format]
    return image.format, np.asarray(image.convert("RGB")).astype(int)


@pytest.mark.parametrize("name", ["a.jpg", "a.PNG", "a", "a.heic"])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_what_browsers_know_is_sent_as_what_it_is(kind: str, name: str, tmp_path: Path) -> None:
    path = write(tmp_path / name, kind)
    assert picture_file(path, "card", tmp_path / "cache") == path
    assert sent(path, tmp_path / "cache")[0] == kind


@pytest.mark.parametrize("name", ["a.jpg", "a.webp", "a.heic"])
@pytest.mark.parametrize("kind", ["HEIF", "AVIF", "TIFF", "BMP", "GIF"])
def test_what_only_some_browsers_know_is_sent_as_a_preview(kind: str, name: str, tmp_path: Path) -> None:
    format_, pixels = sent(write(tmp_path / name, kind), tmp_path / "cache")
    assert format_ == "WEBP"
    assert np.abs(pixels - COLOUR).max() <= 8


def test_numbers_of_12_bits_would_be_black_in_a_browser(tmp_path: Path) -> None:
    path = tmp_path / "scan.png"
    Image.fromarray(np.full((48, 64), 3000, dtype=np.uint16)).save(path)
    format_, pixels = sent(path, tmp_path / "cache")
    assert format_ == "WEBP"
    assert np.abs(pixels - 3000 * 255 / 4095).max() <= 3


def test_previews_are_right_in_colour_without_a_profile(tmp_path: Path) -> None:
    swapped = SRGB[:, [1, 0, 2]]
    path = write(tmp_path / "a.tif", "TIFF", icc_profile=rgb_profile(swapped, 2.2))
    file = picture_file(path, "card", tmp_path / "cache")
    preview = Image.open(file)
    assert "icc_profile" not in preview.info
    true = srgb_of(np.array(COLOUR) / 255, swapped, 2.2)
    assert np.abs(np.asarray(preview.convert("RGB")) - true).max() <= 6


def test_a_picture_replaced_by_one_of_its_size_and_time_has_a_new_preview(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    path = write(tmp_path / "a.bmp", "BMP")
    assert np.abs(sent(path, cache)[1] - COLOUR).max() <= 8
    status = path.stat()
    other = write(tmp_path / "b.bmp", "BMP", (20, 60, 200))
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert other.stat().st_size == status.st_size
    other.replace(path)
    assert np.abs(sent(path, cache)[1] - (20, 60, 200)).max() <= 8


def test_the_original_is_the_file_whatever_browsers_make_of_it(tmp_path: Path) -> None:
    path = write(tmp_path / "scan.tif", "TIFF")
    assert picture_file(path, ORIGINAL, tmp_path / "cache") == path
    assert media_type(path) == "application/octet-stream", "a browser offers to save it"
    for size, sentence in ((ORIGINAL, "gone.tif is not there any more"), ("huge", "no size 'huge'")):
        with pytest.raises(InputError, match=sentence):
            picture_file(tmp_path / "gone.tif", size, tmp_path / "cache")


def test_the_type_of_what_is_no_picture_is_none_of_a_picture(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"Dear Sir")
    assert media_type(tmp_path / "a.png") == "application/octet-stream"
    assert media_type(tmp_path / "gone.png") == "application/octet-stream"
