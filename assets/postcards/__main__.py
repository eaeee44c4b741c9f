"""`python -m assets.postcards OUT`: paint a gallery of postcards."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from algcn.kit.errors import run_command
from assets.postcards.gallery import parse_size, write_gallery
from assets.postcards.glyphs import DEFAULT_FONT, GlyphBook


def main(argv: Sequence[str] | None = None) -> None:
    """Parse the arguments and write the image folder."""
    parser = argparse.ArgumentParser(
        prog="python -m assets.postcards",
        description="Paint scenes with emoji, captions and true labels; the same seed gives the same bytes.",
    )
    parser.add_argument("out", metavar="OUT", help="the image folder to write: images/*.webp and metadata.csv")
    parser.add_argument("--count", type=int, default=1200, help="how many scenes (default 1200)")
    parser.add_argument("--seed", type=int, default=7, help="scene i depends on the seed and i alone (default 7)")
    parser.add_argument("--font", default=DEFAULT_FONT, help="NotoColorEmoji.ttf with its 109 px bitmap strike")
    parser.add_argument("--size", default="384x288", help="WIDTHxHEIGHT, 4:3, at most 384x288 (default)")
    arguments = parser.parse_args(argv)

    def progress(done: int) -> None:
        if sys.stderr.isatty() or done == arguments.count or done % 200 == 0:
            end = "\n" if done == arguments.count or not sys.stderr.isatty() else ""
            print(f"\r{done}/{arguments.count} postcards", end=end, file=sys.stderr, flush=True)

    size = parse_size(arguments.size)
    write_gallery(arguments.out, GlyphBook(arguments.font), arguments.count, arguments.seed, size, progress)


if __name__ == "__main__":
    sys.exit(run_command(main))
