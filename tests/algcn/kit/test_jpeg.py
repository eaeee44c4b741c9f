"""JPEGs that lost their end marker, and JPEGs that lost more."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from PIL import Image, ImageFile

from algcn.kit import jpeg
from algcn.kit.errors import InputError
from algcn.kit.images import open_image

KINDS = {
    "baseline": {},
    "baseline with restarts": {"restart_marker_blocks": 1},
    "progressive": {"progressive": True},
    "progressive with restarts": {"progressive": True, "restart_marker_rows": 1},
    "progressive, full chroma": {"progressive": True, "subsampling": 0},
}


def photo(width: int, height: int, noise: int = 25) -> Image.Image:
    """Soft shapes with grain."""
    random = np.random.default_rng(width)
    coarse = random.integers(0, 256, (height // 8 + 2, width // 8 + 2, 3), dtype=np.uint8)
    pixels = np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)).astype(int)
    return Image.fromarray((pixels + random.integers(-noise, noise + 1, pixels.shape)).clip(0, 255).astype(np.uint8))


def encoded(image: Image.Image, **options) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "JPEG", **options)
    return stream.getvalue()


def decoded(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("quality", [30, 75, 95])
@pytest.mark.parametrize("size", [(8, 8), (40, 25), (203, 117)])
def test_whole_files_without_an_end_are_read_as_with_it(kind: str, quality: int, size: tuple[int, int]) -> None:
    whole = encoded(photo(*size), quality=quality, **KINDS[kind])
    for data in (whole, whole[:-2], whole[:-1], whole[:-2] + bytes(512)):
        np.testing.assert_array_equal(np.asarray(open_image(data)), decoded(whole))


def test_a_last_byte_that_is_255_is_not_taken_for_half_a_marker() -> None:
    random, found = np.random.default_rng(0), 0
    for _ in range(1500):
        noise = Image.fromarray(random.integers(0, 256, (8, 8, 3), dtype=np.uint8))
        whole = encoded(noise, progressive=True, quality=40)
        if whole.endswith(b"\xff\0\xff\xd9"):
            found += 1
            np.testing.assert_array_equal(np.asarray(open_image(whole[:-2])), decoded(whole))
    assert found


def test_greys_and_inks() -> None:
    for mode in ("L", "CMYK"):
        whole = encoded(photo(64, 48).convert(mode), progressive=True)
        assert open_image(whole[:-2]) == open_image(whole)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [(40, 25), (203, 117)])
def test_cuts_are_refused(kind: str, size: tuple[int, int]) -> None:
    """Everywhere in the file, and byte by byte at its end, where the least is missing."""
    whole = encoded(photo(*size), quality=85, **KINDS[kind])
    cuts = {*range(3, len(whole), max(1, len(whole) // 150)), *range(len(whole) - 30, len(whole) - 2)}
    accepted = 0
    for cut in sorted(cuts):
        try:
            opened = np.asarray(open_image(whole[:cut])).astype(int)
        except InputError as error:
            assert "damaged or cut off" in str(error)
            continue
        accepted += 1
        assert cut >= len(whole) - 4, "at most the last byte of the pixels, which may be padding"
        assert np.abs(opened - decoded(whole)).max() <= 1
    assert accepted <= 2


def test_a_cut_at_the_end_of_a_scan_or_between_restarts_is_refused() -> None:
    """There the data that are left are in order: nothing but the missing scans or restarts tells."""
    scans = encoded(photo(64, 48), progressive=True, quality=90)
    at, places = 2, []
    while (found := jpeg._MARKER.search(scans, at)) is not None:
        if found[1] in (b"\xc4", b"\xda"):
            places.append(found.start())
        at = found.end()
    assert len(places) > 8
    restarts = encoded(photo(64, 48), restart_marker_blocks=1)
    between = [found.start() for found in re.finditer(rb"\xff[\xd0-\xd7]", restarts)]
    assert len(between) == 4 * 3 - 1
    for data, cuts in ((scans, places), (restarts, between)):
        for cut in cuts:
            for more in (0, 2):
                with pytest.raises(InputError, match="damaged or cut off"):
                    open_image(data[: cut + more])


def test_a_cut_file_that_was_filled_up_with_zeros_is_refused() -> None:
    """As an interrupted download leaves it that reserved its space."""
    for kind, options in KINDS.items():
        whole = encoded(photo(96, 64), **options)
        cut = whole[: len(whole) * 2 // 3]
        with pytest.raises(InputError, match="damaged or cut off"):
            open_image(cut + bytes(len(whole) - len(cut) + 4096), name=kind)


def test_what_stands_behind_the_end_is_not_looked_at() -> None:
    for options in KINDS.values():
        whole = encoded(photo(40, 25), **options)
        for trailer in (b"\0", b"MotionPhoto" + bytes(range(256)) * 20, b"\xff\xd8\xff\xe0", whole[:100]):
            np.testing.assert_array_equal(np.asarray(open_image(whole + trailer)), decoded(whole))


def test_the_end_of_a_thumbnail_is_not_the_end() -> None:
    thumbnail = encoded(Image.new("RGB", (8, 8), "red"))
    whole = encoded(photo(96, 64), progressive=True, comment=thumbnail)
    assert jpeg.ended(whole[:-2]) == whole
    with pytest.raises(InputError, match="damaged or cut off"):
        open_image(whole[: len(whole) // 2])


@pytest.mark.parametrize("filling", [b"\xff", b"\xff\x01", b"\xff\xd0", b"\xff\xe0\0\2", b"\xff\0"])
def test_megabytes_of_markers_or_none_end_soon(filling: bytes) -> None:
    whole = encoded(photo(40, 25), progressive=True)
    with pytest.raises(InputError, match="damaged or cut off"):
        open_image(whole[:-200] + filling * (8_000_000 // len(filling)))


def test_the_switch_for_truncated_files_of_all_threads_is_left_alone() -> None:
    open_image(encoded(photo(40, 25), progressive=True)[:-2])
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False
