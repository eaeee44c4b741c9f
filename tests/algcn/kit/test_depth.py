"""Pictures of more than 8 bits, in files that declare their range and files that do not."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from icc import PROPHOTO, rgb_profile, srgb_of
from PIL import Image, TiffImagePlugin

from algcn.kit.images import open_image

# PNG's types of colours, by the number of channels.
COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
BITS_PER_SAMPLE, PHOTOMETRIC, MAX_SAMPLE_VALUE, ICC = 258, 262, 281, 34675


def png(values: np.ndarray, bits: int | None = None, transparent: tuple[int, ...] = (), profile: bytes = b"") -> bytes:
    """Encode values of 16 bits: height × width × channels."""
    height, width, channels = values.shape

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", width, height, 16, COLOUR_TYPES[channels], 0, 0, 0)
    parts = [b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", header)]
    if bits is not None:
        parts.append(chunk(b"sBIT", bytes([bits] * channels)))
    if profile:
        parts.append(chunk(b"iCCP", b"a profile\0\0" + zlib.compress(profile)))
    if transparent:
        parts.append(chunk(b"tRNS", struct.pack(f">{len(transparent)}H", *transparent)))
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    return b"".join([*parts, chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")])


def tiff(values: np.ndarray, order: str = "<", packing: int = 1, **tags: object) -> bytes:
    """Encode values of 16 bits, height × width × channels, uncompressed or (8) deflated."""
    height, width, channels = values.shape
    pixels = values.astype(f"{order}u2").tobytes()
    directory = TiffImagePlugin.ImageFileDirectory_v2(b"II*\0\0\0\0\0" if order == "<" else b"MM\0*\0\0\0\0")
    pixels = zlib.compress(pixels) if packing == 8 else pixels
    directory[256], directory[257], directory[258], directory[259] = width, height, (16,) * channels, packing
    directory[262], directory[277], directory[278] = 2 if channels > 1 else 1, channels, height
    if channels == 4:
        directory[338] = 2
    for tag, value in tags.items():
        directory[int(tag[1:])] = value
    directory[273], directory[279] = 0, len(pixels)  # Pillow adds where the directory ends
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8)
    return head + directory.tobytes(8) + pixels


def ramp(high: int, channels: int = 1) -> np.ndarray:
    """256 even steps from 0 to `high`, other ones in each colour; alpha is whole."""
    steps = np.rint(np.linspace(0, high, 256)).astype(np.uint16)
    colours = [np.roll(steps, 16 * number) for number in range(channels if channels != 2 else 1)]
    if channels in (2, 4):
        colours[channels - 1 :] = [np.full_like(steps, high)]
    return np.stack(colours, axis=-1).reshape(16, 16, channels)


def check_ramp(data: bytes, channels: int = 1, tolerance: int = 0) -> None:
    opened = np.asarray(open_image(data)).astype(int).reshape(256, 3)
    for number in range(3):
        true = np.roll(np.arange(256), 16 * number if channels > 2 else 0)
        assert np.abs(opened[:, number] - true).max() <= tolerance


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("bits", [8, 10, 12, 16])
def test_numbers_of_fewer_bits_in_a_png_that_declares_nothing(bits: int, channels: int) -> None:
    check_ramp(png(ramp((1 << bits) - 1, channels)), channels, tolerance=bits == 16 and channels > 1)


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("packing", [1, 8])
@pytest.mark.parametrize("bits", [10, 12, 16])
def test_numbers_of_fewer_bits_in_a_tiff_that_declares_nothing(
    bits: int, packing: int, order: str, channels: int
) -> None:
    data = tiff(ramp((1 << bits) - 1, channels), order, packing)
    check_ramp(data, channels, tolerance=bits == 16 and channels > 1)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("bits", [9, 10, 12, 14])
def test_an_sbit_chunk_is_the_range_of_small_numbers(bits: int, channels: int) -> None:
    check_ramp(png(ramp((1 << bits) - 1, channels), bits), channels)
    dark = ramp((1 << bits) // 4 - 1, channels)[..., :1]
    opened = np.asarray(open_image(png(dark, bits)))
    assert abs(int(opened.max()) - 63) <= 1, "a picture whose largest number is a quarter of the range"


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("bits", [10, 12, 14])
def test_numbers_that_were_scaled_up_as_png_asks_stay(bits: int, channels: int) -> None:
    """Even those of a picture so dark that none is above the range of the bits."""
    numbers = ramp((1 << bits) - 1, channels).astype(np.uint32)
    whole = (numbers << (16 - bits) | numbers >> (2 * bits - 16)).astype(np.uint16)
    check_ramp(png(whole, bits), channels, tolerance=1)
    dark = np.where(whole < 1 << bits, whole, 0)
    opened = np.asarray(open_image(png(dark, bits))).astype(int)
    assert 0 < np.abs(opened).max() <= (1 << bits) // 257 + 1


def test_max_sample_value_of_a_tiff() -> None:
    for channels in (1, 3):
        largest = {f"t{MAX_SAMPLE_VALUE}": (16383,) * channels}
        check_ramp(tiff(ramp(16383, channels), **largest), channels)
    dark = np.asarray(open_image(tiff(ramp(1023), **{f"t{MAX_SAMPLE_VALUE}": 4095})))
    assert abs(int(dark.max()) - 64) <= 1, "declared before guessed"
    measured = tiff(ramp(30000), **{f"t{MAX_SAMPLE_VALUE}": 30000})
    assert abs(int(np.asarray(open_image(measured)).max()) - 117) <= 1, "the largest number of a picture is no range"
    wrong = tiff(ramp(65535), **{f"t{MAX_SAMPLE_VALUE}": 4095})
    check_ramp(wrong)


def test_a_tiff_of_12_bits_a_number() -> None:
    numbers = (ramp(4095) // 16 * 16).reshape(-1, 2)  # whole multiples, which in a PNG would be scaled up ones
    packed = np.stack([numbers[:, 0] >> 4, (numbers[:, 0] & 15) << 4 | numbers[:, 1] >> 8, numbers[:, 1] & 255], axis=1)
    whole = tiff(np.zeros((16, 16, 1)), **{f"t{BITS_PER_SAMPLE}": 12})
    data = whole[:-512] + packed.astype(np.uint8).tobytes()
    opened = np.asarray(open_image(data))[..., 0].ravel()
    np.testing.assert_array_equal(opened, np.rint(numbers.ravel() * (255 / 4095)))


def test_a_dark_picture_of_14_bits_may_be_a_night() -> None:
    assert abs(int(np.asarray(open_image(png(ramp(16383)))).max()) - 64) <= 1
    assert abs(int(np.asarray(open_image(png(ramp(5000)))).max()) - 19) <= 1


def test_black_is_black() -> None:
    for channels in (1, 3):
        assert not np.asarray(open_image(png(np.zeros((4, 4, channels))))).any()


def test_0_is_white_in_a_tiff_that_says_so() -> None:
    opened = np.asarray(open_image(tiff(ramp(65535), **{f"t{PHOTOMETRIC}": 0})))[..., 0].ravel()
    np.testing.assert_array_equal(opened, np.arange(255, -1, -1))


def test_a_transparent_colour_is_compared_with_all_16_bits() -> None:
    for value in ((300,), (300, 40000, 517)):
        values = np.full((2, 2, len(value)), value, dtype=np.uint16)
        values[0, 0] += 1
        opened = open_image(png(values, transparent=value))
        assert opened.getpixel((1, 1)) == (255, 255, 255)
        assert opened.getpixel((0, 0)) != (255, 255, 255)


def test_alpha_of_16_bits_beside_colours_of_12() -> None:
    values = ramp(4095, 4)
    values[..., 3] = 65535
    check_ramp(png(values), 4)


def test_colours_of_12_bits_with_a_profile() -> None:
    values = ramp(4095, 3)
    opened = np.asarray(open_image(png(values, profile=rgb_profile(PROPHOTO, 1.80078125)))).astype(float)
    assert np.abs(opened - srgb_of(values / 4095, PROPHOTO, 1.80078125)).max() <= 2.5


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_16_bits_are_turned_upright(kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    stream = io.BytesIO()
    Image.fromarray(np.full((20, 40), 40000, dtype=np.uint16)).save(stream, kind, exif=exif)
    assert open_image(stream.getvalue()).size == (20, 40)


def test_floats_from_0_to_1_and_others() -> None:
    for low, high in ((0.0, 1.0), (-3.0, 500.0)):
        values = np.array([[low, high]], dtype=np.float32)
        stream = io.BytesIO()
        Image.fromarray(values).save(stream, "TIFF")
        opened = open_image(stream.getvalue())
        assert [opened.getpixel((x, 0))[0] for x in (0, 1)] == [0, 255]
