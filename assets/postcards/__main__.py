"""`python -m assets.postcards OUT`: paint a gallery of postcards."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from algcn.command_line import CommandParser, add_quiet, add_seed, at_least, check_folder, path, writing
from algcn.kit.errors import run_command
from algcn.kit.progress import ProgressBar
from assets.postcards.gallery import parse_size, write_gallery
from assets.postcards.glyphs import DEFAULT_FONT, GlyphBook

COUNT, SEED, SIZE = 1200, 7, "384x288"


def build_parser() -> CommandParser:
    """The arguments of the command."""
    parser = CommandParser(
        "python -m assets.postcards",
        "Paint scenes with emoji, captions and true labels; the same seed gives the same bytes.",
        "PHOTOS --count 60 --seed 7",
    )
    parser.add_argument(
        "out", metavar="OUT", type=path, help="the image folder to write: images/*.webp and metadata.csv"
    )
    parser.add_argument("--count", type=at_least(1), default=COUNT, help="how many scenes")
    add_seed(parser, SEED, "scene i depends on the seed and i alone")
    parser.add_argument(
        "--font", type=path, default=DEFAULT_FONT, help="NotoColorEmoji.ttf with its 109 px bitmap strike"
    )
    parser.add_argument("--size", default=SIZE, help="WIDTHxHEIGHT, 4:3, at most 384x288")
    add_quiet(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """The command."""
    arguments = build_parser().parse_args(argv)
    size = parse_size(arguments.size)
    check_folder(arguments.out)
    book = GlyphBook(arguments.font)
    with (
        writing(arguments.out),
        ProgressBar("postcards", total=arguments.count, unit="postcard", shown=not arguments.quiet) as bar,
    ):
        write_gallery(arguments.out, book, arguments.count, arguments.seed, size, lambda _: bar.update())


if __name__ == "__main__":
    sys.exit(run_command(main))
