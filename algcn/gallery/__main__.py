"""Build a gallery, or lay out its map.

python -m algcn.gallery build FOLDER --bundle B [--in-place]
python -m algcn.gallery layout FOLDER --bundle B [--in-place]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from algcn.bundles.bundle import Bundle
from algcn.command_line import open_bundle
from algcn.gallery.files import LAYOUT_NAME, STORE_NAME
from algcn.gallery.layout import cached_layout, gallery_key, gallery_points, read_layout, write_layout
from algcn.gallery.projection import lay_out
from algcn.gallery.store import Gallery, build_gallery
from algcn.kit.cache import cache_folder
from algcn.kit.errors import InputError, run_command


def main(argv: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m algcn.gallery", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    for name, about, file in (
        ("build", "embed an image folder", STORE_NAME),
        ("layout", "place it on a map", LAYOUT_NAME),
    ):
        command = commands.add_parser(name, help=about)
        command.add_argument("folder", type=Path, help="pictures, with a metadata.csv or without")
        command.add_argument("--bundle", required=True, help="a folder, or OWNER/NAME[@COMMIT] on the Hub")
        command.add_argument("--in-place", action="store_true", help=f"write FOLDER/{file}, to be shipped with it")
    arguments = parser.parse_args(argv)
    bundle = open_bundle(arguments.bundle)
    building = arguments.command == "build"
    gallery = _build(arguments.folder, bundle, in_place=arguments.in_place and building)
    for line in gallery.notices:
        print(line, file=sys.stderr)
    place = arguments.folder if building else _lay_out(gallery, bundle, in_place=arguments.in_place)
    print(f"{place}: {len(gallery)} pictures and {len(gallery.texts)} texts")


def _build(folder: Path, bundle: Bundle, *, in_place: bool) -> Gallery:
    with tqdm(desc="encoding", unit="item") as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        return build_gallery(folder, bundle, show, in_place=in_place)


def _lay_out(gallery: Gallery, bundle: Bundle, *, in_place: bool) -> Path:
    """Keep the layout of a gallery unless it is kept already; returns the file."""
    key = gallery_key(gallery, bundle)
    path = gallery.root / LAYOUT_NAME if in_place else cached_layout(cache_folder(), key)
    points = gallery_points(gallery)
    if read_layout(path, key, len(points)) is None:
        print(f"laying out {len(points):,} points with UMAP, which may take a minute or more", file=sys.stderr)
        try:
            write_layout(path, key, lay_out(points))
        except OSError as error:
            raise InputError(f"{path} cannot be written ({error.strerror or error}); name a folder that can.") from None
    return path


if __name__ == "__main__":
    sys.exit(run_command(main))
