"""A report that a reader can check: `python -m algcn.report BUNDLE… --out report.html`.

What each bundle is, its data and settings, how it was selected, its results beside chance, baselines and (on the same
data set) the paper, with the command that measured each. The ending of `--out` says the format: `.html` is one file
that fetches nothing, `.md` has its figures as `.svg` files in the folder NAME_figures beside it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from algcn.command_line import CommandParser, add_bundle, add_out, check_file, open_bundle, writing
from algcn.kit.errors import InputError, run_command
from algcn.kit.files import write_text
from algcn.report import figures, markdown, page
from algcn.report.content import report
from algcn.report.document import Document, Figure
from algcn.report.subject import Subject

FORMATS = (".html", ".md")


def save(document: Document, out: Path) -> list[Path]:
    """Write a report and return its files, the report itself first.

    Raises:
        InputError: The ending is of no format, or the place cannot be written to.
    """
    check_format(out)
    check_file(out)
    with writing(out):
        if out.suffix == ".html":
            write_text(out, page.write(document))
            return [out]
        folder = out.with_name(f"{out.stem}_figures")
        drawn = {
            folder / f"{block.name}.svg": figures.standalone(block.svg)
            for section in document.sections
            for block in section.blocks
            if isinstance(block, Figure)
        }
        for path, svg in drawn.items():
            write_text(path, svg)
        write_text(out, markdown.write(document, folder.name))
    return [out, *drawn]


def check_format(out: Path) -> None:
    """Refuse a name whose ending is of no format.

    Raises:
        InputError: it is neither .html nor .md.
    """
    if out.suffix not in FORMATS:
        raise InputError(f"{str(out)!r} ends in no format of a report; use {' or '.join(FORMATS)}.")


def build_parser() -> CommandParser:
    """The arguments of the command."""
    parser = CommandParser(
        "python -m algcn.report",
        "Write a report on bundles that a reader can check.",
        "weights/mine weights/pocket --out report.html",
    )
    add_bundle(parser, "bundles", many=True, metavar="BUNDLE")
    add_out(parser, f"the report, {' or '.join(FORMATS)}")
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """The command."""
    arguments = build_parser().parse_args(argv)
    check_format(arguments.out)
    check_file(arguments.out)
    subjects = [
        Subject(reference, open_bundle(reference), number)
        for number, reference in enumerate(arguments.bundles, start=1)
    ]
    written = save(report(subjects), arguments.out)
    beside = f" and {len(written) - 1} figures in {written[1].parent}" if len(written) > 1 else ""
    print(f"{arguments.out}: {len(arguments.bundles)} bundle{'s' * (len(arguments.bundles) > 1)}{beside}")


if __name__ == "__main__":
    sys.exit(run_command(main))
