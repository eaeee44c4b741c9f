"""Pictures that keep a decoder busy: FAMILIES names each way there is."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from hostile import bmps, containers, gifs, jpegs, pngs, tiffs


class Family(NamedTuple):
    """One way to keep a decoder busy.

    Attributes:
        make: Makes the file.
        refused: What the sentence says that refuses it from its structure; None where it has to be decoded, as far as
            the limits of a process let it.
    """

    make: Callable[[], bytes]
    refused: str | None


FAMILIES: dict[str, Family] = {
    make.__name__: Family(make, refused)
    for make, refused in (
        (jpegs.jpeg_empty_scans, "more than 100 scans"),
        (jpegs.jpeg_scans_as_allowed, None),
        (jpegs.jpeg_comments, "more than 4,000 segments before its pixels"),
        (jpegs.jpeg_application_segments, "more than 4,000 segments before its pixels"),
        (jpegs.jpeg_comments_between_scans, None),
        (jpegs.jpeg_fill_bytes, "more than 1 MB of padding"),
        (jpegs.jpeg_junk, "more than 1 MB of padding"),
        (jpegs.jpeg_exif_in_pieces, "more than 64 EXIF blocks"),
        (jpegs.jpeg_exif_of_shared_bytes, "tags that claim more bytes than there are"),
        (jpegs.jpeg_photoshop_notes, None),
        (jpegs.jpeg_of_many_pictures, None),
        (jpegs.jpeg_profile_of_megabytes, None),
        (jpegs.jpeg_without_end_of_64_million_pixels, None),
        (pngs.png_tiny_chunks, "more than 1,000 chunks beside its pixels"),
        (pngs.png_empty_pixel_chunks, "more than 100,000 chunks"),
        (pngs.png_texts, "more than 1,000 chunks beside its pixels"),
        (pngs.png_packed_texts, "more than 100 packed texts"),
        (pngs.png_international_texts, "more than 100 packed texts"),
        (pngs.png_profile, None),
        (pngs.png_exif_as_text, None),
        (pngs.png_palette_of_64_million_pixels, None),
        (pngs.png_interlaced_of_64_million_pixels, None),
        (pngs.png_16_bits_of_64_million_pixels, None),
        (pngs.png_long_side, "a side has at most 65535"),
        (pngs.png_animation, "more than 100,000 chunks"),
        (gifs.gif_comment_blocks, "comments of more than 1 MB"),
        (gifs.gif_comments, "more than 1,000 extensions"),
        (gifs.gif_tiny_blocks, "more than 100,000 blocks"),
        (gifs.gif_junk, "more than 100,000 blocks"),
        (gifs.gif_frame_of_64_million_pixels, None),
        (gifs.gif_of_clear_codes, None),
        (gifs.gif_animation, None),
        (bmps.bmp_delta_of_a_huge_width, "a side has at most 65535"),
        (bmps.bmp_ends_of_rows, "more run lengths than pixels"),
        (bmps.bmp_runs_of_one, None),
        (tiffs.tiff_tags_of_the_same_bytes, "tags that claim more bytes than there are"),
        (tiffs.tiff_exif_of_the_same_bytes, "tags that claim more bytes than there are"),
        (tiffs.tiff_many_tags, "more than 1,000 tags"),
        (tiffs.tiff_many_numbers, "a tag of more than 262,144 numbers"),
        (tiffs.tiff_tiles_of_a_pixel, "more than 100,000 strips or tiles"),
        (tiffs.tiff_packed_tiles_of_a_pixel, "more than 100,000 strips or tiles"),
        (tiffs.tiff_strips_of_the_whole_file, "strips or tiles that claim more bytes than there are"),
        (tiffs.tiff_packed_64_million_pixels, None),
        (tiffs.tiff_floats_of_64_million_pixels, None),
        (tiffs.tiff_pages_in_a_circle, None),
        (tiffs.tiff_directories_in_a_circle, None),
        (containers.webp_many_chunks, "more than 90,000 chunks"),
        (containers.webp_exif_of_shared_bytes, None),
        (containers.webp_animation_of_64_million_pixels, None),
        (containers.avif_animation, None),
        (containers.avif_exif_of_shared_bytes, "more than 1,000 tags"),
        (containers.avif_of_a_huge_size, None),
        (containers.avif_of_a_huge_grid, None),
        (containers.heic_of_a_huge_size, None),
        (containers.heic_exif_of_shared_bytes, "more than 1,000 tags"),
        (containers.heic_of_less_than_its_pixels, None),
        (containers.heic_of_a_huge_grid, None),
    )
}
