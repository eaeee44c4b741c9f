"""Pictures as strangers hand them in."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageOps
from PIL.AvifImagePlugin import AvifImageFile

from algcn.kit import images
from algcn.kit.errors import InputError
from algcn.kit.images import open_image
from algcn.kit.picture_kinds import READ

pillow_heif.register_heif_opener()  # for the encoder


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


SAVED_AS = {"HEIC": "HEIF"}  # the encoders' names of formats


@pytest.mark.parametrize("kind", READ)
def test_every_format_opens_from_a_path_bytes_and_a_file(kind: str, tmp_path: Path) -> None:
    data = encoded(Image.new("RGB", (9, 5), (200, 30, 60)), SAVED_AS.get(kind, kind))
    path, misnamed = tmp_path / "picture", tmp_path / "picture.jpg"
    path.write_bytes(data)
    misnamed.write_bytes(data)
    for source in (path, str(path), misnamed, data, io.BytesIO(data)):
        image = open_image(source)
        assert (image.mode, image.size) == ("RGB", (9, 5))
        assert close(image, (200, 30, 60), tolerance=12)


@pytest.mark.parametrize("kind", ["PPM", "EPS", "PDF", "ICNS"])
def test_other_formats_are_refused(kind: str) -> None:
    with pytest.raises(InputError, match=r"not a picture that can be read\. Use a JPEG, .* AVIF or HEIC picture\."):
        open_image(encoded(Image.new("RGB", (32, 32)), kind))


@pytest.mark.parametrize(
    ("content", "name", "what"),
    [
        (encoded(Image.new("RGB", (32, 32)), "ICO"), "a.jpg", "an icon"),
        (encoded(Image.new("RGB", (32, 32)), "JPEG2000"), "a.jpg", "a JPEG 2000 picture"),
        (b"\xff\x0a" + bytes(40), "a.jxl", "a JPEG XL picture"),
        (b"8BPS\0\1" + bytes(40), "a.psd", "a Photoshop picture"),
        (b"<?xml version='1.0'?>\n<svg xmlns='http://www.w3.org/2000/svg'/>", "a.png", "an SVG drawing"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>", "", "an SVG drawing"),
        (encoded(Image.new("RGB", (32, 32)), "TIFF"), "a.NEF", "a camera's RAW picture"),
    ],
)
def test_a_kind_that_is_known_and_not_read_is_named(content: bytes, name: str, what: str) -> None:
    with pytest.raises(InputError) as caught:
        open_image(content, name=name)
    assert str(caught.value) == f"{f'The file {name}'.rstrip()} is {what}, which is not read; save it as JPEG or PNG."


def test_the_content_counts_where_it_says_what_a_name_does_not() -> None:
    for name in ("a.svg", "a.ico", "a.jxl", "a.raw", "a.txt", ""):
        assert open_image(encoded(Image.new("RGB", (8, 8)), "PNG"), name=name).size == (8, 8)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty"),
        (b"%PDF-1.7 not a picture", "not a picture"),
        (b"\x89PNG\r\n\x1a\n", "damaged or cut off"),
        (b"\xff\xd8\xff", "damaged or cut off, or JPEG of a kind that is not read. Save it again as JPEG or PNG"),
        (b"\0\0\0\x18ftypheic\0\0\0\0heicmif1" + bytes(99), "damaged or cut off"),
        (b"\0\0\0\x18ftypavif\0\0\0\0avifmif1" + bytes(99), "damaged or cut off"),
    ],
)
def test_what_is_not_a_picture_is_one_sentence(content: bytes, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence) as caught:
        open_image(content, name="cat.jpg")
    assert str(caught.value).startswith("The file cat.jpg")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", READ)
def test_truncated_pictures_are_one_sentence(kind: str, tmp_path: Path) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8))
    data = encoded(noise, SAVED_AS.get(kind, kind))
    path = tmp_path / "half.jpg"
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match=r"half\.jpg is damaged or cut off"):
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


def test_a_transparent_grey() -> None:
    picture = Image.new("L", (4, 4), 7)
    picture.putpixel((1, 1), 90)
    opened = open_image(encoded(picture, "PNG", transparency=7))
    assert close(opened, (255, 255, 255), tolerance=0)
    assert close(opened, (90, 90, 90), at=(1, 1), tolerance=0)


def test_a_transparent_colour_of_an_rgb_picture() -> None:
    picture = Image.new("RGB", (4, 4), (1, 2, 3))
    picture.putpixel((1, 1), (9, 9, 9))
    opened = open_image(encoded(picture, "PNG", transparency=(1, 2, 3)))
    assert close(opened, (255, 255, 255), tolerance=0)
    assert close(opened, (9, 9, 9), at=(1, 1), tolerance=0)


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


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_is_applied_once_in_every_container(kind: str, orientation: int) -> None:
    """HEIC and AVIF files turn themselves, and say the same in EXIF."""
    picture = Image.new("RGB", (64, 32), "blue")
    picture.paste("red", (0, 0, 32, 16))
    exif = Image.Exif()
    exif[0x0112] = orientation
    opened = open_image(encoded(picture, kind, exif=exif.tobytes()))  # an encoder may empty the object
    jpeg = encoded(picture, "JPEG", exif=exif.tobytes(), quality=95)
    true = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(jpeg)))).astype(int)
    assert np.asarray(opened).shape == true.shape
    assert np.abs(np.asarray(opened) - true).mean() < 8


@pytest.mark.parametrize(("kind", "reader"), [("HEIF", pillow_heif.HeifImageFile), ("AVIF", AvifImageFile)])
def test_the_size_in_the_header_of_a_container_is_judged_before_pixels(
    kind: str, reader: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = encoded(Image.new("RGB", (64, 64)), kind)
    monkeypatch.setattr(images, "MAX_PIXELS", 64 * 64 - 1)
    monkeypatch.setattr(reader, "load", lambda self: pytest.fail("decoded"))
    with pytest.raises(InputError, match=r"too many pixels \(64 × 64\)"):
        open_image(data)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", READ)
def test_damaged_bytes_are_a_picture_or_one_sentence(kind: str) -> None:
    random = np.random.default_rng(1)
    whole = encoded(Image.linear_gradient("L").convert("RGB").resize((48, 48)), SAVED_AS.get(kind, kind))
    for _ in range(60):
        data = bytearray(whole)
        for at in random.integers(0, min(len(data), 600), 3):
            data[at] = random.integers(256)
        try:
            assert open_image(bytes(data)).mode == "RGB"
        except InputError as error:
            assert "\n" not in str(error)


def test_nothing_for_rare_pictures_is_imported_before_there_is_one() -> None:
    code = (
        "import sys, io, algcn.kit.images as images; from PIL import Image; stream = io.BytesIO();"
        "Image.new('RGB', (8, 8)).save(stream, 'JPEG'); images.open_image(stream.getvalue());"
        "print({'pillow_heif', 'PIL.ImageCms', 'PIL._imagingcms'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "set()"
