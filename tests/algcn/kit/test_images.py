"""Pictures as strangers hand them in."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from algcn.kit import images
from algcn.kit.errors import InputError
from algcn.kit.images import open_image


def encoded(image: Image.Image, kind: str, **options) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def png_header(width: int, height: int) -> bytes:
    """A PNG that says how large it is and holds nothing."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", 13)
        + header
        + struct.pack(">I", zlib.crc32(header))
        + bytes(4)
        + b"IDAT"
    )


def close(image: Image.Image, colour: tuple[int, int, int], at: tuple[int, int] = (0, 0), tolerance: int = 6) -> bool:
    return max(abs(a - b) for a, b in zip(image.getpixel(at), colour, strict=True)) <= tolerance


@pytest.mark.parametrize("kind", images.FORMATS)
def test_every_format_opens_from_a_path_bytes_and_a_file(kind: str, tmp_path: Path) -> None:
    data = encoded(Image.new("RGB", (9, 5), (200, 30, 60)), kind)
    path = tmp_path / "picture"
    path.write_bytes(data)
    for source in (path, str(path), data, io.BytesIO(data)):
        image = open_image(source)
        assert (image.mode, image.size) == ("RGB", (9, 5))
        assert close(image, (200, 30, 60), tolerance=12)


@pytest.mark.parametrize("kind", ["ICO", "PPM", "EPS", "PDF", "ICNS", "JPEG2000"])
def test_other_formats_are_refused(kind: str) -> None:
    with pytest.raises(InputError, match="not a picture that can be read"):
        open_image(encoded(Image.new("RGB", (32, 32)), kind))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty"),
        (b"%PDF-1.7 not a picture", "not a picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>", "not a picture"),
        (b"\x89PNG\r\n\x1a\n", "not a picture"),
        (b"\xff\xd8\xff", "not a picture"),
    ],
)
def test_what_is_not_a_picture_is_one_sentence(content: bytes, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence) as caught:
        open_image(content, name="cat.jpg")
    assert str(caught.value).startswith("The file cat.jpg")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
def test_truncated_pictures_are_one_sentence(kind: str, tmp_path: Path) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8))
    data = encoded(noise, kind)
    path = tmp_path / "half.jpg"
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match=r"half\.jpg is (damaged or cut off|not a picture)"):
        open_image(path)


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    for path in (tmp_path / "nothing.jpg", tmp_path):
        with pytest.raises(InputError, match="There is no picture at"):
            open_image(path)


def test_a_decompression_bomb_is_refused_by_its_header() -> None:
    with pytest.raises(InputError, match=r"too many pixels \(9000 × 9000\): at most 64 million"):
        open_image(png_header(9000, 9000))
    with pytest.raises(InputError, match="too many pixels"):
        open_image(png_header(60000, 60000))


def test_a_file_of_too_many_bytes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    data = encoded(Image.new("RGB", (8, 8)), "BMP")
    monkeypatch.setattr(images, "MAX_BYTES", len(data) - 1)
    with pytest.raises(InputError, match="larger than"):
        open_image(data)


def test_one_pixel() -> None:
    assert open_image(encoded(Image.new("L", (1, 1), 77), "PNG")).getpixel((0, 0)) == (77, 77, 77)


def test_alpha_is_laid_on_white() -> None:
    half = Image.new("RGBA", (4, 4), (255, 0, 0, 128))
    assert close(open_image(encoded(half, "PNG")), (255, 127, 127))
    clear = Image.new("LA", (4, 4), (0, 0))
    assert close(open_image(encoded(clear, "PNG")), (255, 255, 255))


def test_palettes_with_and_without_transparency() -> None:
    palette = Image.new("P", (4, 4), 1)
    palette.putpalette([10, 200, 30, 40, 50, 60])
    assert close(open_image(encoded(palette, "PNG")), (40, 50, 60))
    assert close(open_image(encoded(palette, "PNG", transparency=1)), (255, 255, 255))
    assert close(open_image(encoded(palette, "GIF", transparency=1)), (255, 255, 255))


def test_a_transparent_colour_of_an_rgb_picture() -> None:
    picture = Image.new("RGB", (4, 4), (1, 2, 3))
    picture.putpixel((1, 1), (9, 9, 9))
    opened = open_image(encoded(picture, "PNG", transparency=(1, 2, 3)))
    assert close(opened, (255, 255, 255), tolerance=0)
    assert close(opened, (9, 9, 9), at=(1, 1), tolerance=0)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_16_bits_are_scaled_and_not_clipped(kind: str) -> None:
    ramp = np.linspace(0, 65535, 256).round().astype(np.uint16).reshape(16, 16)
    opened = np.asarray(open_image(encoded(Image.fromarray(ramp), kind)))
    np.testing.assert_array_equal(opened[..., 0].ravel(), np.arange(256))


def test_floats_from_0_to_1_and_others() -> None:
    for low, high in ((0.0, 1.0), (-3.0, 500.0)):
        values = np.array([[low, high]], dtype=np.float32)
        opened = open_image(encoded(Image.fromarray(values), "TIFF"))
        assert [opened.getpixel((x, 0))[0] for x in (0, 1)] == [0, 255]


def test_cmyk() -> None:
    opened = open_image(encoded(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG"))
    assert opened.mode == "RGB"
    assert close(opened, (255, 0, 0), tolerance=12)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_of_an_animation_the_first_frame_is_taken(kind: str) -> None:
    first, second = Image.new("RGB", (8, 8), "red"), Image.new("RGB", (8, 8), "blue")
    assert close(open_image(encoded(first, kind, save_all=True, append_images=[second])), (255, 0, 0), tolerance=12)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_exif_rotation_is_applied_and_a_broken_exif_block_ignored() -> None:
    upright = Image.new("RGB", (40, 20), "blue")
    upright.paste("red", (0, 0, 20, 20))
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90° clockwise to see it upright
    opened = open_image(encoded(upright, "JPEG", exif=exif, quality=95))
    assert opened.size == (20, 40)
    assert close(opened, (255, 0, 0), at=(10, 2), tolerance=12)
    assert close(opened, (0, 0, 255), at=(10, 37), tolerance=12)
    broken = encoded(upright, "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff")
    assert open_image(broken).size == (40, 20)
