"""Pictures that keep a decoder busy: one small generator for each way there is.

`FAMILIES` names them all. Each makes the bytes of a file; what `SENTENCES` says is refused from the structure alone,
others are decoded as far as a process may go.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Iterable
from typing import NamedTuple

from PIL import Image

MB = 1 << 20
NOTHING = 0x5A  # a byte that means nothing anywhere


class Family(NamedTuple):
    """One way to keep a decoder busy.

    Attributes:
        make: Makes the file.
        refused: A pattern of the sentence that refuses it from its structure; None where it has to be decoded.
    """

    make: Callable[[], bytes]
    refused: str | None


def _saved(image: Image.Image, kind: str, **how: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **how)
    return stream.getvalue()


def _small(kind: str, **how: object) -> bytes:
    return _saved(Image.radial_gradient("L").convert("RGB"), kind, **how)


# JPEG: a segment is a marker, its length with those two bytes, and its content.


def _segment(code: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, code, len(content) + 2) + content


def _jpeg_with(inserted: bytes) -> bytes:
    """A small picture with something behind its first marker."""
    data = _small("JPEG")
    return data[:2] + inserted + data[2:]


def jpeg_empty_scans(side: int = 8000, count: int = 20_000) -> bytes:
    """A progressive picture of 64 million pixels that is gone through again for each scan, and none says anything."""
    data = _saved(Image.new("RGB", (64, 64)), "JPEG", progressive=True)
    frame = data.index(b"\xff\xc2")
    data = data[: frame + 5] + struct.pack(">HH", side, side) + data[frame + 9 :]
    # AC coefficients 1 to 63 of the first component, bit 0: one code says that 32,767 blocks are empty.
    table = _segment(0xC4, bytes([0x10, 1, *bytes(15), 0xE0]))
    scan = table + _segment(0xDA, bytes([1, 1, 0, 1, 63, 0])) + b"\x00" * 4
    return data[:-2] + scan * count + data[-2:]


def jpeg_comments() -> bytes:
    """Millions of comments without a letter."""
    return _jpeg_with(_segment(0xFE, b"") * 4_000_000)


def jpeg_application_segments() -> bytes:
    """Millions of a program's notes."""
    return _jpeg_with(_segment(0xE5, b"") * 4_000_000)


def jpeg_comments_between_scans() -> bytes:
    """Millions of comments behind the first scan, where libjpeg meets them."""
    data = _small("JPEG", progressive=True)
    return data[:-2] + _segment(0xFE, b"") * 4_000_000 + data[-2:]


def jpeg_fill_bytes() -> bytes:
    """A marker may have any number of fill bytes before it."""
    return _jpeg_with(b"\xff" * 24 * MB)


def jpeg_junk() -> bytes:
    """Bytes that belong to no segment."""
    return _jpeg_with(_segment(0xE5, b"") + bytes(24 * MB))


def jpeg_exif_in_pieces() -> bytes:
    """An EXIF block in a thousand segments, of which all before are copied for each."""
    return _jpeg_with(_segment(0xE1, b"Exif\0\0" + bytes(60_000)) * 1000)


def jpeg_exif_of_shared_bytes() -> bytes:
    """An EXIF block whose tags all name the same bytes."""
    block = _tags([(40_000 + number, 7, 30_000, 8) for number in range(900)], b"", further=30_000)
    return _jpeg_with(_segment(0xE1, b"Exif\0\0" + block[:60_000]))


def jpeg_photoshop_notes() -> bytes:
    """Notes of twelve bytes each, in as many segments as a file holds."""
    notes = b"Photoshop 3.0\0" + b"8BIM\x04\x00\x00\x00\x00\x00\x00\x00" * 5000
    return _jpeg_with(_segment(0xED, notes) * 900)


def jpeg_of_many_pictures() -> bytes:
    """An MPO that says it holds four billion pictures."""
    index = _tags([(0xB001, 4, 1, 0xFFFFFFFF), (0xB002, 7, 16, 38)], bytes(16))
    return _jpeg_with(_segment(0xE2, b"MPF\0" + index))


def jpeg_without_end_of_64_million_pixels() -> bytes:
    """A large progressive picture without its end marker: it is decoded several times to tell whether it is whole."""
    return _saved(Image.radial_gradient("L").resize((8000, 8000)), "JPEG", progressive=True)[:-2]


# PNG: a chunk is its length, a name, its content and a sum.


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def _png_with(
    *chunks: bytes, size: tuple[int, int] = (8, 8), depth: int = 8, colours: int = 2, interlaced: int = 0
) -> bytes:
    header = struct.pack(">IIBBBBB", *size, depth, colours, 0, 0, interlaced)
    rows = zlib.compress(bytes((1 + size[0] * 3) * size[1]))
    return (
        b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + b"".join(chunks) + _chunk(b"IDAT", rows) + _chunk(b"IEND", b"")
    )


def png_tiny_chunks() -> bytes:
    """A million chunks of a program's own, with nothing in them."""
    return _png_with(_chunk(b"abCd", b"") * 1_000_000)


def png_empty_pixel_chunks() -> bytes:
    """A million chunks of no pixels between those of the pixels."""
    return _png_with(_chunk(b"IDAT", b"") * 1_000_000)


def png_texts() -> bytes:
    """A million words, each with a name of its own."""
    return _png_with(b"".join(_chunk(b"tEXt", b"%d\0a" % number) for number in range(200_000)))


def _bomb(size: int = MB - 1) -> bytes:
    return zlib.compress(bytes(size), 9)


def png_packed_texts() -> bytes:
    """Texts that unpack to a thousand times their size."""
    return _png_with(*(_chunk(b"zTXt", b"%d\0\0" % number + _bomb()) for number in range(900)))


def png_international_texts() -> bytes:
    """Texts that unpack to a thousand times their size and are no UTF-8, so that nobody adds them up."""
    packed = zlib.compress(b"\xff" * (MB - 1), 9)
    return _png_with(*(_chunk(b"iTXt", b"%d\0\1\0\0\0" % number + packed) for number in range(900)))


def png_profile() -> bytes:
    """A colour profile of a gigabyte, in a megabyte."""
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(bytes(MB)) for _ in range(1000)) + packer.flush()
    return _png_with(_chunk(b"iCCP", b"a\0\0" + packed))


def png_exif_as_text() -> bytes:
    """An EXIF block of shared bytes, packed and in hexadecimal."""
    block = _tags([(30_000 + number, 7, 250_000, 8) for number in range(20_000)], b"", further=250_000)
    text = b"\n\n\n" + block.hex().encode()
    return _png_with(_chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(text[: MB - 2], 9)))


def png_palette_of_64_million_pixels() -> bytes:
    """A palette with a transparent colour, which becomes eight bytes for each bit of the file's."""
    image = Image.linear_gradient("L").resize((8000, 8000)).convert("P")
    image.putpalette(bytes(range(256)) * 3)
    return _saved(image, "PNG", transparency=bytes(range(256)), compress_level=1)


def png_interlaced_of_64_million_pixels() -> bytes:
    """Seven passes over 64 million pixels with alpha."""
    side = 8000
    packer = zlib.compressobj(1)
    packed = []
    for x, y, across, down in (
        *((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)),
    ):
        row = bytes(1 + 4 * -(-(side - x) // across))
        packed.extend(packer.compress(row) for _ in range(-(-(side - y) // down)))
    header = struct.pack(">IIBBBBB", side, side, 8, 6, 0, 0, 1)
    pixels = _chunk(b"IDAT", b"".join(packed) + packer.flush())
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + pixels + _chunk(b"IEND", b"")


def png_16_bits_of_64_million_pixels() -> bytes:
    """Dark colours of 16 bits, for which the picture is decoded twice and computed with."""
    packer = zlib.compressobj(1)
    row = b"\0" + b"\x03\xff" * 4 * 8000
    packed = b"".join(packer.compress(row) for _ in range(8000)) + packer.flush()
    header = struct.pack(">IIBBBBB", 8000, 8000, 16, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", packed) + _chunk(b"IEND", b"")


def png_long_side() -> bytes:
    """One row of millions of pixels."""
    return _png_with(size=(10_000_000, 1))


def png_animation() -> bytes:
    """An animation of a hundred thousand frames."""
    frame = struct.pack(">IIIIHHBB", 8, 8, 0, 0, 1, 10, 0, 0)
    frames = (
        _chunk(b"fcTL", struct.pack(">I", 2 * number) + frame) + _chunk(b"fdAT", struct.pack(">I", 2 * number + 1))
        for number in range(100_000)
    )
    return _png_with(_chunk(b"acTL", struct.pack(">II", 100_000, 0)), *frames)


# GIF: an extension is "!", a label, and blocks of up to 255 bytes.


def _gif_with(inserted: Iterable[bytes], size: tuple[int, int] = (256, 256)) -> bytes:
    data = _small("GIF")
    table = 13 + (3 << (data[10] & 7) + 1 if data[10] & 128 else 0)
    return data[:6] + struct.pack("<HH", *size) + data[10:table] + b"".join(inserted) + data[table:]


def gif_comment_blocks() -> bytes:
    """One comment in many blocks, of which all before are copied for each."""
    return _gif_with([b"!\xfe", (b"\xff" + bytes(255)) * 90_000, b"\0"])


def gif_comments() -> bytes:
    """Many comments, of which all before are copied for each."""
    return _gif_with([b"!\xfe\x01a\0" * 1_000_000])


def gif_tiny_blocks() -> bytes:
    """A note in millions of blocks of a byte."""
    return _gif_with([b"!\xff", b"\x01a" * 8_000_000, b"\0"])


def gif_junk() -> bytes:
    """Bytes that are neither an extension nor a frame."""
    return _gif_with([bytes([NOTHING]) * 24 * MB])


def gif_frame_of_64_million_pixels() -> bytes:
    """A frame of 64 million pixels of one colour, which is transparent: the best that its packing can do."""
    return _saved(Image.new("P", (8000, 8000)), "GIF", transparency=0)


def gif_of_clear_codes() -> bytes:
    """Megabytes of codes that only empty the table of codes."""
    blocks = (b"\xff" + b"\x24\x49\x92" * 85) * 90_000  # the code 4 in three bits, over and over
    return (
        b"GIF89a"
        + struct.pack("<HHBBB", 64, 64, 0x80, 0, 0)
        + bytes(range(6))
        + (b"," + struct.pack("<HHHHB", 0, 0, 64, 64, 0) + b"\x02" + blocks + b"\0;")
    )


def gif_animation() -> bytes:
    """An animation of a hundred thousand frames."""
    frame = b"," + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x4c\x01\0"
    return b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + bytes(range(6)) + frame * 100_000 + b";"


# BMP


def _bmp_of_run_lengths(width: int, height: int, codes: bytes) -> bytes:
    palette = bytes(range(1, 256)) * 4 + bytes(4)
    start = 54 + len(palette)
    head = b"BM" + struct.pack("<IHHI", start + len(codes), 0, 0, start)
    return head + struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(codes), 0, 0, 256, 0) + palette + codes


def bmp_delta_of_a_huge_width() -> bytes:
    """A step of 255 rows of eight million pixels, in 1 kB."""
    return _bmp_of_run_lengths(8_000_000, 8, b"\0\2\xff\xff" * 4)


def bmp_ends_of_rows() -> bytes:
    """Millions of ends of rows that were not begun."""
    return _bmp_of_run_lengths(64, 64, b"\0\0" * 12_000_000)


def bmp_runs_of_one() -> bytes:
    """Runs of one pixel, as many as the picture has."""
    return _bmp_of_run_lengths(8000, 4000, b"\1\7" * 31_000_000)


# TIFF: a tag is its number, type, count, and its value or the place where that is.


def _tags(tags: list[tuple[int, int, int, int]], after: bytes, further: int = 0) -> bytes:
    """A directory and what comes behind it."""
    entries = b"".join(struct.pack("<HHII", *tag) for tag in sorted(tags))
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4) + after + bytes(further)


def _grey_tiff(
    width: int, height: int, *more: tuple[int, int, int, int], after: bytes = b"", packing: int = 1
) -> bytes:
    tags = [
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 1, 8),
        (259, 3, 1, packing),
        (262, 3, 1, 1),
        (277, 3, 1, 1),
    ]
    return _tags([*tags, *more], after)


def _start(count: int) -> int:
    """Where the bytes behind a grey picture's directory begin, with so many more tags."""
    return 8 + 2 + 12 * (6 + count) + 4


def tiff_tags_of_the_same_bytes() -> bytes:
    """Hundreds of tags whose megabytes are the same."""
    notes = [(50_000 + number, 7, 2 * MB, 8) for number in range(400)]
    return _grey_tiff(8, 8, (273, 4, 1, 8), (279, 4, 1, 64), *notes, after=bytes(2 * MB))


def tiff_exif_of_the_same_bytes() -> bytes:
    """Hundreds of tags whose megabytes are the same, in the directory of a camera's numbers."""
    place = _start(3)
    notes = b"".join(struct.pack("<HHII", 40_000 + number, 7, 2 * MB, 8) for number in range(900))
    after = struct.pack("<H", 900) + notes + bytes(4 + 2 * MB)
    return _grey_tiff(8, 8, (273, 4, 1, 8), (279, 4, 1, 64), (34665, 4, 1, place), after=after)


def tiff_many_tags() -> bytes:
    """As many tags as a directory can have."""
    notes = [(number, 3, 1, 1) for number in range(300, 65_000)]
    return _grey_tiff(8, 8, (273, 4, 1, 8), (279, 4, 1, 64), *notes)


def tiff_many_numbers() -> bytes:
    """A resolution of a million fractions."""
    place = _start(3)
    return _grey_tiff(8, 8, (273, 4, 1, 8), (279, 4, 1, 64), (282, 5, MB, place), after=b"\1\0\0\0" * 2 * MB)


def tiff_tiles_of_a_pixel() -> bytes:
    """Tiles of a pixel each."""
    count, place = 2_000_000, _start(4)
    tiles = ((322, 3, 1, 1), (323, 3, 1, 1), (324, 4, count, place), (325, 4, count, place))
    return _grey_tiff(2000, 1000, *tiles, after=struct.pack("<I", 8) * count)


def tiff_packed_tiles_of_a_pixel() -> bytes:
    """Tiles of a pixel each, of which few are there: it is the reader that goes through all."""
    tiles = ((322, 3, 1, 1), (323, 3, 1, 1), (324, 4, 1, 8), (325, 4, 1, 8))
    return _grey_tiff(8000, 8000, *tiles, packing=8)


def tiff_strips_of_the_whole_file() -> bytes:
    """Thousands of packed strips that all are said to be the whole file."""
    count, place = 8000, _start(3)
    after = struct.pack("<I", 8) * count + struct.pack("<I", 20 * MB) * count + bytes(20 * MB)
    pieces = ((273, 4, count, place), (279, 4, count, place + 4 * count), (278, 3, 1, 1))
    return _grey_tiff(8000, 8000, *pieces, after=after, packing=5)


def tiff_packed_64_million_pixels() -> bytes:
    """Colours of 64 million pixels, all the same."""
    return _saved(Image.new("RGBA", (8000, 8000)), "TIFF", compression="tiff_lzw")


def tiff_floats_of_64_million_pixels() -> bytes:
    """Floats of 64 million pixels, which are stretched over their range."""
    return _saved(Image.new("F", (8000, 8000), 1.5), "TIFF", compression="tiff_adobe_deflate")


def tiff_pages_in_a_circle() -> bytes:
    """Pages of which the last is followed by the first."""
    page = _grey_tiff(8, 8, (273, 4, 1, 8), (279, 4, 1, 64))
    return page[:-4] + struct.pack("<I", 8) + bytes(64)


# WebP, AVIF and HEIC


def webp_many_chunks() -> bytes:
    """Millions of chunks of nothing."""
    data = _small("WEBP", exif=b"Exif\0\0II*\0\x08\0\0\0\0\0")
    data += b"JUNK\0\0\0\0" * 3_000_000
    return data[:4] + struct.pack("<I", len(data) - 8) + data[8:]


def webp_exif_of_shared_bytes() -> bytes:
    """An EXIF block whose tags all name the same bytes."""
    block = _tags([(number, 7, MB, 8) for number in range(300, 40_000)], b"", further=MB)
    return _saved(Image.new("RGB", (8, 8)), "WEBP", exif=b"Exif\0\0" + block)


def webp_animation_of_64_million_pixels() -> bytes:
    """A canvas of 64 million pixels with a small frame."""
    frames = [Image.new("RGBA", (64, 64), (10 * number, 0, 0, 99)) for number in range(4)]
    data = _saved(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    at = data.index(b"VP8X") + 12
    return data[:at] + (7999).to_bytes(3, "little") * 2 + data[at + 6 :]


def avif_animation() -> bytes:
    """An animation of hundreds of frames."""
    frames = [Image.new("RGB", (64, 64), (number % 256, 0, 0)) for number in range(300)]
    return _saved(frames[0], "AVIF", save_all=True, append_images=frames[1:], speed=10)


def avif_of_a_huge_size() -> bytes:
    """A small picture that says it is of two billion pixels."""
    return _of_a_huge_size(_small("AVIF"))


def heic_of_a_huge_size() -> bytes:
    """A small picture that says it is of two billion pixels."""
    return _of_a_huge_size(_small_heic())


def heic_of_less_than_its_pixels() -> bytes:
    """A picture of four million pixels that says it is small."""
    data = _small_heic(Image.new("RGB", (2000, 2000)))
    return _with_size(data, 64, 64)


def _small_heic(image: Image.Image | None = None) -> bytes:
    from pillow_heif import from_pillow

    stream = io.BytesIO()
    from_pillow(image or Image.radial_gradient("L").convert("RGB")).save(stream, quality=10)
    return stream.getvalue()


def _of_a_huge_size(data: bytes) -> bytes:
    return _with_size(data, 46_000, 46_000)


def _with_size(data: bytes, width: int, height: int) -> bytes:
    at = data.index(b"ispe") + 8
    return data[:at] + struct.pack(">II", width, height) + data[at + 8 :]


def heic_of_a_huge_grid() -> bytes:
    """A grid of 256 × 256 pictures, all of them the same."""
    return _grid_of("hvc1", "hvcC", _small_heic(Image.new("RGB", (64, 64))))


def avif_of_a_huge_grid() -> bytes:
    """A grid of 256 × 256 pictures, all of them the same."""
    return _grid_of("av01", "av1C", _saved(Image.new("RGB", (64, 64)), "AVIF"))


def _grid_of(coded: str, settings: str, data: bytes) -> bytes:
    """Make a file of two items: the pixels of another file, and a grid that takes them 65,536 times.

    Args:
        coded: The type of item that holds pixels, "hvc1" or "av01".
        settings: The box of a decoder's settings, "hvcC" or "av1C".
        data: The other file.
    """
    at = data.index(settings.encode()) - 4
    decoder = data[at : at + struct.unpack_from(">I", data, at)[0]]
    at = data.index(b"mdat") + 4
    pixels = data[at : at - 8 + struct.unpack_from(">I", data, at - 8)[0]]
    side, tiles = 64 * 256, 256 * 256 - 1
    grid = struct.pack(">BBBBII", 0, 1, 255, 255, side, side)
    shapes = [_box("ispe", struct.pack(">III", 0, *size)) for size in ((64, 64), (side, side))]
    properties = _box("ipco", decoder + shapes[0] + shapes[1] + _box("pixi", bytes([0, 0, 0, 0, 3, 8, 8, 8])))
    links = struct.pack(">II", 0, 2) + struct.pack(">HBBBB", 1, 3, 0x81, 2, 4) + struct.pack(">HBBB", 2, 2, 3, 4)
    entries = [
        _box("infe", struct.pack(">IHH4sx", 0x02000000, n, 0, kind.encode())) for n, kind in ((1, coded), (2, "grid"))
    ]
    head = _box(
        "ftyp",
        {"hvc1": b"heic", "av01": b"avif"}[coded]
        + bytes(4)
        + b"mif1heicmiafavif"[:8]
        + {"hvc1": b"heic", "av01": b"avif"}[coded],
    )

    def directory(place: int) -> bytes:
        places = struct.pack(">IBBH", 0x01000000, 0x44, 0, 2)
        places += struct.pack(">HHHHII", 1, 0, 0, 1, place, len(pixels))
        places += struct.pack(">HHHHII", 2, 1, 0, 1, 0, len(grid))
        parts = (
            _box("hdlr", bytes(8) + b"pict" + bytes(13)),
            _box("pitm", struct.pack(">IH", 0, 2)),
            _box("iloc", places),
            _box("iinf", struct.pack(">IH", 0, 2) + b"".join(entries)),
            _box("iref", bytes(4) + _box("dimg", struct.pack(">HH", 2, tiles) + struct.pack(">H", 1) * tiles)),
            _box("iprp", properties + _box("ipma", links)),
            _box("idat", grid),
        )
        return head + _box("meta", bytes(4) + b"".join(parts))

    return directory(len(directory(0)) + 8) + _box("mdat", pixels)


def _box(name: str, content: bytes) -> bytes:
    return struct.pack(">I4s", len(content) + 8, name.encode()) + content


FAMILIES: dict[str, Family] = {
    make.__name__: Family(make, refused)
    for make, refused in (
        (jpeg_empty_scans, "more than 100 scans"),
        (jpeg_comments, "more than 4,000 segments before its pixels"),
        (jpeg_application_segments, "more than 4,000 segments before its pixels"),
        (jpeg_comments_between_scans, None),
        (jpeg_fill_bytes, "more than 1 MB of padding"),
        (jpeg_junk, "more than 1 MB of padding"),
        (jpeg_exif_in_pieces, "more than 64 EXIF blocks"),
        (jpeg_exif_of_shared_bytes, "tags that claim more bytes than there are"),
        (jpeg_photoshop_notes, None),
        (jpeg_of_many_pictures, None),
        (jpeg_without_end_of_64_million_pixels, None),
        (png_tiny_chunks, "more than 1,000 chunks beside its pixels"),
        (png_empty_pixel_chunks, "more than 100,000 chunks"),
        (png_texts, "more than 1,000 chunks beside its pixels"),
        (png_packed_texts, None),
        (png_international_texts, None),
        (png_profile, None),
        (png_exif_as_text, None),
        (png_palette_of_64_million_pixels, None),
        (png_interlaced_of_64_million_pixels, None),
        (png_16_bits_of_64_million_pixels, None),
        (png_long_side, "a side has at most 65535"),
        (png_animation, "more than 100,000 chunks"),
        (gif_comment_blocks, "comments of more than 1 MB"),
        (gif_comments, "more than 1,000 extensions"),
        (gif_tiny_blocks, "more than 100,000 blocks"),
        (gif_junk, "more than 100,000 blocks"),
        (gif_frame_of_64_million_pixels, None),
        (gif_of_clear_codes, None),
        (gif_animation, None),
        (bmp_delta_of_a_huge_width, "a side has at most 65535"),
        (bmp_ends_of_rows, "more run lengths than pixels"),
        (bmp_runs_of_one, None),
        (tiff_tags_of_the_same_bytes, "tags that claim more bytes than there are"),
        (tiff_exif_of_the_same_bytes, "tags that claim more bytes than there are"),
        (tiff_many_tags, "more than 1,000 tags"),
        (tiff_many_numbers, "a tag of more than 262,144 numbers"),
        (tiff_tiles_of_a_pixel, "more than 100,000 strips or tiles"),
        (tiff_packed_tiles_of_a_pixel, "more than 100,000 strips or tiles"),
        (tiff_strips_of_the_whole_file, "strips or tiles that claim more bytes than there are"),
        (tiff_packed_64_million_pixels, None),
        (tiff_floats_of_64_million_pixels, None),
        (tiff_pages_in_a_circle, None),
        (webp_many_chunks, "more than 90,000 chunks"),
        (webp_exif_of_shared_bytes, None),
        (webp_animation_of_64_million_pixels, None),
        (avif_animation, None),
        (avif_of_a_huge_size, None),
        (avif_of_a_huge_grid, None),
        (heic_of_a_huge_size, None),
        (heic_of_less_than_its_pixels, None),
        (heic_of_a_huge_grid, None),
    )
}
