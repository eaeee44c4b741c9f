"""Colours of pictures with ICC profiles, against what the profiles' numbers mean by definition."""

from __future__ import annotations

import io

import numpy as np
import pillow_heif
import pytest
from icc import (
    ADOBE_RGB,
    DISPLAY_P3,
    GENERIC_RGB,
    PROPHOTO,
    SRGB,
    cmyk_profile,
    grey_profile,
    rgb_profile,
    srgb_of,
    srgb_of_lab,
)
from PIL import Image, ImageCms

from algcn.kit import colour
from algcn.kit.images import open_image

pillow_heif.register_heif_opener()  # for the encoder

GAMMA = 1.80078125  # such as a profile of version 2 can say exactly
SPACES = {
    "ProPhoto": (PROPHOTO, GAMMA),
    "Adobe RGB": (ADOBE_RGB, 2.19921875),
    "Display P3": (DISPLAY_P3, 2.19921875),
    "Generic RGB": (GENERIC_RGB, GAMMA),
    "swapped channels": (SRGB[:, [1, 0, 2]], 2.19921875),
}
COLOURS = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)


def encoded(image: Image.Image, kind: str, **options) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def off(opened: Image.Image, true: np.ndarray) -> float:
    return float(np.abs(np.asarray(opened).astype(float) - true).max())


@pytest.mark.parametrize("version", [2, 4])
@pytest.mark.parametrize("space", SPACES)
def test_colours_are_those_that_the_profile_says(space: str, version: int) -> None:
    matrix, gamma = SPACES[space]
    data = encoded(Image.fromarray(COLOURS), "PNG", icc_profile=rgb_profile(matrix, gamma, version))
    assert off(open_image(data), COLOURS) > 20
    assert off(open_image(data), srgb_of(COLOURS / 255, matrix, gamma)) <= 1


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
def test_profiles_are_found_in_every_container(kind: str) -> None:
    even = Image.new("RGB", (32, 32), (200, 80, 60))
    profile = rgb_profile(SRGB[:, [1, 0, 2]], 2.2)
    red, green, blue = open_image(encoded(even, kind, icc_profile=profile)).getpixel((5, 5))
    true = srgb_of(np.array([200, 80, 60]) / 255, SRGB[:, [1, 0, 2]], 2.2)
    assert np.abs(np.array([red, green, blue]) - true).max() <= 6, "what the encoders lose"


def test_a_picture_in_memory_is_converted_too() -> None:
    picture = Image.fromarray(COLOURS)
    picture.info["icc_profile"] = rgb_profile(PROPHOTO, GAMMA)
    assert off(colour.to_srgb(picture), srgb_of(COLOURS / 255, PROPHOTO, GAMMA)) <= 1


def test_transparency_is_laid_on_white_after_colours_were_converted() -> None:
    alpha = np.random.default_rng(1).integers(0, 256, (16, 16, 1), dtype=np.uint8)
    picture = Image.fromarray(np.concatenate([COLOURS, alpha], axis=2))
    opened = open_image(encoded(picture, "PNG", icc_profile=rgb_profile(PROPHOTO, GAMMA)))
    share = alpha / 255
    assert off(opened, share * srgb_of(COLOURS / 255, PROPHOTO, GAMMA) + (1 - share) * 255) <= 2


def test_a_transparent_colour_is_one_of_the_file() -> None:
    picture = Image.new("RGB", (4, 4), (1, 2, 200))
    picture.putpixel((1, 1), (120, 60, 90))
    profile = rgb_profile(PROPHOTO, GAMMA)
    opened = open_image(encoded(picture, "PNG", transparency=(1, 2, 200), icc_profile=profile))
    assert opened.getpixel((0, 0)) == (255, 255, 255)
    true = srgb_of(np.array([120, 60, 90]) / 255, PROPHOTO, GAMMA)
    assert np.abs(np.array(opened.getpixel((1, 1))) - true).max() <= 1


def test_palettes() -> None:
    palette = Image.new("P", (4, 4), 1)
    palette.putpalette([10, 200, 30, 140, 50, 60])
    for options, white in (({}, False), ({"transparency": 1}, True)):
        profile = rgb_profile(ADOBE_RGB, 2.19921875)
        opened = open_image(encoded(palette, "PNG", icc_profile=profile, **options))
        true = 255 if white else srgb_of(np.array([140, 50, 60]) / 255, ADOBE_RGB, 2.19921875)
        assert np.abs(np.array(opened.getpixel((0, 0))) - true).max() <= 1


@pytest.mark.parametrize("version", [2, 4])
def test_greys_with_and_without_alpha(version: int) -> None:
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    true = srgb_of(np.repeat(grey[..., None], 3, axis=2) / 255, SRGB, GAMMA)
    profile = grey_profile(GAMMA, version)
    assert off(open_image(encoded(Image.fromarray(grey), "PNG", icc_profile=profile)), true) <= 1
    with_alpha = Image.fromarray(np.stack([grey, np.full_like(grey, 128)], axis=2))
    opened = open_image(encoded(with_alpha, "PNG", icc_profile=profile))
    assert off(opened, true * 128 / 255 + 127) <= 2


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize("gamma", [1.0, GAMMA])
def test_greys_of_16_bits_keep_their_dark_steps(kind: str, gamma: float) -> None:
    grey = np.concatenate([np.arange(0, 2048, 8), np.linspace(2048, 65535, 256)]).astype(np.uint16).reshape(16, 32)
    true = srgb_of(np.repeat(grey[..., None], 3, axis=2) / 65535, SRGB, gamma)
    assert off(open_image(encoded(Image.fromarray(grey), kind, icc_profile=grey_profile(gamma))), true) <= 1.5


def test_inks_of_a_cmyk_profile() -> None:
    """Colours of this made-up press are quite others than those of the plain formula."""
    lab = np.stack(np.meshgrid([30, 60], [-10, 15], [-15, 10], [0, 1], indexing="ij"), axis=-1).astype(float)
    lab[..., 0] -= 8 * lab[..., 3]
    lab = lab[..., :3]
    lab[0, 0, 0, 0] = (100, 0, 0)  # no ink is white
    corners = np.stack(np.meshgrid(*[[0, 255]] * 4, indexing="ij"), axis=-1).reshape(1, 16, 4).astype(np.uint8)
    profile = cmyk_profile(lab)
    true = srgb_of_lab(lab).reshape(1, 16, 3)
    for kind in ("TIFF", "JPEG"):
        size = 16 if kind == "JPEG" else 1
        inks = Image.fromarray(corners.repeat(size, axis=0).repeat(size, axis=1), "CMYK")
        opened = open_image(encoded(inks, kind, icc_profile=profile))
        middles = opened.resize((16, 1), Image.Resampling.NEAREST)
        assert off(middles, true) <= (2 if kind == "TIFF" else 14), kind


def test_lab_pictures_are_read() -> None:
    lab = ImageCms.profileToProfile(
        Image.new("RGB", (4, 4), (180, 90, 40)),
        ImageCms.createProfile("sRGB"),
        ImageCms.createProfile("LAB"),
        outputMode="LAB",
    )
    assert off(open_image(encoded(lab, "TIFF")), np.array([180, 90, 40])) <= 4, "steps of 8 bits in Lab"


def srgb_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.mark.parametrize(
    ("mode", "profile"),
    [
        ("RGB", srgb_profile()),
        ("RGB", b"no profile at all"),
        ("RGB", rgb_profile(PROPHOTO, GAMMA)[:200]),
        ("RGB", rgb_profile(PROPHOTO, GAMMA).replace(b"acsp", b"abcd")),
        ("RGB", grey_profile(1.0)),
        ("RGB", cmyk_profile(np.zeros((2, 2, 2, 2, 3)))),
        ("L", rgb_profile(PROPHOTO, GAMMA)),
        ("RGB", rgb_profile(PROPHOTO, GAMMA) + bytes(colour.MAX_PROFILE_BYTES)),
    ],
)
def test_pixels_stay_where_the_profile_says_nothing(mode: str, profile: bytes) -> None:
    picture = Image.fromarray(COLOURS).convert(mode)
    opened = open_image(encoded(picture, "TIFF", icc_profile=profile))
    np.testing.assert_array_equal(np.asarray(opened), np.asarray(picture.convert("RGB")))


def test_damaged_profiles_never_raise() -> None:
    random = np.random.default_rng(2)
    for whole in (rgb_profile(PROPHOTO, GAMMA), grey_profile(GAMMA), cmyk_profile(np.full((2, 2, 2, 2, 3), 40.0))):
        for _ in range(150):
            damaged = bytearray(whole)
            for at in random.integers(0, len(whole), 4):
                damaged[at] = random.integers(256)
            for mode in ("RGB", "L", "CMYK", "RGBA", "LA", "1"):
                picture = Image.new(mode, (2, 2))
                picture.info["icc_profile"] = bytes(damaged)
                assert colour.to_srgb(picture).size == (2, 2)


def test_a_profile_of_srgb_gives_back_the_same_picture() -> None:
    picture = Image.fromarray(COLOURS)
    picture.info["icc_profile"] = srgb_profile()
    assert colour.to_srgb(picture) is picture
