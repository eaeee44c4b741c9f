"""Build a gallery, lay out its map, or publish it to Milvus.

python -m algcn.gallery build FOLDER --bundle B [--in-place] [--engine ray]
python -m algcn.gallery build s3://BUCKET/FOLDER --out FOLDER --bundle B [--engine ray]
python -m algcn.gallery layout FOLDER --bundle B [--in-place]
python -m algcn.gallery publish FOLDER --bundle B --index milvus://HOST:PORT/COLLECTION [--replace]
"""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from algcn.bundles.bundle import Bundle
from algcn.cluster.address import FORM, Address
from algcn.cluster.bucket import Bucket
from algcn.cluster.milvus import EXACT_UP_TO, KINDS, Collection
from algcn.cluster.mirror import Mirrored, mirror
from algcn.cluster.publish import Published, publish
from algcn.command_line import (
    CommandParser,
    add_bundle,
    add_device,
    add_engine,
    add_json,
    add_out,
    add_quiet,
    answering,
    check_file,
    check_folder,
    open_bundle,
    open_engine,
    path,
    reference,
    tell,
    writing,
)
from algcn.datasets.image_folder import ImageFolder
from algcn.gallery.files import LAYOUT_NAME, STORE_NAME
from algcn.gallery.layout import cached_layout, gallery_key, points_to_lay_out, read_layout, write_layout
from algcn.gallery.projection import lay_out
from algcn.gallery.store import Gallery, build_gallery
from algcn.kit.cache import cache_folder
from algcn.kit.engine import Engine
from algcn.kit.errors import InputError, run_command
from algcn.kit.progress import ProgressBar


def build_parser() -> CommandParser:
    """The arguments of the command."""
    parser = CommandParser("python -m algcn.gallery", __doc__.splitlines()[0], "build PHOTOS --bundle weights/pocket")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, about, file in (
        ("build", "Embed an image folder, so that the page opens it at once.", STORE_NAME),
        ("layout", "Place a gallery on its map with UMAP.", LAYOUT_NAME),
    ):
        command = parser.add_command(commands, name, about, "PHOTOS --bundle weights/pocket --in-place")
        _add_folder(command, in_bucket=name == "build")
        _add_usual(command)
        command.add_argument("--in-place", action="store_true", help=f"write FOLDER/{file}, to be shipped with it")
    command = parser.add_command(
        commands,
        "publish",
        "Write a gallery to Milvus, as far as it is not there, for python app.py --index.",
        "PHOTOS --bundle weights/pocket --index milvus://localhost:19530/photos",
    )
    _add_folder(command)
    _add_usual(command)
    command.add_argument("--index", type=reference, required=True, help=f"where to: {FORM}")
    command.add_argument(
        "--kind",
        choices=KINDS,
        help=f"how Milvus searches; by default FLAT, which is exact, and on a server HNSW beyond {EXACT_UP_TO:,} rows",
    )
    command.add_argument("--replace", action="store_true", help="delete what the index holds of another gallery")
    return parser


def _add_folder(command: CommandParser, *, in_bucket: bool = False) -> None:
    what = "pictures, with a metadata.csv or without"
    if not in_bucket:
        command.add_argument("folder", type=path, help=what)
        return
    command.add_argument("folder", type=reference, help=f"{what}, in a folder or at s3://BUCKET/FOLDER")
    add_out(
        command,
        "of a bucket: the folder that becomes the gallery, with its pictures, its tables and, as --in-place writes it, "
        f"{STORE_NAME}",
        required=False,
    )


def _add_usual(command: CommandParser) -> None:
    add_bundle(command, required=True)
    add_device(command)
    add_engine(command)
    add_json(command)
    add_quiet(command)


def main(argv: Sequence[str] | None = None) -> None:
    """The command."""
    arguments = build_parser().parse_args(argv)
    shown = not arguments.quiet
    publishing, building = arguments.command == "publish", arguments.command == "build"
    bucket = _bucket(arguments.folder, arguments.out) if building else None
    index = Address.parse(arguments.index) if publishing else None
    if index is not None:
        Collection(index).close()  # rather now than after hours of encoding
    with answering(arguments.json) as answer, open_engine(arguments) as (engine, device):
        bundle = open_bundle(arguments.bundle)
        bundle.model.to(device)
        folder, more = Path(arguments.folder), {}
        if bucket is not None:
            mirrored = _mirror(bucket, arguments.out, shown=shown)
            folder, more = mirrored.folder, {"fetched": mirrored.fetched, "unchanged": mirrored.unchanged}
        in_place, must_keep = building and (arguments.in_place or bucket is not None), building or publishing
        gallery = _build(folder, bundle, in_place=in_place, must_keep=must_keep, shown=shown, engine=engine)
        for line in gallery.store_notices:  # the account tells the others
            print(line, file=sys.stderr)
        place = gallery.root
        if index is not None:
            published = _publish(index, bundle, gallery, arguments)
            place, more = index, {"rows": published.rows, "written": published.written, "kind": published.kind}
        elif not building:
            place = _lay_out(gallery, bundle, in_place=arguments.in_place, shown=shown)
        print(f"{place}: {len(gallery)} pictures and {len(gallery.texts)} texts")
        tell(gallery.account)
        answer(
            {
                "path": str(place),
                "pictures": len(gallery),
                "texts": len(gallery.texts),
                **more,
                "notices": gallery.notices,
                "unreadable": gallery.unreadable,
                "account": gallery.account.to_json(),
            }
        )


def _bucket(folder: str, out: Path | None) -> Bucket | None:
    """The bucket that a gallery is built from; None for a folder."""
    if "://" not in folder:
        if out is not None:
            raise InputError(
                "--out goes with pictures in a bucket, s3://BUCKET/FOLDER; the gallery of a folder is that folder, so "
                "leave --out out."
            )
        return None
    bucket = Bucket(folder)
    if out is None:
        raise InputError("The pictures of a bucket are fetched to this disk; say where to with --out FOLDER.")
    check_folder(out)
    return bucket


def _mirror(bucket: Bucket, out: Path, *, shown: bool) -> Mirrored:
    with ProgressBar("fetch", unit="file", shown=shown) as bar, writing(out):
        mirrored = mirror(bucket, out, bar.reach)
    print(f"{mirrored.fetched:,} files fetched, {mirrored.unchanged:,} were there", flush=True)
    return mirrored


def _build(
    folder: Path | ImageFolder, bundle: Bundle, *, in_place: bool, must_keep: bool, shown: bool, engine: Engine
) -> Gallery:
    with ProgressBar("encode", shown=shown) as bar:
        return build_gallery(folder, bundle, bar.reach, in_place=in_place, must_keep=must_keep, engine=engine)


def _publish(index: Address, bundle: Bundle, gallery: Gallery, arguments: Namespace) -> Published:
    with ProgressBar("publish", unit="row", shown=not arguments.quiet) as bar:
        published = publish(index, bundle, gallery, bar.reach, kind=arguments.kind, replace=arguments.replace)
    were_there = published.rows - published.written
    print(f"{published.written:,} rows written, {were_there:,} were there; searched as {published.kind}")
    return published


def _lay_out(gallery: Gallery, bundle: Bundle, *, in_place: bool, shown: bool) -> Path:
    """Keep the layout of a gallery unless it is kept already; returns the file."""
    key = gallery_key(gallery, bundle)
    file = gallery.root / LAYOUT_NAME if in_place else cached_layout(cache_folder(), key)
    points = points_to_lay_out(gallery)
    if read_layout(file, key, len(points)) is None:
        if shown:
            print(f"laying out {len(points):,} points with UMAP, which may take a minute or more", file=sys.stderr)
        check_file(file)
        layout = lay_out(points, progress=shown)
        with writing(file):
            write_layout(file, key, layout)
    return file


if __name__ == "__main__":
    sys.exit(run_command(main))
